"""Runs a test's coroutine in virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from capelin.simulation.loop import VirtualLoop
from capelin.simulation.process import adopt_tasks
from capelin.simulation.seams import Chance

T = TypeVar("T")


def in_virtual_time(work: Callable[[], Awaitable[T]], *, seed: int = 0) -> T:
    """Return what `work` returns, run in a loop of its own whose order is drawn from the seed."""
    loop = VirtualLoop(Chance(seed, "order"))
    adopt_tasks(loop)

    async def awaited() -> T:
        return await work()

    try:
        return loop.run_until_complete(awaited())
    finally:
        loop.close()
