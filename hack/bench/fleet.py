"""The fleet that a benchmark creates: N clusters, each one standalone control-plane machine and three workers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

CORE = "cluster.x-k8s.io/v1beta2"
INFRASTRUCTURE = "infrastructure.cluster.x-k8s.io"
BOOTSTRAP = "bootstrap.cluster.x-k8s.io"
VERSION = "v1.34.0"
WORKERS = 3
MACHINES_PER_CLUSTER = 1 + WORKERS

_STEP = {"provisioning": {"startupDuration": "200ms", "startupJitter": "0.2"}}
_MACHINE = {
    "backend": {
        "inMemory": {
            "vm": {"provisioning": {"startupDuration": "1s", "startupJitter": "0.2"}},
            "node": _STEP,
            "apiServer": _STEP,
            "etcd": _STEP,
        }
    }
}


def _object(api_version: str, kind: str, namespace: str, name: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"namespace": namespace, "name": name, **metadata}, "spec": spec}


def _reference(group: str, kind: str, name: str) -> dict[str, str]:
    return {"apiGroup": group, "kind": kind, "name": name}


def cluster(namespace: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of one cluster, in the order a user would apply them."""
    labels = {"cluster.x-k8s.io/cluster-name": name}
    network = {"pods": {"cidrBlocks": ["192.168.0.0/16"]}, "services": {"cidrBlocks": ["10.128.0.0/12"]}}
    yield _object(
        CORE, "Cluster", namespace, name, {"clusterNetwork": network, "infrastructureRef": _reference(INFRASTRUCTURE, "DevCluster", name)}
    )
    yield _object(f"{INFRASTRUCTURE}/v1beta2", "DevCluster", namespace, name, {"backend": {"inMemory": {}}}, labels=labels)
    control_plane = f"{name}-control-plane"
    yield _object(
        f"{BOOTSTRAP}/v1beta2",
        "KubeadmConfig",
        namespace,
        control_plane,
        {"initConfiguration": {"nodeRegistration": {"imagePullPolicy": "IfNotPresent"}}},
        labels=labels,
    )
    yield _object(f"{INFRASTRUCTURE}/v1beta2", "DevMachine", namespace, control_plane, _MACHINE, labels=labels)
    yield _object(
        CORE,
        "Machine",
        namespace,
        control_plane,
        {
            "clusterName": name,
            "version": VERSION,
            "bootstrap": {"configRef": _reference(BOOTSTRAP, "KubeadmConfig", control_plane)},
            "infrastructureRef": _reference(INFRASTRUCTURE, "DevMachine", control_plane),
        },
        labels={**labels, "cluster.x-k8s.io/control-plane": ""},
    )
    workers = f"{name}-md-0"
    join = {"template": {"spec": {"joinConfiguration": {"nodeRegistration": {"imagePullPolicy": "IfNotPresent"}}}}}
    yield _object(f"{BOOTSTRAP}/v1beta2", "KubeadmConfigTemplate", namespace, workers, join)
    yield _object(f"{INFRASTRUCTURE}/v1beta2", "DevMachineTemplate", namespace, workers, {"template": {"spec": _MACHINE}})
    yield _object(
        CORE,
        "MachineDeployment",
        namespace,
        workers,
        {
            "clusterName": name,
            "replicas": WORKERS,
            "selector": {"matchLabels": {**labels, "cluster.x-k8s.io/deployment-name": workers}},
            "template": {
                "metadata": {"labels": {**labels, "cluster.x-k8s.io/deployment-name": workers}},
                "spec": {
                    "clusterName": name,
                    "version": VERSION,
                    "bootstrap": {"configRef": _reference(BOOTSTRAP, "KubeadmConfigTemplate", workers)},
                    "infrastructureRef": _reference(INFRASTRUCTURE, "DevMachineTemplate", workers),
                },
            },
        },
        labels=labels,
    )
