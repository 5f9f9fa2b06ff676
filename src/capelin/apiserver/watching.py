"""watch: an endless answer, one line per change.

A watch keeps no copy of anything: it is a cursor into the store's history. The lines of one event are built when they are sent, from bytes
that all watchers share.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from capelin.apiserver import reading, selectors, statuses
from capelin.apiserver.reading import Form
from capelin.apiserver.requests import Target, flag
from capelin.apiserver.selectors import Selector
from capelin.apiserver.storage.store import Compacted, Cursor, Event, Item, Store
from capelin.runtime import codec, errors
from capelin.runtime.codec import Document
from capelin.runtime.deadlines import until
from capelin.runtime.errors import Cause
from capelin.runtime.seams import Clock, Random
from capelin.runtime.transport import Request, Response

BOOKMARK_INTERVAL = timedelta(minutes=1)  # as kube-apiserver; clients take a longer silence for a dead connection
DEFAULT_TIMEOUT = timedelta(minutes=30)  # up to twice that, so that watches begun together do not end together
INITIAL_EVENTS_END = "k8s.io/initial-events-end"

_PREFIX = {kind: f'{{"type":"{kind}","object":'.encode() for kind in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR")}


def _line(kind: str, data: bytes) -> bytes:
    return b"".join((_PREFIX[kind], data, b"}\n"))


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What a watch asks for. `revision` 0 begins with the present objects as ADDED events."""

    revision: int
    bookmarks: bool
    initial_events: bool
    timeout: timedelta


