import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from capelin.api.meta import ObjectKey
from capelin.runtime.queue import LAST_RETRY, ShutDown, WorkQueue
from tests.fakes import FakeClock, settle

A, B, C = (ObjectKey("default", name) for name in "abc")
SECOND = timedelta(seconds=1)


@dataclass
class Tally:
    """Queue metrics that remember."""

    depths: list[int] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    works: list[float] = field(default_factory=list)
    retries: int = 0

    def added(self, depth: int) -> None:
        self.depths.append(depth)

    def taken(self, depth: int, waited: float) -> None:
        self.depths.append(depth)
        self.waits.append(waited)

    def finished(self, worked: float) -> None:
        self.works.append(worked)

    def retried(self) -> None:
        self.retries += 1


@asynccontextmanager
async def ticking(queue: WorkQueue) -> AsyncIterator[None]:
    task = asyncio.ensure_future(queue.run_timers())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def drain(queue: WorkQueue) -> list[ObjectKey]:
    found = []
    while len(queue):
        key = await queue.get()
        queue.done(key)
        found.append(key)
    return found


async def test_a_key_added_twice_is_there_once_and_order_is_kept() -> None:
    queue = WorkQueue(FakeClock(), Tally())
    for key in (A, B, A):
        queue.add(key)

    assert await drain(queue) == [A, B]


async def test_a_key_is_never_worked_on_twice_at_once() -> None:
    queue = WorkQueue(FakeClock(), Tally())
    queue.add(A)
    assert await queue.get() == A
    queue.add(A)
    second = asyncio.ensure_future(queue.get())
    await settle()
    assert not second.done()

    queue.done(A)

    assert await second == A


async def test_what_can_wait_waits_until_nothing_else_does() -> None:
    queue = WorkQueue(FakeClock(), Tally())
    queue.add(A, can_wait=True)
    queue.add(B)

    assert await drain(queue) == [B, A]


async def test_a_patient_key_that_becomes_urgent_is_worked_on_once_and_first() -> None:
    queue = WorkQueue(FakeClock(), Tally())
    queue.add(A, can_wait=True)
    queue.add(B, can_wait=True)
    queue.add(B)

    assert await drain(queue) == [B, A]


async def test_urgency_is_kept_while_the_key_is_worked_on() -> None:
    queue = WorkQueue(FakeClock(), Tally())
    queue.add(A)
    await queue.get()
    queue.add(A)
    queue.add(B, can_wait=True)
    queue.done(A)

    assert await drain(queue) == [A, B]


async def test_of_two_delays_the_earlier_counts() -> None:
    clock = FakeClock()
    queue = WorkQueue(clock, Tally())
    async with ticking(queue):
        queue.add_after(A, 10 * SECOND)
        queue.add_after(A, 3 * SECOND)
        queue.add_after(A, 5 * SECOND)
        await clock.advance(3 * SECOND)
        assert await drain(queue) == [A]

        await clock.advance(60 * SECOND)

        assert len(queue) == 0


async def test_a_delay_shorter_than_the_one_being_slept_on_is_noticed() -> None:
    clock = FakeClock()
    queue = WorkQueue(clock, Tally())
    async with ticking(queue):
        queue.add_after(A, 60 * SECOND)
        await settle()
        queue.add_after(B, SECOND)
        await clock.advance(SECOND)

        assert await drain(queue) == [B]


async def test_pauses_double_up_to_a_limit_and_start_again_after_success() -> None:
    queue = WorkQueue(FakeClock(), Tally())

    pauses = [queue.retry(A) for _ in range(30)]

    assert [pause.total_seconds() for pause in pauses[:4]] == [0.005, 0.01, 0.02, 0.04]
    assert pauses[-1] == LAST_RETRY
    queue.forget(A)
    assert queue.retry(A) == pauses[0]


async def test_failures_of_one_key_do_not_slow_another() -> None:
    queue = WorkQueue(FakeClock(), Tally())
    for _ in range(5):
        queue.retry(A)

    assert queue.retry(B).total_seconds() == 0.005


async def test_a_server_may_ask_for_a_longer_pause() -> None:
    assert WorkQueue(FakeClock(), Tally()).retry(A, at_least=7 * SECOND) == 7 * SECOND


async def test_a_closed_queue_wakes_everybody_and_gives_nothing() -> None:
    queue = WorkQueue(FakeClock(), Tally())
    takers = [asyncio.ensure_future(queue.get()) for _ in range(3)]
    await settle()

    queue.close()
    queue.add(A)

    for got in await asyncio.gather(*takers, return_exceptions=True):
        assert isinstance(got, ShutDown)
    with pytest.raises(ShutDown):
        await queue.get()


async def test_a_cancelled_taker_passes_its_turn_on() -> None:
    queue = WorkQueue(FakeClock(), Tally())
    first, second = asyncio.ensure_future(queue.get()), asyncio.ensure_future(queue.get())
    await settle()
    queue.add(A)
    first.cancel()

    assert await second == A
    await asyncio.gather(first, return_exceptions=True)


async def test_idle_is_when_the_last_key_is_given_back() -> None:
    queue = WorkQueue(FakeClock(), Tally())
    queue.add(A)
    queue.add(B)
    await queue.get()
    await queue.get()
    idle = asyncio.ensure_future(queue.idle())
    queue.done(A)
    await settle()
    assert not idle.done()

    queue.done(B)

    await idle


async def test_times_and_depths_are_told() -> None:
    clock, tally = FakeClock(), Tally()
    queue = WorkQueue(clock, tally)
    queue.add(A)
    queue.add(B)
    await clock.advance(2 * SECOND)
    key = await queue.get()
    await clock.advance(3 * SECOND)
    queue.done(key)
    queue.retry(key)

    assert (tally.depths, tally.waits, tally.works, tally.retries) == ([1, 2, 1], [2.0], [3.0], 1)
