from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from capelin.api.core import Node, NodeCondition
from capelin.api.machine import Machine, MachineInitialization, MachineStatus, NodeReference, ReadinessGate
from capelin.api.meta import Condition, Unstructured, find_condition
from capelin.controllers.machine.scope import Scope, Stage
from capelin.controllers.machine.status import OWNED_CONDITIONS, phase_of, set_status
from capelin.runtime.external import Seen
from capelin.workload.connections import ConnectionStatus
from tests import build
from tests.controllers.machine_world import ready_cluster

NOW = build.NOW
SOON = NOW + timedelta(seconds=1)


def infrastructure(**status: Any) -> Unstructured:
    return build.document("AcmeMachine", "infrastructure.example.com", status=status)


def reached(**fields: Any) -> MachineStatus:
    return MachineStatus(
        initialization=MachineInitialization(bootstrap_data_secret_created=True, infrastructure_provisioned=True), **fields
    )


def running_scope(machine: Machine | None = None, **fields: Any) -> Scope:
    """What a pass over a healthy Machine observes."""
    running = build.machine(status=reached(node_ref=NodeReference(name="worker")), spec={"provider_id": "dev:////worker"})
    scope = Scope(
        machine or running,
        ready_cluster(),
        bootstrap=infrastructure(),
        infrastructure=infrastructure(),
        node=build.node(),
        connection=ConnectionStatus(is_connected=True, silent_for=timedelta()),
    )
    for name, value in fields.items():
        setattr(scope, name, value)
    return scope


def after(scope: Scope, *, now: datetime = NOW) -> Machine:
    set_status(scope, now=now)
    return scope.machine


def condition(machine: Machine, type_: str) -> Condition:
    found = find_condition(machine.status.conditions if machine.status else None, type_)
    assert found is not None
    return found


def test_every_condition_is_set_whatever_was_observed() -> None:
    machine = after(Scope(build.machine(), None))

    types = {c.type for c in (machine.status or MachineStatus()).conditions or ()}
    assert types == set(OWNED_CONDITIONS) - {"Paused"}
    assert condition(machine, "Ready").status == "Unknown"


def test_a_healthy_machine_is_ready_and_available() -> None:
    machine = after(running_scope())

    assert {c.type: c.reason for c in (machine.status or MachineStatus()).conditions or ()} == {
        "BootstrapConfigReady": "Ready",
        "InfrastructureReady": "Ready",
        "NodeHealthy": "NodeHealthy",
        "NodeReady": "NodeReady",
        "Updating": "NotUpdating",
        "Deleting": "NotDeleting",
        "Ready": "Ready",
        "Available": "Available",
    }


def test_what_nobody_could_look_at_is_unknown_not_absent() -> None:
    machine = after(running_scope(infrastructure=Seen.UNKNOWN, infrastructure_problem="spec.infrastructureRef: no such kind"))

    got = condition(machine, "InfrastructureReady")

    assert (got.status, got.reason, got.message) == ("Unknown", "InternalError", "spec.infrastructureRef: no such kind")
    assert condition(machine, "Ready").reason == "ReadyUnknown"


