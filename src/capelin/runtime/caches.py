"""The informers of a process: one per kind and namespace, shared by everybody, started when first asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog

from capelin.api.meta import Object, Resource
from capelin.runtime import errors
from capelin.runtime.cache import Cache, Index, KindCache, Scope
from capelin.runtime.client import Client
from capelin.runtime.deadlines import within
from capelin.runtime.informer import Informer
from capelin.runtime.reconcile import Change
from capelin.runtime.seams import Clock, Random

SYNC_TIMEOUT: Final = timedelta(seconds=30)
"""How long a reconcile waits for a kind that is watched for the first time."""

Listener = Callable[[Change, bool], None]
"""Is told each change, and whether it can wait (it comes from a list)."""

Kind = type[Object] | Resource

_log: Any = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CachePlan:
    """What is cached and how it is found.

    `namespaces` empty means all. `labels` are the labels that are indexed in every kind; `scopes` narrow single kinds, by
    `plural.group`; `indexes` add indexes of their own to single kinds.
    """

    namespaces: tuple[str, ...] = ()
    labels: frozenset[str] = frozenset()
    scopes: Mapping[str, Scope] = field(default_factory=dict)
    indexes: Mapping[str, Mapping[str, Index]] = field(default_factory=dict)

    def empty_cache(self, resource: Resource) -> KindCache:
        """Return the cache of a kind before its first list."""
        scope = self.scopes.get(str(resource), Scope())
        namespaces = self.namespaces if resource.namespaced else ()
        return KindCache(
            resource,
            Scope(namespaces, scope.label, scope.metadata_only),
            self.labels,
            self.indexes.get(str(resource), {}),
        )


@dataclass(slots=True)
class _Watched:
    cache: KindCache
    informers: Sequence[Informer]
    listeners: list[Listener] = field(default_factory=list)

    def tell(self, change: Change, can_wait: bool) -> None:
        for listener in self.listeners:
            _tell(listener, change, can_wait)


@dataclass(slots=True)
class Caches:
    """Starts informers and joins what they know in `cache`. Must be run (`run`) for anything to happen."""

    client: Client
    clock: Clock
    random: Random
    plan: CachePlan = CachePlan()
    cache: Cache = field(default_factory=Cache)
    advanced: Callable[[], None] = lambda: None
    """Called whenever any cache has taken a step; the consistency gate sets it."""
    _watched: dict[str, _Watched] = field(default_factory=dict)
    _tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Run the informers asked for so far and later, until cancelled; one that ends is a failure."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for watched in self._watched.values():
                self._start(watched)
            await asyncio.Event().wait()

    def watch(self, kind: Kind) -> None:
        """Cache a kind from now on."""
        self._of(kind)

    def subscribe(self, kind: Kind, listener: Listener) -> None:
        """Tell `listener` every change from now on, and now what is cached already."""
        watched = self._of(kind)
        watched.listeners.append(listener)
        for entry in list(watched.cache.objects.values()):
            _tell(listener, Change(None, entry), True)

    async def synced(self) -> None:
        """Return once every kind asked for so far is cached."""
        for watched in list(self._watched.values()):
            for informer in watched.informers:
                await informer.synced.wait()

    async def ensure(self, kind: Kind) -> KindCache:
        """Return the cache of a kind once it is complete, starting its informer if need be.

        Raises:
            ApiError: the kind could not be listed; the informer keeps trying.
        """
        watched = self._of(kind)
        for informer in watched.informers:
            if not informer.synced.is_set():
                try:
                    await within(self.clock, SYNC_TIMEOUT, informer.attempted.wait())
                except TimeoutError:
                    raise errors.Unreachable(f"{watched.cache.resource}: the first list takes longer than {SYNC_TIMEOUT}") from None
            if not informer.synced.is_set():
                raise informer.failure or errors.Unreachable(f"{watched.cache.resource}: not listed yet")
        return watched.cache

    def refresh(self, resource: Resource) -> None:
        """List a kind again soon, where it is cached."""
        watched = self._watched.get(str(resource))
        for informer in watched.informers if watched else ():
            informer.refresh()

    def _of(self, kind: Kind) -> _Watched:
        resource = kind if isinstance(kind, Resource) else kind.resource
        found = self._watched.get(str(resource))
        return found if found is not None else self._add(resource)

    def _add(self, resource: Resource) -> _Watched:
        kind_cache = self.plan.empty_cache(resource)
        kind_cache.advanced = self._advanced
        self.cache.add(kind_cache)

        def tell(change: Change, can_wait: bool) -> None:
            watched.tell(change, can_wait)

        namespaces = kind_cache.scope.namespaces or ("",)
        informers = [Informer(self.client, kind_cache, tell, self.clock, self.random, namespace) for namespace in namespaces]
        watched = self._watched[str(resource)] = _Watched(kind_cache, informers)
        if self._tasks is not None:
            self._start(watched)
        return watched

    def _advanced(self) -> None:
        self.advanced()

    def _start(self, watched: _Watched) -> None:
        assert self._tasks is not None  # noqa: S101 - only `run` and what follows it come here
        for informer in watched.informers:
            self._tasks.create_task(informer.run(), name=f"informer {watched.cache.resource} {informer.namespace}".rstrip())


def _tell(listener: Listener, change: Change, can_wait: bool) -> None:
    """Call the listener; what it raises is logged, for one odd object must not stop all others."""
    try:
        listener(change, can_wait)
    except Exception as error:
        _log.error("A map function or predicate failed", object=str(change.current.key), exc_info=error)
