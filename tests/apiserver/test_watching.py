"""Watches: order, resumption, selections, bookmarks, ends."""

import asyncio
from datetime import timedelta

import pytest

from capelin.apiserver.server import ApiServer
from capelin.apiserver.storage.store import MemoryStore
from tests.apiserver.api import CONFIG_MAPS, TABLE, WIDGETS, Api, Events, config_map, widget
from tests.fakes import FakeClock, FakeRandom


async def test_a_watch_without_a_revision_begins_with_what_is_there(api: Api) -> None:
    await api.have(CONFIG_MAPS, config_map("a"))
    events = await api.watch(CONFIG_MAPS)
    await api.have(CONFIG_MAPS, config_map("b"))
    await api.delete(f"{CONFIG_MAPS}/a")

    assert await events.take(3) == [("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a")]
    await events.close()


async def test_a_watch_resumes_after_any_revision_without_loss(api: Api) -> None:
    revisions = [(await api.have(CONFIG_MAPS, config_map(name)))["metadata"]["resourceVersion"] for name in "abc"]

    events = await api.watch(CONFIG_MAPS, resourceVersion=revisions[0])

    assert await events.take(2) == [("ADDED", "b"), ("ADDED", "c")]
    await events.close()


async def test_a_deletion_carries_the_revision_at_which_it_happened(api: Api) -> None:
    stored = await api.have(CONFIG_MAPS, config_map("a"))
    events = await api.watch(CONFIG_MAPS, resourceVersion=stored["metadata"]["resourceVersion"])
    await api.delete(f"{CONFIG_MAPS}/a")

    kind, last = await events.next()

    assert kind == "DELETED"
    assert int(last["metadata"]["resourceVersion"]) == api.server.store.revision
    await events.close()


async def test_a_revision_outside_the_window_is_told_as_410_inside_the_stream(api: Api) -> None:
    api.server.store.compacted = api.server.store.revision

    found = await (await api.watch(CONFIG_MAPS, resourceVersion="1")).rest()

    assert [(kind, status["code"], status["reason"]) for kind, status in found] == [("ERROR", 410, "Expired")]


async def test_a_revision_of_the_future_is_told_as_410_too(api: Api) -> None:
    found = await (await api.watch(CONFIG_MAPS, resourceVersion="999999")).rest()

    assert [status["code"] for _, status in found] == [410]


async def test_a_watcher_that_is_left_behind_is_told_to_list_again() -> None:
    clock = FakeClock()
    server = ApiServer(MemoryStore(history=8), clock=clock, random=FakeRandom())
    await server.start()
    api = Api(server, clock)
    events = await api.watch(CONFIG_MAPS, resourceVersion=str(server.store.revision))
    for name in "abcdefghij":
        await api.have(CONFIG_MAPS, config_map(name))

    found = await events.rest()

    assert [(kind, status["code"]) for kind, status in found] == [("ERROR", 410)]
    await events.close()
    await server.stop()


async def test_an_object_that_leaves_the_selection_is_deleted_and_one_that_enters_added(api: Api) -> None:
    await api.have(CONFIG_MAPS, config_map("a"))
    events = await api.watch(CONFIG_MAPS, resourceVersion=str(api.server.store.revision), labelSelector="on=yes")
    await api.patch(f"{CONFIG_MAPS}/a", {"metadata": {"labels": {"on": "yes"}}})
    await api.patch(f"{CONFIG_MAPS}/a", {"data": {"key": "two"}})
    await api.patch(f"{CONFIG_MAPS}/a", {"metadata": {"labels": {"on": "no"}}})
    await api.patch(f"{CONFIG_MAPS}/a", {"data": {"key": "three"}})

    first, second, (kind, last) = await events.next(), await events.next(), await events.next()

    assert [first[0], second[0], kind] == ["ADDED", "MODIFIED", "DELETED"]
    assert last["metadata"]["labels"] == {"on": "yes"}
    assert int(last["metadata"]["resourceVersion"]) == api.server.store.revision - 1
    await events.close()


async def test_a_watch_of_one_namespace_sees_no_other(api: Api) -> None:
    events = await api.watch(CONFIG_MAPS, resourceVersion=str(api.server.store.revision))
    await api.have("/api/v1/namespaces/kube-system/configmaps", config_map("there"))
    await api.have(CONFIG_MAPS, config_map("here"))

    assert await events.take(1) == [("ADDED", "here")]
    await events.close()


