"""The parts of a Cluster's topology: workers, health checks, rollouts, metadata, taints."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.cluster import Cluster
from capelin.api.clusterclass import (
    ControlPlaneClassHealthCheck,
    MachineDeploymentClassHealthCheck,
)
from capelin.api.grouprules import AMOUNTS_ARE_NUMBERS_OR_PERCENTAGES, ROLLING_UPDATE_CAN_MOVE
from capelin.api.healthchecks import HealthChecks, Remediation, RemediationTrigger, WorkerRemediation
from capelin.api.labels import AUTOSCALER_MAX_SIZE_ANNOTATION, AUTOSCALER_MIN_SIZE_ANNOTATION
from capelin.api.machine import MachineTaint
from capelin.api.machinedeployment import MachineDeploymentRollout, RollingUpdate, RolloutStrategy
from capelin.api.meta import TemplateMetadata
from capelin.api.topology import ControlPlaneHealthCheck, ControlPlaneTopology, MachineDeploymentHealthCheck
from capelin.webhooks.cluster import WEBHOOK
from capelin.webhooks.clusterfacts import Facts
from capelin.webhooks.rules.healthchecks import (
    MAX_IN_FLIGHT_IS_AMOUNT,
    STARTUP_TIMEOUT_GIVES_TIME,
    UNHEALTHY_LIMIT_IS_AMOUNT,
    UNHEALTHY_RANGE_HAS_ORDER,
)
from capelin.webhooks.rules.metadata import TEMPLATE_ANNOTATIONS_ARE_VALID, TEMPLATE_LABELS_ARE_VALID
from capelin.webhooks.rules.taints import TAINTS_ARE_NOT_RESERVED
from capelin.webhooks.topology import (
    ENABLED_HEALTH_CHECK_IS_DEFINED,
    HEALTH_CHECK_NEEDS_MACHINES,
    REPLICAS_OR_AUTOSCALER,
    WORKER_CLASSES_EXIST,
)
from tests import build
from tests.buildclasses import clusterclass, control_plane_class, machinedeployment_class, machinepool_class
from tests.buildtopology import deployment_topology, pool_topology, topology
from tests.webhooks.asking import accepted, fields, notices, refused

STANDARD = Facts(clusterclass(pools=[machinepool_class()]))
CONTROL_PLANE = "spec.topology.controlPlane"
DEPLOYMENT = "spec.topology.workers.machineDeployments[0]"
POOL = "spec.topology.workers.machinePools[0]"
CHECKS = HealthChecks(node_startup_timeout_seconds=300)
BOUNDS = {AUTOSCALER_MIN_SIZE_ANNOTATION: "1", AUTOSCALER_MAX_SIZE_ANNOTATION: "5"}


def cluster(**parts: Any) -> Cluster:
    return build.cluster(topology=topology(**parts))


def everywhere(**fields_: Any) -> Cluster:
    """Return a Cluster all of whose parts have these fields."""
    parts = {"deployments": [deployment_topology(**fields_)], "pools": [pool_topology(**fields_)]}
    return cluster(control_plane=ControlPlaneTopology(**fields_), **parts)


def checked(trigger: RemediationTrigger | None = None, *, seconds: int | None = None) -> Cluster:
    """Return a Cluster whose control plane and workers are checked in that way."""
    checks = HealthChecks(node_startup_timeout_seconds=seconds) if seconds is not None else None
    own = ControlPlaneHealthCheck(checks=checks, remediation=Remediation(trigger_if=trigger) if trigger else None)
    others = MachineDeploymentHealthCheck(checks=checks, remediation=WorkerRemediation(trigger_if=trigger) if trigger else None)
    return cluster(control_plane=ControlPlaneTopology(health_check=own), deployments=[deployment_topology(health_check=others)])


def rolling(**amounts: Any) -> Cluster:
    strategy = RolloutStrategy(type="RollingUpdate", rolling_update=RollingUpdate(**amounts))
    return cluster(deployments=[deployment_topology(rollout=MachineDeploymentRollout(strategy=strategy))])


def test_worker_classes_exist_accepts_those_of_the_class() -> None:
    accepted(WEBHOOK, cluster(deployments=[deployment_topology()], pools=[pool_topology()]), facts=STANDARD)


def test_worker_classes_exist_refuses_others() -> None:
    new = cluster(deployments=[deployment_topology(class_="pool")], pools=[pool_topology(class_="worker")])

    refusals = refused(WORKER_CLASSES_EXIST, WEBHOOK, new, facts=STANDARD)

    assert fields(refusals) == [f"{DEPLOYMENT}.class", f"{POOL}.class"]
    assert refusals[0].allowed == "a worker class of ClusterClass standard, which has 'worker'"


def test_what_depends_on_the_class_is_not_judged_without_it() -> None:
    accepted(WEBHOOK, cluster(deployments=[deployment_topology(class_="unknown")], values={"unknown": 1}), facts=Facts())


def test_health_check_needs_machines_accepts_it_where_there_are_machines() -> None:
    accepted(WEBHOOK, cluster(control_plane=ControlPlaneTopology(health_check=ControlPlaneHealthCheck(checks=CHECKS))), facts=STANDARD)


def test_health_check_needs_machines_refuses_it_where_there_are_none() -> None:
    facts = Facts(clusterclass(control_plane=control_plane_class(machine_infrastructure=None)))
    new = cluster(control_plane=ControlPlaneTopology(health_check=ControlPlaneHealthCheck(checks=CHECKS)))

    assert fields(refused(HEALTH_CHECK_NEEDS_MACHINES, WEBHOOK, new, facts=facts)) == [f"{CONTROL_PLANE}.healthCheck"]


def enabled(checks: HealthChecks | None = None, *, on: bool = True) -> Cluster:
    return cluster(
        control_plane=ControlPlaneTopology(health_check=ControlPlaneHealthCheck(enabled=on, checks=checks)),
        deployments=[deployment_topology(health_check=MachineDeploymentHealthCheck(enabled=on, checks=checks))],
    )


def test_enabled_health_check_is_defined_accepts_one_of_the_topology_or_of_the_class() -> None:
    own = control_plane_class(health_check=ControlPlaneClassHealthCheck(checks=CHECKS))
    worker = machinedeployment_class(health_check=MachineDeploymentClassHealthCheck(checks=CHECKS))

    accepted(WEBHOOK, enabled(CHECKS), facts=STANDARD)
    accepted(WEBHOOK, enabled(on=False), facts=STANDARD)
    accepted(WEBHOOK, enabled(), facts=Facts(clusterclass(control_plane=own, deployments=[worker])))


def test_enabled_health_check_is_defined_refuses_one_that_checks_nothing() -> None:
    refusals = refused(ENABLED_HEALTH_CHECK_IS_DEFINED, WEBHOOK, enabled(), facts=STANDARD)

    assert fields(refusals) == [f"{CONTROL_PLANE}.healthCheck.enabled", f"{DEPLOYMENT}.healthCheck.enabled"]


@pytest.mark.parametrize("seconds", [0, 30, 600])
def test_startup_timeout_gives_time_accepts_half_a_minute_or_none(seconds: int) -> None:
    accepted(WEBHOOK, checked(seconds=seconds), facts=STANDARD)


def test_startup_timeout_gives_time_refuses_less() -> None:
    refusals = refused(STARTUP_TIMEOUT_GIVES_TIME, WEBHOOK, checked(seconds=29), facts=STANDARD)

    ending = "healthCheck.checks.nodeStartupTimeoutSeconds"
    assert fields(refusals) == [f"{CONTROL_PLANE}.{ending}", f"{DEPLOYMENT}.{ending}"]


@pytest.mark.parametrize("limit", [0, 3, "40%"])
def test_unhealthy_limit_is_amount_accepts_numbers_and_percentages(limit: int | str) -> None:
    accepted(WEBHOOK, checked(RemediationTrigger(unhealthy_less_than_or_equal_to=limit)), facts=STANDARD)


def test_unhealthy_limit_is_amount_refuses_words() -> None:
    trigger = RemediationTrigger(unhealthy_less_than_or_equal_to="most")

    refusals = refused(UNHEALTHY_LIMIT_IS_AMOUNT, WEBHOOK, checked(trigger), facts=STANDARD)

    ending = "healthCheck.remediation.triggerIf.unhealthyLessThanOrEqualTo"
    assert fields(refusals) == [f"{CONTROL_PLANE}.{ending}", f"{DEPLOYMENT}.{ending}"]


def test_unhealthy_range_has_order_accepts_the_smaller_number_first() -> None:
    accepted(WEBHOOK, checked(RemediationTrigger(unhealthy_in_range="[1-3]")), facts=STANDARD)


def test_unhealthy_range_has_order_refuses_the_larger_first() -> None:
    refusals = refused(UNHEALTHY_RANGE_HAS_ORDER, WEBHOOK, checked(RemediationTrigger(unhealthy_in_range="[3-1]")), facts=STANDARD)

    assert len(refusals) == 2


def in_flight(amount: int | str) -> Cluster:
    check = MachineDeploymentHealthCheck(remediation=WorkerRemediation(max_in_flight=amount))
    return cluster(deployments=[deployment_topology(health_check=check)])


def test_max_in_flight_is_amount_accepts_numbers_and_percentages() -> None:
    accepted(WEBHOOK, in_flight(3), facts=STANDARD)
    accepted(WEBHOOK, in_flight("20%"), facts=STANDARD)


def test_max_in_flight_is_amount_refuses_words() -> None:
    refusals = refused(MAX_IN_FLIGHT_IS_AMOUNT, WEBHOOK, in_flight("some"), facts=STANDARD)

    assert fields(refusals) == [f"{DEPLOYMENT}.healthCheck.remediation.maxInFlight"]


def test_replicas_or_autoscaler_accepts_either() -> None:
    metadata = TemplateMetadata(annotations=BOUNDS)

    accepted(WEBHOOK, cluster(deployments=[deployment_topology(replicas=3)]), facts=STANDARD)
    accepted(WEBHOOK, cluster(deployments=[deployment_topology(metadata=metadata)]), facts=STANDARD)


def test_replicas_or_autoscaler_refuses_both() -> None:
    new = cluster(deployments=[deployment_topology(replicas=3, metadata=TemplateMetadata(annotations=BOUNDS))])

    assert fields(refused(REPLICAS_OR_AUTOSCALER, WEBHOOK, new, facts=STANDARD)) == [f"{DEPLOYMENT}.replicas"]


def test_replicas_or_autoscaler_refuses_replicas_beside_annotations_of_the_class() -> None:
    facts = Facts(clusterclass(deployments=[machinedeployment_class(metadata=TemplateMetadata(annotations=BOUNDS))]))

    (refusal,) = refused(REPLICAS_OR_AUTOSCALER, WEBHOOK, cluster(deployments=[deployment_topology(replicas=0)]), facts=facts)

    assert refusal.found == "0 beside annotations of class worker for the autoscaler"


@pytest.mark.parametrize("amount", [0, 1, "0%", "25%"])
def test_amounts_are_numbers_or_percentages_accepts_those(amount: int | str) -> None:
    accepted(WEBHOOK, rolling(max_surge=amount), facts=STANDARD)


def test_amounts_are_numbers_or_percentages_refuses_words() -> None:
    refusals = refused(AMOUNTS_ARE_NUMBERS_OR_PERCENTAGES, WEBHOOK, rolling(max_surge="few", max_unavailable="25 %"), facts=STANDARD)

    place = f"{DEPLOYMENT}.rollout.strategy.rollingUpdate"
    assert fields(refusals) == [f"{place}.maxSurge", f"{place}.maxUnavailable"]


def test_rolling_update_can_move_accepts_a_lone_0() -> None:
    accepted(WEBHOOK, rolling(max_surge=0), facts=STANDARD)
    accepted(WEBHOOK, rolling(max_surge="0%", max_unavailable="0%"), facts=STANDARD)


def test_rolling_update_can_move_refuses_two() -> None:
    refusals = refused(ROLLING_UPDATE_CAN_MOVE, WEBHOOK, rolling(max_surge=0, max_unavailable=0), facts=STANDARD)

    assert fields(refusals) == [f"{DEPLOYMENT}.rollout.strategy.rollingUpdate"]


def taint(key: str) -> list[MachineTaint]:
    return [MachineTaint(key=key, effect="NoSchedule", propagation="Always")]


def test_taints_are_not_reserved_accepts_keys_of_users() -> None:
    accepted(WEBHOOK, everywhere(taints=taint("example.com/gpu")), facts=STANDARD)


def test_taints_with_which_workers_would_be_refused_are_warned_of() -> None:
    told = notices(WEBHOOK, everywhere(taints=taint("node-role.kubernetes.io/control-plane")), facts=STANDARD)

    assert [text.partition(": ")[0] for text in told] == [f"{DEPLOYMENT}.taints", f"{POOL}.taints"]
    assert notices(WEBHOOK, cluster(deployments=[deployment_topology(taints=taint("example.com/gpu"))]), facts=STANDARD) == []


def test_taints_are_not_reserved_refuses_keys_that_others_set() -> None:
    refusals = refused(TAINTS_ARE_NOT_RESERVED, WEBHOOK, everywhere(taints=taint("node.kubernetes.io/not-ready")), facts=STANDARD)

    assert fields(refusals) == [f"{place}.taints[0].key" for place in (CONTROL_PLANE, DEPLOYMENT, POOL)]


def test_template_labels_are_valid_accepts_labels() -> None:
    accepted(WEBHOOK, everywhere(metadata=TemplateMetadata(labels={"example.com/tier": "gold"})), facts=STANDARD)


def test_template_labels_are_valid_refuses_what_is_no_label() -> None:
    new = everywhere(metadata=TemplateMetadata(labels={"tier": "very good"}))

    refusals = refused(TEMPLATE_LABELS_ARE_VALID, WEBHOOK, new, facts=STANDARD)

    assert fields(refusals) == [f"{place}.metadata.labels[tier]" for place in (CONTROL_PLANE, DEPLOYMENT, POOL)]


def test_template_annotations_are_valid_accepts_annotations() -> None:
    accepted(WEBHOOK, everywhere(metadata=TemplateMetadata(annotations={"Example.com/note": "any text"})), facts=STANDARD)


def test_template_annotations_are_valid_refuses_what_is_no_key() -> None:
    new = everywhere(metadata=TemplateMetadata(annotations={"a b": ""}))

    assert len(refused(TEMPLATE_ANNOTATIONS_ARE_VALID, WEBHOOK, new, facts=STANDARD)) == 3
