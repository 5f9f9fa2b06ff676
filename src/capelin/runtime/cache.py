"""What the informers know: objects as bytes, with indexes, read without waiting.

Each kind has its own `KindCache`; kinds advance independently of each other, so that an object one kind refers to may not be here yet.
`Cache` joins them into the `Reader` that map functions and predicates get.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from capelin.api.meta import Object, ObjectKey, Resource
from capelin.runtime.client import Selection
from capelin.runtime.entries import CachedObject, revision
from capelin.runtime.reconcile import Change
from capelin.runtime.selecting import matcher

O = TypeVar("O", bound=Object)

Index = Callable[[CachedObject], Iterable[str]]
"""Returns the values under which an object is found in an index of its own."""


_log: Any = structlog.get_logger(__name__)


class NotCached(LookupError):
    """A kind was read that no informer watches: a mistake in the assembly."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What of a kind is cached.

    `namespaces` empty means all. `label` names a label that objects must have; others are not here, which says nothing about whether they
    exist. With `metadata_only` the bodies are not kept.
    """

    namespaces: tuple[str, ...] = ()
    label: str = ""
    metadata_only: bool = False

    def covers(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Tell whether an object with these properties belongs into the cache."""
        return (not self.namespaces or not namespace or namespace in self.namespaces) and (not self.label or self.label in labels)

    def answers(self, selection: Selection) -> bool:
        """Tell whether everything the selection asks for is here."""
        if self.metadata_only or selection.field_selector:
            return False
        if self.namespaces and selection.namespace not in self.namespaces:
            return False
        return not self.label or self.label in selection.labels


@dataclass(slots=True)
class KindCache:
    """The objects of one kind.

    `revision` is the newest resourceVersion up to which every change of a namespace (key `""` where all are watched together) has been
    seen; `listed` is the mark at which the last complete list of a namespace began. `advanced` is called after every step.
    """

    resource: Resource
    scope: Scope = Scope()
    labels: frozenset[str] = frozenset()
    custom: Mapping[str, Index] = field(default_factory=dict)
    objects: dict[ObjectKey, CachedObject] = field(default_factory=dict)
    revision: dict[str, int] = field(default_factory=dict)
    listed: dict[str, int] = field(default_factory=dict)
    marks: int = 0
    advanced: Callable[[], None] = lambda: None
    _indexes: dict[tuple[str, str], dict[ObjectKey, None]] = field(default_factory=dict)

    def put(self, entry: CachedObject) -> list[Change]:
        """Store an object and return what changed: nothing when it is not newer; two changes when a namesake with another UID was here."""
        old = self.objects.get(entry.key)
        if old is not None and old.uid == entry.uid:
            if revision(entry.resource_version) <= revision(old.resource_version):
                return []
            self._swap(old, entry)
            same = old.body == entry.body and not self.scope.metadata_only
            return [] if same else [Change(old, entry)]
        changes = [] if old is None else [Change(old, None)]
        self._swap(old, entry)
        return [*changes, Change(None, entry)]

    def drop(self, key: ObjectKey, last: CachedObject | None = None) -> list[Change]:
        """Forget an object and return what changed; `last` is its last state, of which a namesake with another UID knows nothing."""
        old = self.objects.get(key)
        if old is None or (last is not None and last.uid != old.uid):
            return []
        self._swap(old, None)
        return [Change(last or old, None)]

    def mark(self) -> int:
        """Return a number larger than all before: a moment in the life of this cache."""
        self.marks += 1
        return self.marks

    def replace(self, namespace: str, entries: Iterable[CachedObject], mark: int) -> list[Change]:
        """Make `entries`, listed since `mark`, all there is (in `namespace`, when it is not empty) and return what changed.

        A list is the truth: what is missing from it was deleted, and what it shows replaces even what seems newer, because a server
        that was restored from a backup starts again from older revisions.
        """
        found = {entry.key: entry for entry in entries}
        changes: list[Change] = []
        for key in [key for key in self.objects if key not in found and (not namespace or key.namespace == namespace)]:
            changes += self.drop(key)
        for entry in found.values():
            old = self.objects.get(entry.key)
            if old is not None and old.uid == entry.uid and revision(entry.resource_version) < revision(old.resource_version):
                self._swap(old, entry)
                changes.append(Change(old, entry))
            else:
                changes += self.put(entry)
        self.listed[namespace] = mark
        return changes

    def advance(self, namespace: str, resource_version: str) -> None:
        """Note that everything up to `resource_version` has been seen."""
        self.revision[namespace] = revision(resource_version)
        self.advanced()

    def has_seen(self, namespace: str, resource_version: str) -> bool:
        """Tell whether the state of a namespace is at least as new as `resource_version`."""
        return self.revision.get(self._part(namespace), -1) >= revision(resource_version)

    def has_listed(self, namespace: str, mark: int) -> bool:
        """Tell whether a list of a namespace has been completed that began after `mark`."""
        return self.listed.get(self._part(namespace), -1) > mark

    def select(self, *, namespace: str = "", labels: Mapping[str, str] | None = None, owner: str = "") -> list[CachedObject]:
        """Return the objects that match all of it, ordered by key."""
        found = (entry for entry in self._candidates(namespace, labels or {}, owner) if not namespace or entry.key.namespace == namespace)
        if labels:
            found = (entry for entry in found if all(entry.labels.get(name) == value for name, value in labels.items()))
        if owner:
            found = (entry for entry in found if any(reference.uid == owner for reference in entry.references))
        return sorted(found, key=_order)

    def indexed(self, index: str, value: str) -> list[CachedObject]:
        """Return the objects that a custom index files under `value`, ordered by key."""
        return sorted(self._at(f"custom:{index}", value), key=_order)

    def _part(self, namespace: str) -> str:
        return namespace if self.scope.namespaces else ""

    def _candidates(self, namespace: str, labels: Mapping[str, str], owner: str) -> Iterable[CachedObject]:
        if owner:
            return self._at("owner", owner)
        narrow = next((name for name in labels if name in self.labels), None)
        if narrow is not None:
            return self._at(f"label:{narrow}", labels[narrow])
        return self._at("namespace", namespace) if namespace else self.objects.values()

    def _at(self, index: str, value: str) -> Iterator[CachedObject]:
        return (self.objects[key] for key in self._indexes.get((index, value), ()))

    def _swap(self, old: CachedObject | None, new: CachedObject | None) -> None:
        entry = new or old
        assert entry is not None  # noqa: S101 - callers pass one of them
        before = self._places(old) if old is not None else set()
        after = self._places(new) if new is not None else set()
        for place in before - after:
            filed = self._indexes[place]
            del filed[entry.key]
            if not filed:
                del self._indexes[place]
        for place in after - before:
            self._indexes.setdefault(place, {})[entry.key] = None
        if new is not None:
            self.objects[entry.key] = new
        else:
            del self.objects[entry.key]

    def _places(self, entry: CachedObject) -> set[tuple[str, str]]:
        places = {("namespace", entry.key.namespace)}
        places.update(("owner", reference.uid) for reference in entry.references)
        places.update((f"label:{name}", entry.labels[name]) for name in self.labels if name in entry.labels)
        for name, index in self.custom.items():
            places.update((f"custom:{name}", value) for value in _values(index, entry))
        return places


