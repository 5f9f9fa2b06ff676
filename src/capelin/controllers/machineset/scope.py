"""What one pass over a MachineSet observes."""

from __future__ import annotations

from dataclasses import dataclass, field

from capelin.api.cluster import Cluster
from capelin.api.machine import Machine
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import MachineSet, MachineSetStatus
from capelin.api.meta import Unstructured
from capelin.runtime.external import Seen


@dataclass(slots=True)
class Scope:
    """What a pass observed; each field says who sets it. UNKNOWN: the phase could not look."""

    machineset: MachineSet  # with defaults; metadata and status are those that will be written
    cluster: Cluster | None  # None: not there
    deployment: MachineDeployment | None = None  # set by reconcile_owner; None: the set stands alone
    machines: list[Machine] | Seen = Seen.UNKNOWN  # set by reconcile_machines, extended by scale
    bootstrap_template: Unstructured | Seen = Seen.UNKNOWN  # set by reconcile_templates; ABSENT also when none is referred to
    infrastructure_template: Unstructured | Seen = Seen.UNKNOWN  # set by reconcile_templates
    missing: list[str] = field(default_factory=list)  # kinds of templates that do not exist; set by reconcile_templates
    has_incomplete_machine: bool = True  # set by reconcile_companions: a Machine lacks what should have been made for it
    blockers: list[str] = field(default_factory=list)  # why no Machine is created; set by any phase
    problem: str = ""  # why the Machines are unknown; set by reconcile_machines

    @property
    def status(self) -> MachineSetStatus:
        """The status that will be written."""
        if self.machineset.status is None:
            self.machineset.status = MachineSetStatus()
        return self.machineset.status

    @property
    def is_deleting(self) -> bool:
        """True when the set is to go."""
        return self.machineset.metadata.deletion_timestamp is not None
