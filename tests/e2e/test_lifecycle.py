"""The life of a cluster, driven by stock kubectl."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.management import OURS, RARE, SAMPLE, Management, capelin, embedded, granted, real, used
from tests.integration.realserver import assets, free_ports, missing

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.gate]


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.real)])
def management(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Management]:
    if request.param == "embedded":
        with embedded(tmp_path, *free_ports(1)) as running:
            yield running
        return
    programs = assets()
    if programs is None:
        missing("the real server is not built (make envtest)")
    with real(tmp_path, programs) as running:
        yield running


def test_a_cluster_is_created_scaled_upgraded_and_deleted(management: Management, tmp_path: Path) -> None:
    kubectl = management.kubectl
    kubectl(f"apply -f {SAMPLE}")
    management.wait_until_ready(workers=3)

    _works_as_a_cluster(management, tmp_path)
    _scales(management)
    _rolls_without_losing_availability(management)

    kubectl("delete cluster quickstart --timeout=60s", timeout=70)
    # Templates and bootstrap Secrets of the sample are collected with their owners, a moment after.
    kubectl(f"wait {OURS},secrets,configmaps -l cluster.x-k8s.io/cluster-name=quickstart --for=delete --timeout=30s", check=False)
    assert [item["metadata"]["name"] for item in management.items(OURS)] == []
    assert [item["metadata"]["name"] for item in management.items("secrets")] == []
    if management.audit is not None:
        allowed, denied = used(management.audit)
        assert denied == set()
        assert granted() - allowed - RARE.keys() == set(), "granted and not used"


def _works_as_a_cluster(management: Management, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "workload.kubeconfig"
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(capelin("get", "kubeconfig", "quickstart", "--kubeconfig", str(management.kubeconfig)).stdout)
    nodes = json.loads(management.kubectl(f"--kubeconfig {kubeconfig} get nodes -o json"))["items"]
    assert len(nodes) == 4
    assert {node["status"]["nodeInfo"]["kubeletVersion"] for node in nodes} == {"v1.34.0"}
    assert "kube-apiserver" in management.kubectl(f"--kubeconfig {kubeconfig} get pods -A")
    assert not [taint for node in nodes for taint in node["spec"].get("taints", ()) if "uninitialized" in taint["key"]]


def _scales(management: Management) -> None:
    management.kubectl("scale md quickstart-workers --replicas=10")
    management.wait_until_ready(workers=10)
    management.kubectl("scale md quickstart-workers --replicas=2")
    management.kubectl("wait md/quickstart-workers --for=jsonpath={.status.replicas}=2 --timeout=60s", timeout=70)
    management.wait_until_ready(workers=2)


def _rolls_without_losing_availability(management: Management) -> None:
    management.kubectl('patch md quickstart-workers --type=merge -p {"spec":{"template":{"spec":{"version":"v1.35.0"}}}}')
    availability: list[int] = []
    machines: list[int] = []
    versions: set[str] = set()
    while versions != {"v1.35.0"} or availability[-1] != 2 or machines[-1] != 2:
        (deployment,) = management.items("machinedeployments")
        availability.append(deployment["status"].get("availableReplicas", 0))
        machines.append(deployment["status"].get("replicas", 0))
        workers = management.items("machines -l cluster.x-k8s.io/deployment-name=quickstart-workers")
        versions = {machine["spec"]["version"] for machine in workers}
    assert min(availability) >= 2
    assert max(machines) <= 3


def test_a_namespace_with_a_live_cluster_can_be_deleted(management: Management) -> None:
    management.kubectl("create namespace team")
    sample = SAMPLE.read_text().replace("namespace: default", "namespace: team")
    management.kubectl("apply -n team -f -", stdin=sample)
    management.wait_until_ready(workers=3, namespace="team")

    management.kubectl("delete namespace team --timeout=60s", timeout=70)

    assert json.loads(management.kubectl(f"get {OURS} -A -o json"))["items"] == []


def test_a_restart_goes_on_where_the_last_run_stopped(management: Management) -> None:
    management.kubectl(f"apply -f {SAMPLE}")
    management.wait_until_ready(workers=3)
    before = {item["metadata"]["uid"] for item in management.items("machines")}

    management.kill()
    management.start()

    management.wait_until_ready(workers=3)
    assert {item["metadata"]["uid"] for item in management.items("machines")} == before
