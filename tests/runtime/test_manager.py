import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from capelin.api.meta import ObjectKey
from capelin.runtime.controller import TURN
from capelin.runtime.errors import Unreachable
from capelin.runtime.fence import NotLeading
from capelin.runtime.leases import LEASES, LeadershipLost
from capelin.runtime.manager import FINISH_WITHIN, EndedByItself, Manager, Settings
from capelin.runtime.outcomes import causes
from capelin.runtime.reconcile import DONE, Declaration, Result, Watch, itself
from tests.fakes import FakeClient, FakeClock, FakeRandom, settle
from tests.runtime.ships import KEY, Ship, ship
from tests.runtime.test_controller import Bosun, rest
from tests.runtime.test_leases import Cable

SHIPS = Declaration("ship", Ship, (Watch(Ship, itself),), ())
LEASE = ObjectKey("default", "capelin")


def manager(
    server: FakeClient, clock: FakeClock, orders: Callable[[ObjectKey], Awaitable[Result]] = rest, *, lease: bool = False, name: str = "a"
) -> tuple[Manager, Bosun]:
    settings = Settings(lease=LEASE if lease else None, identity=name, after_sync=lambda: None)
    made, bosun = Manager(server, clock, FakeRandom(), settings), Bosun(orders)
    made.add(SHIPS, bosun)
    return made, bosun


async def started(made: Manager) -> "asyncio.Task[None]":
    running = asyncio.ensure_future(made.run())
    await settle()
    return running


async def test_nothing_is_reconciled_before_all_caches_are_complete() -> None:
    server, clock = FakeClient(), FakeClock()
    server.seed(ship())
    server.read_faults["ships", ""] = Unreachable("down")
    made, bosun = manager(server, clock)
    running = await started(made)
    assert (made.ready, bosun.seen) == (False, [])

    server.read_faults.clear()
    await clock.advance(timedelta(seconds=2))

    assert (made.ready, bosun.seen) == (True, [KEY])
    made.stop()
    await running


async def test_memory_is_settled_once_after_the_first_sync() -> None:
    server, clock = FakeClient(), FakeClock()
    settled: list[bool] = []
    made = Manager(server, clock, FakeRandom(), Settings(after_sync=lambda: settled.append(made.ready)))
    made.add(SHIPS, Bosun(rest))
    running = await started(made)
    made.stop()
    await running

    assert settled == [True]


async def test_only_the_leader_works_and_the_other_takes_over() -> None:
    server, clock = FakeClient(), FakeClock()
    server.seed(ship())
    first, first_bosun = manager(server, clock, lease=True)
    second, second_bosun = manager(server, clock, lease=True, name="b")
    running = await started(first)
    waiting = await started(second)
    assert (first_bosun.seen, second_bosun.seen) == ([KEY], [])
    with pytest.raises(NotLeading):
        await second.client.delete(Ship, KEY)

    first.stop()
    await running
    await clock.advance(timedelta(seconds=3))

    assert second_bosun.seen == [KEY]
    second.stop()
    await waiting


async def test_a_manager_that_is_cut_off_stops_writing_and_ends() -> None:
    server, clock = FakeClient(), FakeClock()
    server.seed(ship())
    cable = Cable(server)
    made = Manager(cable, clock, FakeRandom(), Settings(lease=LEASE, identity="a", after_sync=lambda: None))
    made.add(SHIPS, Bosun(rest))
    running = await started(made)
    cable.cut = "hangs"

    await clock.advance(timedelta(seconds=20))

    with pytest.raises(BaseExceptionGroup) as told:
        await running
    assert [type(error) for error in causes(told.value)] == [LeadershipLost]
    assert not made.leading


async def test_a_stop_lets_reconciles_finish_and_releases_the_lease() -> None:
    server, clock = FakeClient(), FakeClock()
    server.seed(ship())
    begun, finish = asyncio.Event(), asyncio.Event()

    async def orders(key: ObjectKey) -> Result:
        begun.set()
        await finish.wait()
        await made.client.patch(Ship, key, {"spec": {"knots": 9}})
        return DONE

    made, _ = manager(server, clock, orders, lease=True)
    running = await started(made)
    assert begun.is_set()
    made.stop()
    await settle()
    finish.set()
    await running

    stored, lease = server.stored(Ship, KEY), server.stored(LEASES, LEASE)
    assert stored is not None
    assert lease is not None
    assert (stored["spec"]["knots"], lease["spec"]["holderIdentity"]) == (9, "")


