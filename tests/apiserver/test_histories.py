"""Random histories: whoever lists at some revision and watches from there ends with what a list shows."""

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capelin.apiserver.server import ApiServer
from tests.apiserver.api import CONFIG_MAPS, Api, config_map
from tests.fakes import FakeClock, FakeRandom

SELECTION = "on=yes"


@dataclass(frozen=True)
class Step:
    """One request: what is done to which object."""

    verb: str  # put on, put off, hold, release, delete
    name: str


steps = st.lists(st.builds(Step, st.sampled_from(["put on", "put off", "hold", "release", "delete"]), st.sampled_from("abc")), max_size=25)


async def _take(api: Api, step: Step) -> None:
    path = f"{CONFIG_MAPS}/{step.name}"
    match step.verb:
        case "put on" | "put off":
            labels = {"on": "yes" if step.verb == "put on" else "no"}
            if (await api.create(CONFIG_MAPS, config_map(step.name, labels=labels))).status == 409:
                await api.patch(path, {"metadata": {"labels": labels}})
        case "hold":
            await api.patch(path, {"metadata": {"finalizers": ["example.com/hold"]}})
        case "release":
            await api.patch(path, {"metadata": {"finalizers": None}})
        case "delete":
            await api.delete(path)


async def _listed(api: Api) -> tuple[dict[str, str], str]:
    """Return the revisions of the selected objects by name, and the revision of the list."""
    found = (await api.get(CONFIG_MAPS, labelSelector=SELECTION)).body
    return {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in found["items"]}, found["metadata"]["resourceVersion"]


async def _watched(api: Api, known: dict[str, str], revision: str) -> dict[str, str]:
    """Return what is known after following every change since `revision`; each must make sense and be newer than the last."""
    events = await api.watch(CONFIG_MAPS, resourceVersion=revision, labelSelector=SELECTION)
    await api.server.stop()
    last = int(revision)
    for kind, document in await events.rest():
        name, at = document["metadata"]["name"], document["metadata"]["resourceVersion"]
        assert int(at) > last
        assert (kind == "ADDED") is (name not in known)
        last = int(at)
        if kind == "DELETED":
            del known[name]
        else:
            known[name] = at
    await events.close()
    return known


@pytest.mark.slow
@settings(max_examples=60)
@given(before=steps, after=steps)
def test_a_list_and_the_watch_from_it_add_up_to_a_later_list(before: list[Step], after: list[Step]) -> None:
    async def history() -> None:
        api = Api(ApiServer.in_memory(clock=FakeClock(), random=FakeRandom()), FakeClock())
        await api.server.start()
        for step in before:
            await _take(api, step)
        known, revision = await _listed(api)
        for step in after:
            await _take(api, step)
        want, _ = await _listed(api)

        assert await _watched(api, known, revision) == want

    asyncio.run(history())
