"""What one pass over a DevMachine observes, and who fills it in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from capelin.api.behavior import MachineBehavior
from capelin.api.cluster import Cluster
from capelin.api.devmachine import DevMachine, DevMachineStatus
from capelin.api.labels import CONTROL_PLANE_LABEL
from capelin.api.machine import Machine
from capelin.cloud.inmemory.orders import Order, Progress


class Cloud(Protocol):
    """The part of the simulated cloud that runs machines."""

    def has(self, machine_uid: str) -> bool:
        """Tell whether the machine was ordered, so that its bootstrap data is not needed any more."""

    async def advance(self, order: Order) -> Progress:
        """Have the machine, do what is due, and tell how far it is; raises ApiError when the workload cluster fails."""

    async def remove(self, machine_uid: str) -> None:
        """Have the machine no more; nothing happens when there is none."""


class Waiting(NamedTuple):
    """Why a machine is not ordered yet: reason and message of a condition."""

    reason: str
    message: str


@dataclass(slots=True)
class Scope:
    """What one pass observed."""

    devmachine: DevMachine
    machine: Machine | None  # None: none owns it yet, or it is gone
    cluster: Cluster | None  # None: as for the Machine
    behavior: MachineBehavior = field(default_factory=MachineBehavior)  # set by reconcile_behavior
    behavior_problem: str = ""
    waiting: Waiting | None = None  # set by reconcile_machine, when there is nothing to order yet
    progress: Progress | None = None  # set by reconcile_machine, when there is

    @property
    def is_control_plane(self) -> bool:
        """True when the Machine is one of the control plane."""
        return self.machine is not None and CONTROL_PLANE_LABEL in (self.machine.metadata.labels or {})

    @property
    def status(self) -> DevMachineStatus:
        """The status, made when there is none."""
        if self.devmachine.status is None:
            self.devmachine.status = DevMachineStatus()
        return self.devmachine.status
