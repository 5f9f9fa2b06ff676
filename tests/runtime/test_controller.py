import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import structlog
from structlog.testing import capture_logs

from capelin.api.meta import ObjectKey
from capelin.runtime import errors
from capelin.runtime.controller import RESYNC_INTERVAL
from capelin.runtime.manager import Manager, Settings
from capelin.runtime.reconcile import DONE, Change, Declaration, Reader, Result, Watch, itself, owner_of
from tests.fakes import FakeClient, FakeClock, FakeRandom, settle
from tests.runtime.ships import BOAT, KEY, Ship, boat, ship
from tests.runtime.slow import SlowWatches

SHIPS = Declaration("ship", Ship, (Watch(Ship, itself),), (), workers=2)


@dataclass
class Bosun:
    """A reconciler that remembers what it looked at and does as it is told."""

    orders: Callable[[ObjectKey], Awaitable[Result]]
    seen: list[ObjectKey] = field(default_factory=list)

    async def reconcile(self, key: ObjectKey) -> Result:
        self.seen.append(key)
        return await self.orders(key)

    @property
    def names(self) -> list[str]:
        return [key.name for key in self.seen]


async def rest(key: ObjectKey) -> Result:
    return DONE


def raising(*failures: BaseException) -> Callable[[ObjectKey], Awaitable[Result]]:
    """Return orders to fail once with each, then to rest."""
    left = list(failures)

    async def orders(key: ObjectKey) -> Result:
        if left:
            raise left.pop(0)
        return DONE

    return orders


@dataclass
class Deck:
    """A manager with one controller at work."""

    server: FakeClient
    slow: SlowWatches
    clock: FakeClock
    manager: Manager
    bosun: Bosun

    def metric(self, name: str, **labels: str) -> float | None:
        return self.manager.metrics.registry.get_sample_value(name, {"controller": "ship", **labels})


@asynccontextmanager
async def deck(
    server: FakeClient,
    orders: Callable[[ObjectKey], Awaitable[Result]] = rest,
    declaration: Declaration = SHIPS,
    only: tuple[str, str] | None = None,
) -> AsyncIterator[Deck]:
    clock, slow = FakeClock(), SlowWatches(server)
    manager = Manager(slow, clock, FakeRandom(), Settings(only=only, after_sync=lambda: None))
    bosun = Bosun(orders)
    manager.add(declaration, bosun)
    running = asyncio.ensure_future(manager.run())
    await settle()
    try:
        yield Deck(server, slow, clock, manager, bosun)
    finally:
        manager.stop()
        await settle()
        await clock.advance(timedelta(seconds=10))
        await running


async def test_what_is_there_and_what_comes_is_reconciled() -> None:
    server = FakeClient()
    server.seed(ship("old"))
    async with deck(server) as d:
        server.seed(ship("new"))
        await settle()

        assert d.bosun.names == ["old", "new"]


async def test_children_wake_their_owners() -> None:
    server = FakeClient()
    declaration = Declaration("ship", Ship, (Watch(BOAT, owner_of(Ship)),), ())
    server.seed(ship())
    async with deck(server, declaration=declaration) as d:
        owner = await server.get(Ship, KEY)
        server.seed(boat("dinghy", owner))
        await settle()

        assert d.bosun.names == ["ada"]


async def test_changes_the_predicate_refuses_wake_nobody() -> None:
    server = FakeClient()
    declaration = Declaration("ship", Ship, (Watch(Ship, itself, when=lambda change: change.old is None),), ())
    server.seed(ship())
    async with deck(server, declaration=declaration) as d:
        await server.patch(Ship, KEY, {"spec": {"knots": 1}})
        await settle()

        assert d.bosun.names == ["ada"]


async def test_changes_that_may_wait_cost_one_pass() -> None:
    server = FakeClient()
    declaration = Declaration("ship", Ship, (Watch(Ship, itself, after=timedelta(seconds=2)),), ())
    server.seed(ship())
    async with deck(server, declaration=declaration) as d:
        for knots in range(3):
            await server.patch(Ship, KEY, {"spec": {"knots": knots}})
            await d.clock.advance(timedelta(seconds=0.5))
        assert d.bosun.names == ["ada"]  # the first list does not wait

        await d.clock.advance(timedelta(seconds=1))

        assert d.bosun.names == ["ada", "ada"]


