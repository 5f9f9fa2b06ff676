import pytest

from capelin.api.labels import CLUSTER_NAME_LABEL, DEPLOYMENT_NAME_LABEL, PAUSED_ANNOTATION, SET_NAME_LABEL
from capelin.api.machine import Machine
from capelin.api.machinedeployment import (
    MACHINEDEPLOYMENT_FINALIZER,
    MachineDeployment,
)
from capelin.api.machineset import (
    MachineSet,
    MachineSetStatus,
)
from capelin.api.meta import ObjectKey
from capelin.runtime import errors
from tests import build
from tests.controllers.workers import Workers, a_machinedeployment, change_template, message_of, run, settled_machinedeployment, status_of
from tests.fakes import Died, InterruptingClient
from tests.lagging import LaggingClient as UnseeingClient

# -- the seven -----------------------------------------------------------------------------------------------------------------------------


async def test_finalizer_first() -> None:
    world = Workers.of(build.machinedeployment())

    await world.reconcile_deployment()

    assert (await world.deployment()).metadata.finalizers == [MACHINEDEPLOYMENT_FINALIZER]
    assert len(world.server.writes) == 1


async def test_settled_object_writes_nothing() -> None:
    world = await settled_machinedeployment()
    before = len(world.server.writes)

    result = await world.reconcile_deployment()

    assert len(world.server.writes) == before
    assert result.after is None


async def test_failed_phase_still_reports_status() -> None:
    world = Workers.of(a_machinedeployment())
    world.server.read_faults["devmachinetemplates", "workers"] = errors.ServerError("down")

    with pytest.raises(ExceptionGroup):
        await world.reconcile_deployment()

    deployment = await world.deployment()
    assert status_of(deployment, "Available") == ("False", "NotAvailable")
    assert status_of(deployment, "ScalingUp") == ("True", "ScalingUp")
    assert world.names(MachineSet) == []


async def test_absent_and_unknown_sets_differ_in_deletion() -> None:
    world = Workers.of(a_machinedeployment(deleting=True))
    world.server.read_faults["machinesets", ""] = errors.ServerError("down")

    with pytest.raises(ExceptionGroup):
        await world.reconcile_deployment()

    deployment = await world.deployment()
    assert deployment.metadata.finalizers == [MACHINEDEPLOYMENT_FINALIZER]
    assert status_of(deployment, "Deleting") == ("Unknown", "InternalError")

    world.server.read_faults.clear()
    await world.reconcile_deployment()

    assert world.names(MachineDeployment) == []


async def test_a_cache_without_the_sets_makes_no_deletion_complete() -> None:
    world = await settled_machinedeployment()
    await world.server.delete(MachineDeployment, (await world.deployment()).key)
    world.client = UnseeingClient(world.server, {"machinesets"})

    await world.reconcile_deployment()

    assert status_of(await world.deployment(), "Deleting") == ("True", "Deleting")


@pytest.mark.parametrize("by_cluster", [pytest.param(True, id="with its cluster"), pytest.param(False, id="by annotation")])
async def test_paused_does_nothing(by_cluster: bool) -> None:
    annotations = {} if by_cluster else {PAUSED_ANNOTATION: ""}
    world = Workers.of(a_machinedeployment(annotations=annotations), cluster=build.cluster(paused=by_cluster))

    await world.reconcile_deployment()
    await world.reconcile_deployment()

    assert status_of(await world.deployment(), "Paused") == ("True", "Paused")
    assert len(world.server.writes) == 1
    assert world.names(MachineSet) == []


async def test_two_passes_equal_one() -> None:
    world = Workers.of(a_machinedeployment())

    await world.reconcile_deployment()
    after_one = len(world.server.writes)
    sets = world.names(MachineSet)
    await world.reconcile_deployment()

    assert world.names(MachineSet) == sets
    assert len(sets) == 1
    assert len(world.server.writes) == after_one


