"""Background work: once per key, again after a failure, nothing while there is nothing to do."""

import asyncio
from datetime import timedelta

from capelin.apiserver.background import Background
from capelin.runtime import errors
from tests.fakes import FakeClock, settle


async def test_a_key_that_is_added_twice_is_worked_on_once() -> None:
    seen: list[str] = []

    async def work(key: str) -> None:
        seen.append(key)

    background = Background(work, FakeClock())
    for key in ("a", "b", "a"):
        background.add(key)
    await settle()

    assert sorted(seen) == ["a", "b"]


async def test_a_key_that_is_added_during_its_work_is_worked_on_again_afterwards() -> None:
    active, most, runs = 0, 0, 0
    gate = asyncio.Event()

    async def work(key: str) -> None:
        nonlocal active, most, runs
        active, runs = active + 1, runs + 1
        most = max(most, active)
        await gate.wait()
        active -= 1

    background = Background(work, FakeClock())
    background.add("a")
    await settle()
    background.add("a")
    gate.set()
    await settle()

    assert (runs, most) == (2, 1)


async def test_what_fails_is_tried_again_later_and_does_not_hold_up_others() -> None:
    clock, seen = FakeClock(), list[str]()

    async def work(key: str) -> None:
        seen.append(key)
        if key == "a" and seen.count("a") == 1:
            raise errors.ServerError("disk full")

    background = Background(work, clock)
    background.add("a")
    background.add("b")
    await settle()
    assert sorted(seen) == ["a", "b"]

    await clock.advance(timedelta(seconds=2))
    assert sorted(seen) == ["a", "a", "b"]


async def test_a_defect_in_the_work_on_one_key_does_not_end_the_work_on_others() -> None:
    seen: list[str] = []

    async def work(key: str) -> None:
        if key == "bad":
            raise KeyError(key)
        seen.append(key)

    background = Background(work, FakeClock())
    background.add("bad")
    await settle()
    background.add("good")
    await settle()

    assert seen == ["good"]


async def test_stopped_work_does_not_begin_again() -> None:
    seen: list[str] = []

    async def work(key: str) -> None:
        seen.append(key)

    background = Background(work, FakeClock())
    await background.stop()
    background.add("a")
    await settle()

    assert seen == []
