"""Server-side apply, and the ownership that other writes take.

Pure functions on documents, after k8s.io/apimachinery/pkg/util/managedfields and sigs.k8s.io/structured-merge-diff: an applied object is
merged into the live one, fields that its owner no longer applies and nobody else owns go, and a field that another owner set differently is
a conflict. https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from capelin.runtime import codec
from capelin.runtime.codec import Document
from capelin.runtime.documents import fieldset, managedfields, typed
from capelin.runtime.documents.comparison import Comparison, compare
from capelin.runtime.documents.documents import identical
from capelin.runtime.documents.fieldset import Fields
from capelin.runtime.documents.fieldtypes import DEDUCED, Type
from capelin.runtime.documents.managedfields import Manager, Owners, Ownership, manager_of, with_entries
from capelin.runtime.documents.objectmeta import ANNOTATIONS_LIMIT
from capelin.runtime.errors import BadRequest, Cause, Conflict, ServerError


class Untyped(ServerError):
    """The applied object does not fit the schema. kube-apiserver has no word for this reason, and clients print what it has."""

    reason = ""


UNTRACKED: Final[Fields] = {
    "f:apiVersion": {},
    "f:kind": {},
    "f:metadata": {
        ".": {},
        **{
            f"f:{name}": {}
            for name in (
                "name",
                "namespace",
                "creationTimestamp",
                "selfLink",
                "uid",
                "clusterName",
                "generation",
                "managedFields",
                "resourceVersion",
            )
        },
    },
}
"""Fields that nobody owns: they identify the object or belong to the server."""

RESET_STATUS: Final[Fields] = {"f:status": {}}
"""What a write to the object itself leaves alone when the kind has a status subresource."""
RESET_ALL_BUT_STATUS: Final[Fields] = {"f:metadata": {}, "f:spec": {}}
"""What a write to the status subresource leaves alone."""

BEFORE_FIRST_APPLY: Final = "before-first-apply"
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_KUBECTL: Final = "kubectl"


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, how and when.

    `api_version` is that of the request; `reset` are the fields that this endpoint leaves alone; `versions` are those the kind is served in
    (owners of others are forgotten; None keeps all).
    """

    manager: str
    api_version: str
    now: datetime
    subresource: str = ""
    reset: Fields = field(default_factory=dict)
    versions: Collection[str] | None = None

    @property
    def time(self) -> str:
        """`now` as managed fields carry it."""
        return self.now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def apply(live: Document | None, applied: Document, writer: Writer, *, type_: Type = DEDUCED, force: bool = False) -> Document:
    """Return the object after `applied` was applied to `live` (None: it is created), with its managed fields.

    The result is not yet defaulted or validated. It is `live` itself when nothing changed, ownership included.

    Raises:
        BadRequest: `applied` has another version than the request, or names managed fields.
        ServerError: `applied` does not fit the schema, or the object's managed fields are damaged.
        Conflict: other owners set fields to other values, and `force` is not given; the message and the causes name them all.
    """
    _check(applied, writer, type_)
    base, owners = _starting_point(live, applied, writer, type_)
    manager = manager_of(writer.manager, "Apply", writer.api_version, writer.subresource)
    last = owners.get(manager)
    wanted = fieldset.without(typed.fields_of(applied, type_), writer.reset)
    owners[manager] = Ownership(wanted, writer.api_version, last.time if last else "")
    result = typed.merge(base, applied, type_)
    if last is not None:
        result = _without_abandoned(result, last.fields, owners, type_)
    found = _compared(base, result, type_, writer.reset)
    changed = fieldset.union(found.modified, found.added)
    conflicts = _conflicts(owners, manager, changed)
    if conflicts and not force:
        conflicts = _unexcused(conflicts, base, writer, type_)
        if conflicts:
            raise _conflict(conflicts)
    owners = _moved(owners, manager, fieldset.union(changed, found.removed))
    if not identical(result, base):
        owners = _touched(owners, manager, writer)
    if writer.manager == _KUBECTL:
        result = _with_last_applied(result, applied)
    return _finished(live, result, _without_untracked(owners, manager))


