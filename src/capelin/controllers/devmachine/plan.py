"""What a DevMachine asks the cloud for. Pure."""

from __future__ import annotations

from typing import Final

from capelin.api.cluster import Cluster
from capelin.api.devcluster import DevCluster
from capelin.api.devmachine import (
    WAITING_FOR_MACHINE_REASON,
    DevMachine,
    InMemoryMachineBackend,
    InMemoryStep,
)
from capelin.api.durations import parse_duration
from capelin.api.machine import Machine
from capelin.api.reasons import (
    INVALID_SPEC_REASON,
    WAITING_FOR_BOOTSTRAP_DATA_REASON,
    WAITING_FOR_CLUSTER_INFRASTRUCTURE_READY_REASON,
    WAITING_FOR_CONTROL_PLANE_INITIALIZED_REASON,
)
from capelin.cloud.inmemory.orders import Order, Site, Stage, Startup
from capelin.controllers.devmachine.scope import Scope, Waiting

PROVIDER_ID_PREFIX: Final = "in-memory://"

DEFAULT_VERSION: Final = "v1.34.0"
"""What a Machine runs that names no version."""

_STEPS: Final = {Stage.VM: "vm", Stage.NODE: "node", Stage.ETCD: "etcd", Stage.API_SERVER: "apiServer"}
_ATTRIBUTES: Final = {Stage.VM: "vm", Stage.NODE: "node", Stage.ETCD: "etcd", Stage.API_SERVER: "api_server"}


class SpecRefused(ValueError):
    """The spec asks for what this provider does not offer; the message names field, found and allowed."""


def waiting_for(scope: Scope) -> Waiting | None:
    """Return what the machine still waits for before it can be ordered, None when nothing is missing."""
    machine, cluster = scope.machine, scope.cluster
    if machine is None or cluster is None:
        return Waiting(WAITING_FOR_MACHINE_REASON, "No Machine of a Cluster owns this DevMachine yet")
    reached = cluster.status.initialization if cluster.status else None
    if not machine.spec.bootstrap.data_secret_name:
        if not scope.is_control_plane and not (reached and reached.control_plane_initialized):
            return Waiting(WAITING_FOR_CONTROL_PLANE_INITIALIZED_REASON, "")
        return Waiting(WAITING_FOR_BOOTSTRAP_DATA_REASON, "")
    if not (reached and reached.infrastructure_provisioned):
        return Waiting(WAITING_FOR_CLUSTER_INFRASTRUCTURE_READY_REASON, "")
    try:
        startups(scope.devmachine)
    except SpecRefused as refusal:
        return Waiting(INVALID_SPEC_REASON, str(refusal))
    return None


def site_of(cluster: Cluster, devcluster: DevCluster | None) -> Site | None:
    """Return where the cluster is served, None while its infrastructure does not say, or is another provider's."""
    endpoint = devcluster.spec.control_plane_endpoint if devcluster is not None and devcluster.spec else None
    if endpoint is None or endpoint.host is None or endpoint.port is None:
        return None
    return Site(cluster.uid, cluster.key, endpoint.host, endpoint.port)


def order_for(scope: Scope, machine: Machine, site: Site, bootstrap: bytes | None) -> Order:
    """Return the order of the machine; `bootstrap` is None when the cloud has it already.

    Raises:
        SpecRefused: the backend cannot be simulated.
    """
    devmachine = scope.devmachine
    return Order(
        uid=devmachine.uid,
        name=devmachine.metadata.name,
        provider_id=provider_id(devmachine),
        site=site,
        version=f"v{(machine.spec.version or DEFAULT_VERSION).removeprefix('v')}",
        is_control_plane=scope.is_control_plane,
        zone=machine.spec.failure_domain or "",
        bootstrap=bootstrap,
        startups=startups(devmachine),
        behavior=scope.behavior,
        has_joined=machine.status is not None and machine.status.node_ref is not None,
    )


def provider_id(devmachine: DevMachine) -> str:
    """Return the identity of the machine; one that was stored stays."""
    stored = devmachine.spec.provider_id if devmachine.spec else None
    return stored or f"{PROVIDER_ID_PREFIX}{devmachine.metadata.name}"


def startups(devmachine: DevMachine) -> dict[Stage, Startup]:
    """Return how long each step takes.

    Raises:
        SpecRefused: the backend is another, or a duration cannot be understood.
    """
    backend = devmachine.spec.backend.in_memory if devmachine.spec else None
    if backend is None:
        raise SpecRefused("spec.backend: found no inMemory, allowed is inMemory: {}")
    return {stage: _startup(backend, stage) for stage in Stage}


def _startup(backend: InMemoryMachineBackend, stage: Stage) -> Startup:
    step: InMemoryStep | None = getattr(backend, _ATTRIBUTES[stage])
    provisioning = step.provisioning if step is not None else None
    if provisioning is None:
        return Startup()
    place = f"spec.backend.inMemory.{_STEPS[stage]}.provisioning"
    try:
        duration = parse_duration(provisioning.startup_duration)
    except ValueError as error:
        raise SpecRefused(f"{place}.startupDuration: {error}") from None
    return Startup(duration, _jitter(provisioning.startup_jitter, place))


def _jitter(text: str | None, place: str) -> float:
    try:
        jitter = float(text or "0")
    except ValueError:
        jitter = -1.0
    if not 0.0 <= jitter <= 1000.0:
        raise SpecRefused(f"{place}.startupJitter: found {text!r}, allowed is a fraction such as 0.2")
    return jitter
