"""Two replicas whose every call may be overtaken by the other's: what a ready one shows is trusted, at any time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capelin.api.meta import ObjectKey, Resource
from capelin.runtime.client import Write
from capelin.runtime.layers import ClientLayer
from tests.fakes import FakeClient, settle
from tests.runtime.admission.world import TERMS, Replica, World

NEARLY_DUE = timedelta(minutes=115)
"""How long after the start an authority is about to be rotated."""

PATIENCE = timedelta(minutes=40)
"""How long nobody may get anything done before what is kept would expire, which no order of calls could help."""


@dataclass
class Gated(ClientLayer):
    """A client whose calls wait until they are let through, one by one."""

    inner: FakeClient
    is_open: bool = True
    _waiting: list[asyncio.Future[None]] = field(default_factory=list)

    async def read(self, resource: Resource, key: ObjectKey) -> bytes:
        await self._wait()
        return await super().read(resource, key)

    async def write(self, write: Write) -> bytes:
        await self._wait()
        return await super().write(write)

    async def _wait(self) -> None:
        if not self.is_open:
            self._waiting.append(asyncio.get_running_loop().create_future())
            await self._waiting[-1]

    def let_through(self, *, all_of_them: bool = False) -> None:
        """Let calls go on that still wait: the first, or all and those to come."""
        self.is_open = all_of_them
        while self._waiting:
            call = self._waiting.pop(0)
            if not call.done():
                call.set_result(None)
                if not all_of_them:
                    return


@dataclass
class Pair:
    """Two replicas, one of which leads."""

    world: World = field(default_factory=World)
    gates: list[Gated] = field(default_factory=list)
    replicas: list[Replica] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    idle: timedelta = timedelta()

    async def start(self) -> None:
        """Have both run, and an authority that is soon to be rotated."""
        for number in range(2):
            self.gates.append(Gated(self.world.client))
            self.replicas.append(self.world.replica(client=self.gates[number], leads=number == 0))
            self.tasks.append(asyncio.ensure_future(self.replicas[number].server.run()))
            await settle()
        self.world.clock.at += NEARLY_DUE
        await self.world.pass_time(timedelta(minutes=2))

    async def act(self, action: tuple[str, int]) -> None:
        """Do one thing and find both trusted after it."""
        name, number = action
        match name:
            case "call":
                self.gates[number % 2].let_through()
            case "lead":
                for place, replica in enumerate(self.replicas):
                    replica.leads = place == number % 2
            case "die":
                await self._replace(number % 2)
            case "wait" if self.idle < PATIENCE:
                self.idle += timedelta(minutes=number)
                await self.world.clock.advance(timedelta(minutes=number))
            case "hurry":
                await self._hurry(number)
        await settle()
        assert self.world.mistrusted(self.replicas) == []

    async def _replace(self, number: int) -> None:
        self.tasks[number].cancel()
        await asyncio.gather(self.tasks[number], return_exceptions=True)
        self.replicas[number] = self.world.replica(client=self.gates[number], leads=self.replicas[number].leads)
        self.tasks[number] = asyncio.ensure_future(self.replicas[number].server.run())

    async def _hurry(self, minutes: int) -> None:
        """Let all calls through for some minutes."""
        self.idle = timedelta()
        for gate in self.gates:
            gate.let_through(all_of_them=True)
        for _ in range(minutes):
            await self.world.pass_time(timedelta(minutes=1))
            assert self.world.mistrusted(self.replicas) == []
        for gate in self.gates:
            gate.is_open = False

    def end(self) -> None:
        """Stop both."""
        for task in self.tasks:
            task.cancel()


def actions() -> st.SearchStrategy[list[tuple[str, int]]]:
    """Return what may happen: mostly single calls, sometimes a long time in which everything works."""
    call, lead, die = (st.tuples(st.just(name), st.integers(0, 1)) for name in ("call", "lead", "die"))
    wait, hurry = st.tuples(st.just("wait"), st.integers(1, 12)), st.tuples(st.just("hurry"), st.integers(1, 20))
    return st.lists(st.one_of(call, call, call, lead, die, wait, wait, hurry), max_size=40)


@pytest.mark.slow
@pytest.mark.gate
@settings(max_examples=60)
@given(actions())
async def test_what_a_ready_replica_shows_is_trusted_in_every_order_of_calls(steps: list[tuple[str, int]]) -> None:
    pair = Pair()
    await pair.start()

    for step in steps:
        await pair.act(step)

    await pair.act(("hurry", round((TERMS.retiring + TERMS.settling) / TERMS.look_again) + 5))
    pair.end()
    assert all(replica.server.ready for replica in pair.replicas)
    assert len({replica.certificate for replica in pair.replicas} - {b""}) == 1
