"""What is allowed of Machines."""

from __future__ import annotations

import pytest

from capelin.api.labels import CONTROL_PLANE_TAINT, POOL_NAME_LABEL
from capelin.api.machine import Bootstrap, MachineTaint
from capelin.api.refusals import VERSION_IS_SEMANTIC
from capelin.webhooks.machine import WEBHOOK
from capelin.webhooks.rules.bootstrap import HAS_BOOTSTRAP
from capelin.webhooks.rules.cluster import CLUSTER_NAME_STAYS
from capelin.webhooks.rules.taints import CONTROL_PLANE_TAINT_IS_FOR_CONTROL_PLANES, TAINTS_ARE_NOT_RESERVED
from tests import build
from tests.webhooks.asking import accepted, defaulted, fields, refused

TAINT = MachineTaint(key=CONTROL_PLANE_TAINT, effect="NoSchedule", propagation="Always")


def test_defaults_are_those_of_the_api() -> None:
    got = defaulted(WEBHOOK, build.machine(spec={"version": "1.34.0"}))

    assert got.spec.version == "v1.34.0"
    assert got.spec.deletion.node_deletion_timeout_seconds == 10


@pytest.mark.parametrize("version", [None, "v1.34.0", "v1.34.0-rc.1", "v1.34.0+vendor.1"])
def test_version_is_semantic_accepts_versions_and_none(version: str | None) -> None:
    accepted(WEBHOOK, build.machine(spec={"version": version}))


@pytest.mark.parametrize("version", ["latest", "v1.99", "1.2.3.4", "v01.2.3"])
def test_version_is_semantic_refuses_what_is_no_version(version: str) -> None:
    (refusal,) = refused(VERSION_IS_SEMANTIC, WEBHOOK, build.machine(spec={"version": version}))

    assert refusal.field == "spec.version"
    assert version in refusal.found


def test_has_bootstrap_accepts_a_configuration_or_data() -> None:
    accepted(WEBHOOK, build.machine())
    accepted(WEBHOOK, build.machine(spec={"bootstrap": Bootstrap(data_secret_name="data")}))


def test_has_bootstrap_accepts_neither_for_a_machine_of_a_pool() -> None:
    accepted(WEBHOOK, build.machine(spec={"bootstrap": Bootstrap()}, labels={POOL_NAME_LABEL: "pool"}))


def test_has_bootstrap_refuses_a_machine_with_neither() -> None:
    refusals = refused(HAS_BOOTSTRAP, WEBHOOK, build.machine(spec={"bootstrap": Bootstrap()}))

    assert fields(refusals) == ["spec.bootstrap"]


def test_control_plane_taint_is_for_control_planes_accepts_it_there() -> None:
    accepted(WEBHOOK, build.machine(control_plane=True, spec={"taints": [TAINT]}))


def test_control_plane_taint_is_for_control_planes_refuses_it_on_a_worker() -> None:
    refusals = refused(CONTROL_PLANE_TAINT_IS_FOR_CONTROL_PLANES, WEBHOOK, build.machine(spec={"taints": [TAINT]}))

    assert fields(refusals) == ["spec.taints[0].key"]


@pytest.mark.parametrize("key", ["example.com/gpu", "node.kubernetes.io/out-of-service", "node-role.kubernetes.io/worker"])
def test_taints_are_not_reserved_accepts_keys_of_users(key: str) -> None:
    accepted(WEBHOOK, build.machine(spec={"taints": [MachineTaint(key=key, effect="NoSchedule", propagation="Always")]}))


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("node.cluster.x-k8s.io/uninitialized", id="on new Nodes"),
        pytest.param("node.cluster.x-k8s.io/outdated-revision", id="on Nodes of an old revision"),
        pytest.param("node.kubernetes.io/not-ready", id="set by the kubelet"),
        pytest.param("node.cloudprovider.kubernetes.io/shutdown", id="set by the cloud"),
        pytest.param("node-role.kubernetes.io/master", id="given up by kubeadm"),
    ],
)
def test_taints_are_not_reserved_refuses_keys_that_others_set(key: str) -> None:
    taints = [MachineTaint(key="example.com/gpu", effect="NoSchedule", propagation="Always"), TAINT.model_copy(update={"key": key})]

    refusals = refused(TAINTS_ARE_NOT_RESERVED, WEBHOOK, build.machine(control_plane=True, spec={"taints": taints}))

    assert fields(refusals) == ["spec.taints[1].key"]
    assert key in refusals[0].found


def test_cluster_name_stays_accepts_the_same_cluster() -> None:
    accepted(WEBHOOK, build.machine(spec={"version": "v1.35.0"}), build.machine())


def test_cluster_name_stays_refuses_another_cluster() -> None:
    refusals = refused(CLUSTER_NAME_STAYS, WEBHOOK, build.machine(spec={"cluster_name": "other"}), build.machine())

    assert fields(refusals) == ["spec.clusterName"]
