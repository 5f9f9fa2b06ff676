"""What one pass over a Cluster observes, and who fills it in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from capelin.api.cluster import Cluster, ClusterInitialization, ClusterStatus
from capelin.api.labels import CLUSTER_NAME_LABEL, CONTROL_PLANE_LABEL
from capelin.api.machine import Machine
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import MachineSet
from capelin.api.meta import ObjectKey, Unstructured, is_condition_true
from capelin.api.reasons import AVAILABLE_CONDITION, PAUSED_CONDITION
from capelin.runtime.client import Client
from capelin.runtime.external import Seen


class Connection(Protocol):
    """The state of the connection to a workload cluster."""

    @property
    def is_connected(self) -> bool: ...
    @property
    def silent_for(self) -> timedelta: ...
    @property
    def last_success_at(self) -> datetime | None: ...
    @property
    def refusal(self) -> str: ...


class Connections(Protocol):
    """The connections to the workload clusters."""

    async def client(self, cluster: ObjectKey) -> Client:
        """Return a client; raises Unreachable while there is no connection."""

    def connection(self, cluster: ObjectKey) -> Connection:
        """Return the state of the connection."""

    def forget(self, cluster: ObjectKey) -> None:
        """Close the connection to a cluster that is gone."""


class Kubeconfigs(Protocol):
    """Makes the kubeconfig by which a cluster's administrators, and we, reach it."""

    async def ensure(self, cluster: Cluster) -> bool:
        """Store the kubeconfig Secret unless it is there; False when what it is made from does not exist yet."""


Descendant = Machine | MachineSet | MachineDeployment


@dataclass(frozen=True, slots=True)
class Descendants:
    """What belongs to a Cluster, ordered by name."""

    machines: tuple[Machine, ...] = ()
    machinesets: tuple[MachineSet, ...] = ()
    machinedeployments: tuple[MachineDeployment, ...] = ()

    @property
    def control_plane_machines(self) -> list[Machine]:
        """The Machines that run the control plane."""
        return [m for m in self.machines if CONTROL_PLANE_LABEL in (m.metadata.labels or {})]

    @property
    def worker_machines(self) -> list[Machine]:
        """All other Machines."""
        return [m for m in self.machines if CONTROL_PLANE_LABEL not in (m.metadata.labels or {})]

    @property
    def workers(self) -> list[Descendant]:
        """Everything but the control plane."""
        return [*self.machinedeployments, *self.machinesets, *self.worker_machines]

    @property
    def standalone_machinesets(self) -> list[MachineSet]:
        """The MachineSets that no MachineDeployment manages."""
        return [s for s in self.machinesets if s.metadata.controller is None]


@dataclass(frozen=True, slots=True)
class Stage:
    """How far the deletion of a Cluster has come: reason and message of the Deleting condition."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Milestones:
    """What of a Cluster others wait for."""

    is_provisioned: bool
    is_initialized: bool
    is_available: bool

    @classmethod
    def of(cls, cluster: Cluster) -> Milestones:
        """Return what the Cluster's status says."""
        conditions = cluster.status.conditions if cluster.status else None
        return cls(is_provisioned(cluster), is_initialized(cluster), is_condition_true(conditions, AVAILABLE_CONDITION))


@dataclass(slots=True)
class Scope:
    """What one pass observed. `UNKNOWN` (or None) stays where a phase could not look; `…_problem` then says why, for people."""

    cluster: Cluster
    infrastructure: Unstructured | Seen = Seen.UNKNOWN  # set by reconcile_infrastructure
    infrastructure_problem: str = ""
    control_plane: Unstructured | Seen = Seen.UNKNOWN  # set by reconcile_control_plane
    control_plane_problem: str = ""
    descendants: Descendants | None = None  # set by observe_descendants; None: could not be listed
    lacks_kubeconfig: bool = False  # set by reconcile_kubeconfig, when there is nothing yet to make it from
    connection: Connection | None = None  # set by reconcile_connection; None: nobody has looked
    stage: Stage | None = field(default=None)  # set by delete
    was_paused: bool = field(init=False)  # this and the next: what the stored status says
    had_reached: Milestones = field(init=False)

    def __post_init__(self) -> None:
        self.was_paused = is_condition_true(self.cluster.status.conditions if self.cluster.status else None, PAUSED_CONDITION)
        self.had_reached = Milestones.of(self.cluster)

    @property
    def is_deleting(self) -> bool:
        """True when the Cluster has been told to go."""
        return self.cluster.metadata.deletion_timestamp is not None

    @property
    def status(self) -> ClusterStatus:
        """The Cluster's status, made when it has none."""
        if self.cluster.status is None:
            self.cluster.status = ClusterStatus()
        return self.cluster.status

    @property
    def initialization(self) -> ClusterInitialization:
        """What has been reached, made when nothing has been."""
        if self.status.initialization is None:
            self.status.initialization = ClusterInitialization()
        return self.status.initialization


def is_provisioned(cluster: Cluster) -> bool:
    """Tell whether the infrastructure was there once."""
    reached = cluster.status.initialization if cluster.status else None
    return bool(reached and reached.infrastructure_provisioned)


def is_initialized(cluster: Cluster) -> bool:
    """Tell whether the control plane has answered once."""
    reached = cluster.status.initialization if cluster.status else None
    return bool(reached and reached.control_plane_initialized)


def has_endpoint(cluster: Cluster) -> bool:
    """Tell whether it is known where the API server answers."""
    endpoint = cluster.spec.control_plane_endpoint
    return bool(endpoint and endpoint.host and endpoint.port)


def cluster_labels(cluster: Cluster) -> dict[str, str]:
    """Return the labels that everything of the Cluster carries."""
    return {CLUSTER_NAME_LABEL: cluster.metadata.name}
