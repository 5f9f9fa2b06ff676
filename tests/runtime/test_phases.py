from datetime import timedelta

import pytest

from capelin.runtime.phases import Phase, run_phases
from capelin.runtime.reconcile import DONE, Result


def phase(name: str, outcome: Result | Exception) -> Phase[list[str]]:
    async def run(scope: list[str]) -> Result:
        scope.append(name)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return run


async def test_every_phase_runs_although_one_failed_and_all_failures_are_told() -> None:
    ran: list[str] = []

    with pytest.raises(ExceptionGroup) as told:
        await run_phases([phase("a", KeyError("1")), phase("b", DONE), phase("c", ValueError("2"))], ran)

    assert ran == ["a", "b", "c"]
    assert [type(error) for error in told.value.exceptions] == [KeyError, ValueError]


async def test_the_smallest_requeue_wins() -> None:
    delays = [Result(timedelta(seconds=9)), DONE, Result(timedelta(seconds=3))]

    assert await run_phases([phase("x", delay) for delay in delays], []) == Result(timedelta(seconds=3))


async def test_phases_that_ask_for_nothing_are_done() -> None:
    assert await run_phases([phase("a", DONE)], []) == DONE
