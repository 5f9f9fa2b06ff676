"""A KubeadmConfig with everything around it: its Machine and Cluster, the certificates, and a workload cluster that can fall silent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import yaml

from capelin.api.cluster import Cluster, ClusterInitialization, ClusterStatus
from capelin.api.core import Secret
from capelin.api.kubeadmconfig import KubeadmConfig
from capelin.api.machine import Machine, MachineInitialization, MachineStatus
from capelin.api.meta import Condition, ObjectKey, find_condition
from capelin.controllers.kubeadmconfig.lock import InitLock
from capelin.controllers.kubeadmconfig.reconciler import KubeadmConfigReconciler
from capelin.runtime.client import Client
from capelin.runtime.pki import KeyPair, authority, public_key
from capelin.runtime.reconcile import Result
from capelin.workload.certificates import ClusterCertificates, Purpose, certificate_secret
from capelin.workload.connections import Disconnected
from tests import build
from tests.fakes import FakeClient, FakeClock, FakeKeys

KEY = ObjectKey("default", "worker")
SECRET = ObjectKey("default", "worker")
CLUSTER = ObjectKey("default", "demo")


@dataclass
class FakeClusters:
    """One workload cluster, whose connection can be cut."""

    workload: FakeClient
    is_cut: bool = False

    async def client(self, cluster: ObjectKey) -> Client:
        if self.is_cut:
            raise Disconnected(f"there is no connection to cluster {cluster}")
        return self.workload


def cluster(*, infrastructure: bool = True, control_plane: bool = True, endpoint: bool = True, **fields: Any) -> Cluster:
    """The Cluster, as far as it has come."""
    reached = ClusterInitialization(infrastructure_provisioned=infrastructure or None, control_plane_initialized=control_plane or None)
    return build.cluster(
        endpoint=("10.0.0.1", 6443) if endpoint else None,
        status=ClusterStatus(initialization=reached if reached.wire() else None),
        **fields,
    )


def machine(name: str = "worker", *, node: str | None = None, provisioned: bool = False, **fields: Any) -> Machine:
    """The Machine, as far as it has come."""
    reached = MachineInitialization(infrastructure_provisioned=True) if provisioned else None
    status: dict[str, Any] = {"initialization": reached.wire()} if reached else {}
    if node:
        status["nodeRef"] = {"name": node}
    return build.machine(name, status=MachineStatus.model_validate(status) if status else None, **fields)


def config(of: Machine, *, init: bool = False, **fields: Any) -> KubeadmConfig:
    """The KubeadmConfig of a Machine."""
    return build.kubeadmconfig(of.key.name, init=init, owners=[build.owner(of)], **fields)


_SHELF: list[Secret] = []


async def certificates() -> list[Secret]:
    """The certificates of the cluster, as init left them; signed once, since no two signatures are alike."""
    _SHELF[:] = _SHELF or await _signed()
    return _SHELF


async def _signed() -> list[Secret]:
    keys, owner = FakeKeys(), build.owner(build.cluster(), controller=False)
    now, ten_years = build.NOW, timedelta(days=3650)
    found = {p: authority(p.value, await keys.generate("ECDSA-P256"), now=now, valid_for=ten_years) for p in list(Purpose)[:3]}
    key = await keys.generate("ECDSA-P256")
    found[Purpose.SERVICE_ACCOUNT] = KeyPair(public_key(key), key)
    return [certificate_secret(CLUSTER, purpose, pair, owner) for purpose, pair in found.items()]


@dataclass
class World:
    """What the controller lives in."""

    clock: FakeClock = field(default_factory=lambda: FakeClock(at=build.NOW + timedelta(minutes=1)))
    keys: FakeKeys = field(default_factory=FakeKeys)

    def __post_init__(self) -> None:
        self.client = FakeClient(self.clock)
        self.workload = FakeClient(self.clock)
        self.clusters = FakeClusters(self.workload)
        self.reconciler = self.restarted(self.client)

    def restarted(self, client: Client) -> KubeadmConfigReconciler:
        """The controller after a restart, with nothing in memory."""
        certificates = ClusterCertificates(client, client, self.keys, self.clock)
        return KubeadmConfigReconciler(client, client, certificates, InitLock(client), self.clusters, self.clock)

    async def reconcile(self, key: ObjectKey = KEY) -> Result:
        return await self.reconciler.reconcile(key)

    async def config(self, key: ObjectKey = KEY) -> KubeadmConfig:
        found = await self.client.get(KubeadmConfig, key)
        assert found is not None
        return found

    async def condition(self, type_: str, key: ObjectKey = KEY) -> Condition:
        status = (await self.config(key)).status
        found = find_condition(status.conditions if status else None, type_)
        assert found is not None, f"no condition {type_}"
        return found

    async def data(self, key: ObjectKey = SECRET) -> str:
        secret = await self.client.get(Secret, key)
        assert secret is not None
        return (secret.value("value") or b"").decode()

    async def user_data(self, key: ObjectKey = SECRET) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load(await self.data(key))
        return found

    async def file(self, path: str, key: ObjectKey = SECRET) -> str:
        found = [file for file in (await self.user_data(key))["write_files"] if file["path"] == path]
        assert found, f"no file {path}"
        return str(found[0]["content"])

    def tokens(self) -> list[str]:
        """The names of the bootstrap tokens in the workload cluster."""
        return sorted(key.name for _, plural, key in self.workload.objects if plural == "secrets")


async def joining(**fields: Any) -> World:
    """A world in which a worker may join."""
    world = World()
    of = machine()
    world.client.seed(cluster(), of, config(of, **fields), *await certificates())
    return world


def initializing(**fields: Any) -> World:
    """A world in which the first control-plane machine may run init."""
    world = World()
    of = machine(control_plane=True)
    world.client.seed(cluster(control_plane=False), of, config(of, init=True, **fields))
    return world
