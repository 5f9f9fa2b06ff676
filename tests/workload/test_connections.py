from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from capelin.api.core import Secret
from capelin.api.meta import ObjectKey
from capelin.runtime import codec, errors
from capelin.runtime.transport import Credentials, Request, Response, Screen, anywhere
from capelin.workload.connections import (
    AWAITED,
    FIRST_RETRY,
    FORGET_AFTER,
    LAST_RETRY,
    ON_DEMAND,
    PROBE_INTERVAL,
    Connections,
    ConnectionStatus,
    Disconnected,
)
from capelin.workload.credentials import AddressPolicy
from capelin.workload.nodes import NodeChange
from tests import build
from tests.fakes import FakeClient, FakeRandom, settle
from tests.workload.kubeconfigs import kubeconfig_secret

DEMO = ObjectKey("default", "demo")
OTHER = ObjectKey("default", "other")
SECRET = ObjectKey("default", "demo-kubeconfig")


@dataclass
class FakeServer:
    """The API server of a workload cluster: answers probes with `status` (0: not at all) and lists its Nodes."""

    status: int = 200
    nodes: tuple[dict[str, object], ...] = ()
    opened: int = 0
    closed: int = 0
    probes: int = 0
    forbids_nodes: bool = False
    hangs: bool = False
    fault: Exception | None = None

    async def send(self, request: Request) -> Response:
        if self.fault is not None:
            raise self.fault
        if self.hangs:
            await asyncio.Event().wait()
        if not self.status:
            raise errors.Unreachable("connection refused")
        if request.path == "/":
            self.probes += 1
            return Response(self.status)
        if self.forbids_nodes:
            return Response(403, body=codec.encode({"kind": "Status", "message": "nodes is forbidden", "reason": "Forbidden", "code": 403}))
        if request.query.get("watch"):
            return Response(200, stream=_silence())
        return Response(200, body=codec.encode({"metadata": {"resourceVersion": "7"}, "items": self.nodes}))

    async def close(self) -> None:
        self.closed += 1


async def _silence() -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


@dataclass
class Heard:
    """A subscriber that remembers."""

    connections: list[ObjectKey] = field(default_factory=list)
    nodes: list[tuple[ObjectKey, NodeChange]] = field(default_factory=list)

    def connection_changed(self, cluster: ObjectKey) -> None:
        self.connections.append(cluster)

    def node_changed(self, cluster: ObjectKey, change: NodeChange) -> None:
        self.nodes.append((cluster, change))


class World:
    """A management cluster with kubeconfigs, and servers by address."""

    def __init__(self) -> None:
        self.management = FakeClient()
        self.clock = self.management.clock
        self.servers: dict[str, FakeServer] = {}
        self.heard = Heard()
        self.screens: list[Screen] = []
        policy = AddressPolicy(lambda host, port: False)
        self.connections = Connections(self.management, self.connect, policy, self.clock, FakeRandom())
        self.connections.subscribe(self.heard)

    def connect(self, credentials: Credentials, *, screen: Screen = anywhere) -> FakeServer:
        self.screens.append(screen)
        server = self.servers[credentials.server]
        server.opened += 1
        return server

    def serve(self, name: str = "demo", host: str = "10.0.0.1") -> FakeServer:
        """Serve a cluster and store its kubeconfig."""
        server = self.servers[f"https://{host}:6443"] = FakeServer()
        self.management.seed(kubeconfig_secret(f"https://{host}:6443", name=name))
        return server

    async def ask(self, cluster: ObjectKey = DEMO) -> ConnectionStatus:
        """Ask for a connection, let it be made, and return its state."""
        try:
            await self.connections.client(cluster)
        except Disconnected:
            await settle()
        return self.connections.connection(cluster)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    async with running(world):
        yield world


@asynccontextmanager
async def running(world: World) -> AsyncIterator[None]:
    task = asyncio.create_task(world.connections.run())
    await settle()
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_who_asks_first_is_told_that_there_is_none_and_then_that_there_is(world: World) -> None:
    server = world.serve()

    with pytest.raises(Disconnected):
        await world.connections.client(DEMO)
    await settle()

    assert await world.connections.client(DEMO) is not None
    assert DEMO in world.heard.connections
    assert server.opened == 1


