"""What one pass over a Machine observes, and who fills it in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from capelin.api.cluster import Cluster
from capelin.api.core import Node
from capelin.api.labels import CLUSTER_NAME_LABEL, CONTROL_PLANE_LABEL
from capelin.api.machine import Machine, MachineDeletionStatus, MachineInitialization, MachineStatus
from capelin.api.meta import ObjectKey, Unstructured, is_condition_true
from capelin.api.reasons import PAUSED_CONDITION
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


class WorkloadClusters(Protocol):
    """The connections to the workload clusters, with the Nodes of each."""

    async def client(self, cluster: ObjectKey) -> Client:
        """Return a client; raises Unreachable while there is no connection."""

    def connection(self, cluster: ObjectKey) -> Connection:
        """Return the state of the connection."""

    def node(self, cluster: ObjectKey, provider_id: str) -> Node | None:
        """Return the Node with this provider ID, None when there is none; raises Unreachable while nobody knows."""


@dataclass(frozen=True, slots=True)
class Stage:
    """How far the deletion of a Machine has come: a reason and a message of the Deleting condition, and what delays it."""

    reason: str
    message: str = ""
    delays: tuple[str, ...] = ()


@dataclass(slots=True)
class Scope:
    """What one pass observed. `UNKNOWN` stays where a phase could not look; `…_problem` then says why, for people."""

    machine: Machine
    cluster: Cluster | None  # None: it is gone
    bootstrap: Unstructured | Seen = Seen.UNKNOWN  # set by reconcile_bootstrap
    bootstrap_problem: str = ""
    infrastructure: Unstructured | Seen = Seen.UNKNOWN  # set by reconcile_infrastructure
    infrastructure_problem: str = ""
    node: Node | Seen = Seen.UNKNOWN  # set by reconcile_node
    node_problem: str = ""
    is_silent: bool = False  # set by reconcile_node: the Node is unknown only because the cluster does not answer, or has not yet
    connection: Connection | None = None  # set by reconcile_node; None while the Machine needs none
    stage: Stage | None = field(default=None)  # set by delete
    was_paused: bool = field(init=False)  # what the stored status says

    def __post_init__(self) -> None:
        self.was_paused = is_condition_true(self.machine.status.conditions if self.machine.status else None, PAUSED_CONDITION)

    @property
    def cluster_key(self) -> ObjectKey:
        """The name of the Machine's Cluster."""
        return ObjectKey(self.machine.key.namespace, self.machine.spec.cluster_name)

    @property
    def is_deleting(self) -> bool:
        """True when the Machine has been told to go."""
        return self.machine.metadata.deletion_timestamp is not None

    @property
    def status(self) -> MachineStatus:
        """The Machine's status, made when it has none."""
        if self.machine.status is None:
            self.machine.status = MachineStatus()
        return self.machine.status

    @property
    def initialization(self) -> MachineInitialization:
        """What has been reached, made when nothing has been; an empty one is left out by `tidy`."""
        if self.status.initialization is None:
            self.status.initialization = MachineInitialization()
        return self.status.initialization

    @property
    def deletion(self) -> MachineDeletionStatus:
        """When the steps of the deletion began, made when none has."""
        if self.status.deletion is None:
            self.status.deletion = MachineDeletionStatus()
        return self.status.deletion


def is_bootstrapped(machine: Machine) -> bool:
    """Tell whether the bootstrap data was there once."""
    reached = machine.status.initialization if machine.status else None
    return bool(reached and reached.bootstrap_data_secret_created)


def is_provisioned(machine: Machine) -> bool:
    """Tell whether the infrastructure was there once."""
    reached = machine.status.initialization if machine.status else None
    return bool(reached and reached.infrastructure_provisioned)


def is_control_plane(machine: Machine) -> bool:
    """Tell whether the Machine runs a control plane; only the presence of the label counts."""
    return CONTROL_PLANE_LABEL in (machine.metadata.labels or {})


def cluster_labels(machine: Machine) -> dict[str, str]:
    """Return the labels that everything of the Machine carries."""
    return {CLUSTER_NAME_LABEL: machine.spec.cluster_name}
