"""The Machine controller, with the seven tests that every controller has."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from capelin.api.cluster import Cluster
from capelin.api.core import Node, Taint
from capelin.api.devmachine import DevMachine
from capelin.api.kubeadmconfig import KubeadmConfig
from capelin.api.machine import MACHINE_FINALIZER, Machine
from capelin.api.meta import ObjectKey
from capelin.controllers.machine.bootstrap import REFERENCE_POLL
from capelin.controllers.machine.node import REMOTE_GRACE
from capelin.controllers.machine.status import PATIENCE
from capelin.runtime import errors
from capelin.runtime.reconcile import DONE, Result
from tests import build
from tests.controllers.machine_world import KEY, PROVIDER_ID, World, machine_of_set
from tests.fakes import Died, InterruptingClient
from tests.lagging import LaggingClient

NODE = ObjectKey("", "worker")


@pytest.fixture
def world() -> World:
    return World()


# -- the seven -------------------------------------------------------------------------------------------------------------------------


async def test_finalizer_first(world: World) -> None:
    world.management.seed(build.machine())

    await world.reconcile()

    assert [w.verb for w in world.management.writes] == ["patch"]
    assert world.machine().metadata.finalizers == [MACHINE_FINALIZER]
    assert world.machine().status is None


async def test_settled_object_writes_nothing(world: World) -> None:
    await world.run_machine()
    writes, calls = len(world.management.writes), len(world.workload.writes)

    result = await world.reconcile()

    assert (len(world.management.writes), len(world.workload.writes), result) == (writes, calls, DONE)


async def test_failed_phase_still_reports_status(world: World) -> None:
    world.management.seed(machine_of_set())
    world.provide_bootstrap()
    world.management.read_faults["devmachines", "worker"] = errors.ServerError("down")

    with pytest.raises(ExceptionGroup):
        await world.reconcile()

    assert world.condition("BootstrapConfigReady").status == "True"
    assert (world.condition("InfrastructureReady").status, world.condition("InfrastructureReady").reason) == ("Unknown", "InternalError")
    assert world.condition("Ready").status == "Unknown"


async def test_absent_vs_unknown_in_deletion(world: World) -> None:
    await world.run_machine()
    world.management.objects.pop((DevMachine.resource.group, "devmachines", KEY))
    await world.management.delete(Machine, KEY)
    world.management.read_faults["devmachines", "worker"] = errors.Unreachable("no answer")

    with pytest.raises(ExceptionGroup):
        await world.reconcile()
    unknown = world.condition("Deleting")
    world.management.read_faults.clear()
    await world.reconcile()

    assert (unknown.reason, unknown.message) == ("WaitingForInfrastructureDeletion", "no answer")
    assert world.condition("Deleting").reason == "WaitingForBootstrapDeletion"


async def test_paused_does_nothing(world: World) -> None:
    world.management.seed(build.machine(annotations={"cluster.x-k8s.io/paused": ""}))
    world.provide_bootstrap()

    await world.reconcile()
    await world.reconcile()

    assert world.condition("Paused").status == "True"
    assert len(world.management.writes) == 1
    assert world.machine().metadata.finalizers is None


async def test_a_paused_cluster_pauses_its_machines(world: World) -> None:
    await world.management.patch(Cluster, ObjectKey("default", "demo"), {"spec": {"paused": True}})
    await _only_reports_paused(world)


async def _only_reports_paused(world: World) -> None:
    world.management.seed(machine_of_set())
    before = len(world.management.writes)

    await world.reconcile()
    await world.reconcile()

    assert [c.type for c in (world.machine().status or pytest.fail("no status")).conditions or ()] == ["Paused"]
    assert len(world.management.writes) == before + 1


async def test_two_passes_equal_one(world: World) -> None:
    world.management.seed(machine_of_set())
    world.provide_bootstrap()
    world.provide_infrastructure()
    world.provide_node()
    await world.reconcile()
    once = world.machine().wire()

    await world.reconcile()
    twice = world.machine().wire()

    assert _without_versions(twice) == _without_versions(once)


@pytest.mark.parametrize("after", [False, True], ids=["before the server saw the write", "before we saw the answer"])
@pytest.mark.parametrize("write", range(4))
async def test_interrupted_between_any_two_writes(write: int, after: bool) -> None:
    calm, rough = World(), World()
    for world in (calm, rough):
        world.management.seed(build.machine())
        world.management.seed(build.kubeadmconfig(status=_bootstrapped()), build.devmachine(provider_id=PROVIDER_ID, status=_provisioned()))
        world.provide_node()
    await calm.settle()

    rough.client = InterruptingClient(rough.management, write, after=after)
    with pytest.raises(Died):
        await rough.settle()
    rough.client = None
    await rough.settle()

    assert _without_versions(rough.machine().wire()) == _without_versions(calm.machine().wire())
    for kind in (KubeadmConfig, DevMachine):
        assert len((rough.management.stored(kind, KEY) or {})["metadata"]["ownerReferences"]) == 1


def _bootstrapped() -> Any:
    return {"dataSecretName": "worker-data", "initialization": {"dataSecretCreated": True}}


def _provisioned() -> Any:
    return {"initialization": {"provisioned": True}}


def _without_versions(document: dict[str, Any]) -> dict[str, Any]:
    """Return the object without what counts writes, which an interruption may double."""
    metadata = {k: v for k, v in document["metadata"].items() if k not in ("resourceVersion", "generation")}
    status = {k: v for k, v in document["status"].items() if k != "observedGeneration"}
    status["conditions"] = [{k: v for k, v in c.items() if k != "observedGeneration"} for c in status["conditions"]]
    return {**document, "metadata": metadata, "status": status}


# -- coming to be ----------------------------------------------------------------------------------------------------------------------


async def test_a_machine_comes_to_run_in_few_writes(world: World) -> None:
    world.management.seed(machine_of_set())
    await world.reconcile()
    phases = [world.machine().status.phase]  # type: ignore[union-attr]
    for provide in (world.provide_bootstrap, world.provide_infrastructure, world.provide_node):
        provide()
        await world.settle()
        phases.append(world.machine().status.phase)  # type: ignore[union-attr]

    assert phases == ["Pending", "Provisioning", "Provisioned", "Running"]
    assert world.condition("Ready").status == world.condition("Available").status == "True"
    assert len(world.management.writes) <= 6
    assert len(world.workload.writes) == 1


async def test_what_providers_report_is_copied(world: World) -> None:
    await world.run_machine()

    machine = world.machine()

    assert machine.spec.bootstrap.data_secret_name == "worker-data"
    assert machine.spec.provider_id == PROVIDER_ID
    assert machine.status is not None
    assert machine.status.failure_domain == "a"
    assert [a.address for a in machine.status.addresses or ()] == ["10.0.0.7"]
    assert machine.status.node_ref is not None
    assert machine.status.node_ref.name == "worker"
    assert machine.status.node_info is not None
    assert machine.status.node_info.kubelet_version == build.VERSION


async def test_a_reference_that_leads_nowhere_yet_is_waited_for(world: World) -> None:
    world.management.seed(machine_of_set())

    result = await world.reconcile()

    assert result.after == REFERENCE_POLL
    assert world.condition("BootstrapConfigReady").reason == "ObjectDoesNotExist"
    assert world.condition("InfrastructureReady").message == "DevMachine does not exist"


async def test_a_standalone_machine_and_what_it_refers_to_get_owners_and_labels(world: World) -> None:
    world.management.seed(build.machine(labels={}), build.kubeadmconfig(labels={}), build.devmachine(labels={}))

    await world.settle()

    machine = world.machine()
    assert [(o.kind, o.controller) for o in machine.metadata.owner_references or ()] == [("Cluster", None)]
    assert (machine.metadata.labels or {})["cluster.x-k8s.io/cluster-name"] == "demo"
    for kind in (KubeadmConfig, DevMachine):
        stored = world.management.stored(kind, KEY) or {}
        assert [(o["kind"], o["controller"]) for o in stored["metadata"]["ownerReferences"]] == [("Machine", True)]
        assert stored["metadata"]["labels"]["cluster.x-k8s.io/cluster-name"] == "demo"


async def test_bootstrap_data_that_the_user_provides_needs_no_configuration(world: World) -> None:
    machine = machine_of_set().wire()
    machine["spec"]["bootstrap"] = {"dataSecretName": "mine"}
    world.management.seed(Machine.parse(machine))

    await world.reconcile()

    assert world.condition("BootstrapConfigReady").reason == "DataSecretProvided"
    assert world.machine().status.phase == "Provisioning"  # type: ignore[union-attr]


async def test_the_first_data_secret_and_the_first_provider_id_stand(world: World) -> None:
    await world.run_machine()
    await world.management.patch(KubeadmConfig, KEY, {"status": {"dataSecretName": "other"}}, subresource="status")
    await world.management.patch(DevMachine, KEY, {"spec": {"providerID": "dev:////stolen"}})

    with pytest.raises(ExceptionGroup):
        await world.reconcile()

    assert world.machine().spec.bootstrap.data_secret_name == "worker-data"
    assert world.machine().spec.provider_id == PROVIDER_ID
    assert "dev:////stolen" in world.condition("InfrastructureReady").message


async def test_milestones_stay_reached_when_a_provider_forgets_them(world: World) -> None:
    await world.run_machine()
    await world.management.patch(DevMachine, KEY, {"status": {"initialization": None}}, subresource="status")

    await world.settle()

    assert world.machine().status.initialization.infrastructure_provisioned  # type: ignore[union-attr]
    assert world.machine().status.phase == "Running"  # type: ignore[union-attr]


async def test_infrastructure_deleted_by_hand_is_told_and_not_polled_for(world: World) -> None:
    await world.run_machine()
    world.management.objects.pop((DevMachine.resource.group, "devmachines", KEY))

    result = await world.reconcile()

    assert result == DONE
    assert world.condition("InfrastructureReady").reason == "ObjectDeleted"
    assert world.condition("InfrastructureReady").message == "DevMachine has been deleted while the Machine still exists"


async def test_availability_comes_with_time_and_without_a_watch(world: World) -> None:
    await world.run_machine(spec={"min_ready_seconds": 30})
    waiting = world.condition("Available")

    result = await world.reconcile()
    await world.clock.advance(timedelta(seconds=30))
    await world.reconcile()

    assert (waiting.status, waiting.reason) == ("False", "WaitingForMinReadySeconds")
    assert result.after == timedelta(seconds=30)
    assert world.condition("Available").status == "True"


async def test_the_certificates_expiry_is_read_from_the_bootstrap_configuration_of_a_control_plane(world: World) -> None:
    world.management.seed(machine_of_set(control_plane=True))
    world.provide_bootstrap(annotations={"machine.cluster.x-k8s.io/certificates-expiry": "2027-01-01T00:00:00Z"})
    world.provide_infrastructure()
    world.provide_node()

    await world.settle()

    assert (world.machine().wire())["status"]["certificatesExpiryDate"] == "2027-01-01T00:00:00Z"


async def test_a_certificates_expiry_that_is_no_time_fails_nothing(world: World) -> None:
    world.management.seed(machine_of_set(control_plane=True, annotations={"machine.cluster.x-k8s.io/certificates-expiry": "soon"}))
    world.provide_bootstrap()
    world.provide_infrastructure()
    world.provide_node()

    await world.settle()

    assert "certificatesExpiryDate" not in world.machine().wire()["status"]


# -- the Node --------------------------------------------------------------------------------------------------------------------------


async def test_a_node_is_made_ours_with_one_patch(world: World) -> None:
    labels = {"cluster.x-k8s.io/cluster-name": "demo", "node-role.kubernetes.io/edge": "", "team": "a"}
    taint = Taint(key="node.cluster.x-k8s.io/uninitialized", effect="NoSchedule")
    world.management.seed(machine_of_set(labels=labels))
    world.provide_bootstrap()
    world.provide_infrastructure()
    world.provide_node(taints=[taint], labels={"kubernetes.io/hostname": "worker"})

    await world.settle()

    node = world.workload.stored(Node, NODE) or {}
    assert node["metadata"]["labels"] == {"kubernetes.io/hostname": "worker", "node-role.kubernetes.io/edge": ""}
    assert node["metadata"]["annotations"]["cluster.x-k8s.io/machine"] == "worker"
    assert "taints" not in node["spec"]
    assert len(world.workload.writes) == 1


async def test_a_cluster_that_falls_silent_is_believed_for_a_while_and_then_unknown(world: World) -> None:
    await world.run_machine()
    world.clusters.cut()

    first = await world.reconcile()
    believed = world.condition("NodeHealthy")
    await world.clock.advance(REMOTE_GRACE)
    await world.reconcile()

    assert first.after == REMOTE_GRACE
    assert believed.status == "True"
    assert (world.condition("NodeHealthy").status, world.condition("NodeHealthy").reason) == ("Unknown", "ConnectionDown")
    assert world.condition("Ready").status == "Unknown"
    assert world.machine().status.node_ref is not None  # type: ignore[union-attr]


async def test_a_node_that_went_while_the_machine_stays_is_an_issue(world: World) -> None:
    await world.run_machine()
    await world.workload.delete(Node, NODE)

    await world.reconcile()

    assert (world.condition("NodeReady").status, world.condition("NodeReady").reason) == ("False", "NodeDeleted")


async def test_a_machine_without_its_cluster_waits(world: World) -> None:
    world.management.objects.pop((Cluster.resource.group, "clusters", ObjectKey("default", "demo")))
    world.management.seed(machine_of_set())

    await world.reconcile()

    assert world.condition("NodeReady").message == "Cluster demo does not exist"


async def test_a_cluster_that_the_cache_has_not_seen_is_not_gone(world: World) -> None:
    world.management.seed(machine_of_set())
    world.client = LaggingClient(world.management, {"clusters"})

    await world.reconcile()

    assert "does not exist" not in world.condition("NodeReady").message


async def test_nodes_are_not_looked_for_before_the_infrastructure_of_the_cluster_is_there() -> None:
    world = World()
    world.management.objects.pop((Cluster.resource.group, "clusters", ObjectKey("default", "demo")))
    world.management.seed(build.cluster(), machine_of_set(spec={"provider_id": PROVIDER_ID}))
    world.provide_node()

    await world.reconcile()

    assert world.machine().status.node_ref is None  # type: ignore[union-attr]
    assert "infrastructureProvisioned" in world.condition("NodeReady").message


# -- what is not worth a write ---------------------------------------------------------------------------------------------------------


async def test_a_new_machine_that_waits_is_told_of_once_it_has_waited_for_long(world: World) -> None:
    machine = machine_of_set()
    machine.metadata.creation_timestamp = world.clock.now()
    world.management.seed(machine)

    early = await world.reconcile()
    silent = world.machine().status
    await world.clock.advance(PATIENCE)
    await world.reconcile()

    assert (early, silent) == (Result(REFERENCE_POLL), None)
    assert (world.machine().status or pytest.fail("no status")).phase == "Pending"


async def test_a_new_machine_passes_its_data_on_at_once_and_tells_of_it_with_its_node(world: World) -> None:
    machine = machine_of_set()
    machine.metadata.creation_timestamp = world.clock.now()
    world.management.seed(machine)
    world.provide_bootstrap()
    world.management.writes.clear()

    await world.settle()
    passed_on = (world.machine().spec.bootstrap.data_secret_name, world.machine().status)
    world.provide_infrastructure()
    world.provide_node()
    await world.settle()

    assert passed_on == ("worker-data", None)
    assert [w.subresource for w in world.management.writes] == ["", "", "status"]
    assert (world.condition("Ready").status, world.condition("BootstrapConfigReady").status) == ("True", "True")


async def test_a_problem_of_a_new_machine_is_told_at_once(world: World) -> None:
    machine = machine_of_set()
    machine.metadata.creation_timestamp = world.clock.now()
    world.management.seed(machine)
    world.management.read_faults["devmachines", "worker"] = errors.ServerError("down")

    with pytest.raises(ExceptionGroup):
        await world.reconcile()

    assert world.condition("InfrastructureReady").reason == "InternalError"
