"""What `kubeadm init` creates in a new cluster. Pure."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any, Final

import yaml

from capelin.api.meta import ObjectKey, Resource, Unstructured

KUBEADM_CONFIG: Final = ObjectKey("kube-system", "kubeadm-config")
CONFIG_MAPS: Final = Resource("", "v1", "configmaps", "ConfigMap")

DNS_TAG: Final = "v1.12.1"
"""The CoreDNS that kubeadm of 1.34 installs unless it is told another."""

_CLUSTER_SCOPED: Final = ("ClusterRole", "ClusterRoleBinding")


def init_objects(configuration: Mapping[str, Any], *, server: str, certificate_authority: bytes, version: str) -> list[Unstructured]:
    """Return what init creates for a ClusterConfiguration, in no particular order; `kubeadm-config` is not among them.

    `server` is the URL of the API server, `version` that of Kubernetes.
    """
    values = _values(configuration, server=server, certificate_authority=certificate_authority, version=version)
    return [Unstructured(_resource(document), _filled(document, values)) for document in _templates()]


def kubeadm_config(stored_configuration: str) -> Unstructured:
    """Return the ConfigMap in which kubeadm keeps the ClusterConfiguration for machines that join, and for upgrades."""
    metadata = {"name": KUBEADM_CONFIG.name, "namespace": KUBEADM_CONFIG.namespace}
    return Unstructured(CONFIG_MAPS, {"metadata": metadata, "data": {"ClusterConfiguration": stored_configuration}})


@cache
def _templates() -> tuple[dict[str, Any], ...]:
    return tuple(yaml.safe_load_all(files(__package__).joinpath("manifests.yaml").read_text()))


def _resource(document: Mapping[str, Any]) -> Resource:
    group, _, version = str(document["apiVersion"]).rpartition("/")
    kind = str(document["kind"])
    return Resource(group, version, f"{kind.lower()}s", kind, namespaced=kind not in _CLUSTER_SCOPED)


def _values(configuration: Mapping[str, Any], *, server: str, certificate_authority: bytes, version: str) -> dict[str, str]:
    networking = configuration.get("networking") or {}
    dns = configuration.get("dns") or {}
    services = str(networking.get("serviceSubnet") or "10.96.0.0/12").partition(",")[0]
    return {
        "version": version,
        "repository": str(configuration.get("imageRepository") or "registry.k8s.io"),
        "dns_tag": str(dns.get("imageTag") or DNS_TAG),
        "dns_domain": str(networking.get("dnsDomain") or "cluster.local"),
        "api_address": _address(services, 1),
        "dns_address": _address(services, 10),
        "pod_subnet": str(networking.get("podSubnet") or '""'),
        "server": server,
        "cluster_info": _cluster_info(server, certificate_authority),
    }


def _address(subnet: str, index: int) -> str:
    """Return an address of the Service network; one that is none gives a headless Service rather than no cluster."""
    try:
        return str(ipaddress.ip_network(subnet, strict=False)[index])
    except (ValueError, IndexError):
        return "None"


def _cluster_info(server: str, certificate_authority: bytes) -> str:
    cluster = {"certificate-authority-data": base64.b64encode(certificate_authority).decode(), "server": server}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "", "cluster": cluster}]}, sort_keys=False)


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, values) for inner in value]
    return Template(value).substitute(values) if isinstance(value, str) and "$" in value else value
