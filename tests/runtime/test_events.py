import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from capelin.runtime.errors import ServerError
from capelin.runtime.events import BURST, EVENTS, REFILL_INTERVAL, EventRecorder
from tests.fakes import FakeClient, settle
from tests.runtime.ships import KEY, Ship, ship


@dataclass
class Log:
    """A recorder at work, an object to tell about, and what is stored."""

    server: FakeClient
    recorder: EventRecorder
    ship: Ship

    async def tell(self, reason: str = "Moored", message: str = "It lies at berth a") -> None:
        self.recorder.record(self.ship, "Normal", reason, message)
        await settle()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [document for slot, document in self.server.objects.items() if slot[1] == EVENTS.plural]


@asynccontextmanager
async def log(server: FakeClient | None = None) -> AsyncIterator[Log]:
    server = server or FakeClient()
    if server.stored(Ship, KEY) is None:
        server.seed(ship())
    recorder = EventRecorder(server, server.clock, "capelin")
    running = asyncio.ensure_future(recorder.run())
    found = await server.get(Ship, KEY)
    assert found is not None
    try:
        yield Log(server, recorder, found)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_an_event_names_object_reason_and_source() -> None:
    async with log() as found:
        await found.tell()

        (event,) = found.events
        assert event["involvedObject"]["uid"] == found.ship.uid
        assert event["involvedObject"]["kind"] == "Ship"
        assert (event["type"], event["reason"], event["message"], event["count"]) == ("Normal", "Moored", "It lies at berth a", 1)
        assert event["source"]["component"] == "capelin"
        assert event["metadata"]["namespace"] == "default"


async def test_repeats_are_counted_in_one_event() -> None:
    async with log() as found:
        await found.tell()
        await found.server.clock.advance(timedelta(seconds=30))
        found.recorder.record(found.ship, "Normal", "Moored", "It lies at berth a")
        found.recorder.record(found.ship, "Normal", "Moored", "It lies at berth a")
        await settle()

        (event,) = found.events
        assert event["count"] == 3
        assert event["lastTimestamp"] > event["firstTimestamp"]


async def test_a_restarted_process_goes_on_counting() -> None:
    server = FakeClient()
    async with log(server) as before:
        await before.tell()
    async with log(server) as after:
        await after.tell()

        assert [event["count"] for event in after.events] == [2]


async def test_an_expired_event_is_told_anew() -> None:
    async with log() as found:
        await found.tell()
        for slot in [slot for slot in found.server.objects if slot[1] == EVENTS.plural]:
            del found.server.objects[slot]

        await found.tell()

        assert [event["reason"] for event in found.events] == ["Moored"]


async def test_one_object_cannot_cause_a_flood_and_may_speak_again_later() -> None:
    async with log() as found:
        for number in range(3 * BURST):
            await found.tell(message=f"Wave {number}")
        assert len(found.events) == BURST

        await found.server.clock.advance(REFILL_INTERVAL)
        await found.tell(message="Calm")

        assert len(found.events) == BURST + 1


async def test_an_event_that_cannot_be_written_is_dropped() -> None:
    async with log() as found:
        found.server.fail_write(0, ServerError("full"))
        await found.tell(reason="Lost")
        await found.tell(reason="Kept")

        assert [event["reason"] for event in found.events] == ["Kept"]
