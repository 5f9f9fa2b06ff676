"""Deletion: preconditions, finalizers and the three ways to treat dependents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from capelin.apiserver import kinds, statuses, strategy
from capelin.apiserver.asker import Asker
from capelin.apiserver.objects import ATTEMPTS, Objects
from capelin.apiserver.registry import ResourceDefinition
from capelin.apiserver.requests import OPTIONS_VERSION, Target, flag, is_dry_run
from capelin.apiserver.storage.store import Item
from capelin.runtime import codec, errors
from capelin.runtime.codec import Document

ORPHAN_FINALIZER = "orphan"
FOREGROUND_FINALIZER = "foregroundDeletion"

_SHOWN = ("gracePeriodSeconds", "orphanDependents")
_FINALIZER_OF = {"Orphan": ORPHAN_FINALIZER, "Foreground": FOREGROUND_FINALIZER, "Background": ""}


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """What a deletion asks for; `propagation` is empty when it leaves that to the finalizers the object has."""

    propagation: str = ""
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False
    asker: Asker | None = None  # without one it is the server's own, which admission is not asked about
    body: Document = field(default_factory=dict)
    collective: bool = False  # one of a collection: webhooks are not told its name

    def wire(self, kind: str) -> Document:
        """Return the options as webhooks see them."""
        found: Document = {"kind": kind, "apiVersion": OPTIONS_VERSION}
        if self.dry_run:
            found["dryRun"] = ["All"]
        preconditions = {"uid": self.uid, "resourceVersion": self.resource_version}
        if any(preconditions.values()):
            found["preconditions"] = {name: value for name, value in preconditions.items() if value}
        if self.propagation and self.body.get("orphanDependents") is None:
            found["propagationPolicy"] = self.propagation
        return found | {name: self.body[name] for name in _SHOWN if self.body.get(name) is not None}


@dataclass(frozen=True, slots=True)
class Deleted:
    """The outcome of a deletion: the object's state, and whether it is gone already."""

    data: bytes
    gone: bool


def delete_options(body: Document, query: Mapping[str, str], asker: Asker | None = None) -> DeleteOptions:
    """Return the options of a deletion, from its body and its parameters; the body has precedence.

    Raises:
        BadRequest: an option has a value that does not exist.
    """
    propagation = body.get("propagationPolicy") or query.get("propagationPolicy") or ""
    orphan = body.get("orphanDependents")
    if orphan is None and "orphanDependents" in query:
        orphan = flag(query, "orphanDependents")
    if propagation and orphan is not None:
        raise errors.BadRequest("orphanDependents and deletionPropagation cannot be both set")
    if orphan is not None:
        propagation = "Orphan" if orphan else "Background"
    if propagation and propagation not in _FINALIZER_OF:
        raise errors.BadRequest(
            f'propagationPolicy: Unsupported value: "{propagation}": supported values: "Foreground", "Background", "Orphan"'
        )
    preconditions = body.get("preconditions") or {}
    dry_run = body.get("dryRun") or ([query["dryRun"]] if "dryRun" in query else [])
    return DeleteOptions(
        propagation,
        str(preconditions.get("uid") or ""),
        str(preconditions.get("resourceVersion") or ""),
        any([is_dry_run(value) for value in dry_run]),  # noqa: C419 - every value is checked
        asker,
        body,
    )


async def delete(objects: Objects, target: Target, options: DeleteOptions) -> Deleted:
    """Delete the object that `target` names, or mark it deleted when finalizers hold it.

    Raises:
        NotFound: there is no such object.
        Conflict: a precondition fails.
        Forbidden: the object is one that must stay, or a webhook refuses.
    """
    definition, key = target.definition, target.key
    review = objects.reviews.of("DELETE", replace(target, name="") if options.collective else target, options)
    for _ in range(ATTEMPTS):
        item = await objects.current(definition, key)
        old = codec.decode_document(item.data)
        _check_preconditions(definition, old, options)
        if definition.name == kinds.NAMESPACES and key[1] in kinds.PERMANENT_NAMESPACES:
            raise statuses.forbidden(definition, key[1], "this namespace may not be deleted")
        if review is not None:
            await review.permitted({**old, "apiVersion": target.api_version})
            if not await objects.still(definition, item):
                continue
        return await _deleted(objects, definition, item, old, options)
    raise statuses.conflict(definition, key[1])


async def _deleted(objects: Objects, definition: ResourceDefinition, item: Item, old: Document, options: DeleteOptions) -> Deleted:
    finalizers = _finalizers(old["metadata"].get("finalizers") or [], options.propagation)
    marked = strategy.marked_deleted(old, finalizers, now=objects.clock.now())
    if definition.name == kinds.NAMESPACES:
        marked["status"] = {**(marked.get("status") or {}), "phase": "Terminating"}
    if not strategy.pending_finalizers(definition, marked):
        return Deleted(await objects.commit(definition, item.key, old, dry_run=options.dry_run, gone=True), gone=True)
    if strategy.unchanged(old, marked):
        return Deleted(item.data, gone=False)
    return Deleted(await objects.commit(definition, item.key, marked, dry_run=options.dry_run), gone=False)


def _finalizers(present: list[str], propagation: str) -> list[str]:
    """Return the finalizers with the one that stands for the propagation policy, and without that of another policy."""
    if not propagation:
        return present
    wanted = _FINALIZER_OF[propagation]
    kept = [name for name in present if name == wanted or name not in (ORPHAN_FINALIZER, FOREGROUND_FINALIZER)]
    return [*kept, wanted] if wanted and wanted not in kept else kept


def _check_preconditions(definition: ResourceDefinition, old: Document, options: DeleteOptions) -> None:
    meta = old["metadata"]
    if options.uid and options.uid != meta["uid"]:
        found = f"the UID in the precondition ({options.uid}) does not match the UID in record ({meta['uid']})"
        raise statuses.other_object(definition, meta["name"], f"{found}. The object might have been deleted and then recreated")
    revision = options.resource_version
    if revision and revision != meta["resourceVersion"]:
        found = (
            f"the ResourceVersion in the precondition ({revision}) does not match the ResourceVersion in record ({meta['resourceVersion']})"
        )
        raise statuses.other_object(definition, meta["name"], f"{found}. The object might have been modified")
