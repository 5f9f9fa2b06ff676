"""DevMachine: a machine for development and tests."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.machine import MachineAddress
from capelin.api.markers import Length
from capelin.api.meta import Conditions, Model, Object, Resource, TemplateMetadata
from capelin.api.presentation import AGE_COLUMN, CLUSTER_COLUMN, PAUSED_COLUMN, Column, Presentation
from capelin.api.references import Provisioned
from capelin.api.scalars import Quantity
from capelin.api.v1beta1 import DeprecatedConditions

DEVMACHINE_FINALIZER = "devmachine.infrastructure.cluster.x-k8s.io"
"""Kept until everything that simulates the machine is gone."""

# Condition types of a DevMachine, in the order its steps run; the last two are of control-plane machines only.
VM_PROVISIONED_CONDITION = "VMProvisioned"
NODE_PROVISIONED_CONDITION = "NodeProvisioned"
ETCD_PROVISIONED_CONDITION = "EtcdProvisioned"
APISERVER_PROVISIONED_CONDITION = "APIServerProvisioned"

# Reasons while a step takes the time it was given.
WAITING_FOR_VM_STARTUP_REASON = "WaitingForVMStartupTimeout"
WAITING_FOR_NODE_STARTUP_REASON = "WaitingForNodeStartupTimeout"
WAITING_FOR_ETCD_STARTUP_REASON = "WaitingForEtcdStartupTimeout"
WAITING_FOR_APISERVER_STARTUP_REASON = "WaitingForAPIServerStartupTimeout"


class DockerMount(Model):
    """A path of the host that the container sees."""

    container_path: str | None = None
    host_path: str | None = None
    read_only: bool | None = None


class DockerMachineBackend(Model):
    """A machine that is a container."""

    bootstrap_timeout: str | None = None
    custom_image: str | None = None
    extra_mounts: list[DockerMount] | None = None
    pre_load_images: list[str] | None = None


class InMemoryProvisioning(Model):
    """How long a step takes."""

    startup_duration: str
    startup_jitter: str | None = None


class InMemoryStep(Model):
    """One step of a simulated machine."""

    provisioning: InMemoryProvisioning | None = None


class InMemoryMachineBackend(Model):
    """A machine that is simulated."""

    api_server: InMemoryStep | None = None
    etcd: InMemoryStep | None = None
    node: InMemoryStep | None = None
    vm: InMemoryStep | None = None


class DevMachineBackend(Model):
    """What stands in for a cloud; exactly one is set."""

    docker: DockerMachineBackend | None = None
    in_memory: InMemoryMachineBackend | None = None


class DevMachineSpec(Model):
    """The machine that is wanted."""

    backend: DevMachineBackend
    provider_id: Annotated[str, Length(1, 512)] | None = None


class DevMachineStatus(Model):
    """What is known about a DevMachine."""

    addresses: list[MachineAddress] | None = None
    conditions: Conditions | None = None
    deprecated: DeprecatedConditions | None = None
    failure_domain: Annotated[str, Length(1, 256)] | None = None
    initialization: Provisioned | None = None


class DevMachine(Object):
    """A machine for development and tests."""

    resource: ClassVar = Resource("infrastructure.cluster.x-k8s.io", "v1beta2", "devmachines", "DevMachine")
    presentation: ClassVar = Presentation(
        provider="infrastructure-dev",
        columns=(
            CLUSTER_COLUMN,
            Column("Provider ID", ".spec.providerID", wide=True),
            Column("Failure domain", ".status.failureDomain"),
            Column("IP", '.status.addresses[?(@.type=="InternalIP")].address', wide=True),
            PAUSED_COLUMN,
            Column("Provisioned", ".status.initialization.provisioned"),
            AGE_COLUMN,
        ),
    )

    spec: DevMachineSpec | None = None
    status: DevMachineStatus | None = None


class DevMachineTemplateResource(Model):
    """What DevMachines made from the template look like."""

    spec: DevMachineSpec
    metadata: TemplateMetadata | None = None


class DevMachineTemplateSpec(Model):
    """The template of DevMachines."""

    template: DevMachineTemplateResource


class DevMachineTemplateStatus(Model):
    """What is known about machines made from the template."""

    capacity: dict[str, Quantity] | None = None


class DevMachineTemplate(Object):
    """What the DevMachines of equal Machines are made from."""

    resource: ClassVar = Resource("infrastructure.cluster.x-k8s.io", "v1beta2", "devmachinetemplates", "DevMachineTemplate")
    presentation: ClassVar = Presentation(
        provider="infrastructure-dev",
        columns=(AGE_COLUMN,),
    )

    spec: DevMachineTemplateSpec | None = None
    status: DevMachineTemplateStatus | None = None
