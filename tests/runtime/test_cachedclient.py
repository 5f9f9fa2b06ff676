import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from capelin.api.meta import ObjectKey
from capelin.runtime import errors
from capelin.runtime.cache import Scope
from capelin.runtime.cachedclient import CachedClient
from capelin.runtime.caches import CachePlan, Caches
from capelin.runtime.client import Selection
from tests.fakes import FakeClient, FakeClock, FakeRandom, settle
from tests.runtime.ships import BOAT, KEY, SHIP, Ship, boat, ship


@asynccontextmanager
async def cached(server: FakeClient, plan: CachePlan | None = None) -> AsyncIterator[CachedClient]:
    """Yield a client whose Ships are cached; from then on `server.reads` counts what was not answered from memory."""
    clock = FakeClock()
    caches = Caches(server, clock, FakeRandom(), plan or CachePlan())
    caches.watch(SHIP)
    running = asyncio.ensure_future(caches.run())
    await caches.synced()
    await settle()
    server.reads = 0
    try:
        yield CachedClient(server, caches)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_cached_kinds_are_read_from_memory() -> None:
    server = FakeClient()
    server.seed(ship(labels={"fleet": "x"}), ship("bee"))

    async with cached(server) as client:
        got = await client.get(Ship, KEY)
        assert got == await server.get(Ship, KEY)
        assert await client.get(Ship, ObjectKey("default", "none")) is None
        assert [s.key.name for s in await client.list(Ship, Selection("default", labels={"fleet": "x"}))] == ["ada"]
        assert [s.key.name for s in await client.list(Ship, Selection("default", label_selector="fleet!=x"))] == ["bee"]

        assert server.reads == 1


async def test_children_are_found_by_owner_in_memory() -> None:
    server = FakeClient()
    server.seed(ship())
    async with cached(server) as client:
        owner = await client.get(Ship, KEY)
        await client.caches.ensure(BOAT)
        await client.create(boat("dinghy", owner))
        await settle()
        server.reads = 0

        assert owner is not None
        assert [b.key.name for b in await client.list(BOAT, Selection(owner=owner.uid))] == ["dinghy"]
        assert server.reads == 0


async def test_other_kinds_are_read_from_the_server() -> None:
    server = FakeClient()
    server.seed(boat("dinghy"))
    async with cached(server) as client:
        assert await client.get(BOAT, ObjectKey("default", "dinghy")) is not None
        assert len(await client.list(BOAT)) == 1
        assert server.reads == 2


async def test_selections_of_fields_are_the_servers() -> None:
    server = FakeClient()
    server.seed(ship(), ship("bee"))
    async with cached(server) as client:
        assert [s.key.name for s in await client.list(Ship, Selection(field_selector="metadata.name=bee"))] == ["bee"]
        assert server.reads == 1


async def test_what_a_partial_cache_lacks_is_looked_up() -> None:
    server = FakeClient()
    server.seed(ship(labels={"fleet": "x"}), ship("bee"))
    async with cached(server, CachePlan(scopes={str(SHIP): Scope(label="fleet")})) as client:
        assert await client.get(Ship, KEY) is not None
        assert server.reads == 0

        assert await client.get(Ship, ObjectKey("default", "bee")) is not None
        assert len(await client.list(Ship)) == 2
        assert server.reads == 2


async def test_namespaces_that_are_not_watched_are_read_from_the_server() -> None:
    server = FakeClient()
    server.seed(ship(), ship("bee", "elsewhere"))
    async with cached(server, CachePlan(namespaces=("default", "other"))) as client:
        assert await client.get(Ship, KEY) is not None
        assert server.reads == 0

        assert await client.get(Ship, ObjectKey("elsewhere", "bee")) is not None
        assert server.reads == 1


async def test_bodies_that_are_not_kept_are_read_from_the_server() -> None:
    server = FakeClient()
    server.seed(ship())
    async with cached(server, CachePlan(scopes={str(SHIP): Scope(metadata_only=True)})) as client:
        got = await client.get(Ship, KEY)

        assert got is not None
        assert got.spec.knots == 7
        assert server.reads == 1


async def test_before_the_first_list_the_server_is_asked() -> None:
    server = FakeClient()
    server.seed(boat("dinghy"))
    async with cached(server) as client:
        server.read_faults["boats", ""] = errors.Unreachable("down")
        with pytest.raises(errors.Unreachable):
            await client.caches.ensure(BOAT)

        assert await client.get(BOAT, ObjectKey("default", "dinghy")) is not None