async def test_everybody_shares_one_connection(world: World) -> None:
    server = world.serve()
    await world.ask()

    first, second = await world.connections.client(DEMO), await world.connections.client(DEMO)

    assert first is second
    assert server.opened == 1


async def test_nodes_are_known_once_listed_and_told_to_subscribers(world: World) -> None:
    server = world.serve()
    server.nodes = (build.node("n", provider_id="dev://n").wire() | {"metadata": {"name": "n", "resourceVersion": "5"}},)
    await world.ask()

    found = world.connections.node(DEMO, "dev://n")

    assert found is not None
    assert found.metadata.name == "n"
    assert world.connections.node(DEMO, "dev://other") is None
    assert world.heard.nodes == [(DEMO, NodeChange("n", "dev://n", ""))]


async def test_nodes_of_a_cluster_nobody_can_reach_are_unknown_not_absent(world: World) -> None:
    with pytest.raises(Disconnected):
        world.connections.node(DEMO, "dev://n")


async def test_nodes_that_we_may_not_read_are_not_a_lost_connection(world: World) -> None:
    server = world.serve()
    server.forbids_nodes = True
    await world.ask()

    with pytest.raises(errors.ApiError, match="forbidden") as refusal:
        world.connections.node(DEMO, "dev://n")

    assert not isinstance(refusal.value, errors.Unreachable)


async def test_a_cluster_is_given_up_after_five_failed_probes_and_found_again(world: World) -> None:
    server = world.serve()
    await world.ask()
    server.status = 0

    await world.clock.advance(PROBE_INTERVAL * 4)
    after_four = world.connections.connection(DEMO)
    await world.clock.advance(PROBE_INTERVAL)
    after_five = world.connections.connection(DEMO)
    server.status = 200
    await world.clock.advance(LAST_RETRY)

    assert after_four.is_connected
    assert not after_five.is_connected
    assert after_five.silent_for == PROBE_INTERVAL * 5
    assert world.connections.connection(DEMO).is_connected


async def test_one_hesitation_is_forgiven(world: World) -> None:
    server = world.serve()
    await world.ask()

    for status in (0, 0, 0, 0, 200) * 3:
        server.status = status
        await world.clock.advance(PROBE_INTERVAL)

    assert world.connections.connection(DEMO).is_connected
    assert server.opened == 1


async def test_subscribers_hear_when_a_silent_cluster_is_no_longer_trusted(world: World) -> None:
    server = world.serve()
    await world.ask()
    world.heard.connections.clear()

    await world.clock.advance(PROBE_INTERVAL * 3)
    quiet = list(world.heard.connections)
    server.status = 0
    await world.clock.advance(PROBE_INTERVAL * 5)

    assert quiet == []
    assert world.heard.connections


@pytest.mark.parametrize(("status", "connected"), [(200, True), (403, True), (404, True), (401, False), (503, False)])
async def test_any_answer_but_a_refusal_to_know_us_or_a_failure_is_an_answer(world: World, status: int, connected: bool) -> None:
    world.serve().status = status

    assert (await world.ask()).is_connected is connected


async def test_a_probe_that_hangs_is_a_failed_one(world: World) -> None:
    server = world.serve()
    await world.ask()
    hanging = asyncio.Event()

    async def hang(request: Request) -> Response:
        await hanging.wait()
        raise AssertionError

    server.send = hang  # type: ignore[method-assign]
    await world.clock.advance(timedelta(seconds=76))

    assert not world.connections.connection(DEMO).is_connected


async def test_a_new_kubeconfig_replaces_the_connection_and_the_same_one_does_not(world: World) -> None:
    old = world.serve()
    await world.ask()
    world.connections.kubeconfig_changed(DEMO)
    await settle()
    unchanged = old.closed

    new = world.servers["https://10.0.0.2:6443"] = FakeServer()
    await world.management.patch(Secret, SECRET, {"data": kubeconfig_secret("https://10.0.0.2:6443").data or {}})
    world.connections.kubeconfig_changed(DEMO)
    await settle()

    assert (unchanged, old.closed, new.opened) == (0, 1, 1)
    assert world.connections.connection(DEMO).is_connected