async def test_initial_events_end_with_an_annotated_bookmark(api: Api) -> None:
    await api.have(CONFIG_MAPS, config_map("a"))
    options = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    events = await api.watch(CONFIG_MAPS, **options)

    first, (kind, mark) = await events.next(), await events.next()

    assert (first[0], kind) == ("ADDED", "BOOKMARK")
    assert mark["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert mark["metadata"]["resourceVersion"] == str(api.server.store.revision)
    await events.close()


async def test_initial_events_are_those_of_the_moment_the_watch_began(api: Api) -> None:
    await api.have(CONFIG_MAPS, config_map("a"))
    events = await api.watch(CONFIG_MAPS)
    await api.patch(f"{CONFIG_MAPS}/a", {"data": {"key": "two"}})

    (first, old), (second, new) = await events.next(), await events.next()

    assert (first, old["data"]["key"]) == ("ADDED", "value")
    assert (second, new["data"]["key"]) == ("MODIFIED", "two")
    await events.close()


@pytest.mark.parametrize(
    "query",
    [{"sendInitialEvents": "true"}, {"resourceVersionMatch": "NotOlderThan"}, {"resourceVersion": "x"}, {"timeoutSeconds": "-1"}],
    ids=["initial events without a match", "a match without initial events", "no revision", "a time-out before now"],
)
async def test_watch_parameters_without_sense_are_refused(api: Api, query: dict[str, str]) -> None:
    assert (await api.get(CONFIG_MAPS, watch="true", **query)).status in (400, 422)


async def test_bookmarks_come_every_minute_to_those_who_asked(api: Api) -> None:
    revision = str(api.server.store.revision)
    marked = await api.watch(CONFIG_MAPS, resourceVersion=revision, allowWatchBookmarks="true", timeoutSeconds="150")
    plain = await api.watch(CONFIG_MAPS, resourceVersion=revision, timeoutSeconds="150")

    found = await _collect(api, marked, minutes=3)

    assert [kind for kind, _ in found] == ["BOOKMARK", "BOOKMARK", "BOOKMARK"]
    assert await _collect(api, plain, minutes=0) == []


async def _collect(api: Api, events: Events, *, minutes: int) -> list[tuple[str, dict[str, object]]]:
    task = asyncio.ensure_future(events.rest())
    await api.clock.advance(timedelta(minutes=minutes))
    return await task


async def test_a_bookmark_is_no_older_than_what_was_sent(api: Api) -> None:
    events = await api.watch(CONFIG_MAPS, resourceVersion=str(api.server.store.revision), allowWatchBookmarks="true", timeoutSeconds="30")
    await api.have(CONFIG_MAPS, config_map("a"))

    found = await _collect(api, events, minutes=1)

    assert [kind for kind, _ in found] == ["ADDED", "BOOKMARK"]
    assert found[1][1]["metadata"] == {"resourceVersion": str(api.server.store.revision), "creationTimestamp": None}


async def test_a_watch_shows_tables_and_describes_their_columns_once(widgets: Api) -> None:
    await widgets.have(WIDGETS, widget("a"))
    await widgets.have(WIDGETS, widget("b"))
    events = await widgets.watch(WIDGETS, accept=TABLE)

    (_, first), (_, second) = await events.next(), await events.next()

    assert [row["cells"] for table in (first, second) for row in table["rows"]] == [["a", "small"], ["b", "small"]]
    assert (len(first["columnDefinitions"]), second["columnDefinitions"]) == (2, [])
    await events.close()


async def test_stopping_the_server_ends_its_watches(api: Api) -> None:
    events = await api.watch(CONFIG_MAPS, resourceVersion=str(api.server.store.revision))
    task = asyncio.ensure_future(events.rest())
    await api.rest()

    await api.server.stop()

    assert await task == []


async def test_a_closed_watch_leaves_nothing_behind(api: Api) -> None:
    events = await api.watch(CONFIG_MAPS, resourceVersion=str(api.server.store.revision))
    assert api.server.metrics.watches == 1

    await events.close()

    assert api.server.metrics.watches == 0
