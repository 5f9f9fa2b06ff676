"""Provider: the inventory's entry for one installed provider."""

from __future__ import annotations

from typing import ClassVar

from capelin.api.meta import Object, Resource
from capelin.api.presentation import AGE_COLUMN, Column, Presentation

CORE_PROVIDER_TYPE = "CoreProvider"
BOOTSTRAP_PROVIDER_TYPE = "BootstrapProvider"
CONTROL_PLANE_PROVIDER_TYPE = "ControlPlaneProvider"
INFRASTRUCTURE_PROVIDER_TYPE = "InfrastructureProvider"
IPAM_PROVIDER_TYPE = "IPAMProvider"
RUNTIME_EXTENSION_PROVIDER_TYPE = "RuntimeExtensionProvider"
ADDON_PROVIDER_TYPE = "AddonProvider"

LABEL_PREFIXES = {
    CORE_PROVIDER_TYPE: "",
    BOOTSTRAP_PROVIDER_TYPE: "bootstrap-",
    CONTROL_PLANE_PROVIDER_TYPE: "control-plane-",
    INFRASTRUCTURE_PROVIDER_TYPE: "infrastructure-",
    IPAM_PROVIDER_TYPE: "ipam-",
    RUNTIME_EXTENSION_PROVIDER_TYPE: "runtime-extension-",
    ADDON_PROVIDER_TYPE: "addon-",
}
"""Per type of provider, in the order they are installed: what stands before the provider's name in the provider label."""


class Provider(Object):
    """An installed provider; the tool that installs providers keeps one per installation."""

    resource: ClassVar = Resource("clusterctl.cluster.x-k8s.io", "v1alpha3", "providers", "Provider")
    presentation: ClassVar = Presentation(
        provider=None,
        columns=(AGE_COLUMN, Column("Type", ".type"), Column("Provider", ".providerName"), Column("Version", ".version")),
        status=False,
    )

    provider_name: str | None = None
    """providerName is the provider's name, such as kubeadm."""
    type: str | None = None
    """type is CoreProvider, BootstrapProvider, ControlPlaneProvider, InfrastructureProvider, IPAMProvider, RuntimeExtensionProvider or
    AddonProvider."""
    version: str | None = None
    """version is the version that is installed, such as v1.14.0."""
    watched_namespace: str | None = None
    """watchedNamespace is the only namespace the provider looks at; all of them without it."""


def label_of(provider_type: str, name: str) -> str:
    """Return the value of the provider label on everything the provider's installation consists of.

    Raises:
        ValueError: there is no such type of provider.
    """
    if provider_type not in LABEL_PREFIXES:
        raise ValueError(f"type {provider_type!r}: allowed are {', '.join(LABEL_PREFIXES)}")
    return LABEL_PREFIXES[provider_type] + name
