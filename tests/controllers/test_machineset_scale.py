import pytest

from capelin.api.cluster import Cluster
from capelin.api.devmachine import DevMachine
from capelin.api.kubeadmconfig import KubeadmConfig
from capelin.api.labels import CLUSTER_NAME_LABEL, SET_NAME_LABEL
from capelin.api.machine import DELETE_MACHINE_ANNOTATION, MACHINE_FINALIZER, Machine
from capelin.api.machineset import (
    DISABLE_MACHINE_CREATE_ANNOTATION,
    MACHINESET_FINALIZER,
    ORDINALS_ANNOTATION,
    MachineNaming,
    MachineSet,
)
from capelin.api.meta import Object, ObjectKey, is_controlled_by, owner_reference
from capelin.api.references import ContractReference
from capelin.controllers.machineset.companions import TEMPLATE_POLL
from capelin.controllers.machineset.plan import ordinal_of
from capelin.controllers.machineset.scale import PREFLIGHT_POLL
from capelin.runtime import errors
from tests import build
from tests.controllers.workers import (
    LaggingClient,
    Workers,
    a_machineset,
    deployments_machineset,
    message_of,
    pass_behind,
    settled_machineset,
    status_of,
)

# -- creating ------------------------------------------------------------------------------------------------------------------------------


async def test_machines_are_born_complete() -> None:
    template = build.machine_template("workers", labels={CLUSTER_NAME_LABEL: "demo", SET_NAME_LABEL: "workers-1", "role": "x"})
    world = Workers.of(a_machineset(replicas=1, ordinals="0:1", template=template))

    await world.reconcile_set()

    (machine,) = await world.machines()
    machineset = await world.machineset()
    assert machine.metadata.finalizers == [MACHINE_FINALIZER]
    assert is_controlled_by(machine.metadata, machineset)
    assert {CLUSTER_NAME_LABEL: "demo", SET_NAME_LABEL: "workers-1", "role": "x"}.items() <= (machine.metadata.labels or {}).items()
    assert machine.spec.infrastructure_ref == build.infrastructure_ref(machine.metadata.name)
    assert machine.spec.bootstrap.config_ref == build.bootstrap_ref(machine.metadata.name)


@pytest.mark.parametrize("kind", [KubeadmConfig, DevMachine])
async def test_companions_are_born_with_the_machine_as_controller(kind: type[Object]) -> None:
    world = Workers.of(a_machineset(replicas=1, ordinals="0:1"))

    await world.reconcile_set()

    (machine,) = await world.machines()
    companion = await world.server.get(kind, ObjectKey("default", machine.metadata.name))
    assert companion is not None
    assert companion.metadata.owner_references == [owner_reference(machine)]
    assert (companion.metadata.labels or {})[CLUSTER_NAME_LABEL] == "demo"
    assert (companion.metadata.annotations or {}).items() >= {
        "cluster.x-k8s.io/cloned-from-name": "workers",
        "cluster.x-k8s.io/cloned-from-groupkind": f"{kind.resource.kind}Template.{kind.resource.group}",
    }.items()


async def test_a_worker_costs_three_creates_and_the_set_one_status() -> None:
    machineset, deployment = deployments_machineset(ordinals="0:3")
    world = Workers.of(machineset, deployment)

    await world.reconcile_set()

    verbs = [(write.verb, write.resource.plural, write.subresource) for write in world.server.writes]
    creates = [("create", plural, "") for plural in ("machines", "kubeadmconfigs", "devmachines")]
    assert verbs == [*creates, *creates, *creates, ("patch", "machinesets", "status")]


async def test_ordinals_are_reserved_before_the_machines_are_made() -> None:
    world = Workers.of(a_machineset())

    await world.reconcile_set()

    assert ((await world.machineset()).metadata.annotations or {})[ORDINALS_ANNOTATION] == "0:3"
    assert world.names(Machine) == []

    await world.reconcile_set()

    assert len(world.names(Machine)) == 3


