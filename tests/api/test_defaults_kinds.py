"""What admission fills in on pools, health checks, add-ons and extensions: what is there stays, and a second time changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from capelin.api.clusterresourceset import ClusterResourceSet
from capelin.api.defaults import (
    default_clusterresourceset,
    default_extensionconfig,
    default_machinehealthcheck,
    default_machinepool,
)
from capelin.api.extensionconfig import ExtensionConfig
from capelin.api.labels import AUTOSCALER_MAX_SIZE_ANNOTATION, AUTOSCALER_MIN_SIZE_ANNOTATION
from capelin.api.machinehealthcheck import MachineHealthCheck
from capelin.api.machinepool import MachinePool
from capelin.api.meta import Object
from tests import buildclasses

CLUSTER_LABEL = "cluster.x-k8s.io/cluster-name"
BOUNDS = {AUTOSCALER_MIN_SIZE_ANNOTATION: "2", AUTOSCALER_MAX_SIZE_ANNOTATION: "6"}

POOL_SPEC = {
    "clusterName": "demo",
    "template": {
        "spec": {
            "clusterName": "demo",
            "bootstrap": {"dataSecretName": "data"},
            "infrastructureRef": {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "DevMachinePool", "name": "pool"},
            "version": "1.34.0",
        }
    },
}


def pool(*, annotations: dict[str, str] | None = None, **spec: Any) -> MachinePool:
    """Return a pool that says as little as the schema allows."""
    return MachinePool.parse({"metadata": {"name": "pool", "annotations": annotations or {}}, "spec": POOL_SPEC | spec})


def check(**spec: Any) -> MachineHealthCheck:
    """Return a health check that says as little as the schema allows."""
    return MachineHealthCheck.parse({"metadata": {"name": "check"}, "spec": {"clusterName": "demo", "selector": {}} | spec})


def resources(**spec: Any) -> ClusterResourceSet:
    """Return a set of resources that says as little as the schema allows."""
    named = {"clusterSelector": {}, "resources": [{"kind": "Secret", "name": "addons"}]}
    return ClusterResourceSet.parse({"metadata": {"name": "addons"}, "spec": named | spec})


def extension(client: dict[str, Any], **spec: Any) -> ExtensionConfig:
    """Return an extension that is reached like that."""
    return ExtensionConfig.parse({"metadata": {"name": "extension"}, "spec": {"clientConfig": client} | spec})


def test_a_pool_gets_its_clusters_label_and_its_template_is_completed_as_a_machine_is() -> None:
    got = default_machinepool(pool())

    assert got.metadata.labels == {CLUSTER_LABEL: "demo"}
    template = got.spec.template.spec
    assert template.version == "v1.34.0"
    assert template.deletion is not None
    assert template.deletion.node_deletion_timeout_seconds == 10


def test_a_pools_template_gets_no_labels_for_no_machine_is_made_from_it() -> None:
    assert default_machinepool(pool()).spec.template.metadata is None


@pytest.mark.parametrize(
    ("annotations", "spec", "previous", "want"),
    [
        pytest.param({}, {}, None, 1, id="one without anything"),
        pytest.param({}, {"replicas": 0}, None, 0, id="zero stays zero"),
        pytest.param(BOUNDS, {"replicas": 9}, None, 9, id="what is set wins over the bounds"),
        pytest.param(BOUNDS, {}, None, 2, id="the lower bound when new"),
        pytest.param(BOUNDS, {}, 4, 4, id="the number before within the bounds"),
        pytest.param(BOUNDS, {}, 8, 6, id="the upper bound above it"),
    ],
)
def test_a_pools_replicas(annotations: dict[str, str], spec: dict[str, int], previous: int | None, want: int) -> None:
    got = default_machinepool(pool(annotations=annotations, **spec), previous=previous)

    assert got.spec.replicas == want


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        pytest.param({}, 600, id="no checks at all"),
        pytest.param({"checks": {}}, 600, id="empty checks"),
        pytest.param({"checks": {"nodeStartupTimeoutSeconds": 0}}, 0, id="zero turns it off"),
    ],
)
def test_a_health_check_bounds_the_time_to_become_a_node_unless_told_otherwise(spec: dict[str, Any], want: int) -> None:
    got = default_machinehealthcheck(check(**spec))

    assert got.spec.checks is not None
    assert got.spec.checks.node_startup_timeout_seconds == want
    assert got.metadata.labels == {CLUSTER_LABEL: "demo"}


def test_a_health_check_keeps_its_other_checks() -> None:
    conditions = [{"type": "Ready", "status": "False", "timeoutSeconds": 300}]

    got = default_machinehealthcheck(check(checks={"unhealthyNodeConditions": conditions}))

    assert got.wire()["spec"]["checks"] == {"nodeStartupTimeoutSeconds": 600, "unhealthyNodeConditions": conditions}


@pytest.mark.parametrize(("spec", "want"), [({}, "ApplyOnce"), ({"strategy": "Reconcile"}, "Reconcile")])
def test_resources_are_applied_once_unless_told_otherwise(spec: dict[str, str], want: str) -> None:
    assert default_clusterresourceset(resources(**spec)).spec.strategy == want


@pytest.mark.parametrize(("port", "want"), [({}, 443), ({"port": 8443}, 8443)])
def test_an_extensions_service_listens_at_the_port_of_https_unless_told_otherwise(port: dict[str, int], want: int) -> None:
    got = default_extensionconfig(extension({"service": {"name": "extension", "namespace": "default"} | port}))

    assert got.spec.client_config.service is not None
    assert got.spec.client_config.service.port == want


def test_an_extension_at_a_url_gets_no_service_and_the_empty_selector() -> None:
    got = default_extensionconfig(extension({"url": "https://extension.example"}))

    assert got.wire()["spec"] == {"clientConfig": {"url": "https://extension.example"}, "namespaceSelector": {}}


def test_an_extensions_own_selector_is_kept() -> None:
    selector = {"matchLabels": {"team": "a"}}

    got = default_extensionconfig(extension({"url": "https://extension.example"}, namespaceSelector=selector))

    assert got.wire()["spec"]["namespaceSelector"] == selector


@pytest.mark.parametrize(
    ("default", "bare"),
    [
        pytest.param(default_machinepool, pool(), id="pool"),
        pytest.param(default_machinehealthcheck, check(), id="health check"),
        pytest.param(default_clusterresourceset, resources(), id="resources"),
        pytest.param(default_extensionconfig, extension({"service": {"name": "a", "namespace": "b"}}), id="extension"),
    ],
)
def test_defaulting_changes_nothing_the_second_time_and_never_what_it_was_given(default: Callable[[Any], Object], bare: Object) -> None:
    before = bare.wire()

    once = default(bare)

    assert once.wire() != before
    assert default(once).wire() == once.wire()
    assert bare.wire() == before


@pytest.mark.parametrize(
    ("default", "built"),
    [
        pytest.param(default_machinehealthcheck, buildclasses.machinehealthcheck(), id="health check"),
        pytest.param(default_clusterresourceset, buildclasses.clusterresourceset(), id="resources"),
        pytest.param(default_extensionconfig, buildclasses.extensionconfig(), id="extension"),
    ],
)
def test_objects_that_say_everything_are_not_changed(default: Callable[[Any], Object], built: Object) -> None:
    assert default(built).wire() == built.wire()
