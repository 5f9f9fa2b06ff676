"""A real kube-apiserver for tests: etcd, the API server, and of the controllers those that every API user relies on.

The programs come from `hack/envtest/build.sh` (`make envtest`) or from $KUBEBUILDER_ASSETS. Without them a test that needs the server is
skipped; with CAPELIN_REQUIRE_REAL=1, as in continuous integration, it fails.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import aiohttp
import pytest
import yaml

from capelin.runtime.seams import SystemClock
from capelin.runtime.transport import Credentials
from tests.integration.authority import Authority

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
CONTROLLERS = ("garbage-collector-controller", "namespace-controller")
START_TIMEOUT = timedelta(seconds=90)  # two cores shared with other work; alone it takes about five
POLL_INTERVAL = timedelta(milliseconds=200)
STOP_TIMEOUT = timedelta(seconds=15)


def assets() -> Path | None:
    """Return the folder with all programs: $KUBEBUILDER_ASSETS, or else the newest that was built; None when there is none."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "capelin/envtest"
    built = sorted(cache.glob("v*"), key=lambda folder: [int(part) for part in folder.name.lstrip("v").split(".")], reverse=True)
    named = os.environ.get("KUBEBUILDER_ASSETS")
    candidates = [Path(named), *built] if named else built
    return next((folder for folder in candidates if all((folder / program).is_file() for program in PROGRAMS)), None)


@dataclass
class RealServer:
    """A running server. `processes` are by program name; logs and kubeconfigs lie in `folder`."""

    url: str
    folder: Path
    assets: Path
    authority: Authority
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def credentials(self, user: str = "admin", *groups: str) -> Credentials:
        """Return the client certificate of a user; `admin` without groups is allowed everything."""
        certificate, key = self.authority.client(user, groups or (("system:masters",) if user == "admin" else ()))
        return Credentials(self.url, self.authority.certificate, certificate, key)

    def kubeconfig(self, user: str = "admin", *groups: str) -> Path:
        """Write a kubeconfig of that user, inline and readable by its owner alone, and return its path."""
        path = self.folder / f"{user}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(kubeconfig(self.credentials(user, *groups)))
        return path


def kubeconfig(credentials: Credentials) -> str:
    """Return a kubeconfig with one context for these credentials, as YAML."""
    encoded = Authority.encoded
    cluster = {"server": credentials.server, "certificate-authority-data": encoded(credentials.certificate_authority)}
    user = {"client-certificate-data": encoded(credentials.client_certificate), "client-key-data": encoded(credentials.client_key)}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }
    return yaml.safe_dump(document)


@contextmanager
def running(folder: Path, programs: Path, *, controllers: Sequence[str] = CONTROLLERS, audit: bool = False) -> Iterator[RealServer]:
    """Run a server on free loopback ports with its data in `folder`; it is ready inside the block and stopped after it.

    With `audit` every request is written down in `audit.log`, one JSON object a line.

    Raises:
        RuntimeError: a program ended or did not become ready in time; the message has the end of its log.
    """
    etcd_port, peer_port, port = free_ports(3)
    server = RealServer(f"https://127.0.0.1:{port}", folder, programs, Authority.create(folder))
    with ExitStack() as stack:
        stack.callback(_stop, server)
        _start(server, "etcd", _etcd_flags(folder, etcd_port, peer_port))
        _start(server, "kube-apiserver", {**_server_flags(folder, etcd_port, port), **(_audit_flags(folder) if audit else {})})
        asyncio.run(_until_ready(server))
        _start(server, "kube-controller-manager", _controller_flags(server, controllers))
        yield server


@pytest.fixture(scope="session")
def real_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """A real API server, shared by the session: every test takes a namespace of its own."""
    found = assets()
    if found is None:
        missing("etcd and kube-apiserver are not built (make envtest), and $KUBEBUILDER_ASSETS does not name them")
    with running(tmp_path_factory.mktemp("real-server"), found) as server:
        yield server


def missing(what: str) -> NoReturn:
    """Skip the test for want of the real server, or fail it where that may not be."""
    if os.environ.get("CAPELIN_REQUIRE_REAL") == "1":
        pytest.fail(what)
    pytest.skip(what)


def free_ports(count: int) -> list[int]:
    """Return loopback ports that nobody listens on now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _etcd_flags(folder: Path, port: int, peer_port: int) -> Mapping[str, object]:
    client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    return {
        "data-dir": folder / "etcd",
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
        "unsafe-no-fsync": "true",  # the data does not outlive the tests
        "log-level": "warn",
    }


def _server_flags(folder: Path, etcd_port: int, port: int) -> Mapping[str, object]:
    return {
        "etcd-servers": f"http://127.0.0.1:{etcd_port}",
        "bind-address": "127.0.0.1",
        "advertise-address": "127.0.0.1",
        "endpoint-reconciler-type": "none",  # a loopback address may not be an endpoint
        "secure-port": port,
        "tls-cert-file": folder / "server.crt",
        "tls-private-key-file": folder / "server.key",
        "client-ca-file": folder / "ca.crt",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": folder / "server.crt",
        "service-account-signing-key-file": folder / "server.key",
        "service-cluster-ip-range": "10.0.0.0/24",
        "authorization-mode": "RBAC",
        "disable-admission-plugins": "ServiceAccount",  # nothing here makes the accounts it would ask for
    }


def _audit_flags(folder: Path) -> Mapping[str, object]:
    policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": [{"level": "Metadata"}]}
    (folder / "audit.yaml").write_text(yaml.safe_dump(policy))
    return {"audit-policy-file": folder / "audit.yaml", "audit-log-path": folder / "audit.log"}


def _controller_flags(server: RealServer, controllers: Sequence[str]) -> Mapping[str, object]:
    return {
        "kubeconfig": server.kubeconfig("system:kube-controller-manager", "system:masters"),
        "controllers": ",".join(controllers),
        "leader-elect": "false",
        "secure-port": 0,
        "bind-address": "127.0.0.1",
    }


def _start(server: RealServer, program: str, flags: Mapping[str, object]) -> None:
    command = [*_until_parent_ends(), str(server.assets / program), *(f"--{name}={value}" for name, value in flags.items())]
    with (server.folder / f"{program}.log").open("wb") as log:
        server.processes[program] = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def _until_parent_ends() -> list[str]:
    """Return the prefix of a command that is to end with this process even when that is killed; empty where the system has none."""
    program = shutil.which("setpriv")
    return [program, "--pdeathsig", "KILL", "--"] if program else []


def _stop(server: RealServer) -> None:
    """End the programs in the reverse order of their start; each gets its time."""
    for process in reversed(server.processes.values()):
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT.total_seconds())
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def _until_ready(server: RealServer) -> None:
    clock = SystemClock()
    deadline = clock.monotonic() + START_TIMEOUT.total_seconds()
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=server.authority.client_context()), timeout=timeout) as session:
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(f"{server.url}/readyz") as response:
                    if response.status == 200:
                        return
            _check_alive(server)
            if clock.monotonic() > deadline:
                raise RuntimeError(f"kube-apiserver is not ready after {START_TIMEOUT}: {_log_end(server, 'kube-apiserver')}")
            await clock.sleep(POLL_INTERVAL)


def _check_alive(server: RealServer) -> None:
    for program, process in server.processes.items():
        if process.poll() is not None:
            raise RuntimeError(f"{program} ended with {process.returncode}: {_log_end(server, program)}")


def _log_end(server: RealServer, program: str) -> str:
    return (server.folder / f"{program}.log").read_text(errors="replace")[-2000:]