def watch_options(request: Request, random: Random) -> WatchOptions:
    """Return the options of a watch.

    Raises:
        BadRequest, Invalid: a parameter makes no sense.
    """
    query = request.query
    revision, seconds = query.get("resourceVersion", "") or "0", query.get("timeoutSeconds", "") or "0"
    for name, text in (("resourceVersion", revision), ("timeoutSeconds", seconds)):
        if not (text.isascii() and text.isdigit()):
            raise errors.BadRequest(f'{name}: Invalid value: "{text}": must be a non-negative integer')
    match, initial = query.get("resourceVersionMatch", ""), flag(query, "sendInitialEvents")
    if "sendInitialEvents" in query and match != "NotOlderThan":
        raise _invalid("resourceVersionMatch", "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
    if "sendInitialEvents" not in query and match:
        raise _invalid(
            "resourceVersionMatch", "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        )
    timeout = timedelta(seconds=int(seconds)) if int(seconds) else DEFAULT_TIMEOUT * (1 + random.random())
    return WatchOptions(int(revision), flag(query, "allowWatchBookmarks"), initial, timeout)


def _invalid(field: str, message: str) -> errors.Invalid:
    return errors.Invalid(f'ListOptions.meta.k8s.io "" is invalid: {field}: {message}', causes=(Cause(field, message),))


def watch(store: Store, target: Target, request: Request, clock: Clock, random: Random) -> tuple[Response, WatchStream]:
    """Return the answer to a watch, and its stream once more for whoever ends it.

    A revision that the store does not know is told inside the stream, as clients expect.

    Raises:
        BadRequest, Invalid, NotAcceptable: a parameter makes no sense.
    """
    selector = selectors.parse(target.version, request.query.get("labelSelector", ""), request.query.get("fieldSelector", ""))
    shown = reading.form(target, request, clock.now())
    options = watch_options(request, random)
    stream = WatchStream(store, shown, selector, options, clock)
    return Response(200, {"content-type": "application/json"}, stream=stream), stream


class WatchStream:
    """The lines of one watch. Iterate it, and `aclose` it in the end; `end` finishes it from outside."""

    def __init__(self, store: Store, shown: Form, selector: Selector, options: WatchOptions, clock: Clock) -> None:
        self._store = store
        self._form = shown
        self.resource = shown.target.definition.name
        self._namespace = shown.target.namespace
        self._selector = selector
        self._options = options
        self._clock = clock
        self._ready: deque[bytes] = deque()
        self._initial: Iterator[bytes] = iter(())
        self._cursor: Cursor | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._alarm: asyncio.Task[None] | None = None
        self._headers = True
        self._ended = False
        self._deadline = clock.monotonic() + options.timeout.total_seconds()
        self._bookmark_at = clock.monotonic() + BOOKMARK_INTERVAL.total_seconds()
        self.on_close: Callable[[], None] = lambda: None
        """Called once, when the stream is closed."""
        self._begin()

    def __aiter__(self) -> WatchStream:
        return self

    async def __anext__(self) -> bytes:
        while True:
            line = self._next_line()
            if line is not None:
                return line
            if self._ended:
                raise StopAsyncIteration
            if not self._fill():
                await self._wait()

    def take(self) -> bytes:
        """Return the lines that are ready beyond the last one, joined: a server can send them with it."""
        lines = []
        size = 0
        while size < 65536 and (line := self._next_line()) is not None:
            lines.append(line)
            size += len(line)
        return b"".join(lines)

    def end(self) -> None:
        """End the stream after what has happened until now."""
        if not self._ended:
            self._fill()
        self._ended = True
        self._wake()

    async def aclose(self) -> None:
        """Release what the stream holds."""
        self._ended = True
        alarm, self._alarm = self._alarm, None
        if alarm is not None:
            alarm.cancel()
            with suppress(asyncio.CancelledError):
                await alarm
        if self._waiter is not None and self._cursor is not None:
            self._cursor.leave(self._waiter)
            self._waiter = None
        on_close, self.on_close = self.on_close, lambda: None
        on_close()

    def _begin(self) -> None:
        options = self._options
        since = options.revision
        if options.initial_events or not since:
            if since > self._store.revision:
                self._fail(statuses.too_large_revision(since, self._store.revision))
                return
            since = self._store.revision
            present = [item for item in self._store.items(self.resource, self._namespace) if self._selector.matches(item)]
            self._initial = self._present(present, since)
        try:
            self._cursor = self._store.follow(self.resource, since)
        except Compacted:
            self._fail(statuses.expired(f"too old resource version: {since} ({self._store.compacted})"))

    def _present(self, items: list[Item], revision: int) -> Iterator[bytes]:
        for item in items:
            yield self._shown("ADDED", item.data)
        if self._options.initial_events and self._options.bookmarks:
            yield _line("BOOKMARK", codec.encode(self._bookmark(revision, {INITIAL_EVENTS_END: "true"})))

    def _next_line(self) -> bytes | None:
        if self._ready:
            return self._ready.popleft()
        return next(self._initial, None)

    def _fill(self) -> bool:
        """Make lines of what has happened; tell whether there is anything to send or to end."""
        if self._cursor is None:
            self._ended = True
            return True
        try:
            events = self._cursor.take()
        except Compacted:
            self._fail(statuses.expired(f"too old resource version: the watch fell behind {self._store.compacted}"))
            return True
        for event in events:
            self._add(event)
        now = self._clock.monotonic()
        if now >= self._deadline or (self._options.bookmarks and now >= self._bookmark_at):
            self._bookmark_at = now + BOOKMARK_INTERVAL.total_seconds()
            self._ended = now >= self._deadline
            if self._options.bookmarks:
                self._ready.append(_line("BOOKMARK", codec.encode(self._bookmark(self._store.revision, None))))
        return bool(self._ready) or self._ended

    def _add(self, event: Event) -> None:
        """Make the line of an event as this watch sees it: an object that leaves the selection is deleted, one that enters it added."""
        item, previous = event.item, event.previous
        if self._namespace and item.key[0] != self._namespace:
            return
        if self._selector.selects_all:
            self._ready.append(self._shown(event.type, item.data))
            return
        before = previous is not None and self._selector.matches(previous)
        after = event.type != "DELETED" and self._selector.matches(item)
        if after:
            self._ready.append(self._shown("MODIFIED" if before else "ADDED", item.data))
        elif before and previous is not None:
            self._ready.append(self._shown("DELETED", _at_revision(previous, item.revision)))

    def _shown(self, kind: str, data: bytes) -> bytes:
        shown = self._form.line(data, headers=self._headers)
        self._headers = False
        return _line(kind, shown)

    def _bookmark(self, revision: int, annotations: Document | None) -> Document:
        target = self._form.target
        metadata: Document = {"resourceVersion": str(revision), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        return {"kind": target.definition.kind, "apiVersion": target.api_version, "metadata": metadata}

    def _fail(self, error: errors.ApiError) -> None:
        self._ready.append(_line("ERROR", codec.encode(errors.to_status(error))))
        self._ended = True

    async def _wait(self) -> None:
        if self._cursor is None:
            return
        self._waiter = self._cursor.wait()
        if self._alarm is None:
            due = min(self._deadline, self._bookmark_at) if self._options.bookmarks else self._deadline
            self._alarm = asyncio.ensure_future(self._ring(until(due, self._clock.monotonic())))
        try:
            await self._waiter
        finally:
            self._waiter = None

    async def _ring(self, delay: timedelta) -> None:
        await self._clock.sleep(delay)
        self._alarm = None
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _at_revision(item: Item, revision: int) -> bytes:
    document = codec.decode_document(item.data)
    document["metadata"]["resourceVersion"] = str(revision)
    return codec.encode(document)
