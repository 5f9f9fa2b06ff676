"""The simulated cloud: clusters and machines in memory, their Kubernetes objects in a database.

Nothing happens by itself here. A machine moves on when somebody asks how far it is (`advance`), and the answer says when asking again is
worth while; so there is no task, no timer and no write for a machine that runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from capelin.api.behavior import APIBehavior
from capelin.cloud.inmemory.boot import Authorities, Boot, StepFailed, StepWaits
from capelin.cloud.inmemory.cluster import Claims, Servers, WorkloadCluster
from capelin.cloud.inmemory.machine import SimulatedMachine
from capelin.cloud.inmemory.orders import Order, Progress, Site, Stage, State, Step
from capelin.runtime.deadlines import until
from capelin.runtime.seams import Clock, Keys, Random
from capelin.runtime.transport import Endpoints


@dataclass(eq=False, slots=True)
class InMemoryCloud:
    """All simulated clusters of a process. Run `run` in the background, so that they end with it."""

    servers: Servers
    endpoints: Endpoints
    authorities: Authorities
    clock: Clock
    random: Random
    keys: Keys
    _clusters: dict[str, WorkloadCluster] = field(default_factory=dict)
    _machines: dict[str, SimulatedMachine] = field(default_factory=dict)
    _claims: Claims = field(default_factory=dict)

    async def run(self) -> None:
        """Wait until cancelled; then every endpoint is closed. The objects stay in the database."""
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.gather(*(cluster.close() for cluster in self._clusters.values()))

    # -- clusters ---------------------------------------------------------------------------------------------------------------

    async def provide(self, site: Site, behavior: APIBehavior) -> None:
        """Have a cluster at that place, which answers as `behavior` says once a machine runs its control plane.

        Raises:
            OSError: its endpoint cannot be opened.
        """
        await self._cluster(site).adjust(site, behavior)

    def is_serving(self, cluster_uid: str) -> bool:
        """Tell whether the cluster's endpoint is open."""
        cluster = self._clusters.get(cluster_uid)
        return cluster is not None and cluster.is_serving

    async def withdraw(self, cluster_uid: str) -> None:
        """Close the cluster's endpoint and forget its objects; nothing happens when that is done already.

        Raises:
            OSError: the objects could not be forgotten.
        """
        cluster = self._clusters.get(cluster_uid)
        if cluster is not None:
            await cluster.close()
        await self.servers.drop(cluster_uid)
        self._clusters.pop(cluster_uid, None)

    # -- machines ---------------------------------------------------------------------------------------------------------------

    def has(self, machine_uid: str) -> bool:
        """Tell whether the cloud has the machine, so that its bootstrap data is not needed any more."""
        return machine_uid in self._machines

    async def advance(self, order: Order) -> Progress:
        """Have the machine, carry out the steps that are due, and tell how far it is.

        Raises:
            ApiError: the workload cluster's API server failed.
        """
        machine = self._machines.get(order.uid)
        if machine is None:
            machine = self._machines[order.uid] = self._ordered(order)
        if order.has_joined:  # told late when the last process died before anybody had: the token it joined with is gone
            machine.has_had_its_time = True
        boot = Boot(machine, order, self._cluster(order.site), self.authorities, self.clock, self.keys)
        await self._misbehave(boot)
        if machine.is_dead:
            stopped = Step(State.FAILED, "the machine has stopped, as its behavior said")
            return Progress(dict.fromkeys(machine.stages, stopped), address=boot.host.address)
        steps, after = await self._climb(boot)
        if Stage.NODE in machine.done:
            await boot.run_extra_pods()
        due = [delay for delay in (after, self._time_left(boot)) if delay is not None]
        return Progress(steps, min(due) if due else None, boot.host.address)

    async def remove(self, machine_uid: str) -> None:
        """Have the machine no more. Its Node stays until somebody deletes it, as in every cloud."""
        machine = self._machines.get(machine_uid)
        if machine is None:
            return
        cluster = self._clusters.get(machine.site_uid)
        if cluster is not None:
            await cluster.leave(machine_uid)
        del self._machines[machine_uid]

    async def _climb(self, boot: Boot) -> tuple[dict[Stage, Step], timedelta | None]:
        """Carry out the steps that are due, up to the first that is not done; return them, and when it is worth another look."""
        machine, steps = boot.machine, dict[Stage, Step]()
        for stage, act in _acts(boot).items():
            if stage not in machine.stages:
                break
            if stage not in machine.done:
                remaining = machine.remaining(stage, boot.order, now=self.clock.monotonic())
                if remaining > timedelta():
                    return steps | {stage: Step(State.STARTING)}, remaining
                try:
                    await act()
                except StepWaits as waits:
                    return steps | {stage: Step(State.STARTING)}, waits.delay
                except StepFailed as failure:
                    return steps | {stage: Step(State.FAILED, str(failure))}, failure.retry
                machine.done[stage] = self.clock.monotonic()
            steps[stage] = Step(State.DONE)
        return steps, None

    async def _misbehave(self, boot: Boot) -> None:
        """Do to a running machine what its behavior declares."""
        machine, left = boot.machine, self._time_left(boot)
        if left is not None and left <= timedelta() and not machine.is_dead:
            await boot.die()
            machine.is_dead = True
        elif boot.order.behavior.lose_node and Stage.NODE in machine.done:
            await boot.lose_node()
            del machine.done[Stage.NODE]
            machine.has_had_its_time = True  # it needs no token to register again

    def _time_left(self, boot: Boot) -> timedelta | None:
        """Return how long the machine still lives, None when it is not running or lives for ever."""
        die_after, booted = boot.order.behavior.die_after, boot.machine.done.get(Stage.VM)
        return None if die_after is None or booted is None else until(booted + die_after.total_seconds(), self.clock.monotonic())

    def _ordered(self, order: Order) -> SimulatedMachine:
        return SimulatedMachine(
            order.uid,
            order.site.uid,
            order.is_control_plane,
            began=self.clock.monotonic(),
            draws={stage: self.random.random() for stage in Stage},
            disk=order.bootstrap or b"",
            has_had_its_time=order.has_joined,
        )

    def _cluster(self, site: Site) -> WorkloadCluster:
        cluster = self._clusters.get(site.uid)
        if cluster is None:
            cluster = self._clusters[site.uid] = WorkloadCluster(site, self.servers, self.endpoints, self.clock, self._claims)
        return cluster


def _acts(boot: Boot) -> dict[Stage, Callable[[], Awaitable[None]]]:
    return {
        Stage.VM: boot.start_vm,
        Stage.NODE: boot.start_node,
        Stage.ETCD: boot.start_etcd,
        Stage.API_SERVER: boot.start_api_server,
    }
