import pytest

from capelin.api.devmachine import DevMachine
from capelin.api.kubeadmconfig import KubeadmConfig
from capelin.api.labels import CLUSTER_NAME_LABEL, PAUSED_ANNOTATION, SET_NAME_LABEL
from capelin.api.machine import Machine, MachineStatus
from capelin.api.machineset import (
    MACHINESET_FINALIZER,
    MachineSet,
    MachineSetStatus,
)
from capelin.api.meta import Condition, ObjectKey, is_controlled_by, owner_reference
from capelin.runtime import errors
from tests import build
from tests.controllers.workers import LaggingClient, Workers, a_machineset, message_of, pass_behind, settled_machineset, status_of
from tests.fakes import Died, InterruptingClient
from tests.lagging import LaggingClient as UnseeingClient

# -- the seven -----------------------------------------------------------------------------------------------------------------------------


async def test_finalizer_first() -> None:
    world = Workers.of(build.machineset())

    await world.reconcile_set()

    assert (await world.machineset()).metadata.finalizers == [MACHINESET_FINALIZER]
    assert len(world.server.writes) == 1


async def test_settled_object_writes_nothing() -> None:
    world = await settled_machineset()
    before = len(world.server.writes)

    result = await world.reconcile_set()

    assert len(world.server.writes) == before
    assert result.after is None


async def test_failed_phase_still_reports_status() -> None:
    world = Workers.of(a_machineset())
    world.server.read_faults["devmachinetemplates", "workers"] = errors.ServerError("down")

    with pytest.raises(ExceptionGroup):
        await world.reconcile_set()

    machineset = await world.machineset()
    assert status_of(machineset, "ScalingUp") == ("True", "ScalingUp")
    assert status_of(machineset, "MachinesReady") == ("True", "NoReplicas")
    assert world.names(Machine) == []


async def test_absent_and_unknown_machines_differ_in_deletion() -> None:
    world = Workers.of(a_machineset(deleting=True))
    world.server.read_faults["machines", ""] = errors.ServerError("down")

    with pytest.raises(ExceptionGroup):
        await world.reconcile_set()

    machineset = await world.machineset()
    assert machineset.metadata.finalizers == [MACHINESET_FINALIZER]
    assert status_of(machineset, "Deleting") == ("Unknown", "InternalError")

    world.server.read_faults.clear()
    await world.reconcile_set()

    assert world.names(MachineSet) == []


async def test_a_cache_without_the_machines_makes_no_deletion_complete() -> None:
    world = await settled_machineset()
    await world.server.delete(MachineSet, (await world.machineset()).key)
    world.client = UnseeingClient(world.server, {"machines"})

    await world.reconcile_set()

    assert status_of(await world.machineset(), "Deleting") == ("True", "Deleting")


@pytest.mark.parametrize("by_cluster", [pytest.param(True, id="with its cluster"), pytest.param(False, id="by itself")])
async def test_paused_does_nothing(by_cluster: bool) -> None:
    annotations = {} if by_cluster else {PAUSED_ANNOTATION: ""}
    world = Workers.of(a_machineset(annotations=annotations), cluster=build.cluster(paused=by_cluster))

    await world.reconcile_set()
    await world.reconcile_set()

    assert status_of(await world.machineset(), "Paused") == ("True", "Paused")
    assert len(world.server.writes) == 1
    assert world.names(Machine) == []


async def test_two_passes_equal_one() -> None:
    once, twice = Workers.of(a_machineset(ordinals="0:3")), Workers.of(a_machineset(ordinals="0:3"))

    await once.reconcile_set()
    await twice.reconcile_set()
    await twice.reconcile_set()

    assert twice.names(Machine) == once.names(Machine)
    assert len(once.names(Machine)) == 3
    assert len(twice.server.writes) == len(once.server.writes)


@pytest.mark.parametrize("after", [pytest.param(False, id="before the server sees it"), pytest.param(True, id="before the answer")])
async def test_interrupted_between_any_two_writes(after: bool) -> None:
    for dies_at in range(40):
        world = Workers.of(a_machineset(replicas=2))
        world.client = InterruptingClient(world.server, dies_at=dies_at, after=after)
        died = await dies_while_settling(world)
        world.client = None
        await world.settle_sets()

        machines = await world.machines()
        names = [machine.metadata.name for machine in machines]
        assert len(names) == 2, f"died at write {dies_at}"
        assert world.names(KubeadmConfig) == names
        assert world.names(DevMachine) == names
        assert status_of(await world.machineset(), "ScalingUp")[0] == "False"
        if not died:
            return
    pytest.fail("never got through")


async def dies_while_settling(world: Workers) -> bool:
    try:
        await world.settle_sets()
    except Died:
        return True
    return False


# -- ownership and status ------------------------------------------------------------------------------------------------------------------


async def test_a_set_that_stands_alone_belongs_to_its_cluster_with_its_templates() -> None:
    world = await settled_machineset()

    cluster = owner_reference(build.cluster(), controller=False)
    assert (await world.machineset()).metadata.owner_references == [cluster]
    assert ((await world.machineset()).metadata.labels or {})[CLUSTER_NAME_LABEL] == "demo"
    for plural in ("devmachinetemplates", "kubeadmconfigtemplates"):
        (document,) = [document for slot, document in world.server.objects.items() if slot[1] == plural]
        assert document["metadata"]["ownerReferences"] == [cluster.wire()]


