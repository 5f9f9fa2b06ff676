"""The `world` fixture: every test that takes it runs once in each world."""

from collections.abc import AsyncIterator
from itertools import count

import pytest

from capelin.runtime.transport import Credentials
from tests.contract.worlds import World, fake_world, first_revision, http_world
from tests.integration.realserver import RealServer

_numbers = count(1)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.real)])
def elsewhere(request: pytest.FixtureRequest) -> Credentials | None:
    """Return how to reach the world that is another process; None for those that are here."""
    if request.param != "real":
        return None
    server: RealServer = request.getfixturevalue("real_server")
    return server.credentials()


@pytest.fixture
async def world(elsewhere: Credentials | None) -> AsyncIterator[World]:
    """Yield a world with a namespace of its own."""
    if elsewhere is None:
        yield await fake_world()
        return
    async with http_world(elsewhere, f"contract-{next(_numbers)}", first_revision, sends_bookmarks=False) as found:
        yield found
