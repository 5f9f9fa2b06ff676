"""The Nodes of one workload cluster, kept from one watch and found by provider ID.

What is kept of a Node is a projection: its identity, labels, annotations, taints, conditions and system information. Heartbeats, images and
addresses are left out, so a settled cluster of any size wakes nobody.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from capelin.api.core import Node
from capelin.api.machine import NODE_MACHINE_ANNOTATION
from capelin.api.meta import ObjectKey, Resource
from capelin.runtime import codec, errors
from capelin.runtime.cache import KindCache
from capelin.runtime.client import Client, Page, Selection, WatchEvent, Write
from capelin.runtime.codec import Document
from capelin.runtime.entries import CachedObject
from capelin.runtime.informer import Informer
from capelin.runtime.reconcile import Change
from capelin.runtime.seams import Clock, Random

_PROVIDER_ID: Final = "providerID"


class AmbiguousProviderID(errors.ApiError):
    """Several Nodes claim to be the same computer, so none of them can be believed."""


@dataclass(frozen=True, slots=True)
class NodeChange:
    """A Node that appeared, changed in a way that matters, or went; `machine` is the Machine it was linked to, empty before."""

    name: str
    provider_id: str
    machine: str


class NodeIndex:
    """What is known of a cluster's Nodes. `changed` is called for each change, as soon as it is known."""

    def __init__(self, client: Client, changed: Callable[[NodeChange], None], clock: Clock, random: Random) -> None:
        self._cache = KindCache(Node.resource, custom={_PROVIDER_ID: _provider_ids})
        self._informer = Informer(_Projecting(client), self._cache, self._tell, clock, random)
        self._changed = changed

    @property
    def failure(self) -> Exception | None:
        """Why the Nodes are not known; None when they are, or when nothing has failed yet."""
        return self._informer.failure

    @property
    def is_synced(self) -> bool:
        """True once all Nodes have been listed."""
        return self._informer.synced.is_set()

    async def synced(self) -> None:
        """Return once all Nodes have been listed."""
        await self._informer.synced.wait()

    async def run(self) -> None:
        """Keep the index current until cancelled; failures are retried here."""
        await self._informer.run()

    def find(self, provider_id: str) -> Node | None:
        """Return a fresh copy of the Node with that provider ID, or None when the cluster has none; ask only when synced.

        Raises:
            AmbiguousProviderID: several Nodes have it.
        """
        found = self._cache.indexed(_PROVIDER_ID, provider_id)
        if len(found) > 1:
            names = ", ".join(entry.key.name for entry in found)
            raise AmbiguousProviderID(f"found the Nodes {names} with spec.providerID {provider_id}, allowed is one")
        return found[0].view(Node) if found else None

    def _tell(self, change: Change, can_wait: bool) -> None:  # noqa: ARG002 - the shape an informer wants
        entry = change.current
        spec = codec.decode_document(entry.data).get("spec") or {}
        self._changed(NodeChange(entry.key.name, str(spec.get("providerID") or ""), entry.annotations.get(NODE_MACHINE_ANNOTATION, "")))


def _provider_ids(entry: CachedObject) -> Iterable[str]:
    found = (codec.decode_document(entry.body).get("spec") or {}).get("providerID")
    return (str(found),) if found else ()


_METADATA: Final = (
    "name",
    "uid",
    "resourceVersion",
    "labels",
    "annotations",
    "creationTimestamp",
    "deletionTimestamp",
)
_SPEC: Final = ("providerID", "taints", "unschedulable")


def projected(data: bytes) -> bytes:
    """Return what of a Node anybody here looks at, as JSON.

    Raises:
        DecodeError: this is no Node. A workload cluster may be anybody's: what it sends must not upset what we do for others.
    """
    document = codec.decode_document(data)
    metadata, spec, status = (_object(document.get(part)) for part in ("metadata", "spec", "status"))
    _revision(metadata.get("resourceVersion"))
    for tags in (_object(metadata.get("labels")), _object(metadata.get("annotations"))):
        if not all(isinstance(value, str) for value in tags.values()):
            raise codec.DecodeError("not a Node: found a label or annotation that is no text")
    reported = status.get("conditions") or []
    if not isinstance(reported, list):
        raise codec.DecodeError(f"not a Node: found conditions of type {type(reported).__name__}, allowed is a list")
    conditions = [{name: value for name, value in _object(c).items() if name != "lastHeartbeatTime"} for c in reported]
    kept: Document = {"metadata": {name: metadata[name] for name in _METADATA if name in metadata}}
    kept["spec"] = {name: spec[name] for name in _SPEC if name in spec}
    kept["status"] = {"conditions": conditions, **({"nodeInfo": status["nodeInfo"]} if "nodeInfo" in status else {})}
    return codec.encode(kept)


def _object(found: object) -> Document:
    if not isinstance(found, dict | None):
        raise codec.DecodeError(f"not a Node: found {type(found).__name__}, allowed is an object")
    return found or {}


def _revision(found: object) -> str:
    if not isinstance(found, str) or not found.isdecimal():
        raise codec.DecodeError("not a Node: found a resourceVersion that is no number")
    return found


@dataclass(frozen=True, slots=True)
class _Projecting(Client):
    """A client whose lists and watches of Nodes bring projections."""

    whole: Client

    async def read(self, resource: Resource, key: ObjectKey) -> bytes:
        return projected(await self.whole.read(resource, key))

    async def page(
        self, resource: Resource, selection: Selection, *, limit: int = 0, continue_token: str = "", resource_version: str = ""
    ) -> Page:
        page = await self.whole.page(resource, selection, limit=limit, continue_token=continue_token, resource_version=resource_version)
        return Page([projected(item) for item in page.items], _revision(page.resource_version), page.continue_token)

    async def write(self, write: Write) -> bytes:
        return await self.whole.write(write)

    async def stream(
        self, resource: Resource, selection: Selection, *, resource_version: str, timeout_seconds: int
    ) -> AsyncIterator[WatchEvent]:
        stream = self.whole.stream(resource, selection, resource_version=resource_version, timeout_seconds=timeout_seconds)
        async with aclosing(stream) as events:  # type: ignore[type-var]  # every stream is an async generator
            async for event in events:
                yield WatchEvent(event.type, projected(event.data))
