from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from capelin.api.cluster import APIEndpoint, Cluster, ClusterInitialization, ClusterSpec, ClusterStatus
from capelin.api.machine import Machine, MachineStatus, ReadinessGate
from capelin.api.meta import Condition, Unstructured, find_condition
from capelin.controllers.cluster.counters import worker_counts
from capelin.controllers.cluster.scope import Descendants, Scope, Stage
from capelin.controllers.cluster.status import OWNED_CONDITIONS, phase_of, set_status
from capelin.runtime.external import Seen
from capelin.workload.connections import PROBE_GRACE, ConnectionStatus
from tests import build
from tests.controllers.cluster_world import ready_machine

NOW = build.NOW
CONNECTED = ConnectionStatus(is_connected=True, silent_for=timedelta(), last_success_at=NOW)


def reached(**milestones: bool) -> ClusterStatus:
    return ClusterStatus(initialization=ClusterInitialization(**milestones))


def infrastructure(**status: Any) -> Unstructured:
    return build.document("AcmeCluster", "infrastructure.example.com", status=status)


def scope(cluster: Cluster | None = None, **fields: Any) -> Scope:
    """What a pass over a healthy cluster without workers observes."""
    healthy = Scope(
        cluster or build.cluster(endpoint=("10.0.0.1", 6443), status=reached(infrastructure_provisioned=True)),
        infrastructure=infrastructure(),
        control_plane=Seen.ABSENT,
        descendants=Descendants(machines=(ready_machine("cp", control_plane=True),)),
        connection=CONNECTED,
    )
    for name, value in fields.items():
        setattr(healthy, name, value)
    return healthy


def after(scope: Scope) -> Cluster:
    set_status(scope, now=NOW)
    return scope.cluster


def condition(cluster: Cluster, type_: str) -> Condition:
    found = find_condition(cluster.status.conditions if cluster.status else None, type_)
    assert found is not None
    return found


def test_every_condition_is_set_whatever_was_observed() -> None:
    cluster = after(Scope(build.cluster()))

    types = {c.type for c in (cluster.status or ClusterStatus()).conditions or ()}
    assert types == set(OWNED_CONDITIONS) - {"Paused"}
    assert {c.status for c in (cluster.status or ClusterStatus()).conditions or () if c.type.endswith("Ready")} == {"Unknown"}


def test_a_cluster_without_workers_is_available() -> None:
    cluster = after(scope())

    assert condition(cluster, "Available").status == "True"
    assert condition(cluster, "WorkersAvailable").reason == "NoWorkers"
    assert condition(cluster, "WorkerMachinesReady").reason == "NoReplicas"


def test_a_cluster_without_a_control_plane_machine_is_not_available() -> None:
    cluster = after(scope(descendants=Descendants()))

    assert condition(cluster, "ControlPlaneAvailable").status == "Unknown"
    assert condition(cluster, "Available").status == "Unknown"


def test_standalone_control_plane_machines_speak_for_the_control_plane() -> None:
    down = build.machine(
        "b", control_plane=True, status=MachineStatus(conditions=[build.condition("Available", "False", "NotReady", "down")])
    )

    cluster = after(scope(descendants=Descendants(machines=(ready_machine("a", control_plane=True), down))))

    got = condition(cluster, "ControlPlaneAvailable")
    assert (got.status, got.reason, got.message) == ("False", "NotAvailable", "* Machine b: down")


def test_an_availability_gate_counts() -> None:
    cluster = build.cluster(endpoint=("10.0.0.1", 6443), status=reached(infrastructure_provisioned=True))
    cluster.spec.availability_gates = [ReadinessGate(condition_type="Audited")]

    assert condition(after(scope(cluster)), "Available").message == "* Audited: Condition Audited not yet reported"


def test_a_refused_reference_says_what_was_found_and_what_is_allowed() -> None:
    problem = "spec.infrastructureRef: found kind Secret of the group 'core', allowed are kinds of provider groups"

    got = condition(after(scope(infrastructure=Seen.UNKNOWN, infrastructure_problem=problem)), "InfrastructureReady")

    assert (got.status, got.reason, got.message) == ("Unknown", "InternalError", problem)


def test_infrastructure_that_went_is_told_and_during_a_deletion_is_no_trouble() -> None:
    alive = after(scope(infrastructure=Seen.ABSENT))
    dying = build.cluster(deleting=True, status=reached(infrastructure_provisioned=True))
    going = after(scope(dying, infrastructure=Seen.ABSENT, stage=Stage("DeletionCompleted")))

    assert condition(alive, "InfrastructureReady").message == "DevCluster has been deleted while the Cluster still exists"
    assert condition(going, "InfrastructureReady").reason == "ObjectDeleted"
    assert condition(going, "Available").message == "* Deleting: DeletionCompleted"


