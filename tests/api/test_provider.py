"""The provider label: what ties everything a provider's installation consists of to its entry in the inventory."""

from __future__ import annotations

import pytest

from capelin.api.provider import LABEL_PREFIXES, label_of


@pytest.mark.parametrize(
    ("provider_type", "name", "want"),
    [
        ("CoreProvider", "cluster-api", "cluster-api"),
        ("BootstrapProvider", "kubeadm", "bootstrap-kubeadm"),
        ("ControlPlaneProvider", "kubeadm", "control-plane-kubeadm"),
        ("InfrastructureProvider", "dev", "infrastructure-dev"),
        ("IPAMProvider", "in-cluster", "ipam-in-cluster"),
        ("RuntimeExtensionProvider", "test", "runtime-extension-test"),
        ("AddonProvider", "helm", "addon-helm"),
    ],
)
def test_the_label_is_the_providers_name_after_what_its_type_adds(provider_type: str, name: str, want: str) -> None:
    assert label_of(provider_type, name) == want


def test_types_stand_in_the_order_they_are_installed() -> None:
    assert [found.removesuffix("Provider") for found in LABEL_PREFIXES] == [
        "Core",
        "Bootstrap",
        "ControlPlane",
        "Infrastructure",
        "IPAM",
        "RuntimeExtension",
        "Addon",
    ]


def test_a_type_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="'Bootstrap'"):
        label_of("Bootstrap", "kubeadm")
