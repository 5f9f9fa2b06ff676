"""The database: durable, alone, and honest when it fails."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from capelin.apiserver.storage.sqlite import DatabaseError, SqliteDatabase
from capelin.apiserver.storage.store import Store
from capelin.runtime.seams import SystemThreads

THINGS = "things.example.org"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "capelin.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[SqliteDatabase]:
    opened = await SqliteDatabase.open(path, SystemThreads())
    yield opened
    await opened.close()


async def put(store: Store, name: str, data: bytes = b"{}") -> int:
    return (await store.put(THINGS, ("", name), data)).revision


def names(store: Store) -> list[str]:
    return [item.key[1] for item in store.items(THINGS)]


async def test_what_was_stored_is_there_after_the_next_start(path: Path) -> None:
    first = await SqliteDatabase.open(path, SystemThreads())
    store = await first.store("a")
    await put(store, "one")
    await put(store, "two")
    await store.remove(THINGS, ("", "one"), b"{}")
    revision = store.revision
    await first.close()

    second = await SqliteDatabase.open(path, SystemThreads())
    found = await second.store("a")

    assert names(found) == ["two"]
    assert found.revision == revision
    await second.close()


async def test_revisions_never_fall_even_when_the_last_write_was_a_deletion(path: Path) -> None:
    first = await SqliteDatabase.open(path, SystemThreads())
    store = await first.store("a")
    await put(store, "one")
    await store.remove(THINGS, ("", "one"), b"{}")
    await first.close()

    second = await SqliteDatabase.open(path, SystemThreads())

    assert await put(await second.store("a"), "two") == 3
    await second.close()


async def test_partitions_know_nothing_of_each_other(database: SqliteDatabase) -> None:
    a, b = await database.store("a"), await database.store("b")

    await put(a, "one")

    assert names(b) == []
    assert b.revision == 0


async def test_a_dropped_partition_begins_anew(database: SqliteDatabase) -> None:
    await put(await database.store("a"), "one")

    await database.drop("a")

    fresh = await database.store("a")
    assert names(fresh) == []
    assert fresh.revision == 0


async def test_many_writers_at_once_all_become_durable(path: Path) -> None:
    first = await SqliteDatabase.open(path, SystemThreads())
    store = await first.store("a")
    await asyncio.gather(*(put(store, f"thing-{number:04}") for number in range(500)))
    await first.close()

    second = await SqliteDatabase.open(path, SystemThreads())

    assert len(names(await second.store("a"))) == 500
    await second.close()


async def test_a_second_process_is_refused_and_told_who_has_the_file(database: SqliteDatabase, path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"process \d+ has it open"):
        await SqliteDatabase.open(path, SystemThreads())


async def test_the_files_are_their_owners_alone(database: SqliteDatabase, path: Path) -> None:
    await put(await database.store("a"), "one")

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}

    assert set(modes.values()) == {0o600}, modes


async def test_a_newer_schema_is_refused_and_not_touched(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()

    with pytest.raises(DatabaseError, match="found schema 99"):
        await SqliteDatabase.open(path, SystemThreads())

    assert path.read_bytes() == before


async def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)

    with pytest.raises(DatabaseError, match="not a database"):
        await SqliteDatabase.open(path, SystemThreads())


async def test_a_full_disk_refuses_the_write_and_goes_on_when_there_is_room(path: Path) -> None:
    database = await SqliteDatabase.open(path, SystemThreads())
    store = await database.store("a")
    await put(store, "one")
    await database.limit_pages(8)
    with pytest.raises(DatabaseError, match="full"):
        await asyncio.gather(put(store, "large", b"x" * 100_000), put(store, "behind"))
    assert names(store) == ["one"]

    await database.limit_pages(1_000_000)
    revision = await put(store, "two")

    assert revision == 2
    assert names(store) == ["one", "two"]
    await database.close()


KILLED = """
import asyncio, sys
from pathlib import Path
from capelin.apiserver.storage.sqlite import SqliteDatabase
from capelin.runtime.seams import SystemThreads

async def main() -> None:
    store = await (await SqliteDatabase.open(Path(sys.argv[1]), SystemThreads())).store("a")
    async def write(number):
        while True:
            item = await store.put("things", ("", f"writer-{number}"), b"%d" % store.next_revision)
            print(item.key[1], item.revision, flush=True)
    await asyncio.gather(*(write(number) for number in range(8)))

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("acknowledged", [1, 50, 700, 3000])
async def test_no_acknowledged_write_is_lost_when_the_process_is_killed(path: Path, acknowledged: int) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(acknowledged)]
    process.kill()
    lines += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    told = {name: int(revision) for name, revision in (line.split() for line in lines if line.endswith("\n"))}

    database = await SqliteDatabase.open(path, SystemThreads())
    store = await database.store("a")

    kept = {item.key[1]: int(item.data) for item in store.items("things")}
    assert all(kept[name] >= revision for name, revision in told.items())
    assert store.revision == max(kept.values())
    await database.close()
