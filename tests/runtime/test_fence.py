import asyncio

import pytest

from capelin.runtime.client import Write
from capelin.runtime.errors import ResultUnknown
from capelin.runtime.fence import Fence, NotLeading
from tests.fakes import FakeClient, settle
from tests.runtime.ships import KEY, Ship, ship


class Slow(FakeClient):
    """A client whose writes take effect and never answer."""

    async def write(self, write: Write) -> bytes:
        await super().write(write)
        await asyncio.Event().wait()
        raise AssertionError


async def test_writes_pass_only_while_it_is_open() -> None:
    server = FakeClient()
    fence = Fence(server)
    with pytest.raises(NotLeading):
        await fence.create(ship())

    fence.open()
    await fence.create(ship())
    fence.close()

    with pytest.raises(NotLeading):
        await fence.delete(Ship, KEY)
    assert [write.verb for write in server.writes] == ["create"]


async def test_reads_always_pass() -> None:
    server = FakeClient()
    server.seed(ship())

    assert await Fence(server).get(Ship, KEY) is not None
    assert len(await Fence(server).list(Ship)) == 1


async def test_a_write_under_way_is_given_up_as_unknown() -> None:
    fence = Fence(Slow())
    fence.open()
    writing = asyncio.ensure_future(fence.create(ship()))
    await settle()

    fence.close()

    with pytest.raises(ResultUnknown):
        await writing


async def test_a_caller_that_is_cancelled_stays_cancelled() -> None:
    fence = Fence(Slow())
    fence.open()
    writing = asyncio.ensure_future(fence.create(ship()))
    await settle()
    writing.cancel()
    fence.close()

    with pytest.raises(asyncio.CancelledError):
        await writing
