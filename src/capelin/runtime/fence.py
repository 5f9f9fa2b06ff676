"""The fence: writes pass only while this process leads."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from capelin.runtime import errors
from capelin.runtime.client import Write
from capelin.runtime.layers import ClientLayer


class NotLeading(errors.Unreachable):
    """The write was not sent: another process may be leading."""


@dataclass
class Fence(ClientLayer):
    """A `Client` whose writes can be stopped: later ones are refused, those under way are given up as `ResultUnknown`."""

    is_open: bool = False
    _writing: dict[asyncio.Task[object], None] = field(default_factory=dict)  # in order, so that a simulation repeats itself

    def open(self) -> None:
        """Let writes pass."""
        self.is_open = True

    def close(self) -> None:
        """Refuse writes from now on."""
        self.is_open = False
        for task in list(self._writing):
            task.cancel("the fence closed")

    async def write(self, write: Write) -> bytes:
        if not self.is_open:
            raise NotLeading(f"{write.verb} of {write.resource} {write.key} was not sent: this process does not lead")
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - coroutines run in tasks
        self._writing[task] = None
        try:
            return await self.inner.write(write)
        except asyncio.CancelledError:
            if self.is_open or task.cancelling() > 1:
                raise  # somebody else cancelled us
            task.uncancel()
            raise errors.ResultUnknown(f"{write.verb} of {write.resource} {write.key} was given up: this process leads no more") from None
        finally:
            del self._writing[task]
