"""The CRDs, judged by a real API server: structural, and able to take the sample and explain itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from capelin.api.crds import KINDS
from tests.integration.realserver import RealServer

pytestmark = [pytest.mark.real, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]


def kubectl(server: RealServer, *arguments: str) -> str:
    command = [str(server.assets / "kubectl"), "--kubeconfig", str(server.kubeconfig()), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(real_server: RealServer) -> RealServer:
    names = [f"crd/{kind.resource}" for kind in KINDS]
    kubectl(real_server, "apply", "--server-side", "-k", str(ROOT / "config" / "crd"))
    kubectl(real_server, "wait", "--for=condition=Established", "--timeout=60s", *names)
    return real_server


def test_no_crd_is_found_lacking(installed: RealServer) -> None:
    path = '{range .items[*].status.conditions[?(@.type=="NonStructuralSchema")]}{.message}{"\\n"}{end}'

    assert kubectl(installed, "get", "crds", "-o", f"jsonpath={path}") == ""


def test_the_sample_is_accepted_with_no_field_unknown(installed: RealServer) -> None:
    sample = ROOT / "config" / "samples" / "quickstart.yaml"

    told = kubectl(installed, "apply", "--validate=strict", "--dry-run=server", "-f", str(sample))

    assert told.count("created (server dry run)") == 8


def test_explain_prints_our_words(installed: RealServer) -> None:
    told = kubectl(installed, "explain", "machinedeployment.spec.rollout.strategy.rollingUpdate.maxSurge")

    assert "how many Machines" in told
