"""What one pass over a MachineDeployment observes."""

from __future__ import annotations

from dataclasses import dataclass, field

from capelin.api.cluster import Cluster
from capelin.api.machine import Machine
from capelin.api.machinedeployment import MachineDeployment, MachineDeploymentStatus
from capelin.api.machineset import MachineSet
from capelin.runtime.external import Seen


@dataclass(slots=True)
class Scope:
    """What a pass observed; each field says who sets it. UNKNOWN: the phase could not look."""

    deployment: MachineDeployment  # with defaults; metadata and status are those that will be written
    cluster: Cluster | None  # None: not there
    machinesets: list[MachineSet] | Seen = Seen.UNKNOWN  # with defaults; set by reconcile_machinesets, extended by roll_out
    machines: list[Machine] = field(default_factory=list)  # of those sets; set by reconcile_machinesets
    missing: list[str] | Seen = Seen.UNKNOWN  # kinds of templates that do not exist; set by reconcile_templates
    blockers: list[str] = field(default_factory=list)  # why no MachineSet is created; set by any phase
    problem: str = ""  # why the MachineSets are unknown; set by reconcile_machinesets

    @property
    def status(self) -> MachineDeploymentStatus:
        """The status that will be written."""
        if self.deployment.status is None:
            self.deployment.status = MachineDeploymentStatus()
        return self.deployment.status

    @property
    def is_deleting(self) -> bool:
        """True when the deployment is to go."""
        return self.deployment.metadata.deletion_timestamp is not None