async def test_a_name_is_never_used_again() -> None:
    world = await settled_machineset(replicas=1)
    (first,) = await world.machines()

    await world.server.delete(Machine, first.key)
    await world.reconcile_set()
    await world.finish_deletions()
    await world.settle_sets()

    (second,) = await world.machines()
    assert second.metadata.name != first.metadata.name


async def test_machines_are_named_as_the_naming_template_says() -> None:
    naming = MachineNaming(template="{{ .cluster.name }}-{{.machineSet.name}}-x-{{ .random }}")
    world = Workers.of(a_machineset(replicas=1, ordinals="0:1", spec={"machine_naming": naming}))

    await world.reconcile_set()

    (name,) = world.names(Machine)
    assert name.startswith("demo-workers-1-x-")
    assert len(name) == len("demo-workers-1-x-") + 5


async def test_a_naming_template_with_an_unknown_expression_is_a_condition() -> None:
    naming = MachineNaming(template="{{ .random }}-{{ .node.name }}")
    world = Workers.of(a_machineset(replicas=1, ordinals="0:1", spec={"machine_naming": naming}))

    await world.reconcile_set()

    assert world.names(Machine) == []
    assert "found {{ .node.name }}" in message_of(await world.machineset(), "ScalingUp")


async def test_a_template_that_is_missing_is_waited_for_and_then_used() -> None:
    world = Workers.of(a_machineset(ordinals="0:3"), templates=False)

    result = await world.reconcile_set()

    assert result.after == TEMPLATE_POLL
    assert message_of(await world.machineset(), "ScalingUp") == (
        "Scaling up from 0 to 3 replicas is blocked because:\n* DevMachineTemplate and KubeadmConfigTemplate do not exist"
    )
    assert world.names(Machine) == []

    world.add_templates()
    await world.reconcile_set()

    assert len(world.names(Machine)) == 3


@pytest.mark.parametrize("kind", [KubeadmConfig, DevMachine])
async def test_a_companion_that_was_ready_and_is_deleted_is_not_made_again(kind: type[Object]) -> None:
    world = await settled_machineset(replicas=1)
    (name,) = world.names(Machine)

    await world.server.delete(kind, ObjectKey("default", name))
    await world.settle_sets()

    assert world.names(kind) == []


async def test_a_companion_that_was_never_ready_is_made_again() -> None:
    world = Workers.of(a_machineset(replicas=1, ordinals="0:1"))
    await world.reconcile_set()
    (name,) = world.names(Machine)

    await world.server.delete(DevMachine, ObjectKey("default", name))
    await world.reconcile_set()

    assert world.names(DevMachine) == [name]


async def test_a_companion_that_cannot_be_made_keeps_further_machines_from_being_made() -> None:
    world = Workers.of(*deployments_machineset(ordinals="0:3"))
    world.server.fail_write(2, errors.Invalid("spec.backend: required"))

    with pytest.raises(ExceptionGroup):
        await world.reconcile_set()
    world.server.fail_write(0, errors.Invalid("spec.backend: required"))
    with pytest.raises(ExceptionGroup):
        await world.reconcile_set()

    assert len(world.names(Machine)) == 1


async def test_a_stranger_with_our_name_is_a_condition() -> None:
    model = Workers.of(a_machineset(replicas=1, ordinals="0:1"))
    await model.reconcile_set()
    (name,) = model.names(Machine)
    stranger = build.machine(name, owners=[build.owner(build.machineset("other"))])
    world = Workers.of(a_machineset(replicas=1, ordinals="0:1"), stranger)

    await world.reconcile_set()

    assert f"Machine {name} exists and does not belong to the MachineSet" in message_of(await world.machineset(), "ScalingUp")
    (found,) = await world.machines()
    assert found.metadata.owner_references == stranger.metadata.owner_references


async def test_a_create_whose_answer_is_lost_is_not_made_twice() -> None:
    world = Workers.of(a_machineset(replicas=1, ordinals="0:1"))
    world.client = LaggingClient(world.server)

    await pass_behind(world)
    await pass_behind(world)

    assert len(world.names(Machine)) == 1


