"""Where the management API is, as kubectl would find it: kubeconfig files, or the service account of the Pod we run in.

This is the loader for the operator's own kubeconfig, which is trusted: it may name files and run plugins. Kubeconfigs of workload clusters
are read by a stricter one.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from capelin.runtime.http import ATTEMPTS, Address, HttpConnection
from capelin.runtime.logins import FileLogin, FixedLogin, Login, Logins, PluginLogin, bearer
from capelin.runtime.seams import Clock, Random

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where every Pod finds its token, the cluster's CA and its namespace."""


class KubeconfigError(Exception):
    """A kubeconfig cannot be used; the message says where and what is wrong."""


@dataclass(frozen=True, slots=True)
class Access:
    """One context, resolved: where the server is, who we are to it, and the namespace commands mean when they name none."""

    context: str
    address: Address
    logins: Logins
    namespace: str = "default"

    def connect(self, clock: Clock, random: Random, *, attempts: int = ATTEMPTS) -> HttpConnection:
        """Return a connection; nothing is sent before its first request, and each is tried so often."""
        return HttpConnection(self.address, self.logins, clock, random, attempts=attempts)


def default_paths(environment: Mapping[str, str]) -> list[Path]:
    """Return the files kubectl would read: those of KUBECONFIG, else `~/.kube/config`."""
    listed = [Path(part) for part in environment.get("KUBECONFIG", "").split(":") if part]
    return listed or [Path(environment.get("HOME", "")) / ".kube" / "config"]


def load(paths: Sequence[Path], clock: Clock, *, context: str = "") -> Access:
    """Return the access that `context` (by default the current one) describes; of entries with one name the first counts.

    Raises:
        KubeconfigError: no file is there, or what the context needs is missing or malformed.
    """
    merged = _merge(paths)
    name = context or merged.current
    chosen = merged.entry("context", name)
    cluster = merged.entry("cluster", str(chosen.value.get("cluster") or ""))
    user = merged.entry("user", str(chosen.value["user"])) if chosen.value.get("user") else _Entry({}, Path())
    namespace = str(chosen.value.get("namespace") or "default")
    return Access(name, _address(cluster), _logins(cluster, user, clock), namespace)


def in_cluster(environment: Mapping[str, str], clock: Clock, *, account: Path = SERVICE_ACCOUNT) -> Access:
    """Return the access of the Pod this process runs in.

    Raises:
        KubeconfigError: it does not run in a Pod, or the Pod has no service account token.
    """
    host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT", "443")
    if not host or not (account / "token").exists():
        raise KubeconfigError("not in a Pod: KUBERNETES_SERVICE_HOST or the service account's token is missing")
    address = Address(f"https://{f'[{host}]' if ':' in host else host}:{port}", (account / "ca.crt").read_bytes())
    namespace = (account / "namespace").read_text().strip() if (account / "namespace").exists() else "default"
    return Access("in-cluster", address, FileLogin(clock, token=account / "token"), namespace)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A named cluster, user or context, and the folder its relative paths start from."""

    value: Mapping[str, Any]
    folder: Path

    def path(self, name: str) -> Path | None:
        return self.folder / str(self.value[name]) if self.value.get(name) else None

    def data(self, name: str) -> bytes:
        """Return `<name>-data`, decoded, or what the file `name` holds, or nothing."""
        encoded, path = self.value.get(f"{name}-data"), self.path(name)
        try:
            return base64.b64decode(encoded, validate=True) if encoded else path.read_bytes() if path else b""
        except (OSError, binascii.Error) as error:
            raise KubeconfigError(f"{name}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Merged:
    current: str
    entries: Mapping[tuple[str, str], _Entry]
    paths: Sequence[Path]

    def entry(self, sort: str, name: str) -> _Entry:
        found = self.entries.get((sort, name))
        if found is None:
            known = ", ".join(sorted(known for kind, known in self.entries if kind == sort)) or "none"
            raise KubeconfigError(f"found {sort} {name!r}, known are {known} (in {', '.join(map(str, self.paths))})")
        return found


def _merge(paths: Sequence[Path]) -> _Merged:
    entries: dict[tuple[str, str], _Entry] = {}
    current = ""
    for path in paths:
        document = _read(path)
        current = current or str(document.get("current-context") or "")
        for sort in ("cluster", "user", "context"):
            for item in document.get(f"{sort}s") or ():
                entries.setdefault((sort, str(item["name"])), _Entry(item.get(sort) or {}, path.parent))
    return _Merged(current, entries, paths)


def _read(path: Path) -> Mapping[str, Any]:
    if not path.exists():
        return {}
    try:
        document = yaml.safe_load(path.read_bytes())
    except (OSError, yaml.YAMLError) as error:
        raise KubeconfigError(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise KubeconfigError(f"{path}: found {type(document).__name__}, expected a mapping")
    return document


def _address(cluster: _Entry) -> Address:
    server = str(cluster.value.get("server") or "")
    if not server.startswith(("https://", "http://")):
        raise KubeconfigError(f"found server {server!r}, allowed are https and http addresses")
    proxy = str(cluster.value.get("proxy-url") or "")
    if proxy and not proxy.startswith(("https://", "http://")):
        raise KubeconfigError(f"found proxy-url {proxy!r}, allowed are https and http addresses")
    return Address(
        server,
        cluster.data("certificate-authority"),
        server_name=str(cluster.value.get("tls-server-name") or ""),
        proxy=proxy,
        insecure=bool(cluster.value.get("insecure-skip-tls-verify")),
    )


def _logins(cluster: _Entry, user: _Entry, clock: Clock) -> Logins:
    if "exec" in user.value or "auth-provider" in user.value:
        return PluginLogin(_alone(cluster, user))
    if user.value.get("username"):
        pair = f"{user.value['username']}:{user.value.get('password', '')}"
        return FixedLogin(Login("Basic " + base64.b64encode(pair.encode()).decode()))
    token = str(user.value.get("token") or "")
    pair_in_files = not user.value.get("client-certificate-data") and user.path("client-certificate") is not None
    if (user.path("tokenFile") and not token) or pair_in_files:
        return FileLogin(clock, user.path("tokenFile"), user.path("client-certificate"), user.path("client-key"))
    return FixedLogin(Login(bearer(token), user.data("client-certificate"), user.data("client-key")))


def _alone(cluster: _Entry, user: _Entry) -> dict[str, Any]:
    """Return a kubeconfig of this cluster and user only; plugins are named relative to the file they stand in."""
    value = dict(user.value)
    command = (value.get("exec") or {}).get("command", "")
    if "/" in command and not Path(command).is_absolute():
        value["exec"] = {**value["exec"], "command": str(user.folder / command)}
    only = {"server": cluster.value["server"]}
    return {
        "current-context": "only",
        "contexts": [{"name": "only", "context": {"cluster": "only", "user": "only"}}],
        "clusters": [{"name": "only", "cluster": only}],
        "users": [{"name": "only", "user": value}],
    }
