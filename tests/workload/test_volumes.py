from __future__ import annotations

from typing import Any

from capelin.api.core import AttachedVolume, Node, PersistentVolume, PersistentVolumeClaim, VolumeAttachment
from capelin.api.meta import OwnerReference
from capelin.runtime import errors
from capelin.workload.volumes import attached_volumes
from tests import build
from tests.fakes import FakeClient

DAEMONSET = OwnerReference(api_version="apps/v1", kind="DaemonSet", name="agent", uid="ds", controller=True)


def attachment(volume: str, node: str = "worker") -> VolumeAttachment:
    document = {
        "metadata": {"name": f"{volume}-{node}"},
        "spec": {"attacher": "csi", "nodeName": node, "source": {"persistentVolumeName": volume}},
    }
    return VolumeAttachment.parse(document)


def node(*volumes: str) -> Node:
    built = build.node()
    assert built.status is not None
    built.status.volumes_attached = [AttachedVolume(name=name, device_path="") for name in volumes]
    return built


def pod_with_claim(name: str, claim: str, **meta: Any) -> Any:
    return build.pod(name, spec={"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]}, **meta)


async def test_a_node_without_volumes_costs_one_list() -> None:
    client = FakeClient()

    assert await attached_volumes(client, node(), client.clock) == []

    assert client.reads == 1


async def test_volumes_are_waited_for_by_both_of_their_names() -> None:
    client = FakeClient()
    client.seed(attachment("pv-1"), attachment("pv-2", node="other"))

    got = await attached_volumes(client, node("kubernetes.io/csi/ebs^vol-1"), client.clock)

    assert got == ["kubernetes.io/csi/ebs^vol-1", "pv-1"]


async def test_volumes_of_pods_that_stay_are_not_waited_for() -> None:
    client = FakeClient()
    client.seed(
        attachment("pv-1"),
        attachment("pv-2"),
        pod_with_claim("agent", "agent-data", owners=[DAEMONSET]),
        pod_with_claim("web", "web-data"),
        PersistentVolumeClaim.parse({"metadata": {"namespace": "default", "name": "agent-data"}, "spec": {"volumeName": "pv-1"}}),
        PersistentVolume.parse({"metadata": {"name": "pv-1"}, "spec": {"csi": {"driver": "ebs", "volumeHandle": "vol-1"}}}),
    )

    got = await attached_volumes(client, node("kubernetes.io/csi/ebs^vol-1", "kubernetes.io/csi/ebs^vol-2"), client.clock)

    assert got == ["kubernetes.io/csi/ebs^vol-2", "pv-2"]


async def test_a_cluster_that_does_not_serve_attachments_has_none() -> None:
    client = FakeClient()
    client.read_faults["volumeattachments", ""] = errors.NotFound("the server could not find the requested resource")

    assert await attached_volumes(client, node(), client.clock) == []