@pytest.mark.parametrize("replicas", [1, 3, 5])
async def test_machines_never_exceed_replicas_however_far_the_cache_is_behind(replicas: int) -> None:
    world = Workers.of(a_machineset(replicas=replicas))
    lagging = LaggingClient(world.server)
    world.client = lagging

    for step in range(9):
        await pass_behind(world)
        assert len(world.names(Machine)) <= replicas, f"step {step}"
        if step % 3 == 2:
            lagging.catch_up()

    assert len(world.names(Machine)) == replicas


async def test_a_cache_that_forgot_the_machines_makes_no_new_ones() -> None:
    """Some Machines are older than the ordinals the set still keeps, so their names would not be met by making them again."""
    world = await settled_machineset()
    youngest = sorted(await world.machines(), key=lambda machine: ordinal_of(machine) or 0)[1:]
    for machine in youngest:
        await world.server.delete(Machine, machine.key)
    await world.reconcile_set()
    await world.finish_deletions()
    await world.settle_sets()
    lagging = LaggingClient(world.server)
    world.client = lagging

    for _ in range(3):
        lagging.past.objects = {slot: document for slot, document in world.server.objects.items() if slot[1] != "machines"}
        await pass_behind(world)

    assert len(world.names(Machine)) == 3


async def test_nothing_is_made_for_a_cluster_that_is_going() -> None:
    world = Workers.of(a_machineset(ordinals="0:3"), cluster=build.cluster(deleting=True, finalizers=["x"]))

    await world.reconcile_set()

    assert world.names(Machine) == []


async def test_nothing_is_made_while_creation_is_disabled() -> None:
    world = Workers.of(a_machineset(ordinals="0:3", annotations={DISABLE_MACHINE_CREATE_ANNOTATION: "true"}))

    await world.reconcile_set()

    assert world.names(Machine) == []


async def test_what_admission_would_refuse_is_a_condition_and_nothing_is_made() -> None:
    world = Workers.of(a_machineset(ordinals="0:3", template=build.machine_template("workers", labels={"other": "label"})))

    await world.reconcile_set()

    assert "spec.selector: found" in message_of(await world.machineset(), "ScalingUp")
    assert world.names(Machine) == []


# -- deleting ------------------------------------------------------------------------------------------------------------------------------


async def test_surplus_machines_are_deleted_with_the_chosen_ones_first() -> None:
    world = await settled_machineset()
    chosen = world.names(Machine)[1]
    await world.change(Machine, chosen, {"metadata": {"annotations": {DELETE_MACHINE_ANNOTATION: ""}}})

    await world.change(MachineSet, "workers-1", {"spec": {"replicas": 2}})
    await world.settle_sets()

    going = [m.metadata.name for m in await world.machines() if m.metadata.deletion_timestamp]
    assert going == [chosen]
    assert status_of(await world.machineset(), "ScalingDown") == ("True", "ScalingDown")


async def test_no_more_is_deleted_than_the_server_says_is_too_much() -> None:
    """The cache still shows three Machines when one has gone by itself."""
    world = await settled_machineset()
    await world.change(MachineSet, "workers-1", {"spec": {"replicas": 2}})
    world.client = LaggingClient(world.server)
    gone = world.names(Machine)[2]
    await world.change(Machine, gone, {"metadata": {"finalizers": None}})
    await world.server.delete(Machine, ObjectKey("default", gone))

    await world.reconcile_set()

    assert [m.metadata.name for m in await world.machines() if m.metadata.deletion_timestamp] == []


async def test_nothing_is_deleted_when_more_are_wanted_by_now() -> None:
    """The cache still shows a smaller set than the user asks for."""
    world = await settled_machineset()
    await world.change(MachineSet, "workers-1", {"spec": {"replicas": 1}})
    world.client = LaggingClient(world.server)
    await world.change(MachineSet, "workers-1", {"spec": {"replicas": 3}})

    await pass_behind(world)

    assert [m.metadata.name for m in await world.machines() if m.metadata.deletion_timestamp] == []


async def test_a_set_that_goes_takes_its_machines_along_and_goes_last() -> None:
    world = await settled_machineset()

    await world.server.delete(MachineSet, ObjectKey("default", "workers-1"))
    await world.reconcile_set()

    assert all(m.metadata.deletion_timestamp for m in await world.machines())
    assert message_of(await world.machineset(), "Deleting") == "Deleting 3 Machines"

    await world.finish_deletions()
    await world.reconcile_set()

    assert world.names(MachineSet) == []


