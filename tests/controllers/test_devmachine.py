"""The DevMachine controller, with the seven tests that every controller has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from capelin.api.behavior import BEHAVIOR_ANNOTATION
from capelin.api.cluster import Cluster, ClusterInitialization, ClusterStatus
from capelin.api.core import Secret
from capelin.api.devcluster import DevCluster
from capelin.api.devmachine import DEVMACHINE_FINALIZER, DevMachine, DevMachineStatus
from capelin.api.machine import Machine, MachineStatus, NodeReference
from capelin.api.meta import Condition, ObjectKey, find_condition
from capelin.api.references import Provisioned
from capelin.cloud.inmemory.orders import Order, Progress, Site, Stage, Startup, State, Step
from capelin.controllers.devmachine.reconciler import DATA_POLL, DevMachineReconciler
from capelin.controllers.devmachine.status import PATIENCE, WORTH_TELLING
from capelin.runtime import errors
from capelin.runtime.client import Client
from capelin.runtime.reconcile import DONE, Result
from tests import build
from tests.fakes import Died, FakeClient, InterruptingClient

KEY = ObjectKey("default", "worker")
CLUSTER = ObjectKey("default", "demo")
UID = "devmachine-worker"
SECOND = timedelta(seconds=1)

STARTING = Step(State.STARTING)
DONE_STEP = Step(State.DONE)
UP = Progress({Stage.VM: DONE_STEP, Stage.NODE: DONE_STEP}, address="10.0.0.7")


@dataclass
class FakeCloud:
    """Answers with the progress that a test sets, and keeps the orders."""

    progress: Progress = UP
    orders: list[Order] = field(default_factory=list)
    machines: set[str] = field(default_factory=set)
    failure: Exception | None = None

    def has(self, machine_uid: str) -> bool:
        return machine_uid in self.machines

    async def advance(self, order: Order) -> Progress:
        if self.failure is not None:
            raise self.failure
        self.orders.append(order)
        self.machines.add(order.uid)
        return self.progress

    async def remove(self, machine_uid: str) -> None:
        if self.failure is not None:
            raise self.failure
        self.machines.discard(machine_uid)


@dataclass
class World:
    """A DevMachine with everything around it: a cluster with infrastructure, a Machine with bootstrap data, the cloud."""

    management: FakeClient = field(default_factory=FakeClient)
    cloud: FakeCloud = field(default_factory=FakeCloud)
    client: Client | None = None

    def __post_init__(self) -> None:
        self.management.seed(cluster(), build.devcluster(endpoint=("127.0.0.1", 20_000)))
        self.management.seed(build.secret("worker-data", {"value": "#cloud-config", "format": "cloud-config"}))

    async def reconcile(self) -> Result:
        return await DevMachineReconciler(self.client or self.management, self.management, self.cloud, self.management.clock).reconcile(KEY)

    async def settle(self) -> Result:
        for _ in range(8):
            count = len(self.management.writes)
            result = await self.reconcile()
            if len(self.management.writes) == count:
                return result
        raise AssertionError("does not settle")

    def devmachine(self) -> DevMachine:
        found = self.management.stored(DevMachine, KEY)
        assert found is not None, "the DevMachine is gone"
        return DevMachine.parse(found)

    def status(self) -> DevMachineStatus:
        return self.devmachine().status or DevMachineStatus()

    def condition(self, type_: str) -> Condition:
        found = find_condition(self.status().conditions, type_)
        assert found is not None, f"no condition {type_}"
        return found

    def conditions(self) -> dict[str, tuple[str, str]]:
        return {c.type: (c.status, c.reason) for c in self.status().conditions or () if c.type != "Paused"}


@pytest.fixture
def world() -> World:
    return World()


def cluster(**initialization: bool) -> Cluster:
    """Return a Cluster that lets machines start."""
    reached = ClusterInitialization(**({"infrastructure_provisioned": True, "control_plane_initialized": True} | initialization))
    return build.cluster(endpoint=("127.0.0.1", 20_000), status=ClusterStatus(initialization=reached))


def machine(*, data: str | None = "worker-data", joined: bool = False, control_plane: bool = False, **fields: Any) -> Machine:
    """Return the Machine, with bootstrap data."""
    found = build.machine(**fields)
    found.spec.bootstrap.data_secret_name = data
    if joined:
        found.status = MachineStatus(node_ref=NodeReference(name="worker"))
    if control_plane:
        found.metadata.labels = {**(found.metadata.labels or {}), "cluster.x-k8s.io/control-plane": ""}
    return found


def owned(**fields: Any) -> DevMachine:
    """Return a DevMachine as a set creates it."""
    defaults: dict[str, Any] = {"finalizers": [DEVMACHINE_FINALIZER], "owners": [build.owner(build.machine())]}
    return build.devmachine(**(defaults | fields))


def seed(world: World, *, machine_fields: Mapping[str, Any] | None = None, **fields: Any) -> None:
    world.management.seed(machine(**(machine_fields or {})), owned(**fields))


# -- the seven -------------------------------------------------------------------------------------------------------------------------


async def test_finalizer_first(world: World) -> None:
    seed(world, finalizers=[])

    await world.reconcile()

    assert [w.verb for w in world.management.writes] == ["patch"]
    assert world.devmachine().metadata.finalizers == [DEVMACHINE_FINALIZER]
    assert world.cloud.orders == []


async def test_settled_object_writes_nothing(world: World) -> None:
    seed(world)
    await world.settle()
    writes = len(world.management.writes)

    result = await world.reconcile()

    assert (len(world.management.writes), result) == (writes, DONE)


async def test_failed_phase_still_reports_status(world: World) -> None:
    seed(world, annotations={BEHAVIOR_ANNOTATION: "{"})
    world.cloud.failure = errors.ServerError("down")

    with pytest.raises(ExceptionGroup):
        await world.reconcile()

    assert (world.condition("Ready").status, world.condition("Ready").reason) == ("Unknown", "InternalError")
    assert world.condition("BehaviorValid").status == "False"
    assert world.status().initialization is None


async def test_absent_vs_unknown_in_deletion(world: World) -> None:
    seed(world, deleting=True)
    world.cloud.machines.add(UID)
    world.cloud.failure = OSError("the server does not stop")

    with pytest.raises(ExceptionGroup):
        await world.reconcile()
    kept = world.devmachine().metadata.finalizers
    world.cloud.failure = None
    await world.reconcile()

    assert kept == [DEVMACHINE_FINALIZER]
    assert world.management.stored(DevMachine, KEY) is None
    assert world.cloud.machines == set()


@pytest.mark.parametrize("by_cluster", [True, False], ids=["with its Cluster", "by itself"])
async def test_paused_does_nothing(world: World, by_cluster: bool) -> None:
    if by_cluster:
        await world.management.patch(Cluster, CLUSTER, {"spec": {"paused": True}})
    seed(world, finalizers=[], annotations={} if by_cluster else {"cluster.x-k8s.io/paused": ""})
    before = len(world.management.writes)

    await world.reconcile()
    await world.reconcile()

    assert world.condition("Paused").status == "True"
    assert len(world.management.writes) == before + 1
    assert (world.devmachine().metadata.finalizers, world.cloud.orders) == (None, [])


async def test_two_passes_equal_one(world: World) -> None:
    seed(world)
    await world.reconcile()
    once = world.devmachine()

    await world.reconcile()

    assert world.devmachine() == once


@pytest.mark.parametrize("after", [False, True], ids=["before the server saw the write", "before we saw the answer"])
@pytest.mark.parametrize("write", range(3))
async def test_interrupted_between_any_two_writes(write: int, after: bool) -> None:
    calm, rough = World(), World()
    for world in (calm, rough):
        seed(world, finalizers=[])
    await calm.settle()

    rough.client = InterruptingClient(rough.management, write, after=after)
    with pytest.raises(Died):
        await rough.settle()
    rough.client = None
    await rough.settle()

    assert rough.conditions() == calm.conditions()
    assert rough.devmachine().spec == calm.devmachine().spec
    assert rough.status().initialization == calm.status().initialization
    assert rough.cloud.machines == {UID}


# -- coming to be ----------------------------------------------------------------------------------------------------------------------


async def test_a_machine_comes_to_run_in_few_writes(world: World) -> None:
    """The finalizer, the provider ID, and twice a status: it waits, and machine and Node, which come within a second, are there."""
    seed(world, machine_fields={"data": None}, finalizers=[])
    await world.settle()
    await world.management.patch(Machine, KEY, {"spec": {"bootstrap": {"dataSecretName": "worker-data"}}})
    told = len(world.management.writes)
    for progress in (
        Progress({Stage.VM: STARTING}, after=SECOND),
        Progress({Stage.VM: DONE_STEP, Stage.NODE: STARTING}, after=SECOND),
        UP,
    ):
        world.cloud.progress = progress
        await world.settle()

    assert told - 1 == 2  # without the write of the test itself
    assert len(world.management.writes) - told == 2
    assert world.conditions() == {
        "VMProvisioned": ("True", "Provisioned"),
        "NodeProvisioned": ("True", "Provisioned"),
        "Ready": ("True", "Ready"),
    }


async def test_the_machine_is_told_as_its_contract_says(world: World) -> None:
    seed(world)
    await world.management.patch(Machine, KEY, {"spec": {"failureDomain": "a"}})

    await world.settle()

    assert (world.devmachine().spec or pytest.fail("no spec")).provider_id == "in-memory://worker"
    status = world.status()
    assert status.initialization == Provisioned(provisioned=True)
    assert [(a.type, a.address) for a in status.addresses or ()] == [("InternalIP", "10.0.0.7"), ("Hostname", "worker")]
    assert status.failure_domain == "a"


async def test_the_identity_is_stored_before_the_status_that_needs_it(world: World) -> None:
    seed(world)

    await world.reconcile()

    assert [w.subresource for w in world.management.writes] == ["", "status"]


async def test_the_order_says_what_the_spec_says(world: World) -> None:
    seed(world, machine_fields={"control_plane": True}, startup="2s")

    await world.reconcile()

    order = world.cloud.orders[0]
    assert (order.uid, order.name, order.provider_id, order.is_control_plane) == (UID, "worker", "in-memory://worker", True)
    assert order.site == Site("cluster-demo", CLUSTER, "127.0.0.1", 20_000)
    assert (order.bootstrap, order.version, order.has_joined) == (b"#cloud-config", "v1.34.0", False)
    assert set(order.startups.values()) == {Startup(timedelta(seconds=2))}


async def test_the_next_look_is_when_the_next_step_is_due(world: World) -> None:
    seed(world)
    world.cloud.progress = Progress({Stage.VM: STARTING}, after=7 * SECOND)

    result = await world.reconcile()

    assert result == Result(7 * SECOND)
    assert world.conditions()["VMProvisioned"] == ("False", "WaitingForVMStartupTimeout")


async def test_a_moment_is_not_worth_a_write(world: World) -> None:
    seed(world)
    world.cloud.progress = Progress({Stage.VM: DONE_STEP, Stage.NODE: STARTING}, after=WORTH_TELLING)
    await world.settle()
    told = len(world.management.writes)
    world.cloud.progress = Progress({Stage.VM: DONE_STEP, Stage.NODE: DONE_STEP, Stage.ETCD: STARTING}, after=WORTH_TELLING)

    await world.settle()

    assert world.conditions()["NodeProvisioned"] == ("False", "WaitingForNodeStartupTimeout")
    assert len(world.management.writes) == told


async def test_a_new_machine_says_nothing_while_others_get_ready(world: World) -> None:
    devmachine = owned()
    devmachine.metadata.creation_timestamp = world.management.clock.now()
    world.management.seed(machine(data=None), devmachine)

    early = await world.reconcile()
    silent = world.devmachine().status
    await world.management.clock.advance(PATIENCE)
    late = await world.reconcile()

    assert (early, silent, late) == (Result(PATIENCE), None, DONE)
    assert world.conditions()["VMProvisioned"] == ("False", "WaitingForBootstrapData")


async def test_data_is_read_once(world: World) -> None:
    seed(world)
    await world.reconcile()
    world.management.objects.pop(("", "secrets", ObjectKey("default", "worker-data")))

    await world.reconcile()

    assert [order.bootstrap for order in world.cloud.orders] == [b"#cloud-config", None]


async def test_a_machine_that_joined_runs_on_without_its_data(world: World) -> None:
    seed(world, machine_fields={"joined": True})
    world.management.objects.pop(("", "secrets", ObjectKey("default", "worker-data")))

    await world.reconcile()

    assert [(order.bootstrap, order.has_joined) for order in world.cloud.orders] == [(None, True)]


# -- waiting and failing -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("initialization", "fields", "reason"),
    [
        ({"control_plane_initialized": False}, {"data": None}, "WaitingForControlPlaneInitialized"),
        ({"control_plane_initialized": False}, {"data": None, "control_plane": True}, "WaitingForBootstrapData"),
        ({}, {"data": None}, "WaitingForBootstrapData"),
        ({"infrastructure_provisioned": False}, {}, "WaitingForClusterInfrastructureReady"),
    ],
)
async def test_what_is_missing_is_named(initialization: dict[str, bool], fields: dict[str, Any], reason: str) -> None:
    world = World()
    world.management.objects.pop((Cluster.resource.group, "clusters", CLUSTER))
    world.management.seed(cluster(**initialization))
    seed(world, machine_fields=fields)

    result = await world.settle()

    assert world.conditions() == {"VMProvisioned": ("False", reason), "Ready": ("False", "NotReady")}
    assert (world.cloud.orders, result) == ([], DONE)


async def test_a_devmachine_waits_for_its_machine(world: World) -> None:
    world.management.seed(build.devmachine(finalizers=[DEVMACHINE_FINALIZER]))

    await world.settle()

    assert world.conditions()["VMProvisioned"] == ("False", "WaitingForMachine")


async def test_a_machine_of_the_same_name_is_not_the_owner(world: World) -> None:
    seed(world, machine_fields={}, owners=[build.owner(build.machine()).model_copy(update={"uid": "an-earlier-one"})])

    await world.settle()

    assert world.conditions()["VMProvisioned"] == ("False", "WaitingForMachine")


@pytest.mark.parametrize(
    ("values", "reason", "message"),
    [
        (None, "WaitingForBootstrapData", "Secret worker-data does not exist"),
        ({"other": "x"}, "WaitingForBootstrapData", "Secret worker-data has no data[value]"),
        ({"value": "{}", "format": "ignition"}, "InvalidSpec", "found 'ignition', allowed is cloud-config"),
    ],
)
async def test_data_that_cannot_be_used_is_named_and_looked_for(
    world: World, values: dict[str, bytes | str] | None, reason: str, message: str
) -> None:
    world.management.objects.pop(("", "secrets", ObjectKey("default", "worker-data")))
    if values is not None:
        world.management.seed(build.secret("worker-data", values))
    seed(world)

    result = await world.settle()

    assert world.condition("VMProvisioned").reason == reason
    assert message in world.condition("VMProvisioned").message
    assert result == Result(DATA_POLL)


async def test_data_that_appears_later_starts_the_machine(world: World) -> None:
    key = ("", "secrets", ObjectKey("default", "worker-data"))
    data = world.management.objects.pop(key)
    seed(world)
    await world.settle()

    world.management.seed(Secret.parse(data))
    await world.settle()

    assert world.condition("Ready").status == "True"


@pytest.mark.parametrize(
    ("provisioning", "message"),
    [
        ({"startupDuration": "soon"}, "spec.backend.inMemory.vm.provisioning.startupDuration: found 'soon'"),
        ({"startupDuration": "1s", "startupJitter": "much"}, "spec.backend.inMemory.vm.provisioning.startupJitter: found 'much'"),
        ({"startupDuration": "1s", "startupJitter": "-1"}, "startupJitter: found '-1', allowed is a fraction"),
        ({"startupDuration": "1s", "startupJitter": "nan"}, "startupJitter: found 'nan'"),
    ],
)
async def test_a_spec_that_cannot_be_simulated_is_named(world: World, provisioning: dict[str, str], message: str) -> None:
    devmachine = owned().wire()
    devmachine["spec"]["backend"]["inMemory"]["vm"]["provisioning"] = provisioning
    world.management.seed(machine(), DevMachine.parse(devmachine))

    await world.settle()

    assert world.condition("VMProvisioned").reason == "InvalidSpec"
    assert message in world.condition("VMProvisioned").message


async def test_infrastructure_of_another_provider_gives_no_endpoint(world: World) -> None:
    world.management.objects.pop((DevCluster.resource.group, "devclusters", CLUSTER))
    seed(world)

    result = await world.settle()

    assert world.condition("VMProvisioned").message == "The Cluster's DevCluster has no endpoint"
    assert result == Result(DATA_POLL)


async def test_a_refusal_is_told(world: World) -> None:
    seed(world)
    refused = Step(State.FAILED, "kubeadm join was refused: the bootstrap token abcdef is unknown")
    world.cloud.progress = Progress({Stage.VM: DONE_STEP, Stage.NODE: refused}, after=5 * SECOND)

    await world.settle()

    assert (world.condition("NodeProvisioned").reason, world.condition("NodeProvisioned").message) == ("BootstrapFailed", refused.message)
    assert world.condition("Ready").message == f"* NodeProvisioned: {refused.message}"
    assert world.status().initialization == Provisioned(provisioned=True)


async def test_provisioned_stays_when_the_machine_dies(world: World) -> None:
    seed(world)
    await world.settle()
    world.cloud.progress = Progress(dict.fromkeys((Stage.VM, Stage.NODE), Step(State.FAILED, "the machine has stopped")))

    await world.settle()

    assert world.status().initialization == Provisioned(provisioned=True)
    assert world.conditions()["Ready"] == ("False", "NotReady")


async def test_a_control_plane_machine_is_ready_with_its_last_step(world: World) -> None:
    seed(world, machine_fields={"control_plane": True})
    world.cloud.progress = Progress({Stage.VM: DONE_STEP, Stage.NODE: DONE_STEP, Stage.ETCD: STARTING}, after=9 * SECOND)
    await world.settle()
    almost = world.condition("Ready").status
    world.cloud.progress = Progress(dict.fromkeys(Stage, DONE_STEP))

    await world.settle()

    assert (almost, world.condition("Ready").status) == ("False", "True")
    assert world.conditions()["APIServerProvisioned"] == ("True", "Provisioned")


# -- behavior ----------------------------------------------------------------------------------------------------------------------------


async def test_behavior_goes_with_the_order_and_can_change(world: World) -> None:
    seed(world, annotations={BEHAVIOR_ANNOTATION: '{"neverBoot": true}'})
    await world.reconcile()
    await world.management.patch(DevMachine, KEY, {"metadata": {"annotations": {BEHAVIOR_ANNOTATION: '{"loseNode": true}'}}})

    await world.reconcile()

    first, second = (order.behavior for order in world.cloud.orders)
    assert (first.never_boot, second.never_boot, second.lose_node) == (True, False, True)


async def test_an_annotation_that_cannot_be_understood_does_not_stop_the_machine(world: World) -> None:
    seed(world, annotations={BEHAVIOR_ANNOTATION: '{"bootDelay": "x"}'})

    await world.settle()

    assert "$.bootDelay: found 'x'" in world.condition("BehaviorValid").message
    assert world.condition("Ready").status == "True"
