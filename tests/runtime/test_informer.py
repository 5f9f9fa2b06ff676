import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random  # noqa: TID251 - the type of Hypothesis' seeded generators

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capelin.api.meta import ObjectKey, Resource
from capelin.runtime import codec, errors
from capelin.runtime.cache import KindCache, Scope
from capelin.runtime.client import Page, Selection, WatchEvent
from capelin.runtime.informer import GRACE, PAGE, WATCH_AT_LEAST, Informer
from capelin.runtime.layers import ClientLayer
from capelin.runtime.reconcile import Change
from tests.fakes import FakeClient, FakeClock, FakeRandom, settle
from tests.runtime.ships import KEY, SHIP, Ship, ship

Weather = Callable[[], str]
"""Returns what befalls the next step: fair, lost, gone, end, silence."""


@dataclass
class Sea(ClientLayer):
    """A client between us and the server, with weather."""

    weather: Weather = lambda: "fair"
    lists: list[str] = field(default_factory=list)
    watches: list[str] = field(default_factory=list)
    nonsense: list[WatchEvent] = field(default_factory=list)
    """Comes before the next event of a watch."""

    async def page(
        self, resource: Resource, selection: Selection, *, limit: int = 0, continue_token: str = "", resource_version: str = ""
    ) -> Page:
        self.lists.append(resource_version)
        match self.weather():
            case "lost":
                raise errors.Unreachable("lost")
            case "gone" if continue_token:
                raise errors.Gone("the continue token expired")
        return await self.inner.page(resource, selection, limit=limit, continue_token=continue_token)

    async def stream(
        self, resource: Resource, selection: Selection, *, resource_version: str, timeout_seconds: int
    ) -> AsyncIterator[WatchEvent]:
        self.watches.append(resource_version)
        inner = self.inner.stream(resource, selection, resource_version=resource_version, timeout_seconds=timeout_seconds)
        async for event in inner:
            if self.nonsense:
                yield self.nonsense.pop()
            match self.weather():
                case "lost":
                    raise errors.Unreachable("lost")
                case "gone":
                    raise errors.Gone("compacted")
                case "end":
                    return
                case "silence":
                    await asyncio.Event().wait()
            yield event


@dataclass
class Bridge:
    """An informer at work, and what it told."""

    sea: Sea
    clock: FakeClock
    informer: Informer
    cache: KindCache
    told: list[tuple[Change, bool]]

    @property
    def names(self) -> list[str]:
        return [key.name for key in sorted(self.cache.objects)]


@asynccontextmanager
async def bridge(server: FakeClient, weather: Weather = lambda: "fair", scope: Scope | None = None) -> AsyncIterator[Bridge]:
    told: list[tuple[Change, bool]] = []
    sea, clock, cache = Sea(server, weather), FakeClock(), KindCache(SHIP, scope or Scope())
    informer = Informer(sea, cache, lambda change, can_wait: told.append((change, can_wait)), clock, FakeRandom())
    task = asyncio.ensure_future(informer.run())
    await settle()
    try:
        yield Bridge(sea, clock, informer, cache, told)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_first_list_is_consistent_paged_and_can_wait() -> None:
    server = FakeClient()
    server.seed(*(ship(f"s{number}") for number in range(PAGE + 1)))

    async with bridge(server) as b:
        assert b.informer.synced.is_set()
        assert b.sea.lists == ["", ""]
        assert len(b.cache.objects) == PAGE + 1
        assert all(can_wait for _, can_wait in b.told)


async def test_changes_are_told_as_they_come() -> None:
    server = FakeClient()
    async with bridge(server) as b:
        server.seed(ship(knots=1))
        await server.patch(Ship, KEY, {"spec": {"knots": 2}})
        await server.delete(Ship, KEY)
        await settle()

        shapes = [(change.old is not None, change.new is not None, can_wait) for change, can_wait in b.told]
        assert shapes == [(False, True, False), (True, True, False), (True, False, False)]
        assert b.cache.objects == {}


async def test_the_last_state_of_a_deleted_object_is_told() -> None:
    server = FakeClient()
    async with bridge(server) as b:
        server.seed(ship(finalizers=["a/b"]))
        await server.delete(Ship, KEY)
        await server.patch(Ship, KEY, {"metadata": {"finalizers": None, "labels": {"last": "words"}}})
        await settle()

        assert b.told[-1][0].current.labels == {"last": "words"}


async def test_a_watch_that_ends_is_resumed_where_it_was() -> None:
    server = FakeClient()
    async with bridge(server) as b:
        await b.clock.advance(timedelta(seconds=10))
        server.seed(ship())
        await settle()
        server.end_watches()
        await settle()

        assert b.sea.watches[1:] == [str(server.revision)]
        assert len(b.sea.lists) == 1


