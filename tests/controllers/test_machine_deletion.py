"""The deletion of a Machine: its order, what it skips, and what holds it back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from capelin.api.cluster import Cluster
from capelin.api.core import Node, Pod, VolumeAttachment
from capelin.api.devmachine import DevMachine
from capelin.api.kubeadmconfig import KubeadmConfig
from capelin.api.machine import Machine
from capelin.api.meta import ObjectKey
from capelin.controllers.machine.deletion import NODE_DELETION_RETRY, Deadlines
from capelin.runtime import errors
from capelin.runtime.codec import Document
from capelin.workload.drain import DRAIN_RETRY
from tests import build
from tests.controllers.machine_world import KEY, World, machine_of_set
from tests.fakes import NOW, FakeClock

NODE = ObjectKey("", "worker")
HOUR = timedelta(hours=1)


@pytest.fixture
async def world() -> World:
    world = World()
    await world.run_machine()
    return world


async def delete(world: World) -> None:
    """Tell the Machine to go, and forget the writes so far."""
    await world.management.delete(Machine, KEY)
    world.management.writes.clear()
    world.workload.writes.clear()


async def finish(world: World, kind: type[DevMachine | KubeadmConfig]) -> None:
    """Let a provider finish the deletion of its object."""
    assert (world.management.stored(kind, KEY) or {})["metadata"].get("deletionTimestamp"), f"{kind.__name__} is not being deleted"
    await world.management.patch(kind, KEY, {"metadata": {"finalizers": None}})


def refuse_evictions(world: World) -> None:
    """Put a Pod on the Node whose disruption budget allows nothing."""

    def refuse(key: ObjectKey, body: Document) -> Document:
        raise errors.TooManyRequests("the budget allows nothing")

    world.workload.posts["eviction"] = refuse
    world.workload.seed(build.pod())


def is_gone(world: World) -> bool:
    return world.management.stored(Machine, KEY) is None


def is_being_deleted(world: World, kind: type[DevMachine | KubeadmConfig]) -> bool:
    found = world.management.stored(kind, KEY)
    return found is None or "deletionTimestamp" in found["metadata"]


async def test_everything_goes_in_order(world: World) -> None:
    reasons = []
    hooks = {f"{stage}.delete.hook.machine.cluster.x-k8s.io/mine": "" for stage in ("pre-drain", "pre-terminate")}
    await world.management.patch(Machine, KEY, {"metadata": {"annotations": hooks}})
    refuse_evictions(world)
    attachment = {"metadata": {"name": "a"}, "spec": {"attacher": "csi", "nodeName": "worker", "source": {"persistentVolumeName": "pv"}}}
    await delete(world)

    async def step() -> None:
        await world.reconcile()
        reasons.append(world.condition("Deleting").reason)

    await step()
    await world.management.patch(Machine, KEY, {"metadata": {"annotations": {"pre-drain.delete.hook.machine.cluster.x-k8s.io/mine": None}}})
    await step()
    world.workload.objects.pop(("", "pods", ObjectKey("default", "pod")))
    world.workload.seed(VolumeAttachment.parse(attachment))
    await step()
    await world.workload.delete(VolumeAttachment, ObjectKey("", "a"))
    await step()
    await world.management.patch(
        Machine, KEY, {"metadata": {"annotations": {"pre-terminate.delete.hook.machine.cluster.x-k8s.io/mine": None}}}
    )
    await step()
    assert world.workload.stored(Node, NODE) is not None
    await finish(world, DevMachine)
    await step()
    await finish(world, KubeadmConfig)
    await world.reconcile()

    assert reasons == [
        "WaitingForPreDrainHook",
        "DrainingNode",
        "WaitingForVolumeDetach",
        "WaitingForPreTerminateHook",
        "WaitingForInfrastructureDeletion",
        "WaitingForBootstrapDeletion",
    ]
    assert world.workload.stored(Node, NODE) is None
    assert is_gone(world)
    last = [w for w in world.management.writes if w.resource.kind == "Machine"][-2:]
    assert [w.subresource for w in last] == ["status", ""]


async def test_a_budget_holds_the_machine_until_the_time_out(world: World) -> None:
    await world.management.patch(Machine, KEY, {"spec": {"deletion": {"nodeDrainTimeoutSeconds": 30}}})
    refuse_evictions(world)
    await delete(world)

    first = await world.reconcile()
    await world.clock.advance(timedelta(seconds=20))
    second = await world.reconcile()
    still_there = not is_being_deleted(world, DevMachine)
    await world.clock.advance(timedelta(seconds=10))
    await world.reconcile()

    assert (first.after, second.after) == (DRAIN_RETRY, timedelta(seconds=10))
    assert still_there
    assert is_being_deleted(world, DevMachine)


async def test_a_wall_clock_that_jumps_cuts_no_drain_short(world: World) -> None:
    await world.management.patch(Machine, KEY, {"spec": {"deletion": {"nodeDrainTimeoutSeconds": 600}}})
    refuse_evictions(world)
    await delete(world)
    await world.reconcile()

    world.clock.at += timedelta(hours=24)
    await world.reconcile()

    assert not is_being_deleted(world, DevMachine)


@pytest.mark.parametrize(
    "annotation", ["machine.cluster.x-k8s.io/exclude-node-draining", "machine.cluster.x-k8s.io/exclude-wait-for-node-volume-detach"]
)
async def test_a_step_can_be_excluded(world: World, annotation: str) -> None:
    if "drain" in annotation:
        refuse_evictions(world)
    await world.management.patch(Machine, KEY, {"metadata": {"annotations": {annotation: ""}}})
    await delete(world)

    await world.reconcile()

    assert is_being_deleted(world, DevMachine)


async def test_the_node_of_a_deleted_cluster_is_left_to_it(world: World) -> None:
    refuse_evictions(world)
    await world.management.patch(Cluster, ObjectKey("default", "demo"), {"metadata": {"finalizers": ["cluster"]}})
    await world.management.delete(Cluster, ObjectKey("default", "demo"))
    await delete(world)

    await world.reconcile()
    await finish(world, DevMachine)
    await world.reconcile()
    await finish(world, KubeadmConfig)
    await world.reconcile()

    assert is_gone(world)
    assert world.workload.writes == []


async def test_a_machine_whose_cluster_is_gone_still_goes(world: World) -> None:
    world.management.objects.pop((Cluster.resource.group, "clusters", ObjectKey("default", "demo")))
    await delete(world)

    await world.reconcile()
    await finish(world, DevMachine)
    await world.reconcile()
    await finish(world, KubeadmConfig)
    await world.reconcile()

    assert is_gone(world)


async def test_a_machine_that_never_got_anywhere_goes_at_once() -> None:
    world = World()
    world.management.seed(machine_of_set(deleting=True))

    await world.reconcile()

    assert is_gone(world)


async def control_plane_world(**machines: Any) -> World:
    world = World()
    await world.run_machine(control_plane=True)
    for name, meta in machines.items():
        world.management.seed(build.machine(name, control_plane=True, **meta))
    refuse_evictions(world)
    await delete(world)
    return world


async def test_the_last_control_plane_node_is_neither_drained_nor_deleted() -> None:
    world = await control_plane_world(going={"deleting": True, "finalizers": ["x"]})

    await world.reconcile()
    await finish(world, DevMachine)
    await world.reconcile()
    await finish(world, KubeadmConfig)
    await world.reconcile()

    assert is_gone(world)
    assert world.workload.writes == []


async def test_one_of_several_control_plane_nodes_is_drained() -> None:
    world = await control_plane_world(second={})

    await world.reconcile()

    assert world.condition("Deleting").reason == "DrainingNode"


async def test_an_unreachable_cluster_holds_the_drain_and_says_so(world: World) -> None:
    world.clusters.cut()
    await delete(world)

    result = await world.reconcile()

    assert result.after == DRAIN_RETRY
    assert "there is no connection to cluster default/demo" in world.condition("Deleting").message
    assert not is_being_deleted(world, DevMachine)


async def test_a_cluster_that_refuses_to_be_drained_is_given_up_after_the_time_out(world: World) -> None:
    await world.management.patch(Machine, KEY, {"spec": {"deletion": {"nodeDrainTimeoutSeconds": 5}}})
    world.workload.read_faults["pods", ""] = errors.Forbidden("pods is forbidden")
    await delete(world)

    result = await world.reconcile()
    message = world.condition("Deleting").message
    await world.clock.advance(timedelta(seconds=5))
    await world.reconcile()

    assert result.after == timedelta(seconds=5)
    assert "pods is forbidden" in message
    assert is_being_deleted(world, DevMachine)


async def test_a_node_that_another_computer_took_over_is_left_alone(world: World) -> None:
    await world.workload.patch(Node, NODE, {"spec": {"providerID": "dev:////another"}})
    refuse_evictions(world)
    await delete(world)

    await world.reconcile()
    await finish(world, DevMachine)
    await world.reconcile()
    await finish(world, KubeadmConfig)
    await world.reconcile()

    assert is_gone(world)
    assert world.workload.stored(Node, NODE) is not None
    assert world.workload.stored(Pod, ObjectKey("default", "pod")) is not None


async def test_a_drain_is_not_repeated_once_the_hooks_before_the_end_have_begun(world: World) -> None:
    hook = "pre-terminate.delete.hook.machine.cluster.x-k8s.io/mine"
    await world.management.patch(Machine, KEY, {"metadata": {"annotations": {hook: ""}}})
    await delete(world)
    await world.reconcile()
    refuse_evictions(world)

    await world.reconcile()

    assert world.condition("Deleting").reason == "WaitingForPreTerminateHook"


async def test_a_node_that_cannot_be_deleted_is_given_up_after_its_time(world: World) -> None:
    await delete(world)
    await world.reconcile()
    await finish(world, DevMachine)
    await world.reconcile()
    await finish(world, KubeadmConfig)
    world.clusters.cut()

    waiting = await world.reconcile()
    reason = world.condition("Deleting").reason
    await world.clock.advance(timedelta(seconds=10))
    await world.reconcile()

    assert (waiting.after, reason) == (NODE_DELETION_RETRY, "DeletingNode")
    assert is_gone(world)


async def test_the_node_goes_only_after_its_infrastructure(world: World) -> None:
    await delete(world)

    await world.reconcile()
    await world.reconcile()

    assert world.workload.stored(Node, NODE) is not None


async def test_nothing_is_deleted_when_the_control_planes_state_cannot_be_read() -> None:
    world = await control_plane_world(second={})
    world.management.read_faults["machines", ""] = errors.Unreachable("no answer")

    with pytest.raises(ExceptionGroup):
        await world.reconcile()

    assert (world.condition("Deleting").reason, world.condition("Deleting").message) == ("InternalError", "no answer")
    assert not is_being_deleted(world, DevMachine)


async def test_a_deletion_that_takes_long_is_said_to_in_the_summary(world: World) -> None:
    refuse_evictions(world)
    await delete(world)
    await world.reconcile()
    soon = world.condition("Ready").message

    await world.clock.advance(timedelta(minutes=16))
    await world.reconcile()

    assert soon == "* Deleting: Machine deletion in progress, stage: DrainingNode"
    late = "Machine deletion in progress since more than 15m, stage: DrainingNode, delay likely due to PodDisruptionBudgets"
    assert world.condition("Ready").message == f"* Deleting: {late}"


def test_a_deadline_survives_a_restart_and_then_follows_the_monotonic_clock() -> None:
    clock = FakeClock()
    started_at = NOW - timedelta(minutes=10)

    first = Deadlines(clock).left("uid", "drain", started_at, HOUR)
    past = Deadlines(clock).left("uid", "drain", NOW - HOUR * 2, HOUR)
    future = Deadlines(clock).left("uid", "drain", NOW + HOUR, HOUR)

    assert (first, past, future) == (timedelta(minutes=50), timedelta(), HOUR)


def test_a_deadline_that_is_forgotten_begins_anew() -> None:
    clock = FakeClock()
    deadlines = Deadlines(clock)
    deadlines.left("uid", "drain", NOW, HOUR)
    clock.elapsed += 60

    kept = deadlines.left("uid", "drain", NOW, HOUR)
    deadlines.forget("uid")

    assert (kept, deadlines.left("uid", "drain", NOW, HOUR)) == (timedelta(minutes=59), HOUR)
