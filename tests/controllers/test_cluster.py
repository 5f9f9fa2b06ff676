"""The Cluster controller, with the seven tests that every controller has."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.cluster import CLUSTER_FINALIZER, Cluster
from capelin.api.devcluster import DevCluster
from capelin.api.machine import Machine
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import MachineSet
from capelin.api.meta import ObjectKey, Unstructured
from capelin.api.references import ContractReference
from capelin.controllers.cluster.reconciler import CERTIFICATE_POLL
from capelin.controllers.cluster.references import REFERENCE_POLL
from capelin.controllers.cluster.status import PATIENCE
from capelin.runtime import errors
from capelin.runtime.reconcile import DONE
from capelin.workload.connections import PROBE_GRACE
from tests import build
from tests.controllers.cluster_world import CONTROL_PLANE_GROUP, KEY, World, cluster, provisioned_devcluster, ready_machine
from tests.fakes import Died, InterruptingClient
from tests.lagging import LaggingClient

CONTROL_PLANE = ContractReference(api_group=CONTROL_PLANE_GROUP, kind="AcmeControlPlane", name="demo")


def control_plane(*, meta: dict[str, Any] | None = None, **fields: Any) -> Unstructured:
    metadata = build.metadata("AcmeControlPlane", "demo", **(meta or {})).wire()
    return build.document("AcmeControlPlane", CONTROL_PLANE_GROUP, metadata=metadata, **fields)


@pytest.fixture
def world() -> World:
    return World()


async def running(world: World) -> World:
    """A cluster with one standalone control-plane Machine and a MachineDeployment, all well."""
    deployment = build.machinedeployment(replicas=3, finalizers=["x"])
    status = {"replicas": 3, "readyReplicas": 3, "availableReplicas": 3, "upToDateReplicas": 3}
    trends = [build.condition(t, "False", f"Not{t}").wire() for t in ("RollingOut", "ScalingUp", "ScalingDown")]
    document = {**deployment.wire(), "status": {**status, "conditions": [build.condition("Available").wire(), *trends]}}
    world.management.seed(
        cluster(),
        provisioned_devcluster(finalizers=["infrastructure"]),
        ready_machine("cp", control_plane=True, finalizers=["x"]),
        MachineDeployment.parse(document),
    )
    world.connections.succeed()
    await world.settle()
    return world


# -- the seven -------------------------------------------------------------------------------------------------------------------------


async def test_finalizer_first(world: World) -> None:
    world.management.seed(build.cluster(), provisioned_devcluster())

    await world.reconcile()

    assert len(world.management.writes) == 1
    assert world.cluster().metadata.finalizers == [CLUSTER_FINALIZER]
    assert world.cluster().status is None


async def test_settled_object_writes_nothing(world: World) -> None:
    await running(world)
    writes, lives = len(world.management.writes), world.connections.asked

    result = await world.reconcile()

    assert (len(world.management.writes), world.connections.asked, result) == (writes, lives + 1, DONE)


async def test_failed_phase_still_reports_status(world: World) -> None:
    world.management.seed(cluster(), provisioned_devcluster())
    world.management.read_faults["machines", ""] = errors.ServerError("down")

    with pytest.raises(ExceptionGroup):
        await world.reconcile()

    assert world.condition("InfrastructureReady").status == "True"
    assert (world.condition("WorkersAvailable").status, world.condition("WorkersAvailable").reason) == ("Unknown", "InternalError")


async def test_absent_vs_unknown_in_deletion(world: World) -> None:
    world.management.seed(cluster(deleting=True))
    world.management.read_faults["devclusters", "demo"] = errors.Unreachable("no answer")

    with pytest.raises(ExceptionGroup):
        await world.reconcile()
    unknown = world.condition("Deleting")
    world.management.read_faults.clear()
    await world.reconcile()

    assert (unknown.reason, unknown.message) == ("WaitingForInfrastructureDeletion", "no answer")
    assert world.management.stored(Cluster, KEY) is None


@pytest.mark.parametrize("paused", [{"paused": True}, {"annotations": {"cluster.x-k8s.io/paused": ""}}], ids=["spec", "annotation"])
async def test_paused_does_nothing(world: World, paused: dict[str, Any]) -> None:
    world.management.seed(build.cluster(**paused), provisioned_devcluster())

    await world.reconcile()
    await world.reconcile()

    assert world.condition("Paused").status == "True"
    assert len(world.management.writes) == 1
    assert world.cluster().metadata.finalizers is None


async def test_two_passes_equal_one(world: World) -> None:
    world.management.seed(cluster(), provisioned_devcluster(), ready_machine("cp", control_plane=True))
    world.connections.succeed()
    await world.reconcile()
    once = world.cluster().wire()

    await world.reconcile()

    assert _settled(world.cluster().wire()) == _settled(once)


@pytest.mark.parametrize("after", [False, True], ids=["before the server saw the write", "before we saw the answer"])
@pytest.mark.parametrize("write", range(4))
async def test_interrupted_between_any_two_writes(write: int, after: bool) -> None:
    calm, rough = World(), World()
    for world in (calm, rough):
        world.management.seed(build.cluster(), provisioned_devcluster(), ready_machine("cp", control_plane=True))
        world.connections.succeed()
    await calm.settle()

    rough.client = InterruptingClient(rough.management, write, after=after)
    with pytest.raises(Died):
        await rough.settle()
    rough.client = None
    await rough.settle()

    assert _settled(rough.cluster().wire()) == _settled(calm.cluster().wire())


@pytest.mark.parametrize("after", [False, True], ids=["before the server saw the write", "before we saw the answer"])
@pytest.mark.parametrize("write", range(6))
async def test_a_deletion_interrupted_between_any_two_writes_ends_as_well(write: int, after: bool) -> None:
    world = World()
    owner = [build.owner(build.cluster(), controller=False)]
    world.management.seed(cluster(), provisioned_devcluster(owners=owner), ready_machine("cp", control_plane=True), ready_machine("worker"))
    await world.management.delete(Cluster, KEY)

    world.client = InterruptingClient(world.management, write, after=after)
    with pytest.raises(Died):
        await world.settle()
    world.client = None
    await world.settle()

    assert [slot for slot in world.management.objects if slot[1] != "customresourcedefinitions"] == []


def _settled(document: dict[str, Any]) -> dict[str, Any]:
    """Return the object without what counts writes, which an interruption may double."""
    metadata = {k: v for k, v in document["metadata"].items() if k not in ("resourceVersion", "generation")}
    status = {k: v for k, v in document["status"].items() if k != "observedGeneration"}
    status["conditions"] = [{k: v for k, v in c.items() if k != "observedGeneration"} for c in status["conditions"]]
    return {**document, "metadata": metadata, "status": status}


# -- coming to be ----------------------------------------------------------------------------------------------------------------------


async def test_what_the_infrastructure_reports_is_copied(world: World) -> None:
    world.management.seed(cluster(), provisioned_devcluster())

    await world.settle()

    found = world.cluster()
    assert found.spec.control_plane_endpoint is not None
    assert (found.spec.control_plane_endpoint.host, found.spec.control_plane_endpoint.port) == ("10.0.0.1", 6443)
    assert found.status is not None
    assert [(d.name, d.control_plane) for d in found.status.failure_domains or ()] == [("a", True), ("b", None)]
    assert found.status.phase == "Provisioned"


async def test_a_provisioned_cluster_costs_few_writes(world: World) -> None:
    world.management.seed(cluster(), provisioned_devcluster())

    await world.settle()

    assert [(w.resource.kind, w.subresource) for w in world.management.writes] == [
        ("DevCluster", ""),
        ("Cluster", ""),
        ("Cluster", "status"),
    ]


async def test_the_endpoint_never_changes_once_it_is_set(world: World) -> None:
    world.management.seed(cluster(endpoint=("10.0.0.9", 443)), provisioned_devcluster())

    await world.settle()

    assert world.cluster().spec.control_plane_endpoint.host == "10.0.0.9"  # type: ignore[union-attr]


async def test_the_infrastructure_gets_a_plain_owner_and_the_clusters_label(world: World) -> None:
    world.management.seed(cluster(), build.devcluster())

    await world.settle()

    metadata = (world.management.stored(DevCluster, KEY) or {})["metadata"]
    assert [(o["kind"], o.get("controller")) for o in metadata["ownerReferences"]] == [("Cluster", None)]
    assert metadata["labels"]["cluster.x-k8s.io/cluster-name"] == "demo"


async def test_infrastructure_that_does_not_exist_yet_is_waited_for(world: World) -> None:
    world.management.seed(cluster())

    result = await world.reconcile()

    assert result.after == REFERENCE_POLL
    assert world.condition("InfrastructureReady").reason == "ObjectDoesNotExist"
    assert world.cluster().status.phase == "Provisioning"  # type: ignore[union-attr]


async def test_without_an_authority_the_kubeconfig_waits(world: World) -> None:
    world.kubeconfigs.has_authority = False
    world.management.seed(cluster(), provisioned_devcluster())

    assert (await world.reconcile()).after == CERTIFICATE_POLL

    world.kubeconfigs.has_authority = True
    await world.reconcile()
    assert world.kubeconfigs.made == [KEY]


async def test_the_kubeconfig_is_looked_after_while_all_is_well(world: World) -> None:
    await running(world)
    world.kubeconfigs.made.clear()  # it was deleted, or half its life is over

    await world.reconcile()

    assert world.kubeconfigs.made == [KEY]


async def test_a_control_plane_object_brings_its_own_kubeconfig(world: World) -> None:
    world.management.seed(cluster(control_plane=CONTROL_PLANE), provisioned_devcluster(), control_plane())

    await world.settle()

    assert world.kubeconfigs.made == []


async def test_the_control_plane_is_initialized_by_the_first_control_plane_node(world: World) -> None:
    world.management.seed(cluster(), provisioned_devcluster(), build.machine("cp", control_plane=True))
    await world.settle()
    before = world.condition("ControlPlaneInitialized")

    await world.management.patch(Machine, ObjectKey("default", "cp"), {"status": {"nodeRef": {"name": "cp"}}}, subresource="status")
    await world.settle()
    await world.management.delete(Machine, ObjectKey("default", "cp"))
    await world.settle()

    assert (before.status, before.reason) == ("False", "NotInitialized")
    assert world.condition("ControlPlaneInitialized").status == "True"
    assert world.cluster().status.initialization.control_plane_initialized  # type: ignore[union-attr]


async def test_a_hosted_control_plane_reports_through_the_contract(world: World) -> None:
    hosted = control_plane(
        spec={"replicas": 3, "controlPlaneEndpoint": {"host": "cp.example.com", "port": 443}},
        status={
            "initialization": {"controlPlaneInitialized": True},
            "replicas": 2,
            "readyReplicas": 1,
            "versions": [{"version": "v1.34.0"}],
            "conditions": [
                build.condition("Available", "False", "Degraded", "1 of 3").wire(),
                build.condition("ScalingUp", message="2 of 3").wire(),
            ],
        },
    )
    infrastructure = provisioned_devcluster().wire()
    del infrastructure["spec"]["controlPlaneEndpoint"]
    world.management.seed(cluster(control_plane=CONTROL_PLANE), DevCluster.parse(infrastructure), hosted)

    await world.settle()

    found = world.cluster()
    assert found.spec.control_plane_endpoint.host == "cp.example.com"  # type: ignore[union-attr]
    assert (world.condition("ControlPlaneAvailable").reason, world.condition("ControlPlaneAvailable").message) == ("Degraded", "1 of 3")
    assert world.condition("ControlPlaneInitialized").status == "True"
    assert world.condition("ScalingUp").message == "* AcmeControlPlane demo: 2 of 3"
    counts = found.status.control_plane  # type: ignore[union-attr]
    assert counts is not None
    assert (counts.desired_replicas, counts.replicas, counts.ready_replicas, counts.available_replicas) == (3, 2, 1, None)


async def test_a_healthy_cluster_is_available_and_counts_its_machines(world: World) -> None:
    await running(world)

    status = world.cluster().status
    assert status is not None
    assert world.condition("Available").status == "True"
    assert {c.type for c in status.conditions or () if c.status == "True"} == {
        "Available",
        "RemoteConnectionProbe",
        "InfrastructureReady",
        "ControlPlaneInitialized",
        "ControlPlaneAvailable",
        "ControlPlaneMachinesReady",
        "ControlPlaneMachinesUpToDate",
        "WorkersAvailable",
        "WorkerMachinesReady",
        "WorkerMachinesUpToDate",
    }
    assert status.control_plane is not None
    assert status.workers is not None
    assert (status.control_plane.replicas, status.control_plane.ready_replicas) == (1, 1)
    assert (status.workers.desired_replicas, status.workers.available_replicas) == (3, 3)


async def test_a_silent_cluster_is_trusted_for_a_grace_and_then_not(world: World) -> None:
    await running(world)
    world.connections.connected = False

    first = await world.reconcile()
    trusted = world.condition("RemoteConnectionProbe").status
    await world.clock.advance(PROBE_GRACE)
    await world.reconcile()

    assert first.after == PROBE_GRACE
    assert trusted == "True"
    assert (world.condition("RemoteConnectionProbe").status, world.condition("RemoteConnectionProbe").reason) == ("False", "ProbeFailed")
    assert world.condition("Available").status == "False"


async def test_a_restart_believes_what_was_known_for_a_grace(world: World) -> None:
    await running(world)
    world.connections.connected, world.connections.last_success_at = False, None
    world.connections.since = world.clock.monotonic()

    await world.reconcile()

    assert world.condition("RemoteConnectionProbe").status == "True"


async def test_a_connection_is_wanted_only_when_there_is_something_to_connect_to(world: World) -> None:
    world.management.seed(cluster(), build.devcluster())

    await world.settle()

    assert world.connections.asked == 0
    assert world.condition("RemoteConnectionProbe").message == "Remote connection not established yet"


# -- deletion --------------------------------------------------------------------------------------------------------------------------


async def test_workers_then_control_plane_then_infrastructure(world: World) -> None:
    await running(world)
    owner = [build.owner(build.cluster(), controller=False)]
    world.management.seed(ready_machine("loose", finalizers=["x"]), build.machineset("set", finalizers=["x"], owners=owner))
    await world.management.delete(Cluster, KEY)

    await world.reconcile()
    workers = world.condition("Deleting")
    early = world.is_deleting(Machine, "cp"), world.is_deleting(DevCluster, "demo")
    await world.finish(MachineDeployment, "workers")
    await world.finish(MachineSet, "set")
    await world.finish(Machine, "loose")
    await world.reconcile()
    plane = world.condition("Deleting").reason
    between = world.is_deleting(DevCluster, "demo")
    await world.finish(Machine, "cp")
    await world.reconcile()
    infrastructure = world.condition("Deleting").reason
    await world.finish(DevCluster, "demo")
    await world.reconcile()

    assert (workers.reason, workers.message) == (
        "WaitingForWorkersDeletion",
        "MachineDeployment: workers; MachineSet: set; Machine: loose",
    )
    assert early == (False, False)
    assert (plane, between) == ("WaitingForControlPlaneDeletion", False)
    assert infrastructure == "WaitingForInfrastructureDeletion"
    assert world.management.stored(Cluster, KEY) is None


async def test_a_control_plane_object_is_deleted_and_waited_for(world: World) -> None:
    owner = [build.owner(build.cluster(), controller=False)]
    plane = control_plane(meta={"owners": owner, "finalizers": ["x"]})
    world.management.seed(cluster(control_plane=CONTROL_PLANE, deleting=True), provisioned_devcluster(owners=owner), plane)

    await world.reconcile()
    await world.reconcile()

    assert world.condition("Deleting").reason == "WaitingForControlPlaneDeletion"
    assert not world.is_deleting(DevCluster, "demo")
    await world.finish(plane.resource, "demo")
    await world.reconcile()
    assert world.is_deleting(DevCluster, "demo")


async def test_machines_of_a_set_are_left_to_it_and_waited_for(world: World) -> None:
    world.management.seed(cluster(deleting=True), ready_machine("worker", owners=[build.owner(build.machineset())], finalizers=["x"]))

    await world.reconcile()

    assert not world.is_deleting(Machine, "worker")
    assert world.condition("Deleting").message == "Machine: worker"


async def test_nothing_goes_on_while_the_workers_cannot_be_counted(world: World) -> None:
    owner = [build.owner(build.cluster(), controller=False)]
    world.management.seed(cluster(deleting=True), provisioned_devcluster(owners=owner))
    world.management.read_faults["machinesets", ""] = errors.Unreachable("no answer")

    with pytest.raises(ExceptionGroup):
        await world.reconcile()

    assert not world.is_deleting(DevCluster, "demo")
    assert world.condition("Deleting").reason == "InternalError"


@pytest.mark.parametrize("control_plane", [False, True], ids=["a worker", "a control-plane Machine"])
async def test_that_there_is_nothing_left_is_not_believed_of_a_cache_that_lags(world: World, control_plane: bool) -> None:
    owner = [build.owner(build.cluster(), controller=False)]
    world.management.seed(cluster(deleting=True), provisioned_devcluster(owners=owner))
    world.management.seed(ready_machine("unseen", control_plane=control_plane, finalizers=["x"]))
    world.client = LaggingClient(world.management, {"machines"})

    await world.reconcile()

    assert world.is_deleting(Machine, "unseen")
    assert not world.is_deleting(DevCluster, "demo")


async def test_nothing_is_made_for_a_cluster_that_goes(world: World) -> None:
    world.management.seed(cluster(deleting=True), provisioned_devcluster(finalizers=["x"]))

    await world.reconcile()

    assert world.kubeconfigs.made == []
    assert world.cluster().spec.control_plane_endpoint is None


async def test_the_connection_of_a_cluster_that_is_gone_is_closed(world: World) -> None:
    await world.reconcile()

    assert world.connections.forgotten == [KEY]


async def test_a_cluster_deleted_while_it_is_created_leaves_nothing(world: World) -> None:
    world.management.seed(cluster())
    await world.reconcile()
    world.management.seed(build.devcluster())
    await world.reconcile()
    await world.management.delete(Cluster, KEY)

    await world.settle()

    assert world.management.stored(Cluster, KEY) is None
    assert world.management.stored(DevCluster, KEY) is None


# -- what is not worth a write ---------------------------------------------------------------------------------------------------------


async def test_a_new_cluster_tells_its_milestones_and_the_rest_once_it_is_older(world: World) -> None:
    new = cluster()
    new.metadata.creation_timestamp = world.clock.now()
    world.management.seed(new, build.devcluster())

    await world.settle()
    waiting = world.cluster().status
    world.management.seed(provisioned_devcluster(owners=[build.owner(world.cluster(), controller=False)]))
    await world.settle()
    reached = world.cluster().status or pytest.fail("no status")
    world.management.seed(ready_machine("worker"))
    await world.settle()
    unchanged = world.cluster().status
    await world.clock.advance(PATIENCE)
    await world.settle()

    assert (waiting, reached.phase, unchanged) == (None, "Provisioned", reached)
    assert (world.cluster().status.workers or pytest.fail("no counters")).ready_replicas == 1  # type: ignore[union-attr]


async def test_the_authority_is_looked_for_no_more_often_than_it_is_worth(world: World) -> None:
    world.kubeconfigs.has_authority = False
    world.management.seed(cluster(), provisioned_devcluster())
    reconciler = world.reconciler()

    first = await reconciler.reconcile(KEY)
    world.kubeconfigs.has_authority = True
    await reconciler.reconcile(KEY)
    early = list(world.kubeconfigs.made)
    await world.clock.advance(CERTIFICATE_POLL)
    await reconciler.reconcile(KEY)

    assert (first.after, early, world.kubeconfigs.made) == (CERTIFICATE_POLL, [], [KEY])
