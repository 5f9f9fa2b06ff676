"""A simulated cloud with everything around it: a network without sockets, a clock that stands still, an authority."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from capelin.api.behavior import APIBehavior
from capelin.api.meta import ObjectKey, Resource, Unstructured
from capelin.apiserver.network import InProcessNetwork
from capelin.apiserver.storage.store import MemoryDatabase
from capelin.cloud.inmemory.cloud import InMemoryCloud
from capelin.cloud.inmemory.kubeadm import INIT_PATH, JOIN_PATH
from capelin.cloud.inmemory.orders import Order, Progress, Site, Stage, Startup
from capelin.cloud.inmemory.servers import ApiServers
from capelin.runtime.client import ApiClient
from capelin.runtime.pki import KeyPair, authority, issue, spki_hash
from capelin.runtime.transport import Credentials
from tests.fakes import NOW, FakeClock, FakeKeys, FakeRandom

CLUSTER = ObjectKey("default", "demo")
SITE = Site("cluster-uid", CLUSTER, "127.0.0.1", 20443)
TOKEN = "abcdef.0123456789abcdef"
SECOND = timedelta(seconds=1)


@functools.cache
def private_key(place: int = 0) -> bytes:
    """Return one of several private keys."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


@functools.cache
def ca(name: str = "kubernetes") -> KeyPair:
    """Return an authority."""
    return authority(name, private_key(), now=NOW, valid_for=timedelta(days=3650))


def kubeadm_document(kind: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": "kubeadm.k8s.io/v1beta4", "kind": kind, **fields}


def init_files(*, registration: Mapping[str, Any] | None = None, **cluster_configuration: Any) -> dict[str, bytes]:
    """Return the files of a machine that runs `kubeadm init`."""
    init = kubeadm_document("InitConfiguration", nodeRegistration=dict(registration or {}))
    documents = [kubeadm_document("ClusterConfiguration", **cluster_configuration), init]
    return {INIT_PATH: yaml.safe_dump_all(documents).encode()}


def join_files(endpoint: str, token: str, hashes: Sequence[str], **fields: Any) -> dict[str, bytes]:
    """Return the files of a machine that runs `kubeadm join`."""
    discovery = {"bootstrapToken": {"apiServerEndpoint": endpoint, "token": token, "caCertHashes": list(hashes)}}
    document = kubeadm_document("JoinConfiguration", **{"discovery": discovery, **fields})
    return {JOIN_PATH: yaml.safe_dump(document).encode()}


def cloud_config(files: Mapping[str, bytes]) -> bytes:
    """Return user data that writes the files."""
    written = [{"path": path, "content": content.decode()} for path, content in files.items()]
    return b"## template: jinja\n#cloud-config\n" + yaml.safe_dump({"write_files": written}).encode()


def control_plane(name: str = "first", **order: Any) -> Order:
    """Return the order of a machine that makes a control plane."""
    return machine_order(name, init_files(), is_control_plane=True, **order)


def worker(name: str = "worker", *, token: str = TOKEN, site: Site = SITE, **order: Any) -> Order:
    """Return the order of a machine that joins."""
    return machine_order(name, join_files(site.endpoint, token, [spki_hash(ca().certificate)]), site=site, **order)


def machine_order(name: str, files: Mapping[str, bytes] | None, **order: Any) -> Order:
    """Return an order whose steps take no time."""
    data = cloud_config(files) if files is not None else None
    fields: dict[str, Any] = {"provider_id": f"in-memory://{name}", "site": SITE, "version": "v1.34.0", "bootstrap": data}
    return Order(f"uid-{name}", name, **(fields | order))


def startups(seconds: float = 1, jitter: float = 0.0) -> dict[Stage, Startup]:
    """Return steps that take that long each."""
    return dict.fromkeys(Stage, Startup(timedelta(seconds=seconds), jitter))


@dataclass
class World:
    """A cloud, and somebody who looks at its clusters from outside. `restart` keeps only what the database holds."""

    clock: FakeClock = field(default_factory=FakeClock)
    database: MemoryDatabase = field(default_factory=MemoryDatabase)
    authorities: dict[ObjectKey, KeyPair] = field(default_factory=lambda: {CLUSTER: ca()})

    def __post_init__(self) -> None:
        self.random = FakeRandom()
        self.network = InProcessNetwork(self.clock)
        self.servers = ApiServers(self.database, self.clock, self.random)
        self.cloud = self._cloud()

    def _cloud(self) -> InMemoryCloud:
        async def find(cluster: ObjectKey) -> KeyPair | None:
            return self.authorities.get(cluster)

        return InMemoryCloud(self.servers, self.network, find, self.clock, self.random, FakeKeys())

    async def restart(self) -> None:
        """Let the process end and begin again."""
        self.network = InProcessNetwork(self.clock)
        self.cloud = self._cloud()

    async def settle(self, order: Order, *, steps: int = 20) -> Progress:
        """Ask for the machine, waiting as long as the cloud says, until nothing changes by itself."""
        for _ in range(steps):
            progress = await self.cloud.advance(order)
            order = replace(order, bootstrap=None)
            if progress.after is None:
                return progress
            await self.clock.advance(progress.after)
        raise AssertionError("does not settle")

    async def run_cluster(self, *workers: Order) -> None:
        """Bring up a control plane, and let the workers join."""
        await self.cloud.provide(SITE, APIBehavior())
        await self.settle(control_plane())
        await self.allow(TOKEN)
        for order in workers:
            await self.settle(order)

    async def allow(self, token: str, **data: str) -> None:
        """Store a bootstrap token in the workload cluster."""
        identity, _, secret = token.partition(".")
        values = {"token-id": identity, "token-secret": secret, "usage-bootstrap-authentication": "true", **data}
        document = {
            "metadata": {"name": f"bootstrap-token-{identity}", "namespace": "kube-system"},
            "type": "bootstrap.kubernetes.io/token",
            "stringData": values,
        }
        await self.create(Resource("", "v1", "secrets", "Secret"), document)

    async def create(self, resource: Resource, document: dict[str, Any]) -> None:
        await self.outside().create(Unstructured(resource, document))

    def outside(self, site: Site = SITE) -> ApiClient:
        """Return a client that comes through the endpoint, as the administrator of a kubeconfig."""
        now, key = self.clock.now(), private_key(1)
        groups = ("system:masters",)
        pair = issue(ca(), key, common_name="kubernetes-admin", organizations=groups, usage="client", now=now, valid_for=timedelta(days=1))
        credentials = Credentials(f"https://{site.endpoint}", ca().certificate, pair.certificate, pair.key)
        return ApiClient(self.network.connect(credentials))
