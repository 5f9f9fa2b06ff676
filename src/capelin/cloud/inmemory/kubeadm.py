"""What kubeadm is to do on a machine, read from the files it would read. Pure.

`kubeadm init` reads an InitConfiguration and a ClusterConfiguration, `kubeadm join` a JoinConfiguration; both in the versions v1beta3 and
v1beta4, which differ in how flags are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from capelin.cloud.inmemory.userdata import UserDataError, load_yaml_documents

INIT_PATH: Final = "/run/kubeadm/kubeadm.yaml"
JOIN_PATH: Final = "/run/kubeadm/kubeadm-join-config.yaml"

_GROUP: Final = "kubeadm.k8s.io/"
_CRI_SOCKET: Final = "unix:///var/run/containerd/containerd.sock"


@dataclass(frozen=True, slots=True)
class Registration:
    """How the Node registers itself. `taints` None leaves them to kubeadm, empty means none."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Mapping[str, str], ...] | None = None
    cri_socket: str = _CRI_SOCKET


@dataclass(frozen=True, slots=True)
class Discovery:
    """How a joining machine finds and trusts the cluster: by token, or (then `token` is empty) by a kubeconfig on its disk."""

    endpoint: str = ""
    token: str = field(default="", repr=False)
    hashes: tuple[str, ...] = ()
    skips_verification: bool = False
    kubeconfig_path: str = ""


@dataclass(frozen=True, slots=True)
class Init:
    """`kubeadm init`. `cluster_configuration` is the ClusterConfiguration, as kubeadm stores it in the cluster."""

    registration: Registration
    cluster_configuration: Mapping[str, Any]

    @property
    def is_control_plane(self) -> bool:
        """Always: init makes a control plane."""
        return True

    @property
    def stored_configuration(self) -> str:
        """The ClusterConfiguration as text."""
        return yaml.safe_dump(dict(self.cluster_configuration), sort_keys=True)


@dataclass(frozen=True, slots=True)
class Join:
    """`kubeadm join`."""

    registration: Registration
    discovery: Discovery
    is_control_plane: bool = False


Run = Init | Join


def kubeadm_run(files: Mapping[str, bytes], *, hostname: str) -> Run:
    """Return what kubeadm is to do on the machine `hostname` with these files on its disk.

    Raises:
        UserDataError: there is no configuration for kubeadm, or it cannot be understood.
    """
    if INIT_PATH in files:
        found = _documents(files, INIT_PATH)
        configuration = found.get("ClusterConfiguration")
        if configuration is None:
            raise UserDataError(f"{INIT_PATH}: found no ClusterConfiguration, allowed is one")
        return Init(_registration(found.get("InitConfiguration") or {}, INIT_PATH, hostname), configuration)
    if JOIN_PATH in files:
        found = _documents(files, JOIN_PATH)
        configuration = found.get("JoinConfiguration")
        if configuration is None:
            raise UserDataError(f"{JOIN_PATH}: found no JoinConfiguration, allowed is one")
        is_control_plane = configuration.get("controlPlane") is not None
        return Join(_registration(configuration, JOIN_PATH, hostname), _discovery(configuration, files), is_control_plane)
    raise UserDataError(f"write_files: found neither {INIT_PATH} nor {JOIN_PATH}, allowed is one of them")


def _documents(files: Mapping[str, bytes], path: str) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for document in load_yaml_documents(files[path], path):
        if not isinstance(document, dict) or not str(document.get("apiVersion")).startswith(_GROUP):
            raise UserDataError(f"{path}: found a document of another API, allowed are those of kubeadm")
        found[str(document.get("kind"))] = document
    return found


def _registration(configuration: Mapping[str, Any], path: str, hostname: str) -> Registration:
    found = _object(configuration, "nodeRegistration", path)
    taints = found.get("taints")
    if taints is not None and not (isinstance(taints, list) and all(isinstance(taint, dict) for taint in taints)):
        raise UserDataError(f"{path}: nodeRegistration.taints: allowed is a list of taints")
    return Registration(
        name=str(found.get("name") or hostname).lower(),
        labels=_node_labels(_flags(found.get("kubeletExtraArgs")).get("node-labels", "")),
        taints=None if taints is None else tuple({str(key): str(value) for key, value in taint.items()} for taint in taints),
        cri_socket=str(found.get("criSocket") or _CRI_SOCKET),
    )


def _flags(found: Any) -> dict[str, str]:
    """Return the flags by name, as v1beta3 (an object) or v1beta4 (a list of names and values) writes them."""
    if isinstance(found, dict):
        return {str(name): str(value) for name, value in found.items()}
    return {str(flag.get("name")): str(flag.get("value")) for flag in found or () if isinstance(flag, dict)}


def _node_labels(flag: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in flag.split(",") if part)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _discovery(configuration: Mapping[str, Any], files: Mapping[str, bytes]) -> Discovery:
    found = _object(configuration, "discovery", JOIN_PATH)
    file = _object(found, "file", f"{JOIN_PATH}: discovery")
    if path := str(file.get("kubeConfigPath") or ""):
        if path not in files:
            raise UserDataError(f"{JOIN_PATH}: discovery.file.kubeConfigPath: found {path}, which no file is written to")
        return Discovery(kubeconfig_path=path)
    token = _object(found, "bootstrapToken", f"{JOIN_PATH}: discovery")
    if not token.get("token"):
        raise UserDataError(f"{JOIN_PATH}: discovery: found neither a token nor a kubeconfig, allowed is one of them")
    return Discovery(
        endpoint=str(token.get("apiServerEndpoint") or ""),
        token=str(token["token"]),
        hashes=tuple(str(item) for item in token.get("caCertHashes") or ()),
        skips_verification=token.get("unsafeSkipCAVerification") is True,
    )


def _object(document: Mapping[str, Any], name: str, place: str) -> Mapping[str, Any]:
    found = document.get(name) or {}
    if not isinstance(found, dict):
        raise UserDataError(f"{place}: {name}: allowed is an object")
    return found