async def test_an_asked_delay_is_kept() -> None:
    server = FakeClient()
    server.seed(ship())
    results = iter([Result(timedelta(seconds=30)), DONE])

    async def orders(key: ObjectKey) -> Result:
        return next(results)

    async with deck(server, orders) as d:
        await d.clock.advance(timedelta(seconds=29))
        assert len(d.bosun.seen) == 1

        await d.clock.advance(timedelta(seconds=1))

        assert len(d.bosun.seen) == 2


async def test_a_failure_is_logged_once_counted_and_tried_again() -> None:
    server = FakeClient()
    server.seed(ship())
    with capture_logs() as logs:
        async with deck(server, raising(KeyError("storm"))) as d:
            await d.clock.advance(timedelta(seconds=1))

            assert len(d.bosun.seen) == 2
            assert d.metric("controller_runtime_reconcile_errors_total") == 1
            assert d.metric("controller_runtime_reconcile_total", result="success") == 1

    assert [entry["log_level"] for entry in logs if "Reconcile" in entry["event"]] == ["error"]


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(errors.Conflict("x"), id="a conflict"),
        pytest.param(
            ExceptionGroup("phases", [errors.Conflict("x"), ExceptionGroup("", [errors.Conflict("y")])]), id="nested groups of them"
        ),
    ],
)
async def test_when_somebody_else_wrote_first_it_is_tried_again_quietly(failure: Exception) -> None:
    server = FakeClient()
    server.seed(ship())
    with capture_logs() as logs:
        async with deck(server, raising(failure)) as d:
            await d.clock.advance(timedelta(seconds=1))

            assert len(d.bosun.seen) == 2
            assert d.metric("controller_runtime_reconcile_errors_total") == 0

    assert not [entry for entry in logs if entry["log_level"] in ("warning", "error")]


async def test_a_terminal_error_waits_for_a_change() -> None:
    server = FakeClient()
    server.seed(ship())
    async with deck(server, raising(ExceptionGroup("phases", [errors.TerminalError("no such flavour")]))) as d:
        await d.clock.advance(timedelta(minutes=5))
        assert len(d.bosun.seen) == 1

        await server.patch(Ship, KEY, {"spec": {"knots": 1}})
        await settle()

        assert len(d.bosun.seen) == 2


async def test_a_terminal_error_beside_one_that_may_pass_is_tried_again() -> None:
    server = FakeClient()
    server.seed(ship())
    async with deck(server, raising(ExceptionGroup("phases", [errors.TerminalError("no"), OSError("maybe")]))) as d:
        await d.clock.advance(timedelta(seconds=1))

        assert len(d.bosun.seen) == 2


async def test_a_server_that_asks_for_a_pause_gets_it() -> None:
    server = FakeClient()
    server.seed(ship())
    async with deck(server, raising(errors.TooManyRequests("later", retry_after=timedelta(seconds=20)))) as d:
        await d.clock.advance(timedelta(seconds=19))
        assert len(d.bosun.seen) == 1

        await d.clock.advance(timedelta(seconds=1))

        assert len(d.bosun.seen) == 2


async def test_no_object_is_reconciled_twice_at_once_and_no_more_than_the_workers() -> None:
    server = FakeClient()
    server.seed(*(ship(name) for name in "abcd"))
    at_work: list[ObjectKey] = []
    peak = 0
    gate = asyncio.Event()

    async def orders(key: ObjectKey) -> Result:
        nonlocal peak
        assert key not in at_work
        at_work.append(key)
        peak = max(peak, len(at_work))
        await gate.wait()
        at_work.remove(key)
        return DONE

    async with deck(server, orders) as d:
        for name in "abcd":
            await server.patch(Ship, ObjectKey("default", name), {"spec": {"knots": 1}})
        await settle()
        gate.set()
        await settle()

        assert peak == SHIPS.workers
        assert sorted(set(d.bosun.names)) == list("abcd")


async def test_nothing_is_decided_from_a_cache_that_has_not_seen_our_own_write() -> None:
    server = FakeClient()
    server.seed(ship())
    read: list[int | None] = []

    async def orders(key: ObjectKey) -> Result:
        got = await d.manager.client.get(Ship, key)
        assert got is not None
        read.append(got.spec.knots)
        if len(read) == 1:
            d.slow.hold()
            await d.manager.client.patch(Ship, key, {"spec": {"knots": 99}})
            return Result(timedelta(milliseconds=1))
        return DONE

    async with deck(FakeClient()) as d:
        d.bosun.orders = orders
        d.server.seed(ship())
        await settle()
        await d.clock.advance(timedelta(seconds=1))
        assert read == [7]

        await d.slow.release()
        await settle()

        assert read[1:] == [99] * (len(read) - 1)
        assert len(read) > 1


