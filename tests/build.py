"""Objects for tests: one keyword function per kind, valid as it stands, so that a test names only what it is about.

Every object belongs to the cluster `demo` in the namespace `default` unless told otherwise. `deleting=True` gives a deletion timestamp;
`uid` is derived from kind and name, so that references between built objects fit together.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from capelin.api.cluster import APIEndpoint, Cluster, ClusterNetwork, ClusterSpec, ClusterStatus, NetworkRanges
from capelin.api.core import (
    ConfigMap,
    Container,
    CustomResourceDefinition,
    Namespace,
    Node,
    NodeAddress,
    NodeCondition,
    NodeSpec,
    NodeStatus,
    NodeSystemInfo,
    Pod,
    PodSpec,
    PodStatus,
    Secret,
    Taint,
)
from capelin.api.devcluster import DevCluster, DevClusterBackend, DevClusterSpec, DevClusterStatus, InMemoryClusterBackend
from capelin.api.devmachine import (
    DevMachine,
    DevMachineBackend,
    DevMachineSpec,
    DevMachineStatus,
    DevMachineTemplate,
    DevMachineTemplateResource,
    DevMachineTemplateSpec,
    InMemoryMachineBackend,
    InMemoryProvisioning,
    InMemoryStep,
)
from capelin.api.kubeadm import ClusterConfiguration, InitConfiguration, JoinConfiguration, NodeRegistration
from capelin.api.kubeadmconfig import (
    KubeadmConfig,
    KubeadmConfigSpec,
    KubeadmConfigStatus,
    KubeadmConfigTemplate,
    KubeadmConfigTemplateResource,
    KubeadmConfigTemplateSpec,
)
from capelin.api.labels import CLUSTER_NAME_LABEL, CONTROL_PLANE_LABEL, DEPLOYMENT_NAME_LABEL, SET_NAME_LABEL
from capelin.api.machine import Bootstrap, Machine, MachineSpec, MachineStatus
from capelin.api.machinedeployment import (
    MachineDeployment,
    MachineDeploymentRollout,
    MachineDeploymentSpec,
    MachineDeploymentStatus,
    RollingUpdate,
    RolloutStrategy,
)
from capelin.api.machineset import MachineSet, MachineSetSpec, MachineSetStatus, MachineTemplate
from capelin.api.meta import (
    Condition,
    LabelSelector,
    Object,
    ObjectMeta,
    OwnerReference,
    Resource,
    TemplateMetadata,
    Unstructured,
    owner_reference,
)
from capelin.api.references import ContractReference
from capelin.api.topology import Topology

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
"""The moment every built object was made at."""

CLUSTER = "demo"
NAMESPACE = "default"
VERSION = "v1.34.0"

_BOOTSTRAP_GROUP = KubeadmConfig.resource.group
_INFRASTRUCTURE_GROUP = DevMachine.resource.group


def metadata(
    kind: str,
    name: str,
    *,
    namespace: str | None = NAMESPACE,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    finalizers: Sequence[str] = (),
    owners: Iterable[OwnerReference] = (),
    deleting: bool = False,
    stored: bool = True,
) -> ObjectMeta:
    """Return metadata as the server would store it; with `stored=False` as a user would send it."""
    return ObjectMeta(
        name=name,
        namespace=namespace,
        labels=dict(labels) if labels else None,
        annotations=dict(annotations) if annotations else None,
        finalizers=list(finalizers) or None,
        owner_references=list(owners) or None,
        uid=f"{kind.lower()}-{name}" if stored else None,
        generation=1 if stored else None,
        creation_timestamp=NOW if stored else None,
        deletion_timestamp=NOW if deleting else None,
    )


def condition(type_: str, status: Any = "True", reason: str | None = None, message: str = "", *, at: datetime = NOW) -> Condition:
    """Return a condition; the reason defaults to the type."""
    return Condition(type=type_, status=status, reason=reason or type_, message=message, last_transition_time=at)


def owner(of: Object | Unstructured, *, controller: bool = True) -> OwnerReference:
    """Return the reference an owned object carries."""
    return owner_reference(of, controller=controller)


def bootstrap_ref(name: str, kind: str = "KubeadmConfig") -> ContractReference:
    """Return a reference to a bootstrap object or template."""
    return ContractReference(api_group=_BOOTSTRAP_GROUP, kind=kind, name=name)


def infrastructure_ref(name: str, kind: str = "DevMachine") -> ContractReference:
    """Return a reference to an infrastructure object or template."""
    return ContractReference(api_group=_INFRASTRUCTURE_GROUP, kind=kind, name=name)


def cluster(
    name: str = CLUSTER,
    *,
    paused: bool | None = None,
    endpoint: tuple[str, int] | None = None,
    infrastructure: ContractReference | None = None,
    control_plane: ContractReference | None = None,
    topology: Topology | None = None,
    status: ClusterStatus | None = None,
    **meta: Any,
) -> Cluster:
    """A Cluster whose infrastructure is the DevCluster of its name, unless it has a topology; `meta` goes to `metadata`."""
    if infrastructure is None and topology is None:
        infrastructure = infrastructure_ref(name, "DevCluster")
    return Cluster(
        metadata=metadata("Cluster", name, **meta),
        spec=ClusterSpec(
            paused=paused,
            cluster_network=ClusterNetwork(
                pods=NetworkRanges(cidr_blocks=["10.244.0.0/16"]),
                services=NetworkRanges(cidr_blocks=["10.96.0.0/12"]),
                service_domain="cluster.local",
            ),
            control_plane_endpoint=APIEndpoint(host=endpoint[0], port=endpoint[1]) if endpoint else None,
            control_plane_ref=control_plane,
            infrastructure_ref=infrastructure,
            topology=topology,
        ),
        status=status,
    )


def machine_spec(
    name: str = "worker",
    *,
    cluster_name: str = CLUSTER,
    version: str | None = VERSION,
    kinds: tuple[str, str] = ("KubeadmConfig", "DevMachine"),
    **spec: Any,
) -> MachineSpec:
    """Return a Machine's spec that refers to a KubeadmConfig and a DevMachine of that name; `spec` overrides any field."""
    fields: dict[str, Any] = {
        "cluster_name": cluster_name,
        "version": version,
        "bootstrap": Bootstrap(config_ref=bootstrap_ref(name, kinds[0])),
        "infrastructure_ref": infrastructure_ref(name, kinds[1]),
    }
    return MachineSpec(**(fields | spec))


