"""A cluster with its worker controllers over one fake server: what the tests of MachineSets and MachineDeployments stand on."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from capelin.api.devmachine import DevMachine, DevMachineTemplate
from capelin.api.kubeadmconfig import KubeadmConfig, KubeadmConfigTemplate
from capelin.api.machine import Machine, MachineInitialization, MachineStatus, NodeReference
from capelin.api.machinedeployment import MACHINEDEPLOYMENT_FINALIZER, MachineDeployment
from capelin.api.machineset import MACHINESET_FINALIZER, ORDINALS_ANNOTATION, MachineSet
from capelin.api.meta import Condition, Object, ObjectKey, Resource, find_condition
from capelin.controllers.machinedeployment.desired import revision_of
from capelin.controllers.machinedeployment.reconciler import MachineDeploymentReconciler
from capelin.controllers.machineset.reconciler import MachineSetReconciler
from capelin.runtime import errors
from capelin.runtime.client import Client, Page, Selection, WatchEvent, Write
from capelin.runtime.contract import Contracts
from capelin.runtime.external import ExternalObjects
from capelin.runtime.reconcile import Result
from tests import build
from tests.fakes import FakeClient, FakeClock, FakeRecorder

LATER = timedelta(seconds=11)
"""After this a new Machine is no longer young."""

KINDS = (KubeadmConfig, KubeadmConfigTemplate, DevMachine, DevMachineTemplate)


class NoTracker:
    """Tracks nothing: the tests reconcile by hand."""

    async def track(self, resource: Resource) -> None:
        """Return at once."""


@dataclass
class Workers:
    """One fake server with a Cluster, templates and definitions, and the two controllers on it.

    `client` is what the controllers write through and read from; `server` is the truth. They are the same unless a test puts a cache that
    lags or a connection that breaks in between.
    """

    server: FakeClient = field(default_factory=FakeClient)
    client: Client | None = None
    recorder: FakeRecorder = field(default_factory=FakeRecorder)

    @classmethod
    def of(cls, *objects: Object, templates: bool = True, cluster: Object | None = None) -> Workers:
        """Return a world with these objects in it."""
        world = cls()
        world.server.seed(cluster or build.cluster(), *(build.crd(kind.resource.group, kind.resource.kind) for kind in KINDS))
        if templates:
            world.add_templates()
        world.server.seed(*objects)
        return world

    def add_templates(self) -> None:
        """Create the templates that built sets and deployments refer to."""
        self.server.seed(build.kubeadmconfigtemplate(), build.devmachinetemplate())

    @property
    def clock(self) -> FakeClock:
        return self.server.clock

    def _external(self, client: Client) -> ExternalObjects:
        return ExternalObjects(client, self.server, Contracts(self.server, self.clock), NoTracker())

    def set_reconciler(self) -> MachineSetReconciler:
        """Return a controller with an empty memory, as after a restart."""
        client = self.client or self.server
        return MachineSetReconciler(client, self.server, self._external(client), self.clock, self.recorder)

    def deployment_reconciler(self) -> MachineDeploymentReconciler:
        """Return a controller with an empty memory, as after a restart."""
        client = self.client or self.server
        return MachineDeploymentReconciler(client, self.server, self._external(client), self.clock, self.recorder)

    async def reconcile_set(self, name: str = "workers-1") -> Result:
        """Make one pass over a MachineSet."""
        return await self.set_reconciler().reconcile(ObjectKey(build.NAMESPACE, name))

    async def reconcile_deployment(self, name: str = "workers") -> Result:
        """Make one pass over a MachineDeployment."""
        return await self.deployment_reconciler().reconcile(ObjectKey(build.NAMESPACE, name))

    async def settle_sets(self, passes: int = 4) -> None:
        """Make passes over every MachineSet, more than enough for one step of a rollout."""
        for _ in range(passes):
            for machineset in await self.server.list(MachineSet):
                await self.reconcile_set(machineset.metadata.name)

    async def settle(self, rounds: int = 4) -> None:
        """Make passes over everything, in turn, while Machines stay as they are."""
        for _ in range(rounds):
            for deployment in await self.server.list(MachineDeployment):
                await self.reconcile_deployment(deployment.metadata.name)
            await self.settle_sets(passes=2)

    # -- what the tests look at ---------------------------------------------------------------------------------------------------

    async def machines(self) -> list[Machine]:
        """Return every Machine."""
        return await self.server.list(Machine)

    async def machineset(self, name: str = "workers-1") -> MachineSet:
        """Return a MachineSet as it is stored."""
        found = await self.server.get(MachineSet, ObjectKey(build.NAMESPACE, name))
        assert found is not None
        return found

    async def machinesets(self) -> list[MachineSet]:
        """Return every MachineSet, by revision."""
        return sorted(await self.server.list(MachineSet), key=revision_of)

    async def deployment(self, name: str = "workers") -> MachineDeployment:
        """Return a MachineDeployment as it is stored."""
        found = await self.server.get(MachineDeployment, ObjectKey(build.NAMESPACE, name))
        assert found is not None
        return found

    def names(self, kind: type[Object]) -> list[str]:
        """Return the names of every object of a kind."""
        return sorted(slot[2].name for slot in self.server.objects if slot[:2] == (kind.resource.group, kind.resource.plural))

    # -- what others do -----------------------------------------------------------------------------------------------------------

    async def change(self, kind: type[Object], name: str, patch: dict[str, Any], *, subresource: str = "") -> None:
        """Patch an object as a user, or another controller, does."""
        await self.server.patch(kind, ObjectKey(build.NAMESPACE, name), patch, subresource=subresource)

    async def make_ready(self, *machines: Machine, ready: bool = True) -> None:
        """Report Machines as the Machine controller does once their Nodes are ready."""
        for machine in machines or await self.machines():
            status = ready_status(machine, self.clock, ready=ready)
            await self.change(Machine, machine.metadata.name, {"status": status.wire()}, subresource="status")

    async def finish_deletions(self) -> None:
        """Let Machines that are being deleted go, with what they own."""
        for machine in await self.machines():
            if machine.metadata.deletion_timestamp is not None:
                await self.change(Machine, machine.metadata.name, {"metadata": {"finalizers": None}})
        self.server.collect_garbage()


def a_machineset(*, replicas: int = 3, ordinals: str | None = None, **given: object) -> MachineSet:
    """Return a set that has its finalizer, and the ordinals reserved when they are given."""
    annotations = given.pop("annotations", {})
    assert isinstance(annotations, dict)
    annotations |= {ORDINALS_ANNOTATION: ordinals} if ordinals else {}
    return build.machineset(replicas=replicas, finalizers=[MACHINESET_FINALIZER], annotations=annotations, **given)  # type: ignore[arg-type]


async def settled_machineset(replicas: int = 3) -> Workers:
    """Return a set that has all its Machines, ready, and nothing to do."""
    world = Workers.of(a_machineset(replicas=replicas))
    await world.settle_sets()
    await world.clock.advance(LATER)
    await world.make_ready()
    await world.settle_sets(passes=2)
    return world


def deployments_machineset(**given: object) -> tuple[MachineSet, MachineDeployment]:
    """Return a set and the deployment that owns it."""
    deployment = build.machinedeployment()
    return a_machineset(owners=[build.owner(deployment)], **given), deployment  # type: ignore[arg-type]


def a_machinedeployment(**given: Any) -> MachineDeployment:
    """Return a deployment that has its finalizer."""
    return build.machinedeployment(finalizers=[MACHINEDEPLOYMENT_FINALIZER], **given)


async def settled_machinedeployment(**given: Any) -> Workers:
    """Return a deployment whose Machines are all there, ready and up to date."""
    world = Workers.of(a_machinedeployment(**given))
    await run(world)
    return world


async def run(world: Workers, rounds: int = 8) -> None:
    """Let everybody act until a rollout of a few Machines is over: new Machines come up, deleted ones go."""
    for _ in range(rounds):
        await world.settle(rounds=1)
        await world.clock.advance(LATER)
        await world.make_ready(*[m for m in await world.machines() if m.metadata.deletion_timestamp is None])
        await world.finish_deletions()
    await world.settle()


async def change_template(world: Workers, **spec: Any) -> None:
    """Change fields of the deployment's template, by their names on the wire."""
    await world.change(MachineDeployment, "workers", {"spec": {"template": {"spec": spec}}})


