from datetime import timedelta
from typing import Any

import pytest

from capelin.api.machine import Machine, MachineStatus, VersionCount
from capelin.api.machinegroup import (
    MachineCounts,
    count_machines,
    machine_versions,
    machines_ready,
    machines_remediating,
    machines_up_to_date,
    next_reckoning,
    stale_deletions,
)
from capelin.api.meta import Condition
from tests import build
from tests.build import NOW


def a_machine(name: str, *conditions: Condition, version: str | None = build.VERSION, kubelet: str | None = None, **meta: Any) -> Machine:
    status = MachineStatus(conditions=list(conditions), node_info=build.node_info(kubelet) if kubelet else None)
    return build.machine(name, spec={"version": version}, status=status, **meta)


def test_machines_are_counted_by_their_own_conditions() -> None:
    machines = [
        a_machine("a", build.condition("Ready"), build.condition("Available"), build.condition("UpToDate")),
        a_machine("b", build.condition("Ready"), build.condition("Available", "Unknown")),
        build.machine("c"),
    ]

    assert count_machines(machines) == MachineCounts(replicas=3, ready=2, available=1, up_to_date=1)


def test_versions_are_listed_ascending_and_what_the_node_reports_wins() -> None:
    machines = [
        a_machine("a", version="v1.34.0"),
        a_machine("b", version="v1.34.0", kubelet="v1.33.10"),
        a_machine("c", version="v1.34.0", kubelet="v1.33.9"),
        a_machine("d", version="v1.34.0"),
        a_machine("e", version=None),
    ]

    got = machine_versions(machines)

    assert got == [VersionCount(version=v, replicas=n) for v, n in (("v1.33.9", 1), ("v1.33.10", 1), ("v1.34.0", 2))]


def test_no_machines_are_ready_and_up_to_date() -> None:
    assert (machines_ready([]).status, machines_ready([]).reason) == ("True", "NoReplicas")
    assert (machines_up_to_date([], now=NOW).status, machines_up_to_date([], now=NOW).reason) == ("True", "NoReplicas")


def test_ready_is_aggregated() -> None:
    got = machines_ready(
        [a_machine("a", build.condition("Ready")), a_machine("b", build.condition("Ready", "False", message="* NodeHealthy: no"))]
    )

    assert (got.status, got.reason, got.message) == ("False", "NotReady", "* Machine b:\n  * NodeHealthy: no")


@pytest.mark.parametrize(
    ("age", "want"),
    [pytest.param(10, ("True", "UpToDate"), id="young"), pytest.param(11, ("Unknown", "UpToDateUnknown"), id="no longer young")],
)
def test_a_young_machine_may_lack_the_up_to_date_condition(age: int, want: tuple[str, str]) -> None:
    machines = [a_machine("a", build.condition("UpToDate")), a_machine("b")]

    got = machines_up_to_date(machines, now=NOW + timedelta(seconds=age))

    assert (got.status, got.reason) == want


def test_remediation_is_named_with_what_the_owner_says_about_it() -> None:
    unhealthy = build.condition("HealthCheckSucceeded", "False")
    marked = a_machine("a", unhealthy, build.condition("OwnerRemediated", "False", message="waits its turn"))

    got = machines_remediating([marked, a_machine("b", unhealthy)], owner_kind="MachineSet")

    assert (got.status, got.reason, got.message) == ("True", "Remediating", "* Machine a: waits its turn")


def test_unhealthy_machines_that_the_owner_does_not_remediate_are_named() -> None:
    unhealthy = build.condition("HealthCheckSucceeded", "False")

    got = machines_remediating([a_machine(name, unhealthy) for name in "dbca"], owner_kind="MachineSet")

    assert (got.status, got.reason) == ("False", "NotRemediating")
    assert got.message == "Machines a, b, c, ... (1 more) are not healthy (not to be remediated by MachineSet)"


def test_a_deletion_is_mentioned_once_it_takes_long() -> None:
    machines = [a_machine("a", deleting=True), a_machine("b")]

    assert stale_deletions(machines, now=NOW + timedelta(minutes=15)) == ""
    assert stale_deletions(machines, now=NOW + timedelta(minutes=15, seconds=1)) == "Machine a is in deletion since more than 15m"


def test_the_next_reckoning_comes_when_time_alone_changes_a_verdict() -> None:
    old = a_machine("a", build.condition("UpToDate"))

    assert next_reckoning([old], now=NOW) is None
    assert next_reckoning([old, a_machine("b"), a_machine("c", deleting=True)], now=NOW) == timedelta(seconds=11)
    assert next_reckoning([old, a_machine("c", deleting=True)], now=NOW) == timedelta(minutes=15, seconds=1)
    assert next_reckoning([a_machine("b")], now=NOW + timedelta(seconds=11)) is None


def test_machines_made_one_after_the_other_are_reckoned_together() -> None:
    first, second, third = a_machine("a"), a_machine("b"), a_machine("c")
    second.metadata.creation_timestamp = NOW + timedelta(seconds=4)
    third.metadata.creation_timestamp = NOW + timedelta(seconds=8)

    assert next_reckoning([first, second, third], now=NOW) == timedelta(seconds=15)
