"""One simulated workload cluster: an API server behind an endpoint, as long as a control-plane machine runs it."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import dataclass, field
from typing import Final, Protocol

from capelin.api.behavior import APIBehavior
from capelin.cloud.inmemory.orders import Site
from capelin.runtime.client import ApiClient, Client
from capelin.runtime.inprocess import InProcess
from capelin.runtime.seams import Clock
from capelin.runtime.transport import Endpoints, Handler, Request, Response, ServingIdentity, User

KUBELET: Final = User("kubernetes-super-admin", ("system:masters",))
"""As whom the machines write: kubeadm's own administrator, who may do everything."""


class Server(Handler, Protocol):
    """An API server that runs."""

    async def stop(self) -> None:
        """End what runs in the background and every watch."""


class Servers(Protocol):
    """Makes API servers; each keeps its objects in a partition of one database."""

    async def start(self, partition: str) -> Server:
        """Return a running server with everything the partition held before."""

    async def drop(self, partition: str) -> None:
        """Forget the partition and all its objects."""


Claims = dict[tuple[str, int], str]
"""Which cluster (by UID) an address belongs to: opening an address anew would take it away from whoever is served there."""


@dataclass(eq=False, slots=True)
class WorkloadCluster:
    """A cluster whose API answers while `members`, the machines that run an API server, are not empty."""

    site: Site
    servers: Servers
    endpoints: Endpoints
    clock: Clock
    claims: Claims
    behavior: APIBehavior = field(default_factory=APIBehavior)
    members: set[str] = field(default_factory=set)
    _server: Server | None = None
    _identity: ServingIdentity | None = None
    _open_at: Site | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_running(self) -> bool:
        """True when a control plane runs, whether or not anybody can reach it."""
        return bool(self.members)

    @property
    def is_serving(self) -> bool:
        """True when the endpoint is open."""
        return self._open_at is not None

    async def client(self) -> Client:
        """Return a client that works on the cluster's objects, reachable or not."""
        async with self._turn:
            return ApiClient(InProcess(await self._started(), KUBELET))

    async def enter(self, member: str, identity: ServingIdentity) -> None:
        """Let the machine run an API server. The first one opens the endpoint and decides what it shows.

        Raises:
            OSError: the endpoint cannot be opened; the machine runs none.
        """
        async with self._turn:
            self._identity = self._identity or identity
            self.members.add(member)
            try:
                await self._adjust()
            except BaseException:
                self.members.discard(member)
                raise

    async def leave(self, member: str) -> None:
        """Let the machine run no API server any more; with the last one the cluster stops answering."""
        async with self._turn:
            self.members.discard(member)
            if not self.members:
                await self._close()

    async def adjust(self, site: Site, behavior: APIBehavior) -> None:
        """Serve at `site` and answer as `behavior` says.

        Raises:
            OSError: the endpoint cannot be opened.
        """
        async with self._turn:
            self.site, self.behavior = site, behavior
            self._claim(site)
            await self._adjust()

    async def close(self) -> None:
        """Stop everything; the objects stay."""
        async with self._turn:
            self.members.clear()
            await self._close()
            for address in [address for address, uid in self.claims.items() if uid == self.site.uid]:
                del self.claims[address]

    async def answer(self, request: Request) -> Response:
        """Answer a request that came through the endpoint."""
        if self.behavior.latency:
            await self.clock.sleep(self.behavior.latency)
        server = self._server
        return await server.send(request) if server is not None else Response(503)

    async def _started(self) -> Server:
        if self._server is None:
            self._server = await self.servers.start(self.site.uid)
        return self._server

    async def _adjust(self) -> None:
        """Open or close the endpoint, as members and behavior want it."""
        wanted = self.site if self.members and not self.behavior.unreachable else None
        if self._open_at is not None and self._open_at != wanted:
            await self._shut()
        if wanted is not None and self._open_at is None and self._identity is not None:
            self._claim(wanted)
            await self._started()
            await self.endpoints.open(wanted.host, wanted.port, _Front(self), self._identity)
            self._open_at = wanted

    def _claim(self, site: Site) -> None:
        if self.claims.setdefault((site.host, site.port), site.uid) != site.uid:
            raise OSError(errno.EADDRINUSE, "another simulated cluster has this address")

    async def _shut(self) -> None:
        site, self._open_at = self._open_at, None
        if site is not None:
            await self.endpoints.close(site.host, site.port)

    async def _close(self) -> None:
        await self._shut()
        server, self._server, self._identity = self._server, None, None
        if server is not None:
            await server.stop()


@dataclass(frozen=True, slots=True)
class _Front:
    """What the endpoint serves; the server behind it may change."""

    cluster: WorkloadCluster

    async def send(self, request: Request) -> Response:
        return await self.cluster.answer(request)
