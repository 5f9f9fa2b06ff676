import pytest

from capelin.api.machine import MachineStatus
from capelin.api.machineset import MachineSet
from capelin.api.meta import Object, ObjectKey
from capelin.controllers.machineset.watches import (
    cluster_to_machinesets,
    deployment_to_machinesets,
    has_come_or_gone,
    has_new_generation,
    has_new_standing,
    orphan_to_machinesets,
)
from capelin.runtime.cache import Cache, KindCache
from capelin.runtime.codec import encode
from capelin.runtime.entries import CachedObject, ingest
from capelin.runtime.reconcile import Change
from tests import build


def entry(obj: Object) -> CachedObject:
    obj.metadata.resource_version = "1"
    return ingest(encode(obj.wire()))


def reader(*machinesets: MachineSet) -> Cache:
    cache, kind = Cache(), KindCache(MachineSet.resource)
    cache.add(kind)
    for machineset in machinesets:
        kind.put(entry(machineset))
    return cache


def a_machine(ready: str = "True", message: str = "", **meta: object) -> CachedObject:
    conditions = [build.condition("Ready", ready, message=message), build.condition("NodeReady", message=message)]
    return entry(build.machine(status=MachineStatus(conditions=conditions), **meta))  # type: ignore[arg-type]


SETS = reader(build.machineset("a"), build.machineset("b", cluster_name="other"), build.machineset("c", namespace="elsewhere"))


def test_a_cluster_wakes_its_sets_and_no_namesakes_in_other_namespaces() -> None:
    assert list(cluster_to_machinesets(Change(None, entry(build.cluster())), SETS)) == [ObjectKey("default", "a")]


def test_a_machine_without_controller_wakes_the_sets_of_its_cluster() -> None:
    assert list(orphan_to_machinesets(Change(None, entry(build.machine())), SETS)) == [ObjectKey("default", "a")]


def test_a_machine_with_a_controller_wakes_no_set_that_might_adopt_it() -> None:
    machine = entry(build.machine(owners=[build.owner(build.machineset("a"))]))

    assert list(orphan_to_machinesets(Change(None, machine), SETS)) == []


def test_a_deployment_wakes_the_sets_it_owns() -> None:
    deployment = build.machinedeployment()
    sets = reader(build.machineset("a", owners=[build.owner(deployment)]), build.machineset("b"))

    assert list(deployment_to_machinesets(Change(None, entry(deployment)), sets)) == [ObjectKey("default", "a")]


@pytest.mark.parametrize(
    ("change", "want"),
    [
        pytest.param(Change(None, a_machine()), True, id="it came"),
        pytest.param(Change(a_machine(), None), True, id="it went"),
        pytest.param(Change(a_machine(), a_machine(deleting=True)), True, id="it was told to go"),
        pytest.param(Change(a_machine(), a_machine(ready="False")), False, id="anything else"),
    ],
)
def test_coming_and_going_is_urgent(change: Change, want: bool) -> None:
    assert has_come_or_gone(change) is want


@pytest.mark.parametrize(
    ("change", "want"),
    [
        pytest.param(Change(a_machine(ready="False"), a_machine()), True, id="it became ready"),
        pytest.param(Change(entry(build.machine()), a_machine()), True, id="it reports for the first time"),
        pytest.param(Change(a_machine(), a_machine(message="other words")), False, id="it says the same in other words"),
        pytest.param(Change(None, a_machine()), False, id="it came: that is urgent anyway"),
    ],
)
def test_a_new_standing_is_one_the_counters_depend_on(change: Change, want: bool) -> None:
    assert has_new_standing(change) is want


def test_of_clusters_and_deployments_only_the_spec_matters() -> None:
    first, second = build.machinedeployment(), build.machinedeployment()
    second.metadata.generation = 2

    assert has_new_generation(Change(entry(first), entry(second)))
    assert has_new_generation(Change(None, entry(first)))
    assert not has_new_generation(Change(entry(first), entry(first)))
