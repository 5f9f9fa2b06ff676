"""A Machine with everything around it: a management cluster, a workload cluster that can fall silent, and the controller between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from capelin.api.cluster import Cluster, ClusterInitialization, ClusterStatus
from capelin.api.core import Node
from capelin.api.devmachine import DevMachine
from capelin.api.kubeadmconfig import KubeadmConfig
from capelin.api.machine import MACHINE_FINALIZER, Machine
from capelin.api.meta import Condition, ObjectKey, Resource, find_condition
from capelin.controllers.machine.deletion import Deadlines, DeletionSteps
from capelin.controllers.machine.reconciler import MachineReconciler
from capelin.runtime.client import Client
from capelin.runtime.contract import Contracts
from capelin.runtime.external import ExternalObjects
from capelin.runtime.reconcile import Result
from capelin.workload.connections import ConnectionStatus, Disconnected
from tests import build
from tests.fakes import FakeClient, FakeClock

KEY = ObjectKey("default", "worker")
PROVIDER_ID = "dev:////worker"


class NoTracker:
    """Every kind is cached already."""

    async def track(self, resource: Resource) -> None:
        return


@dataclass
class FakeClusters:
    """One workload cluster, whose connection can be cut."""

    workload: FakeClient
    clock: FakeClock
    silent_since: float | None = None
    last_success_at: datetime | None = None

    def cut(self) -> None:
        self.silent_since, self.last_success_at = self.clock.monotonic(), self.clock.now()

    async def client(self, cluster: ObjectKey) -> Client:
        if self.silent_since is not None:
            raise Disconnected(f"there is no connection to cluster {cluster}")
        return self.workload

    def connection(self, cluster: ObjectKey) -> ConnectionStatus:
        silent = 0.0 if self.silent_since is None else self.clock.monotonic() - self.silent_since
        return ConnectionStatus(self.silent_since is None, timedelta(seconds=silent), self.last_success_at)

    def node(self, cluster: ObjectKey, provider_id: str) -> Node | None:
        if self.silent_since is not None:
            raise Disconnected(f"there is no connection to cluster {cluster}")
        nodes = [Node.parse(d) for slot, d in self.workload.objects.items() if slot[1] == "nodes"]
        return next((n for n in nodes if n.spec is not None and n.spec.provider_id == provider_id), None)


@dataclass
class World:
    """`management` and `workload` keep the objects; `client` is what the controller writes through."""

    management: FakeClient = field(default_factory=FakeClient)
    client: Client | None = None

    def __post_init__(self) -> None:
        self.clock = self.management.clock
        self.workload = FakeClient(clock=self.clock)
        self.clusters = FakeClusters(self.workload, self.clock)
        self.deadlines = Deadlines(self.clock)
        self.management.seed(
            build.crd(KubeadmConfig.resource.group, "KubeadmConfig"),
            build.crd(DevMachine.resource.group, "DevMachine"),
            ready_cluster(),
        )

    def reconciler(self) -> MachineReconciler:
        client = self.client or self.management
        external = ExternalObjects(client, self.management, Contracts(self.management, self.clock), NoTracker())
        steps = DeletionSteps(self.management, external, self.clusters, self.clock, self.deadlines)
        return MachineReconciler(client, self.management, external, self.clusters, steps, self.clock)

    async def reconcile(self, key: ObjectKey = KEY) -> Result:
        return await self.reconciler().reconcile(key)

    async def settle(self, key: ObjectKey = KEY) -> None:
        """Reconcile until nothing is written any more."""
        for _ in range(10):
            count = len(self.management.writes) + len(self.workload.writes)
            await self.reconcile(key)
            if len(self.management.writes) + len(self.workload.writes) == count:
                return
        raise AssertionError("does not settle")

    def machine(self, key: ObjectKey = KEY) -> Machine:
        found = self.management.stored(Machine, key)
        assert found is not None, "the Machine is gone"
        return Machine.parse(found)

    def condition(self, type_: str) -> Condition:
        status = self.machine().status
        found = find_condition(status.conditions if status else None, type_)
        assert found is not None, f"no condition {type_}"
        return found

    def provide_bootstrap(self, **meta: Any) -> None:
        """Make the bootstrap configuration, complete with its data."""
        config = build.kubeadmconfig(owners=[build.owner(self.machine())], **meta).wire()
        config["status"] = {"dataSecretName": "worker-data", "initialization": {"dataSecretCreated": True}}
        self.management.seed(KubeadmConfig.parse(config))

    def provide_infrastructure(self, **meta: Any) -> None:
        """Make the infrastructure object, provisioned."""
        infrastructure = build.devmachine(provider_id=PROVIDER_ID, owners=[build.owner(self.machine())], **meta).wire()
        addresses = [{"type": "InternalIP", "address": "10.0.0.7"}]
        infrastructure["status"] = {"addresses": addresses, "failureDomain": "a", "initialization": {"provisioned": True}}
        self.management.seed(DevMachine.parse(infrastructure))

    def provide_node(self, **node: Any) -> None:
        """Make the Node register."""
        self.workload.seed(build.node(provider_id=PROVIDER_ID, **node))

    async def run_machine(self, **machine: Any) -> None:
        """Bring a Machine of a set to the point where it runs."""
        self.management.seed(machine_of_set(**machine))
        self.provide_bootstrap(finalizers=["bootstrap"])
        self.provide_infrastructure(finalizers=["infrastructure"])
        self.provide_node()
        await self.settle()


def ready_cluster(**cluster: Any) -> Cluster:
    """A Cluster whose infrastructure and control plane are there."""
    initialization = ClusterInitialization(infrastructure_provisioned=True, control_plane_initialized=True)
    status = ClusterStatus(initialization=initialization, conditions=[build.condition("ControlPlaneInitialized", reason="Initialized")])
    return build.cluster(endpoint=("10.0.0.1", 6443), status=status, **cluster)


def machine_of_set(**machine: Any) -> Machine:
    """A Machine as a MachineSet creates it: complete."""
    defaults: dict[str, Any] = {"finalizers": [MACHINE_FINALIZER], "owners": [build.owner(build.machineset())]}
    return build.machine(**(defaults | machine))
