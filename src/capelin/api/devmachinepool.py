"""DevMachinePool: a pool of machines for development and tests."""

from __future__ import annotations

from typing import ClassVar

from capelin.api.devmachine import DockerMount
from capelin.api.machine import MachineAddress
from capelin.api.meta import Conditions, Model, Object, Resource, TemplateMetadata
from capelin.api.presentation import AGE_COLUMN, Presentation
from capelin.api.scalars import Int32, Int64

DEVMACHINEPOOL_FINALIZER = "devmachinepool.infrastructure.cluster.x-k8s.io"
"""Kept until the machines of the pool are gone."""


class DockerMachinePoolBackend(Model):
    """Machines that are containers."""

    custom_image: str | None = None
    """customImage is the image of the containers; one that fits the version unless set."""
    extra_mounts: list[DockerMount] | None = None
    """extraMounts are paths of the host the containers see."""
    pre_load_images: list[str] | None = None
    """preLoadImages are images to load into the containers beforehand."""


class DevMachinePoolBackend(Model):
    """What stands in for a cloud."""

    docker: DockerMachinePoolBackend | None = None
    """docker asks for containers as the machines; a pool has no other backend."""


class DevMachinePoolSpec(Model):
    """The pool that is wanted."""

    backend: DevMachinePoolBackend | None = None
    """backend chooses what stands in for a cloud."""
    provider_id: str | None = None
    """providerID identifies the pool; the provider fills it in."""
    provider_id_list: list[str] | None = None
    """providerIDList identifies each machine of the pool; the provider fills it in."""


class DevMachinePoolInstance(Model):
    """One machine of a pool."""

    addresses: list[MachineAddress] | None = None
    """addresses are the names and addresses of the machine."""
    instance_name: str | None = None
    """instanceName is the name of the machine."""
    provider_id: str | None = None
    """providerID identifies the machine."""
    ready: bool | None = None
    """ready tells whether the machine is ready to use."""
    version: str | None = None
    """version is the Kubernetes version the machine runs."""


class DevMachinePoolStatus(Model):
    """What is known about a DevMachinePool."""

    conditions: Conditions | None = None
    """conditions are observations about the pool, one per type."""
    infrastructure_machine_kind: str | None = None
    """infrastructureMachineKind is the kind of the objects that stand for the machines one by one; absent when there are none."""
    instances: list[DevMachinePoolInstance] | None = None
    """instances are the machines of the pool."""
    observed_generation: Int64 | None = None
    """observedGeneration is the generation of the spec that this status is about."""
    ready: bool | None = None
    """ready becomes true when the pool is ready to use."""
    replicas: Int32 | None = None
    """replicas is how many machines exist."""


class DevMachinePool(Object):
    """A pool of machines for development and tests."""

    resource: ClassVar = Resource("infrastructure.cluster.x-k8s.io", "v1beta2", "devmachinepools", "DevMachinePool")
    presentation: ClassVar = Presentation(
        provider="infrastructure-dev",
        columns=(AGE_COLUMN,),
    )

    spec: DevMachinePoolSpec | None = None
    """spec describes the pool that is wanted."""
    status: DevMachinePoolStatus | None = None
    """status reports what is known about the pool; controllers write it."""


class DevMachinePoolTemplateResource(Model):
    """What DevMachinePools made from the template look like."""

    spec: DevMachinePoolSpec
    """spec describes each DevMachinePool."""
    metadata: TemplateMetadata | None = None
    """metadata is added to each DevMachinePool."""


class DevMachinePoolTemplateSpec(Model):
    """The template of DevMachinePools."""

    template: DevMachinePoolTemplateResource
    """template is what DevMachinePools are made from."""


class DevMachinePoolTemplate(Object):
    """What the DevMachinePools of equal MachinePools are made from."""

    resource: ClassVar = Resource("infrastructure.cluster.x-k8s.io", "v1beta2", "devmachinepooltemplates", "DevMachinePoolTemplate")
    presentation: ClassVar = Presentation(
        provider="infrastructure-dev",
        columns=(AGE_COLUMN,),
        status=False,
    )

    spec: DevMachinePoolTemplateSpec | None = None
    """spec holds the template."""
