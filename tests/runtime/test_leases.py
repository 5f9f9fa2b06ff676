import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from capelin.api.meta import ObjectKey, Resource
from capelin.runtime import errors
from capelin.runtime.client import Client, Write
from capelin.runtime.leases import LEASES, Election, LeadershipLost, Terms
from tests.fakes import FakeClient, FakeClock, FakeRandom, settle
from tests.runtime.slow import SlowWatches

LEASE = ObjectKey("default", "capelin")


@dataclass
class Cable(SlowWatches):
    """A client whose connection can be cut: calls then hang, or fail."""

    cut: str = ""

    async def read(self, resource: Resource, key: ObjectKey) -> bytes:
        await self._pass()
        return await super().read(resource, key)

    async def write(self, write: Write) -> bytes:
        await self._pass()
        return await super().write(write)

    async def _pass(self) -> None:
        if self.cut == "hangs":
            await asyncio.Event().wait()
        if self.cut == "fails":
            raise errors.Unreachable("cut")


@dataclass
class Candidate:
    """A process that wants to lead, and whether it may write."""

    client: Client
    clock: FakeClock
    name: str
    writing: bool = False
    task: "asyncio.Task[None]" = field(init=False)

    async def run(self) -> None:
        election = Election(self.client, LEASE, self.name, self.clock, FakeRandom())
        self.task = asyncio.ensure_future(election.lead(self._work, stop_writing=self._stop_writing))
        await settle()

    async def _work(self) -> None:
        self.writing = True
        await asyncio.Event().wait()

    def _stop_writing(self) -> None:
        self.writing = False

    async def quit(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def holder(server: FakeClient) -> str:
    stored = server.stored(LEASES, LEASE)
    assert stored is not None
    return str(stored["spec"]["holderIdentity"])


async def test_of_two_candidates_one_leads(clock: FakeClock) -> None:
    server = FakeClient()
    a, b = Candidate(server, clock, "a"), Candidate(server, clock, "b")
    await a.run()
    await b.run()
    await clock.advance(timedelta(minutes=5))

    assert (a.writing, b.writing) == (True, False)
    assert await holder(server) == "a"
    await a.quit()
    await b.quit()


async def test_a_leader_that_leaves_releases_and_the_next_need_not_wait(clock: FakeClock) -> None:
    server = FakeClient()
    a, b = Candidate(server, clock, "a"), Candidate(server, clock, "b")
    await a.run()
    await b.run()
    await a.quit()
    assert await holder(server) == ""

    await clock.advance(timedelta(seconds=3))

    assert b.writing
    await b.quit()


@pytest.mark.parametrize("cut", ["hangs", "fails"])
async def test_a_leader_that_is_cut_off_stops_writing_before_another_starts(clock: FakeClock, cut: str) -> None:
    server = FakeClient()
    cable = Cable(server)
    a, b = Candidate(cable, clock, "a"), Candidate(server, clock, "b")
    await a.run()
    await b.run()
    await clock.advance(timedelta(seconds=30))
    cable.cut = cut

    for _ in range(400):
        await clock.advance(timedelta(milliseconds=100))
        assert not (a.writing and b.writing)

    assert (a.writing, b.writing) == (False, True)
    with pytest.raises(LeadershipLost):
        await a.task
    await b.quit()


async def test_a_leader_whose_renewals_hang_stops_at_the_renew_deadline_and_not_when_they_time_out(clock: FakeClock) -> None:
    cable = Cable(FakeClient())
    a = Candidate(cable, clock, "a")
    await a.run()
    await clock.advance(timedelta(seconds=30))
    cable.cut = "hangs"

    await clock.advance(Terms().renew)

    assert not a.writing
    await clock.advance(Terms().retry)  # it tries to release the lease, too
    with pytest.raises(LeadershipLost):
        await a.task


async def test_a_short_cut_is_survived(clock: FakeClock) -> None:
    server = FakeClient()
    cable = Cable(server)
    a = Candidate(cable, clock, "a")
    await a.run()
    cable.cut = "fails"
    await clock.advance(timedelta(seconds=6))
    cable.cut = ""

    await clock.advance(timedelta(minutes=1))

    assert a.writing
    await a.quit()


async def test_a_lease_somebody_else_has_taken_ends_leadership(clock: FakeClock) -> None:
    server = FakeClient()
    a = Candidate(server, clock, "a")
    await a.run()
    await server.patch(LEASES, LEASE, {"spec": {"holderIdentity": "thief"}})

    await clock.advance(timedelta(seconds=3))

    assert not a.writing
    with pytest.raises(LeadershipLost):
        await a.task
    assert await holder(server) == "thief"


async def test_clocks_of_other_machines_are_not_believed(clock: FakeClock) -> None:
    """A holder whose wall clock is a day behind renews just as well."""
    server = FakeClient()
    late = FakeClock(at=clock.at - timedelta(days=1))
    a, b = Candidate(server, late, "a"), Candidate(server, clock, "b")
    await a.run()
    await b.run()
    for _ in range(60):
        await late.advance(timedelta(seconds=1))
        await clock.advance(timedelta(seconds=1))

    assert (a.writing, b.writing) == (True, False)
    await a.quit()
    await b.quit()
