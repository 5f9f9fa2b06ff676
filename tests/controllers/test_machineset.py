import contextlib
from datetime import timedelta

import pytest

from capelin.api.devmachine import DevMachine
from capelin.api.kubeadmconfig import KubeadmConfig
from capelin.api.labels import CLUSTER_NAME_LABEL, PAUSED_ANNOTATION, SET_NAME_LABEL
from capelin.api.machine import DELETE_MACHINE_ANNOTATION, MACHINE_FINALIZER, Machine, MachineStatus
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import (
    DISABLE_MACHINE_CREATE_ANNOTATION,
    MACHINESET_FINALIZER,
    ORDINALS_ANNOTATION,
    MachineNaming,
    MachineSet,
    MachineSetStatus,
)
from capelin.api.meta import Condition, Object, ObjectKey, is_controlled_by, owner_reference
from capelin.controllers.machineset.companions import TEMPLATE_POLL
from capelin.runtime import errors
from tests import build
from tests.controllers.workers import LATER, LaggingClient, Workers, message_of, status_of
from tests.fakes import Died, InterruptingClient


def a_set(*, replicas: int = 3, ordinals: str | None = None, **given: object) -> MachineSet:
    annotations = given.pop("annotations", {})
    assert isinstance(annotations, dict)
    annotations |= {ORDINALS_ANNOTATION: ordinals} if ordinals else {}
    return build.machineset(replicas=replicas, finalizers=[MACHINESET_FINALIZER], annotations=annotations, **given)  # type: ignore[arg-type]


async def a_settled_world(replicas: int = 3) -> Workers:
    """Return a set that has all its Machines, ready, and nothing to do."""
    world = Workers.of(a_set(replicas=replicas))
    await world.settle_sets()
    await world.clock.advance(LATER)
    await world.make_ready()
    await world.settle_sets(passes=2)
    return world


# -- the seven ---------------------------------------------------------------------------------------------------------------------------


async def test_finalizer_first() -> None:
    world = Workers.of(build.machineset())

    await world.reconcile_set()

    assert (await world.machineset()).metadata.finalizers == [MACHINESET_FINALIZER]
    assert len(world.server.writes) == 1


async def test_settled_object_writes_nothing() -> None:
    world = await a_settled_world()
    before = len(world.server.writes)

    result = await world.reconcile_set()

    assert len(world.server.writes) == before
    assert result.after is None


async def test_failed_phase_still_reports_status() -> None:
    world = Workers.of(a_set())
    world.server.read_faults["devmachinetemplates", "workers"] = errors.ServerError("down")

    with pytest.raises(ExceptionGroup):
        await world.reconcile_set()

    machineset = await world.machineset()
    assert status_of(machineset, "ScalingUp") == ("True", "ScalingUp")
    assert status_of(machineset, "MachinesReady") == ("True", "NoReplicas")
    assert world.names(Machine) == []


async def test_absent_and_unknown_machines_differ_in_deletion() -> None:
    world = Workers.of(a_set(deleting=True))
    world.server.read_faults["machines", ""] = errors.ServerError("down")

    with pytest.raises(ExceptionGroup):
        await world.reconcile_set()

    machineset = await world.machineset()
    assert machineset.metadata.finalizers == [MACHINESET_FINALIZER]
    assert status_of(machineset, "Deleting") == ("Unknown", "InternalError")

    world.server.read_faults.clear()
    await world.reconcile_set()

    assert world.names(MachineSet) == []


@pytest.mark.parametrize("by_cluster", [pytest.param(True, id="with its cluster"), pytest.param(False, id="by itself")])
async def test_paused_does_nothing(by_cluster: bool) -> None:
    annotations = {} if by_cluster else {PAUSED_ANNOTATION: ""}
    world = Workers.of(a_set(annotations=annotations), cluster=build.cluster(paused=by_cluster))

    await world.reconcile_set()
    await world.reconcile_set()

    assert status_of(await world.machineset(), "Paused") == ("True", "Paused")
    assert len(world.server.writes) == 1
    assert world.names(Machine) == []


