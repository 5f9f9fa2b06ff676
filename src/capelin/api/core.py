"""Kinds of Kubernetes itself, typed as far as Capelin reads and writes them; every other field is kept as it came."""

from __future__ import annotations

import base64
from typing import Annotated, Any, ClassVar

from pydantic import Field

from capelin.api.environment import EnvVar
from capelin.api.markers import Default, Shape
from capelin.api.meta import LabelSelector, MicroTime, Model, Object, Resource, Time
from capelin.api.scalars import Int64, IntOrString


class Namespace(Object):
    """A name space for the names of objects."""

    resource: ClassVar = Resource("", "v1", "namespaces", "Namespace", namespaced=False)


class Secret(Object):
    """Confidential data by key; values are base64 on the wire."""

    resource: ClassVar = Resource("", "v1", "secrets", "Secret")

    data: dict[str, str] | None = None
    string_data: dict[str, str] | None = None
    type: str | None = None
    immutable: bool | None = None

    def value(self, key: str) -> bytes | None:
        """Return the decoded bytes under `key`, or None when there is no such key.

        Raises:
            ValueError: the value is not base64.
        """
        found = (self.data or {}).get(key)
        return None if found is None else base64.b64decode(found, validate=True)


def encoded(values: dict[str, bytes]) -> dict[str, str]:
    """Return `values` as the `data` of a Secret."""
    return {key: base64.b64encode(value).decode() for key, value in values.items()}


class ConfigMap(Object):
    """Plain data by key."""

    resource: ClassVar = Resource("", "v1", "configmaps", "ConfigMap")

    data: dict[str, str] | None = None
    binary_data: dict[str, str] | None = None
    immutable: bool | None = None


class ServiceAccount(Object):
    """An identity for programs that run inside a cluster."""

    resource: ClassVar = Resource("", "v1", "serviceaccounts", "ServiceAccount")


class ObjectReference(Model):
    """Points at an object, completely enough to find the very one."""

    shape: ClassVar[Shape] = Shape(atomic=True)

    api_version: str | None = None
    """apiVersion is the API group and version of the object."""
    kind: str | None = None
    """kind is the kind of the object."""
    name: str | None = None
    """name is the name of the object."""
    namespace: str | None = None
    """namespace is where the object is; empty for kinds without namespace."""
    uid: str | None = None
    """uid tells the object from others that had its name before or have it later."""
    resource_version: str | None = None
    """resourceVersion is the version of the object that is meant."""
    field_path: str | None = None
    """fieldPath names the part of the object that is meant; the whole object without it."""


class EventSource(Model):
    """Who reported an Event."""

    component: str | None = None
    host: str | None = None


class EventSeries(Model):
    """How often an Event repeated itself."""

    count: int | None = None
    last_observed_time: MicroTime | None = None


class Event(Object):
    """Something that happened to an object, told to its users."""

    resource: ClassVar = Resource("", "v1", "events", "Event")

    involved_object: ObjectReference
    reason: str | None = None
    message: str | None = None
    type: str | None = None
    source: EventSource | None = None
    count: int | None = None
    first_timestamp: Time | None = None
    last_timestamp: Time | None = None
    event_time: MicroTime | None = None
    series: EventSeries | None = None
    action: str | None = None
    reporting_component: str | None = None
    reporting_instance: str | None = None


class LeaseSpec(Model):
    """Who holds a Lease, and until when."""

    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: MicroTime | None = None
    renew_time: MicroTime | None = None
    lease_transitions: int | None = None


class Lease(Object):
    """A claim that one of several candidates holds and renews."""

    resource: ClassVar = Resource("coordination.k8s.io", "v1", "leases", "Lease")

    spec: LeaseSpec | None = None


class Taint(Model):
    """Keeps Pods away from a Node unless they tolerate it."""

    effect: str
    """effect is what happens to Pods that do not tolerate the taint."""
    key: str
    """key is the key of the taint."""
    time_added: Time | None = None
    """timeAdded is when the taint was added."""
    value: str | None = None
    """value is the value of the taint."""


class NodeSpec(Model):
    """How a Node is to be used."""

    provider_id: str | None = None
    unschedulable: bool | None = None
    taints: list[Taint] | None = None
    pod_cidr: str | None = None
    pod_cidrs: list[str] | None = None


class NodeCondition(Model):
    """One observation about a Node."""

    type: str
    status: str
    reason: str | None = None
    message: str | None = None
    last_heartbeat_time: Time | None = None
    last_transition_time: Time | None = None


class NodeAddress(Model):
    """A name or an address of a Node."""

    type: str
    address: str


class NodeSwap(Model):
    """The swap of a Node."""

    capacity: Int64 | None = None
    """capacity is the size of the swap in bytes."""


