"""What admission fills in on the infrastructure for development: what is there stays, and a second time changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from capelin.api.devcluster import DevCluster, DevClusterTemplate
from capelin.api.devdefaults import default_devcluster, default_devclustertemplate, default_devmachine, default_devmachinetemplate
from capelin.api.devmachine import DevMachine, DevMachineTemplate
from capelin.api.meta import Object
from tests import build

BARE: dict[str, Any] = {"backend": {}}


def of_cluster(spec: dict[str, Any]) -> Any:
    """Return the spec of a DevCluster as JSON, with the defaults."""
    return default_devcluster(DevCluster.parse({"spec": spec})).wire()["spec"]


def of_machine(spec: dict[str, Any]) -> Any:
    """Return the spec of a DevMachine as JSON, with the defaults."""
    return default_devmachine(DevMachine.parse({"spec": spec})).wire()["spec"]


def test_a_cluster_without_a_backend_is_one_of_containers_at_the_usual_port() -> None:
    assert of_cluster(BARE) == {"backend": {"docker": {}}, "controlPlaneEndpoint": {"port": 6443}}


def test_a_cluster_of_containers_keeps_its_own_endpoint() -> None:
    endpoint = {"host": "127.0.0.1", "port": 8443}

    assert of_cluster({"backend": {"docker": {}}, "controlPlaneEndpoint": endpoint})["controlPlaneEndpoint"] == endpoint


def test_an_endpoint_without_a_port_keeps_its_host() -> None:
    got = of_cluster(BARE | {"controlPlaneEndpoint": {"host": "127.0.0.1"}})

    assert got["controlPlaneEndpoint"] == {"host": "127.0.0.1", "port": 6443}


def test_a_failure_domain_is_not_for_control_planes_unless_it_says_so() -> None:
    domains = [{"name": "a"}, {"name": "b", "controlPlane": True}, {"name": "c", "controlPlane": False}]

    got = of_cluster({"backend": {"docker": {"failureDomains": domains, "loadBalancer": {"imageTag": "v1"}}}})

    assert got["backend"]["docker"] == {
        "failureDomains": [{"name": "a", "controlPlane": False}, *domains[1:]],
        "loadBalancer": {"imageTag": "v1"},
    }


@pytest.mark.parametrize("endpoint", [{}, {"controlPlaneEndpoint": {"host": "127.0.0.1", "port": 20000}}], ids=["none", "own"])
def test_a_simulated_cluster_is_left_as_it_is(endpoint: dict[str, Any]) -> None:
    spec = {"backend": {"inMemory": {}}} | endpoint

    assert of_cluster(spec) == spec


def test_a_machine_without_a_backend_is_a_container() -> None:
    assert of_machine(BARE) == {"backend": {"docker": {}}}


@pytest.mark.parametrize(
    "backend", [{"docker": {"customImage": "node"}}, {"inMemory": {"vm": {"provisioning": {"startupDuration": "1s"}}}}]
)
def test_a_machine_keeps_its_own_backend(backend: dict[str, Any]) -> None:
    spec = {"backend": backend, "providerID": "dev:////worker"}

    assert of_machine(spec) == spec


BARE_TEMPLATE: dict[str, Any] = {"spec": {"template": {"metadata": {"labels": {"a": "b"}}, "spec": BARE}}}


def test_a_template_of_clusters_is_completed_as_a_cluster_is() -> None:
    got = default_devclustertemplate(DevClusterTemplate.parse(BARE_TEMPLATE)).wire()["spec"]["template"]

    assert got == {"metadata": {"labels": {"a": "b"}}, "spec": of_cluster(BARE)}


def test_a_template_of_machines_is_completed_as_a_machine_is() -> None:
    got = default_devmachinetemplate(DevMachineTemplate.parse(BARE_TEMPLATE)).wire()["spec"]["template"]

    assert got == {"metadata": {"labels": {"a": "b"}}, "spec": of_machine(BARE)}


def test_templates_of_nothing_stay_templates_of_nothing() -> None:
    assert default_devclustertemplate(DevClusterTemplate.parse({})).spec is None
    assert default_devmachinetemplate(DevMachineTemplate.parse({})).spec is None


@pytest.mark.parametrize(
    ("default", "bare"),
    [
        pytest.param(default_devcluster, DevCluster.parse({}), id="cluster"),
        pytest.param(default_devclustertemplate, DevClusterTemplate.parse(BARE_TEMPLATE), id="template of clusters"),
        pytest.param(default_devmachine, DevMachine.parse({}), id="machine"),
        pytest.param(default_devmachinetemplate, DevMachineTemplate.parse(BARE_TEMPLATE), id="template of machines"),
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
        pytest.param(default_devcluster, build.devcluster(), id="cluster"),
        pytest.param(default_devmachine, build.devmachine(), id="machine"),
        pytest.param(default_devmachinetemplate, build.devmachinetemplate(), id="template of machines"),
    ],
)
def test_simulated_infrastructure_is_not_changed(default: Callable[[Any], Object], built: Object) -> None:
    assert default(built).wire() == built.wire()