async def test_two_passes_equal_one() -> None:
    once, twice = Workers.of(a_set(ordinals="0:3")), Workers.of(a_set(ordinals="0:3"))

    await once.reconcile_set()
    await twice.reconcile_set()
    await twice.reconcile_set()

    assert twice.names(Machine) == once.names(Machine)
    assert len(once.names(Machine)) == 3
    assert len(twice.server.writes) == len(once.server.writes)


@pytest.mark.parametrize("after", [pytest.param(False, id="before the server sees it"), pytest.param(True, id="before the answer")])
async def test_interrupted_between_any_two_writes(after: bool) -> None:
    for dies_at in range(40):
        world = Workers.of(a_set(replicas=2))
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


async def pass_behind(world: Workers) -> None:
    """Make a pass whose last write may lose against what its cache has not seen; the queue would try again."""
    with contextlib.suppress(errors.Conflict, errors.NotFound, ExceptionGroup):
        await world.reconcile_set()


async def dies_while_settling(world: Workers) -> bool:
    try:
        await world.settle_sets()
    except Died:
        return True
    return False


# -- creating ----------------------------------------------------------------------------------------------------------------------------


async def test_machines_are_born_complete() -> None:
    template = build.machine_template("workers", labels={CLUSTER_NAME_LABEL: "demo", SET_NAME_LABEL: "workers-1", "role": "x"})
    world = Workers.of(a_set(replicas=1, ordinals="0:1", template=template))

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
    world = Workers.of(a_set(replicas=1, ordinals="0:1"))

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
    machineset, deployment = a_deployments_set(ordinals="0:3")
    world = Workers.of(machineset, deployment)

    await world.reconcile_set()

    verbs = [(write.verb, write.resource.plural, write.subresource) for write in world.server.writes]
    creates = [("create", plural, "") for plural in ("machines", "kubeadmconfigs", "devmachines")]
    assert verbs == [*creates, *creates, *creates, ("patch", "machinesets", "status")]


async def test_ordinals_are_reserved_before_the_machines_are_made() -> None:
    world = Workers.of(a_set())

    await world.reconcile_set()

    assert ((await world.machineset()).metadata.annotations or {})[ORDINALS_ANNOTATION] == "0:3"
    assert world.names(Machine) == []

    await world.reconcile_set()

    assert len(world.names(Machine)) == 3


async def test_a_name_is_never_used_again() -> None:
    world = await a_settled_world(replicas=1)
    (first,) = await world.machines()

    await world.server.delete(Machine, first.key)
    await world.reconcile_set()
    await world.finish_deletions()
    await world.settle_sets()

    (second,) = await world.machines()
    assert second.metadata.name != first.metadata.name


async def test_machines_are_named_as_the_naming_template_says() -> None:
    naming = MachineNaming(template="{{ .cluster.name }}-{{.machineSet.name}}-x-{{ .random }}")
    world = Workers.of(a_set(replicas=1, ordinals="0:1", spec={"machine_naming": naming}))

    await world.reconcile_set()

    (name,) = world.names(Machine)
    assert name.startswith("demo-workers-1-x-")
    assert len(name) == len("demo-workers-1-x-") + 5


async def test_a_naming_template_with_an_unknown_expression_is_a_condition() -> None:
    naming = MachineNaming(template="{{ .random }}-{{ .node.name }}")
    world = Workers.of(a_set(replicas=1, ordinals="0:1", spec={"machine_naming": naming}))

    await world.reconcile_set()

    assert world.names(Machine) == []
    assert "found {{ .node.name }}" in message_of(await world.machineset(), "ScalingUp")


async def test_a_template_that_is_missing_is_waited_for_and_then_used() -> None:
    world = Workers.of(a_set(ordinals="0:3"), templates=False)

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
    world = await a_settled_world(replicas=1)
    (name,) = world.names(Machine)

    await world.server.delete(kind, ObjectKey("default", name))
    await world.settle_sets()

    assert world.names(kind) == []