class NodeSystemInfo(Model):
    """The operating system, kernel and Kubernetes components of a Node."""

    architecture: str
    """architecture is the processor architecture, such as amd64."""
    boot_id: str
    """bootID changes with every boot of the computer."""
    container_runtime_version: str
    """containerRuntimeVersion is the container runtime with its version, such as containerd://2.1.0."""
    kernel_version: str
    """kernelVersion is the version of the kernel."""
    kube_proxy_version: str
    """kubeProxyVersion is the version of kube-proxy."""
    kubelet_version: str
    """kubeletVersion is the version of the kubelet."""
    machine_id: str
    """machineID identifies the computer within the cluster, as its operating system does."""
    operating_system: str
    """operatingSystem is the family of the operating system, such as linux."""
    os_image: str
    """osImage is the name and version of the operating system."""
    system_uuid: str
    """systemUUID identifies the computer as its firmware does."""
    swap: NodeSwap | None = None
    """swap describes the Node's swap."""


class AttachedVolume(Model):
    """A volume that is attached to a Node."""

    name: str
    device_path: str | None = None


class NodeStatus(Model):
    """What the kubelet reports about its Node."""

    conditions: list[NodeCondition] | None = None
    addresses: list[NodeAddress] | None = None
    node_info: NodeSystemInfo | None = None
    capacity: dict[str, int | str] | None = None
    allocatable: dict[str, int | str] | None = None
    volumes_attached: list[AttachedVolume] | None = None
    volumes_in_use: list[str] | None = None


class Node(Object):
    """A computer that runs Pods."""

    resource: ClassVar = Resource("", "v1", "nodes", "Node", namespaced=False)

    spec: NodeSpec | None = None
    status: NodeStatus | None = None


class LocalObjectReference(Model):
    """Names an object in the same namespace."""

    shape: ClassVar[Shape] = Shape(atomic=True)

    name: Annotated[str, Default("")] | None = None
    """name is the name of the object, which is in the same namespace."""


class ContainerPort(Model):
    """A port a container listens on."""

    container_port: int
    name: str | None = None
    protocol: str | None = None


class Container(Model):
    """One container of a Pod."""

    name: str
    image: str | None = None
    command: list[str] | None = None
    args: list[str] | None = None
    env: list[EnvVar] | None = None
    ports: list[ContainerPort] | None = None


class PersistentVolumeClaimSource(Model):
    """Uses the volume that a PersistentVolumeClaim is bound to."""

    claim_name: str
    read_only: bool | None = None


class Volume(Model):
    """A volume that a Pod mounts."""

    name: str
    empty_dir: dict[str, Any] | None = None
    persistent_volume_claim: PersistentVolumeClaimSource | None = None


class Toleration(Model):
    """Lets a Pod run in spite of a taint."""

    key: str | None = None
    operator: str | None = None
    value: str | None = None
    effect: str | None = None
    toleration_seconds: int | None = None


class PodSpec(Model):
    """What a Pod runs, and where."""

    node_name: str | None = None
    containers: list[Container] | None = None
    volumes: list[Volume] | None = None
    tolerations: list[Toleration] | None = None
    host_network: bool | None = None
    priority_class_name: str | None = None
    priority: int | None = None
    service_account_name: str | None = None
    termination_grace_period_seconds: int | None = None


class PodCondition(Model):
    """One observation about a Pod."""

    type: str
    status: str
    reason: str | None = None
    message: str | None = None
    last_probe_time: Time | None = None
    last_transition_time: Time | None = None


class PodStatus(Model):
    """How a Pod is doing."""

    phase: str | None = None
    conditions: list[PodCondition] | None = None
    reason: str | None = None
    message: str | None = None
    pod_ip: str | None = None
    host_ip: str | None = None
    start_time: Time | None = None


class Pod(Object):
    """Containers that run together on one Node."""

    resource: ClassVar = Resource("", "v1", "pods", "Pod")

    spec: PodSpec | None = None
    status: PodStatus | None = None


class Preconditions(Model):
    """What must still hold for a deletion to happen."""

    uid: str | None = None
    resource_version: str | None = None


class DeleteOptions(Model):
    """How an object is deleted."""

    grace_period_seconds: int | None = None
    preconditions: Preconditions | None = None
    propagation_policy: str | None = None
    dry_run: list[str] | None = None


class Eviction(Object):
    """Asks for the deletion of a Pod; disruption budgets may refuse it. Posted to the Pod's `eviction` subresource."""

    resource: ClassVar = Resource("policy", "v1", "evictions", "Eviction")

    delete_options: DeleteOptions | None = None


