"""Controllers at work over every kind of server: what is declared comes true, with no write too many."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from capelin.api.meta import ObjectKey
from capelin.runtime.caches import CachePlan
from capelin.runtime.client import Client, Selection
from capelin.runtime.finalizers import drop_finalizer, ensure_finalizer
from capelin.runtime.manager import Manager, Settings
from capelin.runtime.patching import patching
from capelin.runtime.reconcile import DONE, Declaration, Result, Watch, itself
from capelin.runtime.seams import SystemClock, SystemRandom
from tests.contract.worlds import World
from tests.fakes import FakeClient
from tests.runtime.ships import Ship

FINALIZER = "example.org/harbour"
DECLARATION = Declaration("harbour", Ship, (Watch(Ship, itself),), ())


@dataclass
class Harbour:
    """Moors every Ship at a berth that is named after its speed, and casts off before it is deleted."""

    client: Client
    passes: list[ObjectKey] = field(default_factory=list)

    async def reconcile(self, key: ObjectKey) -> Result:
        self.passes.append(key)
        ship = await self.client.get(Ship, key)
        if ship is None or await ensure_finalizer(self.client, ship, FINALIZER):
            return DONE
        async with patching(self.client, ship):
            if ship.metadata.deletion_timestamp is None:
                ship.status.berth = f"berth-{ship.spec.knots}"
            else:
                drop_finalizer(ship, FINALIZER)
        return DONE


async def becomes(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds: servers are other processes, in real time."""
    async with asyncio.timeout(20):
        while not condition():
            await SystemClock().sleep(timedelta(milliseconds=10))


@pytest.mark.slow
async def test_what_is_declared_comes_true_with_no_write_too_many(world: World) -> None:
    settings = Settings(
        plan=CachePlan(namespaces=(world.namespace,)),
        lease=ObjectKey(world.namespace, "harbour"),
        identity="test",
        after_sync=lambda: None,
    )
    manager = Manager(world.client, SystemClock(), SystemRandom(), settings)
    harbour = Harbour(manager.client)
    manager.add(DECLARATION, harbour)
    running = asyncio.ensure_future(manager.run())
    names = [f"ship-{number}" for number in range(10)]

    def berths() -> list[str | None]:
        found = manager.caches.cache.entries(Ship, namespace=world.namespace)
        return [entry.view(Ship).status.berth for entry in found]

    for name in names:
        await world.client.create(world.ship(name))
    await becomes(lambda: berths() == ["berth-7"] * 10)
    for name in names:
        await world.client.patch(Ship, world.key(name), {"spec": {"knots": 9}})
    await becomes(lambda: berths() == ["berth-9"] * 10)
    for stored in await world.client.list(Ship, Selection(world.namespace)):
        assert stored.status.observed_generation == stored.metadata.generation
    for name in names:
        await world.client.delete(Ship, world.key(name))
    await becomes(lambda: berths() == [])

    manager.stop()
    await running
    if isinstance(world.client, FakeClient):
        ours = [write for write in world.client.writes if write.resource == Ship.resource and write.verb == "patch"]
        # Of ten ships each: the finalizer, a status, the new speed (the test's own), a status, the last status, the finalizer off.
        assert len(ours) == 10 * 6
