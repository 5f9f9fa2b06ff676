from __future__ import annotations

from capelin.api.cluster import Cluster, ClusterInitialization, ClusterStatus
from capelin.api.machine import Machine
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.meta import ObjectKey
from capelin.controllers.machine.watches import (
    DECLARATION,
    cluster_to_machines,
    deployment_to_machines,
    has_new_revision,
    is_step_of_cluster,
)
from capelin.runtime.cache import Cache, KindCache
from capelin.runtime.codec import encode
from capelin.runtime.entries import CachedObject, ingest
from capelin.runtime.reconcile import Change
from tests import build

REVISION = "machinedeployment.clusters.x-k8s.io/revision"


def entry(obj: Cluster | Machine | MachineDeployment) -> CachedObject:
    obj.metadata.resource_version = obj.metadata.resource_version or "1"
    return ingest(encode(obj.wire()))


def reader(*machines: Machine) -> Cache:
    cache, kind = Cache(), KindCache(Machine.resource)
    cache.add(kind)
    for machine in machines:
        kind.put(entry(machine))
    return cache


def test_a_cluster_wakes_its_machines_and_no_namesakes_in_other_namespaces() -> None:
    machines = reader(build.machine("a"), build.machine("b", cluster_name="other"), build.machine("c", namespace="elsewhere"))

    got = list(cluster_to_machines(Change(None, entry(build.cluster())), machines))

    assert got == [ObjectKey("default", "a")]


def test_a_deployment_wakes_its_machines() -> None:
    labels = {"cluster.x-k8s.io/deployment-name": "workers"}
    machines = reader(build.machine("a", labels=labels), build.machine("b"))

    got = list(deployment_to_machines(Change(None, entry(build.machinedeployment())), machines))

    assert got == [ObjectKey("default", "a")]


def test_only_a_new_revision_of_a_deployment_matters() -> None:
    first, second = (entry(build.machinedeployment(annotations={REVISION: revision})) for revision in ("1", "2"))

    assert has_new_revision(Change(first, second))
    assert not has_new_revision(Change(first, first))
    assert not has_new_revision(Change(None, first))


def test_only_steps_of_the_cluster_wake_its_machines() -> None:
    plain = build.cluster()
    counted = build.cluster(status=ClusterStatus(phase="Provisioned"))
    ready = build.cluster(status=ClusterStatus(initialization=ClusterInitialization(control_plane_initialized=True)))
    changed = build.cluster()
    changed.metadata.generation = 2

    def is_step(old: Cluster | None, new: Cluster | None) -> bool:
        return is_step_of_cluster(Change(entry(old) if old else None, entry(new) if new else None))

    assert [is_step(plain, new) for new in (plain, counted, ready, changed, None)] == [False, False, True, True, True]


def test_the_declaration_is_that_of_machines() -> None:
    assert (DECLARATION.name, DECLARATION.kind) == ("machine", Machine)