def machine(
    name: str = "worker",
    *,
    cluster_name: str = CLUSTER,
    control_plane: bool = False,
    labels: Mapping[str, str] | None = None,
    spec: Mapping[str, Any] | None = None,
    status: MachineStatus | None = None,
    **meta: Any,
) -> Machine:
    """A Machine; `control_plane=True` labels it as one, `spec` overrides fields of its spec, `meta` goes to `metadata`."""
    own = {CLUSTER_NAME_LABEL: cluster_name} | ({CONTROL_PLANE_LABEL: ""} if control_plane else {}) | dict(labels or {})
    return Machine(
        metadata=metadata("Machine", name, labels=own, **meta),
        spec=machine_spec(name, **({"cluster_name": cluster_name} | dict(spec or {}))),
        status=status,
    )


def machine_template(name: str, *, labels: Mapping[str, str], cluster_name: str = CLUSTER, **spec: Any) -> MachineTemplate:
    """Return the template of a set or deployment; it refers to templates of that name."""
    return MachineTemplate(
        metadata=TemplateMetadata(labels=dict(labels)),
        spec=machine_spec(name, cluster_name=cluster_name, kinds=("KubeadmConfigTemplate", "DevMachineTemplate"), **spec),
    )


def machineset(
    name: str = "workers-1",
    *,
    replicas: int | None = 3,
    cluster_name: str = CLUSTER,
    labels: Mapping[str, str] | None = None,
    selector: Mapping[str, str] | None = None,
    template: MachineTemplate | None = None,
    status: MachineSetStatus | None = None,
    spec: Mapping[str, Any] | None = None,
    **meta: Any,
) -> MachineSet:
    """A MachineSet whose selector matches its template; `spec` overrides fields of its spec, `meta` goes to `metadata`."""
    chosen = dict(selector or {CLUSTER_NAME_LABEL: cluster_name, SET_NAME_LABEL: name})
    fields: dict[str, Any] = {
        "cluster_name": cluster_name,
        "replicas": replicas,
        "selector": LabelSelector(match_labels=chosen),
        "template": template or machine_template("workers", labels=chosen, cluster_name=cluster_name),
    }
    return MachineSet(
        metadata=metadata("MachineSet", name, labels={CLUSTER_NAME_LABEL: cluster_name} | dict(labels or {}), **meta),
        spec=MachineSetSpec(**(fields | dict(spec or {}))),
        status=status,
    )


