import asyncio
import math
from datetime import timedelta

import pytest

from capelin.runtime.backoff import Backoff
from capelin.runtime.deadlines import until, within
from tests.fakes import FakeClock, FakeRandom, settle

SECOND = timedelta(seconds=1)


class Work:
    """Something that takes until it is told to end."""

    def __init__(self) -> None:
        self.end = asyncio.Event()
        self.cancelled = False

    async def run(self) -> str:
        try:
            await self.end.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return "done"


async def test_work_that_ends_in_time_gives_its_result() -> None:
    clock, work = FakeClock(), Work()
    waiting = asyncio.ensure_future(within(clock, SECOND, work.run()))
    await settle()
    work.end.set()

    assert await waiting == "done"


async def test_work_that_takes_longer_is_cancelled_and_has_ended() -> None:
    clock, work = FakeClock(), Work()
    waiting = asyncio.ensure_future(within(clock, SECOND, work.run()))
    await clock.advance(SECOND)

    with pytest.raises(TimeoutError):
        await waiting
    assert work.cancelled


async def test_cancelling_the_waiting_cancels_the_work() -> None:
    clock, work = FakeClock(), Work()
    waiting = asyncio.ensure_future(within(clock, SECOND, work.run()))
    await settle()
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert work.cancelled


async def test_a_failure_is_passed_on() -> None:
    async def fail() -> None:
        raise KeyError("storm")

    with pytest.raises(KeyError):
        await within(FakeClock(), SECOND, fail())


def test_pauses_double_up_to_a_limit_and_begin_again() -> None:
    backoff = Backoff(FakeRandom(fraction=0.0), SECOND, 5 * SECOND)

    assert [backoff.next() / SECOND for _ in range(4)] == [1, 2, 4, 5]
    backoff.reset()
    assert backoff.next() == SECOND


def test_pauses_are_shortened_by_up_to_half() -> None:
    assert Backoff(FakeRandom(fraction=0.5), SECOND, 5 * SECOND).next() == 0.75 * SECOND


@pytest.mark.parametrize(
    ("moment", "now", "want"),
    [
        pytest.param(3.5, 2.0, timedelta(seconds=1.5), id="what is left"),
        pytest.param(2.0, 2.0, timedelta(), id="nothing when it has come"),
        pytest.param(-math.inf, 2.0, timedelta(), id="nothing when it came long ago"),
        pytest.param(1.240803, 1.2408029999999999, timedelta(microseconds=1), id="a microsecond when it is less: it has not come yet"),
    ],
)
def test_a_wait_never_ends_before_its_moment(moment: float, now: float, want: timedelta) -> None:
    assert until(moment, now) == want