async def test_a_companion_that_was_never_ready_is_made_again() -> None:
    world = Workers.of(a_set(replicas=1, ordinals="0:1"))
    await world.reconcile_set()
    (name,) = world.names(Machine)

    await world.server.delete(DevMachine, ObjectKey("default", name))
    await world.reconcile_set()

    assert world.names(DevMachine) == [name]


async def test_a_companion_that_cannot_be_made_keeps_further_machines_from_being_made() -> None:
    world = Workers.of(*a_deployments_set(ordinals="0:3"))
    world.server.fail_write(2, errors.Invalid("spec.backend: required"))

    with pytest.raises(ExceptionGroup):
        await world.reconcile_set()
    world.server.fail_write(0, errors.Invalid("spec.backend: required"))
    with pytest.raises(ExceptionGroup):
        await world.reconcile_set()

    assert len(world.names(Machine)) == 1


async def test_a_stranger_with_our_name_is_a_condition() -> None:
    model = Workers.of(a_set(replicas=1, ordinals="0:1"))
    await model.reconcile_set()
    (name,) = model.names(Machine)
    stranger = build.machine(name, owners=[build.owner(build.machineset("other"))])
    world = Workers.of(a_set(replicas=1, ordinals="0:1"), stranger)

    await world.reconcile_set()

    assert f"Machine {name} exists and does not belong to the MachineSet" in message_of(await world.machineset(), "ScalingUp")
    (found,) = await world.machines()
    assert found.metadata.owner_references == stranger.metadata.owner_references


async def test_a_create_whose_answer_is_lost_is_not_made_twice() -> None:
    world = Workers.of(a_set(replicas=1, ordinals="0:1"))
    world.client = LaggingClient(world.server)

    await pass_behind(world)
    await pass_behind(world)

    assert len(world.names(Machine)) == 1


@pytest.mark.parametrize("replicas", [1, 3, 5])
async def test_machines_never_exceed_replicas_however_far_the_cache_is_behind(replicas: int) -> None:
    world = Workers.of(a_set(replicas=replicas))
    lagging = LaggingClient(world.server)
    world.client = lagging

    for step in range(9):
        await pass_behind(world)
        assert len(world.names(Machine)) <= replicas, f"step {step}"
        if step % 3 == 2:
            lagging.catch_up()

    assert len(world.names(Machine)) == replicas


async def test_a_cache_that_forgot_the_machines_makes_no_new_ones() -> None:
    world = await a_settled_world()
    for name in world.names(Machine)[:2]:
        await world.server.delete(Machine, ObjectKey("default", name))
    await world.reconcile_set()
    await world.finish_deletions()
    await world.settle_sets()
    lagging = LaggingClient(world.server)
    lagging.past.objects = {slot: document for slot, document in world.server.objects.items() if slot[1] != "machines"}
    world.client = lagging

    await world.reconcile_set()

    assert len(world.names(Machine)) == 3


async def test_nothing_is_made_for_a_cluster_that_is_going() -> None:
    world = Workers.of(a_set(ordinals="0:3"), cluster=build.cluster(deleting=True, finalizers=["x"]))

    await world.reconcile_set()

    assert world.names(Machine) == []


async def test_nothing_is_made_while_creation_is_disabled() -> None:
    world = Workers.of(a_set(ordinals="0:3", annotations={DISABLE_MACHINE_CREATE_ANNOTATION: "true"}))

    await world.reconcile_set()

    assert world.names(Machine) == []


async def test_what_admission_would_refuse_is_a_condition_and_nothing_is_made() -> None:
    world = Workers.of(a_set(ordinals="0:3", template=build.machine_template("workers", labels={"other": "label"})))

    await world.reconcile_set()

    assert "spec.selector: found" in message_of(await world.machineset(), "ScalingUp")
    assert world.names(Machine) == []


# -- deleting ----------------------------------------------------------------------------------------------------------------------------


async def test_surplus_machines_are_deleted_with_the_chosen_ones_first() -> None:
    world = await a_settled_world()
    chosen = world.names(Machine)[1]
    await world.change(Machine, chosen, {"metadata": {"annotations": {DELETE_MACHINE_ANNOTATION: ""}}})

    await world.change(MachineSet, "workers-1", {"spec": {"replicas": 2}})
    await world.settle_sets()

    going = [m.metadata.name for m in await world.machines() if m.metadata.deletion_timestamp]
    assert going == [chosen]
    assert status_of(await world.machineset(), "ScalingDown") == ("True", "ScalingDown")