async def test_what_does_not_finish_is_abandoned_in_time() -> None:
    server, clock = FakeClient(), FakeClock()
    server.seed(ship())

    async def forever(key: ObjectKey) -> Result:
        await asyncio.Event().wait()
        return DONE

    made, _ = manager(server, clock, forever, lease=True)
    running = await started(made)
    made.stop()
    await settle()
    assert not running.done()

    await clock.advance(FINISH_WITHIN)

    await running
    assert timedelta(seconds=10) > FINISH_WITHIN


async def test_a_stop_before_the_caches_are_complete_ends_at_once() -> None:
    server = FakeClient()
    server.read_faults["ships", ""] = Unreachable("down")
    made, _ = manager(server, FakeClock())
    running = await started(made)

    made.stop()

    await running


async def test_a_background_task_that_ends_by_itself_brings_everything_down() -> None:
    made, _ = manager(FakeClient(), FakeClock())

    async def ends() -> None:
        return

    made.background("ends", ends)
    with pytest.raises(BaseExceptionGroup) as told:
        await made.run()

    assert [type(error) for error in causes(told.value)] == [EndedByItself]


async def test_events_are_told_while_leading() -> None:
    server, clock = FakeClient(), FakeClock()
    server.seed(*(ship(f"s{number}") for number in range(TURN)))

    async def orders(key: ObjectKey) -> Result:
        got = await made.client.get(Ship, key)
        assert got is not None
        made.recorder.record(got, "Normal", "Moored", "It lies still")
        return DONE

    made, _ = manager(server, clock, orders)
    running = await started(made)
    await settle(500)
    made.stop()
    await running

    assert sum(slot[1] == "events" for slot in server.objects) == TURN


async def test_preparations_run_in_order_before_any_controller_works() -> None:
    server, clock = FakeClient(), FakeClock()
    server.seed(ship())
    made, bosun = manager(server, clock)
    told: list[tuple[str, list[ObjectKey]]] = []

    async def prepare(name: str) -> None:
        told.append((name, list(bosun.seen)))

    made.before_work("first", lambda: prepare("first"))
    made.before_work("second", lambda: prepare("second"))
    running = await started(made)

    assert told == [("first", []), ("second", [])]
    assert bosun.seen == [KEY]
    made.stop()
    await running


async def test_a_candidate_prepares_only_once_it_leads() -> None:
    server, clock = FakeClient(), FakeClock()
    first, _ = manager(server, clock, lease=True)
    second, _ = manager(server, clock, lease=True, name="b")
    prepared: list[str] = []

    async def prepare(name: str) -> None:
        prepared.append(name)

    first.before_work("first", lambda: prepare("first"))
    second.before_work("second", lambda: prepare("second"))
    running, waiting = await started(first), await started(second)
    before = list(prepared)
    first.stop()
    await running
    await clock.advance(timedelta(seconds=3))

    assert (before, prepared) == (["first"], ["first", "second"])
    second.stop()
    await waiting


async def test_a_stop_ends_a_preparation_and_gives_the_lease_back() -> None:
    server, clock = FakeClient(), FakeClock()
    server.seed(ship())
    made, bosun = manager(server, clock, lease=True)
    made.before_work("for ever", asyncio.Event().wait)  # type: ignore[arg-type]  # what it returns does not matter
    running = await started(made)

    made.stop()
    await running

    assert bosun.seen == []
    assert (server.stored(LEASES, LEASE) or {})["spec"]["holderIdentity"] == ""


async def test_a_manager_is_ready_only_while_its_conditions_hold() -> None:
    server, clock = FakeClient(), FakeClock()
    made, _ = manager(server, clock)
    holds = False
    made.ready_when(lambda: holds)
    running = await started(made)
    before = made.ready
    holds = True

    assert (before, made.ready) == (False, True)
    made.stop()
    await running
