"""Run one controller: its watches feed the queue, its workers reconcile what the queue gives.

A worker takes a key, waits until the caches have seen what this process wrote about that object, and reconciles. What the reconciler
returns or raises decides when the key comes back; whatever it raises is logged once, here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog

from capelin.api.meta import Object, ObjectKey, Resource
from capelin.runtime.caches import Caches
from capelin.runtime.gate import Gate
from capelin.runtime.metrics import ControllerMetrics
from capelin.runtime.outcomes import Failure, asked_pause, classify
from capelin.runtime.queue import ShutDown, WorkQueue
from capelin.runtime.reconcile import Change, Declaration, Reconciler, Result, Watch, owner_of
from capelin.runtime.seams import Clock, Random
from capelin.runtime.tracing import Tracing

RESYNC_INTERVAL: Final = timedelta(minutes=10)
"""Every object is looked at this often although nothing changed, against whatever was overlooked."""

BEHIND_PAUSE: Final = timedelta(seconds=1)
"""When to look again at an object whose own writes the caches have not seen in time."""

TURN: Final = 64
"""Reconciles between two turns of the event loop. One that reads only the cache never waits by itself, and leases and probes must run."""

_log: Any = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OwnedTracker:
    """The `Tracker` of a controller: what it tracks wakes those owners that are of the controller's kind."""

    caches: Caches
    kind: type[Object]
    queue: WorkQueue
    _tracked: set[str] = field(default_factory=set)

    async def track(self, resource: Resource) -> None:
        """Return once `resource` is cached; from then on its changes wake the objects of our kind that own it.

        Raises:
            ApiError: the kind could not be listed; it is tried again meanwhile.
        """
        if str(resource) not in self._tracked:
            self._tracked.add(str(resource))
            self.caches.subscribe(resource, enqueuer(Watch(resource, owner_of(self.kind)), self.caches, self.queue))
        await self.caches.ensure(resource)


def enqueuer(watch: Watch, caches: Caches, queue: WorkQueue) -> Callable[[Change, bool], None]:
    """Return the listener that maps the changes a watch is about to keys in the queue."""

    def enqueue(change: Change, can_wait: bool) -> None:
        if watch.when is None or watch.when(change):
            for key in watch.to(change, caches.cache):
                if watch.after is None or can_wait:
                    queue.add(key, can_wait=can_wait)
                else:
                    queue.add_after(key, watch.after)

    return enqueue


@dataclass(slots=True)
class Controller:
    """One kind's reconciler at work. `only` names a label and the value objects must have to be reconciled at all."""

    declaration: Declaration
    reconciler: Reconciler
    queue: WorkQueue
    caches: Caches
    gate: Gate
    metrics: ControllerMetrics
    tracing: Tracing
    clock: Clock
    random: Random
    only: tuple[str, str] | None = None
    _turn: int = 0

    def watch(self) -> None:
        """Ask for the caches this controller needs, and feed the queue from its watches."""
        self.caches.watch(self.declaration.kind)
        for kind in self.declaration.caches:
            self.caches.watch(kind)
        for watch in self.declaration.watches:
            self.caches.subscribe(watch.kind, enqueuer(watch, self.caches, self.queue))

    async def run(self) -> None:
        """Reconcile until the queue is closed; the caches must be complete."""
        async with asyncio.TaskGroup() as tasks:
            timers = [tasks.create_task(self.queue.run_timers()), tasks.create_task(self._resync())]
            async with asyncio.TaskGroup() as workers:
                for number in range(self.declaration.workers):
                    workers.create_task(self._work(), name=f"{self.declaration.name} {number}")
            for timer in timers:
                timer.cancel()

    async def _work(self) -> None:
        while True:
            try:
                key = await self.queue.get()
            except ShutDown:
                return
            try:
                await self._look_at(key)
            finally:
                self.queue.done(key)
            self._turn += 1
            if self._turn % TURN == 0:
                await self.clock.sleep(timedelta())

    async def _look_at(self, key: ObjectKey) -> None:
        entry = self.caches.cache.entry(self.declaration.kind, key)
        if entry is not None:
            if self.only is not None and entry.labels.get(self.only[0]) != self.only[1]:
                return
            if not await self.gate.caught_up(entry.uid):
                self.queue.add_after(key, BEHIND_PAUSE)
                return
        kind = self.declaration.kind.resource.kind
        with (
            structlog.contextvars.bound_contextvars(controller=self.declaration.name, reconcileID=self.random.uid(), **{kind: str(key)}),
            self.tracing.span(f"reconcile {self.declaration.name}", {"k8s.namespace.name": key.namespace, "k8s.object.name": key.name}),
        ):
            await self._reconcile(key)

    async def _reconcile(self, key: ObjectKey) -> None:
        begun = self.clock.monotonic()
        self.metrics.active.inc()
        try:
            result = await self.reconciler.reconcile(key)
        except Exception as error:
            self._fail(key, error)
        else:
            self._succeed(key, result)
        finally:
            self.metrics.active.dec()
            self.metrics.time.observe(self.clock.monotonic() - begun)

    def _succeed(self, key: ObjectKey, result: Result) -> None:
        self.queue.forget(key)
        if result.after is None:
            self.metrics.results["success"].inc()
        else:
            self.metrics.results["requeue_after"].inc()
            self.queue.add_after(key, result.after)

    def _fail(self, key: ObjectKey, error: Exception) -> None:
        failure = classify(error)
        if failure is Failure.QUIET:
            self.metrics.results["requeue_after"].inc()
            self.queue.retry(key)
            return
        self.metrics.results["error"].inc()
        self.metrics.errors.inc()
        if failure is Failure.TERMINAL:
            self.metrics.terminal.inc()
            self.queue.forget(key)
            _log.error("Reconcile failed, and is not tried again until something changes", exc_info=error)
            return
        pause = self.queue.retry(key, at_least=asked_pause(error))
        _log.error("Reconcile failed", exc_info=error, retryAfterSeconds=pause.total_seconds())

    async def _resync(self) -> None:
        while True:
            await self.clock.sleep(RESYNC_INTERVAL * (1 + self.random.random() / 10))
            for entry in self.caches.cache.entries(self.declaration.kind):
                self.queue.add(entry.key, can_wait=True)
