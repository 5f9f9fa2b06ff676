import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from capelin.api.meta import ObjectKey
from capelin.runtime.cache import Scope
from capelin.runtime.cachedclient import CachedClient
from capelin.runtime.caches import CachePlan, Caches
from capelin.runtime.errors import ResultUnknown
from capelin.runtime.gate import PATIENCE, SWEEP_AT, Gate
from capelin.runtime.gatedclient import GatedClient
from tests.fakes import FakeClient, FakeClock, FakeRandom, settle
from tests.runtime.ships import BOAT, KEY, SHIP, Ship, boat, ship
from tests.runtime.slow import SlowWatches


@dataclass
class Harbour:
    """Caches whose watches can be held back, and the client and gate over them."""

    server: FakeClient
    slow: SlowWatches
    clock: FakeClock
    caches: Caches
    gate: Gate
    client: CachedClient

    async def ship(self) -> Ship:
        found = await self.client.get(Ship, KEY)
        assert found is not None
        return found

    async def asks(self, uid: str) -> "asyncio.Future[bool]":
        """Ask the gate in the background."""
        task = asyncio.ensure_future(self.gate.caught_up(uid))
        await settle()
        return task


@asynccontextmanager
async def harbour(plan: CachePlan | None = None) -> AsyncIterator[Harbour]:
    server, clock = FakeClient(), FakeClock()
    server.seed(ship())
    slow = SlowWatches(server)
    caches = Caches(slow, clock, FakeRandom(), plan or CachePlan())
    gate = Gate(caches, clock)
    caches.watch(SHIP)
    caches.watch(BOAT)
    running = asyncio.ensure_future(caches.run())
    await caches.synced()
    await settle()
    try:
        yield Harbour(server, slow, clock, caches, gate, CachedClient(GatedClient(slow, gate), caches))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_an_object_waits_for_its_own_write() -> None:
    async with harbour() as h:
        owner = await h.ship()
        h.slow.hold()
        await h.client.patch(Ship, KEY, {"spec": {"knots": 9}})
        asked = await h.asks(owner.uid)
        assert not asked.done()

        await h.slow.release()

        assert await asked
        assert (await h.ship()).spec.knots == 9


async def test_an_owner_waits_for_the_children_it_created() -> None:
    async with harbour() as h:
        owner = await h.ship()
        h.slow.hold()
        await h.client.create(boat("dinghy", owner))
        asked = await h.asks(owner.uid)
        assert not asked.done()

        await h.slow.release()

        assert await asked
        assert len(await h.client.list(BOAT)) == 1


async def test_an_owner_waits_for_the_end_of_the_children_it_deleted() -> None:
    async with harbour() as h:
        owner = await h.ship()
        await h.client.create(boat("dinghy", owner))
        await settle()
        h.slow.hold()
        await h.client.delete(BOAT, ObjectKey("default", "dinghy"))
        asked = await h.asks(owner.uid)
        assert not asked.done()

        await h.slow.release()

        assert await asked
        assert await h.client.list(BOAT) == []


async def test_others_do_not_wait() -> None:
    async with harbour() as h:
        h.slow.hold()
        await h.client.patch(Ship, KEY, {"spec": {"knots": 9}})

        assert await h.gate.caught_up("somebody-else")


async def test_a_write_that_changed_nothing_is_not_waited_for() -> None:
    async with harbour() as h:
        owner = await h.ship()
        h.slow.hold()
        await h.client.patch(Ship, KEY, {"spec": {"knots": owner.spec.knots}})

        assert await h.gate.caught_up(owner.uid)


async def test_a_child_created_and_deleted_while_the_watch_lags_does_not_hold_its_owner_for_ever() -> None:
    async with harbour() as h:
        owner = await h.ship()
        h.slow.hold()
        await h.client.create(boat("dinghy", owner))
        await h.server.delete(BOAT, ObjectKey("default", "dinghy"))
        asked = await h.asks(owner.uid)
        await h.clock.advance(PATIENCE)
        assert not await asked  # the watch is still silent: the caller is told to come back

        await settle()  # and a list was asked for, which is consistent by itself

        assert await h.gate.caught_up(owner.uid)
        assert await h.client.list(BOAT) == []


async def test_after_an_unknown_result_a_list_is_waited_for() -> None:
    async with harbour() as h:
        owner = await h.ship()
        h.slow.lose_next_answer = True
        h.slow.hold()
        with pytest.raises(ResultUnknown):
            await h.client.create(boat("dinghy", owner))
        asked = await h.asks(owner.uid)

        assert await asked
        assert len(await h.client.list(BOAT)) == 1


async def test_what_the_caches_never_show_is_not_waited_for() -> None:
    async with harbour(CachePlan(scopes={"boats.example.org": Scope(label="fleet")})) as h:
        owner = await h.ship()
        h.slow.hold()
        await h.client.create(boat("dinghy", owner))

        assert await h.gate.caught_up(owner.uid)


async def test_what_nobody_asks_about_is_forgotten() -> None:
    async with harbour() as h:
        for number in range(SWEEP_AT):
            await h.client.create(boat(f"b{number}"))
        await settle()
        assert h.gate.remembered == SWEEP_AT

        h.slow.hold()
        await h.client.create(boat("last"))

        assert h.gate.remembered == 1
