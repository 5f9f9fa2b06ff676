"""The world of one run: an API server, a manager with everything that `assembly` builds for production, and what is between them.

Nothing here stands in for our own code: the API server, the controllers, the webhooks, the simulated provider and the workload clusters are
those of a real installation. Only the seams are others: time, chance, keys, and the way from one to another.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any, Final

from capelin import assembly
from capelin.api import crds
from capelin.api.core import CustomResourceDefinition
from capelin.api.meta import Unstructured
from capelin.apiserver.network import InProcessNetwork
from capelin.apiserver.server import ApiServer
from capelin.apiserver.storage.store import Event, MemoryDatabase, MemoryStore
from capelin.cloud.inmemory.servers import ApiServers
from capelin.runtime.client import ApiClient
from capelin.runtime.inprocess import InProcess
from capelin.runtime.manager import Manager, Settings
from capelin.runtime.transport import Credentials, Handler, Screen, ServingIdentity, User, anywhere
from capelin.simulation.faults import Call, NoFaults, Plan
from capelin.simulation.link import Link
from capelin.simulation.process import Process
from capelin.simulation.seams import Chance, ComputedKeys, CountedPorts, VirtualClock

ADMINISTRATOR: Final = User("admin", ("system:masters",))
CONTROLLERS: Final = User("capelin-controllers", ("capelin:controllers",))

RESTART_AFTER: Final = timedelta(seconds=2)
"""How long a dead manager stays away: its supervisor has to notice and start it."""

STORY: Final = 400
"""Lines of the story that are kept: the last ones tell how it ended."""


@dataclass(slots=True)
class Story:
    """What happened, in order: the calls and what they changed. Its hash tells two runs apart."""

    calls: int = 0
    lines: list[str] = field(default_factory=list)
    _hash: Any = field(default_factory=hashlib.sha256)

    def called(self, process: str, server: str, verb: str, resource: str, name: str) -> Call:
        """Number a call and take note of it."""
        self.calls += 1
        call = Call(self.calls, process, server, verb, resource, name)
        self._hash.update(f"{call}\n".encode())
        return call

    def told(self, line: str) -> None:
        """Add a line."""
        self._hash.update(f"{line}\n".encode())
        self.lines.append(line)
        if len(self.lines) > 2 * STORY:
            del self.lines[:STORY]

    @property
    def digest(self) -> str:
        """A hash of everything that was told."""
        return str(self._hash.hexdigest())


@cache
def _definitions() -> tuple[Unstructured, ...]:
    return tuple(Unstructured(CustomResourceDefinition.resource, document) for document in crds.all_crds())


@dataclass
class World:
    """One run's world. `plan` says what goes wrong; observers see every change of a management object in the turn in which it happens.

    `failures` are managers that ended without being told to: by time, and how. Production would start them again, and so does the world.
    """

    seed: int
    plan: Plan = field(default_factory=NoFaults)
    story: Story = field(default_factory=Story)
    clock: VirtualClock = field(default_factory=VirtualClock)
    observers: list[Callable[[Event], None]] = field(default_factory=list)
    deaths: int = 0
    failures: list[tuple[float, str]] = field(default_factory=list)
    _stopping: bool = False

    def __post_init__(self) -> None:
        self.store = MemoryStore()
        self.database = MemoryDatabase()
        self.network = InProcessNetwork(self.clock)
        self.server = ApiServer(self.store, clock=self.clock, random=Chance(self.seed, "server"))
        self.client = ApiClient(InProcess(self.server, ADMINISTRATOR))
        self.keys, self.ports = ComputedKeys(), CountedPorts()
        self._running: Process | None = None

    async def start(self) -> None:
        """Start the API server and have it serve our kinds."""
        await self.server.start()
        self.store.listeners.append(self._observe)
        for definition in _definitions():
            await self.client.create(definition)

    async def run_manager(self, name: str) -> None:
        """Run a manager, and another with empty memory whenever one dies, until `stop`."""
        generation = 0
        while not self._stopping:
            generation += 1
            process = Process(f"{name}-{generation}")
            task = process.start(self._manager(process).run())
            self._running = process
            await process.buried()
            if self._stopping:
                return
            if process.alive:
                process.die()
                self._failed(process, task)
            self.deaths += 1
            self.story.told(f"{self._at}: {process.name} has died")
            await self.clock.sleep(RESTART_AFTER)

    async def stop(self) -> None:
        """End everything."""
        self._stopping = True
        if self._running is not None:
            self._running.die()
        await self.server.stop()

    def _manager(self, process: Process) -> Manager:
        chance = Chance(self.seed, process.name)
        link = Link(
            process, "management", InProcess(self.server, CONTROLLERS), self.story, self.plan, Chance(self.seed, "link"), self.clock
        )
        servers = ApiServers(self.database, self.clock, chance)
        endpoints = _Endpoints(self.network, process)
        seams = assembly.Seams(self.clock, chance, self.keys, self._connect(process), endpoints, servers, self.ports)
        settings = Settings(plan=assembly.cache_plan(), after_sync=lambda: None)
        manager = Manager(ApiClient(link), self.clock, chance, settings)
        assembly.assemble(manager, seams)
        return manager

    def _failed(self, process: Process, task: asyncio.Task[None]) -> None:
        how = "was cancelled" if task.cancelled() else f"ended with {task.exception()!r}"
        self.failures.append((self.clock.monotonic(), f"{process.name} {how}, and nobody had told it to end"))

    def _connect(self, process: Process) -> Any:
        def connect(credentials: Credentials, *, screen: Screen = anywhere) -> Link:
            connection = self.network.connect(credentials, screen=screen)
            server = credentials.server.removeprefix("https://")
            return Link(process, server, connection, self.story, self.plan, Chance(self.seed, "link", server), self.clock)

        return connect

    @property
    def _at(self) -> str:
        return f"{self.clock.monotonic():9.3f}"

    def _observe(self, event: Event) -> None:
        namespace, name = event.item.key
        self.story.told(f"{self._at}: {event.type} {event.resource} {namespace}/{name} at {event.revision}")
        for observer in self.observers:
            observer(event)

    # -- time -----------------------------------------------------------------------------------------------------------------------

    async def until(self, holds: Callable[[], Awaitable[bool]], *, within: timedelta) -> bool:
        """Let time pass until the condition holds; tell whether it did in that time.

        It is asked each second in which a management object has changed: nothing else can make it hold.
        """
        deadline, asked_at = self.clock.monotonic() + within.total_seconds(), -1
        while self.clock.monotonic() <= deadline:
            if self.store.revision != asked_at:
                asked_at = self.store.revision
                if await holds():
                    return True
            await self.clock.sleep(timedelta(seconds=1))
        return False


@dataclass(slots=True)
class _Endpoints:
    """The network as one process sees it: what it serves ends with it."""

    network: InProcessNetwork
    process: Process

    async def open(self, host: str, port: int, handler: Handler, identity: ServingIdentity) -> None:
        """Serve `handler` on `host:port` as long as the process lives."""
        self.process.check_alive()
        await self.network.open(host, port, handler, identity)
        self.process.on_death.append(lambda: self.network.drop(host, port, handler))

    async def close(self, host: str, port: int) -> None:
        """Stop serving `host:port`."""
        self.process.check_alive()
        await self.network.close(host, port)


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    """Yield the world with a manager at work, in a loop that adopts tasks; everything has ended afterwards."""
    await world.start()
    managing = asyncio.ensure_future(world.run_manager("manager"))
    try:
        yield world
    finally:
        await world.stop()
        await managing
