"""KubeadmControlPlaneTemplate: what the KubeadmControlPlanes of equal Clusters are made from.

It lacks what belongs to one cluster: replicas, version, the template of the computers, and readiness gates, which the Cluster states.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.kubeadmconfig import KubeadmConfigSpec
from capelin.api.kubeadmcontrolplane import ControlPlaneMachineNaming, ControlPlaneRemediation, ControlPlaneRollout
from capelin.api.machine import MachineDeletion, MachineTaint
from capelin.api.markers import Items, MapList, Shape
from capelin.api.meta import Model, Object, Resource, TemplateMetadata
from capelin.api.presentation import AGE_COLUMN, Column, Presentation


class TemplatedMachineSpec(Model):
    """What the control-plane Machines look like, apart from their computers."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    deletion: MachineDeletion | None = None
    """deletion bounds the steps of deleting each Machine."""
    taints: Annotated[list[MachineTaint], Items(1, 64), MapList("key", "effect")] | None = None
    """taints are put on the Nodes beside kubeadm's own."""


class TemplatedMachineTemplate(Model):
    """What control-plane Machines are made from, apart from their computers."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    metadata: TemplateMetadata | None = None
    """metadata is added to each Machine and to what belongs to it."""
    spec: TemplatedMachineSpec | None = None
    """spec describes each Machine."""


class KubeadmControlPlaneTemplateResourceSpec(Model):
    """What the KubeadmControlPlanes have in common."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    kubeadm_config_spec: KubeadmConfigSpec | None = None
    """kubeadmConfigSpec is how each Machine becomes a Node with kubeadm."""
    machine_naming: ControlPlaneMachineNaming | None = None
    """machineNaming decides how new Machines are named."""
    machine_template: TemplatedMachineTemplate | None = None
    """machineTemplate is what control-plane Machines are made from; the Cluster's class adds the template of the computers."""
    remediation: ControlPlaneRemediation | None = None
    """remediation bounds how often unhealthy Machines are replaced."""
    rollout: ControlPlaneRollout | None = None
    """rollout decides how and when Machines are replaced."""


class KubeadmControlPlaneTemplateResource(Model):
    """What KubeadmControlPlanes made from the template look like."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    metadata: TemplateMetadata | None = None
    """metadata is added to each KubeadmControlPlane."""
    spec: KubeadmControlPlaneTemplateResourceSpec | None = None
    """spec describes each KubeadmControlPlane."""


class KubeadmControlPlaneTemplateSpec(Model):
    """The template of KubeadmControlPlanes."""

    template: KubeadmControlPlaneTemplateResource
    """template is what KubeadmControlPlanes are made from. It cannot change; a class refers to another template instead."""


class KubeadmControlPlaneTemplate(Object):
    """What the KubeadmControlPlanes of equal Clusters are made from."""

    resource: ClassVar = Resource("controlplane.cluster.x-k8s.io", "v1beta2", "kubeadmcontrolplanetemplates", "KubeadmControlPlaneTemplate")
    presentation: ClassVar = Presentation(
        provider="control-plane-kubeadm",
        columns=(
            Column("ClusterClass", '.metadata.ownerReferences[?(@.kind=="ClusterClass")].name'),
            AGE_COLUMN,
        ),
        status=False,
    )

    spec: KubeadmControlPlaneTemplateSpec | None = None
    """spec holds the template."""
