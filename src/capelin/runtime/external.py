"""Objects of providers, seen from the object that refers to them: found by contract, adopted once, deleted only when ours.

A reference names group, kind and name in the owner's own namespace; there is no way to name another one. What it leads to is a plain
document (`Unstructured`), read through the field paths of `capelin.api.contract`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from capelin.api.meta import Object, ObjectKey, OwnerReference, Unstructured, owner_reference
from capelin.runtime import codec, errors
from capelin.runtime.client import MERGE_PATCH, Client, Write
from capelin.runtime.contract import ContractError, Contracts
from capelin.runtime.ownership import OwnedByAnother, with_owner, without_owner
from capelin.runtime.patching import note_resource_version
from capelin.runtime.reconcile import Tracker


class Seen(Enum):
    """What is known of an object that is not there to look at; never to be confused."""

    ABSENT = "absent"  # the server says it does not exist
    UNKNOWN = "unknown"  # nobody could look


class Reference(Protocol):
    """Names an object of another provider."""

    @property
    def api_group(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class ExternalObjects:
    """Reads and writes the objects that other objects refer to. `client` reads the cache, `live` the server."""

    client: Client
    live: Client
    contracts: Contracts
    tracker: Tracker

    async def get(self, reference: Reference, namespace: str) -> Unstructured | None:
        """Return the object from the cache, or None when the cache has none; from now on its changes wake its owners.

        Raises:
            ContractError: the kind is no provider's.
            ApiError: its definition could not be read.
        """
        resource = await self.contracts.resource(reference.api_group, reference.kind)
        await self.tracker.track(resource)
        return await self.client.get(resource, ObjectKey(namespace, reference.name))

    async def get_live(self, reference: Reference, namespace: str) -> Unstructured | None:
        """Return the object from the server, or None when it is authoritatively absent.

        Raises:
            ContractError, ApiError: nothing is known.
        """
        resource = await self.contracts.resource(reference.api_group, reference.kind)
        return await self.live.get(resource, ObjectKey(namespace, reference.name))

    async def adopt(self, obj: Unstructured, owner: Object, labels: dict[str, str], *, controller: bool) -> None:
        """Make `owner` an owner of `obj` and give it the labels; writes once, and only what is missing.

        A controller that is the owner's own controller (it created both) hands over; any other keeps the object.

        Providers write their objects just when we first look at them: an object that was written since it was read is read again, once.

        Raises:
            OwnedByAnother: somebody else's object; nothing was written.
            Conflict: somebody else wrote it since, twice, or replaced it.
        """
        try:
            await self._adopt(obj, owner, labels, controller=controller)
        except errors.Conflict:
            current = await self.live.get(obj.resource, obj.key)
            if current is None or current.uid != obj.uid:
                raise
            obj.document = current.document
            await self._adopt(obj, owner, labels, controller=controller)

    async def _adopt(self, obj: Unstructured, owner: Object, labels: dict[str, str], *, controller: bool) -> None:
        metadata = obj.metadata
        found = metadata.owner_references or []
        owners = _handed_over(found, owner) if controller else found
        _refuse_namesakes(owners, owner)
        owners = with_owner(owners, owner_reference(owner, controller=controller))
        missing = {key: value for key, value in labels.items() if (metadata.labels or {}).get(key) != value}
        if owners == found and not missing:
            return
        patch = {
            "metadata": {
                "ownerReferences": [reference.wire() for reference in owners],
                "resourceVersion": metadata.resource_version,
                **({"labels": missing} if missing else {}),
            }
        }
        note_resource_version(obj, await self.client.write(Write("patch", obj.resource, obj.key, "", codec.encode(patch), MERGE_PATCH)))

    async def delete(self, reference: Reference, owner: Object, *, existed: bool) -> bool:
        """Ask for the deletion of the object `owner` refers to and tell whether it is authoritatively gone.

        The decision rests on a live read. Somebody else's object counts as gone: the owner's is. Nobody's is the owner's, though the
        deletion came before the owner could say so. A reference that was never followed because it leads to no provider's kind has
        nothing at its end; but when the object `existed`, a kind that cannot be found is a doubt.

        Raises:
            ContractError: the kind cannot be found any more, so nothing is known.
            ApiError: the object could not be read or adopted, so nothing is known.
        """
        try:
            resource = await self.contracts.resource(reference.api_group, reference.kind)
        except ContractError:
            if existed:
                raise
            return True
        key = ObjectKey(owner.key.namespace, reference.name)
        await self.tracker.track(resource)
        cached = await self.client.get(resource, key)
        if cached is not None and cached.metadata.deletion_timestamp is not None:
            return False
        found = await self.live.get(resource, key)
        if found is None:
            return True
        if not any(reference.uid == owner.uid for reference in found.metadata.owner_references or ()):
            try:
                await self.adopt(found, owner, {}, controller=True)  # whatever becomes of the object then wakes its owner
            except OwnedByAnother:
                return True
        if found.metadata.deletion_timestamp is None:
            try:
                await self.client.delete(resource, key, uid=found.uid, resource_version=found.metadata.resource_version or "")
            except errors.Conflict:
                return False  # changed since the look: that change wakes us
        return False


def _handed_over(references: list[OwnerReference], owner: Object) -> list[OwnerReference]:
    creator = owner.metadata.controller
    return without_owner(references, creator.uid) if creator is not None else references


def _refuse_namesakes(references: list[OwnerReference], owner: Object) -> None:
    """Refuse an object that already belongs to another object of the owner's kind: two would both configure and delete it."""
    kind, group = owner.resource.kind, owner.resource.group
    rival = next((r for r in references if r.kind == kind and r.group == group and r.uid != owner.uid), None)
    if rival is not None:
        raise OwnedByAnother(
            f"found owner {rival.kind} {rival.name} with UID {rival.uid}, allowed is {kind} {owner.key.name} with UID {owner.uid}"
        )
