from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import MachineSetStatus
from capelin.api.meta import Object, ObjectKey
from capelin.controllers.machinedeployment.watches import (
    cluster_to_machinedeployments,
    has_new_generation,
    is_step,
    orphan_to_machinedeployments,
)
from capelin.runtime.cache import Cache, KindCache
from capelin.runtime.codec import encode
from capelin.runtime.entries import CachedObject, ingest
from capelin.runtime.reconcile import Change
from tests import build


def entry(obj: Object) -> CachedObject:
    obj.metadata.resource_version = "1"
    return ingest(encode(obj.wire()))


def reader(*deployments: MachineDeployment) -> Cache:
    cache, kind = Cache(), KindCache(MachineDeployment.resource)
    cache.add(kind)
    for deployment in deployments:
        kind.put(entry(deployment))
    return cache


DEPLOYMENTS = reader(build.machinedeployment("a"), build.machinedeployment("b", cluster_name="other"))


def test_a_cluster_wakes_its_deployments() -> None:
    assert list(cluster_to_machinedeployments(Change(None, entry(build.cluster())), DEPLOYMENTS)) == [ObjectKey("default", "a")]


def test_a_set_without_controller_wakes_the_deployments_of_its_cluster() -> None:
    assert list(orphan_to_machinedeployments(Change(None, entry(build.machineset())), DEPLOYMENTS)) == [ObjectKey("default", "a")]


def test_a_set_with_a_controller_wakes_no_deployment_that_might_adopt_it() -> None:
    machineset = entry(build.machineset(owners=[build.owner(build.machinedeployment("a"))]))

    assert list(orphan_to_machinedeployments(Change(None, machineset), DEPLOYMENTS)) == []


def test_of_a_cluster_only_the_spec_matters() -> None:
    first, second = build.cluster(), build.cluster()
    second.metadata.generation = 2

    assert has_new_generation(Change(entry(first), entry(second)))
    assert not has_new_generation(Change(entry(first), entry(first)))


def test_a_rollout_goes_on_when_a_set_counts_its_machines_differently_and_not_for_its_messages() -> None:
    first, told, counted = (build.machineset(status=MachineSetStatus(replicas=1)) for _ in range(3))
    told.status = MachineSetStatus(replicas=1, conditions=[build.condition("MachinesReady", "False")])
    counted.status = MachineSetStatus(replicas=1, available_replicas=1)

    assert is_step(Change(entry(first), entry(counted)))
    assert is_step(Change(entry(first), None))
    assert not is_step(Change(entry(first), entry(told)))
    assert not is_step(Change(None, entry(first)))