def track_update(old: Document | None, new: Document, writer: Writer, *, type_: Type = DEDUCED) -> Document:
    """Return `new`, which a create, update or patch is about to store in the place of `old`, with its managed fields.

    What differs from `old` now belongs to the writer; who owned it before loses it. Objects whose managed fields were reset stay untracked
    until they are applied.
    """
    owners = _owners_of_update(old, new, writer)
    if not owners and old is not None:
        return with_entries(new, [])
    owners = _current(owners, writer, type_)
    base = old if old is not None else _empty(new)
    found = _compared(base, with_entries(new, []), type_, writer.reset)
    changed = fieldset.union(found.modified, found.added)
    owners = _moved(owners, None, fieldset.union(changed, found.removed))
    mine = fieldset.difference(changed, UNTRACKED)
    if mine:
        manager = manager_of(writer.manager, "Update", writer.api_version, writer.subresource)
        before = owners.get(manager)
        owners[manager] = Ownership(fieldset.union(before.fields, mine) if before else mine, writer.api_version, writer.time)
    return _finished(None, new, managedfields.capped(owners))


def _check(applied: Document, writer: Writer, type_: Type) -> None:
    version, kind = applied.get("apiVersion") or "", applied.get("kind")
    typed_as = f"{version if '/' in version else '/' + version}, Kind={kind}"
    if version != writer.api_version:
        raise BadRequest(f"invalid object type: {typed_as}")
    metadata = applied.get("metadata") or {}
    if metadata.get("managedFields") is not None:
        raise BadRequest("metadata.managedFields must be nil")
    if errors := typed.check(applied, type_):
        sentence = errors[0] if len(errors) == 1 else "\n  ".join(["errors:", *errors])
        name = f"{metadata.get('namespace') or ''}/{metadata.get('name') or ''}; {typed_as}"
        raise Untyped(f"failed to create typed patch object ({name}): {sentence}")


def _starting_point(live: Document | None, applied: Document, writer: Writer, type_: Type) -> tuple[Document, Owners]:
    """Return the object that `applied` is merged into, and the owners of its fields."""
    if live is None:
        return _empty(applied), {}
    try:
        owners = managedfields.decode((live.get("metadata") or {}).get("managedFields"))
    except ValueError as error:
        raise ServerError(f"failed to decode managed fields: {error}") from error
    if not owners:
        everything = _compared(_empty(live), live, type_, writer.reset).added
        mine = fieldset.difference(everything, UNTRACKED)
        if mine:
            manager = manager_of(BEFORE_FIRST_APPLY, "Update", writer.api_version, writer.subresource)
            owners[manager] = Ownership(mine, writer.api_version, writer.time)
    return live, _current(owners, writer, type_)


def _empty(document: Document) -> Document:
    return {"apiVersion": document.get("apiVersion"), "kind": document.get("kind")}


def _current(owners: Owners, writer: Writer, type_: Type) -> Owners:
    """Return the owners whose version is still served, with their fields as the schema has them today."""
    result: Owners = {}
    for manager, owned in owners.items():
        if writer.versions is not None and owned.api_version not in writer.versions:
            continue
        fields = typed.reconciled(owned.fields, type_)
        result[manager] = owned if fields is owned.fields else replace(owned, fields=fields, entry=None)
    return result


def _owners_of_update(old: Document | None, new: Document, writer: Writer) -> Owners:
    """Return the owners that a request names, else those of the old object: clients that know nothing of owners do not delete them."""
    metadata = new.get("metadata") or {}
    before = (old.get("metadata") or {}).get("managedFields") if old else None
    if not writer.subresource:
        if managedfields.is_reset(metadata):
            return {}
        entries = metadata.get("managedFields")
        if entries and entries != before:
            try:
                return managedfields.decode_foreign(entries)
            except ValueError:
                pass
    try:
        return managedfields.decode(before)
    except ValueError:
        return {}


def _compared(old: Document, new: Document, type_: Type, reset: Fields) -> Comparison:
    found = compare(old, new, type_)
    return Comparison(*(fieldset.without(fields, reset) for fields in (found.added, found.modified, found.removed)))


def _without_abandoned(merged: Document, last: Fields, owners: Owners, type_: Type) -> Document:
    """Return the object without what its applier applied the last time and nobody owns any more."""
    owned: Fields = {}
    for ownership in owners.values():
        owned = fieldset.union(owned, ownership.fields)
    if not fieldset.difference(last, owned):
        return merged
    abandoned = fieldset.difference(typed.with_named_parents(last, type_), typed.with_named_parents(owned, type_))
    present = typed.with_named_parents(typed.fields_of(merged, type_), type_)
    remaining = typed.remove(merged, fieldset.intersection(abandoned, present), type_)
    return {} if remaining is typed.ABSENT else remaining


