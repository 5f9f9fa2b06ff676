"""A client whose watches can be held back and whose answers can get lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from capelin.api.meta import Resource
from capelin.runtime.client import Selection, WatchEvent, Write
from capelin.runtime.errors import ResultUnknown
from capelin.runtime.layers import ClientLayer
from tests.fakes import settle


@dataclass
class SlowWatches(ClientLayer):
    """Calls go through at once; events of watches stop between `hold` and `release`."""

    lose_next_answer: bool = False
    _flowing: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._flowing.set()

    def hold(self) -> None:
        self._flowing.clear()

    async def release(self) -> None:
        self._flowing.set()
        await settle()

    async def write(self, write: Write) -> bytes:
        answer = await self.inner.write(write)
        if self.lose_next_answer:
            self.lose_next_answer = False
            raise ResultUnknown("no answer came")
        return answer

    async def stream(
        self, resource: Resource, selection: Selection, *, resource_version: str, timeout_seconds: int
    ) -> AsyncIterator[WatchEvent]:
        inner = self.inner.stream(resource, selection, resource_version=resource_version, timeout_seconds=timeout_seconds)
        async for event in inner:
            await self._flowing.wait()
            yield event
