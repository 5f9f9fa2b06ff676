"""Handlers over TLS and in the in-process network: who clients are, what they may send, how serving ends."""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
import pytest

from capelin.apiserver.network import InProcessNetwork
from capelin.apiserver.serving import BODY_LIMIT, HttpEndpoints
from capelin.runtime import errors
from capelin.runtime.http import connect
from capelin.runtime.seams import SystemClock
from capelin.runtime.transport import Connection, Credentials, Endpoints, Request, Response, ServingIdentity, User
from tests.integration.authority import Authority
from tests.integration.realserver import free_ports

HOST = "127.0.0.1"


@dataclass
class Recorder:
    """A handler that remembers what arrives; a request for /stream is answered with lines until the client goes."""

    requests: list[Request] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        if request.path == "/stream":
            return Response(200, stream=self._lines())
        return Response(200, {"content-type": "text/plain"}, b"answer to " + request.body)

    async def _lines(self) -> AsyncIterator[bytes]:
        try:
            yield b'{"n":1}\n'
            await asyncio.get_running_loop().create_future()
        finally:
            self.closed.set()


@dataclass
class World:
    """A handler that is served, and how to reach it."""

    endpoints: Endpoints
    network: InProcessNetwork | None
    authority: Authority
    handler: Recorder
    port: int

    def identity(self) -> ServingIdentity:
        return ServingIdentity(*self.authority.server(), self.authority.certificate)

    def connection(self, login: tuple[bytes, bytes] = (b"", b""), *, token: str = "", trust: bytes = b"") -> Connection:
        credentials = Credentials(f"https://{HOST}:{self.port}", trust or self.authority.certificate, *login, token=token)
        return self.network.connect(credentials) if self.network is not None else connect(credentials)


@pytest.fixture(params=["TLS", "in process"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    network = InProcessNetwork(SystemClock()) if request.param == "in process" else None
    endpoints = network or HttpEndpoints()
    (port,) = free_ports(1)
    made = World(endpoints, network, Authority.create(tmp_path), Recorder(), port)
    await endpoints.open(HOST, port, made.handler, made.identity())
    yield made
    await endpoints.close(HOST, port)


async def test_a_client_certificate_says_who_asks(world: World) -> None:
    connection = world.connection(world.authority.client("ada", ["one", "two"]))

    answer = await connection.send(Request("POST", "/some/path", {"a": "b c"}, {"x-y": "z"}, b"body"))

    (arrived,) = world.handler.requests
    assert answer.body == b"answer to body"
    assert (arrived.method, arrived.path, arrived.query, arrived.headers["x-y"]) == ("POST", "/some/path", {"a": "b c"}, "z")
    assert arrived.user == User("ada", ("one", "two"))
    await connection.close()


async def test_without_a_certificate_nobody_is_known_and_tokens_are_passed_on(world: World) -> None:
    connection = world.connection(token="secret")

    await connection.send(Request("GET", "/"))

    (arrived,) = world.handler.requests
    assert arrived.user is None
    assert arrived.headers["authorization"] == "Bearer secret"
    await connection.close()


async def test_a_certificate_of_another_authority_opens_nothing(world: World, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    stranger = Authority.create(tmp_path / "other")
    connection = world.connection(stranger.client("ada", ["system:masters"]))

    with pytest.raises(errors.Unreachable):
        await connection.send(Request("GET", "/"))

    assert world.handler.requests == []
    await connection.close()


async def test_without_an_authority_for_clients_a_stranger_is_served_and_stays_unknown(world: World, tmp_path: Path) -> None:
    await world.endpoints.close(HOST, world.port)
    await world.endpoints.open(HOST, world.port, world.handler, replace(world.identity(), client_authority=b""))
    (tmp_path / "other").mkdir()
    connection = world.connection(Authority.create(tmp_path / "other").client("ada", ["system:masters"]))

    await connection.send(Request("GET", "/"))

    (arrived,) = world.handler.requests
    assert arrived.user is None
    await connection.close()


async def test_a_server_of_another_authority_is_told_nothing(world: World, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    connection = world.connection(token="secret", trust=Authority.create(tmp_path / "other").certificate)

    with pytest.raises(errors.Unreachable):
        await connection.send(Request("GET", "/"))

    assert world.handler.requests == []
    await connection.close()


async def test_a_closed_address_answers_nobody(world: World) -> None:
    await world.endpoints.close(HOST, world.port)
    connection = world.connection()

    with pytest.raises(errors.Unreachable):
        await connection.send(Request("GET", "/"))

    await connection.close()


async def test_opening_again_replaces_the_handler(world: World) -> None:
    other = Recorder()
    await world.endpoints.open(HOST, world.port, other, world.identity())
    connection = world.connection()

    await connection.send(Request("GET", "/"))

    assert (len(world.handler.requests), len(other.requests)) == (0, 1)
    await connection.close()


async def test_a_stream_is_closed_when_its_client_goes(world: World) -> None:
    connection = world.connection()
    answer = await connection.send(Request("GET", "/stream", {"watch": "true"}))
    assert answer.stream is not None
    assert (await anext(answer.stream)).strip() == b'{"n":1}'

    await answer.stream.aclose()  # type: ignore[attr-defined] # streams can be closed
    await connection.close()

    await asyncio.wait_for(world.handler.closed.wait(), 5)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[World]:
    """A handler on a socket."""
    endpoints = HttpEndpoints()
    (port,) = free_ports(1)
    made = World(endpoints, None, Authority.create(tmp_path), Recorder(), port)
    await endpoints.open(HOST, port, made.handler, made.identity())
    yield made
    await endpoints.close_all()


async def test_a_body_that_is_too_large_is_refused_before_the_handler_sees_it(served: World) -> None:
    address, context = f"https://{HOST}:{served.port}/", served.authority.client_context()
    body = io.BytesIO(b"x" * (BODY_LIMIT + 1))

    async with aiohttp.ClientSession() as session, session.post(address, data=body, ssl=context) as answer:
        assert answer.status == 413

    assert served.handler.requests == []


async def test_closing_ends_watches(served: World) -> None:
    connection = served.connection()
    answer = await connection.send(Request("GET", "/stream", {"watch": "true"}))
    assert answer.stream is not None
    await anext(answer.stream)

    await served.endpoints.close(HOST, served.port)

    assert served.handler.closed.is_set()
    await connection.close()


async def test_a_port_that_is_taken_is_an_error(served: World) -> None:
    with pytest.raises(OSError, match="address already in use"):
        await HttpEndpoints().open(HOST, served.port, Recorder(), served.identity())


async def test_old_protocols_are_refused(served: World) -> None:
    context = served.authority.client_context()
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    async with aiohttp.ClientSession() as session, session.get(f"https://{HOST}:{served.port}/", ssl=context) as response:
        assert response.status == 200
    with pytest.raises(aiohttp.ClientError):
        async with aiohttp.ClientSession() as session, session.get(f"http://{HOST}:{served.port}/") as response:
            pass
