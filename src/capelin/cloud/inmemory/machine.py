"""One simulated machine: what it remembers, and when its steps are due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from capelin.cloud.inmemory.kubeadm import Run
from capelin.cloud.inmemory.orders import Order, Stage, Startup
from capelin.runtime.deadlines import until

CONTROL_PLANE_STAGES = (Stage.VM, Stage.NODE, Stage.ETCD, Stage.API_SERVER)
WORKER_STAGES = (Stage.VM, Stage.NODE)


@dataclass(eq=False, slots=True)
class SimulatedMachine:
    """A machine from the moment it was ordered. Times are those of a monotonic clock.

    `draws` are the random parts of its steps, drawn once; `has_had_its_time` that it ran before this process did. `disk` holds the
    bootstrap data until kubeadm has read it, and `run` what kubeadm has found there.
    """

    uid: str
    site_uid: str
    is_control_plane: bool
    began: float
    draws: Mapping[Stage, float]
    disk: bytes = field(default=b"", repr=False)
    has_had_its_time: bool = False
    run: Run | None = None
    done: dict[Stage, float] = field(default_factory=dict)  # when each step was done
    node_uid: str = ""  # of the Node it registered
    pods: set[tuple[str, str]] = field(default_factory=set)  # extra Pods that were made
    is_dead: bool = False

    @property
    def node_name(self) -> str:
        """The name of the Node; empty before the machine has one."""
        return self.run.registration.name if self.run is not None and self.node_uid else ""

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The steps this machine goes through."""
        return CONTROL_PLANE_STAGES if self.is_control_plane else WORKER_STAGES

    def remaining(self, stage: Stage, order: Order, *, now: float) -> timedelta:
        """Return how long the step still takes; nothing when its time has passed."""
        if self.has_had_its_time:
            return timedelta()
        total = order.behavior.boot_delay
        for each in self.stages:
            total += _taken(order.startups.get(each, Startup()), self.draws[each])
            if each is stage:
                break
        return until(self.began + total.total_seconds(), now)


def _taken(startup: Startup, draw: float) -> timedelta:
    return startup.duration * (1 + startup.jitter * draw)
