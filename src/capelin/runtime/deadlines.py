"""Waiting no longer than a while, on a clock that may be simulated."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from capelin.runtime.seams import Clock

T = TypeVar("T")


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
