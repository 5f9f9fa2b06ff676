from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from capelin.simulation.process import Died, Process
from capelin.simulation.seams import VirtualClock
from tests.simulation.virtual import in_virtual_time

HOUR = timedelta(hours=1)


def test_tasks_of_tasks_belong_to_the_process_and_die_with_it() -> None:
    ended: list[str] = []

    async def child(name: str) -> None:
        try:
            await VirtualClock().sleep(HOUR)
        finally:
            ended.append(name)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(child("one"))
            group.create_task(child("two"))

    async def work() -> float:
        process = Process("p")
        process.tasks[process.start(main())] = None
        await VirtualClock().sleep(timedelta(seconds=1))
        process.die()
        await process.buried()
        return VirtualClock().monotonic()

    assert in_virtual_time(work) == 1
    assert sorted(ended) == ["one", "two"]


def test_a_task_of_the_world_outlives_every_process() -> None:
    async def wait(hours: int) -> int:
        await VirtualClock().sleep(hours * HOUR)
        return hours

    async def main() -> None:
        await wait(10)

    async def work() -> int:
        process = Process("p")
        outside = asyncio.ensure_future(wait(5))
        process.start(main())
        process.die()
        await process.buried()
        return await outside

    assert in_virtual_time(work) == 5


def test_whoever_lets_its_own_process_die_ends_at_its_next_call() -> None:
    reached: list[str] = []

    async def main(process: Process) -> None:
        process.die()
        reached.append("the rest of the turn")
        process.check_alive()
        reached.append("beyond the next call")

    async def work() -> None:
        process = Process("p")
        process.start(main(process))
        await process.buried()

    in_virtual_time(work)

    assert reached == ["the rest of the turn"]


def test_death_is_no_error_that_a_phase_could_report() -> None:
    process = Process("p")
    process.die()

    with pytest.raises(Died) as caught:
        process.check_alive()
    assert not isinstance(caught.value, Exception)


def test_what_a_dying_process_starts_ends_before_it_begins() -> None:
    began: list[bool] = []

    async def late() -> None:
        began.append(True)
        await VirtualClock().sleep(HOUR)

    async def main() -> None:
        try:
            await VirtualClock().sleep(HOUR)
        finally:
            last = asyncio.create_task(late())
            await asyncio.wait([last])

    async def work() -> float:
        process = Process("p")
        process.start(main())
        await VirtualClock().sleep(timedelta(seconds=1))
        process.die()
        await process.buried()
        return VirtualClock().monotonic()

    assert in_virtual_time(work) == 1
    assert began == []


def test_the_world_acts_once_on_a_death() -> None:
    acts: list[str] = []
    process = Process("p", on_death=[lambda: acts.append("closed")])

    process.die()
    process.die()

    assert acts == ["closed"]
