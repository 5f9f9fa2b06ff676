"""kubeadm's own configuration, in the version of its API that the machine's kubeadm reads. Pure.

The API of KubeadmConfig is one shape for all versions; kubeadm's has changed: v1beta3 (Kubernetes 1.22 to 1.30) knows flags as maps and has
no time-outs of its own kind, v1beta4 (from 1.31) knows flags as lists. What a version cannot express is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from capelin.api.cluster import Cluster
from capelin.api.core import Taint
from capelin.api.kubeadm import (
    APIServerConfiguration,
    Argument,
    BootstrapToken,
    ClusterConfiguration,
    ComponentConfiguration,
    EtcdConfiguration,
    InitConfiguration,
    JoinConfiguration,
    LocalAPIEndpoint,
    NodeRegistration,
    Timeouts,
)
from capelin.api.meta import Model
from capelin.api.versions import parse_version
from capelin.workload.kubeconfig import authority_of

V1BETA3: Final = "v1beta3"
V1BETA4: Final = "v1beta4"

_OLDEST: Final = (1, 22)  # the first that reads v1beta3
_FIRST_V1BETA4: Final = (1, 31)

Document = dict[str, Any]


class UnsupportedVersion(ValueError):
    """No kubeadm of that version can be configured."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """How a joining machine finds and trusts the cluster."""

    endpoint: str  # host:port
    token: str
    ca_cert_hashes: tuple[str, ...]


def api_version_for(kubernetes_version: str) -> str:
    """Return the version of kubeadm's API for a Kubernetes version.

    Raises:
        UnsupportedVersion: it is no version, or older than 1.22.
    """
    try:
        release = parse_version(kubernetes_version).release
    except ValueError as error:
        raise UnsupportedVersion(str(error)) from None
    if release < _OLDEST:
        raise UnsupportedVersion(f"found version {kubernetes_version}, allowed are v1.22.0 and later")
    return V1BETA4 if release >= _FIRST_V1BETA4 else V1BETA3


def cluster_document(
    configuration: ClusterConfiguration, cluster: Cluster, kubernetes_version: str, *, timeouts: Timeouts | None = None
) -> Document:
    """Return the ClusterConfiguration; what the spec leaves open comes from the Cluster and the Machine's version."""
    version = api_version_for(kubernetes_version)
    is_new = version == V1BETA4
    server = _component(configuration.api_server, version)
    if configuration.api_server and configuration.api_server.cert_sans:
        server["certSANs"] = configuration.api_server.cert_sans
    if not is_new and timeouts and timeouts.control_plane_component_health_check_seconds is not None:
        server["timeoutForControlPlane"] = _seconds(timeouts.control_plane_component_health_check_seconds)
    return _present(
        {
            **_kind("ClusterConfiguration", version),
            "clusterName": cluster.key.name,
            "kubernetesVersion": kubernetes_version,
            "controlPlaneEndpoint": configuration.control_plane_endpoint or endpoint_of(cluster),
            "networking": _networking(cluster),
            "certificatesDir": configuration.certificates_dir,
            "imageRepository": configuration.image_repository,
            "featureGates": configuration.feature_gates,
            "certificateValidityPeriod": _days(configuration.certificate_validity_period_days) if is_new else None,
            "caCertificateValidityPeriod": _days(configuration.ca_certificate_validity_period_days) if is_new else None,
            "encryptionAlgorithm": configuration.encryption_algorithm if is_new else None,
            "dns": configuration.dns.wire() if configuration.dns else None,
            "etcd": _etcd(configuration.etcd, version),
            "apiServer": server,
            "controllerManager": _component(configuration.controller_manager, version),
            "scheduler": _component(configuration.scheduler, version),
        }
    )


def init_document(configuration: InitConfiguration, cluster: Cluster, version: str) -> Document:
    """Return the InitConfiguration; `version` is that of kubeadm's API."""
    return _present(
        {
            **_kind("InitConfiguration", version),
            "bootstrapTokens": [_bootstrap_token(token) for token in configuration.bootstrap_tokens or ()],
            "nodeRegistration": _registration(configuration.node_registration, version),
            "localAPIEndpoint": _local_endpoint(configuration.local_api_endpoint, cluster),
            "skipPhases": configuration.skip_phases,
            "patches": configuration.patches.wire() if configuration.patches else None,
            "timeouts": _timeouts(configuration.timeouts) if version == V1BETA4 else None,
        }
    )


def join_document(
    configuration: JoinConfiguration,
    cluster: Cluster,
    version: str,
    *,
    discovery: Discovery | None,
    control_plane: bool,
    extra_taint: Taint | None = None,
) -> Document:
    """Return the JoinConfiguration. `discovery` fills in what a discovery by token leaves open; None for a discovery by file."""
    found = _discovery(configuration, discovery)
    if version == V1BETA3 and configuration.timeouts and configuration.timeouts.discovery_seconds is not None:
        found["timeout"] = _seconds(configuration.timeouts.discovery_seconds)
    local = configuration.control_plane.local_api_endpoint if configuration.control_plane else None
    return _present(
        {
            **_kind("JoinConfiguration", version),
            "caCertPath": configuration.ca_cert_path,
            "discovery": found,
            "nodeRegistration": _registration(configuration.node_registration, version, extra_taint),
            "skipPhases": configuration.skip_phases,
            "patches": configuration.patches.wire() if configuration.patches else None,
            "timeouts": _timeouts(configuration.timeouts) if version == V1BETA4 else None,
        }
    ) | ({"controlPlane": _present({"localAPIEndpoint": _local_endpoint(local, cluster)})} if control_plane else {})


