from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from capelin.runtime.seams import SystemThreads
from capelin.simulation.loop import OutOfReach, Spinning, Stuck, VirtualLoop
from capelin.simulation.seams import Chance, VirtualClock
from tests.simulation.virtual import in_virtual_time

NOTHING = timedelta()


def order_of_twenty(seed: int) -> list[int]:
    order: list[int] = []

    async def turn(number: int) -> None:
        await VirtualClock().sleep(NOTHING)
        order.append(number)

    async def work() -> None:
        await asyncio.gather(*map(turn, range(20)))

    in_virtual_time(work, seed=seed)
    return order


def test_one_seed_gives_one_order() -> None:
    assert order_of_twenty(7) == order_of_twenty(7)


def test_another_seed_gives_another_order() -> None:
    assert order_of_twenty(7) != order_of_twenty(8)
    assert sorted(order_of_twenty(7)) == sorted(order_of_twenty(8))


def test_time_stands_still_while_somebody_can_run() -> None:
    async def work() -> float:
        for _ in range(1_000):
            await VirtualClock().sleep(NOTHING)
        return VirtualClock().monotonic()

    assert in_virtual_time(work) == 0


def test_time_passes_at_once_to_the_next_timer_when_nobody_can_run() -> None:
    seen: list[float] = []

    async def wait(hours: int) -> None:
        await VirtualClock().sleep(timedelta(hours=hours))
        seen.append(VirtualClock().monotonic())

    async def work() -> None:
        await asyncio.gather(wait(30), wait(2))

    in_virtual_time(work)

    assert seen == [2 * 3600, 30 * 3600]


def test_a_timer_that_was_taken_back_moves_no_time() -> None:
    async def work() -> float:
        asyncio.get_running_loop().call_later(5, lambda: None).cancel()
        await VirtualClock().sleep(timedelta(seconds=60))
        return VirtualClock().monotonic()

    assert in_virtual_time(work) == 60


@pytest.mark.filterwarnings("ignore:.*was never awaited:RuntimeWarning")
def test_waiting_for_what_cannot_come_is_an_error() -> None:
    async def work() -> None:
        await VirtualClock().sleep(timedelta(seconds=3))
        await asyncio.Event().wait()

    with pytest.raises(Stuck):
        in_virtual_time(work)


@pytest.mark.filterwarnings("ignore:.*was never awaited:RuntimeWarning")
def test_a_run_that_spins_is_an_error() -> None:
    loop = VirtualLoop(Chance(0), horizon=1_000)

    async def work() -> None:
        while True:
            await VirtualClock().sleep(NOTHING)

    with pytest.raises(Spinning):
        loop.run_until_complete(work())
    loop.close()
    assert loop.steps > 1_000


async def in_a_thread() -> None:
    await SystemThreads().run(int)


async def in_an_executor() -> None:
    await asyncio.get_running_loop().run_in_executor(None, int)


async def name_looked_up() -> None:
    await asyncio.get_running_loop().getaddrinfo("localhost", 80)


async def connected() -> None:
    await asyncio.open_connection("127.0.0.1", 80)


async def served() -> None:
    await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)


@pytest.mark.parametrize("act", [in_a_thread, in_an_executor, name_looked_up, connected, served], ids=lambda act: act.__name__)
def test_what_would_not_repeat_is_refused(act: Callable[[], Awaitable[None]]) -> None:
    with pytest.raises(OutOfReach):
        in_virtual_time(act)


def test_a_generator_that_nobody_closed_is_closed_by_the_loop() -> None:
    closed: list[bool] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await VirtualClock().sleep(NOTHING)
            closed.append(True)

    async def work() -> None:
        async for _ in numbers():
            break
        await VirtualClock().sleep(timedelta(seconds=1))

    in_virtual_time(work)

    assert closed == [True]


def test_sets_of_tasks_and_futures_are_in_the_order_of_their_making() -> None:
    async def work() -> bool:
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in range(50)]
        tasks = [asyncio.create_task(VirtualClock().sleep(NOTHING)) for _ in range(50)]
        in_order = list(set(futures)) == futures and list(set(tasks)) == tasks
        await asyncio.wait(tasks)
        return in_order

    assert in_virtual_time(work)
