"""A database in one SQLite file: durable before it is visible, shared by many stores.

The objects live in memory; the file is what they are read from at the next start. One thread writes: it takes everything that has been
appended meanwhile and commits it at once, so that many writers share one fsync. A commit is durable when SQLite has synced the write-ahead
log (`synchronous=FULL`), and only then are the writers told.

A full disk refuses the writes that did not fit and goes on. After any other failure of the file nothing is known about what is on the disk,
so every later write is refused until the process is started again.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

from capelin.apiserver.storage.store import Item, Record, Settle, Store
from capelin.runtime.seams import Thread, Threads

SCHEMA_VERSION: Final = 1
"""The layout below. A file of a newer one is refused, because writing to it could destroy what we do not understand."""

BATCH_LIMIT: Final = 1000
"""Records in one transaction: enough to share an fsync, few enough to answer soon."""

_TABLES = """
CREATE TABLE IF NOT EXISTS partitions (partition TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    partition TEXT NOT NULL, resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    revision INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (partition, resource, namespace, name)
) WITHOUT ROWID;
"""
_PUT = "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)"
_REMOVE = "DELETE FROM objects WHERE partition = ? AND resource = ? AND namespace = ? AND name = ?"
_ADVANCE = "INSERT OR REPLACE INTO partitions VALUES (?, ?)"


class DatabaseError(OSError):
    """The file cannot be used; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class _Drop:
    partition: str


@dataclass(frozen=True, slots=True)
class _Job:
    change: Record | _Drop
    settle: Settle


class SqliteDatabase:
    """Holds the stores of one process in one file. Open it with `open`, close it with `close`."""

    def __init__(self, path: Path, lock: int, connection: sqlite3.Connection, threads: Threads) -> None:
        self._path = path
        self._lock = lock
        self._connection = connection
        self._threads = threads
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._resume: SimpleQueue[None] = SimpleQueue()
        self._stores: dict[str, Store] = {}
        self._broken: DatabaseError | None = None
        self._writer: Thread = threads.start(self._write, name="capelin-database")

    @classmethod
    async def open(cls, path: Path, threads: Threads) -> SqliteDatabase:
        """Return the database in the file `path`, which is created when it is not there.

        Raises:
            DatabaseError: another process has it open, it is newer than this program, or it is no database.
        """
        lock = _locked(path)
        try:
            connection = await threads.run(lambda: _connected(path))
        except BaseException:
            os.close(lock)
            raise
        return cls(path, lock, connection, threads)

    async def close(self) -> None:
        """Write what was appended, and let go of the file."""
        self._jobs.put(None)
        await self._threads.run(self._writer.join)
        self._connection.close()
        os.close(self._lock)

    async def store(self, partition: str) -> Store:
        """Return the partition's store with everything it held before.

        Raises:
            DatabaseError: the file cannot be read.
        """
        if partition not in self._stores:
            revision, found = await self._threads.run(lambda: self._read(partition))
            if partition not in self._stores:  # nobody was faster
                store = Store(self, partition=partition, revision=revision)
                for resource, items in found.items():
                    store.load(resource, items)
                self._stores[partition] = store
        return self._stores[partition]

    async def drop(self, partition: str) -> None:
        """Forget the partition and all its objects.

        Raises:
            DatabaseError: it could not be forgotten.
        """
        self._stores.pop(partition, None)
        settled: asyncio.Future[None] = self._loop.create_future()

        def settle(error: Exception | None) -> None:
            if not settled.done():
                settled.set_result(None) if error is None else settled.set_exception(error)

        self._append(_Job(_Drop(partition), settle))
        await settled

    async def limit_pages(self, pages: int) -> None:
        """Let the file grow to so many pages of 4 KiB at most; what does not fit is refused."""
        await self._threads.run(lambda: self._connection.execute(f"PRAGMA max_page_count = {pages:d}"))

    def append(self, record: Record, settle: Settle) -> None:
        """Make `record` durable after all earlier ones, then call `settle(None)` on the event loop; see `Journal`."""
        self._append(_Job(record, settle))

    def _append(self, job: _Job) -> None:
        if self._broken is not None:
            self._loop.call_soon(job.settle, self._broken)
        else:
            self._jobs.put(job)

    # -- on the event loop ------------------------------------------------------------------------------------------------------

    def _succeed(self, batch: Sequence[_Job]) -> None:
        for job in batch:
            job.settle(None)

    def _fail(self, batch: Sequence[_Job], error: DatabaseError, final: bool) -> None:
        """Fail the batch and all that was appended behind it: later writes of a store build on earlier ones."""
        if final:
            self._broken = error
        behind, ended = self._waiting(limit=None)
        for job in (*batch, *behind):
            job.settle(error)
        if ended:
            self._jobs.put(None)
        self._resume.put(None)

    # -- on the writer's thread -------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        while (first := self._jobs.get()) is not None:
            rest, ended = self._waiting(limit=BATCH_LIMIT)
            batch = [first, *rest]
            try:
                _commit(self._connection, [job.change for job in batch])
            except sqlite3.Error as error:
                code = getattr(error, "sqlite_errorcode", None)
                failure = DatabaseError(f"database {self._path}: {error}")
                self._loop.call_soon_threadsafe(self._fail, batch, failure, code != sqlite3.SQLITE_FULL)
                self._resume.get()
            else:
                self._loop.call_soon_threadsafe(self._succeed, batch)
            if ended:
                return

    def _waiting(self, *, limit: int | None) -> tuple[list[_Job], bool]:
        """Return what has been appended, at most `limit` jobs, and whether the end was behind them."""
        found: list[_Job] = []
        while limit is None or len(found) < limit:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                break
            if job is None:
                return found, True
            found.append(job)
        return found, False

    def _read(self, partition: str) -> tuple[int, dict[str, list[Item]]]:
        try:
            reader = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)
            try:
                row = reader.execute("SELECT revision FROM partitions WHERE partition = ?", (partition,)).fetchone()
                rows = reader.execute("SELECT resource, namespace, name, revision, data FROM objects WHERE partition = ?", (partition,))
                found: dict[str, list[Item]] = {}
                for resource, namespace, name, revision, data in rows:
                    found.setdefault(resource, []).append(Item((namespace, name), revision, data))
            finally:
                reader.close()
        except sqlite3.Error as error:
            raise DatabaseError(f"database {self._path}: {error}") from error
        return (row[0] if row else 0), found


