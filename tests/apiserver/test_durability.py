"""Nothing is told that a crash could take back; a disk that fails refuses writes and keeps answering reads."""

import asyncio
from datetime import timedelta

import pytest

from capelin.apiserver.server import ApiServer
from capelin.apiserver.storage.store import Record, Settle, Store
from tests.apiserver.api import CONFIG_MAPS, Answer, Api, config_map
from tests.fakes import FakeClock, FakeRandom, settle


class SlowDisk:
    """A journal that is as fast as memory until a test holds it."""

    def __init__(self) -> None:
        self.held: list[Settle] | None = None

    def append(self, record: Record, settle: Settle) -> None:
        if self.held is None:
            settle(None)
        else:
            self.held.append(settle)

    def hold(self) -> None:
        self.held = []

    def release(self, error: Exception | None = None) -> None:
        held, self.held = self.held or [], None
        for settle_one in held:
            settle_one(error)


@pytest.fixture
async def slow() -> tuple[Api, SlowDisk]:
    disk = SlowDisk()
    server = ApiServer(Store(disk), clock=FakeClock(), random=FakeRandom())
    await server.start()
    api = Api(server, FakeClock())
    await api.have(CONFIG_MAPS, config_map("old"))
    return api, disk


async def _started(*requests: asyncio.Future[Answer]) -> None:
    await settle()
    assert not any(request.done() for request in requests)


async def test_an_answer_waits_for_the_disk(slow: tuple[Api, SlowDisk]) -> None:
    api, disk = slow
    disk.hold()
    creating = asyncio.ensure_future(api.create(CONFIG_MAPS, config_map("new")))
    await _started(creating)
    assert (await api.get(f"{CONFIG_MAPS}/new")).status == 404

    disk.release()

    assert (await creating).status == 201


async def test_answers_that_tell_of_a_write_under_way_wait_with_it(slow: tuple[Api, SlowDisk]) -> None:
    api, disk = slow
    disk.hold()
    first = asyncio.ensure_future(api.patch(f"{CONFIG_MAPS}/old", {"data": {"key": "new"}}))
    await settle()
    same = asyncio.ensure_future(api.patch(f"{CONFIG_MAPS}/old", {"data": {"key": "new"}}))
    taken = asyncio.ensure_future(api.create(CONFIG_MAPS, config_map("old")))
    await _started(first, same, taken)

    disk.release()

    assert [(await answer).status for answer in (first, same, taken)] == [200, 200, 409]


async def test_a_failing_disk_refuses_the_write_and_leaves_no_trace(slow: tuple[Api, SlowDisk]) -> None:
    api, disk = slow
    before = api.server.store.revision
    disk.hold()
    patching = asyncio.ensure_future(api.patch(f"{CONFIG_MAPS}/old", {"data": {"key": "new"}}))
    behind = asyncio.ensure_future(api.create(CONFIG_MAPS, config_map("new")))
    await _started(patching, behind)

    disk.release(OSError("no space left on device"))

    refused = await patching
    assert (refused.status, (await behind).status) == (507, 507)
    assert "no space left on device" in refused.message
    assert (await api.get(f"{CONFIG_MAPS}/old")).body["data"] == {"key": "value"}
    assert api.server.store.revision == before
    assert (await api.create(CONFIG_MAPS, config_map("new"))).body["metadata"]["resourceVersion"] == str(before + 1)


async def test_garbage_is_collected_once_the_disk_has_room_again(slow: tuple[Api, SlowDisk]) -> None:
    api, disk = slow
    disk.hold()
    stranger = {"apiVersion": "v1", "kind": "ConfigMap", "name": "never", "uid": "was"}
    creating = asyncio.ensure_future(api.create(CONFIG_MAPS, config_map("child", ownerReferences=[stranger])))
    await settle()
    disk.release()
    disk.hold()
    await creating
    await settle()
    disk.release(OSError("no space left on device"))
    await settle()
    assert (await api.get(f"{CONFIG_MAPS}/child")).status == 200

    clock = api.server.objects.clock
    assert isinstance(clock, FakeClock)
    await clock.advance(timedelta(seconds=2))

    assert (await api.get(f"{CONFIG_MAPS}/child")).status == 404