def _conflicts(owners: Owners, manager: Manager, changed: Fields) -> dict[Manager, Fields]:
    found = {other: fieldset.intersection(owned.fields, changed) for other, owned in owners.items() if other != manager}
    return {other: fields for other, fields in found.items() if fields}


def _unexcused(conflicts: dict[Manager, Fields], live: Document, writer: Writer, type_: Type) -> dict[Manager, Fields]:
    """Return the conflicts without those that kubectl has with its own client-side apply.

    Fields that still are as the last-applied annotation says were set by the same person with the same tool.
    """
    metadata = live.get("metadata") or {}
    text = (metadata.get("annotations") or {}).get(LAST_APPLIED)
    if writer.manager != _KUBECTL or not text:
        return conflicts
    try:
        last = codec.decode_document(text)
    except codec.DecodeError:
        return conflicts
    if last.get("apiVersion") != writer.api_version or typed.check(last, type_):
        return conflicts
    found = compare(last, live, type_)
    allowed = typed.fields_of(last, type_)
    for different in (found.modified, found.added, found.removed):
        allowed = fieldset.difference(allowed, different)
    remaining = {manager: fieldset.difference(fields, allowed) for manager, fields in conflicts.items()}
    return {manager: fields for manager, fields in remaining.items() if fields}


def _conflict(conflicts: Mapping[Manager, Fields]) -> Conflict:
    named = [(str(manager), fieldset.shown(path)) for manager in sorted(conflicts) for path in fieldset.paths(conflicts[manager])]
    causes = [Cause(path, f"conflict with {manager}", "FieldManagerConflict") for manager, path in named]
    if len(named) == 1:
        ((manager, path),) = named
        return Conflict(f"Apply failed with 1 conflict: conflict with {manager}: {path}", causes=causes)
    lines = []
    for manager in dict.fromkeys(manager for manager, _ in named):
        lines += [f"conflicts with {manager}:", *(f"- {path}" for owner, path in named if owner == manager)]
    return Conflict(f"Apply failed with {len(named)} conflicts: " + "\n".join(lines), causes=causes)


def _moved(owners: Owners, manager: Manager | None, taken: Fields) -> Owners:
    """Return the owners after everyone but `manager` lost what was `taken`; who has nothing left is gone."""
    result: Owners = {}
    for other, owned in owners.items():
        lost = other != manager and fieldset.intersection(owned.fields, taken)
        left = Ownership(fieldset.difference(owned.fields, taken), owned.api_version, owned.time) if lost else owned
        if left.fields:
            result[other] = left
    return result


def _touched(owners: Owners, manager: Manager, writer: Writer) -> Owners:
    return {other: replace(owned, time=writer.time, entry=None) if other == manager else owned for other, owned in owners.items()}


def _without_untracked(owners: Owners, manager: Manager) -> Owners:
    owned = owners.get(manager)
    if owned is None:
        return owners
    fields = fieldset.difference(owned.fields, UNTRACKED)
    others = {other: ownership for other, ownership in owners.items() if other != manager}
    return {**others, manager: replace(owned, fields=fields, entry=None)} if fields else others


def _with_last_applied(result: Document, applied: Document) -> Document:
    """Return the object with kubectl's client-side annotation brought up to date, if it has one.

    Otherwise the next client-side apply would undo what was applied here. An annotation too large to be stored is left out.
    """
    metadata: Mapping[str, Any] = result.get("metadata") or {}
    annotations: Mapping[str, str] = metadata.get("annotations") or {}
    if not annotations.get(LAST_APPLIED):
        return result
    theirs = applied.get("metadata") or {}
    kept = {name: value for name, value in (theirs.get("annotations") or {}).items() if name != LAST_APPLIED}
    bare = {**theirs, "annotations": kept} if "annotations" in theirs else theirs
    changed = {**annotations, LAST_APPLIED: codec.canonical({**applied, "metadata": bare}).decode() + "\n"}
    if sum(len(name.encode()) + len(value.encode()) for name, value in changed.items()) > ANNOTATIONS_LIMIT:
        del changed[LAST_APPLIED]
    return {**result, "metadata": {**metadata, "annotations": changed}}


def _finished(live: Document | None, result: Document, owners: Owners) -> Document:
    entries = managedfields.encode(owners)
    finished = with_entries(result, entries)
    return live if live is not None and identical(live, finished) else finished