def _commit(connection: sqlite3.Connection, changes: Sequence[Record | _Drop]) -> None:
    revisions: dict[str, int] = {}
    connection.execute("BEGIN IMMEDIATE")
    try:
        for change in changes:
            if isinstance(change, _Drop):
                revisions.pop(change.partition, None)
                connection.execute("DELETE FROM objects WHERE partition = ?", (change.partition,))
                connection.execute("DELETE FROM partitions WHERE partition = ?", (change.partition,))
                continue
            revisions[change.partition] = change.revision
            place = (change.partition, change.resource, *change.key)
            if change.data is None:
                connection.execute(_REMOVE, place)
            else:
                connection.execute(_PUT, (*place, change.revision, change.data))
        connection.executemany(_ADVANCE, revisions.items())
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _locked(path: Path) -> int:
    """Return the descriptor of a lock that the operating system releases when this process ends, however it ends."""
    try:
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DatabaseError(f"database {path}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(descriptor, 20, 0).decode(errors="replace") or "unknown"
        os.close(descriptor)
        raise DatabaseError(f"database {path}: process {holder} has it open, and one process at a time may") from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _connected(path: Path) -> sqlite3.Connection:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # SQLite would make it readable by others
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise DatabaseError(f"database {path}: {error}") from error
    try:
        _prepare(path, connection)
    except (sqlite3.Error, DatabaseError) as error:
        connection.close()
        raise error if isinstance(error, DatabaseError) else DatabaseError(f"database {path}: {error}") from error
    return connection


def _prepare(path: Path, connection: sqlite3.Connection) -> None:
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > SCHEMA_VERSION:
        raise DatabaseError(
            f"database {path}: found schema {found}, this program knows up to {SCHEMA_VERSION}; use the newer program that wrote it"
        )
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise DatabaseError(f"database {path}: its file system does not support write-ahead logging (found mode {mode})")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(_TABLES)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