def machinedeployment(
    name: str = "workers",
    *,
    replicas: int | None = 3,
    cluster_name: str = CLUSTER,
    labels: Mapping[str, str] | None = None,
    strategy: str = "RollingUpdate",
    max_surge: int | str = 1,
    max_unavailable: int | str = 0,
    paused: bool | None = None,
    template: MachineTemplate | None = None,
    status: MachineDeploymentStatus | None = None,
    spec: Mapping[str, Any] | None = None,
    **meta: Any,
) -> MachineDeployment:
    """A MachineDeployment with its rollout strategy spelled out; `spec` overrides fields of its spec, `meta` goes to `metadata`."""
    chosen = {CLUSTER_NAME_LABEL: cluster_name, DEPLOYMENT_NAME_LABEL: name}
    rolling = RollingUpdate(max_surge=max_surge, max_unavailable=max_unavailable) if strategy == "RollingUpdate" else None
    fields: dict[str, Any] = {
        "cluster_name": cluster_name,
        "replicas": replicas,
        "paused": paused,
        "selector": LabelSelector(match_labels=chosen),
        "rollout": MachineDeploymentRollout(strategy=RolloutStrategy(type=strategy, rolling_update=rolling)),
        "template": template or machine_template(name, labels=chosen, cluster_name=cluster_name),
    }
    return MachineDeployment(
        metadata=metadata("MachineDeployment", name, labels={CLUSTER_NAME_LABEL: cluster_name} | dict(labels or {}), **meta),
        spec=MachineDeploymentSpec(**(fields | dict(spec or {}))),
        status=status,
    )


def kubeadmconfig_spec(*, init: bool = False, **spec: Any) -> KubeadmConfigSpec:
    """Return settings for a joining machine, or with `init=True` for the first of a control plane."""
    registration = NodeRegistration(cri_socket="unix:///var/run/containerd/containerd.sock")
    fields: dict[str, Any] = (
        {
            "cluster_configuration": ClusterConfiguration(certificates_dir="/etc/kubernetes/pki"),
            "init_configuration": InitConfiguration(node_registration=registration),
        }
        if init
        else {"join_configuration": JoinConfiguration(node_registration=registration)}
    )
    return KubeadmConfigSpec(**(fields | spec))


def kubeadmconfig(
    name: str = "worker",
    *,
    cluster_name: str = CLUSTER,
    init: bool = False,
    labels: Mapping[str, str] | None = None,
    spec: Mapping[str, Any] | None = None,
    status: KubeadmConfigStatus | None = None,
    **meta: Any,
) -> KubeadmConfig:
    """A KubeadmConfig; give `owners=[owner(machine)]` for one that its Machine owns."""
    return KubeadmConfig(
        metadata=metadata("KubeadmConfig", name, labels={CLUSTER_NAME_LABEL: cluster_name} | dict(labels or {}), **meta),
        spec=kubeadmconfig_spec(init=init, **dict(spec or {})),
        status=status,
    )


def kubeadmconfigtemplate(
    name: str = "workers", *, template: KubeadmConfigTemplateResource | None = None, **meta: Any
) -> KubeadmConfigTemplate:
    """A template of KubeadmConfigs for joining machines."""
    return KubeadmConfigTemplate(
        metadata=metadata("KubeadmConfigTemplate", name, **meta),
        spec=KubeadmConfigTemplateSpec(template=template or KubeadmConfigTemplateResource(spec=kubeadmconfig_spec())),
    )


def devcluster(
    name: str = CLUSTER,
    *,
    endpoint: tuple[str, int] | None = None,
    labels: Mapping[str, str] | None = None,
    status: DevClusterStatus | None = None,
    **meta: Any,
) -> DevCluster:
    """A DevCluster with the in-memory backend."""
    return DevCluster(
        metadata=metadata("DevCluster", name, labels={CLUSTER_NAME_LABEL: name} | dict(labels or {}), **meta),
        spec=DevClusterSpec(
            backend=DevClusterBackend(in_memory=InMemoryClusterBackend()),
            control_plane_endpoint=APIEndpoint(host=endpoint[0], port=endpoint[1]) if endpoint else None,
        ),
        status=status,
    )


def devmachine_spec(*, provider_id: str | None = None, startup: str = "0s") -> DevMachineSpec:
    """Return a spec with the in-memory backend whose steps take `startup` each."""
    step = InMemoryStep(provisioning=InMemoryProvisioning(startup_duration=startup))
    backend = DevMachineBackend(in_memory=InMemoryMachineBackend(vm=step, node=step, api_server=step, etcd=step))
    return DevMachineSpec(backend=backend, provider_id=provider_id)


def devmachine(
    name: str = "worker",
    *,
    cluster_name: str = CLUSTER,
    provider_id: str | None = None,
    startup: str = "0s",
    labels: Mapping[str, str] | None = None,
    status: DevMachineStatus | None = None,
    **meta: Any,
) -> DevMachine:
    """A DevMachine with the in-memory backend; give `owners=[owner(machine)]` for one that its Machine owns."""
    return DevMachine(
        metadata=metadata("DevMachine", name, labels={CLUSTER_NAME_LABEL: cluster_name} | dict(labels or {}), **meta),
        spec=devmachine_spec(provider_id=provider_id, startup=startup),
        status=status,
    )


