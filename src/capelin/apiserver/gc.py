"""Garbage collection: an object whose owners are all gone is deleted.

The collector follows the store and remembers who depends on whom, by UID. It decides from what is stored, never from what it remembers: an
owner is absent when the object of that name is not there or has another UID. An owner of a kind that is not served, or in a place the
dependent may not refer to, is unknown, and unknown is not absent.
"""

from __future__ import annotations

from enum import Enum

from capelin.apiserver import strategy
from capelin.apiserver.asker import Asker, controller
from capelin.apiserver.background import Background
from capelin.apiserver.deletion import FOREGROUND_FINALIZER, ORPHAN_FINALIZER, DeleteOptions, delete
from capelin.apiserver.objects import Objects
from capelin.apiserver.registry import ResourceDefinition
from capelin.apiserver.requests import Target
from capelin.apiserver.storage.heads import Owner
from capelin.apiserver.storage.store import Event, Item, Key
from capelin.runtime import codec
from capelin.runtime.codec import Document

_USER = controller("generic-garbage-collector")
_OWNERS = b'"ownerReferences"'

Place = tuple[str, Key]
"""A resource's name and the key of one of its objects."""


class _Seen(Enum):
    PRESENT = "present"
    WAITING = "waiting"  # being deleted in the foreground: it waits for its dependents
    ABSENT = "absent"