async def test_no_more_is_deleted_than_the_server_says_is_too_much() -> None:
    """The cache still shows three Machines when one has gone by itself."""
    world = await a_settled_world()
    await world.change(MachineSet, "workers-1", {"spec": {"replicas": 2}})
    world.client = LaggingClient(world.server)
    gone = world.names(Machine)[2]
    await world.change(Machine, gone, {"metadata": {"finalizers": None}})
    await world.server.delete(Machine, ObjectKey("default", gone))

    await world.reconcile_set()

    assert [m.metadata.name for m in await world.machines() if m.metadata.deletion_timestamp] == []


async def test_nothing_is_deleted_when_more_are_wanted_by_now() -> None:
    """The cache still shows a smaller set than the user asks for."""
    world = await a_settled_world()
    await world.change(MachineSet, "workers-1", {"spec": {"replicas": 1}})
    world.client = LaggingClient(world.server)
    await world.change(MachineSet, "workers-1", {"spec": {"replicas": 3}})

    await pass_behind(world)

    assert [m.metadata.name for m in await world.machines() if m.metadata.deletion_timestamp] == []


async def test_a_set_that_goes_takes_its_machines_along_and_goes_last() -> None:
    world = await a_settled_world()

    await world.server.delete(MachineSet, ObjectKey("default", "workers-1"))
    await world.reconcile_set()

    assert all(m.metadata.deletion_timestamp for m in await world.machines())
    assert message_of(await world.machineset(), "Deleting") == "Deleting 3 Machines"

    await world.finish_deletions()
    await world.reconcile_set()

    assert world.names(MachineSet) == []


async def test_machines_that_are_to_outlive_their_set_are_left_alone() -> None:
    world = await a_settled_world()
    await world.change(MachineSet, "workers-1", {"metadata": {"finalizers": [MACHINESET_FINALIZER, "orphan"]}})

    await world.server.delete(MachineSet, ObjectKey("default", "workers-1"), propagation="Orphan")
    await world.reconcile_set()

    assert not any(m.metadata.deletion_timestamp for m in await world.machines())
    assert world.names(MachineSet) == ["workers-1"]


# -- adoption ----------------------------------------------------------------------------------------------------------------------------


def an_orphan(name: str = "orphan", **given: object) -> Machine:
    labels = {SET_NAME_LABEL: "workers-1"}
    return build.machine(name, labels=labels, **given)  # type: ignore[arg-type]


async def test_a_matching_machine_without_controller_is_adopted_and_counts() -> None:
    world = Workers.of(a_set(replicas=1), an_orphan())

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
    world = Workers.of(a_set(replicas=0), machine)

    await world.reconcile_set()

    (found,) = await world.machines()
    assert found.metadata.owner_references == machine.metadata.owner_references
    assert found.metadata.deletion_timestamp == machine.metadata.deletion_timestamp


async def test_a_set_that_is_gone_for_the_server_adopts_nothing() -> None:
    world = Workers.of(a_set(replicas=1), an_orphan())
    world.client = LaggingClient(world.server)
    await world.change(MachineSet, "workers-1", {"metadata": {"finalizers": None}})
    await world.server.delete(MachineSet, ObjectKey("default", "workers-1"))

    await pass_behind(world)

    assert (await world.machines())[0].metadata.owner_references is None


async def test_a_relabelled_machine_stays_in_the_set_and_gets_its_label_back() -> None:
    world = await a_settled_world()
    name = world.names(Machine)[0]

    await world.change(Machine, name, {"metadata": {"labels": {SET_NAME_LABEL: "elsewhere"}}})
    await world.settle_sets()

    assert len(world.names(Machine)) == 3
    assert all((m.metadata.labels or {})[SET_NAME_LABEL] == "workers-1" for m in await world.machines())