async def test_a_kubeconfig_that_is_refused_opens_nothing_and_says_why(world: World) -> None:
    world.management.seed(build.secret("demo-kubeconfig", {"value": "users: [{name: a, user: {exec: {command: sh}}}]"}))

    status = await world.ask()

    assert not status.is_connected
    assert "users[].user.exec" in status.refusal
    assert world.heard.connections == [DEMO]


async def test_every_connection_asks_before_it_goes_anywhere(world: World) -> None:
    world.serve()
    await world.ask()

    with pytest.raises(PermissionError, match="link-local"):
        world.screens[0]("169.254.169.254", 443)


async def test_clusters_fail_independently(world: World) -> None:
    good, bad = world.serve(), world.serve("other", "10.0.0.9")
    bad.status = 0
    await world.ask(OTHER)
    await world.ask(DEMO)

    await world.clock.advance(PROBE_INTERVAL * 10)

    assert world.connections.connection(DEMO).is_connected
    assert not world.connections.connection(OTHER).is_connected
    assert good.probes >= 10


async def test_a_cluster_that_makes_us_stumble_stops_no_other(world: World) -> None:
    good, odd = world.serve(), world.serve("other", "10.0.0.9")
    odd.fault = TypeError("nobody has foreseen this")
    await world.ask(OTHER)
    await world.ask(DEMO)

    await world.clock.advance(PROBE_INTERVAL)
    odd.fault = None
    await world.clock.advance(LAST_RETRY)

    assert world.connections.connection(DEMO).is_connected
    assert good.probes >= 3
    assert (await world.ask(OTHER)).is_connected
    assert odd.closed == odd.opened - 1


async def test_a_connection_that_is_not_wanted_any_more_before_its_first_answer_is_closed(world: World) -> None:
    server = world.serve()
    server.hangs = True
    await world.ask()

    world.connections.forget(DEMO)
    await settle()

    assert (server.opened, server.closed) == (1, 1)


async def test_a_cluster_that_is_gone_is_closed(world: World) -> None:
    server = world.serve()
    await world.ask()

    world.connections.forget(DEMO)
    await settle()

    assert server.closed == 1
    assert not world.connections.connection(DEMO).is_connected


async def test_without_a_kubeconfig_and_without_demand_nothing_is_kept(world: World) -> None:
    await world.ask()
    await world.clock.advance(FORGET_AFTER + LAST_RETRY * 2)
    reads = world.management.reads

    await world.clock.advance(FORGET_AFTER)

    assert world.management.reads == reads


async def test_demand_makes_a_failed_connection_try_again_at_once(world: World) -> None:
    server = world.serve()
    server.status = 0
    await world.ask()
    await world.clock.advance(timedelta(seconds=60))
    server.status = 200
    await world.clock.advance(timedelta(seconds=2))

    assert (await world.ask()).is_connected


async def test_after_a_demand_attempts_follow_each_other_quickly_again(world: World) -> None:
    """A machine that has just been made is asked for before its API server answers: half a minute would be wasted."""
    server = world.serve()
    server.status = 0
    await world.ask()
    await world.clock.advance(timedelta(minutes=5))

    await world.ask()
    server.status = 200
    await world.clock.advance(FIRST_RETRY)

    assert world.connections.connection(DEMO).is_connected


async def test_a_connection_that_was_asked_for_lately_is_tried_every_second(world: World) -> None:
    server = world.serve()
    server.status = 0
    await world.ask()

    await world.clock.advance(AWAITED)

    assert server.opened >= AWAITED / ON_DEMAND


async def test_all_connections_are_closed_at_the_end() -> None:
    world = World()
    server = world.serve()

    async with running(world):
        await world.ask()

    assert server.closed == 1
