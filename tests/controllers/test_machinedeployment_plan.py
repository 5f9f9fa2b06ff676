from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capelin.api.machinedeployment import MAX_REPLICAS_ANNOTATION, MachineDeployment
from capelin.api.machineset import MachineSet, MachineSetStatus
from capelin.controllers.machinedeployment.plan import Bounds, plan_rollout, rollout_bounds
from capelin.controllers.machinedeployment.proportions import plan_paused
from tests import build


def a_set(name: str, told: int, has: int | None = None, available: int | None = None, **meta: Any) -> MachineSet:
    """Return a set that was told to have `told` replicas, has `has` of them, `available` of which are available."""
    has = told if has is None else has
    status = MachineSetStatus(replicas=has, available_replicas=has if available is None else available)
    return build.machineset(name, replicas=told, status=status, **meta)


def decided(deployment: MachineDeployment, current: MachineSet, *old: MachineSet) -> dict[str, int]:
    return {name: scale.after for name, scale in plan_rollout(deployment, current, old).items()}


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "want"),
    [
        pytest.param(10, 1, 0, Bounds(10, 1, 0), id="numbers"),
        pytest.param(10, "25%", "25%", Bounds(10, 3, 2), id="surge rounds up, unavailability down"),
        pytest.param(10, "0%", "5%", Bounds(10, 0, 1), id="both come out as 0: one may be missing"),
        pytest.param(3, 0, 5, Bounds(3, 0, 3), id="no more can be missing than are wanted"),
        pytest.param(0, 1, 1, Bounds(0, 1, 0), id="nothing is wanted"),
    ],
)
def test_bounds(replicas: int, surge: int | str, unavailable: int | str, want: Bounds) -> None:
    assert rollout_bounds(build.machinedeployment(replicas=replicas, max_surge=surge, max_unavailable=unavailable)) == want


def test_on_delete_knows_neither_surge_nor_unavailability() -> None:
    assert rollout_bounds(build.machinedeployment(replicas=3, strategy="OnDelete")) == Bounds(3, 0, 0)


ROLLING: dict[str, Any] = {"replicas": 3, "max_surge": 1, "max_unavailable": 0}


@pytest.mark.parametrize(
    ("given", "current", "old", "want"),
    [
        pytest.param(ROLLING, a_set("new", 0), [], {"new": 3}, id="a new deployment gets all at once"),
        pytest.param(ROLLING, a_set("new", 3), [], {}, id="nothing to do"),
        pytest.param(ROLLING, a_set("new", 5), [], {"new": 3}, id="fewer are wanted"),
        pytest.param(ROLLING, a_set("new", 0), [a_set("old", 3)], {"new": 1}, id="first one more"),
        pytest.param(ROLLING, a_set("new", 1, available=0), [a_set("old", 3)], {}, id="wait until the new one is available"),
        pytest.param(ROLLING, a_set("new", 1), [a_set("old", 3)], {"old": 2}, id="then one less"),
        pytest.param(ROLLING, a_set("new", 1), [a_set("old", 2, has=3)], {}, id="wait until the old one is gone"),
        pytest.param(
            ROLLING,
            a_set("new", 1),
            [a_set("old", 3, available=2)],
            {"old": 2},
            id="deadlock: an old one that is no use goes although it may not",
        ),
        pytest.param(
            {**ROLLING, "max_unavailable": 1},
            a_set("new", 1, available=0),
            [a_set("a", 1, available=0), a_set("b", 2)],
            {"a": 0},
            id="what is unavailable goes first",
        ),
        pytest.param(
            {"replicas": 3, "max_surge": 0, "max_unavailable": 2},
            a_set("new", 0),
            [a_set("a", 2), a_set("b", 1)],
            {"a": 0},
            id="oldest first",
        ),
        pytest.param(
            {"replicas": 6, "max_surge": 2, "max_unavailable": 2},
            a_set("new", 2),
            [a_set("old", 6, available=3)],
            {"old": 5},
            id="of a set with both, any Machine may be the one that goes",
        ),
        pytest.param(
            ROLLING, a_set("new", 1, available=0), [a_set("old", 3, available=0)], {}, id="what is no use waits for the new one too"
        ),
        pytest.param(
            ROLLING, a_set("new", 1), [a_set("a", 2, has=3, available=0), a_set("b", 2)], {"a": 1}, id="what is going already takes up room"
        ),
        pytest.param(
            {"replicas": 6, "max_surge": 1, "max_unavailable": 0},
            a_set("new", 1),
            [a_set("a", 4, has=6), a_set("b", 10, available=1)],
            {},
            id="what is going already is not available any more",
        ),
        pytest.param(ROLLING, a_set("new", 3), [a_set("old", 0)], {}, id="an empty old set is left alone"),
        pytest.param({**ROLLING, "replicas": 0}, a_set("new", 2), [a_set("old", 1)], {"new": 0, "old": 0}, id="all go"),
        pytest.param(
            {"replicas": 3, "strategy": "OnDelete"}, a_set("new", 0), [a_set("old", 5)], {"old": 3}, id="OnDelete: a surplus goes"
        ),
        pytest.param(
            {"replicas": 3, "strategy": "OnDelete"},
            a_set("new", 0),
            [a_set("a", 2, has=1), a_set("b", 4)],
            {"a": 0, "b": 3},
            id="OnDelete: oldest first",
        ),
    ],
)
def test_the_next_step(given: dict[str, Any], current: MachineSet, old: list[MachineSet], want: dict[str, int]) -> None:
    assert decided(build.machinedeployment(**given), current, *old) == want


