from capelin.api.machinedeployment import MachineDeployment
from capelin.api.meta import Object, ObjectKey
from capelin.controllers.machinedeployment.watches import cluster_to_machinedeployments, has_new_generation, orphan_to_machinedeployments
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
