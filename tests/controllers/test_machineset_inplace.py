from datetime import timedelta

from capelin.api.devmachine import DevMachine
from capelin.api.kubeadmconfig import KubeadmConfig
from capelin.api.machine import Machine
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import (
    MachineSet,
)
from capelin.api.meta import ObjectKey
from tests import build
from tests.controllers.workers import LaggingClient, Workers, deployments_machineset, message_of, settled_machineset, status_of

# -- in place ------------------------------------------------------------------------------------------------------------------------------


async def test_labels_of_the_template_reach_machines_and_companions_and_go_again() -> None:
    world = await settled_machineset(replicas=1)
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
    world = await settled_machineset(replicas=1)
    fields = {"minReadySeconds": 5, "deletion": {"nodeDrainTimeoutSeconds": 7}, "readinessGates": [{"conditionType": "X"}]}

    await world.change(MachineSet, "workers-1", {"spec": {"template": {"spec": fields}}})
    await world.settle_sets()

    (machine,) = await world.machines()
    assert machine.spec.min_ready_seconds == 5
    assert machine.spec.deletion is not None
    assert machine.spec.deletion.node_drain_timeout_seconds == 7
    assert [gate.condition_type for gate in machine.spec.readiness_gates or ()] == ["X"]


async def test_a_time_out_that_is_taken_back_leaves_the_default() -> None:
    world = await settled_machineset(replicas=1)
    for seconds in (7, None):
        fields = {"deletion": {"nodeDrainTimeoutSeconds": seconds}}
        await world.change(MachineSet, "workers-1", {"spec": {"template": {"spec": fields}}})
        await world.settle_sets()

    (machine,) = await world.machines()
    assert machine.spec.deletion is not None
    assert machine.spec.deletion.wire() == {"nodeDeletionTimeoutSeconds": 10}


async def test_a_machine_that_is_going_gets_the_time_outs_of_its_deletion_only() -> None:
    world = await settled_machineset(replicas=1)
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
    world = await settled_machineset()
    before = len(world.server.writes)

    await world.change(MachineSet, "workers-1", {"spec": {"template": {"spec": {"version": "v1.35.0"}}}})
    await world.settle_sets()

    assert {m.spec.version for m in await world.machines()} == {build.VERSION}
    assert [w.resource.plural for w in world.server.writes[before:]] == ["machinesets", "machinesets"]  # the user's and our status


# -- UpToDate ------------------------------------------------------------------------------------------------------------------------------


async def a_world_of_a_deployment() -> Workers:
    machineset, deployment = deployments_machineset(replicas=2, ordinals="0:2")
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
    world = await settled_machineset()

    assert [status_of(m, "UpToDate") for m in await world.machines()] == [("", "")] * 3
