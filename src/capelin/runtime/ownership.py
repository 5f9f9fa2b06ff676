"""Owner references: who manages an object, and with whom it is deleted.

Objects are recognised by UID, never by name: a namesake of a deleted owner is a stranger. An object has at most one controller, and only an
object that has none may be adopted.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from capelin.api.meta import Object, ObjectMeta, OwnerReference, Unstructured, owner_reference
from capelin.runtime import codec
from capelin.runtime.client import MERGE_PATCH, Client, Write
from capelin.runtime.patching import note_resource_version


class Whose(Enum):
    """Who manages an object, seen from one owner."""

    OURS = "ours"
    NOBODYS = "nobody's"
    STRANGERS = "a stranger's"


class OwnedByAnother(Exception):
    """The object has another controller; the message names both."""


def whose(metadata: ObjectMeta, owner: Object | Unstructured) -> Whose:
    """Return who manages the object with this metadata."""
    controller = metadata.controller
    if controller is None:
        return Whose.NOBODYS
    return Whose.OURS if controller.uid == owner.uid else Whose.STRANGERS


def with_owner(references: Sequence[OwnerReference] | None, wanted: OwnerReference) -> list[OwnerReference]:
    """Return the references with `wanted` in the place of the same owner's (at the end when new); others are left alone.

    Raises:
        OwnedByAnother: `wanted` is a controller reference, and another owner already is the controller.
    """
    found = list(references or ())
    rival = next((r for r in found if r.controller and r.uid != wanted.uid), None)
    if wanted.controller and rival is not None:
        raise OwnedByAnother(f"found controller {rival.kind} {rival.name}, allowed is {wanted.kind} {wanted.name}")
    if any(r.uid == wanted.uid for r in found):
        return [wanted if r.uid == wanted.uid else r for r in found]
    return [*found, wanted]


def without_owner(references: Sequence[OwnerReference] | None, uid: str) -> list[OwnerReference]:
    """Return the references except those to the owner with this UID."""
    return [reference for reference in references or () if reference.uid != uid]


async def adopt(client: Client, obj: Object | Unstructured, owner: Object | Unstructured, *, controller: bool = True) -> bool:
    """Store a reference from `obj` to `owner`, and tell whether that took a write; an object that has it already costs none.

    Raises:
        OwnedByAnother: another owner is the controller.
        Conflict: somebody else wrote `obj` since it was read.
    """
    metadata = obj.metadata
    wanted = with_owner(metadata.owner_references, owner_reference(owner, controller=controller))
    if wanted == list(metadata.owner_references or ()):
        return False
    references = [reference.wire() for reference in wanted]
    patch = {"metadata": {"ownerReferences": references, "resourceVersion": metadata.resource_version}}
    answer = await client.write(Write("patch", obj.resource, obj.key, "", codec.encode(patch), MERGE_PATCH))
    if isinstance(obj, Unstructured):
        obj.document["metadata"]["ownerReferences"] = references
    else:
        obj.metadata.owner_references = wanted
    note_resource_version(obj, answer)
    return True