# -- in place ----------------------------------------------------------------------------------------------------------------------------


async def test_labels_of_the_template_reach_machines_and_companions_and_go_again() -> None:
    world = await a_settled_world(replicas=1)
    (name,) = world.names(Machine)
    await world.change(Machine, name, {"metadata": {"labels": {"mine": "stays"}}})

    await world.change(
        MachineSet, "workers-1", {"spec": {"template": {"metadata": {"labels": {"zone": "a"}, "annotations": {"note": "b"}}}}}
    )
    await world.settle_sets()

    for kind in (Machine, KubeadmConfig, DevMachine):
        found = await world.server.get(kind, ObjectKey("default", name))
        assert found is not None
        assert (found.metadata.labels or {})["zone"] == "a"
        assert (found.metadata.annotations or {})["note"] == "b"

    await world.change(
        MachineSet, "workers-1", {"spec": {"template": {"metadata": {"labels": {"zone": None}, "annotations": {"note": None}}}}}
    )
    await world.settle_sets()

    for kind in (Machine, KubeadmConfig, DevMachine):
        found = await world.server.get(kind, ObjectKey("default", name))
        assert found is not None
        assert "zone" not in (found.metadata.labels or {})
        assert "note" not in (found.metadata.annotations or {})
    (machine,) = await world.machines()
    assert (machine.metadata.labels or {})["mine"] == "stays"


async def test_fields_that_may_change_in_place_reach_machines() -> None:
    world = await a_settled_world(replicas=1)
    fields = {"minReadySeconds": 5, "deletion": {"nodeDrainTimeoutSeconds": 7}, "readinessGates": [{"conditionType": "X"}]}

    await world.change(MachineSet, "workers-1", {"spec": {"template": {"spec": fields}}})
    await world.settle_sets()

    (machine,) = await world.machines()
    assert machine.spec.min_ready_seconds == 5
    assert machine.spec.deletion is not None
    assert machine.spec.deletion.node_drain_timeout_seconds == 7
    assert [gate.condition_type for gate in machine.spec.readiness_gates or ()] == ["X"]


async def test_a_machine_that_is_going_gets_the_time_outs_of_its_deletion_only() -> None:
    world = await a_settled_world(replicas=1)
    (machine,) = await world.machines()
    await world.server.delete(Machine, machine.key)

    fields = {"minReadySeconds": 5, "deletion": {"nodeDrainTimeoutSeconds": 7}}
    await world.change(MachineSet, "workers-1", {"spec": {"template": {"spec": fields, "metadata": {"labels": {"zone": "a"}}}}})
    await world.settle_sets()

    (machine,) = await world.machines()
    assert machine.spec.min_ready_seconds is None
    assert machine.spec.deletion is not None
    assert machine.spec.deletion.node_drain_timeout_seconds == 7
    assert "zone" not in (machine.metadata.labels or {})


async def test_a_version_that_changes_in_the_set_does_not_touch_its_machines() -> None:
    world = await a_settled_world()
    before = len(world.server.writes)

    await world.change(MachineSet, "workers-1", {"spec": {"template": {"spec": {"version": "v1.35.0"}}}})
    await world.settle_sets()

    assert {m.spec.version for m in await world.machines()} == {build.VERSION}
    assert [w.resource.plural for w in world.server.writes[before:]] == ["machinesets", "machinesets"]  # the user's and our status


# -- UpToDate ----------------------------------------------------------------------------------------------------------------------------


def a_deployments_set(**given: object) -> tuple[MachineSet, MachineDeployment]:
    deployment = build.machinedeployment()
    return a_set(owners=[build.owner(deployment)], **given), deployment  # type: ignore[arg-type]


async def a_world_of_a_deployment() -> Workers:
    machineset, deployment = a_deployments_set(replicas=2, ordinals="0:2")
    world = Workers.of(machineset, deployment)
    await world.reconcile_set()
    return world


