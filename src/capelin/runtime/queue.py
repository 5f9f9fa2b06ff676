"""The work queue: which objects to look at, each at most once at a time.

A key that is added while it waits is there once; a key that is added while it is worked on is worked on again afterwards. Keys that failed
come back later and later. First lists and resyncs wait behind everything else.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

from capelin.api.meta import ObjectKey
from capelin.runtime.deadlines import until
from capelin.runtime.seams import Clock

FIRST_RETRY: Final = timedelta(milliseconds=5)
LAST_RETRY: Final = timedelta(minutes=5)
"""Longer would look like giving up to whoever repaired the cause."""


class QueueMetrics(Protocol):
    """What a queue tells about itself; durations in seconds."""

    def added(self, depth: int) -> None: ...
    def taken(self, depth: int, waited: float) -> None: ...
    def finished(self, worked: float) -> None: ...
    def retried(self) -> None: ...


class ShutDown(Exception):
    """The queue gives no more work."""


@dataclass(slots=True)
class WorkQueue:
    """Keys to reconcile. All methods but `get` return at once; not for use from other threads."""

    clock: Clock
    metrics: QueueMetrics
    _urgent: deque[ObjectKey] = field(default_factory=deque)
    _patient: deque[ObjectKey] = field(default_factory=deque)
    _waiting: dict[ObjectKey, tuple[float, bool]] = field(default_factory=dict)
    """When a key that is to be worked on was added, and whether it is urgent."""
    _working: dict[ObjectKey, float] = field(default_factory=dict)
    _failures: dict[ObjectKey, int] = field(default_factory=dict)
    _delayed: list[tuple[float, int, ObjectKey]] = field(default_factory=list)
    _due: dict[ObjectKey, float] = field(default_factory=dict)
    _sequence: int = 0
    _takers: deque[asyncio.Future[None]] = field(default_factory=deque)
    _alarm: asyncio.Event = field(default_factory=asyncio.Event)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _closed: bool = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def working(self) -> dict[ObjectKey, float]:
        """The keys being worked on, and since when (monotonic seconds)."""
        return self._working

    def add(self, key: ObjectKey, *, can_wait: bool = False) -> None:
        """Have `key` worked on soon; with `can_wait` after everything that cannot."""
        if self._closed:
            return
        known = self._waiting.get(key)
        if known is not None and (known[1] or can_wait):
            return
        self._waiting[key] = (known[0] if known else self.clock.monotonic(), not can_wait)
        self.metrics.added(len(self._waiting))
        if key not in self._working:
            self._line_up(key, urgent=not can_wait)

    def add_after(self, key: ObjectKey, delay: timedelta) -> None:
        """Have `key` worked on after `delay`; of several delays the earliest counts."""
        if delay <= timedelta():
            self.add(key)
            return
        due = self.clock.monotonic() + delay.total_seconds()
        if due < self._due.get(key, float("inf")):
            self._due[key] = due
            self._sequence += 1
            heapq.heappush(self._delayed, (due, self._sequence, key))
            if self._delayed[0][2] is key:
                self._alarm.set()  # whoever sleeps on the first one sleeps too long

    def retry(self, key: ObjectKey, *, at_least: timedelta = timedelta()) -> timedelta:
        """Have `key` worked on again after a pause that doubles with each failure in a row, and return the pause."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.metrics.retried()
        pause = max(min(FIRST_RETRY * float(2 ** min(failures, 30)), LAST_RETRY), at_least)
        self.add_after(key, pause)
        return pause

    def forget(self, key: ObjectKey) -> None:
        """Count no failures of `key` any more."""
        self._failures.pop(key, None)

    async def get(self) -> ObjectKey:
        """Return the next key, which is ours until `done`.

        Raises:
            ShutDown: there will be no more.
        """
        while True:
            if self._closed:
                raise ShutDown
            key = self._next()
            if key is not None:
                return key
            taker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._takers.append(taker)
            try:
                await taker
            except asyncio.CancelledError:
                self._wake_taker()  # we may have been woken for a key that is another taker's now
                raise

    def done(self, key: ObjectKey) -> None:
        """Give `key` back; it is lined up again if it was added meanwhile."""
        self.metrics.finished(self.clock.monotonic() - self._working.pop(key))
        known = self._waiting.get(key)
        if known is not None and not self._closed:
            self._line_up(key, urgent=known[1])
        if not self._working:
            self._idle.set()

    async def run_timers(self) -> None:
        """Add delayed keys when they are due, until cancelled."""
        while True:
            self._add_due()
            self._alarm.clear()
            if not self._delayed:
                await self._alarm.wait()
                continue
            pause = until(self._delayed[0][0], self.clock.monotonic())
            timer, alarm = asyncio.ensure_future(self.clock.sleep(pause)), asyncio.ensure_future(self._alarm.wait())
            try:
                await asyncio.wait((timer, alarm), return_when=asyncio.FIRST_COMPLETED)
            finally:
                timer.cancel()
                alarm.cancel()

    def close(self) -> None:
        """Give no more work: waiting and later calls of `get` raise ShutDown."""
        self._closed = True
        while self._takers:
            self._wake_taker()

    async def idle(self) -> None:
        """Return once nobody works on a key."""
        while self._working:
            self._idle.clear()
            await self._idle.wait()

    def _line_up(self, key: ObjectKey, *, urgent: bool) -> None:
        (self._urgent if urgent else self._patient).append(key)
        self._wake_taker()

    def _wake_taker(self) -> None:
        while self._takers:
            taker = self._takers.popleft()
            if not taker.done():
                taker.set_result(None)
                return

    def _next(self) -> ObjectKey | None:
        for line in (self._urgent, self._patient):
            while line:
                key = line.popleft()
                # A key that became urgent stands in both lines; where it comes second it is no longer waiting.
                if key in self._waiting and key not in self._working:
                    added, _ = self._waiting.pop(key)
                    now = self.clock.monotonic()
                    self._working[key] = now
                    self.metrics.taken(len(self._waiting), now - added)
                    return key
        return None

    def _add_due(self) -> None:
        now = self.clock.monotonic()
        while self._delayed and self._delayed[0][0] <= now:
            due, _, key = heapq.heappop(self._delayed)
            if self._due.get(key) == due:  # else an earlier delay has replaced this one
                del self._due[key]
                self.add(key)