@dataclass(slots=True)
class Cache:
    """All cached kinds, as map functions read them."""

    kinds: dict[tuple[str, str], KindCache] = field(default_factory=dict)

    def of(self, kind: type[Object] | Resource) -> KindCache:
        """Return the cache of a kind.

        Raises:
            NotCached: nobody watches it.
        """
        found = self.find(kind)
        if found is None:
            raise NotCached(f"{kind if isinstance(kind, Resource) else kind.resource} is not cached")
        return found

    def find(self, kind: type[Object] | Resource) -> KindCache | None:
        """Return the cache of a kind, or None when nobody watches it."""
        resource = kind if isinstance(kind, Resource) else kind.resource
        return self.kinds.get((resource.group, resource.plural))

    def add(self, kind_cache: KindCache) -> None:
        """Join a kind to the cache."""
        self.kinds[kind_cache.resource.group, kind_cache.resource.plural] = kind_cache

    def entry(self, kind: type[Object] | Resource, key: ObjectKey) -> CachedObject | None:
        """Return the cached object, or None."""
        return self.of(kind).objects.get(key)

    def entries(
        self, kind: type[Object] | Resource, *, namespace: str = "", labels: Mapping[str, str] | None = None, owner: str = ""
    ) -> Collection[CachedObject]:
        """Return the cached objects that match; `owner` is an owner's UID. Ordered by key."""
        return self.of(kind).select(namespace=namespace, labels=labels, owner=owner)

    def view(self, kind: type[O], key: ObjectKey) -> O | None:
        """Return a fresh typed copy of the cached object, or None."""
        found = self.of(kind).objects.get(key)
        return None if found is None else found.view(kind)


def selected(kind_cache: KindCache, selection: Selection) -> list[CachedObject]:
    """Return the objects of a selection without field selector, ordered by key."""
    found = kind_cache.select(namespace=selection.namespace, labels=selection.labels, owner=selection.owner)
    if not selection.label_selector:
        return found
    matches = matcher(selection.label_selector)
    return [entry for entry in found if matches(entry.labels)]


def _order(entry: CachedObject) -> tuple[str, str]:
    return entry.key.namespace, entry.key.name


def _values(index: Index, entry: CachedObject) -> list[str]:
    """Return what an index says; nothing when it fails, for one odd object must not stop all others."""
    try:
        return list(index(entry))
    except Exception as error:
        _log.error("An index failed", object=str(entry.key), exc_info=error)
        return []
