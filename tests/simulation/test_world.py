from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from capelin.simulation.faults import Call, Fault
from capelin.simulation.world import RESTART_AFTER, Story, World, running
from tests.simulation.virtual import in_virtual_time


def test_a_story_tells_two_runs_apart() -> None:
    one, same, other = Story(), Story(), Story()
    for story, name in ((one, "a"), (same, "a"), (other, "b")):
        story.told("begun")
        story.called("manager-1", "management", "get", "machines", name)

    assert one.digest == same.digest != other.digest


def test_a_story_keeps_its_end() -> None:
    story = Story()

    for number in range(5_000):
        story.told(str(number))

    assert story.lines[-1] == "4999"
    assert len(story.lines) < 1_000


class Fatal(BaseException):
    """What no code expects."""


class FatalOnce:
    """A plan that ends whoever makes the twelfth call, in a way that is no death of the plan."""

    def fault(self, call: Call) -> Fault | None:
        if call.number == 12:
            raise Fatal
        return None


@pytest.mark.slow
@pytest.mark.gate
def test_a_manager_that_ends_by_itself_is_told_of_and_started_again() -> None:
    world = World(0, FatalOnce())

    async def work() -> None:
        async with running(world):
            await world.clock.sleep(RESTART_AFTER + timedelta(seconds=30))

    in_virtual_time(work)

    ((at, message),) = world.failures
    assert at < 10
    assert message.startswith("manager-1 ended with")
    assert world.deaths == 1
    assert world.story.calls > 20


@pytest.mark.parametrize(("minutes", "held"), [(10, True), (1, False)], ids=["in-time", "too-late"])
def test_a_condition_is_waited_for_as_long_as_it_may_take(minutes: int, *, held: bool) -> None:
    world = World(0)
    asked: list[float] = []

    async def is_there() -> bool:
        asked.append(world.clock.monotonic())
        return world.store.get("namespaces", ("", "late")) is not None

    async def work() -> bool:
        written = asyncio.ensure_future(_written_after(world, timedelta(minutes=5)))
        found = await world.until(is_there, within=timedelta(minutes=minutes))
        await written
        return found

    assert in_virtual_time(work) is held
    assert len(asked) < 5


async def _written_after(world: World, delay: timedelta) -> None:
    await world.clock.sleep(delay)
    await world.store.put("namespaces", ("", "late"), b"{}")
