from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from capelin.api.core import Node
from capelin.api.meta import ObjectKey
from capelin.runtime import codec
from capelin.workload.nodes import AmbiguousProviderID, NodeChange, NodeIndex, projected
from tests import build
from tests.fakes import FakeClient, FakeRandom, settle

KEY = ObjectKey("", "worker")


@asynccontextmanager
async def running(client: FakeClient, changes: list[NodeChange]) -> AsyncIterator[NodeIndex]:
    """Run an index over the client until the block ends."""
    index = NodeIndex(client, changes.append, client.clock, FakeRandom())
    task = asyncio.create_task(index.run())
    await settle()
    try:
        yield index
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_node_is_found_by_its_provider_id() -> None:
    client = FakeClient()
    client.seed(build.node("a", provider_id="dev://a"), build.node("b", provider_id="dev://b"))

    async with running(client, []) as index:
        found, missing = index.find("dev://b"), index.find("dev://c")

    assert found is not None
    assert (found.metadata.name, missing, index.is_synced) == ("b", None, True)
    assert found.metadata.resource_version == (client.stored(Node, ObjectKey("", "b")) or {})["metadata"]["resourceVersion"]


async def test_changes_that_matter_are_told_with_the_machine_the_node_belongs_to() -> None:
    client, changes = FakeClient(), list[NodeChange]()
    client.seed(build.node(provider_id="dev://a"))

    async with running(client, changes):
        await client.patch(Node, KEY, {"metadata": {"annotations": {"cluster.x-k8s.io/machine": "m"}}})
        await settle()
        await client.delete(Node, KEY)
        await settle()

    assert changes == [NodeChange("worker", "dev://a", ""), NodeChange("worker", "dev://a", "m"), NodeChange("worker", "dev://a", "m")]


async def test_a_heartbeat_wakes_nobody() -> None:
    client, changes = FakeClient(), list[NodeChange]()
    client.seed(build.node(provider_id="dev://a"))

    async with running(client, changes) as index:
        beat = [{"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-01T00:00:00Z"}]
        await client.patch(Node, KEY, {"status": {"conditions": beat}}, subresource="status")
        await settle()
        changes.clear()
        beat = [{"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-01T00:05:00Z"}]
        await client.patch(Node, KEY, {"status": {"conditions": beat, "images": [{"names": ["pause"]}]}}, subresource="status")
        await settle()
        found = index.find("dev://a")

    assert changes == []
    assert found is not None
    assert found.metadata.resource_version == (client.stored(Node, KEY) or {})["metadata"]["resourceVersion"]


async def test_two_nodes_that_claim_to_be_one_computer_are_both_not_believed() -> None:
    client = FakeClient()
    client.seed(build.node("a", provider_id="dev://a"), build.node("b", provider_id="dev://a"))

    async with running(client, []) as index:
        with pytest.raises(AmbiguousProviderID, match="found the Nodes a, b"):
            index.find("dev://a")


@pytest.mark.parametrize(
    "node",
    [
        pytest.param([], id="no object"),
        pytest.param({"metadata": {"name": "n", "resourceVersion": "new"}}, id="a revision that is no number"),
        pytest.param({"metadata": {"name": "n"}}, id="no revision"),
        pytest.param({"metadata": {"resourceVersion": "1", "annotations": {"a": 1}}}, id="an annotation that is a number"),
        pytest.param({"metadata": {"resourceVersion": "1", "labels": {"a": None}}}, id="a label that is null"),
        pytest.param({"metadata": [1], "spec": {}}, id="metadata that is a list"),
        pytest.param({"metadata": {"resourceVersion": "1"}, "spec": "x"}, id="a spec that is a string"),
        pytest.param({"metadata": {"resourceVersion": "1"}, "status": {"conditions": ["Ready"]}}, id="conditions that are strings"),
        pytest.param({"metadata": {"resourceVersion": "1"}, "status": {"conditions": 7}}, id="conditions that are a number"),
    ],
)
def test_what_is_no_node_is_refused_as_such(node: object) -> None:
    with pytest.raises(codec.DecodeError):
        projected(codec.encode(node))


def test_a_projection_leaves_out_what_is_large_and_what_beats() -> None:
    node = {
        "metadata": {"name": "n", "uid": "u", "resourceVersion": "7", "managedFields": [{}], "labels": {"a": "b"}},
        "spec": {"providerID": "dev://a", "podCIDR": "10.0.0.0/24"},
        "status": {
            "images": [{"names": ["x" * 1000]}],
            "addresses": [{"type": "Hostname", "address": "n"}],
            "conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-01T00:00:00Z"}],
            "nodeInfo": {"kubeletVersion": "v1.34.0"},
        },
    }

    got = codec.decode(projected(codec.encode(node)))

    assert got == {
        "metadata": {"name": "n", "uid": "u", "resourceVersion": "7", "labels": {"a": "b"}},
        "spec": {"providerID": "dev://a"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeletVersion": "v1.34.0"}},
    }
