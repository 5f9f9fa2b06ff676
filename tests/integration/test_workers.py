"""MachineSets and MachineDeployments under the engine: caches, queues and the clock are real parts, only the server is a fake."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from capelin.api.machine import Machine, MachineStatus
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import MachineSet
from capelin.api.meta import ObjectKey
from capelin.controllers.machinedeployment.reconciler import MachineDeploymentReconciler
from capelin.controllers.machinedeployment.watches import DECLARATION as MACHINEDEPLOYMENT
from capelin.controllers.machineset.reconciler import MachineSetReconciler
from capelin.controllers.machineset.watches import DECLARATION as MACHINESET
from capelin.runtime.contract import Contracts
from capelin.runtime.external import ExternalObjects
from capelin.runtime.manager import Manager, Settings
from capelin.runtime.reconcile import Declaration
from tests import build
from tests.controllers.workers import KINDS, ready_status, status_of
from tests.fakes import FakeClient, FakeRandom, settle
from tests.runtime.slow import SlowWatches

STEP = timedelta(seconds=0.1)


@dataclass
class Running:
    """A server with the two controllers at work on it, and Machines that do as the test says."""

    server: FakeClient
    slow: SlowWatches
    manager: Manager

    async def wait(self, delay: timedelta) -> None:
        """Let time pass in small steps, in which everybody gets his turn."""
        for _ in range(round(delay / STEP)):
            await self.server.clock.advance(STEP)
            await settle()

    async def machines(self) -> list[Machine]:
        return await self.server.list(Machine)

    async def say(self, text: str) -> None:
        """Have every Machine report `text`, as Machines do while they start."""
        for machine in await self.machines():
            conditions = [build.condition("Ready", "False", message=text, at=self.server.clock.now())]
            await self._report(machine, MachineStatus(conditions=conditions))

    async def make_ready(self) -> None:
        for machine in await self.machines():
            if status_of(machine, "Ready")[0] != "True" and machine.metadata.deletion_timestamp is None:
                await self._report(machine, ready_status(machine, self.server.clock))

    async def finish_deletions(self) -> None:
        for machine in await self.machines():
            if machine.metadata.deletion_timestamp is not None:
                await self.server.patch(Machine, machine.key, {"metadata": {"finalizers": None}})
        self.server.collect_garbage()

    async def _report(self, machine: Machine, status: MachineStatus) -> None:
        await self.server.patch(Machine, machine.key, {"status": status.wire()}, subresource="status")

    async def deployment(self) -> MachineDeployment:
        found = await self.server.get(MachineDeployment, ObjectKey("default", "workers"))
        assert found is not None
        return found


@asynccontextmanager
async def running() -> AsyncIterator[Running]:
    server = FakeClient()
    server.seed(build.cluster(), *(build.crd(kind.resource.group, kind.resource.kind) for kind in KINDS))
    server.seed(build.kubeadmconfigtemplate(), build.devmachinetemplate())
    slow = SlowWatches(server)
    manager = Manager(slow, server.clock, FakeRandom(), Settings(after_sync=lambda: None))

    def external(declaration: Declaration) -> ExternalObjects:
        return ExternalObjects(manager.client, manager.live, Contracts(manager.live, server.clock), manager.tracker(declaration))

    sets = MachineSetReconciler(manager.client, manager.live, external(MACHINESET), server.clock, manager.recorder)
    deployments = MachineDeploymentReconciler(manager.client, manager.live, external(MACHINEDEPLOYMENT), server.clock, manager.recorder)
    manager.add(MACHINESET, sets)
    manager.add(MACHINEDEPLOYMENT, deployments)
    task = asyncio.ensure_future(manager.run())
    await settle()
    try:
        yield Running(server, slow, manager)
    finally:
        manager.stop()
        await settle()
        await server.clock.advance(timedelta(seconds=10))
        await task


async def test_workers_cost_few_writes_and_none_once_they_are_settled() -> None:
    async with running() as r:
        r.server.seed(build.machinedeployment(replicas=3))
        await r.wait(timedelta(seconds=1))
        for step in range(10):  # as starting Machines do: something new several times a second
            await r.say(f"step {step}")
            await r.wait(timedelta(seconds=0.3))
        await r.make_ready()
        await r.wait(timedelta(seconds=20))
        costs = Counter((write.verb, write.resource.plural, write.subresource) for write in r.server.writes)
        settled = len(r.server.writes)
        await r.wait(timedelta(minutes=1))

        assert status_of(await r.deployment(), "Available") == ("True", "Available")
        assert status_of(await r.deployment(), "MachinesUpToDate") == ("True", "UpToDate")
        assert len(r.server.writes) == settled
    costs["patch", "machines", "status"] -= 33  # the Machines' own reports
    assert costs == {
        ("create", "machinesets", ""): 1,
        ("create", "machines", ""): 3,
        ("create", "kubeadmconfigs", ""): 3,
        ("create", "devmachines", ""): 3,
        ("patch", "machines", "status"): 3,  # UpToDate
        ("patch", "machinesets", "status"): 3,
        ("patch", "machinedeployments", "status"): 4,
        ("patch", "machinedeployments", ""): 2,  # the finalizer; owner, label and revision
        ("patch", "devmachinetemplates", ""): 1,
        ("patch", "kubeadmconfigtemplates", ""): 1,
        ("create", "events", ""): 2,  # a set, and its Machines
    }


async def test_a_rollout_keeps_its_bounds_and_leaves_one_set() -> None:
    async with running() as r:
        r.server.seed(build.machinedeployment(replicas=3))
        await r.wait(timedelta(seconds=1))
        await r.make_ready()
        await r.wait(timedelta(seconds=1))
        await r.server.patch(MachineDeployment, ObjectKey("default", "workers"), {"spec": {"template": {"spec": {"version": "v1.35.0"}}}})

        for _ in range(12):
            await r.wait(timedelta(seconds=1))
            machines = await r.machines()
            available = [m for m in machines if status_of(m, "Available")[0] == "True" and m.metadata.deletion_timestamp is None]
            assert len(machines) <= 4
            assert len(available) >= 3
            await r.make_ready()
            await r.finish_deletions()
        await r.wait(timedelta(seconds=20))

        assert [machine.spec.version for machine in await r.machines()] == ["v1.35.0"] * 3
        assert len(await r.server.list(MachineSet)) == 1
        assert status_of(await r.deployment(), "RollingOut") == ("False", "NotRollingOut")


async def test_watches_that_stand_still_make_no_machine_too_many() -> None:
    async with running() as r:
        r.slow.hold()
        r.server.seed(build.machinedeployment(replicas=3))
        for _ in range(20):
            await r.slow.release()
            r.slow.hold()
            await r.wait(timedelta(seconds=3))
            assert len(await r.machines()) <= 3
        await r.slow.release()
        await r.wait(timedelta(seconds=5))

        assert len(await r.machines()) == 3
        assert len(await r.server.list(MachineSet)) == 1
