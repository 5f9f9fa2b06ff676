"""The API servers of simulated clusters: each over its own partition of one database."""

from __future__ import annotations

from dataclasses import dataclass

from capelin.apiserver.authn import Authentication, BootstrapTokens
from capelin.apiserver.server import ApiServer
from capelin.apiserver.storage.store import Database
from capelin.cloud.inmemory.cluster import Server
from capelin.runtime.seams import Clock, Random


@dataclass(frozen=True, slots=True)
class ApiServers:
    """Makes embedded API servers; see `Servers`."""

    database: Database
    clock: Clock
    random: Random

    async def start(self, partition: str) -> Server:
        """Return a running server with everything the partition held before."""
        store = await self.database.store(partition)
        tokens = Authentication((BootstrapTokens(store, self.clock),))
        server = ApiServer(store, clock=self.clock, random=self.random, authenticator=tokens)
        await server.start()
        return server

    async def drop(self, partition: str) -> None:
        """Forget the partition and all its objects."""
        await self.database.drop(partition)