def test_a_decision_says_why() -> None:
    (scale,) = plan_rollout(build.machinedeployment(**ROLLING), a_set("new", 1), [a_set("old", 3)]).values()

    assert scale.describe("old") == "Scaled down old MachineSet old from 3 to 2 replicas (-1)"
    assert scale.reason == "4 available replicas > 3 minimum available replicas"


# -- whole rollouts, with Machines that fail and controllers that lag --------------------------------------------------------------------


class World:
    """A rollout in which MachineSets act and report when they are told to, and Machines come up and fail as the test says.

    Sets delete their worst Machines first (as `victims` orders them), so what a plan leaves available can be reckoned at once.
    """

    def __init__(self, deployment: MachineDeployment, old: list[int]) -> None:
        self.deployment = deployment
        self.bounds = rollout_bounds(deployment)
        self.told = {f"old{number}": count for number, count in enumerate(old)} | {"new": 0}
        self.available = dict(self.told)
        self.unavailable = dict.fromkeys(self.told, 0)
        self.reported = {name: (count, count) for name, count in self.told.items()}

    def plan(self) -> None:
        """Plan on what sets have reported; the plan must not promise away what is needed."""
        before = self.left_available
        sets = {name: a_set(name, told, *self.reported[name]) for name, told in self.told.items()}
        current = sets.pop("new")
        for scale in plan_rollout(self.deployment, current, sets.values()).values():
            self.told[scale.machine_set] = scale.after
        assert self.left_available >= min(before, self.bounds.min_available), "availability was given away"

    @property
    def left_available(self) -> int:
        """How many Machines known to be available stay when every set has done what it was told.

        One that has come up and was not reported yet is no loss anybody could have avoided.
        """
        return sum(min(count, self.reported[name][1], max(self.told[name], 0)) for name, count in self.available.items())

    def act(self, name: str) -> None:
        surplus = self.has(name) - self.told[name]
        worst = min(max(surplus, 0), self.unavailable[name])
        self.unavailable[name] -= worst
        self.available[name] -= max(surplus, 0) - worst
        self.unavailable[name] += max(-surplus, 0)  # new Machines are not available yet

    def report(self, name: str) -> None:
        self.reported[name] = (self.has(name), self.available[name])

    def come_up(self, name: str, count: int) -> None:
        count = min(count, self.unavailable[name])
        self.unavailable[name] -= count
        self.available[name] += count

    def fail(self, name: str, count: int) -> None:
        """Machines fail, and their set says so: nobody can plan for what has not been reported."""
        count = min(count, self.available[name])
        self.available[name] -= count
        self.unavailable[name] += count
        self.report(name)

    def settle(self) -> None:
        """Let everybody do what is due."""
        self.plan()
        for name in self.told:
            self.act(name)
            self.report(name)

    def has(self, name: str) -> int:
        return self.available[name] + self.unavailable[name]

    @property
    def total(self) -> int:
        return sum(map(self.has, self.told))

    @property
    def is_done(self) -> bool:
        return self.told["new"] == self.has("new") == self.bounds.desired and self.total == self.bounds.desired


