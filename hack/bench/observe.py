"""Watch a fleet from outside, as a user would: which objects are there, and which are in the state that is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from capelin.api.meta import Resource
from capelin.runtime import codec, errors
from capelin.runtime.client import EVERYTHING, Client


class Observation:
    """The objects of one kind and whether each has its condition True; follows a watch until it is cancelled."""

    def __init__(self, client: Client, resource: Resource, condition: str) -> None:
        self._client = client
        self._resource = resource
        self._condition = condition
        self._states: dict[tuple[str, str], bool] = {}
        self._changed = asyncio.Condition()
        self.calls = 0

    async def follow(self) -> None:
        """Keep the states current; lists again whenever a watch cannot go on."""
        while True:
            try:
                self.calls += 1
                page = await self._client.page(self._resource, EVERYTHING)
                self._states.clear()
                for item in page.items:
                    self._note(codec.decode_document(item), present=True)
                await self._follow_from(page.resource_version)
            except (errors.Gone, errors.Unreachable):
                continue

    async def _follow_from(self, revision: str) -> None:
        while True:
            self.calls += 1
            async for event in self._client.stream(self._resource, EVERYTHING, resource_version=revision, timeout_seconds=600):
                document = codec.decode_document(event.data)
                revision = document["metadata"]["resourceVersion"]
                if event.type != "BOOKMARK":
                    self._note(document, present=event.type != "DELETED")
                    async with self._changed:
                        self._changed.notify_all()

    def _note(self, document: dict[str, Any], *, present: bool) -> None:
        key = (document["metadata"]["namespace"], document["metadata"]["name"])
        conditions = (document.get("status") or {}).get("conditions") or []
        if present:
            self._states[key] = any(c["type"] == self._condition and c["status"] == "True" for c in conditions)
        else:
            self._states.pop(key, None)

    async def until_ready(self, count: int) -> None:
        """Return once `count` objects are there and all of them are in the wanted state."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._states) == count and all(self._states.values()))

    async def until_gone(self) -> None:
        """Return once there is no object left."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._states)

    def __str__(self) -> str:
        return f"{sum(self._states.values())} of {len(self._states)} {self._resource.plural} {self._condition}"


@asynccontextmanager
async def observing(*observations: Observation) -> AsyncIterator[None]:
    """Follow all of them while the block runs."""
    tasks = [asyncio.create_task(observation.follow()) for observation in observations]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
