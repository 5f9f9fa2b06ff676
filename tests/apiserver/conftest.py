"""A fresh server in memory for each test."""

from collections.abc import AsyncIterator

import pytest

from capelin.apiserver.server import ApiServer
from tests.apiserver.api import CRDS, Api, widget_crd
from tests.fakes import FakeClock, FakeRandom


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    clock = FakeClock()
    server = ApiServer.in_memory(clock=clock, random=FakeRandom())
    await server.start()
    yield Api(server, clock)
    await server.stop()


@pytest.fixture
async def widgets(api: Api) -> Api:
    """A server that serves widgets.example.com."""
    await api.have(CRDS, widget_crd())
    return api