async def test_everything_is_looked_at_again_now_and_then_without_a_write() -> None:
    server = FakeClient()
    server.seed(ship())
    async with deck(server) as d:
        await d.clock.advance(RESYNC_INTERVAL * 1.1)

        assert d.bosun.names == ["ada", "ada"]
        assert server.writes == []


async def test_only_objects_with_the_label_are_reconciled() -> None:
    server = FakeClient()
    server.seed(ship("ours", labels={"fleet": "x"}), ship("theirs", labels={"fleet": "y"}), ship("nobodys"))

    async with deck(server, only=("fleet", "x")) as d:
        assert d.bosun.names == ["ours"]


async def test_kinds_found_on_the_way_are_tracked_and_wake_their_owners() -> None:
    server = FakeClient()
    server.seed(ship())
    async with deck(server) as d:
        tracker = d.manager.tracker(SHIPS)
        await tracker.track(BOAT)
        await tracker.track(BOAT)
        server.seed(boat("dinghy", await server.get(Ship, KEY)))
        await settle()

        assert d.bosun.names == ["ada", "ada"]
        assert d.manager.caches.cache.entry(BOAT, ObjectKey("default", "dinghy")) is not None


async def test_a_kind_that_cannot_be_listed_is_told_and_tried_again() -> None:
    server = FakeClient()
    server.read_faults["boats", ""] = errors.NotFound("no such resource")
    async with deck(server) as d:
        tracker = d.manager.tracker(SHIPS)
        with pytest.raises(errors.NotFound):
            await tracker.track(BOAT)

        server.read_faults.clear()
        await d.clock.advance(timedelta(seconds=5))

        await tracker.track(BOAT)


async def test_others_may_wake_an_object() -> None:
    async with deck(FakeClient()) as d:
        d.manager.queue(SHIPS).add(KEY)
        await settle()

        assert d.bosun.seen == [KEY]


async def test_a_controller_that_never_waits_lets_others_run() -> None:
    server = FakeClient()
    server.seed(*(ship(f"s{number}") for number in range(400)))
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await clock.sleep(timedelta())
            turns += 1

    clock = FakeClock()
    seen_at: list[int] = []

    async def orders(key: ObjectKey) -> Result:
        seen_at.append(turns)
        return DONE

    other = asyncio.ensure_future(count_turns())
    async with deck(server, orders):
        pass
    other.cancel()
    await asyncio.gather(other, return_exceptions=True)

    assert len(seen_at) == 400
    assert seen_at[-1] > seen_at[0]


async def test_logs_of_a_reconcile_name_the_object_and_the_attempt() -> None:
    server = FakeClient()
    server.seed(ship())
    bound: list[dict[str, object]] = []

    async def orders(key: ObjectKey) -> Result:
        bound.append(dict(structlog.contextvars.get_contextvars()))
        return DONE

    async with deck(server, orders):
        pass

    assert bound[0]["Ship"] == "default/ada"
    assert bound[0]["controller"] == "ship"
    assert bound[0]["reconcileID"]


async def test_a_map_function_that_fails_on_an_object_stops_nothing() -> None:
    server = FakeClient()
    server.seed(ship("odd"), ship("plain"))

    def careless(change: Change, reader: Reader) -> Iterable[ObjectKey]:
        return {"plain": [change.current.key]}[change.current.key.name]

    async with deck(server, declaration=Declaration("ship", Ship, (Watch(Ship, careless),), ())) as d:
        assert d.bosun.names == ["plain"]


async def test_writes_through_the_live_client_are_waited_for_too() -> None:
    server = FakeClient()
    server.seed(ship())
    async with deck(server) as d:
        d.slow.hold()
        await d.manager.live.patch(Ship, KEY, {"spec": {"knots": 9}})
        d.manager.queue(SHIPS).add(KEY)
        await settle()
        assert d.bosun.names == ["ada"]

        await d.slow.release()

        assert d.bosun.names[:2] == ["ada", "ada"]
