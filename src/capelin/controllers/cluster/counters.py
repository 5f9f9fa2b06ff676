"""How many Machines a Cluster has, and how far they are. Pure."""

from __future__ import annotations

from typing import Final

from capelin.api import contract
from capelin.api.cluster import ReplicaCounts
from capelin.api.machine import VersionCount
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machinegroup import count_machines, machine_versions
from capelin.api.machineset import MachineSet
from capelin.api.meta import Unstructured
from capelin.controllers.cluster.scope import Descendants, Scope
from capelin.runtime.external import Seen

_MAX_VERSIONS: Final = 32  # of the schema


def set_counters(scope: Scope) -> None:
    """Bring the counters of control plane and workers in line with what was observed; what could not be read keeps its old ones."""
    if scope.cluster.spec.control_plane_ref is not None:
        scope.status.control_plane = _control_plane_counts(scope) or scope.status.control_plane
    elif scope.descendants is not None:
        scope.status.control_plane = _machine_counts(scope.descendants)
    if scope.descendants is not None:
        scope.status.workers = worker_counts(scope.descendants)


def _control_plane_counts(scope: Scope) -> ReplicaCounts | None:
    """Return what the control-plane object reports; None when it cannot be read. A control plane need have no notion of replicas."""
    if not isinstance(scope.control_plane, Unstructured):
        return ReplicaCounts() if scope.control_plane is Seen.ABSENT else None
    try:
        counters = contract.counters(scope.control_plane.document)
        versions = contract.versions(scope.control_plane.document)
    except contract.ContractViolation:
        return None
    return ReplicaCounts(
        desired_replicas=counters.desired,
        replicas=counters.current,
        ready_replicas=counters.ready,
        available_replicas=counters.available,
        up_to_date_replicas=counters.up_to_date,
        versions=[VersionCount.model_validate(version) for version in versions[:_MAX_VERSIONS]] or None,
    )


def _machine_counts(found: Descendants) -> ReplicaCounts:
    """Count the control-plane Machines; that one was created is the wish to have it."""
    machines = found.control_plane_machines
    counts = count_machines(machines)
    return ReplicaCounts(
        desired_replicas=counts.replicas,
        replicas=counts.replicas,
        ready_replicas=counts.ready,
        available_replicas=counts.available,
        up_to_date_replicas=counts.up_to_date,
        versions=machine_versions(machines)[:_MAX_VERSIONS] or None,
    )


def worker_counts(found: Descendants) -> ReplicaCounts:
    """Add up what MachineDeployments and standalone MachineSets report, and the Machines that nobody manages."""
    loose = count_machines([m for m in found.worker_machines if m.metadata.controller is None])
    total = ReplicaCounts(
        desired_replicas=loose.replicas,
        replicas=loose.replicas,
        ready_replicas=loose.ready,
        available_replicas=loose.available,
        up_to_date_replicas=loose.up_to_date,
    )
    groups: list[MachineDeployment | MachineSet] = [*found.machinedeployments, *found.standalone_machinesets]
    for group in groups:
        status = group.status
        total.desired_replicas = (total.desired_replicas or 0) + (group.spec.replicas or 0)
        if status is not None:
            total.replicas = (total.replicas or 0) + (status.replicas or 0)
            total.ready_replicas = (total.ready_replicas or 0) + (status.ready_replicas or 0)
            total.available_replicas = (total.available_replicas or 0) + (status.available_replicas or 0)
            total.up_to_date_replicas = (total.up_to_date_replicas or 0) + (status.up_to_date_replicas or 0)
    total.versions = machine_versions(found.worker_machines)[:_MAX_VERSIONS] or None
    return total
