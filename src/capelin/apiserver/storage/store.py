"""Objects at revisions: the state, its recent history and everybody who follows it.

One `Store` is one revision sequence over all resources of one API server: gap-free, never falling. A write takes the next revision, is made
durable by the journal, and only then becomes visible: to readers, to watches and to listeners, in that order and in one turn of the event
loop. Objects are kept as the bytes that go over the wire.

The history is a window of the latest changes. It serves three purposes with one copy: a watch is a cursor into it (so a slow watcher costs
nothing and is told to list again once the window has passed it by), a later page of a list is the present with newer changes undone, and a
watch resumes from any revision inside it.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from capelin.apiserver.storage.heads import Head, head

HISTORY = 10_000  # changes a watch may lie behind; Kubernetes keeps five minutes, which at a fleet's peak rate is less than this

Key = tuple[str, str]
"""Namespace (empty for cluster-scoped resources) and name."""


class Compacted(Exception):
    """The revision lies before the window of kept history, or in the future of this store."""


class Item:
    """One stored object: its bytes at one revision."""

    __slots__ = ("_head", "data", "key", "revision")

    def __init__(self, key: Key, revision: int, data: bytes) -> None:
        self.key = key
        self.revision = revision
        self.data = data
        self._head: Head | None = None

    @property
    def head(self) -> Head:
        """The metadata fields the server acts on, decoded on first use."""
        if self._head is None:
            self._head = head(self.data)
        return self._head


@dataclass(frozen=True, slots=True)
class Event:
    """One change. `item` is the state it led to (of a deletion: the last state, at the revision of the deletion)."""

    resource: str
    type: str  # ADDED, MODIFIED, DELETED
    item: Item
    previous: Item | None

    @property
    def revision(self) -> int:
        """The revision of the change."""
        return self.item.revision


def _revision(event: Event) -> int:
    return event.item.revision


@dataclass(frozen=True, slots=True)
class Record:
    """What a journal has to keep of a change; `data` is None for a deletion."""

    partition: str
    resource: str
    key: Key
    revision: int
    data: bytes | None


Settle = Callable[[Exception | None], None]


class Journal(Protocol):
    """Makes changes durable."""

    def append(self, record: Record, settle: Settle) -> None:
        """Make `record` durable after all earlier ones, then call `settle(None)` on the event loop.

        `settle(error)` means that the record left no trace, and neither did any that was appended before this call of `settle`.
        """


class _MemoryJournal:
    def append(self, record: Record, settle: Settle) -> None:  # noqa: ARG002 - memory is as durable as it gets
        settle(None)


class _Log:
    """One resource: its present state in order of keys, its part of the history, and who waits for more."""

    __slots__ = ("base", "events", "items", "keys", "waiters")

    def __init__(self) -> None:
        self.items: dict[Key, Item] = {}
        self.keys: list[Key] = []
        self.events: list[Event] = []
        self.base = 0  # how many events the window has passed by
        self.waiters: list[asyncio.Future[None]] = []

    def load(self, items: Iterable[Item]) -> None:
        self.items = {item.key: item for item in items}
        self.keys = sorted(self.items)

    def apply(self, event: Event) -> None:
        key = event.item.key
        if event.type == "DELETED":
            del self.items[key]
            del self.keys[bisect_left(self.keys, key)]
        else:
            if event.type == "ADDED":
                insort(self.keys, key)
            self.items[key] = event.item
        self.events.append(event)

    def drop_oldest(self) -> Event:
        self.base += 1
        return self.events.pop(0)

    def later_than(self, revision: int) -> list[Event]:
        return self.events[bisect_right(self.events, revision, key=_revision) :]

    def wake(self) -> None:
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


class Cursor:
    """A place in one resource's history. It holds no buffer: events are read from the window, and lost when the window passes by."""

    def __init__(self, log: _Log, position: int) -> None:
        self._log = log
        self._position = position

    def take(self) -> list[Event]:
        """Return the events since the last call, oldest first.

        Raises:
            Compacted: the window has passed; list again.
        """
        log = self._log
        if self._position < log.base:
            raise Compacted
        found = log.events[self._position - log.base :]
        self._position += len(found)
        return found

    def wait(self) -> asyncio.Future[None]:
        """Return a future that is done once there may be more to take; whoever needs to may complete it earlier."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._position < self._log.base + len(self._log.events):
            waiter.set_result(None)
        else:
            self._log.waiters.append(waiter)
        return waiter

    def leave(self, waiter: asyncio.Future[None]) -> None:
        """Stop waiting on a future of `wait`."""
        waiter.cancel()
        if waiter in self._log.waiters:
            self._log.waiters.remove(waiter)


@dataclass(frozen=True, slots=True, eq=False)
class _Pending:
    """A write that is being made durable, well or badly; `item` is None for a deletion."""

    item: Item | None
    over: asyncio.Future[None]


class Store:
    """The objects of one API server. Used from one event loop only."""

    def __init__(self, journal: Journal, *, partition: str = "", revision: int = 0, history: int = HISTORY) -> None:
        self._journal = journal
        self._partition = partition
        self._history = history
        self._logs: dict[str, _Log] = {}
        self._order: deque[_Log] = deque()
        self._pending: dict[tuple[str, Key], _Pending] = {}
        self._allocated = revision
        self.revision = revision
        """The revision of the latest visible change."""
        self.compacted = revision
        """The revision below which history is no longer known."""
        self.listeners: list[Callable[[Event], None]] = []
        """Called for each change once it is visible; must neither block nor raise."""

    def load(self, resource: str, items: Iterable[Item]) -> None:
        """Fill a resource with what was stored in an earlier life, before the store is used."""
        self._log(resource).load(items)

    # -- reading ----------------------------------------------------------------------------------------------------------------

    def get(self, resource: str, key: Key) -> Item | None:
        """Return the visible state of one object."""
        log = self._logs.get(resource)
        return log.items.get(key) if log else None

    def latest(self, resource: str, key: Key) -> Item | None:
        """Return the state a write must build on: the visible one, or a later one that is still being made durable."""
        found = self._pending.get((resource, key))
        return found.item if found else self.get(resource, key)

    async def settled(self, resource: str, key: Key) -> None:
        """Return once no write of this object is under way, so that what `latest` says may be told to others."""
        while found := self._pending.get((resource, key)):
            await asyncio.wait((found.over,))

    def count(self, resource: str, namespace: str = "") -> int:
        """Return how many objects there are, in one namespace or in all."""
        log = self._logs.get(resource)
        return len(_within(log.keys, namespace)) if log else 0

    def resources(self) -> list[str]:
        """Return the resources that have objects."""
        return [name for name, log in self._logs.items() if log.items]

    def items(self, resource: str, namespace: str = "", *, revision: int = 0, after: Key | None = None) -> Iterator[Item]:
        """Yield the objects in order of namespace and name, as they were at `revision` (0: now), beginning after the key `after`.

        The iterator must be used up in the same turn of the event loop.

        Raises:
            Compacted: `revision` is not in the window.
        """
        log = self._logs.get(resource)
        if revision and not self.compacted <= revision <= self.revision:
            raise Compacted
        if log is None:
            return iter(())
        undone: dict[Key, Item | None] = {}
        if revision:
            undone = {event.item.key: event.previous for event in reversed(log.later_than(revision))}
        keys = _within(_keys_at(log.keys, undone), namespace)
        if after is not None:
            keys = keys[bisect_right(keys, after) :]
        items = log.items
        if not undone:
            return (items[key] for key in keys)
        return (item for key in keys if (item := undone[key] if key in undone else items[key]) is not None)

    def follow(self, resource: str, revision: int) -> Cursor:
        """Return a cursor to the changes after `revision`.

        Raises:
            Compacted: `revision` is not in the window.
        """
        if not self.compacted <= revision <= self.revision:
            raise Compacted
        log = self._log(resource)
        return Cursor(log, log.base + bisect_right(log.events, revision, key=_revision))

    # -- writing ----------------------------------------------------------------------------------------------------------------

    @property
    def next_revision(self) -> int:
        """The revision the next write has to carry, valid until the event loop turns."""
        return self._allocated + 1

    async def put(self, resource: str, key: Key, data: bytes) -> Item:
        """Store `data`, which carries `next_revision`; visible and durable when this returns.

        Raises:
            OSError: it could not be made durable; nothing has changed.
        """
        item = Item(key, self.next_revision, data)
        await self._write(resource, item, deleted=False)
        return item

    async def remove(self, resource: str, key: Key, data: bytes) -> Item:
        """Delete the object, whose last state at `next_revision` is `data`; visible and durable when this returns.

        Raises:
            OSError: it could not be made durable; nothing has changed.
        """
        item = Item(key, self.next_revision, data)
        await self._write(resource, item, deleted=True)
        return item

    async def _write(self, resource: str, item: Item, *, deleted: bool) -> None:
        self._allocated = item.revision
        loop = asyncio.get_running_loop()
        settled: asyncio.Future[None] = loop.create_future()
        pending = _Pending(None if deleted else item, loop.create_future())
        self._pending[resource, item.key] = pending
        record = Record(self._partition, resource, item.key, item.revision, None if deleted else item.data)
        self._journal.append(record, partial(self._settle, resource, item, pending, settled))
        await settled

    def _settle(self, resource: str, item: Item, pending: _Pending, settled: asyncio.Future[None], error: Exception | None) -> None:
        if self._pending.get((resource, item.key)) is pending:
            del self._pending[resource, item.key]
        if not pending.over.done():
            pending.over.set_result(None)
        if error is None:
            self._publish(resource, item, deleted=pending.item is None)
        else:
            self._allocated = self.revision  # everything later failed as well, or will before anything new is appended
        if settled.done():  # the caller was cancelled; the write has happened all the same
            return
        if error is None:
            settled.set_result(None)
        else:
            settled.set_exception(error)

    def _publish(self, resource: str, item: Item, *, deleted: bool) -> None:
        log = self._log(resource)
        previous = log.items.get(item.key)
        kind = "DELETED" if deleted else "ADDED" if previous is None else "MODIFIED"
        event = Event(resource, kind, item, previous)
        log.apply(event)
        self.revision = item.revision
        self._order.append(log)
        if len(self._order) > self._history:
            self.compacted = self._order.popleft().drop_oldest().revision
        for listener in self.listeners:
            listener(event)
        log.wake()

    def _log(self, resource: str) -> _Log:
        log = self._logs.get(resource)
        if log is None:
            log = self._logs[resource] = _Log()
        return log


class MemoryStore(Store):
    """A store that lives as long as the process."""

    def __init__(self, *, history: int = HISTORY) -> None:
        super().__init__(_MemoryJournal(), history=history)


class Database(Protocol):
    """Holds many stores: one partition for each API server."""

    async def store(self, partition: str) -> Store:
        """Return the partition's store with everything it held before."""

    async def drop(self, partition: str) -> None:
        """Forget the partition and all its objects."""


class MemoryDatabase:
    """A database that lives as long as the process."""

    def __init__(self) -> None:
        self._stores: dict[str, Store] = {}

    async def store(self, partition: str) -> Store:
        return self._stores.setdefault(partition, MemoryStore())

    async def drop(self, partition: str) -> None:
        self._stores.pop(partition, None)


def _within(keys: Sequence[Key], namespace: str) -> Sequence[Key]:
    if not namespace:
        return keys
    return keys[bisect_left(keys, (namespace, "")) : bisect_left(keys, (namespace + "\0", ""))]


def _keys_at(keys: list[Key], undone: dict[Key, Item | None]) -> list[Key]:
    if not undone:
        return keys
    before = {key for key, item in undone.items() if item is not None}
    return sorted({key for key in keys if key not in undone} | before)
