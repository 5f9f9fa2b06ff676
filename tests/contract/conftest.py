"""The `world` fixture: every test that takes it runs once in each world."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from itertools import count

import pytest

from tests.contract.worlds import World, embedded_tls_world, embedded_world, fake_world, first_revision, http_world
from tests.integration.authority import Authority
from tests.integration.realserver import RealServer

_numbers = count(1)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority for the embedded server."""
    return Authority.create(tmp_path_factory.mktemp("authority"))


@pytest.fixture(params=["fake", "embedded", "embedded over TLS", pytest.param("real", marks=pytest.mark.real)])
def place(request: pytest.FixtureRequest) -> AbstractAsyncContextManager[World]:
    """Return a world that is still to be entered; a synchronous fixture, because a real server is started by one."""
    namespace = f"contract-{next(_numbers)}"
    match request.param:
        case "fake":
            return fake_world()
        case "embedded":
            return embedded_world(namespace)
        case "embedded over TLS":
            return embedded_tls_world(request.getfixturevalue("authority"), namespace)
    server: RealServer = request.getfixturevalue("real_server")
    return http_world(server.credentials(), namespace, first_revision, sends_bookmarks=False)


@pytest.fixture
async def world(place: AbstractAsyncContextManager[World]) -> AsyncIterator[World]:
    """Yield a world with a namespace of its own."""
    async with place as entered:
        yield entered