class GarbageCollector:
    """Deletes what nobody owns any more, and finishes deletions that wait for dependents."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._dependents: dict[str, set[Place]] = {}
        self._work: Background[Place] = Background(self._attempt, objects.clock)

    def start(self) -> None:
        """Look at everything that is stored, and at every change from now on."""
        store = self._objects.store
        for resource in store.resources():
            for item in store.items(resource):
                self._learn((resource, item.key), None, item)
        store.listeners.append(self._observe)

    async def stop(self) -> None:
        """Abandon what is under way."""
        await self._work.stop()

    # -- what depends on what ---------------------------------------------------------------------------------------------------

    def _observe(self, event: Event) -> None:
        place = (event.resource, event.item.key)
        if event.type != "DELETED":
            self._learn(place, event.previous, event.item)
            return
        last = event.previous or event.item
        self._forget(place, _owners(last))
        for dependent in self._dependents.get(last.head.uid, ()) if self._dependents else ():
            self._work.add(dependent)

    def _learn(self, place: Place, previous: Item | None, item: Item) -> None:
        before = _owners(previous) if previous is not None else []
        now = _owners(item)
        if before != now:
            self._forget(place, before)
            for owner in now:
                self._dependents.setdefault(owner.uid, set()).add(place)
            if now:
                self._work.add(place)
        if b'"deletionTimestamp"' in item.data and _awaits_collector(item):
            self._work.add(place)

    def _forget(self, place: Place, owners: list[Owner]) -> None:
        for owner in owners:
            places = self._dependents.get(owner.uid)
            if places is None:
                continue
            places.discard(place)
            if not places:
                del self._dependents[owner.uid]
            found = self._owner(place[1][0], owner)
            if found is not None and found[1] is not None and _awaits_collector(found[1]):
                self._work.add((found[0].name, found[1].key))

    def _owner(self, namespace: str, owner: Owner) -> tuple[ResourceDefinition, Item | None] | None:
        """Return the owner's resource and the owner (None: it is absent), or None when nothing can be known about it."""
        definition = self._objects.registry.find_kind(owner.group, owner.kind)
        if definition is None or (definition.namespaced and not namespace):
            return None
        item = self._objects.store.latest(definition.name, (namespace if definition.namespaced else "", owner.name))
        return definition, item if item is not None and item.head.uid == owner.uid else None

    # -- what to do -------------------------------------------------------------------------------------------------------------

    async def _attempt(self, place: Place) -> None:
        resource, key = place
        item = self._objects.store.latest(resource, key)
        definition = self._objects.registry.named(resource)
        if item is None or definition is None:
            return
        if item.head.deletion_timestamp is None:
            await self._collect(definition, item)
        elif FOREGROUND_FINALIZER in (item.head.finalizers or ()):
            await self._finish_foreground(definition, item)
        elif ORPHAN_FINALIZER in (item.head.finalizers or ()):
            await self._orphan(definition, item)

    async def _collect(self, definition: ResourceDefinition, item: Item) -> None:
        """Delete the object if no owner holds it; drop references to owners that are gone if one does."""
        seen = {owner.uid: self._seen(item, owner) for owner in item.head.owners}
        if not seen or all(found is _Seen.PRESENT for found in seen.values()):
            return
        if _Seen.PRESENT in seen.values():
            await self._drop_references(definition, item, {uid for uid, found in seen.items() if found is not _Seen.PRESENT})
            return
        waited_for = _Seen.WAITING in seen.values() and bool(self._dependents.get(item.head.uid))
        options = DeleteOptions("Foreground" if waited_for else "", uid=item.head.uid, asker=Asker(_USER))
        await delete(self._objects, Target.stored("delete", definition, item.key), options)

    def _seen(self, item: Item, owner: Owner) -> _Seen:
        found = self._owner(item.key[0], owner)
        if found is None:
            return _Seen.PRESENT
        present = found[1]
        if present is None:
            return _Seen.ABSENT
        waits = present.head.deletion_timestamp is not None and FOREGROUND_FINALIZER in (present.head.finalizers or ())
        return _Seen.WAITING if waits else _Seen.PRESENT

    async def _finish_foreground(self, definition: ResourceDefinition, item: Item) -> None:
        """Delete the dependents, and let the owner go once none is left that blocks it."""
        blocked = False
        for resource, key in tuple(self._dependents.get(item.head.uid, ())):
            dependent = self._objects.store.latest(resource, key)
            if dependent is None:
                continue
            self._work.add((resource, key))
            blocked |= any(owner.uid == item.head.uid and owner.block_owner_deletion for owner in dependent.head.owners)
        if not blocked:
            await self._drop_finalizer(definition, item, FOREGROUND_FINALIZER)

    async def _orphan(self, definition: ResourceDefinition, item: Item) -> None:
        """Take the owner out of its dependents, then let it go."""
        for resource, key in tuple(self._dependents.get(item.head.uid, ())):
            dependent = self._objects.store.latest(resource, key)
            found = self._objects.registry.named(resource)
            if dependent is not None and found is not None:
                await self._drop_references(found, dependent, {item.head.uid})
        await self._drop_finalizer(definition, item, ORPHAN_FINALIZER)

    async def _drop_references(self, definition: ResourceDefinition, item: Item, uids: set[str]) -> None:
        document = self._latest(definition, item)
        kept = [owner for owner in document["metadata"].get("ownerReferences") or [] if owner.get("uid") not in uids]
        await self._settle(definition, item.key, document, "ownerReferences", kept)

    async def _drop_finalizer(self, definition: ResourceDefinition, item: Item, finalizer: str) -> None:
        document = self._latest(definition, item)
        kept = [name for name in document["metadata"].get("finalizers") or [] if name != finalizer]
        await self._settle(definition, item.key, document, "finalizers", kept)

    def _latest(self, definition: ResourceDefinition, item: Item) -> Document:
        return codec.decode_document(self._objects.latest(definition, item.key).data)

    async def _settle(self, definition: ResourceDefinition, key: Key, document: Document, field: str, kept: list[object]) -> None:
        meta = {name: value for name, value in document["metadata"].items() if name != field}
        if kept:
            meta[field] = kept
        changed = {**document, "metadata": meta}
        if not strategy.unchanged(document, changed):
            await self._objects.settle(definition, key, changed)


def _owners(item: Item) -> list[Owner]:
    return item.head.owners if _OWNERS in item.data else []


def _awaits_collector(item: Item) -> bool:
    """Tell whether the object is being deleted and one of our finalizers holds it."""
    held = item.head.finalizers or ()
    return item.head.deletion_timestamp is not None and (FOREGROUND_FINALIZER in held or ORPHAN_FINALIZER in held)