class ServicePort(Model):
    """A port of a Service."""

    port: int
    name: str | None = None
    protocol: str | None = None
    target_port: IntOrString | None = None


class ServiceSpec(Model):
    """What a Service points at."""

    cluster_ip: str | None = None
    cluster_ips: list[str] | None = None
    ports: list[ServicePort] | None = None
    selector: dict[str, str] | None = None
    type: str | None = None


class Service(Object):
    """One address for several Pods."""

    resource: ClassVar = Resource("", "v1", "services", "Service")

    spec: ServiceSpec | None = None


class PodTemplateMetadata(Model):
    """Labels and annotations of Pods made from a template."""

    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class PodTemplate(Model):
    """What Pods are made from."""

    metadata: PodTemplateMetadata | None = None
    spec: PodSpec | None = None


class DeploymentSpec(Model):
    """How many Pods of which template run."""

    selector: LabelSelector
    template: PodTemplate
    replicas: int | None = None


class DeploymentStatus(Model):
    """How many Pods run."""

    observed_generation: int | None = None
    replicas: int | None = None
    ready_replicas: int | None = None
    available_replicas: int | None = None
    updated_replicas: int | None = None


class Deployment(Object):
    """Keeps a number of equal Pods running."""

    resource: ClassVar = Resource("apps", "v1", "deployments", "Deployment")

    spec: DeploymentSpec | None = None
    status: DeploymentStatus | None = None


class DaemonSetSpec(Model):
    """Which Pod runs on every Node."""

    selector: LabelSelector
    template: PodTemplate


class DaemonSetStatus(Model):
    """How many Nodes run the Pod."""

    observed_generation: int | None = None
    current_number_scheduled: int | None = None
    desired_number_scheduled: int | None = None
    number_ready: int | None = None
    number_available: int | None = None
    updated_number_scheduled: int | None = None


class DaemonSet(Object):
    """Runs one Pod on every Node."""

    resource: ClassVar = Resource("apps", "v1", "daemonsets", "DaemonSet")

    spec: DaemonSetSpec | None = None
    status: DaemonSetStatus | None = None


class PersistentVolumeClaim(Object):
    """A request for storage; `spec.volumeName` names the PersistentVolume it is bound to."""

    resource: ClassVar = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")

    spec: dict[str, Any] | None = None


class CSIVolume(Model):
    """A volume as its storage driver knows it."""

    driver: str
    volume_handle: str


class PersistentVolumeSpec(Model):
    """Where a volume's storage is."""

    csi: CSIVolume | None = None
    claim_ref: ObjectReference | None = None


class PersistentVolume(Object):
    """A piece of storage."""

    resource: ClassVar = Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)

    spec: PersistentVolumeSpec | None = None


class VolumeAttachmentSource(Model):
    """Which volume is attached."""

    persistent_volume_name: str | None = None


class VolumeAttachmentSpec(Model):
    """Which volume is to be attached to which Node."""

    attacher: str
    node_name: str
    source: VolumeAttachmentSource


class VolumeAttachmentStatus(Model):
    """Whether a volume is attached."""

    attached: bool = False


class VolumeAttachment(Object):
    """The intent to attach a volume to a Node."""

    resource: ClassVar = Resource("storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment", namespaced=False)

    spec: VolumeAttachmentSpec
    status: VolumeAttachmentStatus | None = None


class CustomResourceNames(Model):
    """What a kind is called."""

    kind: str
    plural: str
    singular: str | None = None
    list_kind: str | None = None
    short_names: list[str] | None = None
    categories: list[str] | None = None


class CustomResourceVersion(Model):
    """One version of a kind."""

    name: str
    served: bool
    storage: bool
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")
    subresources: dict[str, Any] | None = None
    additional_printer_columns: list[dict[str, Any]] | None = None


class CustomResourceDefinitionSpec(Model):
    """A kind's group, names, scope and versions."""

    group: str
    names: CustomResourceNames
    scope: str
    versions: list[CustomResourceVersion]


class CustomResourceDefinitionStatus(Model):
    """Whether a kind is served."""

    conditions: list[NodeCondition] | None = None
    stored_versions: list[str] | None = None


class CustomResourceDefinition(Object):
    """Adds a kind to the API."""

    resource: ClassVar = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False)

    spec: CustomResourceDefinitionSpec
    status: CustomResourceDefinitionStatus | None = None


class ScaleSpec(Model):
    """How many replicas are wanted."""

    replicas: int = 0


class Scale(Object):
    """What the scale subresource of a resource is read and written as."""

    resource: ClassVar = Resource("autoscaling", "v1", "scales", "Scale")

    spec: ScaleSpec = Field(default_factory=ScaleSpec)
