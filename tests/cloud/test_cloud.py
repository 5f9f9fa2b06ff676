"""Simulated machines and the clusters they make, looked at through the endpoint."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import yaml

from capelin.api.behavior import APIBehavior, ExtraPod, MachineBehavior
from capelin.api.core import ConfigMap, DaemonSet, Deployment, Node, Pod, Secret
from capelin.api.meta import ObjectKey
from capelin.cloud.inmemory.boot import CONTROL_PLANE_POLL, JOIN_RETRY, SERVING_RETRY
from capelin.cloud.inmemory.orders import Order, Progress, Site, Stage, State
from capelin.runtime import errors
from tests.cloud.world import (
    CLUSTER,
    SECOND,
    SITE,
    TOKEN,
    World,
    ca,
    control_plane,
    init_files,
    join_files,
    machine_order,
    startups,
    worker,
)

FIRST, WORKER = ObjectKey("", "first"), ObjectKey("", "worker")


@pytest.fixture
def world() -> World:
    return World()


def states(progress: Progress) -> dict[str, str]:
    return {stage.value: step.state.value for stage, step in progress.steps.items()}


async def node(world: World, key: ObjectKey) -> Node:
    found = await world.outside().get(Node, key)
    assert found is not None
    return found


def ready(found: Node) -> str:
    conditions = found.status.conditions if found.status else None
    return next(c.status for c in conditions or () if c.type == "Ready")


# -- a control plane ---------------------------------------------------------------------------------------------------------------------


async def test_steps_take_the_time_they_were_given(world: World) -> None:
    order = control_plane(startups=startups(2))
    seen = []
    for _ in range(5):
        progress = await world.cloud.advance(order)
        seen.append((states(progress), progress.after))
        await world.clock.advance(2 * SECOND)

    assert seen == [
        ({"vm": "starting"}, 2 * SECOND),
        ({"vm": "done", "node": "starting"}, 2 * SECOND),
        ({"vm": "done", "node": "done", "etcd": "starting"}, 2 * SECOND),
        ({"vm": "done", "node": "done", "etcd": "done", "apiServer": "starting"}, 2 * SECOND),
        ({"vm": "done", "node": "done", "etcd": "done", "apiServer": "done"}, None),
    ]


async def test_a_random_part_of_the_time_is_drawn_once(world: World) -> None:
    order = control_plane(startups=startups(10, jitter=0.2))
    world.random.fraction = 0.5

    first = await world.cloud.advance(order)
    world.random.fraction = 0.9
    second = await world.cloud.advance(order)

    assert (first.after, second.after) == (11 * SECOND, 11 * SECOND)


async def test_nobody_is_served_before_the_api_server_runs(world: World) -> None:
    await world.cloud.provide(SITE, APIBehavior())
    await world.cloud.advance(control_plane(startups=startups()))

    assert not world.cloud.is_serving(SITE.uid)
    with pytest.raises(errors.Unreachable):
        await world.outside().list(Node)


async def test_init_makes_a_cluster(world: World) -> None:
    await world.run_cluster()
    outside = world.outside()

    found = await node(world, FIRST)
    assert ready(found) == "True"
    assert found.spec is not None
    assert found.spec.provider_id == "in-memory://first"
    assert [(t.key, t.effect) for t in found.spec.taints or ()] == [("node-role.kubernetes.io/control-plane", "NoSchedule")]
    assert "node-role.kubernetes.io/control-plane" in (found.metadata.labels or {})
    assert found.status is not None
    assert found.status.node_info is not None
    assert found.status.node_info.kubelet_version == "v1.34.0"
    pods = await outside.list(Pod)
    assert {(p.metadata.name, p.status.phase if p.status else "") for p in pods} == {
        (f"{component}-first", "Running") for component in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
    }
    assert all("kubernetes.io/config.mirror" in (p.metadata.annotations or {}) for p in pods)
    assert [d.metadata.name for d in await outside.list(DaemonSet)] == ["kube-proxy"]
    assert [d.metadata.name for d in await outside.list(Deployment)] == ["coredns"]


async def test_init_tells_machines_that_join_what_they_need(world: World) -> None:
    await world.cloud.provide(SITE, APIBehavior())
    await world.settle(machine_order("first", init_files(networking={"serviceSubnet": "10.50.0.0/16"}), is_control_plane=True))
    outside = world.outside()

    stored = await outside.get(ConfigMap, ObjectKey("kube-system", "kubeadm-config"))
    info = await outside.get(ConfigMap, ObjectKey("kube-public", "cluster-info"))
    kubelet = await outside.get(ConfigMap, ObjectKey("kube-system", "kubelet-config"))

    assert stored is not None
    assert yaml.safe_load((stored.data or {})["ClusterConfiguration"])["networking"] == {"serviceSubnet": "10.50.0.0/16"}
    assert info is not None
    assert yaml.safe_load((info.data or {})["kubeconfig"])["clusters"][0]["cluster"]["server"] == f"https://{SITE.endpoint}"
    assert kubelet is not None
    assert yaml.safe_load((kubelet.data or {})["kubelet"])["clusterDNS"] == ["10.50.0.10"]


async def test_the_mirrors_of_static_pods_go_with_their_node(world: World) -> None:
    await world.run_cluster()
    outside = world.outside()
    owners = [p.metadata.owner_references for p in await outside.list(Pod)]
    uid = (await node(world, FIRST)).uid

    assert all([(o.kind, o.uid) for o in owner or ()] == [("Node", uid)] for owner in owners)


async def test_asking_again_changes_nothing(world: World) -> None:
    order = worker()
    await world.run_cluster(order)
    store = await world.database.store(SITE.uid)
    before = store.revision

    for each in (order, control_plane()):
        progress = await world.cloud.advance(replace(each, bootstrap=None))
        assert (progress.after, all(step.state is State.DONE for step in progress.steps.values())) == (None, True)

    assert store.revision == before


async def test_bootstrap_data_that_is_no_good_is_told(world: World) -> None:
    progress = await world.cloud.advance(replace(control_plane(), bootstrap=b"#!/bin/sh"))

    assert states(progress) == {"vm": "done", "node": "failed"}
    assert "does not begin with #cloud-config" in progress.steps[Stage.NODE].message
    assert progress.after is None


async def test_data_of_a_worker_makes_no_control_plane(world: World) -> None:
    progress = await world.cloud.advance(replace(worker(), is_control_plane=True))

    assert "found a worker, allowed is a control plane" in progress.steps[Stage.NODE].message


async def test_without_an_authority_nothing_is_served_until_there_is_one(world: World) -> None:
    world.authorities.clear()

    progress = await world.cloud.advance(control_plane())
    world.authorities[CLUSTER] = ca()
    later = await world.cloud.advance(control_plane())

    assert "certificate authority of cluster default/demo does not exist" in progress.steps[Stage.API_SERVER].message
    assert progress.after == SERVING_RETRY
    assert states(later)["apiServer"] == "done"


# -- joining -----------------------------------------------------------------------------------------------------------------------------


async def test_a_worker_joins(world: World) -> None:
    await world.run_cluster(worker())

    found = await node(world, WORKER)
    assert ready(found) == "True"
    assert found.spec is not None
    assert (found.spec.provider_id, found.spec.taints) == ("in-memory://worker", None)


async def test_the_node_is_as_its_registration_says(world: World) -> None:
    registration = {
        "kubeletExtraArgs": [{"name": "node-labels", "value": "tier=gold"}],
        "taints": [{"key": "node.cluster.x-k8s.io/uninitialized", "effect": "NoSchedule"}],
    }
    await world.run_cluster()
    files = join_files(SITE.endpoint, TOKEN, (), nodeRegistration=registration)
    document = yaml.safe_load(next(iter(files.values())))
    document["discovery"]["bootstrapToken"]["unsafeSkipCAVerification"] = True
    await world.settle(machine_order("worker", {next(iter(files)): yaml.safe_dump(document).encode()}, zone="a"))

    found = await node(world, WORKER)
    labels = found.metadata.labels or {}
    assert (labels["tier"], labels["topology.kubernetes.io/zone"], labels["kubernetes.io/hostname"]) == ("gold", "a", "worker")
    assert found.spec is not None
    assert [taint.key for taint in found.spec.taints or ()] == ["node.cluster.x-k8s.io/uninitialized"]


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (worker(token="zzzzzz.0123456789abcdef"), "the bootstrap token zzzzzz is unknown"),
        (worker(token="abcdef.fedcba9876543210"), "the secret of the bootstrap token abcdef is another"),
        (machine_order("worker", join_files(SITE.endpoint, TOKEN, ["sha256:00"])), "trusted are sha256:00"),
        (machine_order("worker", join_files("127.0.0.1:1", TOKEN, [])), "no control plane answers at 127.0.0.1:1"),
    ],
)
async def test_a_refused_machine_says_why_and_tries_again(world: World, order: Order, reason: str) -> None:
    await world.run_cluster()

    progress = await world.cloud.advance(order)

    assert states(progress) == {"vm": "done", "node": "failed"}
    assert progress.steps[Stage.NODE].message.startswith("kubeadm join was refused: ")
    assert reason in progress.steps[Stage.NODE].message
    assert progress.after == JOIN_RETRY
    assert await world.outside().get(Node, WORKER) is None


async def test_a_machine_joins_once_it_is_let_in(world: World) -> None:
    late = worker(token="zzzzzz.0123456789abcdef")
    await world.run_cluster()
    await world.cloud.advance(late)

    await world.allow("zzzzzz.0123456789abcdef")
    progress = await world.cloud.advance(late)

    assert states(progress) == {"vm": "done", "node": "done"}


async def test_an_expired_token_lets_nobody_in(world: World) -> None:
    await world.cloud.provide(SITE, APIBehavior())
    await world.settle(control_plane())
    await world.allow(TOKEN, expiration=f"{world.clock.now() + SECOND:%Y-%m-%dT%H:%M:%SZ}")
    await world.clock.advance(SECOND)

    progress = await world.cloud.advance(worker())

    assert "has expired" in progress.steps[Stage.NODE].message


async def test_without_a_control_plane_nobody_joins(world: World) -> None:
    progress = await world.cloud.advance(worker())

    assert "no control plane answers at 127.0.0.1:20443" in progress.steps[Stage.NODE].message


async def test_a_node_of_another_machine_is_left_alone(world: World) -> None:
    await world.run_cluster(worker())
    rival = replace(worker(), uid="uid-rival", provider_id="in-memory://rival")

    progress = await world.cloud.advance(rival)

    assert "already, which is another machine's" in progress.steps[Stage.NODE].message
    found = (await node(world, WORKER)).spec
    assert found is not None
    assert found.provider_id == "in-memory://worker"


# -- the end of machines and clusters ------------------------------------------------------------------------------------------------------


async def test_a_removed_machine_leaves_its_node_to_others(world: World) -> None:
    await world.run_cluster(worker())

    await world.cloud.remove("uid-worker")

    assert not world.cloud.has("uid-worker")
    assert await world.outside().get(Node, WORKER) is not None


async def test_with_the_last_control_plane_machine_the_cluster_stops_answering(world: World) -> None:
    await world.run_cluster()
    second = join_files(SITE.endpoint, TOKEN, (), controlPlane={})
    document = yaml.safe_load(next(iter(second.values())))
    document["discovery"]["bootstrapToken"]["unsafeSkipCAVerification"] = True
    await world.settle(machine_order("second", {next(iter(second)): yaml.safe_dump(document).encode()}, is_control_plane=True))

    await world.cloud.remove("uid-first")
    still = world.cloud.is_serving(SITE.uid)
    await world.cloud.remove("uid-second")

    assert (still, world.cloud.is_serving(SITE.uid)) == (True, False)
    with pytest.raises(errors.Unreachable):
        await world.outside().list(Node)


async def test_removing_twice_is_removing_once(world: World) -> None:
    await world.cloud.remove("nobody")
    await world.cloud.withdraw("nowhere")


async def test_a_withdrawn_cluster_is_forgotten(world: World) -> None:
    await world.run_cluster()

    await world.cloud.withdraw(SITE.uid)

    assert not world.cloud.is_serving(SITE.uid)
    assert (await world.database.store(SITE.uid)).revision == 0


async def test_one_address_serves_one_cluster(world: World) -> None:
    await world.run_cluster()
    rival = Site("other-uid", ObjectKey("default", "other"), SITE.host, SITE.port)

    with pytest.raises(OSError, match="another simulated cluster"):
        await world.cloud.provide(rival, APIBehavior())
    world.authorities[rival.cluster] = ca()
    progress = await world.cloud.advance(control_plane("rival", site=rival))
    await world.cloud.withdraw(SITE.uid)
    later = await world.cloud.advance(control_plane("rival", site=rival))

    assert "127.0.0.1:20443 cannot be served" in progress.steps[Stage.API_SERVER].message
    assert progress.after == SERVING_RETRY
    assert states(later)["apiServer"] == "done"


async def test_two_clusters_of_one_name_have_nothing_in_common(world: World) -> None:
    other = Site("other-uid", ObjectKey("elsewhere", "demo"), "127.0.0.1", 20444)
    world.authorities[other.cluster] = ca()
    await world.run_cluster(worker())

    await world.settle(replace(control_plane(site=other), uid="uid-other"))

    assert [n.metadata.name for n in await world.outside(other).list(Node)] == ["first"]
    assert len(await world.outside().list(Node)) == 2


@pytest.mark.slow
async def test_a_hundred_clusters_need_no_task_between_them(world: World) -> None:
    for number in range(100):
        site = Site(f"uid-{number}", ObjectKey("default", f"cluster-{number}"), "127.0.0.1", 20_000 + number)
        world.authorities[site.cluster] = ca()
        await world.settle(replace(control_plane(site=site), uid=f"first-{number}"))

    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert len(await world.outside(site).list(Node)) == 1


# -- after a restart ---------------------------------------------------------------------------------------------------------------------


async def test_a_restart_keeps_the_cluster_without_a_write(world: World) -> None:
    await world.run_cluster(worker())
    store = await world.database.store(SITE.uid)
    before = store.revision
    await world.restart()

    late = await world.cloud.advance(replace(worker(startups=startups(60)), has_joined=True))
    first = await world.cloud.advance(replace(control_plane(startups=startups(60)), has_joined=True))

    assert states(late) == {"vm": "done", "node": "done"}
    assert states(first)["apiServer"] == "done"
    assert ready(await node(world, WORKER)) == "True"
    assert store.revision == before


async def test_without_a_database_a_restart_makes_anew_what_kubeadm_made(world: World) -> None:
    await world.run_cluster(worker())
    await world.database.drop(SITE.uid)
    await world.restart()

    early = await world.cloud.advance(replace(worker(), has_joined=True, bootstrap=None))
    await world.cloud.advance(replace(control_plane(), has_joined=True))
    await world.cloud.advance(replace(worker(), has_joined=True))

    assert (states(early), early.after) == ({"vm": "done", "node": "starting"}, CONTROL_PLANE_POLL)
    assert [n.metadata.name for n in await world.outside().list(Node)] == ["first", "worker"]
    assert len(await world.outside().list(DaemonSet)) == 1


async def test_a_machine_that_had_not_joined_yet_starts_over_after_a_restart(world: World) -> None:
    await world.run_cluster()
    order = worker(startups=startups(5))
    await world.cloud.advance(order)
    await world.restart()
    await world.settle(replace(control_plane(), has_joined=True))

    progress = await world.cloud.advance(order)

    assert (states(progress), progress.after) == ({"vm": "starting"}, 5 * SECOND)


async def test_an_interrupted_init_is_completed(world: World) -> None:
    """The process died between the Node and everything else: the next one finds its own Node and goes on."""
    order = control_plane(startups=startups())
    await world.cloud.advance(order)
    await world.clock.advance(2 * SECOND)
    await world.cloud.advance(order)
    await world.restart()

    await world.settle(order)

    assert len(await world.outside().list(Pod)) == 4


# -- behavior ----------------------------------------------------------------------------------------------------------------------------


async def test_a_machine_that_never_boots_waits_until_it_may(world: World) -> None:
    order = control_plane(behavior=MachineBehavior(never_boot=True))

    stuck = await world.cloud.advance(order)
    freed = await world.cloud.advance(replace(order, behavior=MachineBehavior()))

    assert (states(stuck), stuck.after) == ({"vm": "failed"}, None)
    assert states(freed)["apiServer"] == "done"


async def test_a_boot_delay_can_be_changed_while_it_lasts(world: World) -> None:
    order = control_plane(startups=startups(), behavior=MachineBehavior(boot_delay=10 * SECOND))

    first = await world.cloud.advance(order)
    second = await world.cloud.advance(replace(order, behavior=MachineBehavior(boot_delay=3 * SECOND)))

    assert (first.after, second.after) == (11 * SECOND, 4 * SECOND)


async def test_a_failing_bootstrap_says_what_it_was_told_to(world: World) -> None:
    await world.run_cluster()
    order = worker(behavior=MachineBehavior(fail_bootstrap="disk full"))

    progress = await world.cloud.advance(order)

    assert progress.steps[Stage.NODE].message == "the bootstrap data failed: disk full"
    assert states(await world.cloud.advance(replace(order, behavior=MachineBehavior())))["node"] == "done"


async def test_a_machine_dies_when_its_time_has_come(world: World) -> None:
    order = worker(behavior=MachineBehavior(die_after=5 * SECOND))
    await world.run_cluster()

    alive = await world.cloud.advance(order)
    await world.clock.advance(5 * SECOND)
    dead = await world.cloud.advance(order)

    assert alive.after == 5 * SECOND
    assert states(dead) == {"vm": "failed", "node": "failed"}
    assert dead.after is None
    assert ready(await node(world, WORKER)) == "Unknown"


async def test_a_dead_machine_stays_dead(world: World) -> None:
    order = worker(behavior=MachineBehavior(die_after=timedelta()))
    await world.run_cluster()
    await world.cloud.advance(order)
    await world.cloud.advance(order)

    assert states(await world.cloud.advance(replace(order, behavior=MachineBehavior()))) == {"vm": "failed", "node": "failed"}


async def test_a_control_plane_dies_with_its_last_machine(world: World) -> None:
    await world.run_cluster()

    await world.cloud.advance(control_plane(behavior=MachineBehavior(die_after=timedelta())))

    assert not world.cloud.is_serving(SITE.uid)


async def test_a_lost_node_comes_back_without_a_token(world: World) -> None:
    await world.run_cluster(worker())
    first = await node(world, WORKER)

    lost = await world.cloud.advance(worker(behavior=MachineBehavior(lose_node=True)))
    gone = await world.outside().get(Node, WORKER)
    await world.outside().delete(Secret, ObjectKey("kube-system", "bootstrap-token-abcdef"))
    await world.cloud.advance(worker())

    assert "lost" in lost.steps[Stage.NODE].message
    assert gone is None
    assert (await node(world, WORKER)).uid != first.uid


async def test_extra_pods_run_on_the_node_and_are_made_once(world: World) -> None:
    order = worker(behavior=MachineBehavior(pods=(ExtraPod(name="web", labels={"app": "web"}), ExtraPod(name="x", namespace="later"))))
    await world.run_cluster(order)
    pods = await world.outside().list(Pod)
    web = next(p for p in pods if p.metadata.name == "web")

    await world.outside().delete(Pod, web.key)
    await world.cloud.advance(order)

    assert web.spec is not None
    assert (web.spec.node_name, web.metadata.labels) == ("worker", {"app": "web"})
    assert await world.outside().get(Pod, web.key) is None


async def test_an_unreachable_api_keeps_its_cluster(world: World) -> None:
    await world.run_cluster(worker())

    await world.cloud.provide(SITE, APIBehavior(unreachable=True))
    with pytest.raises(errors.Unreachable):
        await world.outside().list(Node)
    await world.cloud.provide(SITE, APIBehavior())

    assert len(await world.outside().list(Node)) == 2


async def test_a_slow_api_answers_late(world: World) -> None:
    await world.run_cluster()
    await world.cloud.provide(SITE, APIBehavior(latency=3 * SECOND))

    answer = asyncio.create_task(world.outside().list(Node))
    await world.clock.advance(2 * SECOND)
    early = answer.done()
    await world.clock.advance(SECOND)

    assert (early, len(await answer)) == (False, 1)


async def test_a_cluster_moves_when_its_endpoint_does(world: World) -> None:
    await world.run_cluster()
    elsewhere = replace(SITE, port=20555)

    await world.cloud.provide(elsewhere, APIBehavior())

    assert len(await world.outside(elsewhere).list(Node)) == 1
    with pytest.raises(errors.Unreachable):
        await world.outside().list(Node)
