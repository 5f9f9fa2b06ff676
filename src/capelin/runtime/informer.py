"""Keep a cache like the server: one consistent list, then watch.

No event of an object is lost or reordered. When continuity is lost (410, a revision compacted away) the kind is listed again, and what
disappeared meanwhile is reported as deleted. A watch that ends is resumed at the last revision seen; one that breaks, after a pause.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog

from capelin.runtime import codec, errors
from capelin.runtime.backoff import Backoff
from capelin.runtime.cache import KindCache
from capelin.runtime.client import Client, Selection, WatchEvent
from capelin.runtime.entries import CachedObject, bookmark, ingest
from capelin.runtime.reconcile import Change
from capelin.runtime.seams import Clock, Random

PAGE: Final = 500

WATCH_AT_LEAST: Final = timedelta(minutes=5)
"""Watches end after five to ten minutes, at random, so that a server that was restarted gets its share of them back."""

GRACE: Final = timedelta(seconds=30)
"""How long after the end it announced a watch may live: a half-open connection never ends by itself."""

FIRST_PAUSE: Final = timedelta(milliseconds=500)
LONGEST_PAUSE: Final = timedelta(seconds=30)

SETTLED_AFTER: Final = timedelta(seconds=5)
"""A watch that lived this long was a good one: the next failure is the first again."""

Notify = Callable[[Change, bool], None]
"""Is told each change, and whether it comes from a list (and can wait) or from a watch."""

_log: Any = structlog.get_logger(__name__)


@dataclass(slots=True)
class Informer:
    """Watches one kind in one namespace (all, when it is empty) into a `KindCache`.

    `failure` is why the last list did not succeed, None once one has.
    """

    client: Client
    cache: KindCache
    notify: Notify
    clock: Clock
    random: Random
    namespace: str = ""
    failure: Exception | None = None
    synced: asyncio.Event = field(default_factory=asyncio.Event)
    attempted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first list has succeeded or failed."""
    _relist: asyncio.Event = field(default_factory=asyncio.Event)
    _backoff: Backoff = field(init=False)

    def __post_init__(self) -> None:
        self._backoff = Backoff(self.random, FIRST_PAUSE, LONGEST_PAUSE)

    def refresh(self) -> None:
        """List again soon: somebody has reason to believe that the watch is behind."""
        self._relist.set()

    async def run(self) -> None:
        """Keep the cache like the server until cancelled."""
        version = ""
        while True:
            try:
                if not version:
                    self._relist.clear()
                    version = await self._list()
                version = await self._watch_until_refresh(version)
            except errors.Gone:
                _log.info("Listing again", resource=str(self.cache.resource), reason="revision gone")
                version = await self._after_pause("")
            except (errors.ApiError, TimeoutError, codec.DecodeError) as error:
                self._note_failure(error, listing=not version)
                version = await self._after_pause("" if isinstance(error, codec.DecodeError) else self._seen(version))

    def _note_failure(self, error: Exception, *, listing: bool) -> None:
        if listing:
            self.failure = error
            self.attempted.set()
        _log.warning("Reading from the server failed", resource=str(self.cache.resource), listing=listing, error=str(error))

    async def _after_pause(self, version: str) -> str:
        await self.clock.sleep(self._backoff.next())
        return version

    def _seen(self, version: str) -> str:
        """Return the revision to resume at: what has been seen since the list, if there was one."""
        return str(self.cache.revision[self.namespace]) if version else ""

    async def _list(self) -> str:
        """Read everything at one revision, make the cache that, and return the revision.

        The read is consistent (without resourceVersion): a list from a server that lags behind would show the past after a restart.
        Nothing is believed before the last page is here.
        """
        mark = self.cache.mark()
        entries: list[CachedObject] = []
        token = ""
        while True:
            page = await self.client.page(self.cache.resource, self._selection(), limit=PAGE, continue_token=token)
            entries += [ingest(item, metadata_only=self.cache.scope.metadata_only) for item in page.items]
            token = page.continue_token
            if not token:
                break
            await self.clock.sleep(timedelta())  # a large list must not hold up leases and probes
        changes = self.cache.replace(self.namespace, entries, mark)
        self.cache.advance(self.namespace, page.resource_version)
        for count, change in enumerate(changes, start=1):
            self.notify(change, True)
            if count % PAGE == 0:
                await self.clock.sleep(timedelta())
        self.failure = None
        self.synced.set()
        self.attempted.set()
        return page.resource_version

    async def _watch_until_refresh(self, version: str) -> str:
        """Watch from `version` and return the revision to resume at; empty when a list was asked for."""
        seconds = round(WATCH_AT_LEAST.total_seconds() * (1 + self.random.random()))
        begun = self.clock.monotonic()
        watching = asyncio.ensure_future(self._watch(version, seconds))
        ended = asyncio.ensure_future(self.clock.sleep(timedelta(seconds=seconds) + GRACE))
        asked = asyncio.ensure_future(self._relist.wait())
        try:
            await asyncio.wait((watching, ended, asked), return_when=asyncio.FIRST_COMPLETED)
            if asked.done():
                return ""
            if not watching.done():
                raise TimeoutError(f"the watch did not end after the {seconds} s it was asked for")
            watching.result()
        finally:
            await _cancel(watching, ended, asked)
            lived = self.clock.monotonic() - begun
            if lived >= SETTLED_AFTER.total_seconds():
                self._backoff.reset()
        if lived < SETTLED_AFTER.total_seconds():
            await self.clock.sleep(self._backoff.next())  # a server that ends every watch at once must not be hammered
        return self._seen(version)

    async def _watch(self, version: str, seconds: int) -> None:
        stream = self.client.stream(self.cache.resource, self._selection(), resource_version=version, timeout_seconds=seconds)
        async with aclosing(stream) as events:  # type: ignore[type-var]  # every stream is an async generator
            async for event in events:
                self._apply(event)

    def _apply(self, event: WatchEvent) -> None:
        if event.type == "BOOKMARK":
            self.cache.advance(self.namespace, bookmark(event.data))
            return
        entry = ingest(event.data, metadata_only=self.cache.scope.metadata_only)
        changes = self.cache.drop(entry.key, entry) if event.type == "DELETED" else self.cache.put(entry)
        self.cache.advance(self.namespace, entry.resource_version)
        for change in changes:
            self.notify(change, False)

    def _selection(self) -> Selection:
        return Selection(namespace=self.namespace, label_selector=self.cache.scope.label)


async def _cancel(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
