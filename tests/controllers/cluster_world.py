"""A Cluster with everything around it: its references, its Machines, a connection that can fall silent, and the controller between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from capelin.api.cluster import CLUSTER_FINALIZER, Cluster
from capelin.api.devcluster import DevCluster
from capelin.api.machine import Machine, MachineStatus, NodeReference
from capelin.api.meta import Condition, Object, ObjectKey, Resource, find_condition
from capelin.controllers.cluster.deletion import DeletionSteps
from capelin.controllers.cluster.reconciler import ClusterReconciler
from capelin.runtime.client import Client
from capelin.runtime.contract import Contracts
from capelin.runtime.external import ExternalObjects
from capelin.runtime.reconcile import Result
from capelin.workload.connections import ConnectionStatus, Disconnected
from tests import build
from tests.controllers.machine_world import NoTracker
from tests.fakes import FakeClient, FakeClock

KEY = ObjectKey("default", "demo")
CONTROL_PLANE_GROUP = "controlplane.cluster.x-k8s.io"


@dataclass
class FakeConnections:
    """The connection to the one workload cluster; `connected` is what it is now."""

    clock: FakeClock
    connected: bool = False
    asked: int = 0
    forgotten: list[ObjectKey] = field(default_factory=list)
    since: float = 0.0
    last_success_at: datetime | None = None

    def succeed(self) -> None:
        self.connected, self.since, self.last_success_at = True, self.clock.monotonic(), self.clock.now()

    async def client(self, cluster: ObjectKey) -> Client:
        self.asked += 1
        if not self.connected:
            raise Disconnected(f"there is no connection to cluster {cluster}")
        return FakeClient()

    def connection(self, cluster: ObjectKey) -> ConnectionStatus:
        silent_for = timedelta(seconds=self.clock.monotonic() - self.since)
        return ConnectionStatus(self.connected, silent_for, self.last_success_at)

    def forget(self, cluster: ObjectKey) -> None:
        self.forgotten.append(cluster)


@dataclass
class FakeKubeconfigs:
    """Makes kubeconfigs once there is an authority."""

    has_authority: bool = True
    made: list[ObjectKey] = field(default_factory=list)

    async def ensure(self, cluster: Cluster) -> bool:
        if self.has_authority and cluster.key not in self.made:
            self.made.append(cluster.key)
        return self.has_authority


@dataclass
class World:
    """`management` keeps the objects; `client` is what the controller writes through."""

    management: FakeClient = field(default_factory=FakeClient)
    client: Client | None = None

    def __post_init__(self) -> None:
        self.clock = self.management.clock
        self.connections = FakeConnections(self.clock, since=self.clock.monotonic())
        self.kubeconfigs = FakeKubeconfigs()
        self.management.seed(
            build.crd(DevCluster.resource.group, "DevCluster"),
            build.crd(CONTROL_PLANE_GROUP, "AcmeControlPlane"),
        )

    def reconciler(self) -> ClusterReconciler:
        client = self.client or self.management
        external = ExternalObjects(client, self.management, Contracts(self.management, self.clock), NoTracker())
        steps = DeletionSteps(client, self.management, external)
        return ClusterReconciler(client, external, self.connections, self.kubeconfigs, steps, self.clock)

    async def reconcile(self, key: ObjectKey = KEY) -> Result:
        return await self.reconciler().reconcile(key)

    async def settle(self, key: ObjectKey = KEY) -> None:
        """Reconcile until nothing is written any more."""
        for _ in range(10):
            count = len(self.management.writes)
            await self.reconcile(key)
            if len(self.management.writes) == count:
                return
        raise AssertionError("does not settle")

    def cluster(self) -> Cluster:
        found = self.management.stored(Cluster, KEY)
        assert found is not None, "the Cluster is gone"
        return Cluster.parse(found)

    def condition(self, type_: str) -> Condition:
        status = self.cluster().status
        found = find_condition(status.conditions if status else None, type_)
        assert found is not None, f"no condition {type_}"
        return found

    def is_deleting(self, kind: type[Object] | Resource, name: str) -> bool:
        found = self.management.stored(kind, ObjectKey("default", name))
        return found is None or "deletionTimestamp" in found["metadata"]

    async def finish(self, kind: type[Object] | Resource, name: str) -> None:
        """Let the object's controller finish its deletion."""
        assert self.is_deleting(kind, name), f"{name} is not being deleted"
        await self.management.patch(kind, ObjectKey("default", name), {"metadata": {"finalizers": None}})


def cluster(**fields: Any) -> Cluster:
    """A Cluster that has its finalizer."""
    return build.cluster(finalizers=[CLUSTER_FINALIZER], **fields)


def provisioned_devcluster(**meta: Any) -> DevCluster:
    """The infrastructure of the Cluster, as its provider reports it when it is there."""
    document = build.devcluster(endpoint=("10.0.0.1", 6443), **meta).wire()
    document["status"] = {"initialization": {"provisioned": True}, "failureDomains": [{"name": "b"}, {"name": "a", "controlPlane": True}]}
    return DevCluster.parse(document)


def ready_machine(name: str, **machine: Any) -> Machine:
    """A Machine that is ready and available."""
    conditions = [build.condition("Ready"), build.condition("Available")]
    return build.machine(name, status=MachineStatus(node_ref=NodeReference(name=name), conditions=conditions), **machine)