@pytest.mark.parametrize(
    ("conditions", "want"),
    [
        pytest.param(
            [
                {
                    "type": "Ready",
                    "status": "False",
                    "reason": "QuotaExceeded",
                    "message": "no quota",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                }
            ],
            ("False", "QuotaExceeded", "no quota"),
            id="mirrored with reason and message",
        ),
        pytest.param(
            [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
            ("True", "Ready", ""),
            id="v1beta1 without a reason",
        ),
        pytest.param([{"type": "Ready"}], ("Unknown", "InvalidConditionReported", None), id="malformed"),
    ],
)
def test_the_providers_own_condition_is_mirrored(conditions: list[Any], want: tuple[str, str, str | None]) -> None:
    got = condition(after(running_scope(infrastructure=infrastructure(conditions=conditions))), "InfrastructureReady")

    assert (got.status, got.reason) == want[:2]
    assert want[2] is None or got.message == want[2]


def node(**conditions: tuple[str, str] | None) -> Node:
    """A Node with conditions by type as (status, message); None leaves one out."""
    built = build.node()
    assert built.status is not None
    healthy: dict[str, tuple[str, str] | None] = {
        "Ready": ("True", ""),
        "MemoryPressure": ("False", ""),
        "DiskPressure": ("False", ""),
        "PIDPressure": ("False", ""),
    }
    found = {**healthy, **conditions}
    built.status.conditions = [NodeCondition(type=t, status=c[0], message=c[1]) for t, c in found.items() if c is not None]
    return built


SILENT = ("Unknown", "Kubelet stopped posting node status.")


@pytest.mark.parametrize(
    ("found", "healthy", "ready"),
    [
        pytest.param(node(), ("True", "NodeHealthy", ""), ("True", "NodeReady"), id="healthy"),
        pytest.param(
            node(Ready=("False", "no network")),
            ("False", "NodeNotHealthy", "* Node.Ready: no network"),
            ("False", "NodeNotReady"),
            id="not ready",
        ),
        pytest.param(
            node(DiskPressure=("True", "")),
            ("False", "NodeNotHealthy", "* Node.DiskPressure: Condition is True"),
            ("True", "NodeReady"),
            id="under pressure",
        ),
        pytest.param(
            node(Ready=SILENT, MemoryPressure=SILENT, DiskPressure=SILENT, PIDPressure=SILENT),
            ("Unknown", "NodeHealthUnknown", f"* Node.AllConditions: {SILENT[1]}"),
            ("Unknown", "NodeReadyUnknown"),
            id="silent",
        ),
        pytest.param(
            node(Ready=None),
            ("Unknown", "NodeHealthUnknown", "* Node.Ready: Condition not yet reported"),
            ("Unknown", "NodeReadyUnknown"),
            id="nothing reported yet",
        ),
    ],
)
def test_the_nodes_conditions_are_summed_up(found: Node, healthy: tuple[str, str, str], ready: tuple[str, str]) -> None:
    machine = after(running_scope(node=found))

    got = condition(machine, "NodeHealthy")
    assert (got.status, got.reason, got.message) == healthy
    assert (condition(machine, "NodeReady").status, condition(machine, "NodeReady").reason) == ready


def test_a_silent_cluster_is_believed_until_its_time_is_over() -> None:
    scope = running_scope()
    set_status(scope, now=NOW)
    scope.node, scope.is_silent = Seen.UNKNOWN, True

    scope.connection = ConnectionStatus(is_connected=False, silent_for=timedelta(minutes=4), last_success_at=NOW)
    believed = condition(after(scope), "NodeReady").status
    scope.connection = ConnectionStatus(is_connected=False, silent_for=timedelta(minutes=5), last_success_at=NOW)
    doubted = condition(after(scope), "NodeReady")

    assert believed == "True"
    assert (doubted.status, doubted.reason, doubted.message) == (
        "Unknown",
        "ConnectionDown",
        "Last successful probe at 2026-01-01T12:00:00Z",
    )


def test_nodes_that_are_not_listed_yet_after_a_restart_do_not_shake_what_was_known() -> None:
    scope = running_scope()
    set_status(scope, now=NOW)
    scope.node, scope.is_silent = Seen.UNKNOWN, True

    assert condition(after(scope), "NodeHealthy").status == "True"


def test_a_node_that_cannot_be_looked_up_in_a_cluster_that_answers_is_unknown_at_once() -> None:
    scope = running_scope()
    set_status(scope, now=NOW)
    scope.node, scope.node_problem = Seen.UNKNOWN, "nodes is forbidden"

    got = condition(after(scope), "NodeHealthy")

    assert (got.status, got.reason, got.message) == ("Unknown", "InspectionFailed", "nodes is forbidden")


def test_readiness_gates_count_with_their_polarity() -> None:
    gates = [ReadinessGate(condition_type="Licensed"), ReadinessGate(condition_type="Throttled", polarity="Negative")]
    machine = build.machine(status=reached(node_ref=NodeReference(name="worker")), spec={"provider_id": "x", "readiness_gates": gates})
    machine.status.conditions = [build.condition("Licensed"), build.condition("Throttled", message="too hot")]  # type: ignore[union-attr]

    got = condition(after(running_scope(machine)), "Ready")

    assert (got.status, got.message) == ("False", "* Throttled: too hot")


def test_a_failed_health_check_makes_the_machine_unready_and_a_missing_one_does_not() -> None:
    scope = running_scope()
    scope.status.conditions = [build.condition("HealthCheckSucceeded", "False", "UnhealthyNode", "unhealthy")]

    assert condition(after(scope), "Ready").message == "* HealthCheckSucceeded: unhealthy"


def test_during_a_deletion_what_is_gone_is_no_trouble_and_the_stage_is_enough() -> None:
    machine = build.machine(status=reached(node_ref=NodeReference(name="worker")), deleting=True)
    stage = Stage("DrainingNode", "* Pod default/a: cannot be evicted")

    got = after(running_scope(machine, bootstrap=Seen.ABSENT, infrastructure=Seen.ABSENT, node=Seen.ABSENT, stage=stage))

    assert condition(got, "InfrastructureReady").reason == "ObjectDeleted"
    assert condition(got, "NodeReady").reason == "NodeDeleted"
    assert condition(got, "Ready").message == "* Deleting: Machine deletion in progress, stage: DrainingNode"
    assert condition(got, "Deleting").message == stage.message


def test_transition_times_move_only_with_the_status() -> None:
    scope = running_scope()
    set_status(scope, now=NOW)
    set_status(scope, now=SOON)
    unchanged = condition(scope.machine, "NodeHealthy").last_transition_time
    scope.node = node(DiskPressure=("True", "full"))
    set_status(scope, now=SOON)

    assert unchanged == NOW
    assert condition(scope.machine, "NodeHealthy").last_transition_time == SOON


@pytest.mark.parametrize(
    ("machine", "want"),
    [
        pytest.param(build.machine(), "Pending", id="nothing yet"),
        pytest.param(
            build.machine(status=MachineStatus(initialization=MachineInitialization(bootstrap_data_secret_created=True))),
            "Provisioning",
            id="bootstrap data",
        ),
        pytest.param(build.machine(status=reached(), spec={"provider_id": "x"}), "Provisioned", id="a computer"),
        pytest.param(build.machine(status=reached(node_ref=NodeReference(name="n")), spec={"provider_id": "x"}), "Running", id="a Node"),
        pytest.param(build.machine(status=reached(node_ref=NodeReference(name="n")), deleting=True), "Deleting", id="told to go"),
    ],
)
def test_the_phase_is_the_furthest_that_applies(machine: Machine, want: str) -> None:
    assert phase_of(machine) == want


def test_last_updated_moves_with_the_phase_only() -> None:
    scope = running_scope()
    set_status(scope, now=NOW)
    set_status(scope, now=SOON)

    assert scope.status.last_updated == NOW


def test_an_empty_part_of_the_status_is_left_out() -> None:
    scope = Scope(build.machine(), None)
    assert scope.initialization is not None
    assert scope.deletion is not None

    set_status(scope, now=NOW)

    assert (scope.status.initialization, scope.status.deletion) == (None, None)
