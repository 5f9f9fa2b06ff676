from __future__ import annotations

import pytest

from capelin.simulation.faults import Call, Drawn, Fault, Listed, NoFaults
from capelin.simulation.seams import Chance


def call(number: int, verb: str = "patch") -> Call:
    return Call(number, "manager-1", "management", verb, "machines", "m")


def test_a_list_of_faults_gives_exactly_those() -> None:
    plan = Listed({2: Fault.SLOW})

    assert [plan.fault(call(number)) for number in (1, 2, 3)] == [None, Fault.SLOW, None]


def test_nothing_goes_wrong_where_nothing_may() -> None:
    plans = (NoFaults(), Drawn(Chance(0), {}))

    assert {plan.fault(call(number)) for plan in plans for number in range(100)} == {None}


def test_faults_are_drawn_about_as_often_as_they_may_happen() -> None:
    plan = Drawn(Chance(0), {Fault.SLOW: 0.1, Fault.UNAVAILABLE: 0.3})

    found = [plan.fault(call(number)) for number in range(2_000)]

    assert 150 < found.count(Fault.SLOW) < 250
    assert 500 < found.count(Fault.UNAVAILABLE) < 700
    assert found.count(None) + found.count(Fault.SLOW) + found.count(Fault.UNAVAILABLE) == 2_000


def test_what_was_drawn_can_be_listed_and_gives_the_same_again() -> None:
    drawn = Drawn(Chance(3), dict.fromkeys(Fault, 0.05))
    first = [drawn.fault(call(number)) for number in range(200)]

    again = [Listed(drawn.given).fault(call(number)) for number in range(200)]

    assert again == first
    assert drawn.given


@pytest.mark.parametrize("verb", ["get", "list", "watch", "create", "delete"])
def test_only_what_carries_a_revision_meets_a_conflict(verb: str) -> None:
    plan = Drawn(Chance(0), {Fault.CONFLICT: 1.0})

    assert plan.fault(call(1, verb)) is None
    assert plan.fault(call(2, "update")) is Fault.CONFLICT


def test_a_call_reads_as_who_asks_whom_for_what() -> None:
    assert str(call(1)) == "manager-1 → management: patch machines m"
