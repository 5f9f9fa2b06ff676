"""Run controllers together: caches first, then leadership, then work; and stop in good order.

Whatever runs until the end is a task of one group. A task that ends by itself would leave a program that looks alive and does nothing,
so it brings the whole manager down, and its supervisor starts a new one.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog

from capelin.api.meta import ObjectKey
from capelin.runtime.cachedclient import CachedClient
from capelin.runtime.caches import CachePlan, Caches
from capelin.runtime.client import Client
from capelin.runtime.controller import Controller, OwnedTracker
from capelin.runtime.deadlines import within
from capelin.runtime.events import EventRecorder
from capelin.runtime.fence import Fence
from capelin.runtime.gate import Gate
from capelin.runtime.gatedclient import GatedClient
from capelin.runtime.leases import Election, Terms
from capelin.runtime.metrics import Metrics
from capelin.runtime.queue import WorkQueue
from capelin.runtime.reconcile import Declaration, Reconciler
from capelin.runtime.seams import Clock, Random
from capelin.runtime.tracing import NoTracing, Tracing

FINISH_WITHIN: Final = timedelta(seconds=8)
"""How long reconciles under way may take to end after a stop was asked; with the release of the lease it makes ten seconds."""

_log: Any = structlog.get_logger(__name__)


class EndedByItself(Exception):
    """A task that should run until the manager stops has returned."""


def freeze_memory() -> None:
    """Take what is in memory now out of garbage collection: after the first sync nearly all of it stays for ever."""
    gc.collect()
    gc.freeze()


@dataclass(frozen=True, slots=True)
class Settings:
    """What a manager is told.

    `lease` names the lease to lead by (None: lead at once) and `identity` this process in it. `only` names a label and the value objects
    must have to be reconciled. `after_sync` is called once when the caches are complete.
    """

    component: str = "capelin"
    plan: CachePlan = field(default_factory=CachePlan)
    only: tuple[str, str] | None = None
    lease: ObjectKey | None = None
    identity: str = ""
    terms: Terms = field(default_factory=Terms)
    after_sync: Callable[[], None] = freeze_memory


@dataclass(slots=True)
class Manager:
    """Controllers over one API server.

    `client` reads from the caches and writes to the server; `live` reads the server. Both write only while this process leads.
    """

    server: Client
    clock: Clock
    random: Random
    settings: Settings = Settings()
    metrics: Metrics = field(default_factory=Metrics)
    tracing: Tracing = field(default_factory=NoTracing)
    live: GatedClient = field(init=False)
    caches: Caches = field(init=False)
    client: CachedClient = field(init=False)
    recorder: EventRecorder = field(init=False)
    _gate: Gate = field(init=False)
    _fence: Fence = field(init=False)
    _controllers: dict[str, Controller] = field(default_factory=dict)
    _queues: dict[str, WorkQueue] = field(default_factory=dict)
    _trackers: dict[str, OwnedTracker] = field(default_factory=dict)
    _background: list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]] = field(default_factory=list)
    _preparations: list[tuple[str, Callable[[], Awaitable[None]]]] = field(default_factory=list)
    _conditions: list[Callable[[], bool]] = field(default_factory=list)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _synced: bool = False

    def __post_init__(self) -> None:
        self.caches = Caches(self.server, self.clock, self.random, self.settings.plan)
        self._gate = Gate(self.caches, self.clock)
        self._fence = Fence(self.server)
        self.live = GatedClient(self._fence, self._gate)
        self.client = CachedClient(self.live, self.caches)
        self.recorder = EventRecorder(self._fence, self.clock, self.settings.component)

    # -- what the assembly calls ----------------------------------------------------------------------------------------------------

    def queue(self, declaration: Declaration) -> WorkQueue:
        """Return the work queue of a controller, for those who wake it by other means than watches of this API server."""
        if declaration.name not in self._queues:
            queue = self._queues[declaration.name] = WorkQueue(self.clock, self.metrics.queue(declaration.name))
            self.metrics.measure_work(declaration.name, queue, self.clock)
        return self._queues[declaration.name]

    def tracker(self, declaration: Declaration) -> OwnedTracker:
        """Return the `Tracker` of a controller."""
        if declaration.name not in self._trackers:
            self._trackers[declaration.name] = OwnedTracker(self.caches, declaration.kind, self.queue(declaration))
        return self._trackers[declaration.name]

    def add(self, declaration: Declaration, reconciler: Reconciler) -> None:
        """Have `reconciler` run as `declaration` says."""
        controller = Controller(
            declaration,
            reconciler,
            self.queue(declaration),
            self.caches,
            self._gate,
            self.metrics.controller(declaration.name, declaration.workers),
            self.tracing,
            self.clock,
            self.random,
            self.settings.only,
        )
        controller.watch()
        self._controllers[declaration.name] = controller

    def background(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Have `run` run beside the controllers from start to end, leading or not."""
        self._background.append((name, run))

    def before_work(self, name: str, prepare: Callable[[], Awaitable[None]]) -> None:
        """Have `prepare` run to its end, in the order of these calls, each time this process comes to lead and before its controllers work.

        It is cancelled when a stop is asked or leadership is lost. It may write, though not through this manager: its clients are opened
        for the controllers.
        """
        self._preparations.append((name, prepare))

    def ready_when(self, condition: Callable[[], bool]) -> None:
        """Let `ready` be true only while `condition` is, too."""
        self._conditions.append(condition)

    # -- life -----------------------------------------------------------------------------------------------------------------------

    @property
    def leading(self) -> bool:
        """True while this process may write."""
        return self._fence.is_open

    @property
    def ready(self) -> bool:
        """True once all caches are complete, while everything else that has to be is, too."""
        return self._synced and all(condition() for condition in self._conditions)

    def stop(self) -> None:
        """Begin to stop; `run` returns within ten seconds."""
        self._stopping.set()

    async def run(self) -> None:
        """Run until `stop` is called.

        Raises:
            ExceptionGroup: leadership was lost, or a task that should not end did.
        """
        async with asyncio.TaskGroup() as tasks:
            eternal = [
                tasks.create_task(_eternal("caches", self.caches.run())),
                *(tasks.create_task(_eternal(name, run()), name=name) for name, run in self._background),
            ]
            try:
                await self._until_stopped(self._start())
            finally:
                for task in eternal:
                    task.cancel()

    async def _start(self) -> None:
        await self.caches.synced()
        self._synced = True
        self.settings.after_sync()
        _log.info("Caches are complete", kinds=len(self.caches.cache.kinds))
        if self.settings.lease is None:
            await self._work()
            return
        leading = self.metrics.leading.labels(self.settings.lease.name)
        leading.set(0)
        election = Election(self.server, self.settings.lease, self.settings.identity, self.clock, self.random, self.settings.terms)

        async def work() -> None:
            leading.set(1)
            await self._work()

        try:
            await election.lead(work, stop_writing=self._fence.close)
        finally:
            leading.set(0)

    async def _work(self) -> None:
        """Let the controllers work until a stop is asked, then let them finish what they have begun."""
        for name, prepare in self._preparations:
            _log.info("Preparing to work", step=name)
            await prepare()
        self._fence.open()
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(_eternal(name, c.run(), self._stopping), name=name) for name, c in self._controllers.items()]
            recording = tasks.create_task(_eternal("events", self.recorder.run()))
            await self._stopping.wait()
            for queue in self._queues.values():
                queue.close()
            try:
                await within(self.clock, FINISH_WITHIN, self._idle())
            except TimeoutError:
                _log.warning("Abandoning reconciles that did not end in time", seconds=FINISH_WITHIN.total_seconds())
            for task in (*running, recording):
                task.cancel()
        self._fence.close()

    async def _idle(self) -> None:
        for queue in self._queues.values():
            await queue.idle()

    async def _until_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work`, which sees for itself that a stop was asked once it leads; before that it is cancelled."""
        task = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((task, stopping), return_when=asyncio.FIRST_COMPLETED)
            if self._fence.is_open or task.done():
                await task
        finally:
            for pending in (task, stopping):
                pending.cancel()
            await asyncio.gather(task, stopping, return_exceptions=True)


async def _eternal(name: str, work: Awaitable[None], stopping: asyncio.Event | None = None) -> None:
    await work
    if stopping is None or not stopping.is_set():
        raise EndedByItself(name)


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Call `stop` when the process is told to end (SIGTERM, SIGINT)."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
