"""Events are not kept for ever."""

from datetime import timedelta
from typing import Any

from tests.apiserver.api import Api

EVENTS = "/api/v1/namespaces/default/events"


def _event(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "involvedObject": {"kind": "Pod", "namespace": "default", "name": "p"}, "reason": "Made"}


async def test_an_event_is_forgotten_an_hour_after_its_last_write(api: Api) -> None:
    await api.have(EVENTS, _event("old"))
    await api.have(EVENTS, _event("again"))
    await api.clock.advance(timedelta(minutes=50))
    await api.patch(f"{EVENTS}/again", {"count": 2})

    await api.clock.advance(timedelta(minutes=15))
    assert (await api.get(EVENTS)).names == ["again"]

    await api.clock.advance(timedelta(hours=1))
    assert (await api.get(EVENTS)).names == []


async def test_without_events_nothing_waits(api: Api) -> None:
    await api.have(EVENTS, _event("old"))
    await api.rest()
    assert api.clock.sleeping == 1

    await api.clock.advance(timedelta(hours=2))

    assert api.clock.sleeping == 0
