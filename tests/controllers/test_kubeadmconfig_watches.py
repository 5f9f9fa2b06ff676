"""What wakes the KubeadmConfig controller."""

from __future__ import annotations

from capelin.api.kubeadmconfig import KubeadmConfig
from capelin.api.meta import Object, ObjectKey
from capelin.controllers.kubeadmconfig.watches import cluster_to_configs, machine_to_configs
from capelin.runtime.cache import Cache, KindCache
from capelin.runtime.codec import encode
from capelin.runtime.entries import CachedObject, ingest
from capelin.runtime.reconcile import Change
from tests import build


def entry(obj: Object) -> CachedObject:
    document = obj.wire()
    return ingest(encode({**document, "metadata": {**document["metadata"], "resourceVersion": "1"}}))


def reader(*configs: KubeadmConfig) -> Cache:
    cache, kind = Cache(), KindCache(KubeadmConfig.resource)
    cache.add(kind)
    for config in configs:
        kind.put(entry(config))
    return cache


def test_a_cluster_wakes_its_configs_and_no_namesakes_in_other_namespaces() -> None:
    configs = reader(
        build.kubeadmconfig("a"), build.kubeadmconfig("b", cluster_name="other"), build.kubeadmconfig("c", namespace="elsewhere")
    )

    assert list(cluster_to_configs(Change(None, entry(build.cluster())), configs)) == [ObjectKey("default", "a")]


def test_a_machine_wakes_the_config_it_owns() -> None:
    machine = build.machine("a", control_plane=True)
    configs = reader(build.kubeadmconfig("a", owners=[build.owner(machine)]), build.kubeadmconfig("b"))

    assert list(machine_to_configs(Change(None, entry(machine)), configs)) == [ObjectKey("default", "a")]


def test_a_control_plane_machine_that_is_gone_wakes_those_that_wait_for_it() -> None:
    machine = build.machine("a", control_plane=True)
    configs = reader(build.kubeadmconfig("b"), build.kubeadmconfig("c", cluster_name="other"))

    assert list(machine_to_configs(Change(entry(machine), None), configs)) == [ObjectKey("default", "b")]


def test_a_worker_that_is_gone_wakes_nobody_else() -> None:
    configs = reader(build.kubeadmconfig("b"))

    assert list(machine_to_configs(Change(entry(build.machine("a")), None), configs)) == []
