"""Through a proxy: the way to the server changes, who trusts whom does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from capelin.runtime import errors
from capelin.runtime.http import Address
from capelin.runtime.logins import FixedLogin, Login
from capelin.runtime.transport import Request
from tests.integration.authority import Authority
from tests.runtime.serving import connected, port, saying, streaming
from tests.runtime.test_tls import common_name, serving

GET = Request("GET", "/version")


@dataclass
class Proxy:
    """A proxy that joins two sockets for CONNECT; `asked` are the first lines it was sent."""

    url: str = ""
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head.splitlines()[0])
        host, _, number = self.asked[-1].split()[1].partition(":")
        onward, back = await asyncio.open_connection(host, int(number))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pump(reader, back), _pump(onward, writer))


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    except ConnectionError:
        pass
    finally:
        sink.close()


@asynccontextmanager
async def proxied() -> AsyncIterator[Proxy]:
    proxy = Proxy()
    async with await asyncio.start_server(proxy.serve, "127.0.0.1", 0) as server:
        proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield proxy


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("authority"))


async def test_the_proxy_sees_where_a_call_goes_and_the_server_who_sent_it(authority: Authority) -> None:
    certificate, key = authority.client("ada")
    login = FixedLogin(Login("Bearer secret", certificate, key))
    async with proxied() as proxy, port(common_name, tls=serving(authority)) as p:
        async with connected(Address(p.url, authority.certificate, proxy=proxy.url), login) as c:
            assert (await c.send(GET)).body == b"ada"

        assert proxy.asked == [f"CONNECT {p.url.removeprefix('https://')} HTTP/1.1"]
        assert p.requests[0].headers["authorization"] == "Bearer secret"


async def test_a_watch_goes_through_a_proxy(authority: Authority) -> None:
    async with (
        proxied() as proxy,
        port(streaming(b"1\n2\n"), tls=serving(authority)) as p,
        connected(Address(p.url, authority.certificate, proxy=proxy.url)) as c,
    ):
        answer = await c.send(Request("GET", "/watch", {"watch": "1", "timeoutSeconds": "5"}))

        assert answer.stream is not None
        assert [line async for line in answer.stream] == [b"1", b"2"]


async def test_a_proxy_cannot_pose_as_the_server(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> None:
    stranger = Authority.create(tmp_path_factory.mktemp("stranger"))
    async with proxied() as proxy, port(saying(200), tls=serving(stranger)) as p:
        async with connected(Address(p.url, authority.certificate, proxy=proxy.url)) as c:
            with pytest.raises(errors.Unreachable):
                await c.send(GET)

        assert p.requests == []


async def test_nothing_took_effect_when_the_proxy_is_away(authority: Authority) -> None:
    async with proxied() as proxy:
        pass
    async with port(saying(200), tls=serving(authority)) as p:
        async with connected(Address(p.url, authority.certificate, proxy=proxy.url)) as c:
            with pytest.raises(errors.Unreachable) as told:
                await c.send(Request("POST", "/x"))

        assert not isinstance(told.value, errors.ResultUnknown)
        assert p.requests == []
