"""How webhooks are reached, and what stays open."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from capelin.apiserver.admission.calling import ANSWER_LIMIT, CallFailed, Client, ConnectedCaller, Service
from capelin.apiserver.server import ApiServer
from capelin.apiserver.serving import HttpEndpoints
from capelin.runtime import errors
from capelin.runtime.http import connect
from capelin.runtime.transport import Connection, Credentials, Request, Response, Screen, ServingIdentity, User, anywhere
from tests.apiserver.admission.webhooks import MUTATING, VALIDATING, configuration, hook
from tests.apiserver.api import CRDS, WIDGETS, Api, widget, widget_crd
from tests.fakes import FakeClock, FakeRandom, settle
from tests.integration.authority import Authority
from tests.integration.realserver import free_ports

TEN = timedelta(seconds=10)
A = Client("https://a.test:8443/path", None, b"authority")
SERVED = Client("", Service("system", "hooks", 9443, "/v"), b"")


@dataclass
class FakeConnection:
    """Answers everything, or cannot."""

    credentials: Credentials
    fails: bool = False
    breaks: int = 0
    is_open: bool = True
    gate: asyncio.Event | None = None
    asked: list[Request] = field(default_factory=list)

    async def send(self, request: Request) -> Response:
        self.asked.append(request)
        if self.gate is not None:
            await self.gate.wait()
        if self.fails:
            raise errors.Unreachable("connection refused")
        if len(self.asked) <= self.breaks:
            raise errors.ResultUnknown("server disconnected")
        return Response(200, {}, b"answer")

    async def close(self) -> None:
        self.is_open = False


@dataclass
class Network:
    """Opens fake connections."""

    fails: bool = False
    breaks: int = 0
    opened: list[FakeConnection] = field(default_factory=list)

    def __call__(self, credentials: Credentials, *, screen: Screen = anywhere) -> Connection:
        self.opened.append(FakeConnection(credentials, self.fails, self.breaks))
        return self.opened[-1]


async def test_a_url_is_asked_at_its_path_and_told_the_time_it_has() -> None:
    network = Network()
    caller = ConnectedCaller(network, certificate=b"certificate", key=b"key")

    got = await caller.post(A, b"question", TEN)

    (connection,) = network.opened
    assert got == b"answer"
    assert connection.credentials == Credentials("https://a.test:8443", b"authority", b"certificate", b"key")
    assert (connection.asked[0].method, connection.asked[0].path, connection.asked[0].query) == ("POST", "/path", {"timeout": "10s"})


async def test_no_more_of_an_answer_is_read_than_could_be_used() -> None:
    network = Network()

    await ConnectedCaller(network).post(A, b"question", TEN)

    assert network.opened[0].asked[0].answer_at_most == ANSWER_LIMIT


async def test_a_connection_stays_open_while_its_webhook_is_declared() -> None:
    network = Network()
    caller = ConnectedCaller(network)
    await caller.post(A, b"", TEN)
    await caller.post(A, b"", TEN)

    await caller.keep([A])
    kept = network.opened[0].is_open
    await caller.keep([])

    assert (len(network.opened), kept, network.opened[0].is_open) == (1, True, False)


async def test_webhooks_of_one_server_share_its_connection() -> None:
    network = Network()
    caller = ConnectedCaller(network)

    await caller.post(A, b"", TEN)
    await caller.post(replace(A, url="https://a.test:8443/other"), b"", TEN)
    await caller.post(replace(A, authority=b"another"), b"", TEN)

    assert [connection.credentials.certificate_authority for connection in network.opened] == [b"authority", b"another"]


async def test_a_call_whose_connection_breaks_is_repeated_once() -> None:
    network = Network(breaks=1)

    got = await ConnectedCaller(network).post(A, b"question", TEN)

    assert got == b"answer"
    assert [request.body for request in network.opened[0].asked] == [b"question", b"question"]


async def test_a_call_whose_connection_breaks_again_has_failed() -> None:
    with pytest.raises(CallFailed, match="server disconnected"):
        await ConnectedCaller(Network(breaks=2)).post(A, b"question", TEN)


async def test_a_connection_that_is_let_go_closes_after_the_last_call_on_it() -> None:
    network, gate = Network(), asyncio.Event()
    caller = ConnectedCaller(network)
    await caller.post(A, b"", TEN)
    network.opened[0].gate = gate
    asked = asyncio.ensure_future(caller.post(A, b"", TEN))
    await settle()

    await caller.keep([])
    open_meanwhile = network.opened[0].is_open
    gate.set()

    assert await asked == b"answer"
    assert (open_meanwhile, network.opened[0].is_open) == (True, False)


async def test_a_service_is_located_by_whoever_knows_where_services_are() -> None:
    network = Network()
    caller = ConnectedCaller(network, locate=lambda namespace, name, port: f"https://10.0.0.1:{port}/{namespace}-{name}")

    await caller.post(SERVED, b"", TEN)

    assert (network.opened[0].credentials.server, network.opened[0].asked[0].path) == ("https://10.0.0.1:9443/system-hooks", "/v")


async def test_without_a_service_network_the_message_names_the_service() -> None:
    with pytest.raises(CallFailed) as told:
        await ConnectedCaller(Network()).post(SERVED, b"", TEN)

    assert 'Post "https://hooks.system.svc:9443/v?timeout=10s": service system/hooks (port 9443) cannot be reached' in str(told.value)


async def test_what_the_network_says_of_a_failure_is_told() -> None:
    with pytest.raises(CallFailed) as told:
        await ConnectedCaller(Network(fails=True)).post(A, b"", TEN)

    assert str(told.value) == 'Post "https://a.test:8443/path?timeout=10s": connection refused'


async def test_connections_close_when_their_configuration_goes_and_when_the_server_stops() -> None:
    network = Network()
    server = ApiServer.in_memory(clock=FakeClock(), random=FakeRandom(), webhooks=ConnectedCaller(network))
    await server.start()
    api = Api(server, FakeClock())
    await api.have(CRDS, widget_crd())
    for kind, name in ((MUTATING, "a"), (VALIDATING, "b")):
        await api.have(kind, configuration(name, hook("/x", base=f"https://{name}.test", failurePolicy="Ignore")))
    await api.have(WIDGETS, widget("w"))

    await api.delete(f"{MUTATING}/a")
    await settle()
    after_the_first = [connection.is_open for connection in network.opened]
    await server.stop()

    assert after_the_first == [False, True]
    assert [connection.is_open for connection in network.opened] == [False, False]


@dataclass
class Strict:
    """Answers those who log in."""

    users: list[User | None] = field(default_factory=list)

    async def send(self, request: Request) -> Response:
        self.users.append(request.user)
        return Response(200 if request.user else 401, {"connection": "close"}, b"answer")


async def test_a_webhook_can_insist_on_the_certificate_of_the_server(tmp_path: Path) -> None:
    authority, strict, endpoints = Authority.create(tmp_path), Strict(), HttpEndpoints()
    (port,) = free_ports(1)
    await endpoints.open("127.0.0.1", port, strict, ServingIdentity(*authority.server(), authority.certificate))
    certificate, key = authority.client("api-server")
    known, stranger = ConnectedCaller(connect, certificate=certificate, key=key), ConnectedCaller(connect)
    client = Client(f"https://127.0.0.1:{port}/", None, authority.certificate)

    got = await known.post(client, b"question", TEN)
    with pytest.raises(CallFailed):
        await stranger.post(client, b"question", TEN)
    for caller in (known, stranger):
        await caller.keep([])
    await endpoints.close_all()
    await settle()

    assert got == b"answer"
    assert [user.name if user else None for user in strict.users] == ["api-server", None]


@pytest.mark.parametrize(("policy", "status"), [("Fail", 500), ("Ignore", 201)])
async def test_a_server_that_cannot_call_stores_configurations_and_says_so_when_it_has_to(api: Api, policy: str, status: int) -> None:
    await api.have(CRDS, widget_crd())
    await api.have(MUTATING, configuration("a", hook("/a", failurePolicy=policy)))

    got = await api.create(WIDGETS, widget("w"))

    assert got.status == status
    assert status == 201 or "this server cannot call webhooks" in got.message


def test_the_key_of_the_server_shows_nowhere() -> None:
    assert "secret" not in repr(ConnectedCaller(Network(), key=b"secret"))
