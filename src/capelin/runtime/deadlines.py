"""Waiting no longer than a while, on a clock that may be simulated."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from capelin.runtime.seams import Clock

T = TypeVar("T")


def until(moment: float, now: float) -> timedelta:
    """Return how long it is from `now` until `moment`, both in seconds of one clock: never less, and nothing only when it has come.

    A duration has no part smaller than a microsecond. One that is rounded down would end a wait just before its time, and whoever then
    finds that the time has not come would wait for nothing, over and over.
    """
    return timedelta(microseconds=math.ceil((moment - now) * 1e6)) if moment > now else timedelta()


async def within(clock: Clock, timeout: timedelta, work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns; it is cancelled, and has ended, when it takes longer than `timeout` or when we are cancelled.

    Raises:
        TimeoutError: it took longer.
    """
    task = asyncio.ensure_future(work)
    timer = asyncio.ensure_future(clock.sleep(timeout))
    try:
        await asyncio.wait((task, timer), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise TimeoutError(f"took longer than {timeout.total_seconds():g} s")
        return task.result()
    finally:
        for pending in (task, timer):
            pending.cancel()
        await asyncio.gather(task, timer, return_exceptions=True)
