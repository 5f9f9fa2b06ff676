"""A small HTTP server for tests of the connection: every answer is scripted, faults included."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from aiohttp import web

from capelin.runtime.http import Address, HttpConnection
from capelin.runtime.logins import FixedLogin, Login, Logins
from tests.fakes import FakeRandom

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HurriedClock:
    """A clock whose sleeps take no time and are remembered."""

    def __init__(self) -> None:
        self.slept: list[timedelta] = []

    def monotonic(self) -> float:
        return sum(pause.total_seconds() for pause in self.slept)

    async def sleep(self, delay: timedelta) -> None:
        self.slept.append(delay)

    def now(self) -> None:
        raise AssertionError("connections do not tell the time")


@dataclass
class Port:
    """An open server: its URL and the requests it got."""

    url: str
    requests: list[web.Request] = field(default_factory=list)


@asynccontextmanager
async def port(*answers: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Port]:
    """Serve the answers in turn, the last one for ever."""
    opened = Port("")
    left = list(answers)

    async def serve(request: web.Request) -> web.StreamResponse:
        await request.read()
        opened.requests.append(request)
        return await (left.pop(0) if len(left) > 1 else left[0])(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    opened.url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield opened
    finally:
        await runner.cleanup()


@asynccontextmanager
async def connected(
    address: Address, logins: Logins | None = None, clock: HurriedClock | None = None, *, call_timeout: timedelta = timedelta(seconds=30)
) -> AsyncIterator[HttpConnection]:
    """Connect to a server."""
    connection = HttpConnection(
        address,
        logins or FixedLogin(Login()),
        clock or HurriedClock(),  # type: ignore[arg-type]  # it need not tell the time
        FakeRandom(),
        call_timeout=call_timeout,
    )
    try:
        yield connection
    finally:
        await connection.close()


def saying(status: int, text: str = "{}", **headers: str) -> Answer:
    """Answer with a status."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=text, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


async def hang(_request: web.Request) -> web.StreamResponse:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError


async def drop(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def streaming(*chunks: bytes, then: str = "end") -> Answer:
    """Send chunks one by one, then end properly, `break` the connection or fall `silent`."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        if then == "break":
            assert request.transport is not None
            request.transport.abort()
        if then == "silent":
            await asyncio.Event().wait()
        return response

    return answer