async def pass_behind(world: Workers) -> None:
    """Make a pass whose last write may lose against what its cache has not seen; the queue would try again."""
    with contextlib.suppress(errors.Conflict, errors.NotFound, ExceptionGroup):
        await world.reconcile_set()


def ready_status(machine: Machine, clock: FakeClock, *, ready: bool = True) -> MachineStatus:
    """Return the status of a Machine that has come up, keeping conditions that others wrote."""
    word = "True" if ready else "False"
    kept = [c for c in (machine.status.conditions if machine.status else None) or () if c.type not in ("Ready", "Available", "NodeHealthy")]
    reported: list[Condition] = [build.condition(type_, word, at=clock.now()) for type_ in ("Ready", "Available", "NodeHealthy")]
    return MachineStatus(
        conditions=[*kept, *reported],
        node_ref=NodeReference(name=machine.metadata.name),
        initialization=MachineInitialization(bootstrap_data_secret_created=True, infrastructure_provisioned=True),
    )


def status_of(obj: Any, type_: str) -> tuple[str, str]:
    """Return status and reason of a condition; empty when it is not there."""
    found = find_condition(obj.status.conditions if obj.status else None, type_)
    return (found.status, found.reason) if found else ("", "")


def message_of(obj: Any, type_: str) -> str:
    """Return the message of a condition; empty when it is not there."""
    found = find_condition(obj.status.conditions if obj.status else None, type_)
    return found.message if found else ""


@dataclass
class LaggingClient(Client):
    """A cache that shows the past: reads answer as the server stood at the last `catch_up`, writes go through."""

    server: FakeClient
    past: FakeClient = field(default_factory=FakeClient)

    def __post_init__(self) -> None:
        self.catch_up()

    def catch_up(self) -> None:
        """Show the present again, once."""
        self.past.objects = dict(self.server.objects)

    async def read(self, resource: Resource, key: ObjectKey) -> bytes:
        return await self.past.read(resource, key)

    async def page(
        self, resource: Resource, selection: Selection, *, limit: int = 0, continue_token: str = "", resource_version: str = ""
    ) -> Page:
        return await self.past.page(resource, selection, limit=limit, continue_token=continue_token, resource_version=resource_version)

    async def write(self, write: Write) -> bytes:
        return await self.server.write(write)

    def stream(self, resource: Resource, selection: Selection, *, resource_version: str, timeout_seconds: int) -> AsyncIterator[WatchEvent]:
        raise NotImplementedError
