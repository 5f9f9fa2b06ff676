"""Write back what a reconcile changed, and nothing else.

`patching` remembers the object as it was read, lets the body change it, and sends the difference: the status first, then metadata and spec,
so that dropping the last finalizer cannot swallow the last status. An unchanged object costs no request. A body that changes the spec can
have it stored at once (`Changes.store_spec`): its status is then one of the new generation, and need not be written again for it.

Lists cannot be merged by a merge patch, they are replaced. Whenever one changes (conditions, finalizers, owner references: others write
them too) the patch therefore carries the resourceVersion that was read, and loses to whoever wrote in between.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from capelin.api.meta import Object, Unstructured
from capelin.runtime import codec, errors
from capelin.runtime.client import MERGE_PATCH, Client, Write
from capelin.runtime.codec import Document

_SERVERS_OWN = frozenset({"uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "selfLink", "managedFields"})


def merge_diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> Document:
    """Return the merge patch (RFC 7386) that turns `before` into `after`: removed keys are null, lists are replaced whole."""
    patch: Document = {key: None for key in before if key not in after}
    for key, new in after.items():
        old = before.get(key)
        if old == new and key in before:
            continue
        patch[key] = merge_diff(old, new) if isinstance(old, Mapping) and isinstance(new, Mapping) else new
    return patch


def touches_list(before: Mapping[str, Any], patch: Mapping[str, Any]) -> bool:
    """Tell whether `patch`, applied to `before`, replaces or removes a list anywhere."""
    for key, new in patch.items():
        old = before.get(key)
        if isinstance(old, list) or isinstance(new, list):
            return True
        inner = new if isinstance(new, Mapping) else old if new is None and isinstance(old, Mapping) else None
        if inner is not None and touches_list(old if isinstance(old, Mapping) else {}, inner):
            return True
    return False


@dataclass(slots=True)
class Changes:
    """What a body has changed in `obj` since it was read, as far as it is not stored yet."""

    client: Client
    obj: Object | Unstructured
    owns: Collection[str]
    _before: Document
    _withholds_status: bool = False

    def withhold_status(self) -> None:
        """Leave the stored status as it is this time: what is new in it will be told together with what follows."""
        self._withholds_status = True

    async def store_spec(self) -> None:
        """Send what has changed in metadata and spec; afterwards `obj` carries the generation that this made.

        Raises:
            Conflict: a list changed, and somebody else wrote the object since it was read.
        """
        after = _snapshot(self.obj)
        patch = merge_diff(_without_status(self._before), _without_status(after))
        if not patch:
            return
        await _send(self.client, self.obj, self._before, patch, "")
        self._before = {**after, "status": self._before.get("status") or {}}

    async def send(self) -> None:
        """Send everything: the status first, so that dropping the last finalizer cannot swallow it."""
        after = self.obj.wire()
        _refuse_strange_conditions(self._before, after, self.owns)
        status = merge_diff({"status": self._before.get("status") or {}}, {"status": after.get("status") or {}})
        rest = merge_diff(_without_status(self._before), _without_status(after))
        try:
            if status and not self._withholds_status:
                await _send(self.client, self.obj, self._before, status, "status")
            if rest:
                await _send(self.client, self.obj, self._before, rest, "")
        except errors.NotFound:
            if not _drops_finalizer(self._before, after):
                raise


@asynccontextmanager
async def patching(client: Client, obj: Object | Unstructured, *, owns: Collection[str] = ()) -> AsyncIterator[Changes]:
    """Send what the body changes in `obj`, whether it succeeds or raises; a cancelled body sends nothing.

    `owns` names the types of the conditions that this controller writes; the others go back as they were read. When the body succeeds,
    `status.observed_generation` is set (where the status has that field). Afterwards `obj` carries the stored resourceVersion.

    Raises:
        Conflict: a list changed, and somebody else wrote the object since it was read.
        ValueError: the body changed a condition that is not in `owns`.
        ExceptionGroup: the body failed, and so did the patch.
    """
    changes = Changes(client, obj, owns, _snapshot(obj))
    try:
        yield changes
    except Exception as failure:
        try:
            await changes.send()
        except Exception as refusal:
            raise ExceptionGroup(f"{obj.resource.kind} {obj.key}: failed, and so did the patch", [failure, refusal]) from None
        raise
    else:
        _observe_generation(obj)
        await changes.send()


def _snapshot(obj: Object | Unstructured) -> Document:
    """Return the object's document, sharing nothing with it."""
    return codec.decode_document(codec.encode(obj.wire())) if isinstance(obj, Unstructured) else obj.wire()


def _observe_generation(obj: Object | Unstructured) -> None:
    status = getattr(obj, "status", None)
    if status is not None and "observed_generation" in type(status).model_fields:
        status.observed_generation = obj.metadata.generation


async def _send(client: Client, obj: Object | Unstructured, before: Document, patch: Document, subresource: str) -> None:
    if touches_list(before, patch):
        patch = {**patch, "metadata": {**patch.get("metadata", {}), "resourceVersion": _resource_version(obj)}}
    write = Write("patch", obj.resource, obj.key, subresource, codec.encode(patch), MERGE_PATCH)
    note_resource_version(obj, await client.write(write))


def _without_status(document: Document) -> Document:
    metadata = {key: value for key, value in (document.get("metadata") or {}).items() if key not in _SERVERS_OWN}
    return {**{key: value for key, value in document.items() if key != "status"}, "metadata": metadata}


def _drops_finalizer(before: Document, after: Document) -> bool:
    old = (before.get("metadata") or {}).get("finalizers") or ()
    new = (after.get("metadata") or {}).get("finalizers") or ()
    return any(finalizer not in new for finalizer in old)


def _refuse_strange_conditions(before: Document, after: Document, owns: Collection[str]) -> None:
    old, new = _conditions(before), _conditions(after)
    strange = sorted(type_ for type_ in old.keys() | new.keys() if type_ not in owns and old.get(type_) != new.get(type_))
    if strange:
        raise ValueError(f"changed the conditions {', '.join(strange)}; owned are {', '.join(sorted(owns)) or 'none'}")


def _conditions(document: Document) -> dict[str, Document]:
    return {condition["type"]: condition for condition in (document.get("status") or {}).get("conditions") or ()}


def _resource_version(obj: Object | Unstructured) -> str | None:
    if isinstance(obj, Unstructured):
        found = (obj.document.get("metadata") or {}).get("resourceVersion")
        return None if found is None else str(found)
    return obj.metadata.resource_version


class _Metadata(msgspec.Struct):
    resourceVersion: str = ""  # noqa: N815 - the name on the wire
    generation: int | None = None


class _Answer(msgspec.Struct):
    metadata: _Metadata


_answer_decoder = msgspec.json.Decoder(_Answer)


def note_resource_version(obj: Object | Unstructured, answer: bytes) -> None:
    """Make `obj` carry resourceVersion and generation of the stored object in `answer`, so that the next precondition is the right one."""
    stored = _answer_decoder.decode(answer).metadata
    if isinstance(obj, Unstructured):
        metadata = obj.document.setdefault("metadata", {})
        metadata["resourceVersion"] = stored.resourceVersion
        if stored.generation is not None:
            metadata["generation"] = stored.generation
    else:
        obj.metadata.resource_version = stored.resourceVersion
        obj.metadata.generation = stored.generation if stored.generation is not None else obj.metadata.generation
