"""What wakes the controllers of the dev provider."""

from __future__ import annotations

from capelin.api.cluster import ClusterInitialization, ClusterStatus
from capelin.api.devcluster import DevCluster
from capelin.api.devmachine import DevMachine
from capelin.api.meta import Object, ObjectKey
from capelin.controllers.devcluster.watches import cluster_to_devclusters
from capelin.controllers.devmachine.watches import cluster_to_devmachines, has_new_spec, lets_machines_start, machine_to_devmachines
from capelin.runtime.cache import Cache, KindCache
from capelin.runtime.codec import encode
from capelin.runtime.entries import CachedObject, ingest
from capelin.runtime.reconcile import Change
from tests import build


def entry(obj: Object) -> CachedObject:
    obj.metadata.resource_version = "7"
    return ingest(encode(obj.wire()))


def reader(*objects: Object) -> Cache:
    cache = Cache()
    for kind in (DevCluster, DevMachine):
        kept = KindCache(kind.resource)
        cache.add(kept)
        for obj in objects:
            if isinstance(obj, kind):
                kept.put(entry(obj))
    return cache


def test_a_cluster_wakes_the_devcluster_it_owns() -> None:
    owned = build.devcluster("mine", owners=[build.owner(build.cluster())])
    found = reader(owned, build.devcluster("other"), build.devcluster("far", namespace="elsewhere", owners=[build.owner(build.cluster())]))

    got = list(cluster_to_devclusters(Change(None, entry(build.cluster())), found))

    assert got == [ObjectKey("default", "mine")]


def test_a_machine_wakes_the_devmachine_it_owns() -> None:
    found = reader(build.devmachine("mine", owners=[build.owner(build.machine("worker"))]), build.devmachine("other"))

    got = list(machine_to_devmachines(Change(None, entry(build.machine("worker"))), found))

    assert got == [ObjectKey("default", "mine")]


def test_a_cluster_wakes_its_devmachines() -> None:
    found = reader(build.devmachine("a"), build.devmachine("b", cluster_name="other"), build.devmachine("c", namespace="elsewhere"))

    got = list(cluster_to_devmachines(Change(None, entry(build.cluster())), found))

    assert got == [ObjectKey("default", "a")]


def test_the_status_of_a_machine_wakes_nobody() -> None:
    machine = build.machine()
    changed = build.machine()
    changed.metadata.generation = 2

    assert has_new_spec(Change(entry(machine), entry(changed)))
    assert has_new_spec(Change(None, entry(machine)))
    assert not has_new_spec(Change(entry(machine), entry(machine)))


def test_of_a_cluster_only_pausing_and_its_infrastructure_wake_machines() -> None:
    def cluster(paused: bool | None = None, **initialization: bool) -> CachedObject:
        status = ClusterStatus(initialization=ClusterInitialization(**initialization))
        return entry(build.cluster(paused=paused, status=status))

    bare, provisioned = cluster(), cluster(infrastructure_provisioned=True)

    assert lets_machines_start(Change(bare, provisioned))
    assert lets_machines_start(Change(bare, cluster(paused=True)))
    assert lets_machines_start(Change(None, bare))
    assert not lets_machines_start(Change(provisioned, cluster(infrastructure_provisioned=True, control_plane_initialized=True)))
