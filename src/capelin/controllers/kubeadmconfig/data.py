"""The bootstrap data of one machine, from everything it depends on. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

from capelin.api.cluster import Cluster
from capelin.api.core import Taint
from capelin.api.kubeadm import FileDiscovery, FileDiscoveryKubeConfig, KubeConfigUser
from capelin.api.labels import UNINITIALIZED_TAINT
from capelin.controllers.kubeadmconfig import files
from capelin.controllers.kubeadmconfig.cloudconfig import INIT_CONFIG_PATH, JOIN_CONFIG_PATH, HostFile, init_command, join_command, render
from capelin.controllers.kubeadmconfig.kubeadm_types import (
    Discovery,
    api_version_for,
    cluster_document,
    endpoint_of,
    init_document,
    join_document,
)
from capelin.controllers.kubeadmconfig.scope import Scope
from capelin.controllers.kubeadmconfig.yamltext import to_yaml
from capelin.runtime.pki import spki_hash
from capelin.workload.certificates import Certificates, Purpose
from capelin.workload.kubeconfig import server_url

NEW_NODE: Final = Taint(key=UNINITIALIZED_TAINT, effect="NoSchedule")
"""Keeps Pods away until the Machine's labels and taints are on the Node. Control planes have a taint of their own by default, which one
given here would replace."""


def init_data(scope: Scope, certificates: Certificates, fetched: Mapping[str, bytes]) -> bytes:
    """Return what makes the first machine of a control plane."""
    version = scope.machine.spec.version or ""
    configuration, init = scope.cluster_configuration, scope.init_configuration
    documents = (
        cluster_document(configuration, scope.cluster, version, timeouts=init.timeouts),
        init_document(init, scope.cluster, api_version_for(version)),
    )
    text = "---\n".join(to_yaml(document) for document in documents)
    written = [
        *files.certificate_files(certificates, configuration.certificates_dir),
        files.kubeadm_file(INIT_CONFIG_PATH, text),
        *_spec_files(scope, fetched),
    ]
    return render(scope.spec, written, init_command(scope.spec.verbosity), files.passwords(scope.spec, fetched))


def join_data(scope: Scope, certificates: Certificates, fetched: Mapping[str, bytes], discovery: Discovery | None) -> bytes:
    """Return what makes a machine join; with a control plane's certificates when it is of the control plane."""
    document = join_document(
        scope.join_configuration,
        scope.cluster,
        api_version_for(scope.machine.spec.version or ""),
        discovery=discovery,
        control_plane=scope.is_control_plane,
        extra_taint=None if scope.is_control_plane else NEW_NODE,
    )
    directory = scope.cluster_configuration.certificates_dir
    written = [
        *(files.certificate_files(certificates, directory) if scope.is_control_plane else ()),
        *_discovery_files(scope, certificates),
        files.kubeadm_file(JOIN_CONFIG_PATH, to_yaml(document)),
        *_spec_files(scope, fetched),
    ]
    return render(scope.spec, written, join_command(scope.spec.verbosity), files.passwords(scope.spec, fetched))


def discovery_for(scope: Scope, certificates: Certificates, token: str) -> Discovery:
    """Return how the machine finds and trusts the cluster; what the spec says about it is kept."""
    wanted = scope.join_configuration.discovery
    own = wanted.bootstrap_token if wanted else None
    trusts_blindly = bool(own and (own.unsafe_skip_ca_verification or own.ca_cert_hashes))
    return Discovery(
        endpoint=(own and own.api_server_endpoint) or endpoint_of(scope.cluster),
        token=(own and own.token) or token,
        ca_cert_hashes=() if trusts_blindly else (spki_hash(certificates[Purpose.CA].certificate),),
    )


def control_plane_version(scope: Scope) -> str:
    """Return the version of the control plane, the oldest while it changes; empty while nobody has reported it."""
    if scope.is_control_plane:
        return scope.machine.spec.version or ""
    counts = scope.cluster.status.control_plane if scope.cluster.status else None
    versions = (counts.versions if counts else None) or []
    return versions[0].version if versions else ""


def _spec_files(scope: Scope, fetched: Mapping[str, bytes]) -> list[HostFile]:
    return files.spec_files(scope.spec, fetched, control_plane_version(scope))


def _discovery_files(scope: Scope, certificates: Certificates) -> list[HostFile]:
    """Return the kubeconfig of a discovery by file, if it is ours to make."""
    wanted = scope.join_configuration.discovery
    if wanted is None or wanted.file is None or wanted.file.kube_config is None:
        return []
    return [_kubeconfig_file(wanted.file, wanted.file.kube_config, scope.cluster, certificates)]


def _kubeconfig_file(discovery: FileDiscovery, wanted: FileDiscoveryKubeConfig, cluster: Cluster, certificates: Certificates) -> HostFile:
    endpoint = cluster.spec.control_plane_endpoint
    own = wanted.cluster.wire() if wanted.cluster else {}
    defaults = {
        "server": server_url(endpoint) if endpoint else "",
        "certificate-authority-data": base64.b64encode(certificates[Purpose.CA].certificate).decode(),
    }
    spelled = {
        "server": own.get("server"),
        "certificate-authority-data": own.get("certificateAuthorityData"),
        "insecure-skip-tls-verify": own.get("insecureSkipTLSVerify"),
        "proxy-url": own.get("proxyURL"),
        "tls-server-name": own.get("tlsServerName"),
    }
    if spelled["insecure-skip-tls-verify"]:
        del defaults["certificate-authority-data"]  # the two exclude each other
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "default", "cluster": defaults | {key: value for key, value in spelled.items() if value}}],
        "users": [{"name": "default", "user": _user(wanted.user)}],
        "contexts": [{"name": "default", "context": {"cluster": "default", "user": "default"}}],
        "current-context": "default",
    }
    return HostFile(discovery.kube_config_path, to_yaml(document).encode(), "root:root", "0640")


def _user(user: KubeConfigUser) -> dict[str, Any]:
    if user.auth_provider is not None:
        return {"auth-provider": user.auth_provider.wire()}
    if user.exec is None:
        return {}
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never", **user.exec.wire()}}
