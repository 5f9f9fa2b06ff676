"""What is allowed of a topology: its parts on their own, and as parts of their class."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from capelin.api.clusterclass import ClusterClass, MachineDeploymentClass, WorkersClass
from capelin.api.grouprules import ROLLOUT_RULES
from capelin.api.labels import AUTOSCALER_MAX_SIZE_ANNOTATION, AUTOSCALER_MIN_SIZE_ANNOTATION, CONTROL_PLANE_TAINT
from capelin.api.meta import TemplateMetadata
from capelin.api.refusals import FORBIDDEN, NOT_SUPPORTED, Refusal, Rule
from capelin.api.topology import (
    ControlPlaneHealthCheck,
    ControlPlaneTopology,
    MachineDeploymentHealthCheck,
    MachineDeploymentTopology,
    Topology,
    WorkersTopology,
)
from capelin.webhooks.admission import Notice
from capelin.webhooks.rules.healthchecks import (
    CHECK_RULES,
    MAX_IN_FLIGHT_IS_AMOUNT,
    check_refusals,
    max_in_flight_refusals,
    trigger_refusals,
)
from capelin.webhooks.rules.metadata import METADATA_RULES, metadata_refusals
from capelin.webhooks.rules.quoting import quoted
from capelin.webhooks.rules.rollouts import strategy_refusals
from capelin.webhooks.rules.taints import TAINTS_ARE_NOT_RESERVED, taint_refusals

WORKER_CLASSES_EXIST = Rule("worker_classes_exist", "The class has the worker classes that a topology uses.")
HEALTH_CHECK_NEEDS_MACHINES = Rule(
    "health_check_needs_machines", "Control planes are checked only where they consist of Machines: the class has machineInfrastructure."
)
ENABLED_HEALTH_CHECK_IS_DEFINED = Rule(
    "enabled_health_check_is_defined", "A health check that is turned on says what it checks, in the topology or in the class."
)
REPLICAS_OR_AUTOSCALER = Rule(
    "replicas_or_autoscaler", "Either the topology says how many Machines there are, or an autoscaler does: each would undo the other."
)

TOPOLOGY_RULES: Final = (
    WORKER_CLASSES_EXIST,
    HEALTH_CHECK_NEEDS_MACHINES,
    ENABLED_HEALTH_CHECK_IS_DEFINED,
    *CHECK_RULES,
    MAX_IN_FLIGHT_IS_AMOUNT,
    REPLICAS_OR_AUTOSCALER,
    *ROLLOUT_RULES,
    TAINTS_ARE_NOT_RESERVED,
    *METADATA_RULES,
)

CONTROL_PLANE: Final = "spec.topology.controlPlane"
DEPLOYMENTS: Final = "spec.topology.workers.machineDeployments"
POOLS: Final = "spec.topology.workers.machinePools"

_SHOWN: Final = 10
"""Worker classes that a refusal names; further ones are counted."""
_AUTOSCALER: Final = (AUTOSCALER_MIN_SIZE_ANNOTATION, AUTOSCALER_MAX_SIZE_ANNOTATION)


def topology_refusals(topology: Topology, clusterclass: ClusterClass | None) -> Iterator[Refusal]:
    """Yield what is wrong with a topology; without its class only what is wrong with any."""
    control_plane, workers = topology.control_plane, topology.workers or WorkersTopology()
    classes = (clusterclass.spec.workers if clusterclass else None) or WorkersClass()
    if control_plane is not None:
        yield from metadata_refusals(f"{CONTROL_PLANE}.metadata", control_plane.metadata)
        yield from taint_refusals(f"{CONTROL_PLANE}.taints", control_plane.taints)
        if clusterclass is not None:
            yield from _control_plane_check_refusals(control_plane, clusterclass)
    deployment_classes = {found.class_: found for found in classes.machine_deployments or ()}
    for index, deployment in enumerate(workers.machine_deployments or ()):
        place, worker_class = f"{DEPLOYMENTS}[{index}]", deployment_classes.get(deployment.class_)
        yield from _deployment_refusals(place, deployment, worker_class)
        if clusterclass is not None:
            yield from _class_refusals(place, deployment.class_, deployment_classes, clusterclass)
            yield from _deployment_check_refusals(f"{place}.healthCheck", deployment.health_check, worker_class)
    pool_classes = {found.class_ for found in classes.machine_pools or ()}
    for index, pool in enumerate(workers.machine_pools or ()):
        yield from metadata_refusals(f"{POOLS}[{index}].metadata", pool.metadata)
        yield from taint_refusals(f"{POOLS}[{index}].taints", pool.taints)
        if clusterclass is not None:
            yield from _class_refusals(f"{POOLS}[{index}]", pool.class_, pool_classes, clusterclass)


def taint_notices(topology: Topology) -> Iterator[Notice]:
    """Yield what to warn of in the taints of workers: what is made from the topology would be refused with them."""
    workers = topology.workers or WorkersTopology()
    for index, deployment in enumerate(workers.machine_deployments or ()):
        if any(taint.key == CONTROL_PLANE_TAINT for taint in deployment.taints or ()):
            told = f"{quoted(CONTROL_PLANE_TAINT)} is for control planes, and MachineDeployments are refused with it: leave it out"
            yield Notice(f"{DEPLOYMENTS}[{index}].taints: {told}")
    for index, pool in enumerate(workers.machine_pools or ()):
        if pool.taints:
            told = "nothing puts taints on the Nodes of a pool, and MachinePools are refused with them: leave them out"
            yield Notice(f"{POOLS}[{index}].taints: {told}")


def _class_refusals(place: str, name: str, classes: Collection[str], clusterclass: ClusterClass) -> Iterator[Refusal]:
    if name in classes:
        return
    names = sorted(classes)
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    known = ", ".join([*map(quoted, names[:_SHOWN]), *more]) or "none"
    allowed = f"a worker class of ClusterClass {clusterclass.metadata.name}, which has {known}"
    yield WORKER_CLASSES_EXIST.broken(f"{place}.class", quoted(name), allowed, reason=NOT_SUPPORTED)


def _deployment_refusals(
    place: str, deployment: MachineDeploymentTopology, worker_class: MachineDeploymentClass | None
) -> Iterator[Refusal]:
    yield from metadata_refusals(f"{place}.metadata", deployment.metadata)
    yield from taint_refusals(f"{place}.taints", deployment.taints)
    yield from strategy_refusals(f"{place}.rollout.strategy", deployment.rollout.strategy if deployment.rollout else None)
    if deployment.replicas is None:
        return
    sources = ((deployment.metadata, "of this group"), (worker_class.metadata if worker_class else None, f"of class {deployment.class_}"))
    for metadata, whose in sources:
        if _autoscaled(metadata):
            found = f"{deployment.replicas} beside annotations {whose} for the autoscaler"
            allowed = "no replicas where those annotations are: the autoscaler decides"
            yield REPLICAS_OR_AUTOSCALER.broken(f"{place}.replicas", found, allowed)


def _autoscaled(metadata: TemplateMetadata | None) -> bool:
    annotations = (metadata.annotations if metadata else None) or {}
    return any(name in annotations for name in _AUTOSCALER)


def _control_plane_check_refusals(control_plane: ControlPlaneTopology, clusterclass: ClusterClass) -> Iterator[Refusal]:
    field, check, owner = f"{CONTROL_PLANE}.healthCheck", control_plane.health_check, clusterclass.spec.control_plane
    if check is None:
        return
    if _says_something(check):
        if owner.machine_infrastructure is None:
            found = f"a health check, where ClusterClass {clusterclass.metadata.name} has no machineInfrastructure"
            allowed = "none: the control plane does not consist of Machines"
            yield HEALTH_CHECK_NEEDS_MACHINES.broken(field, found, allowed, reason=FORBIDDEN)
        yield from check_refusals(f"{field}.checks", check.checks)
        yield from trigger_refusals(f"{field}.remediation.triggerIf", check.remediation.trigger_if if check.remediation else None)
    elif check.enabled and owner.health_check is None:
        yield _undefined(field)


def _deployment_check_refusals(
    field: str, check: MachineDeploymentHealthCheck | None, worker_class: MachineDeploymentClass | None
) -> Iterator[Refusal]:
    if check is None:
        return
    if _says_something(check):
        yield from check_refusals(f"{field}.checks", check.checks)
        remediation = check.remediation
        if remediation is not None:
            yield from trigger_refusals(f"{field}.remediation.triggerIf", remediation.trigger_if)
            yield from max_in_flight_refusals(f"{field}.remediation", remediation.max_in_flight)
    elif check.enabled and worker_class is not None and worker_class.health_check is None:
        yield _undefined(field)


def _says_something(check: ControlPlaneHealthCheck | MachineDeploymentHealthCheck) -> bool:
    """Tell whether a health check says more than that it is on or off."""
    return check.checks is not None or check.remediation is not None


def _undefined(field: str) -> Refusal:
    found = "true where neither the topology nor the class says what is checked"
    return ENABLED_HEALTH_CHECK_IS_DEFINED.broken(f"{field}.enabled", found, "true beside checks or remediation", reason=FORBIDDEN)
