"""An event loop in virtual time, in which whoever could run next is drawn from a seed.

Time passes only while nobody can run, and then at once to the next timer. Nothing from outside can arrive: there are no sockets and no
threads, and waiting for what can never come is an error. The same seed gives the same run, callback by callback.
"""

from __future__ import annotations

import heapq
from asyncio import base_events
from collections import deque
from typing import Any, Final, Protocol

HORIZON: Final = 1_000_000
"""Callbacks of one run: far more than any run needs, so that one which spins ends with an error."""


class Stuck(RuntimeError):
    """Nobody can run and no timer is set: what is waited for can never come."""


class Spinning(RuntimeError):
    """A run that does not end."""


class Draw(Protocol):
    """Where a run's chance comes from."""

    def randrange(self, stop: int, /) -> int:
        """Return a number from 0 up to, but not including, `stop`."""


class VirtualLoop(base_events.BaseEventLoop):
    """A loop whose clock is virtual and whose ready callbacks run in an order that is drawn."""

    _ready: deque[Any]  # handles, as the base class keeps them: its own types do not tell
    _scheduled: list[Any]
    _stopping: bool

    def __init__(self, draw: Draw) -> None:
        super().__init__()
        self._executor_shutdown_called = True  # no thread can be asked for anything; nor can one call, without a pipe to wake us by
        self._draw = draw
        self._now = 0.0
        self.steps = 0
        """Callbacks that have run."""

    def time(self) -> float:
        """Return the seconds since the run began."""
        return self._now

    def _run_once(self) -> None:
        """Run one callback that can run, or let time pass until one can."""
        if not self._ready:
            self._advance()
        self._wake_due()
        self.steps += 1
        if self.steps > HORIZON:
            raise Spinning(f"{HORIZON} callbacks have run, and the run has not ended")
        handle = self._chosen()
        if not handle._cancelled:
            handle._run()

    def _advance(self) -> None:
        while self._scheduled and self._scheduled[0]._cancelled:
            heapq.heappop(self._scheduled)._scheduled = False
        if not self._scheduled:
            if self._stopping:
                return
            raise Stuck("nobody can run, and no timer is set")
        self._now = max(self._now, self._scheduled[0]._when)

    def _wake_due(self) -> None:
        while self._scheduled and self._scheduled[0]._when <= self._now:
            handle = heapq.heappop(self._scheduled)
            handle._scheduled = False
            if not handle._cancelled:
                self._ready.append(handle)

    def _chosen(self) -> Any:
        count = len(self._ready)
        if count > 1:
            self._ready.rotate(-self._draw.randrange(count))
        return self._ready.popleft()
