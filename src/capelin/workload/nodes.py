"""The Nodes of one workload cluster, kept from one watch and found by provider ID.

What is kept of a Node is a projection: its identity, labels, annotations, taints, conditions and system information. Heartbeats, images and
addresses are left out, so a settled cluster of any size wakes nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from capelin.api.core import Node
from capelin.api.machine import NODE_MACHINE_ANNOTATION
from capelin.runtime import codec, errors
from capelin.runtime.client import Client, Selection
from capelin.runtime.codec import Document
from capelin.runtime.seams import Clock

PAGE: Final = 500
"""Nodes per page of the first list."""

WATCH_SECONDS: Final = 540
"""How long a watch is asked to last, in seconds: servers end it at some time anyway, and below ten minutes nothing in between does."""

FIRST_RETRY: Final = timedelta(seconds=1)
LAST_RETRY: Final = timedelta(seconds=30)
"""Between attempts to list or watch: the connection's own probe decides whether the cluster is there at all."""


class AmbiguousProviderID(errors.ApiError):
    """Several Nodes claim to be the same computer, so none of them can be believed."""


@dataclass(frozen=True, slots=True)
class NodeChange:
    """A Node that appeared, changed in a way that matters, or went; `machine` is the Machine it was linked to, empty before."""

    name: str
    provider_id: str
    machine: str


@dataclass(frozen=True, slots=True)
class _Entry:
    change: NodeChange
    data: bytes  # the projection, without resourceVersion
    resource_version: str


@dataclass(slots=True)
class NodeIndex:
    """What is known of a cluster's Nodes. `changed` is called for each change, `synced` when the first list is complete; both at once."""

    changed: Callable[[NodeChange], None]
    synced: Callable[[], None]
    clock: Clock
    is_synced: bool = False
    problem: str = ""  # why the Nodes could not be read, for people; empty while they can
    _entries: dict[str, _Entry] = field(default_factory=dict)
    _names: dict[str, set[str]] = field(default_factory=dict)  # by provider ID

    def find(self, provider_id: str) -> Node | None:
        """Return a fresh copy of the Node with that provider ID, or None when the cluster has none; ask only when synced.

        Raises:
            AmbiguousProviderID: several Nodes have it.
        """
        names = sorted(self._names.get(provider_id, ()))
        if len(names) > 1:
            raise AmbiguousProviderID(f"found the Nodes {', '.join(names)} with spec.providerID {provider_id}, allowed is one")
        if not names:
            return None
        entry = self._entries[names[0]]
        node = Node.parse(entry.data)
        node.metadata.resource_version = entry.resource_version
        return node

    async def follow(self, client: Client) -> None:
        """Keep the index current until cancelled; failures are retried here."""
        delay = FIRST_RETRY
        while True:
            try:
                version = await self._list(client)
                delay = FIRST_RETRY
                while True:
                    version = await self._watch(client, version)
            except errors.Gone:
                continue  # the history we stood on is gone: list again, at once
            except (errors.ApiError, ValueError) as error:
                self.problem = str(error)
            await self.clock.sleep(delay)
            delay = min(delay * 2, LAST_RETRY)

    async def _list(self, client: Client) -> str:
        """Replace what is known by a consistent list; Nodes that went in the meantime are told as gone."""
        found: set[str] = set()
        token = ""
        while True:
            page = await client.page(Node.resource, Selection(), limit=PAGE, continue_token=token)
            for data in page.items:
                found.add(self._put(data))
            token = page.continue_token
            if not token:
                break
        for name in sorted(self._entries.keys() - found):
            self._remove(name)
        is_first, self.is_synced, self.problem = not self.is_synced, True, ""
        if is_first:
            self.synced()
        return page.resource_version

    async def _watch(self, client: Client, version: str) -> str:
        """Follow the changes after `version` until the server ends the watch; return where to go on."""
        stream = client.stream(Node.resource, Selection(), resource_version=version, timeout_seconds=WATCH_SECONDS)
        async for event in stream:
            document = codec.decode_document(event.data)
            version = document["metadata"]["resourceVersion"]
            if event.type == "DELETED":
                self._remove(document["metadata"]["name"])
            elif event.type != "BOOKMARK":
                self._put(event.data)
        return version

    def _put(self, data: bytes) -> str:
        document = codec.decode_document(data)
        metadata = document["metadata"]
        name = str(metadata["name"])
        entry = _Entry(
            NodeChange(
                name,
                str((document.get("spec") or {}).get("providerID") or ""),
                str((metadata.get("annotations") or {}).get(NODE_MACHINE_ANNOTATION) or ""),
            ),
            codec.canonical(_projected(document)),
            str(metadata["resourceVersion"]),
        )
        old = self._entries.get(name)
        self._forget(name)
        self._entries[name] = entry
        if entry.change.provider_id:
            self._names.setdefault(entry.change.provider_id, set()).add(name)
        if old is None or old.data != entry.data:
            self.changed(entry.change)
        return name

    def _remove(self, name: str) -> None:
        old = self._entries.get(name)
        self._forget(name)
        if old is not None:
            self.changed(old.change)

    def _forget(self, name: str) -> None:
        old = self._entries.pop(name, None)
        if old is None:
            return
        names = self._names.get(old.change.provider_id, set())
        names.discard(name)
        if not names:
            self._names.pop(old.change.provider_id, None)


_METADATA = ("name", "uid", "labels", "annotations", "deletionTimestamp", "creationTimestamp")
_SPEC = ("providerID", "taints", "unschedulable")


def _projected(document: Document) -> Document:
    """Return what of a Node anybody here looks at."""
    metadata, spec, status = document["metadata"], document.get("spec") or {}, document.get("status") or {}
    conditions = [{k: v for k, v in c.items() if k != "lastHeartbeatTime"} for c in status.get("conditions") or ()]
    return {
        "metadata": {name: metadata[name] for name in _METADATA if name in metadata},
        "spec": {name: spec[name] for name in _SPEC if name in spec},
        "status": {"conditions": conditions, **({"nodeInfo": status["nodeInfo"]} if "nodeInfo" in status else {})},
    }