@pytest.mark.parametrize("after", [pytest.param(False, id="before the server sees it"), pytest.param(True, id="before the answer")])
async def test_interrupted_between_any_two_writes(after: bool) -> None:
    for dies_at in range(40):
        world = Workers.of(a_machinedeployment(replicas=2))
        world.client = InterruptingClient(world.server, dies_at=dies_at, after=after)
        died = await dies_while_settling(world)
        world.client = None
        await run(world, rounds=2)

        assert len(world.names(MachineSet)) == 1, f"died at write {dies_at}"
        assert len(world.names(Machine)) == 2, f"died at write {dies_at}"
        assert status_of(await world.deployment(), "Available") == ("True", "Available")
        if not died:
            return
    pytest.fail("never got through")


async def dies_while_settling(world: Workers) -> bool:
    try:
        await world.settle()
    except Died:
        return True
    return False


@pytest.mark.slow
async def test_a_rollout_interrupted_between_any_two_writes_ends_with_one_set() -> None:
    for dies_at in range(0, 40, 3):
        world = await settled_machinedeployment(replicas=2)
        await change_template(world, version="v1.35.0")
        world.client = InterruptingClient(world.server, dies_at=dies_at)
        died = await dies_while_settling(world)
        world.client = None
        await run(world)

        assert [m.spec.version for m in await world.machines()] == ["v1.35.0"] * 2, f"died at write {dies_at}"
        assert len(world.names(MachineSet)) == 1, f"died at write {dies_at}"
        if not died:
            return


# -- deletion ------------------------------------------------------------------------------------------------------------------------------


async def test_a_deployment_that_goes_takes_its_sets_along_and_goes_last() -> None:
    world = await settled_machinedeployment()

    await world.server.delete(MachineDeployment, ObjectKey("default", "workers"))
    await world.reconcile_deployment()

    assert all(s.metadata.deletion_timestamp for s in await world.machinesets())
    assert message_of(await world.deployment(), "Deleting") == "Deleting 3 Machines"

    await world.settle_sets()
    await world.finish_deletions()
    await world.settle_sets()
    await world.reconcile_deployment()

    assert world.names(MachineDeployment) == []
    assert world.names(MachineSet) == []


async def test_sets_that_are_to_outlive_their_deployment_are_left_alone() -> None:
    world = await settled_machinedeployment()
    await world.change(MachineDeployment, "workers", {"metadata": {"finalizers": [MACHINEDEPLOYMENT_FINALIZER, "orphan"]}})

    await world.server.delete(MachineDeployment, ObjectKey("default", "workers"), propagation="Orphan")
    await world.reconcile_deployment()

    assert not any(s.metadata.deletion_timestamp for s in await world.machinesets())


# -- status --------------------------------------------------------------------------------------------------------------------------------


async def test_status_sums_the_sets_up() -> None:
    world = await settled_machinedeployment()

    status = (await world.deployment()).status

    assert status is not None
    assert (status.replicas, status.ready_replicas, status.available_replicas, status.up_to_date_replicas) == (3, 3, 3, 3)
    assert status.phase == "Running"
    assert status.selector == "cluster.x-k8s.io/cluster-name=demo,cluster.x-k8s.io/deployment-name=workers"
    assert [(v.version, v.replicas) for v in status.versions or ()] == [(build.VERSION, 3)]
    assert status.observed_generation == 1


@pytest.mark.parametrize(
    ("type_", "want"),
    [
        ("Available", ("True", "Available")),
        ("MachinesReady", ("True", "Ready")),
        ("MachinesUpToDate", ("True", "UpToDate")),
        ("RollingOut", ("False", "NotRollingOut")),
        ("ScalingUp", ("False", "NotScalingUp")),
        ("ScalingDown", ("False", "NotScalingDown")),
        ("Remediating", ("False", "NotRemediating")),
        ("Deleting", ("False", "NotDeleting")),
        ("Paused", ("False", "NotPaused")),
    ],
)
async def test_conditions_of_a_settled_deployment(type_: str, want: tuple[str, str]) -> None:
    world = await settled_machinedeployment()

    assert status_of(await world.deployment(), type_) == want


