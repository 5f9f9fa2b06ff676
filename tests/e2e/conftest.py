"""The servers and the kubectls that scenarios run with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec

from capelin.apiserver.server import ApiServer
from capelin.apiserver.serving import HttpEndpoints
from capelin.apiserver.storage.store import MemoryStore
from capelin.apiserver.tokens import ServiceAccountTokens
from capelin.runtime.seams import SystemClock, SystemRandom
from capelin.runtime.transport import Credentials, ServingIdentity
from tests.e2e.kubectl import Kubectl, programs, version
from tests.integration.authority import Authority
from tests.integration.realserver import RealServer, free_ports
from tests.integration.realserver import kubeconfig as kubeconfig_of

CRDS = Path(__file__).parent.parent.parent / "config/crd/bases"


@pytest.fixture(params=["path", "built"])
def program(request: pytest.FixtureRequest) -> Path:
    """The kubectl that a scenario runs with."""
    found = programs().get(request.param)
    if found is None:
        pytest.skip("there is no kubectl in PATH" if request.param == "path" else "no kubectl was built (make envtest)")
    return found


@pytest.fixture
async def embedded_server(tmp_path: Path) -> AsyncIterator[Path]:
    """Our own API server on loopback; the kubeconfig of an administrator."""
    clock, store = SystemClock(), MemoryStore()
    tokens = ServiceAccountTokens(ec.generate_private_key(ec.SECP256R1()), store, clock)
    server = ApiServer(store, clock=clock, random=SystemRandom(), tokens=tokens)
    endpoints = HttpEndpoints()
    folder = tmp_path / "server"
    folder.mkdir()
    authority = Authority.create(folder)
    (port,) = free_ports(1)
    await server.start()
    await endpoints.open("127.0.0.1", port, server, ServingIdentity(*authority.server(), authority.certificate))
    login = authority.client("admin", ["system:masters"])
    path = folder / "kubeconfig"
    path.touch(mode=0o600)
    path.write_text(kubeconfig_of(Credentials(f"https://127.0.0.1:{port}", authority.certificate, *login)))
    yield path
    await endpoints.close_all()
    await server.stop()


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.real)])
def kubeconfig(request: pytest.FixtureRequest) -> Path:
    """The kubeconfig of an administrator of either server."""
    if request.param == "real":
        real: RealServer = request.getfixturevalue("real_server")
        return real.kubeconfig()
    embedded: Path = request.getfixturevalue("embedded_server")
    return embedded


def in_namespace(kubeconfig: Path, namespace: str, folder: Path) -> Path:
    """Write a copy of the kubeconfig whose context names the namespace, and return its path."""
    document = yaml.safe_load(kubeconfig.read_text())
    document["contexts"][0]["context"]["namespace"] = namespace
    path = folder / "kubeconfig"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture
async def kubectl(request: pytest.FixtureRequest, program: Path, kubeconfig: Path, tmp_path: Path) -> Kubectl:
    """kubectl in a namespace of its own, on a server that has our CRDs."""
    scenario = request.function.__name__.removeprefix("test_")
    namespace = f"e2e-{scenario.replace('_', '-')}-{version(program).replace('.', '-')}"
    kubectl = Kubectl(scenario, program, in_namespace(kubeconfig, namespace, tmp_path), tmp_path, namespace)
    for command in (
        f"apply --server-side --force-conflicts -f {CRDS}",
        f"wait --for=condition=Established --timeout=30s -f {CRDS}",
        f"create namespace {namespace}",
    ):
        code, _, complaints = await kubectl.quietly(command)
        assert code == 0, complaints
    return kubectl