async def test_status_counts_the_machines_and_names_selector_and_versions() -> None:
    world = await settled_machineset()

    status = (await world.machineset()).status

    assert status is not None
    assert (status.replicas, status.ready_replicas, status.available_replicas) == (3, 3, 3)
    assert status.selector == "cluster.x-k8s.io/cluster-name=demo,cluster.x-k8s.io/set-name=workers-1"
    assert [(v.version, v.replicas) for v in status.versions or ()] == [(build.VERSION, 3)]
    assert status.observed_generation == 1


@pytest.mark.parametrize(
    ("type_", "want"),
    [
        ("MachinesReady", ("True", "Ready")),
        ("ScalingUp", ("False", "NotScalingUp")),
        ("ScalingDown", ("False", "NotScalingDown")),
        ("Remediating", ("False", "NotRemediating")),
        ("Deleting", ("False", "NotDeleting")),
        ("Paused", ("False", "NotPaused")),
    ],
)
async def test_conditions_of_a_settled_set(type_: str, want: tuple[str, str]) -> None:
    world = await settled_machineset()

    assert status_of(await world.machineset(), type_) == want


async def test_counters_stay_while_the_machines_cannot_be_read() -> None:
    world = Workers.of(a_machineset(status=MachineSetStatus(replicas=3, ready_replicas=2)))
    world.server.read_faults["machines", ""] = errors.ServerError("down")

    with pytest.raises(ExceptionGroup):
        await world.reconcile_set()

    machineset = await world.machineset()
    assert machineset.status is not None
    assert (machineset.status.replicas, machineset.status.ready_replicas) == (3, 2)
    assert status_of(machineset, "MachinesReady") == ("Unknown", "InternalError")


async def test_a_remediation_is_reported() -> None:
    conditions: list[Condition] = [
        build.condition("HealthCheckSucceeded", "False"),
        build.condition("OwnerRemediated", "False", message="soon"),
    ]
    sick = build.machine("sick", status=MachineStatus(conditions=conditions), owners=[build.owner(a_machineset())])
    world = Workers.of(a_machineset(replicas=1), sick)

    await world.reconcile_set()

    machineset = await world.machineset()
    assert status_of(machineset, "Remediating") == ("True", "Remediating")
    assert message_of(machineset, "Remediating") == "* Machine sick: soon"


async def test_a_set_whose_cluster_does_not_exist_waits_and_says_so() -> None:
    world = Workers.of(a_machineset(spec={"cluster_name": "none"}, cluster_name="none"))

    await world.reconcile_set()

    assert "Cluster none does not exist" in message_of(await world.machineset(), "ScalingUp")
    assert world.names(Machine) == []


# -- adoption ------------------------------------------------------------------------------------------------------------------------------


def an_orphan(name: str = "orphan", **given: object) -> Machine:
    labels = {SET_NAME_LABEL: "workers-1"}
    return build.machine(name, labels=labels, **given)  # type: ignore[arg-type]


async def test_a_matching_machine_without_controller_is_adopted_and_counts() -> None:
    world = Workers.of(a_machineset(replicas=1), an_orphan())

    await world.reconcile_set()

    (machine,) = await world.machines()
    assert is_controlled_by(machine.metadata, await world.machineset())
    assert (await world.machineset()).status.replicas == 1  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "machine",
    [
        pytest.param(an_orphan(owners=[build.owner(build.machineset("other"))]), id="a stranger's"),
        pytest.param(an_orphan(deleting=True, finalizers=["x"]), id="one that is going"),
        pytest.param(an_orphan(cluster_name="other"), id="one of another cluster"),
        pytest.param(build.machine("orphan"), id="one that does not match"),
    ],
)
async def test_others_are_not_adopted(machine: Machine) -> None:
    world = Workers.of(a_machineset(replicas=0), machine)

    await world.reconcile_set()

    (found,) = await world.machines()
    assert found.metadata.owner_references == machine.metadata.owner_references
    assert found.metadata.deletion_timestamp == machine.metadata.deletion_timestamp


async def test_a_set_that_is_gone_for_the_server_adopts_nothing() -> None:
    world = Workers.of(a_machineset(replicas=1), an_orphan())
    world.client = LaggingClient(world.server)
    await world.change(MachineSet, "workers-1", {"metadata": {"finalizers": None}})
    await world.server.delete(MachineSet, ObjectKey("default", "workers-1"))

    await pass_behind(world)

    assert (await world.machines())[0].metadata.owner_references is None


async def test_a_relabelled_machine_stays_in_the_set_and_gets_its_label_back() -> None:
    world = await settled_machineset()
    name = world.names(Machine)[0]

    await world.change(Machine, name, {"metadata": {"labels": {SET_NAME_LABEL: "elsewhere"}}})
    await world.settle_sets()

    assert len(world.names(Machine)) == 3
    assert all((m.metadata.labels or {})[SET_NAME_LABEL] == "workers-1" for m in await world.machines())