def devmachinetemplate(name: str = "workers", *, startup: str = "0s", **meta: Any) -> DevMachineTemplate:
    """A template of DevMachines with the in-memory backend."""
    return DevMachineTemplate(
        metadata=metadata("DevMachineTemplate", name, **meta),
        spec=DevMachineTemplateSpec(template=DevMachineTemplateResource(spec=devmachine_spec(startup=startup))),
    )


def document(
    kind: str, group: str, *, name: str = "worker", version: str = "v1beta2", plural: str | None = None, **fields: Any
) -> Unstructured:
    """An object of a provider this program does not know; `fields` are its top-level fields, `metadata` among them replaces the default."""
    resource = Resource(group, version, plural or f"{kind.lower()}s", kind)
    return Unstructured(resource, {"metadata": metadata(kind, name).wire(), **fields})


def namespace(name: str = NAMESPACE, **meta: Any) -> Namespace:
    """A Namespace."""
    return Namespace(metadata=metadata("Namespace", name, namespace=None, **meta))


def secret(name: str = "secret", values: Mapping[str, bytes | str] | None = None, *, type_: str = "Opaque", **meta: Any) -> Secret:
    """A Secret; `values` are plain, the object carries them encoded."""
    plain = {key: value.encode() if isinstance(value, str) else value for key, value in (values or {}).items()}
    data = {key: base64.b64encode(value).decode() for key, value in plain.items()}
    return Secret(metadata=metadata("Secret", name, **meta), type=type_, data=data)


def configmap(name: str = "configmap", data: Mapping[str, str] | None = None, **meta: Any) -> ConfigMap:
    """A ConfigMap."""
    return ConfigMap(metadata=metadata("ConfigMap", name, **meta), data=dict(data or {}))


def node(
    name: str = "worker",
    *,
    provider_id: str | None = None,
    ready: str = "True",
    taints: Sequence[Taint] = (),
    unschedulable: bool | None = None,
    version: str = VERSION,
    **meta: Any,
) -> Node:
    """A Node whose kubelet reports `ready`, without pressure."""
    pressures = ("MemoryPressure", "DiskPressure", "PIDPressure")
    conditions = [*(NodeCondition(type=kind, status="False") for kind in pressures), NodeCondition(type="Ready", status=ready)]
    return Node(
        metadata=metadata("Node", name, namespace=None, **meta),
        spec=NodeSpec(provider_id=provider_id, taints=list(taints) or None, unschedulable=unschedulable),
        status=NodeStatus(
            conditions=conditions, addresses=[NodeAddress(type="InternalIP", address="10.0.0.1")], node_info=node_info(version)
        ),
    )


def node_info(version: str = VERSION) -> NodeSystemInfo:
    """Return what a kubelet of that version reports about its computer."""
    return NodeSystemInfo(
        architecture="amd64",
        boot_id="boot",
        container_runtime_version="containerd://2.1.0",
        kernel_version="6.1.0",
        kube_proxy_version=version,
        kubelet_version=version,
        machine_id="machine",
        operating_system="linux",
        os_image="Debian GNU/Linux 12",
        system_uuid="system",
    )


def pod(
    name: str = "pod", *, node_name: str | None = "worker", phase: str = "Running", spec: Mapping[str, Any] | None = None, **meta: Any
) -> Pod:
    """A Pod on a Node; `spec` overrides fields of its spec."""
    fields: dict[str, Any] = {"node_name": node_name, "containers": [Container(name="main", image="registry.k8s.io/pause:3.10")]}
    return Pod(metadata=metadata("Pod", name, **meta), spec=PodSpec(**(fields | dict(spec or {}))), status=PodStatus(phase=phase))


def crd(
    group: str, kind: str, *, plural: str | None = None, contracts: Mapping[str, str] | None = None, versions: Sequence[str] = ("v1beta2",)
) -> CustomResourceDefinition:
    """A CustomResourceDefinition without schema; `contracts` are its contract labels ({} for none)."""
    plural = plural or f"{kind.lower()}s"
    labels = {
        f"cluster.x-k8s.io/{contract}": served for contract, served in ({"v1beta2": "v1beta2"} if contracts is None else contracts).items()
    }
    document = {
        "metadata": metadata("CustomResourceDefinition", f"{plural}.{group}", namespace=None, labels=labels).wire(),
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "scope": "Namespaced",
            "versions": [{"name": name, "served": True, "storage": index == 0} for index, name in enumerate(versions)],
        },
    }
    return CustomResourceDefinition.parse(document)
