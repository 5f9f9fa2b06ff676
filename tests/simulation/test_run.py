from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from capelin.api.labels import DEPLOYMENT_NAME_LABEL
from capelin.api.machine import Machine
from capelin.api.meta import ObjectMeta
from capelin.runtime.codec import Document
from capelin.simulation.faults import Fault
from capelin.simulation.run import SETTLES, Outcome, Schedule, run
from capelin.simulation.workloads import WORKLOADS, NeverSettled, Workload, ask_for, quickstart
from capelin.simulation.world import World

pytestmark = pytest.mark.slow


def run_with(act: Callable[[World, list[Document]], Awaitable[None]], profile: str = "calm") -> Outcome:
    """Run what a user does who is not in the catalogue."""
    return run(Schedule(0, "own", profile), quickstart(), workloads={"own": Workload("own", act)})


@pytest.mark.gate
@pytest.mark.parametrize("workload", WORKLOADS)
def test_where_nothing_goes_wrong_no_rule_is_broken(workload: str) -> None:
    outcome = run(Schedule(0, workload, "calm"), quickstart())

    assert outcome.violations == []
    assert (outcome.deaths, dict(outcome.faults)) == (0, {})
    assert outcome.calls > 50


@pytest.mark.gate
def test_a_run_repeats_itself_call_by_call_and_another_seed_does_not() -> None:
    """Runs with many deaths once differed: a group cancelled its tasks in the order of their addresses."""
    first, again, other = (run(Schedule(seed, "scale"), quickstart()) for seed in (1, 1, 2))

    assert (first.digest, first.steps, first.virtual_seconds) == (again.digest, again.steps, again.virtual_seconds)
    assert first.deaths > 5
    assert other.digest != first.digest


def test_what_was_drawn_can_be_listed_and_gives_the_same_run() -> None:
    drawn = run(Schedule(5, "delete-while-creating"), quickstart())

    listed = run(Schedule(5, "delete-while-creating", faults=drawn.faults), quickstart())

    assert listed.digest == drawn.digest


def test_a_crash_is_survived_by_the_next_manager() -> None:
    outcome = run(Schedule(0, "create-delete", faults={60: Fault.CRASH_AFTER_EFFECT}), quickstart())

    assert outcome.violations == []
    assert outcome.deaths == 1


async def one_too_many(world: World, manifests: list[Document]) -> None:
    """Create a cluster, and a Machine in the name of a MachineSet that has all it wants."""
    await ask_for(world, manifests)
    found: list[Machine] = []

    async def has_workers() -> bool:
        found[:] = [m for m in await world.client.list(Machine) if DEPLOYMENT_NAME_LABEL in (m.metadata.labels or {})]
        return len(found) == 3

    assert await world.until(has_workers, within=timedelta(minutes=10))
    extra = found[0].model_copy(deep=True)
    extra.metadata = ObjectMeta(
        name="extra", namespace="default", labels=extra.metadata.labels, owner_references=extra.metadata.owner_references
    )
    await world.client.create(extra)


def test_a_machine_too_many_is_told_with_its_story() -> None:
    outcome = run_with(one_too_many)

    (broken,) = [violation for violation in outcome.violations if violation.id == "I11"]
    assert "4 Machines live, 3 are wanted" in broken.message
    assert f"VIOLATION {broken}" in outcome.story


def test_what_never_comes_to_rest_is_told_with_what_it_waited_for() -> None:
    async def act(world: World, _manifests: list[Document]) -> None:
        await world.clock.sleep(timedelta(hours=1))
        raise NeverSettled("after 1:00:00 it is still not so that pigs fly")

    (violation,) = run_with(act).violations

    assert (violation.id, violation.message) == (SETTLES, "after 1:00:00 it is still not so that pigs fly")
    assert violation.at >= 3600
