from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capelin.api.machine import DELETE_MACHINE_ANNOTATION, Machine, MachineStatus, NodeReference
from capelin.api.machineset import ORDINAL_ANNOTATION, MachineSetDeletion
from capelin.api.meta import Condition
from capelin.controllers.machineset.plan import Ordinals, ordinal_of, plan_scale, victims
from tests import build
from tests.build import NOW


def a_machine(name: str, *conditions: Condition, node: bool = True, age: int = 0, **meta: Any) -> Machine:
    found: list[Condition] = list(conditions)
    machine = build.machine(name, status=MachineStatus(node_ref=NodeReference(name=name) if node else None, conditions=found), **meta)
    machine.metadata.creation_timestamp = NOW - timedelta(minutes=age)
    return machine


GOING = a_machine("going", deleting=True)
CHOSEN = a_machine("chosen", annotations={DELETE_MACHINE_ANNOTATION: ""})
NODELESS = a_machine("nodeless", node=False)
UNHEALTHY_NODE = a_machine("sick-node", build.condition("NodeHealthy", "False"))
FAILED_CHECK = a_machine("sick-check", build.condition("HealthCheckSucceeded", "False"))
UNAVAILABLE = a_machine("unavailable", build.condition("Available", "False"))
UNKNOWN_NODE = a_machine("unknown-node", build.condition("NodeHealthy", "Unknown"))
FINE = a_machine("fine", build.condition("Available"))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(GOING, CHOSEN, id="what is going anyway before what the user chose"),
        pytest.param(CHOSEN, NODELESS, id="what the user chose before what is unhealthy"),
        pytest.param(NODELESS, UNAVAILABLE, id="what has no Node before what is not available"),
        pytest.param(UNHEALTHY_NODE, UNAVAILABLE, id="an unhealthy Node before what is not available"),
        pytest.param(FAILED_CHECK, UNAVAILABLE, id="a failed health check before what is not available"),
        pytest.param(UNAVAILABLE, FINE, id="what is not available before what is"),
        pytest.param(FINE, UNKNOWN_NODE, id="an unknown Node is not unhealthy: names decide"),
    ],
)
@pytest.mark.parametrize("order", ["Random", "Newest", "Oldest"])
def test_the_most_dispensable_goes_first_whatever_the_order(first: Machine, second: Machine, order: str) -> None:
    machineset = build.machineset(spec={"deletion": MachineSetDeletion(order=order)})

    assert victims(machineset, [second, first]) == [first, second]


@pytest.mark.parametrize(
    ("order", "want"),
    [
        pytest.param(None, ["a", "b", "c"], id="no order: by name"),
        pytest.param("Random", ["a", "b", "c"], id="random: any will do, always the same"),
        pytest.param("Newest", ["b", "c", "a"], id="newest"),
        pytest.param("Oldest", ["a", "c", "b"], id="oldest"),
    ],
)
def test_equals_go_in_the_order_of_the_spec(order: str | None, want: list[str]) -> None:
    machineset = build.machineset(spec={"deletion": MachineSetDeletion(order=order) if order else None})
    machines = [a_machine("c", age=2), a_machine("a", age=3), a_machine("b", age=1)]

    assert [machine.metadata.name for machine in victims(machineset, machines)] == want


@pytest.mark.parametrize(
    ("replicas", "machines", "create", "delete"),
    [
        pytest.param(3, [FINE], 2, [], id="too few"),
        pytest.param(1, [FINE], 0, [], id="as many as wanted"),
        pytest.param(1, [FINE, UNAVAILABLE, CHOSEN], 0, [CHOSEN, UNAVAILABLE], id="too many"),
        pytest.param(1, [FINE, GOING], 0, [], id="one too many that is going already"),
        pytest.param(2, [FINE, GOING], 0, [], id="what is going counts until it is gone"),
        pytest.param(None, [FINE], 0, [FINE], id="no replicas"),
    ],
)
def test_a_step_makes_up_the_difference(replicas: int | None, machines: list[Machine], create: int, delete: list[Machine]) -> None:
    step = plan_scale(build.machineset(replicas=replicas), machines)

    assert (step.create, list(step.delete)) == (create, delete)


@given(replicas=st.integers(0, 12), going=st.lists(st.booleans(), max_size=12))
def test_a_step_never_deletes_more_than_are_too_many(replicas: int, going: list[bool]) -> None:
    machines = [a_machine(f"m{number}", deleting=deleting) for number, deleting in enumerate(going)]

    step = plan_scale(build.machineset(replicas=replicas), machines)

    assert len(step.delete) <= max(len(machines) - replicas, 0)
    assert not any(machine.metadata.deletion_timestamp for machine in step.delete)
    assert step.create == max(replicas - len(machines), 0)


@pytest.mark.parametrize(
    ("text", "want"),
    [(None, Ordinals()), ("0:3", Ordinals(0, 3)), ("7:7", Ordinals(7, 7))],
)
def test_ordinals_are_read_from_the_annotation(text: str | None, want: Ordinals) -> None:
    assert Ordinals.parse(text) == want


@pytest.mark.parametrize("text", ["", "3", "a:b", "5:3", "1:2:3", "-1:2"])
def test_a_spoiled_annotation_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="allowed is first:next"):
        Ordinals.parse(text)


@pytest.mark.parametrize(
    ("ordinals", "used", "want"),
    [
        pytest.param(Ordinals(0, 3), [], [0, 1, 2], id="none was used"),
        pytest.param(Ordinals(0, 3), [0], [1, 2], id="the rest"),
        pytest.param(Ordinals(0, 3), [1], [2], id="what comes before a used one was used too"),
        pytest.param(Ordinals(0, 3), [2], [], id="all were used"),
        pytest.param(Ordinals(4, 6), [0, 1], [4, 5], id="older Machines say nothing about new ordinals"),
    ],
)
def test_open_ordinals_are_those_after_the_last_used(ordinals: Ordinals, used: list[int], want: list[int]) -> None:
    assert ordinals.open(used) == want


@given(st.lists(st.sampled_from(["reserve", "use", "settle"]), max_size=30))
def test_no_ordinal_is_open_again_after_it_was_used_and_settled(steps: list[str]) -> None:
    ordinals, settled = Ordinals(), set[int]()
    used: list[int] = []
    for step in steps:
        if step == "reserve":
            ordinals = ordinals.reserve(2)
        elif step == "use" and ordinals.open(used):
            used.append(ordinals.open(used)[0])
        elif step == "settle":
            ordinals, settled, used = ordinals.settle(used), settled | set(used), []
        assert not settled & set(ordinals.open(used))


def test_a_spoiled_range_still_moves_past_what_is_used() -> None:
    assert Ordinals().settle([4]).reserve(1) == Ordinals(5, 6)


def test_the_ordinal_stands_on_the_machine() -> None:
    assert ordinal_of(build.machine(annotations={ORDINAL_ANNOTATION: "7"})) == 7
    assert ordinal_of(build.machine()) is None