@pytest.mark.parametrize(
    ("connection", "before", "want"),
    [
        pytest.param(CONNECTED, None, ("True", "ProbeSucceeded"), id="answers"),
        pytest.param(None, None, ("False", "ProbeFailed"), id="nobody has looked"),
        pytest.param(ConnectionStatus(False, timedelta(), None), None, ("False", "ProbeFailed"), id="never answered"),
        pytest.param(ConnectionStatus(False, PROBE_GRACE / 2, NOW), "True", ("True", "before"), id="silent, still trusted"),
        pytest.param(ConnectionStatus(True, PROBE_GRACE, NOW), "True", ("False", "ProbeFailed"), id="connected, but silent for too long"),
        pytest.param(ConnectionStatus(False, PROBE_GRACE, NOW), "True", ("False", "ProbeFailed"), id="silent for too long"),
    ],
)
def test_the_probe_is_trusted_for_a_grace(connection: ConnectionStatus | None, before: str | None, want: tuple[str, str]) -> None:
    observed = scope(connection=connection)
    if before:
        observed.status.conditions = [build.condition("RemoteConnectionProbe", before, "before")]

    got = condition(after(observed), "RemoteConnectionProbe")

    assert (got.status, got.reason) == want


def test_a_refused_kubeconfig_is_told_with_the_field() -> None:
    refused = ConnectionStatus(
        is_connected=False, silent_for=timedelta(), refusal="its kubeconfig is refused: users[].user.exec: found a value"
    )

    got = condition(after(scope(connection=refused)), "RemoteConnectionProbe")

    assert (got.reason, got.message) == ("ProbeFailed", f"Remote connection not established: {refused.refusal}")


def test_the_control_plane_stays_initialized_and_the_milestone_is_kept() -> None:
    cluster = build.cluster(status=reached(control_plane_initialized=True))

    got = after(scope(cluster, descendants=Descendants()))

    assert condition(got, "ControlPlaneInitialized").status == "True"


def test_trends_come_from_what_manages_workers() -> None:
    deployment = build.machinedeployment()
    document = {**deployment.wire(), "status": {"conditions": [build.condition("ScalingUp", message="1 of 3").wire()]}}
    found = Descendants(machinedeployments=(type(deployment).parse(document),))

    cluster = after(scope(descendants=found))

    assert (condition(cluster, "ScalingUp").status, condition(cluster, "ScalingUp").message) == (
        "True",
        "* MachineDeployment workers: 1 of 3",
    )
    assert condition(cluster, "RollingOut").status == "Unknown"


def test_machines_nobody_keeps_up_to_date_do_not_make_it_unknown() -> None:
    assert condition(after(scope()), "ControlPlaneMachinesUpToDate").reason == "NoReplicas"


def test_workers_are_counted_once_whoever_manages_them() -> None:
    deployment = build.machinedeployment(replicas=2)
    document = {**deployment.wire(), "status": {"replicas": 2, "readyReplicas": 1, "availableReplicas": 1}}
    owned = build.machineset("owned", replicas=2, owners=[build.owner(deployment)])
    alone = build.machineset("alone", replicas=1)
    managed = [ready_machine(name, owners=[build.owner(owned)]) for name in "ab"]
    loose: Machine = ready_machine("loose")

    counts = worker_counts(Descendants((*managed, loose), (owned, alone), (type(deployment).parse(document),)))

    assert (counts.desired_replicas, counts.replicas, counts.ready_replicas, counts.available_replicas) == (4, 3, 2, 2)
    assert [(v.version, v.replicas) for v in counts.versions or ()] == [(build.VERSION, 3)]


def test_counters_that_cannot_be_read_are_kept() -> None:
    observed = scope(descendants=None)
    before = observed.status.workers = worker_counts(Descendants(machines=(ready_machine("a"),)))

    assert after(observed).status.workers == before  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("cluster", "want"),
    [
        pytest.param(Cluster(metadata=build.metadata("Cluster", "demo"), spec=ClusterSpec()), "Pending", id="no reference"),
        pytest.param(build.cluster(), "Provisioning", id="a reference"),
        pytest.param(build.cluster(status=reached(infrastructure_provisioned=True)), "Provisioning", id="no endpoint yet"),
        pytest.param(build.cluster(endpoint=("a", 1), status=reached(infrastructure_provisioned=True)), "Provisioned", id="there"),
        pytest.param(
            build.cluster(endpoint=("a", 1), status=reached(infrastructure_provisioned=True), deleting=True), "Deleting", id="going"
        ),
    ],
)
def test_the_phase_is_the_furthest_that_applies(cluster: Cluster, want: str) -> None:
    assert phase_of(cluster) == want


def test_an_endpoint_needs_both_halves() -> None:
    cluster = build.cluster(status=reached(infrastructure_provisioned=True))
    cluster.spec.control_plane_endpoint = APIEndpoint(host="a")

    assert phase_of(cluster) == "Provisioning"
