"""CustomResourceDefinitions, compiled from the types.

Only `v1beta2` is served and stored.
"""

from __future__ import annotations

from typing import Any

from capelin.api.cluster import Cluster
from capelin.api.devcluster import DevCluster, DevClusterTemplate
from capelin.api.devmachine import DevMachine, DevMachineTemplate
from capelin.api.kubeadmconfig import KubeadmConfig, KubeadmConfigTemplate
from capelin.api.labels import PROVIDER_LABEL
from capelin.api.machine import Machine
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import MachineSet
from capelin.api.meta import Object
from capelin.api.presentation import Column, Presentation
from capelin.api.structural import schema

Document = dict[str, Any]

KINDS: tuple[type[Object], ...] = (
    Cluster,
    Machine,
    MachineSet,
    MachineDeployment,
    KubeadmConfig,
    KubeadmConfigTemplate,
    DevCluster,
    DevClusterTemplate,
    DevMachine,
    DevMachineTemplate,
)
"""Every kind Capelin brings, in the order a reader meets them."""

CONTRACT_LABEL = "cluster.x-k8s.io/v1beta2"
"""Lists the versions of a provider's kind that follow the v1beta2 contract."""

INSTALLED_LABEL = "clusterctl.cluster.x-k8s.io"
"""On everything that belongs to an installation, so that tools find it."""

_CORE_GROUP = "cluster.x-k8s.io"


def all_crds() -> list[Document]:
    """Return the CRD of every kind."""
    return [crd(kind) for kind in KINDS]


def crd(kind: type[Object]) -> Document:
    """Return the CRD of a kind, as it is sent to an API server."""
    resource, presentation = kind.resource, presentation_of(kind)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{resource.group}", "labels": _labels(resource.group, resource.version, presentation)},
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


def _labels(group: str, version: str, presentation: Presentation) -> dict[str, str]:
    # Core kinds carry no contract label: it is what makes a kind one that a reference to a provider may point at.
    contract = {} if group == _CORE_GROUP else {CONTRACT_LABEL: version}
    return {PROVIDER_LABEL: presentation.provider, INSTALLED_LABEL: "", **contract}


def _names(kind: type[Object], presentation: Presentation) -> Document:
    resource = kind.resource
    names: Document = {
        "kind": resource.kind,
        "listKind": f"{resource.kind}List",
        "plural": resource.plural,
        "singular": resource.kind.lower(),
        "categories": ["cluster-api"],
    }
    return names | ({"shortNames": list(presentation.short_names)} if presentation.short_names else {})


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
        found["scale"] = {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        }
    return found