async def test_a_new_machine_is_called_up_to_date_once_it_is_ready() -> None:
    world = await a_world_of_a_deployment()
    await world.reconcile_set()
    assert [status_of(m, "UpToDate") for m in await world.machines()] == [("", ""), ("", "")]

    await world.make_ready()
    await world.reconcile_set()

    assert [status_of(m, "UpToDate") for m in await world.machines()] == [("True", "UpToDate")] * 2
    assert (await world.machineset()).status.up_to_date_replicas == 2  # type: ignore[union-attr]


async def test_a_machine_that_never_gets_ready_is_called_up_to_date_when_it_is_no_longer_young() -> None:
    world = await a_world_of_a_deployment()

    result = await world.reconcile_set()
    assert result.after is not None
    await world.clock.advance(result.after)
    await world.reconcile_set()

    assert [status_of(m, "UpToDate") for m in await world.machines()] == [("True", "UpToDate")] * 2


async def test_machines_are_outdated_as_soon_as_the_deployment_asks_for_something_else() -> None:
    world = await a_world_of_a_deployment()
    await world.make_ready()
    await world.reconcile_set()

    template = {"spec": {"version": "v1.35.0"}}
    await world.change(MachineDeployment, "workers", {"spec": {"template": template}})
    await world.reconcile_set()

    machines = await world.machines()
    assert [status_of(m, "UpToDate") for m in machines] == [("False", "NotUpToDate")] * 2
    assert message_of(machines[0], "UpToDate") == "* Version v1.34.0, v1.35.0 required"
    assert status_of(machines[0], "Ready") == ("True", "Ready")


async def test_a_condition_that_lost_a_race_is_written_by_the_next_pass() -> None:
    world = await a_world_of_a_deployment()
    await world.make_ready()
    lagging = LaggingClient(world.server)
    world.client = lagging
    await world.make_ready()  # the same again, at a later resourceVersion
    await world.clock.advance(timedelta(seconds=1))
    await world.make_ready()

    await world.reconcile_set()
    assert [status_of(m, "UpToDate") for m in await world.machines()] == [("", "")] * 2
    lagging.catch_up()
    await world.reconcile_set()

    assert [status_of(m, "UpToDate") for m in await world.machines()] == [("True", "UpToDate")] * 2


async def test_a_set_that_stands_alone_says_nothing_about_its_machines_being_up_to_date() -> None:
    world = await a_settled_world()

    assert [status_of(m, "UpToDate") for m in await world.machines()] == [("", "")] * 3


# -- ownership and status ----------------------------------------------------------------------------------------------------------------


async def test_a_set_that_stands_alone_belongs_to_its_cluster_with_its_templates() -> None:
    world = await a_settled_world()

    cluster = owner_reference(build.cluster(), controller=False)
    assert (await world.machineset()).metadata.owner_references == [cluster]
    assert ((await world.machineset()).metadata.labels or {})[CLUSTER_NAME_LABEL] == "demo"
    for plural in ("devmachinetemplates", "kubeadmconfigtemplates"):
        (document,) = [document for slot, document in world.server.objects.items() if slot[1] == plural]
        assert document["metadata"]["ownerReferences"] == [cluster.wire()]


async def test_status_counts_the_machines_and_names_selector_and_versions() -> None:
    world = await a_settled_world()

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
    world = await a_settled_world()

    assert status_of(await world.machineset(), type_) == want


async def test_counters_stay_while_the_machines_cannot_be_read() -> None:
    world = Workers.of(a_set(status=MachineSetStatus(replicas=3, ready_replicas=2)))
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
    sick = build.machine("sick", status=MachineStatus(conditions=conditions), owners=[build.owner(a_set())])
    world = Workers.of(a_set(replicas=1), sick)

    await world.reconcile_set()

    machineset = await world.machineset()
    assert status_of(machineset, "Remediating") == ("True", "Remediating")
    assert message_of(machineset, "Remediating") == "* Machine sick: soon"


async def test_a_set_whose_cluster_does_not_exist_waits_and_says_so() -> None:
    world = Workers.of(a_set(spec={"cluster_name": "none"}, cluster_name="none"))

    await world.reconcile_set()

    assert "Cluster none does not exist" in message_of(await world.machineset(), "ScalingUp")
    assert world.names(Machine) == []
