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

WAITING_FOR_MACHINE_REASON = "WaitingForMachine"
"""No Machine owns the DevMachine yet."""

BOOTSTRAP_FAILED_REASON = "BootstrapFailed"
"""The machine runs, and its bootstrap data has not made it a Node: the cluster refused it, or the data is no good."""


class DockerMount(Model):
    """A path of the host that the container sees."""

    container_path: str | None = None
    """containerPath is the path inside the container."""
    host_path: str | None = None
    """hostPath is the path on the host."""
    read_only: bool | None = None
    """readOnly keeps the container from writing to the path."""


class DockerMachineBackend(Model):
    """A machine that is a container."""

    bootstrap_timeout: str | None = None
    """bootstrapTimeout is how long bootstrapping may take, such as 5m."""
    custom_image: str | None = None
    """customImage is the image of the container; one that fits the version unless set."""
    extra_mounts: list[DockerMount] | None = None
    """extraMounts are paths of the host the container sees."""
    pre_load_images: list[str] | None = None
    """preLoadImages are images to load into the container beforehand."""


class InMemoryProvisioning(Model):
    """How long a step takes."""

    startup_duration: str
    """startupDuration is how long the step takes at least, such as 1s or 200ms."""
    startup_jitter: str | None = None
    """startupJitter is by how much of startupDuration the step may take longer, as a fraction such as 0.2; the part is chosen at random."""


class InMemoryStep(Model):
    """One step of a simulated machine."""

    provisioning: InMemoryProvisioning | None = None
    """provisioning decides how long the step takes."""


class InMemoryMachineBackend(Model):
    """A machine that is simulated."""

    api_server: InMemoryStep | None = None
    """apiServer decides how the machine's API server starts; control-plane machines only."""
    etcd: InMemoryStep | None = None
    """etcd decides how the machine's etcd member starts; control-plane machines only."""
    node: InMemoryStep | None = None
    """node decides how the machine's Node starts."""
    vm: InMemoryStep | None = None
    """vm decides how the machine itself starts."""


class DevMachineBackend(Model):
    """What stands in for a cloud; exactly one is set."""

    docker: DockerMachineBackend | None = None
    """docker asks for a container as the machine. Capelin's provider implements inMemory only."""
    in_memory: InMemoryMachineBackend | None = None
    """inMemory simulates the machine."""


class DevMachineSpec(Model):
    """The machine that is wanted."""

    backend: DevMachineBackend
    """backend chooses what stands in for a cloud."""
    provider_id: Annotated[str, Length(1, 512)] | None = None
    """providerID identifies the machine; the provider fills it in."""


class DevMachineStatus(Model):
    """What is known about a DevMachine."""

    addresses: list[MachineAddress] | None = None
    """addresses are the names and addresses of the machine."""
    conditions: Conditions | None = None
    """conditions are observations about the machine, one per type."""
    deprecated: DeprecatedConditions | None = None
    """deprecated keeps what v1beta1 reported."""
    failure_domain: Annotated[str, Length(1, 256)] | None = None
    """failureDomain is where the machine is."""
    initialization: Provisioned | None = None
    """initialization records the milestones of the machine's creation."""


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
    """spec describes the machine that is wanted."""
    status: DevMachineStatus | None = None
    """status reports what is known about the machine; controllers write it."""


class DevMachineTemplateResource(Model):
    """What DevMachines made from the template look like."""

    spec: DevMachineSpec
    """spec describes each DevMachine."""
    metadata: TemplateMetadata | None = None
    """metadata is added to each DevMachine."""


class DevMachineTemplateSpec(Model):
    """The template of DevMachines."""

    template: DevMachineTemplateResource
    """template is what DevMachines are made from."""


class DevMachineTemplateStatus(Model):
    """What is known about machines made from the template."""

    capacity: dict[str, Quantity] | None = None
    """capacity is what a machine made from the template offers, by resource; autoscalers read it to scale up from none."""


class DevMachineTemplate(Object):
    """What the DevMachines of equal Machines are made from."""

    resource: ClassVar = Resource("infrastructure.cluster.x-k8s.io", "v1beta2", "devmachinetemplates", "DevMachineTemplate")
    presentation: ClassVar = Presentation(
        provider="infrastructure-dev",
        columns=(AGE_COLUMN,),
    )

    spec: DevMachineTemplateSpec | None = None
    """spec holds the template."""
    status: DevMachineTemplateStatus | None = None
    """status reports what machines made from the template are like; controllers write it."""
