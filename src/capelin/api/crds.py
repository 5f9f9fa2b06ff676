"""CustomResourceDefinitions, compiled from the types.

Each kind is served and stored in one version, which for nearly all of them is `v1beta2`.
"""

from __future__ import annotations

from typing import Any

from capelin.api.cluster import Cluster
from capelin.api.clusterclass import ClusterClass
from capelin.api.clusterresourceset import ClusterResourceSet
from capelin.api.clusterresourcesetbinding import ClusterResourceSetBinding
from capelin.api.devcluster import DevCluster, DevClusterTemplate
from capelin.api.devmachine import DevMachine, DevMachineTemplate
from capelin.api.devmachinepool import DevMachinePool, DevMachinePoolTemplate
from capelin.api.extensionconfig import ExtensionConfig
from capelin.api.ipaddress import IPAddress
from capelin.api.ipaddressclaim import IPAddressClaim
from capelin.api.kubeadmconfig import KubeadmConfig, KubeadmConfigTemplate
from capelin.api.kubeadmcontrolplane import KubeadmControlPlane
from capelin.api.kubeadmcontrolplanetemplate import KubeadmControlPlaneTemplate
from capelin.api.labels import PROVIDER_LABEL
from capelin.api.machine import Machine
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machinedrainrule import MachineDrainRule
from capelin.api.machinehealthcheck import MachineHealthCheck
from capelin.api.machinepool import MachinePool
from capelin.api.machineset import MachineSet
from capelin.api.meta import Object
from capelin.api.metadata import Metadata
from capelin.api.presentation import Column, Presentation
from capelin.api.provider import Provider
from capelin.api.structural import schema

Document = dict[str, Any]

KINDS: tuple[type[Object], ...] = (
    Cluster,
    Machine,
    MachineSet,
    MachineDeployment,
    MachinePool,
    MachineHealthCheck,
    MachineDrainRule,
    ClusterClass,
    ClusterResourceSet,
    ClusterResourceSetBinding,
    IPAddressClaim,
    IPAddress,
    ExtensionConfig,
    KubeadmConfig,
    KubeadmConfigTemplate,
    KubeadmControlPlane,
    KubeadmControlPlaneTemplate,
    DevCluster,
    DevClusterTemplate,
    DevMachine,
    DevMachineTemplate,
    DevMachinePool,
    DevMachinePoolTemplate,
    Provider,
    Metadata,
)
"""Every kind Capelin brings, in the order a reader meets them."""

CONTRACT_LABEL = "cluster.x-k8s.io/v1beta2"
"""Lists the versions of a provider's kind that follow the v1beta2 contract."""

INSTALLED_LABEL = "clusterctl.cluster.x-k8s.io"
"""On everything that belongs to an installation, so that tools find it."""

CORE_LABEL = "clusterctl.cluster.x-k8s.io/core"
"""On what tools need to keep track of installations, and must not remove together with any of them."""

INVENTORY = "inventory"
"""The value of that label on the kinds that say which providers are installed."""

CORE_PROVIDER = "cluster-api"
"""The provider that core, add-ons, address management and runtime extensions are installed as."""


def all_crds() -> list[Document]:
    """Return the CRD of every kind."""
    return [crd(kind) for kind in KINDS]


def crd(kind: type[Object]) -> Document:
    """Return the CRD of a kind, as it is sent to an API server."""
    resource, presentation = kind.resource, presentation_of(kind)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{resource.group}", "labels": _labels(resource.version, presentation)},
        "spec": {
            "group": resource.group,
            "names": _names(kind, presentation),
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "versions": [_version(kind, presentation)],
        },
    }


def presentation_of(kind: type[Object]) -> Presentation:
    """Return how a kind is presented: its class variable `presentation`."""
    found = kind.__dict__["presentation"]
    assert isinstance(found, Presentation)  # noqa: S101  # every kind in KINDS declares one; a test compiles them all
    return found


def _labels(version: str, presentation: Presentation) -> dict[str, str]:
    # Core's own kinds carry no contract label: it is what makes a kind one that a reference to a provider may point at.
    if presentation.provider is None:
        return {INSTALLED_LABEL: "", CORE_LABEL: INVENTORY}
    contract = {} if presentation.provider == CORE_PROVIDER else {CONTRACT_LABEL: version}
    return {PROVIDER_LABEL: presentation.provider, INSTALLED_LABEL: "", **contract}


def _names(kind: type[Object], presentation: Presentation) -> Document:
    resource = kind.resource
    names: Document = {
        "kind": resource.kind,
        "listKind": f"{resource.kind}List",
        "plural": resource.plural,
        "singular": resource.kind.lower(),
    }
    if presentation.categories:
        names["categories"] = list(presentation.categories)
    if presentation.short_names:
        names["shortNames"] = list(presentation.short_names)
    return names


def _version(kind: type[Object], presentation: Presentation) -> Document:
    return {
        "name": kind.resource.version,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [_column(column) for column in presentation.columns],
        "schema": {"openAPIV3Schema": schema(kind)},
        "subresources": _subresources(presentation),
    }


def _column(column: Column) -> Document:
    wide = {"priority": 10} if column.wide else {}
    return {"name": column.name, "type": column.type, "jsonPath": column.path} | wide


def _subresources(presentation: Presentation) -> Document:
    found: Document = {}
    if presentation.status:
        found["status"] = {}
    if presentation.scale:
        found["scale"] = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
        if presentation.scale_selector:
            found["scale"]["labelSelectorPath"] = ".status.selector"
    return found
