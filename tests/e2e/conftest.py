"""The servers and the kubectls that scenarios run with."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.e2e.kubectl import Kubectl, programs, version
from tests.integration.realserver import RealServer

CRDS = Path(__file__).parent.parent.parent / "config/crd/bases"


@pytest.fixture(params=["path", "built"])
def program(request: pytest.FixtureRequest) -> Path:
    """The kubectl that a scenario runs with."""
    found = programs().get(request.param)
    if found is None:
        pytest.skip("there is no kubectl in PATH" if request.param == "path" else "no kubectl was built (make envtest)")
    return found


@pytest.fixture(params=[pytest.param("real", marks=pytest.mark.real)])
def kubeconfig(request: pytest.FixtureRequest) -> Path:
    """The kubeconfig of an administrator of the server."""
    server: RealServer = request.getfixturevalue("real_server")
    return server.kubeconfig()


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
