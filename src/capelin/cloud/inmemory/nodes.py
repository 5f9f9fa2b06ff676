"""What runs on a simulated machine, as its kubelet reports it: the Node and the mirrors of its static Pods. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from capelin.cloud.inmemory.kubeadm import Registration

Document = dict[str, Any]

CONTROL_PLANE_ROLE: Final = "node-role.kubernetes.io/control-plane"

ETCD: Final = "etcd"
API_SERVER: Final = "kube-apiserver"
CONTROLLER_MANAGER: Final = "kube-controller-manager"
SCHEDULER: Final = "kube-scheduler"

ETCD_TAG: Final = "3.6.4-0"
"""What kubeadm of 1.34 installs; nothing depends on it."""

_CAPACITY: Final = {"cpu": "4", "memory": "16Gi", "ephemeral-storage": "100Gi", "pods": "110"}
_CONTROL_PLANE_LABELS: Final = {CONTROL_PLANE_ROLE: "", "node.kubernetes.io/exclude-from-external-load-balancers": ""}
_CONTROL_PLANE_TAINT: Final = {"key": CONTROL_PLANE_ROLE, "effect": "NoSchedule"}
_HEALTH: Final = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


@dataclass(frozen=True, slots=True)
class Host:
    """The computer that a kubelet runs on. `uid` is unique to it, `version` that of Kubernetes, with its `v`."""

    uid: str
    provider_id: str
    version: str
    zone: str = ""

    @property
    def address(self) -> str:
        """The computer's address, which follows from its UID: nobody has to remember it, and nothing routes it."""
        first, second, third = hashlib.sha256(self.uid.encode()).digest()[:3]
        return f"10.{first}.{second}.{third or 1}"


def node(host: Host, registration: Registration, *, is_control_plane: bool, now: datetime) -> Document:
    """Return the Node that the kubelet registers, healthy."""
    name, zone = registration.name, {"topology.kubernetes.io/zone": host.zone} if host.zone else {}
    platform = {f"{prefix}kubernetes.io/{key}": value for prefix in ("", "beta.") for key, value in (("arch", "amd64"), ("os", "linux"))}
    labels = {
        **platform,
        "kubernetes.io/hostname": name,
        **zone,
        **registration.labels,
        **(_CONTROL_PLANE_LABELS if is_control_plane else {}),
    }
    taints = registration.taints if registration.taints is not None else (_CONTROL_PLANE_TAINT,) * is_control_plane
    return {
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {
                "kubeadm.alpha.kubernetes.io/cri-socket": registration.cri_socket,
                "node.alpha.kubernetes.io/ttl": "0",
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
            },
        },
        "spec": {"providerID": host.provider_id, **({"taints": [dict(taint) for taint in taints]} if taints else {})},
        "status": {
            "addresses": [{"type": "InternalIP", "address": host.address}, {"type": "Hostname", "address": name}],
            "capacity": dict(_CAPACITY),
            "allocatable": dict(_CAPACITY),
            "conditions": [_condition(*line, now=now) for line in _HEALTH],
            "nodeInfo": _node_info(host),
        },
    }


def silent_conditions(*, now: datetime) -> list[Document]:
    """Return the conditions of a Node whose kubelet is not heard of any more, as the node lifecycle controller sets them."""
    said = "Kubelet stopped posting node status."
    return [_condition(type_, "Unknown", "NodeStatusUnknown", said, now=now) for type_, *_ in _HEALTH]


def static_pod(component: str, host: Host, node_name: str, node_uid: str, *, now: datetime) -> Document:
    """Return the mirror of a static Pod of the control plane; it goes with its Node."""
    started_at = _time(now)
    image = f"registry.k8s.io/{component}:{ETCD_TAG if component == ETCD else host.version}"
    digest = hashlib.sha256(f"{component} {host.uid} {host.version}".encode()).hexdigest()[:32]
    owner = {"apiVersion": "v1", "kind": "Node", "name": node_name, "uid": node_uid, "controller": True}
    return {
        "metadata": {
            "name": f"{component}-{node_name}",
            "namespace": "kube-system",
            "labels": {"component": component, "tier": "control-plane"},
            "annotations": {
                "kubernetes.io/config.hash": digest,
                "kubernetes.io/config.mirror": digest,
                "kubernetes.io/config.seen": started_at,
                "kubernetes.io/config.source": "file",
            },
            "ownerReferences": [owner],
        },
        "spec": {
            "nodeName": node_name,
            "hostNetwork": True,
            "priorityClassName": "system-node-critical",
            "priority": 2000001000,
            "restartPolicy": "Always",
            "containers": [{"name": component, "image": image, "command": [component]}],
            "tolerations": [{"operator": "Exists", "effect": "NoExecute"}],
        },
        "status": running(image, component, host.address, host.address, now=now),
    }


def extra_pod(name: str, namespace: str, labels: Mapping[str, str], host: Host, node_name: str, *, now: datetime) -> Document:
    """Return a Pod of a user that runs on the Node."""
    image = "registry.k8s.io/pause:3.10"
    return {
        "metadata": {"name": name, "namespace": namespace, **({"labels": dict(labels)} if labels else {})},
        "spec": {"nodeName": node_name, "containers": [{"name": "main", "image": image}]},
        "status": running(image, "main", host.address, host.address, now=now),
    }


def running(image: str, container: str, host_address: str, pod_address: str, *, now: datetime) -> Document:
    """Return the status of a Pod whose one container runs."""
    at = _time(now)
    types = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    return {
        "phase": "Running",
        "conditions": [{"type": type_, "status": "True", "lastTransitionTime": at} for type_ in types],
        "containerStatuses": [
            {
                "name": container,
                "image": image,
                "imageID": f"{image}@sha256:{hashlib.sha256(image.encode()).hexdigest()}",
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": at}},
            }
        ],
        "hostIP": host_address,
        "podIP": pod_address,
        "startTime": at,
    }


def _condition(type_: str, status: str, reason: str, message: str, *, now: datetime) -> Document:
    at = _time(now)
    return {"type": type_, "status": status, "reason": reason, "message": message, "lastHeartbeatTime": at, "lastTransitionTime": at}


def _node_info(host: Host) -> Document:
    digest = hashlib.sha256(host.uid.encode()).hexdigest()
    return {
        "architecture": "amd64",
        "bootID": digest[:32],
        "containerRuntimeVersion": "containerd://2.1.4",
        "kernelVersion": "6.12.0",
        "kubeProxyVersion": host.version,
        "kubeletVersion": host.version,
        "machineID": digest[32:],
        "operatingSystem": "linux",
        "osImage": "Debian GNU/Linux 13 (trixie)",
        "systemUUID": host.uid,
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
