"""Finalizers: stored before anything else happens, dropped after everything else is gone."""

from __future__ import annotations

from capelin.api.meta import Object, Unstructured
from capelin.runtime import codec
from capelin.runtime.client import MERGE_PATCH, Client, Write
from capelin.runtime.patching import note_resource_version


async def ensure_finalizer(client: Client, obj: Object | Unstructured, finalizer: str) -> bool:
    """Store the finalizer, alone, unless the object has it or is being deleted (then none may be added).

    Returns:
        True when it was just added: return `DONE`, the write wakes the controller again.

    Raises:
        Conflict: somebody else wrote the object since it was read.
    """
    metadata = obj.metadata
    finalizers = list(metadata.finalizers or ())
    if finalizer in finalizers or metadata.deletion_timestamp is not None:
        return False
    patch = {"metadata": {"finalizers": [*finalizers, finalizer], "resourceVersion": metadata.resource_version}}
    answer = await client.write(Write("patch", obj.resource, obj.key, "", codec.encode(patch), MERGE_PATCH))
    _replace(obj, [*finalizers, finalizer])
    note_resource_version(obj, answer)
    return True


def drop_finalizer(obj: Object | Unstructured, finalizer: str) -> None:
    """Take the finalizer off in memory; `patching` sends it last. Nothing happens when it is not there."""
    finalizers = list(obj.metadata.finalizers or ())
    if finalizer in finalizers:
        _replace(obj, [other for other in finalizers if other != finalizer])


def _replace(obj: Object | Unstructured, finalizers: list[str]) -> None:
    if isinstance(obj, Unstructured):
        obj.document.setdefault("metadata", {})["finalizers"] = finalizers
    else:
        obj.metadata.finalizers = finalizers
