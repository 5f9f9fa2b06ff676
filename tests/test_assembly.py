"""The composition root: any choice of controllers stands by itself."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from capelin import assembly
from capelin.api.cluster import CLUSTER_FINALIZER, REMOTE_CONNECTION_PROBE_CONDITION, Cluster, ClusterInitialization, ClusterStatus
from capelin.api.devcluster import DevCluster
from capelin.api.meta import is_condition_true
from capelin.apiserver.network import InProcessNetwork
from capelin.apiserver.storage.store import MemoryDatabase
from capelin.cloud.inmemory.ports import SystemPorts
from capelin.cloud.inmemory.servers import ApiServers
from capelin.runtime.manager import Manager, Settings
from capelin.runtime.transport import Credentials, Request, Response, Screen, anywhere
from tests import build
from tests.fakes import FakeClient, FakeKeys, FakeRandom, settle
from tests.workload.kubeconfigs import kubeconfig_secret

SERVER = "https://10.0.0.1:6443"


class Answering:
    """A workload cluster that answers probes and has no Nodes."""

    async def send(self, request: Request) -> Response:
        return Response(200, body=b'{"metadata": {"resourceVersion": "1"}, "items": []}')

    async def close(self) -> None:
        pass


def answering(credentials: Credentials, *, screen: Screen = anywhere) -> Answering:
    return Answering()


def assembled(server: FakeClient, *controllers: str) -> Manager:
    clock, random = server.clock, FakeRandom()
    manager = Manager(server, clock, random, Settings(plan=assembly.cache_plan(), after_sync=lambda: None))
    servers = ApiServers(MemoryDatabase(), clock, random)
    seams = assembly.Seams(clock, random, FakeKeys(), answering, InProcessNetwork(clock), servers, SystemPorts(random))
    assembly.assemble(manager, seams, controllers=controllers)
    return manager


async def test_a_controller_that_runs_alone_is_told_of_its_connection() -> None:
    """Waking the controllers that are not there brought the whole manager down."""
    server = FakeClient()
    status = ClusterStatus(initialization=ClusterInitialization(infrastructure_provisioned=True))
    cluster = build.cluster(finalizers=[CLUSTER_FINALIZER], status=status, endpoint=("10.0.0.1", 6443))
    server.seed(cluster, kubeconfig_secret(SERVER), build.crd(DevCluster.resource.group, "DevCluster"), build.devcluster("demo"))
    manager = assembled(server, "cluster")
    running = asyncio.ensure_future(manager.run())
    await settle()
    await server.clock.advance(timedelta(seconds=5))

    found = await server.get(Cluster, cluster.key)

    assert not running.done()
    assert found is not None
    assert found.status is not None
    assert is_condition_true(found.status.conditions, REMOTE_CONNECTION_PROBE_CONDITION)
    manager.stop()
    await running


def test_a_controller_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(ValueError, match="found clusters; allowed are cluster, machine"):
        assembled(FakeClient(), "clusters")