async def test_a_set_whose_machines_the_cache_has_lost_does_not_go_before_them() -> None:
    world = await settled_machineset()
    await world.server.delete(MachineSet, ObjectKey("default", "workers-1"))
    lagging = LaggingClient(world.server)
    lagging.past.objects = {slot: document for slot, document in world.server.objects.items() if slot[1] != "machines"}
    world.client = lagging

    await world.reconcile_set()

    assert (await world.machineset()).metadata.finalizers == [MACHINESET_FINALIZER]
    assert all(m.metadata.deletion_timestamp for m in await world.machines())


async def test_machines_that_are_to_outlive_their_set_are_left_alone() -> None:
    world = await settled_machineset()
    await world.change(MachineSet, "workers-1", {"metadata": {"finalizers": [MACHINESET_FINALIZER, "orphan"]}})

    await world.server.delete(MachineSet, ObjectKey("default", "workers-1"), propagation="Orphan")
    await world.reconcile_set()

    assert not any(m.metadata.deletion_timestamp for m in await world.machines())
    assert world.names(MachineSet) == ["workers-1"]


# -- preflight ---------------------------------------------------------------------------------------------------------------------------


def a_world_with_control_plane(*running: str) -> Workers:
    """Return a set in a cluster whose control plane wants v1.34.0 and runs these versions."""
    group, kind = "controlplane.cluster.x-k8s.io", "FooControlPlane"
    reference = ContractReference(api_group=group, kind=kind, name="cp")
    world = Workers.of(a_machineset(ordinals="0:3"), cluster=build.cluster(control_plane=reference))
    status = {"versions": [{"version": version} for version in running]}
    world.server.seed(build.crd(group, kind), build.document(kind, group, name="cp", spec={"version": "v1.34.0"}, status=status))
    return world


async def test_no_machine_is_made_while_the_control_plane_upgrades() -> None:
    world = a_world_with_control_plane("v1.33.0", "v1.34.0")

    result = await world.reconcile_set()

    assert world.names(Machine) == []
    assert result.after == PREFLIGHT_POLL
    assert message_of(await world.machineset(), "ScalingUp") == (
        "Scaling up from 0 to 3 replicas is blocked because:\n"
        '* FooControlPlane default/cp is upgrading ("ControlPlaneIsStable" preflight check failed)'
    )


async def test_a_control_plane_that_cannot_be_judged_holds_machines_back_and_is_named() -> None:
    world = a_world_with_control_plane("latest")

    result = await world.reconcile_set()

    assert world.names(Machine) == []
    assert result.after == PREFLIGHT_POLL
    assert "* FooControlPlane default/cp cannot be judged: found version 'latest'" in message_of(await world.machineset(), "ScalingUp")


async def test_machines_are_made_once_the_control_plane_is_stable() -> None:
    world = a_world_with_control_plane("v1.34.0")

    await world.reconcile_set()

    assert len(world.names(Machine)) == 3


async def test_a_control_plane_that_does_not_exist_holds_machines_back() -> None:
    world = a_world_with_control_plane("v1.34.0")
    reference = {"apiGroup": "controlplane.cluster.x-k8s.io", "kind": "FooControlPlane", "name": "other"}
    await world.change(Cluster, "demo", {"spec": {"controlPlaneRef": reference}})

    await world.reconcile_set()

    assert "FooControlPlane default/other does not exist" in message_of(await world.machineset(), "ScalingUp")


async def test_a_control_plane_of_a_kind_without_contract_is_a_condition() -> None:
    world = a_world_with_control_plane("v1.34.0")
    await world.change(Cluster, "demo", {"spec": {"controlPlaneRef": {"apiGroup": "", "kind": "Secret", "name": "x"}}})

    await world.reconcile_set()

    assert "Cluster spec.controlPlaneRef: found kind Secret" in message_of(await world.machineset(), "ScalingUp")
    assert world.names(Machine) == []
