"""A management cluster in one process, on a clock that stands still: our API server, all controllers, simulated clusters, no sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import yaml
from structlog.testing import capture_logs

from capelin import assembly
from capelin.api import crds
from capelin.api.cluster import Cluster
from capelin.api.core import CustomResourceDefinition, Namespace
from capelin.api.devcluster import DevCluster
from capelin.api.machine import Machine
from capelin.api.meta import Condition, Object, ObjectKey, Resource, Unstructured, find_condition
from capelin.apiserver.network import InProcessNetwork
from capelin.apiserver.server import ApiServer
from capelin.apiserver.storage.store import MemoryDatabase, MemoryStore
from capelin.cli.quickstart import sample
from capelin.cloud.inmemory.servers import ApiServers
from capelin.runtime import errors
from capelin.runtime.client import ApiClient, Selection
from capelin.runtime.inprocess import InProcess
from capelin.runtime.manager import Manager, Settings
from capelin.runtime.transport import Request, Response, User
from tests.fakes import FakeClock, FakeKeys, FakeRandom, settle

O = TypeVar("O", bound=Object)

ADMINISTRATOR = User("admin", ("system:masters",))
CONTROLLERS = User("capelin-controllers", ("capelin:controllers",))
STEP = timedelta(milliseconds=500)
KNOWN = {(kind.resource.api_version, kind.resource.kind): kind.resource for kind in crds.KINDS}


@dataclass
class CountedPorts:
    """Ports that are never taken by anybody else."""

    last: int = 20_000

    def free(self, host: str, avoiding: Collection[int]) -> int:
        self.last = next(port for port in range(self.last + 1, 30_000) if port not in avoiding)
        return self.last

    def is_free(self, host: str, port: int) -> bool:
        return True


class Silent:
    """A server that takes every request and answers none."""

    async def send(self, request: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError("nobody can get here")


@dataclass
class World:
    """Everything, running. `wait` lets time pass; nothing happens without it."""

    clock: FakeClock = field(default_factory=FakeClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    server: ApiServer | None = None
    logs: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = FakeRandom()
        self.network = InProcessNetwork(self.clock)
        self.client = ApiClient(InProcess(self, ADMINISTRATOR))
        servers = ApiServers(MemoryDatabase(), self.clock, self.random)
        seams = assembly.Seams(self.clock, self.random, FakeKeys(), self.network.connect, self.network, servers, CountedPorts())
        settings = Settings(plan=assembly.cache_plan(), after_sync=lambda: None)
        self.manager = Manager(ApiClient(InProcess(self, CONTROLLERS)), self.clock, self.random, settings)
        assembly.assemble(self.manager, seams)

    # -- the API server -------------------------------------------------------------------------------------------------------------

    async def send(self, request: Request) -> Response:
        """Answer as the API server does while it runs; see `Handler`."""
        if self.server is None:
            raise errors.Unreachable("the API server is not there")
        return await self.server.send(request)

    async def start_server(self) -> None:
        """Run an API server on what the store holds."""
        server = ApiServer(self.store, clock=self.clock, random=self.random)
        await server.start()
        self.server = server

    async def stop_server(self) -> None:
        """Have no API server any more; watches end."""
        if self.server is not None:
            server, self.server = self.server, None
            await server.stop()

    # -- time -----------------------------------------------------------------------------------------------------------------------

    async def wait(self, delay: timedelta) -> None:
        """Let time pass in small steps, in which everybody gets his turn."""
        for _ in range(-(-delay // STEP)):
            await self.clock.advance(STEP)

    async def until(self, holds: Callable[[], Awaitable[bool]], *, within: timedelta = timedelta(minutes=2)) -> None:
        """Let time pass until the condition holds.

        Raises:
            AssertionError: it does not in that time.
        """
        for _ in range(within // STEP):
            if await holds():
                return
            await self.clock.advance(STEP)
        raise AssertionError(f"did not come true within {within}: {holds.__qualname__}\n{await self.report()}")

    # -- objects --------------------------------------------------------------------------------------------------------------------

    async def create_cluster(self, name: str = "demo", *, namespace: str = "default", without: Collection[str] = ()) -> None:
        """Create the sample cluster under that name, leaving out objects of the kinds in `without`."""
        for document in documents(name, namespace):
            if document.document["kind"] not in without:
                await self.client.create(document)

    async def is_ready(self, name: str = "demo", *, namespace: str = "default", machines: int = 4) -> bool:
        """Tell whether the cluster is available and all its machines are ready."""
        cluster = await self.client.get(Cluster, ObjectKey(namespace, name))
        found = await self.machines(name, namespace=namespace)
        ready = [machine for machine in found if condition(machine, "Ready")[0] == "True"]
        return cluster is not None and condition(cluster, "Available")[0] == "True" and len(found) == len(ready) == machines

    async def until_ready(self, name: str = "demo", *, namespace: str = "default", machines: int = 4) -> None:
        """Let time pass until the cluster and its machines are ready."""

        async def ready() -> bool:
            return await self.is_ready(name, namespace=namespace, machines=machines)

        await self.until(ready)

    async def until_gone(self, name: str = "demo", *, namespace: str = "default") -> None:
        """Let time pass until no object of the cluster is left."""

        async def gone() -> bool:
            return not await self.objects_of(name, namespace=namespace)

        await self.until(gone)

    async def machines(self, name: str = "demo", *, namespace: str = "default") -> list[Machine]:
        """Return the Machines of a cluster."""
        return await self.client.list(Machine, Selection(namespace, labels={"cluster.x-k8s.io/cluster-name": name}))

    async def objects_of(self, name: str, *, namespace: str = "default") -> list[str]:
        """Return kind and name of all objects that belong to a cluster."""
        ours = [kind for kind in KNOWN.values() if kind.namespaced]
        kinds = (*ours, Resource("", "v1", "secrets", "Secret"), Resource("", "v1", "configmaps", "ConfigMap"))
        found = [(kind.kind, item) for kind in kinds for item in await self.client.list(kind, Selection(namespace))]
        return [f"{kind}/{item.key.name}" for kind, item in found if item.key.name.startswith(name)]

    async def get(self, kind: type[O], name: str, *, namespace: str = "default") -> O:
        """Return an object that exists."""
        found = await self.client.get(kind, ObjectKey(namespace, name))
        assert found is not None, f"{kind.__name__} {namespace}/{name}"
        return found

    async def endpoint(self, name: str = "demo", *, namespace: str = "default") -> tuple[str, int]:
        """Return where the workload cluster is served."""
        found = await self.get(DevCluster, name, namespace=namespace)
        assert found.spec
        assert found.spec.control_plane_endpoint
        endpoint = found.spec.control_plane_endpoint
        return endpoint.host or "", endpoint.port or 0

    async def report(self) -> str:
        """Return the conditions of all Clusters and Machines and the last errors, for a test that failed."""
        found: list[Cluster | Machine] = [*await self.client.list(Cluster), *await self.client.list(Machine)]
        told = [f"{item.resource.kind}/{item.key}: {_conditions(item)}" for item in found]
        return "\n".join(told + [str(entry) for entry in self.logs if entry["log_level"] in ("error", "critical")][-5:])


def documents(name: str, namespace: str) -> list[Unstructured]:
    """Return the objects of the sample cluster under another name, in the order they are created."""
    renamed = yaml.safe_dump_all(sample()).replace("quickstart", name)
    found = [document for document in yaml.safe_load_all(renamed) if document]
    for document in found:
        document["metadata"]["namespace"] = namespace
    return [Unstructured(KNOWN[document["apiVersion"], document["kind"]], document) for document in found]


def condition(item: Object, type_: str) -> tuple[str, str]:
    """Return status and reason of a condition; of one that is not there, empty ones."""
    found = find_condition(_all_conditions(item), type_)
    return (found.status or "", found.reason or "") if found else ("", "")


def _all_conditions(item: Object) -> list[Condition]:
    return getattr(getattr(item, "status", None), "conditions", None) or []


def _conditions(item: Object) -> str:
    return "; ".join(f"{c.type}={c.status} {c.reason} {c.message or ''}".strip() for c in _all_conditions(item) if c.status != "True")


@asynccontextmanager
async def running() -> AsyncIterator[World]:
    """Yield a world whose controllers are at work."""
    world = World()
    await world.start_server()
    await world.client.create(Unstructured(Namespace.resource, {"metadata": {"name": "team"}}))
    for document in crds.all_crds():
        await world.client.create(Unstructured(CustomResourceDefinition.resource, document))
    await settle()
    task = asyncio.ensure_future(world.manager.run())
    await settle()
    try:
        with capture_logs() as world.logs:  # nobody reads them while the tests pass, and tracebacks take long to draw
            yield world
    finally:
        world.manager.stop()
        while not task.done():
            await world.clock.advance(timedelta(seconds=1))
        await task
        await world.stop_server()
