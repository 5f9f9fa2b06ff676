"""An event loop in virtual time, in which whoever could run next is drawn from a seed.

Time passes only while nobody can run, and then at once to the next timer. Nothing from outside can arrive: there are no sockets and no
threads, and waiting for what can never come is an error. The same seed gives the same run, callback by callback.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from asyncio import base_events
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol

HORIZON: Final = 1_000_000
"""Callbacks of one run: far more than any run needs, so that one which spins ends with an error."""


class Stuck(RuntimeError):
    """Nobody can run and no timer is set: what is waited for can never come."""


class Spinning(RuntimeError):
    """A run that does not end."""


class OutOfReach(RuntimeError):
    """A thread, a process or a socket was asked for: what it did would not repeat."""


class Draw(Protocol):
    """Where a run's chance comes from."""

    def randrange(self, stop: int, /) -> int:
        """Return a number from 0 up to, but not including, `stop`."""


class NumberedFuture(asyncio.Future[Any]):
    """A future whose hash is its number in the run: sets of futures are then in an order that repeats, and not in that of addresses."""

    def __init__(self, *, loop: VirtualLoop) -> None:
        self._number = loop.next_number()
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self._number


class NumberedTask(asyncio.Task[Any]):
    """A task whose hash is its number in the run: a TaskGroup cancels its tasks in the order of a set."""

    def __init__(self, work: Any, *, loop: VirtualLoop, **options: Any) -> None:
        self._number = loop.next_number()
        super().__init__(work, loop=loop, **options)

    def __hash__(self) -> int:
        return self._number


class VirtualLoop(base_events.BaseEventLoop):
    """A loop whose clock is virtual and whose ready callbacks run in an order that is drawn."""

    # The base class types the arguments of callbacks one by one; a loop that only passes them on, or refuses them, need not.
    _check_thread: Callable[[], None]
    _ready: deque[Any]  # handles, as the base class keeps them: its own types do not tell
    _scheduled: list[Any]
    _stopping: bool

    def __init__(self, draw: Draw, *, horizon: int = HORIZON) -> None:
        super().__init__()
        self._horizon = horizon
        self._draw = draw
        self._now = 0.0
        self.steps = 0
        """Callbacks that have run."""
        self._numbers = itertools.count()

    def time(self) -> float:
        """Return the seconds since the run began."""
        return self._now

    def next_number(self) -> int:
        """Return a number that nothing in this run has."""
        return next(self._numbers)

    def create_future(self) -> NumberedFuture:
        """Return a future of this loop."""
        return NumberedFuture(loop=self)

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]  # as above
        """Have a callback run, in this thread: asyncio asks so for generators that nobody has closed."""
        self._check_thread()
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]  # noqa: ARG002 - as above
        """Refuse."""
        raise OutOfReach(f"a run has no threads and no processes: {func!r} cannot run beside it")

    async def create_connection(self, *args: Any, **options: Any) -> Any:  # noqa: ARG002
        """Refuse."""
        raise OutOfReach("a run has no sockets: nothing outside can be connected to")

    async def create_server(self, *args: Any, **options: Any) -> Any:  # noqa: ARG002
        """Refuse."""
        raise OutOfReach("a run has no sockets: nobody outside can connect")

    def _run_once(self) -> None:
        """Run one callback that can run, or let time pass until one can."""
        if not self._ready:
            self._advance()
        self._wake_due()
        self.steps += 1
        if self.steps > self._horizon:
            raise Spinning(f"{self._horizon} callbacks have run, and the run has not ended")
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
