"""Names under attack (A13), and one name twice (A14), with all controllers at work."""

from __future__ import annotations

from datetime import timedelta

import pytest

from capelin.api.cluster import Cluster
from capelin.api.core import Secret
from capelin.api.meta import ObjectKey, Unstructured
from capelin.runtime import errors
from tests.integration.world import running

pytestmark = [pytest.mark.slow, pytest.mark.gate]

MINUTE = timedelta(minutes=1)
HOSTILE = {
    "254 characters": "a" * 254,
    "letters of other scripts": "clüster",
    "a path": "../../etc/passwd",
    "a command": "demo;reboot",
    "a line break": "demo\nowner: me",
    "a terminal's escape sequence": "demo\x1b[2J",
    "a right-to-left mark": "demo\u202etxt",
    "capitals": "Demo",
    "a NUL": "demo\x00",
    "nothing but a dot": ".",
}


async def test_a13_a_cluster_of_a_hostile_name_is_refused_and_nothing_comes_of_it() -> None:
    async with running() as world:
        for name in HOSTILE.values():
            document = {"metadata": {"name": name, "namespace": "default"}, "spec": {"paused": True}}
            with pytest.raises((errors.Invalid, errors.BadRequest, errors.NotFound)):
                await world.client.create(Unstructured(Cluster.resource, document))

        await world.wait(MINUTE)

        assert await world.client.list(Cluster) == []
        assert await world.client.list(Secret) == []


async def test_a13_a_name_as_long_as_a_label_may_be_works() -> None:
    name = "q" * 48  # with what the sample's objects add to it, 63 characters
    async with running() as world:
        await world.create_cluster(name)

        await world.until_ready(name)

        await world.client.delete(Cluster, ObjectKey("default", name))
        await world.until_gone(name)


async def test_a13_a_name_longer_than_a_label_may_be_harms_nobody() -> None:
    name = "q" * 100
    async with running() as world:
        await world.create_cluster()
        document = {
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"controlPlaneEndpoint": {"host": "example.org", "port": 1}},
        }
        await world.client.create(Unstructured(Cluster.resource, document))

        await world.until_ready()

        await world.client.delete(Cluster, ObjectKey("default", name))
        await world.wait(MINUTE)
        assert [cluster.key.name for cluster in await world.client.list(Cluster)] == ["demo"]


async def test_a14_of_two_clusters_of_one_name_each_keeps_its_own_secrets_and_endpoint() -> None:
    async with running() as world:
        await world.create_cluster()
        await world.create_cluster(namespace="team")
        await world.until_ready()
        await world.until_ready(namespace="team")

        for secret in ("demo-ca", "demo-etcd", "demo-sa", "demo-kubeconfig"):
            ours, theirs = [(await world.get(Secret, secret, namespace=space)).wire()["data"] for space in ("default", "team")]
            assert ours != theirs
        assert await world.endpoint() != await world.endpoint(namespace="team")
