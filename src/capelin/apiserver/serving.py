"""Serve handlers over TLS: the `Endpoints` of a real machine.

A client may log in with a certificate that the endpoint's authority signed; who it is stands in the certificate's subject. Bearer tokens
are left in the headers for the handler to judge.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from capelin.runtime import codec, errors, tls
from capelin.runtime.transport import Handler, Request, Response, ServingIdentity, User

BODY_LIMIT: Final = 3 * 1024 * 1024
"""Bytes a request may carry: what Kubernetes allows, twice what it stores."""

CLOSING_GRACE: Final = 1.0
"""Seconds that requests under way get when an endpoint closes."""


class _Served:
    """One address: its handler can be replaced, so every request looks it up."""

    def __init__(self, handler: Handler, identity: ServingIdentity) -> None:
        self.handler = handler
        self.context = _context(identity)
        self._watches: set[asyncio.Task[Any]] = set()
        server = web.Server(self._answer, handler_cancellation=True, access_log=None)
        self.runner = web.ServerRunner(server, shutdown_timeout=CLOSING_GRACE)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            body = await _body(request)
        except errors.TooLarge as error:
            return _whole(Response(error.code, {"content-type": "application/json"}, codec.encode(errors.to_status(error))))
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = {name: request.query[name] for name in request.query}
        response = await self.handler.send(Request(request.method, request.rel_url.path, query, headers, body, _user(request)))
        if response.stream is None:
            return _whole(response)
        task = asyncio.current_task()
        if task is not None:
            self._watches.add(task)
        try:
            return await _stream(request, response)
        finally:
            self._watches.discard(task)

    async def close(self) -> None:
        """Stop serving. Watches end at once; other requests under way may finish."""
        for watch in tuple(self._watches):
            watch.cancel()
        await self.runner.cleanup()


@dataclass(slots=True)
class HttpEndpoints:
    """Serves any number of handlers, each on an address of its own."""

    _open: dict[tuple[str, int], _Served] = field(default_factory=dict)

    async def open(self, host: str, port: int, handler: Handler, identity: ServingIdentity) -> None:
        """Serve `handler` on `host:port`; what this object already serves there is replaced.

        Raises:
            OSError: the address cannot be taken.
            ssl.SSLError: the identity's certificate, key or authority cannot be used.
        """
        served = self._open.get((host, port))
        if served is not None:
            _show(served.context, identity)
            served.handler = handler
            return
        served = _Served(handler, identity)
        await served.runner.setup()
        try:
            await web.TCPSite(served.runner, host, port, ssl_context=served.context, backlog=512).start()
        except BaseException:
            await served.runner.cleanup()
            raise
        self._open[host, port] = served

    async def close(self, host: str, port: int) -> None:
        """Stop serving `host:port` and end its connections; nothing happens when it is not open."""
        served = self._open.pop((host, port), None)
        if served is not None:
            await served.close()

    async def close_all(self) -> None:
        """Stop serving anything."""
        await asyncio.gather(*(self.close(*address) for address in list(self._open)))


async def _body(request: web.BaseRequest) -> bytes:
    if not request.can_read_body:
        return b""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > BODY_LIMIT:
            raise errors.TooLarge(f"Request entity too large: limit is {BODY_LIMIT} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _whole(response: Response) -> web.Response:
    return web.Response(status=response.status, headers=dict(response.headers), body=response.body)


async def _stream(request: web.BaseRequest, response: Response) -> web.StreamResponse:
    """Send lines as they come; a client that reads slowly is waited for, and what it misses meanwhile is the handler's affair."""
    assert response.stream is not None  # noqa: S101 - the caller's condition
    answer = web.StreamResponse(status=response.status, headers=dict(response.headers))
    answer.enable_chunked_encoding()
    try:
        await answer.prepare(request)
        take = getattr(response.stream, "take", None)  # lines of a burst that are ready together cost one write together
        async for line in response.stream:
            data = line if line.endswith(b"\n") else line + b"\n"
            await answer.write(data + take() if take is not None else data)
        await answer.write_eof()
    except ConnectionError:
        pass  # the client has gone, which is how most watches end
    finally:
        close = getattr(response.stream, "aclose", None)
        if close is not None:
            await close()
    return answer


def _user(request: web.BaseRequest) -> User | None:
    certificate = request.transport.get_extra_info("peercert") if request.transport is not None else None
    return _subject(certificate) if certificate else None


def _subject(certificate: Mapping[str, Any]) -> User | None:
    """Return the user a verified client certificate names: common name and organisations, as Kubernetes reads them."""
    fields = [pair for part in certificate.get("subject", ()) for pair in part]
    name = next((value for key, value in fields if key == "commonName"), "")
    groups = tuple(value for key, value in fields if key == "organizationName")
    return User(name, groups) if name else None


def _context(identity: ServingIdentity) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _show(context, identity)
    return context


def _show(context: ssl.SSLContext, identity: ServingIdentity) -> None:
    if identity.client_authority:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=identity.client_authority.decode())
    tls.show(context, identity.certificate, identity.key)
