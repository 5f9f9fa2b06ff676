"""A server that serves Widgets and asks webhooks in the test's own process."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from capelin.apiserver.admission.calling import InProcessCaller
from capelin.apiserver.server import ApiServer
from tests.apiserver.admission.webhooks import MUTATING, VALIDATING, Respond, Webhooks, configuration, hook
from tests.apiserver.api import CRDS, Api, widget_crd
from tests.fakes import FakeClock, FakeRandom


@dataclass
class World(Api):
    """An API, and the webhooks it asks."""

    webhooks: Webhooks

    async def mutating(self, path: str, respond: Respond, **fields: Any) -> None:
        """Declare a webhook that may change objects, in a configuration named after its path."""
        await self._declare(MUTATING, path, respond, fields)

    async def validating(self, path: str, respond: Respond, **fields: Any) -> None:
        """Declare a webhook that judges objects."""
        await self._declare(VALIDATING, path, respond, fields)

    async def _declare(self, kind: str, path: str, respond: Respond, fields: dict[str, Any]) -> None:
        self.webhooks.answers[path] = respond
        await self.have(kind, configuration(path.strip("/"), hook(path, **fields)))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    webhooks, clock = Webhooks(), FakeClock()
    server = ApiServer.in_memory(clock=clock, random=FakeRandom(), webhooks=InProcessCaller({"hooks.test": webhooks}))
    await server.start()
    found = World(server, clock, webhooks)
    await found.have(CRDS, widget_crd())
    yield found
    await server.stop()
