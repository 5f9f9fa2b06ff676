"""Revisions, history, cursors, and what a journal that fails leaves behind."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capelin.apiserver.storage.store import Compacted, Event, MemoryDatabase, MemoryStore, Record, Settle, Store
from tests.fakes import turn

A, B, C = ("ns", "a"), ("ns", "b"), ("other", "c")


def _data(text: str = "x") -> bytes:
    return b'{"metadata":{"uid":"%s"}}' % text.encode()


class ManualJournal:
    """Keeps what was appended until the test settles it."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Record, Settle]] = []

    def append(self, record: Record, settle: Settle) -> None:
        self.waiting.append((record, settle))

    def settle(self, error: Exception | None = None) -> None:
        waiting, self.waiting = self.waiting, []
        for _, settle in waiting:
            settle(error)


async def test_revisions_have_no_gaps_over_all_resources() -> None:
    store = MemoryStore()

    revisions = [(await store.put(resource, A, _data())).revision for resource in ("x", "y", "x")]
    last = await store.remove("x", A, _data())

    assert [*revisions, last.revision] == [1, 2, 3, 4]
    assert store.revision == 4


async def test_objects_are_ordered_by_namespace_and_name() -> None:
    store = MemoryStore()
    for key in (C, B, A):
        await store.put("x", key, _data())

    assert [item.key for item in store.items("x")] == [A, B, C]
    assert [item.key for item in store.items("x", "ns")] == [A, B]
    assert [item.key for item in store.items("x", after=A)] == [B, C]
    assert store.count("x", "ns") == 2


async def test_a_namespace_does_not_contain_those_it_is_a_prefix_of() -> None:
    store = MemoryStore()
    for namespace in ("a", "a-b", "ab"):
        await store.put("x", (namespace, "n"), _data())

    assert [item.key for item in store.items("x", "a")] == [("a", "n")]


async def test_a_past_revision_can_be_read_inside_the_window() -> None:
    store = MemoryStore()
    await store.put("x", A, _data("one"))
    await store.put("x", B, _data("one"))
    await store.put("x", A, _data("two"))
    await store.remove("x", B, _data("one"))
    await store.put("x", C, _data("one"))

    at_two = [(item.key, item.revision) for item in store.items("x", revision=2)]

    assert at_two == [(A, 1), (B, 2)]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=30), st.integers(min_value=0, max_value=30))
def test_every_past_revision_reads_as_it_was(steps: list[tuple[str, bool]], asked: int) -> None:
    async def scenario() -> None:
        store = MemoryStore()
        states: dict[int, dict[str, int]] = {0: {}}
        present: dict[str, int] = {}
        for name, keep in steps:
            if keep or name not in present:
                present[name] = (await store.put("x", ("", name), _data())).revision
            else:
                await store.remove("x", ("", name), _data())
                del present[name]
            states[store.revision] = dict(present)
        revision = min(asked, store.revision)
        found = {item.key[1]: item.revision for item in store.items("x", revision=revision)} if revision else {}
        assert found == states[revision]

    asyncio.run(scenario())


async def test_history_outside_the_window_is_refused() -> None:
    store = MemoryStore(history=3)
    for _ in range(5):
        await store.put("x", A, _data())

    assert store.compacted == 2
    assert [event.revision for event in store.follow("x", 2).take()] == [3, 4, 5]
    with pytest.raises(Compacted):
        store.follow("x", 1)
    with pytest.raises(Compacted):
        store.items("x", revision=1)


async def test_the_future_is_refused() -> None:
    store = MemoryStore()

    with pytest.raises(Compacted):
        store.follow("x", 1)


async def test_a_cursor_sees_every_change_once_and_in_order() -> None:
    store = MemoryStore()
    cursor = store.follow("x", 0)
    await store.put("x", A, _data())
    await store.put("y", A, _data())
    first = cursor.take()
    await store.put("x", A, _data())
    await store.remove("x", A, _data())

    events = [*first, *cursor.take()]

    assert [(event.type, event.revision) for event in events] == [("ADDED", 1), ("MODIFIED", 3), ("DELETED", 4)]
    assert cursor.take() == []


async def test_a_cursor_that_falls_behind_the_window_is_told() -> None:
    store = MemoryStore(history=2)
    cursor = store.follow("x", 0)
    for _ in range(3):
        await store.put("x", A, _data())

    with pytest.raises(Compacted):
        cursor.take()


async def test_a_waiting_cursor_is_woken_by_a_change_of_its_resource_alone() -> None:
    store = MemoryStore()
    waiter = store.follow("x", 0).wait()

    await store.put("y", A, _data())
    assert not waiter.done()
    await store.put("x", A, _data())
    assert waiter.done()


async def test_a_write_is_visible_only_once_it_is_durable() -> None:
    journal = ManualJournal()
    store = Store(journal)
    seen: list[Event] = []
    store.listeners.append(seen.append)
    writing = asyncio.ensure_future(store.put("x", A, _data()))
    await turn()

    assert (store.get("x", A), store.revision, seen, writing.done()) == (None, 0, [], False)
    latest = store.latest("x", A)
    assert latest is not None
    assert store.next_revision == 2

    journal.settle()
    assert await writing is latest
    assert store.get("x", A) is latest
    assert [event.type for event in seen] == ["ADDED"]


async def test_what_could_not_be_made_durable_has_never_been() -> None:
    journal = ManualJournal()
    store = Store(journal)
    writes = [asyncio.ensure_future(store.put("x", key, _data())) for key in (A, A, B)]
    await turn()

    journal.settle(OSError("disk full"))
    outcomes = await asyncio.gather(*writes, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [OSError] * 3
    assert store.latest("x", A) is None
    assert (store.revision, store.next_revision) == (0, 1)


async def test_a_write_whose_caller_has_gone_takes_place() -> None:
    journal = ManualJournal()
    store = Store(journal)
    writing = asyncio.ensure_future(store.put("x", A, _data()))
    await turn()
    writing.cancel()

    journal.settle()

    assert store.get("x", A) is not None
    with pytest.raises(asyncio.CancelledError):
        await writing


async def test_what_is_still_being_made_durable_can_be_waited_for() -> None:
    journal = ManualJournal()
    store = Store(journal)
    writing = asyncio.ensure_future(store.put("x", A, _data()))
    waiting = asyncio.ensure_future(store.settled("x", A))
    await turn()
    await turn()
    assert not waiting.done()

    journal.settle(OSError("disk full"))
    await waiting
    await asyncio.wait([writing])

    assert isinstance(writing.exception(), OSError)


async def test_partitions_know_nothing_of_each_other() -> None:
    database = MemoryDatabase()
    one, two = await database.store("one"), await database.store("two")
    await one.put("x", A, _data())

    assert two.get("x", A) is None
    assert await database.store("one") is one
    await database.drop("one")
    assert (await database.store("one")).get("x", A) is None
