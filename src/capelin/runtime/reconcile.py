"""What a controller is: a reconciler, what triggers it, and what it may do.

An event says only that something about an object changed. Map functions turn it into the keys of the objects to look at; the reconciler
gets a key and decides from what it reads, never from the event.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol, TypeVar

from capelin.api.meta import Object, ObjectKey, OwnerReference, Resource

O = TypeVar("O", bound=Object)


@dataclass(frozen=True, slots=True)
class Result:
    """What follows a reconcile: nothing (a watch will wake us), or another look after a delay."""

    after: timedelta | None = None


DONE = Result()


class Reconciler(Protocol):
    """Moves one object a step towards its spec."""

    async def reconcile(self, key: ObjectKey) -> Result:
        """Look at the object named `key` and act; safe to repeat, to interrupt and to run on an object that is gone."""


class Entry(Protocol):
    """An object in a cache: its identity decoded, the rest as bytes."""

    @property
    def key(self) -> ObjectKey: ...
    @property
    def uid(self) -> str: ...
    @property
    def resource_version(self) -> str: ...
    @property
    def generation(self) -> int: ...
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def annotations(self) -> Mapping[str, str]: ...
    @property
    def owners(self) -> tuple[OwnerReference, ...]: ...
    @property
    def deleting(self) -> bool: ...
    @property
    def data(self) -> bytes: ...

    def view(self, kind: type[O]) -> O:
        """Return a fresh typed copy."""


class Reader(Protocol):
    """Synchronous reads of the cache, for map functions and predicates."""

    def entry(self, kind: type[Object] | Resource, key: ObjectKey) -> Entry | None:
        """Return the cached object, or None."""

    def entries(
        self, kind: type[Object] | Resource, *, namespace: str = "", labels: Mapping[str, str] | None = None, owner: str = ""
    ) -> Collection[Entry]:
        """Return the cached objects that match; `owner` is an owner's UID. Ordered by key."""


@dataclass(frozen=True, slots=True)
class Change:
    """A cached object before and after: `old` is None for a new one, `new` for a deleted one, never both."""

    old: Entry | None
    new: Entry | None

    @property
    def current(self) -> Entry:
        """The newest state known: for a deleted object its last one."""
        entry = self.new or self.old
        assert entry is not None  # noqa: S101 - the class's own invariant
        return entry


MapFunction = Callable[[Change, Reader], Iterable[ObjectKey]]
Predicate = Callable[[Change], bool]


def itself(change: Change, reader: Reader) -> Iterable[ObjectKey]:  # noqa: ARG001 - the shape of a map function
    """Map an object to itself."""
    return (change.current.key,)


def owner_of(kind: type[Object]) -> MapFunction:
    """Return a map function from an object to those of its owners that are of `kind` (before and after the change)."""
    group, name = kind.resource.group, kind.resource.kind

    def to_owners(change: Change, reader: Reader) -> Iterable[ObjectKey]:  # noqa: ARG001 - the shape of a map function
        found = {
            ObjectKey(entry.key.namespace, owner.name)
            for entry in (change.old, change.new)
            if entry is not None
            for owner in entry.owners
            if owner.kind == name and owner.group == group
        }
        return sorted(found)

    return to_owners


@dataclass(frozen=True, slots=True)
class Watch:
    """A trigger: changes of `kind` that satisfy `when` are mapped to keys of the controller's own kind.

    With `after`, the keys wait that long for further changes, so that many of them cost one pass; what is urgent has a watch of its own.
    """

    kind: type[Object] | Resource
    to: MapFunction
    when: Predicate | None = None
    after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A permission the controller needs on the management cluster, in RBAC's words."""

    groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a controller's `watches.py` declares as `DECLARATION`: everything about it that is not behaviour."""

    name: str  # one lower-case word: the controller's name in logs, metrics, field managers and flags
    kind: type[Object]
    watches: tuple[Watch, ...]
    rules: tuple[Rule, ...]
    workers: int = 10
    caches: tuple[type[Object] | Resource, ...] = field(default=())  # read from the cache without being a trigger


class Tracker(Protocol):
    """Watches kinds that only the objects name: templates, infrastructure, bootstrap configurations of any provider."""

    async def track(self, resource: Resource) -> None:
        """Return once `resource` is cached; from then on its changes wake the objects of our kind that own it. Cheap when already so."""