def _kind(kind: str, version: str) -> Document:
    return {"apiVersion": f"kubeadm.k8s.io/{version}", "kind": kind}


def _present(document: Document) -> Document:
    """Leave out what says nothing. An empty list of taints does say something; it is put in afterwards."""
    return {key: value for key, value in document.items() if value not in (None, {}, [], "")}


def _seconds(seconds: int) -> str:
    return f"{seconds}s"


def _days(days: int | None) -> str | None:
    return None if days is None else f"{days * 24}h"


def endpoint_of(cluster: Cluster) -> str:
    """Return `host:port` of the cluster's API server; empty while it is not known."""
    found = cluster.spec.control_plane_endpoint
    return authority_of(found) if found and found.host and found.port else ""


def _networking(cluster: Cluster) -> Document:
    network = cluster.spec.cluster_network
    if network is None:
        return {}
    ranges = {"serviceSubnet": network.services, "podSubnet": network.pods}
    found = {name: ",".join(value.cidr_blocks) for name, value in ranges.items() if value}
    return _present({"dnsDomain": network.service_domain, **found})


def _arguments(arguments: Iterable[Argument] | None, version: str) -> dict[str, str] | list[Document]:
    if version == V1BETA3:
        return {argument.name: argument.value for argument in arguments or ()}
    return [{"name": argument.name, "value": argument.value} for argument in arguments or ()]


def _wires(models: Sequence[Model] | None, version: str = V1BETA4) -> list[Document]:
    return [model.wire() for model in models or ()] if version == V1BETA4 else []


def _component(component: APIServerConfiguration | ComponentConfiguration | None, version: str) -> Document:
    if component is None:
        return {}
    return _present(
        {
            "extraArgs": _arguments(component.extra_args, version),
            "extraVolumes": _wires(component.extra_volumes),
            "extraEnvs": _wires(component.extra_envs, version),
        }
    )


def _etcd(etcd: EtcdConfiguration | None, version: str) -> Document:
    if etcd is None:
        return {}
    if etcd.external is not None:
        return {"external": etcd.external.wire()}
    if etcd.local is None:
        return {}
    local = etcd.local
    return {
        "local": _present(
            {
                **local.model_copy(update={"extra_args": None, "extra_envs": None}).wire(),
                "extraArgs": _arguments(local.extra_args, version),
                "extraEnvs": _wires(local.extra_envs, version),
            }
        )
    }


def _bootstrap_token(token: BootstrapToken) -> Document:
    ttl = token.ttl_seconds
    return {
        **token.model_copy(update={"ttl_seconds": None}).wire(),
        **({} if ttl is None else {"ttl": _seconds(ttl)}),
    }


def _local_endpoint(local: LocalAPIEndpoint | None, cluster: Cluster) -> Document:
    network = cluster.spec.cluster_network
    port = (local and local.bind_port) or (network and network.api_server_port)
    return _present({"advertiseAddress": local and local.advertise_address, "bindPort": port})


def _registration(registration: NodeRegistration | None, version: str, extra_taint: Taint | None = None) -> Document:
    found = registration or NodeRegistration()
    document = _present(
        {
            "name": found.name,
            "criSocket": found.cri_socket,
            "kubeletExtraArgs": _arguments(found.kubelet_extra_args, version),
            "ignorePreflightErrors": found.ignore_preflight_errors,
            "imagePullPolicy": found.image_pull_policy,
            "imagePullSerial": found.image_pull_serial if version == V1BETA4 else None,
        }
    )
    taints = found.taints
    if extra_taint is not None and not any((t.key, t.effect) == (extra_taint.key, extra_taint.effect) for t in taints or ()):
        taints = [*(taints or ()), extra_taint]
    return document if taints is None else {**document, "taints": [taint.wire() for taint in taints]}


def _timeouts(timeouts: Timeouts | None) -> Document:
    if timeouts is None:
        return {}
    names = {
        "controlPlaneComponentHealthCheck": timeouts.control_plane_component_health_check_seconds,
        "kubeletHealthCheck": timeouts.kubelet_health_check_seconds,
        "kubernetesAPICall": timeouts.kubernetes_api_call_seconds,
        "etcdAPICall": timeouts.etcd_api_call_seconds,
        "tlsBootstrap": timeouts.tls_bootstrap_seconds,
        "discovery": timeouts.discovery_seconds,
    }
    return {name: _seconds(seconds) for name, seconds in names.items() if seconds is not None}


def _discovery(configuration: JoinConfiguration, found: Discovery | None) -> Document:
    wanted = configuration.discovery
    document = _present({"tlsBootstrapToken": wanted and wanted.tls_bootstrap_token})
    if wanted and wanted.file:
        return {**document, "file": {"kubeConfigPath": wanted.file.kube_config_path}}
    token = wanted.bootstrap_token.wire() if wanted and wanted.bootstrap_token else {}
    if found is not None:
        token = {
            **token,
            "apiServerEndpoint": found.endpoint,
            "token": found.token,
            **({"caCertHashes": list(found.ca_cert_hashes)} if found.ca_cert_hashes else {}),
        }
    return {**document, "bootstrapToken": token}
