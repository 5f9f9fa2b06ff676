"""Events are forgotten an hour after they were last written, as kube-apiserver forgets them; without this a store would only ever grow."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

from capelin.apiserver.deletion import DeleteOptions, delete
from capelin.apiserver.objects import Objects
from capelin.apiserver.requests import Target
from capelin.apiserver.storage.store import Event, Key
from capelin.runtime import errors

EXPIRING = frozenset(("events", "events.events.k8s.io"))
LIFETIME = timedelta(hours=1)
SWEEP_INTERVAL = timedelta(minutes=5)  # how much longer than its lifetime an event may stay

_Place = tuple[str, Key]


class Expiry:
    """Deletes events that nobody has written for an hour. While there are none, nothing runs."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._written: dict[_Place, tuple[int, float]] = {}  # revision and time of the last write, oldest first
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to count; what is stored counts as written now."""
        store = self._objects.store
        for resource in EXPIRING:
            for item in store.items(resource):
                self._note((resource, item.key), item.revision)
        store.listeners.append(self._observe)

    async def stop(self) -> None:
        """Stop counting."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _observe(self, event: Event) -> None:
        if event.resource not in EXPIRING:
            return
        place = (event.resource, event.item.key)
        self._written.pop(place, None)
        if event.type != "DELETED":
            self._note(place, event.revision)

    def _note(self, place: _Place, revision: int) -> None:
        self._written[place] = (revision, self._objects.clock.monotonic())
        if self._task is None:
            self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        while self._written:
            await self._objects.clock.sleep(SWEEP_INTERVAL)
            await self._sweep(self._objects.clock.monotonic() - LIFETIME.total_seconds())
        self._task = None

    async def _sweep(self, before: float) -> None:
        for place, (revision, written) in list(self._written.items()):
            if written > before:
                return
            await self._forget(place, revision)

    async def _forget(self, place: _Place, revision: int) -> None:
        resource, key = place
        definition = self._objects.registry.named(resource)
        if definition is None:
            return
        try:
            await delete(self._objects, Target.stored("delete", definition, key), DeleteOptions(resource_version=str(revision)))
        except errors.ApiError:
            return  # written again, gone already, or the disk is full: the next sweep looks again