STEPS = st.lists(
    st.one_of(
        st.just(("plan", "", 0)),
        st.tuples(st.sampled_from(["act", "report"]), st.sampled_from(["old0", "old1", "new"]), st.just(0)),
        st.tuples(st.just("come_up"), st.sampled_from(["old0", "old1", "new"]), st.integers(1, 4)),
        st.tuples(st.just("fail"), st.sampled_from(["old0", "old1", "new"]), st.integers(1, 4)),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(replicas=st.integers(0, 8), surge=st.integers(0, 4), unavailable=st.integers(0, 4), split=st.integers(0, 8), steps=STEPS)
def test_a_rollout_keeps_its_bounds_and_ends(
    replicas: int, surge: int, unavailable: int, split: int, steps: list[tuple[str, str, int]]
) -> None:
    deployment = build.machinedeployment(replicas=replicas, max_surge=surge, max_unavailable=unavailable)
    world = World(deployment, [min(split, replicas), replicas - min(split, replicas)])
    most = replicas + world.bounds.max_surge

    for verb, name, count in steps:
        match verb:
            case "plan":
                world.plan()
            case "act":
                world.act(name)
            case "report":
                world.report(name)
            case "come_up":
                world.come_up(name, count)
            case "fail":
                world.fail(name, count)
        assert world.total <= most, "more Machines than the surge allows"

    for _ in range(4 * replicas + 4):  # the trouble is over: everybody acts, and new Machines come up
        world.settle()
        assert world.total <= most
        world.come_up("new", replicas)
    assert world.is_done, f"stuck at {world.told} with {world.available}"


@settings(max_examples=150, deadline=None)
@given(
    start=st.integers(0, 8), wanted=st.integers(0, 8), surge=st.integers(0, 3), unavailable=st.integers(0, 3), progress=st.integers(0, 12)
)
def test_scaling_during_a_rollout_keeps_the_new_bound(start: int, wanted: int, surge: int, unavailable: int, progress: int) -> None:
    """Scaling down while Machines are being replaced must not take away what the smaller number still needs."""
    world = World(build.machinedeployment(replicas=start, max_surge=surge, max_unavailable=unavailable), [start])
    for _ in range(progress):
        world.settle()
        world.come_up("new", 1)

    world.deployment = build.machinedeployment(replicas=wanted, max_surge=surge, max_unavailable=unavailable)
    world.bounds = rollout_bounds(world.deployment)
    for _ in range(4 * max(start, wanted) + 4):
        world.settle()
        world.come_up("new", 2)

    assert world.is_done


# -- paused ------------------------------------------------------------------------------------------------------------------------------


def scaled_while_paused(replicas: int, current: MachineSet | None, *old: MachineSet, **given: Any) -> dict[str, int]:
    deployment = build.machinedeployment(replicas=replicas, paused=True, **given)
    return {name: scale.after for name, scale in plan_paused(deployment, current, old).items()}


def sized(name: str, count: int, most: int, **given: Any) -> MachineSet:
    """Return a set that last heard that the deployment may have `most` Machines."""
    return a_set(name, count, annotations={MAX_REPLICAS_ANNOTATION: str(most)}, **given)


@pytest.mark.parametrize(
    ("replicas", "current", "old", "want"),
    [
        pytest.param(5, a_set("new", 3), [a_set("old", 0)], {"new": 5}, id="the one active set follows"),
        pytest.param(5, a_set("new", 0), [a_set("old", 3)], {"old": 5}, id="even when it is an old one"),
        pytest.param(5, None, [a_set("old", 3)], {"old": 5}, id="or no set equals the template"),
        pytest.param(2, None, [], {}, id="nothing is created"),
        pytest.param(2, a_set("new", 0), [a_set("old", 0)], {"new": 2}, id="without an active one the current one is taken"),
        pytest.param(3, a_set("new", 3), [a_set("old", 1)], {"old": 0}, id="the current one has all: old ones go"),
        pytest.param(0, sized("new", 2, 5), [sized("old", 2, 5)], {"new": 0, "old": 0}, id="to zero"),
        pytest.param(4, sized("new", 2, 5), [sized("old", 3, 5)], {}, id="nothing changed"),
        pytest.param(9, sized("new", 2, 5), [sized("old", 3, 5)], {"new": 4, "old": 6}, id="up, in proportion"),
        pytest.param(1, sized("new", 2, 5), [sized("old", 3, 5)], {"new": 1, "old": 1}, id="down, in proportion"),
    ],
)
def test_replicas_follow_while_a_rollout_is_paused(
    replicas: int, current: MachineSet | None, old: list[MachineSet], want: dict[str, int]
) -> None:
    assert scaled_while_paused(replicas, current, *old) == want


def test_a_paused_on_delete_rollout_leaves_several_sets_alone() -> None:
    assert scaled_while_paused(9, a_set("new", 2), a_set("old", 3), strategy="OnDelete") == {}


@given(replicas=st.integers(0, 20), sizes=st.lists(st.integers(1, 6), min_size=2, max_size=4), surge=st.integers(0, 3))
def test_proportions_add_up(replicas: int, sizes: list[int], surge: int) -> None:
    most = sum(sizes)
    sets = [sized(f"ms{number}", size, most, available=0) for number, size in enumerate(sizes)]
    deployment = build.machinedeployment(replicas=replicas, paused=True, max_surge=surge, max_unavailable=1)

    scales = plan_paused(deployment, sets[0], sets[1:])

    after = [scales[s.metadata.name].after if s.metadata.name in scales else s.spec.replicas or 0 for s in sets]
    assert sum(after) == (replicas + surge if replicas else 0)
    assert min(after) >= 0