@pytest.mark.parametrize(
    ("counts", "want"),
    [
        pytest.param((2, 2, 2), ("ScalingUp", "True", "False"), id="too few"),
        pytest.param((4, 4, 4), ("ScalingDown", "False", "True"), id="too many"),
        pytest.param((3, 1, 1), ("ScalingUp", "False", "False"), id="not ready"),
    ],
)
async def test_phase_and_scaling_follow_the_counters(counts: tuple[int, int, int], want: tuple[str, str, str]) -> None:
    replicas, ready, available = counts
    labels = {CLUSTER_NAME_LABEL: "demo", DEPLOYMENT_NAME_LABEL: "workers", SET_NAME_LABEL: "s"}
    status = MachineSetStatus(replicas=replicas, ready_replicas=ready, available_replicas=available)
    template = build.machine_template("workers", labels=labels)
    owners = [build.owner(build.machinedeployment())]
    world = Workers.of(
        a_machinedeployment(), build.machineset(labels=labels, selector=labels, template=template, owners=owners, status=status)
    )

    await world.reconcile_deployment()

    deployment = await world.deployment()
    assert deployment.status is not None
    got = (deployment.status.phase, status_of(deployment, "ScalingUp")[0], status_of(deployment, "ScalingDown")[0])
    assert got == want


async def test_too_few_available_replicas_are_explained() -> None:
    world = await settled_machinedeployment(max_unavailable=1)
    await world.make_ready(*(await world.machines())[:2], ready=False)

    await world.settle()

    assert message_of(await world.deployment(), "Available") == (
        "1 available replicas, at least 2 required (spec.rollout.strategy.rollingUpdate.maxUnavailable is 1, spec.replicas is 3)"
    )


async def test_a_strategy_that_cannot_be_understood_is_reported_with_everything_else_that_blocks() -> None:
    world = Workers.of(a_machinedeployment(max_surge="some"), templates=False)

    await world.reconcile_deployment()

    deployment = await world.deployment()
    assert world.names(MachineSet) == []
    assert status_of(deployment, "Available") == ("Unknown", "InternalError")
    lines = message_of(deployment, "ScalingUp").split("\n")
    assert lines[:2] == [
        "Scaling up from 0 to 3 replicas is blocked because:",
        "* DevMachineTemplate and KubeadmConfigTemplate do not exist",
    ]
    assert lines[2].startswith("* spec.rollout.strategy.rollingUpdate.maxSurge: found 'some'")


async def test_decisions_are_told_as_events() -> None:
    world = await settled_machinedeployment()

    await world.change(MachineDeployment, "workers", {"spec": {"replicas": 2}})
    await world.reconcile_deployment()

    (name,) = world.names(MachineSet)
    message = f"Scaled down current MachineSet {name} from 3 to 2 replicas (-1): 3 replicas > 2 MachineDeployment spec.replicas"
    assert ("SuccessfulScale", message) in [(event.reason, event.message) for event in world.recorder.events]


async def test_a_new_deployment_says_that_it_is_scaling_up_and_then_that_it_is_available() -> None:
    new = a_machinedeployment(replicas=2)
    world = Workers.of(new)
    new.metadata.creation_timestamp = world.clock.now()
    world.server.seed(new)
    told = []

    await world.settle()
    told.append(len(_status_writes(world)))
    await world.make_ready((await world.machines())[0])
    await world.settle()
    told.append(len(_status_writes(world)))
    await world.make_ready()
    await world.settle()
    told.append(len(_status_writes(world)))

    assert told == [1, 1, 2]
    assert status_of(await world.deployment(), "Available") == ("True", "Available")


def _status_writes(world: Workers) -> list[str]:
    return [w.verb for w in world.server.writes if (w.resource.plural, w.subresource) == ("machinedeployments", "status")]
