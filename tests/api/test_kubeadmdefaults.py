"""What admission fills in on kubeadm's kinds: what is there stays, and a second time changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capelin.api.kubeadmconfig import KubeadmConfigTemplate
from capelin.api.kubeadmcontrolplane import KubeadmControlPlane
from capelin.api.kubeadmdefaults import default_kubeadmconfigtemplate, default_kubeadmcontrolplane
from tests import buildcontrolplane

MACHINE_TEMPLATE = {
    "spec": {"infrastructureRef": {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "DevMachineTemplate", "name": "control-plane"}}
}


def control_plane(**spec: Any) -> KubeadmControlPlane:
    """Return a control plane that says as little as the schema allows."""
    return KubeadmControlPlane.parse({"spec": {"version": "v1.34.0", "machineTemplate": MACHINE_TEMPLATE} | spec})


def template(config: dict[str, Any]) -> KubeadmConfigTemplate:
    """Return a template of such configurations."""
    return KubeadmConfigTemplate.parse({"metadata": {"name": "workers"}, "spec": {"template": {"spec": config}}})


def defaulted(config: dict[str, Any]) -> Any:
    """Return the configuration of a template as JSON, with the defaults."""
    return default_kubeadmconfigtemplate(template(config)).wire()["spec"]["template"]["spec"]


def test_a_control_plane_gets_one_machine_a_v_and_one_machine_too_many_during_updates() -> None:
    got = default_kubeadmcontrolplane(control_plane(version="1.34.0"))

    assert got.wire()["spec"] == {
        "replicas": 1,
        "version": "v1.34.0",
        "machineTemplate": MACHINE_TEMPLATE,
        "rollout": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}},
    }


@pytest.mark.parametrize("replicas", [0, 3])
def test_a_control_planes_own_number_of_machines_is_kept(replicas: int) -> None:
    assert default_kubeadmcontrolplane(control_plane(replicas=replicas)).spec.replicas == replicas


@pytest.mark.parametrize("surge", [0, "0", "50%"])
def test_a_control_planes_own_surge_is_kept(surge: int | str) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge}}

    got = default_kubeadmcontrolplane(control_plane(rollout={"strategy": strategy}))

    assert got.wire()["spec"]["rollout"] == {"strategy": strategy}


def test_another_type_of_strategy_is_replaced() -> None:
    got = default_kubeadmcontrolplane(control_plane(rollout={"strategy": {"type": "OnDelete"}}))

    assert got.wire()["spec"]["rollout"]["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}


def test_when_machines_are_replaced_is_kept() -> None:
    when = {"after": "2026-01-01T00:00:00Z", "before": {"certificatesExpiryDays": 21}}

    got = default_kubeadmcontrolplane(control_plane(rollout=when)).wire()["spec"]["rollout"]

    assert {name: got[name] for name in when} == when


def test_a_missing_version_stays_missing_so_that_the_schema_tells_of_it() -> None:
    assert default_kubeadmcontrolplane(control_plane(version="")).spec.version == ""


def test_the_configuration_of_a_control_plane_is_stored_as_it_was_sent() -> None:
    config = {"clusterConfiguration": {"dns": {"imageTag": "v1.12.1"}}}

    got = default_kubeadmcontrolplane(control_plane(kubeadmConfigSpec=config))

    assert got.wire()["spec"]["kubeadmConfigSpec"] == config


@given(
    replicas=st.sampled_from([None, 0, 3]),
    version=st.sampled_from(["", "1.34.0", "v1.34.0"]),
    rollout=st.sampled_from([None, {}, {"strategy": {"type": "X"}}, {"strategy": {"type": "X", "rollingUpdate": {"maxSurge": 0}}}]),
)
def test_defaulting_a_control_plane_twice_is_defaulting_it_once(replicas: int | None, version: str, rollout: dict[str, Any] | None) -> None:
    bare = control_plane(replicas=replicas, version=version, rollout=rollout)
    before = bare.wire()

    once = default_kubeadmcontrolplane(bare)

    assert default_kubeadmcontrolplane(once).wire() == once.wire()
    assert bare.wire() == before


def test_a_control_plane_that_says_everything_is_not_changed() -> None:
    built = buildcontrolplane.kubeadmcontrolplane()

    assert default_kubeadmcontrolplane(built).wire() == built.wire()


NODE = {"nodeRegistration": {"imagePullPolicy": "IfNotPresent"}}


def test_an_empty_template_gets_what_earlier_versions_wrote_out() -> None:
    assert defaulted({}) == {"format": "cloud-config", "initConfiguration": NODE, "joinConfiguration": NODE}


def test_a_templates_own_values_are_kept() -> None:
    own = {"nodeRegistration": {"imagePullPolicy": "Never", "name": "worker"}}
    config = {"format": "ignition", "initConfiguration": own, "joinConfiguration": own | {"caCertPath": "/ca.crt"}}

    assert defaulted(config) == config


@pytest.mark.parametrize(
    ("sent", "want"),
    [
        pytest.param({}, "client.authentication.k8s.io/v1", id="nothing said"),
        pytest.param({"apiVersion": "client.authentication.k8s.io/v1beta1"}, "client.authentication.k8s.io/v1beta1", id="own value"),
    ],
)
def test_a_credential_program_answers_in_a_version_that_is_written_out(sent: dict[str, str], want: str) -> None:
    kube_config = {"user": {"exec": {"command": "login"} | sent}, "cluster": {"server": "https://demo"}}
    discovery = {"file": {"kubeConfigPath": "/discovery", "kubeConfig": kube_config}, "tlsBootstrapToken": "token"}

    got = defaulted({"joinConfiguration": {"discovery": discovery}})["joinConfiguration"]["discovery"]

    assert got["file"]["kubeConfig"] == {"user": {"exec": {"command": "login", "apiVersion": want}}, "cluster": {"server": "https://demo"}}
    assert (got["file"]["kubeConfigPath"], got["tlsBootstrapToken"]) == ("/discovery", "token")


@pytest.mark.parametrize(
    "discovery",
    [
        pytest.param({"bootstrapToken": {"token": "token"}}, id="a token"),
        pytest.param({"file": {"kubeConfigPath": "/discovery"}}, id="a file that is there"),
        pytest.param({"file": {"kubeConfigPath": "/discovery", "kubeConfig": {"user": {"authProvider": {"name": "a"}}}}}, id="no program"),
    ],
)
def test_discovery_without_a_credential_program_stays_as_it_is(discovery: dict[str, Any]) -> None:
    assert defaulted({"joinConfiguration": {"discovery": discovery}})["joinConfiguration"]["discovery"] == discovery


@pytest.mark.parametrize("document", [{}, {"spec": {"template": {}}}], ids=["no spec", "no configuration"])
def test_defaulting_a_template_twice_is_defaulting_it_once(document: dict[str, Any]) -> None:
    once = default_kubeadmconfigtemplate(KubeadmConfigTemplate.parse(document))

    assert once.wire()["spec"]["template"]["spec"]["format"] == "cloud-config"
    assert default_kubeadmconfigtemplate(once).wire() == once.wire()