async def test_what_was_deleted_while_the_history_was_lost_is_told() -> None:
    server = FakeClient()
    server.seed(ship("stays"), ship("goes"))
    async with bridge(server, scope=Scope()) as b:
        server.objects = {slot: document for slot, document in server.objects.items() if slot[2].name != "goes"}
        server.compact()
        server.revision += 1
        server.compact()
        await b.clock.advance(timedelta(minutes=1))

        assert [change.old.key.name for change, _ in b.told if change.new is None and change.old is not None] == ["goes"]
        assert b.names == ["stays"]


async def test_a_server_that_ends_every_watch_at_once_is_not_hammered() -> None:
    server = FakeClient()
    server.seed(ship())

    async with bridge(server) as b:
        for _ in range(600):
            server.end_watches()
            await b.clock.advance(timedelta(milliseconds=100))

        assert len(b.sea.watches) < 12


async def test_a_watch_that_never_ends_is_given_up() -> None:
    server = FakeClient()
    async with bridge(server, weather=iter(["fair", *["silence"] * 3, *["fair"] * 100]).__next__) as b:
        server.seed(ship())
        await settle()
        assert b.names == []

        await b.clock.advance(3 * (2 * WATCH_AT_LEAST + GRACE) + timedelta(minutes=2))

        assert b.names == ["ada"]


async def test_a_list_that_fails_is_tried_again_and_told_meanwhile() -> None:
    server = FakeClient()
    server.seed(ship())
    async with bridge(server, weather=iter(["lost", *["fair"] * 10]).__next__) as b:
        assert isinstance(b.informer.failure, errors.Unreachable)
        assert b.informer.attempted.is_set()
        assert not b.informer.synced.is_set()

        await b.clock.advance(timedelta(seconds=2))

        assert b.informer.failure is None
        assert b.names == ["ada"]


async def test_nothing_is_believed_before_the_last_page() -> None:
    server = FakeClient()
    server.seed(*(ship(f"s{number}") for number in range(PAGE + 1)))
    async with bridge(server, weather=iter(["fair", "gone", *["fair"] * 1000]).__next__) as b:
        assert b.told == []

        await b.clock.advance(timedelta(seconds=2))

        assert len(b.cache.objects) == PAGE + 1


@pytest.mark.parametrize(
    "event", [WatchEvent("ADDED", b"{}"), WatchEvent("BOOKMARK", b"[]"), WatchEvent("MODIFIED", b'{"metadata":{"name":1}}')]
)
async def test_an_event_that_makes_no_sense_is_answered_with_a_list(event: WatchEvent) -> None:
    server = FakeClient()
    async with bridge(server) as b:
        b.sea.nonsense.append(event)
        server.seed(ship())
        await settle()
        assert b.names == []

        await b.clock.advance(timedelta(seconds=2))

        assert b.names == ["ada"]


async def test_a_refresh_lists_again() -> None:
    async with bridge(FakeClient()) as b:
        b.informer.refresh()
        await settle()

        assert len(b.sea.lists) == 2


async def test_only_what_has_the_label_is_watched() -> None:
    server = FakeClient()
    server.seed(ship("in", labels={"fleet": "x"}), ship("out"))

    async with bridge(server, scope=Scope(label="fleet")) as b:
        assert b.names == ["in"]


async def step(server: FakeClient, random: Random) -> None:
    """Do one of the things users and other controllers do."""
    key = ObjectKey("default", random.choice("abcd"))
    stored = server.stored(Ship, key)
    match random.randrange(4):
        case 0 if stored is None:
            server.seed(ship(key.name, finalizers=["a/b"] if random.random() < 0.3 else None))
        case 1 if stored is not None:
            await server.delete(Ship, key)
        case 2 if stored is not None:
            await server.patch(Ship, key, {"metadata": {"finalizers": None}, "spec": {"knots": random.randrange(99)}})
        case 3 if random.random() < 0.2:
            server.compact()


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
@pytest.mark.slow
async def test_whatever_happens_the_story_of_each_object_is_told_in_order_and_ends_in_the_truth(random: Random) -> None:
    server = FakeClient()
    storm = [True]

    def weather() -> str:
        return random.choices(["fair", "lost", "gone", "end", "silence"], [20, 2, 1, 2, 1])[0] if storm[0] else "fair"

    async with bridge(server, weather) as b:
        for _ in range(60):
            await step(server, random)
            if random.random() < 0.3:
                await b.clock.advance(timedelta(seconds=random.random() * 20))
        storm[0] = False
        await b.clock.advance(timedelta(minutes=30))

        known: dict[ObjectKey, tuple[str, str]] = {}
        for change, _ in b.told:
            old, new = change.old, change.new
            assert known.get(change.current.key, ("", ""))[0] == (old.uid if old else "")
            if old is not None and new is not None:
                assert int(new.resource_version) > int(known[new.key][1])
            if new is not None:
                known[new.key] = (new.uid, new.resource_version)
            else:
                del known[change.current.key]
        want = {key: codec.decode(codec.encode(document)) for (_, _, key), document in server.objects.items()}
        assert {key: codec.decode(entry.data) for key, entry in b.cache.objects.items()} == want
        assert known.keys() == want.keys()
