from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from capelin.api.core import ConfigMap
from capelin.api.meta import ObjectKey, ObjectMeta
from capelin.runtime import codec, errors
from capelin.runtime.client import ApiClient
from capelin.runtime.transport import Request, Response
from capelin.simulation.faults import CRASHES, Fault, Listed
from capelin.simulation.link import PATIENCE, Link
from capelin.simulation.process import Died, Process
from capelin.simulation.seams import Chance, VirtualClock
from capelin.simulation.world import Story
from tests.simulation.virtual import in_virtual_time

KEY = ObjectKey("default", "settings")
SETTINGS = ConfigMap(metadata=ObjectMeta(name=KEY.name, namespace=KEY.namespace))


@dataclass
class Server:
    """Answers every request with a ConfigMap, or with a watch of three lines, and remembers what reached it."""

    reached: list[str] = field(default_factory=list)

    async def send(self, request: Request) -> Response:
        self.reached.append(request.method)
        if request.query.get("watch"):
            return Response(200, stream=self._lines())
        return Response(200, body=codec.encode(SETTINGS.wire()))

    async def _lines(self) -> AsyncIterator[bytes]:
        for line in (b"1", b"2", b"3"):
            yield line


@dataclass
class Seen:
    """What the caller of one call saw, and when; and how often the server was reached."""

    error: BaseException | None
    seconds: float
    effects: int
    alive: bool
    story: list[str]


def called(fault: Fault | None, *, writes: bool = True) -> Seen:
    server, process, story, clock = Server(), Process("p"), Story(), VirtualClock()
    link = Link(process, "management", server, story, Listed({1: fault} if fault else {}), Chance(0), clock)
    client = ApiClient(link)

    async def main() -> BaseException | None:
        try:
            await (client.patch(ConfigMap, KEY, {"data": {}}) if writes else client.get(ConfigMap, KEY))
        except (errors.ApiError, Died, asyncio.CancelledError) as error:
            return error
        return None

    async def work() -> Seen:
        error = await main()
        return Seen(error, clock.monotonic(), len(server.reached), process.alive, story.lines)

    return in_virtual_time(work)


def test_a_call_with_which_nothing_goes_wrong_takes_a_moment() -> None:
    seen = called(None)

    assert (seen.error, seen.effects, seen.alive, seen.story) == (None, 1, True, [])
    assert 0 < seen.seconds < 0.1


@pytest.mark.parametrize(
    ("fault", "effects"),
    [(Fault.CRASH_BEFORE, 0), (Fault.CRASH_AFTER_EFFECT, 1), (Fault.CRASH_AFTER_REPLY, 1)],
    ids=["before-no-effect", "after-effect", "after-reply"],
)
def test_a_crash_ends_the_caller_and_has_the_effect_it_speaks_of(fault: Fault, effects: int) -> None:
    seen = called(fault)

    assert isinstance(seen.error, Died)
    assert (seen.alive, seen.effects) == (False, effects)


@pytest.mark.parametrize(
    ("fault", "writes", "kind", "effects"),
    [
        (Fault.LOST_REQUEST, True, errors.ResultUnknown, 0),
        (Fault.LOST_REQUEST, False, errors.Unreachable, 0),
        (Fault.LOST_REPLY, True, errors.ResultUnknown, 1),
        (Fault.LOST_REPLY, False, errors.Unreachable, 1),
    ],
    ids=["lost-write", "lost-read", "lost-reply-of-a-write", "lost-reply-of-a-read"],
)
def test_what_is_lost_is_told_when_patience_ends(fault: Fault, kind: type[errors.ApiError], effects: int, *, writes: bool) -> None:
    seen = called(fault, writes=writes)

    assert type(seen.error) is kind
    assert (seen.alive, seen.effects) == (True, effects)
    assert seen.seconds >= PATIENCE.total_seconds()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(Fault.CONFLICT, errors.Conflict), (Fault.THROTTLED, errors.TooManyRequests), (Fault.UNAVAILABLE, errors.ServerError)],
    ids=["conflict", "throttled", "unavailable"],
)
def test_a_refusal_has_no_effect_and_comes_at_once(fault: Fault, kind: type[errors.ApiError]) -> None:
    seen = called(fault)

    assert type(seen.error) is kind
    assert (seen.alive, seen.effects) == (True, 0)
    assert seen.seconds < 0.1


def test_who_is_throttled_is_told_when_to_come_again() -> None:
    error = called(Fault.THROTTLED).error

    assert isinstance(error, errors.TooManyRequests)
    assert error.retry_after == timedelta(seconds=1)


def test_a_slow_answer_comes_whole_after_half_a_minute() -> None:
    seen = called(Fault.SLOW)

    assert (seen.error, seen.effects, seen.alive) == (None, 1, True)
    assert seen.seconds >= 30


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name)
def test_every_fault_stands_in_the_story(fault: Fault) -> None:
    assert called(fault).story == [f"fault at call 1 (p → management: patch configmaps settings): {fault.value}"]


@pytest.mark.parametrize("crash", CRASHES, ids=lambda fault: fault.name)
def test_nothing_of_a_dead_process_reaches_anybody(crash: Fault) -> None:
    server, process = Server(), Process("p")
    link = Link(process, "management", server, Story(), Listed({2: crash}), Chance(0), VirtualClock())

    async def stubborn() -> None:
        try:
            while True:
                await link.send(Request("PUT", "/api/v1/namespaces/default/configmaps/a"))
        finally:
            await link.send(Request("DELETE", "/api/v1/namespaces/default/configmaps/a"))

    async def work() -> None:
        for _ in range(3):
            process.start(stubborn())
        await process.buried()

    in_virtual_time(work)

    assert "DELETE" not in server.reached


def test_a_watch_brings_its_lines_in_order_each_some_time_later() -> None:
    link = Link(Process("p"), "management", Server(), Story(), Listed({}), Chance(0), VirtualClock())

    async def work() -> list[tuple[bytes, float]]:
        response = await link.send(Request("GET", "/api/v1/configmaps", {"watch": "1"}))
        assert response.stream is not None
        return [(line, VirtualClock().monotonic()) async for line in response.stream]

    lines, times = zip(*in_virtual_time(work), strict=True)

    assert lines == (b"1", b"2", b"3")
    assert len(set(times)) == 3


@pytest.mark.parametrize(
    ("request_", "about"),
    [
        (Request("GET", "/api/v1/namespaces"), "list namespaces"),
        (Request("GET", "/api/v1/namespaces/default"), "get namespaces default"),
        (Request("GET", "/api/v1/namespaces/default/secrets", {"watch": "true"}), "watch secrets"),
        (Request("PATCH", "/apis/cluster.x-k8s.io/v1beta2/namespaces/default/machines/m/status"), "patch machines/status m"),
        (Request("POST", "/apis/cluster.x-k8s.io/v1beta2/namespaces/default/machines"), "create machines"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_call_is_named_as_a_role_names_it(request_: Request, about: str) -> None:
    story = Story()
    plan = Listed({1: Fault.UNAVAILABLE})
    link = Link(Process("p"), "management", Server(), story, plan, Chance(0), VirtualClock())

    in_virtual_time(lambda: link.send(request_))

    assert story.lines == [f"fault at call 1 (p → management: {about}): 503"]
