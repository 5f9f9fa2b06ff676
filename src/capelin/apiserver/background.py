"""Work that follows from what was stored, such as collecting garbage. Without work there is no task."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Generic, TypeVar

import structlog

from capelin.runtime import errors
from capelin.runtime.seams import Clock

K = TypeVar("K", bound=Hashable)
_log: Any = structlog.get_logger(__name__)

RETRY_AFTER = timedelta(seconds=1)  # a full disk or an object that somebody else is changing; nobody waits for the answer
_AT_ONCE = 32  # enough to share a commit


class Background(Generic[K]):
    """Runs `work` for every key that is added, a few at once, one key never twice at once. What fails is tried again."""

    def __init__(self, work: Callable[[K], Awaitable[None]], clock: Clock) -> None:
        self._work = work
        self._clock = clock
        self._keys: dict[K, None] = {}  # in order of arrival
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    def add(self, key: K) -> None:
        """Have `work` run for `key` soon; for a key that is being worked on, once more."""
        self._keys[key] = None
        if self._task is None and not self._stopped:
            self._task = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        """Abandon what is left; the next start finds it in the store."""
        self._stopped = True
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while self._keys:
            batch = list(self._keys)[:_AT_ONCE]
            for key in batch:
                del self._keys[key]
            outcomes = await asyncio.gather(*(self._attempt(key) for key in batch))
            if not all(outcomes):
                await self._clock.sleep(RETRY_AFTER)
        self._task = None

    async def _attempt(self, key: K) -> bool:
        try:
            await self._work(key)
        except errors.NotFound:
            return True  # somebody was faster
        except errors.ApiError:
            self._keys[key] = None
            return False
        except Exception:  # the outermost frame of this work: a defect must not stop the work on other keys
            _log.exception("Background work failed", key=key)
        return True
