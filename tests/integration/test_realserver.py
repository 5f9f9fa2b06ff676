"""The real server that other tests compare with."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.integration.realserver import RealServer

pytestmark = [pytest.mark.real, pytest.mark.slow]


def kubectl(server: RealServer, *arguments: str) -> str:
    """Return what kubectl prints."""
    command = [str(server.assets / "kubectl"), "--kubeconfig", str(server.kubeconfig()), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def test_server_and_its_kubectl_are_of_one_version(real_server: RealServer) -> None:
    got = json.loads(kubectl(real_server, "version", "-o", "json"))

    assert got["serverVersion"]["gitVersion"] == got["clientVersion"]["gitVersion"]


def test_namespace_controller_empties_a_deleted_namespace(real_server: RealServer) -> None:
    kubectl(real_server, "create", "namespace", "short-lived")
    kubectl(real_server, "create", "configmap", "content", "-n", "short-lived")

    kubectl(real_server, "delete", "namespace", "short-lived", "--timeout=60s")

    assert "short-lived" not in kubectl(real_server, "get", "namespaces", "-o", "name")


def test_garbage_collector_deletes_what_lost_its_owner(real_server: RealServer) -> None:
    kubectl(real_server, "create", "configmap", "owner")
    uid = kubectl(real_server, "get", "configmap", "owner", "-o", "jsonpath={.metadata.uid}")
    kubectl(real_server, "create", "configmap", "owned")
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    kubectl(real_server, "patch", "configmap", "owned", "--type=merge", "-p", json.dumps({"metadata": {"ownerReferences": [owner]}}))

    kubectl(real_server, "delete", "configmap", "owner", "--cascade=background")

    kubectl(real_server, "wait", "--for=delete", "configmap/owned", "--timeout=60s")


def test_user_without_rights_is_refused(real_server: RealServer) -> None:
    command = [str(real_server.assets / "kubectl"), "--kubeconfig", str(real_server.kubeconfig("nobody")), "get", "secrets"]

    got = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)

    assert got.returncode == 1
    assert "forbidden" in got.stderr
