from typing import Any

import pytest

from capelin.api.cluster import Cluster
from capelin.api.machineset import SKIP_PREFLIGHT_CHECKS_ANNOTATION
from capelin.api.meta import Unstructured
from capelin.controllers.machineset.preflight import preflight_failures
from tests import build


def a_control_plane(version: str | None = "v1.34.0", *running: str) -> Unstructured:
    spec: dict[str, Any] = {"version": version} if version else {}
    status = {"versions": [{"version": v, "replicas": 1} for v in running]}
    return build.document("FooControlPlane", "controlplane.cluster.x-k8s.io", name="cp", spec=spec, status=status)


def failures(
    control_plane: Unstructured, *, version: str = "v1.34.0", skip: str | None = None, cluster: Cluster | None = None
) -> list[str]:
    annotations = {SKIP_PREFLIGHT_CHECKS_ANNOTATION: skip} if skip is not None else {}
    machineset = build.machineset(annotations=annotations)
    machineset.spec.template.spec.version = version
    return preflight_failures(machineset, cluster or build.cluster(), control_plane)


def test_a_stable_control_plane_of_the_same_version_lets_machines_be_made() -> None:
    assert failures(a_control_plane("v1.34.0", "v1.34.0")) == []


@pytest.mark.parametrize(
    ("control_plane", "want"),
    [
        pytest.param(a_control_plane("v1.34.0"), "is provisioning", id="no machine of it runs yet"),
        pytest.param(a_control_plane("v1.34.1", "v1.34.0", "v1.34.1"), "is upgrading", id="one machine is behind"),
    ],
)
def test_an_unstable_control_plane_holds_machines_back(control_plane: Unstructured, want: str) -> None:
    assert failures(control_plane) == [f'FooControlPlane default/cp {want} ("ControlPlaneIsStable" preflight check failed)']


def test_a_control_plane_without_version_is_not_judged() -> None:
    assert failures(a_control_plane(None)) == []


@pytest.mark.parametrize(
    ("version", "want"),
    [
        pytest.param("v1.35.0", ["KubernetesVersionSkew", "KubeadmVersionSkew"], id="newer than the control plane"),
        pytest.param("v1.33.9", ["KubeadmVersionSkew"], id="within the skew of kubelets, not of kubeadm"),
        pytest.param("v1.30.0", ["KubernetesVersionSkew", "KubeadmVersionSkew"], id="four minor versions behind"),
        pytest.param("v1.34.5", [], id="another patch release"),
    ],
)
def test_versions_have_to_fit(version: str, want: list[str]) -> None:
    got = failures(a_control_plane("v1.34.0", "v1.34.0"), version=version)

    assert [text.split('"')[1] for text in got] == want


def test_a_bootstrap_provider_that_is_not_kubeadm_has_no_kubeadm_skew() -> None:
    machineset = build.machineset()
    machineset.spec.template.spec.version = "v1.33.0"
    machineset.spec.template.spec.bootstrap.config_ref = build.bootstrap_ref("t", "OtherTemplate")

    assert preflight_failures(machineset, build.cluster(), a_control_plane("v1.34.0", "v1.34.0")) == []


@pytest.mark.parametrize("skip", ["All", "KubeadmVersionSkew", "ControlPlaneIsStable, KubeadmVersionSkew"])
def test_checks_are_skipped_by_name(skip: str) -> None:
    assert failures(a_control_plane("v1.34.0", "v1.34.0"), version="v1.33.0", skip=skip) == []


def test_skipping_one_check_leaves_the_others() -> None:
    got = failures(a_control_plane("v1.34.0"), version="v1.33.0", skip="KubeadmVersionSkew")

    assert [text.split('"')[1] for text in got] == ["ControlPlaneIsStable"]
