"""A connection to an API server over HTTP: bytes in, bytes out.

Calls and watches have pools of their own, so that a hundred watches never starve a call. The server is trusted by the cluster's CA alone,
and redirects are refused: a login is shown to nobody else. What did not work is told apart by what is known about it: `Unreachable` means
that nothing took effect, `ResultUnknown` that the request was on its way.
"""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final

import aiohttp
from yarl import URL

from capelin import __version__
from capelin.runtime import errors, tls
from capelin.runtime.logins import FixedLogin, Login, Logins, bearer
from capelin.runtime.seams import Clock, Random, SystemClock, SystemRandom
from capelin.runtime.transport import Credentials, Request, Response, Screen, anywhere

CALLS_AT_ONCE: Final = 50
"""Sockets for calls. More would only queue in the server, which serves a client's calls by fair queueing."""

CONNECT_TIMEOUT: Final = timedelta(seconds=10)
CALL_TIMEOUT: Final = timedelta(seconds=30)
WATCH_GRACE: Final = timedelta(seconds=30)
"""How long after its announced end a watch may stay silent before it is taken for dead."""

ATTEMPTS: Final = 4
ATTEMPTS_REMOTE: Final = 2
"""For workload clusters: a second one outlives a connection that was closed while idle. Whether the cluster is there at all is found out by
probes, which must not wait for us."""

RETRY_AFTER_AT_MOST: Final = timedelta(seconds=5)
"""A longer pause is the caller's to take: a worker that waits here serves nobody."""

FIRST_PAUSE: Final = timedelta(milliseconds=100)

LINE_AT_MOST: Final = 16 << 20
"""A line of a watch is one object, which no etcd takes beyond 1.5 MiB."""

_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientProxyConnectionError, aiohttp.InvalidURL)
_TLS_READ_SIZE = 16 * 1024  # one TLS record


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is and how its identity is checked.

    `url` may have a path that all requests begin with. Without a certificate authority (PEM) the system's are trusted. `server_name`
    is checked instead of the host; `insecure` checks nothing.
    """

    url: str
    certificate_authority: bytes = b""
    server_name: str = ""
    proxy: str = ""
    insecure: bool = False


def connect(credentials: Credentials, *, screen: Screen = anywhere) -> HttpConnection:
    """Return a connection that goes only where `screen` lets it; nothing is sent before its first request."""
    login = Login(bearer(credentials.token), credentials.client_certificate, credentials.client_key)
    address = Address(credentials.server, credentials.certificate_authority)
    return HttpConnection(address, FixedLogin(login), SystemClock(), SystemRandom(), screen=screen, attempts=ATTEMPTS_REMOTE)


@dataclass(slots=True)
class HttpConnection:
    """A `Connection` over sockets that are opened when needed."""

    address: Address
    logins: Logins
    clock: Clock
    random: Random
    call_timeout: timedelta = CALL_TIMEOUT
    screen: Screen = anywhere
    attempts: int = ATTEMPTS
    _pools: dict[tuple[bytes, bytes], _Pools] = field(default_factory=dict)
    _base: URL = field(init=False)

    def __post_init__(self) -> None:
        self._base = URL(self.address.url.rstrip("/"))

    async def send(self, request: Request) -> Response:
        """Return the server's answer.

        Reads are tried again after a broken connection; anything is after 429 or 503 with a short Retry-After, and once with a fresh
        login after 401, because none of these has taken effect.

        Raises:
            Unreachable: there was no answer and nothing took effect.
            ResultUnknown: there was no answer; the request may have taken effect.
        """
        login = await self.logins.current()
        renewed = False
        for attempt in range(1, self.attempts + 1):
            try:
                response = await self._exchange(request, login)
            except errors.Unreachable:
                if attempt == self.attempts or request.method != "GET" or _is_watch(request):
                    raise
                pause = FIRST_PAUSE * 4**attempt * self.random.random()
            else:
                if response.status == 401 and not renewed:
                    renewed, refused = True, login
                    login = await self.logins.renew(refused)
                    if login != refused:
                        continue
                asked = self._pause_asked(response)
                if asked is None or attempt == self.attempts:
                    return response
                pause = asked
            await self.clock.sleep(pause)
        raise errors.Unreachable(f"{request.method} {request.path}: refused {self.attempts} times")

    async def close(self) -> None:
        """Release the sockets; requests under way fail as Unreachable or ResultUnknown."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.close()

    def _pause_asked(self, response: Response) -> timedelta | None:
        """Return how long the server asks us to wait (plus a little, so that not all come back at once), or None."""
        asked = response.headers.get("retry-after", "")
        if response.status not in (429, 503) or not asked.isdigit() or int(asked) > RETRY_AFTER_AT_MOST.total_seconds():
            return None
        return timedelta(seconds=int(asked) * (1 + self.random.random() / 4))

    async def _exchange(self, request: Request, login: Login) -> Response:
        pools = self._pools_of(login)
        try:
            return await (self._watch(request, login, pools) if _is_watch(request) else self._call(request, login, pools))
        except _NOT_SENT as error:
            raise errors.Unreachable(f"{self._base}: {error or type(error).__name__}") from error
        except (aiohttp.ClientError, TimeoutError, OSError, RuntimeError) as error:  # RuntimeError: the session was closed under us
            kind = errors.Unreachable if request.method == "GET" else errors.ResultUnknown
            raise kind(f"{request.method} {self._base}{request.path}: {error or type(error).__name__}") from error

    async def _call(self, request: Request, login: Login, pools: _Pools) -> Response:
        timeout = aiohttp.ClientTimeout(total=self.call_timeout.total_seconds(), sock_connect=CONNECT_TIMEOUT.total_seconds())
        async with self._request(pools.calls, request, login, timeout) as answer:
            self._refuse_redirect(answer)
            return Response(answer.status, _headers(answer), await _body(answer, request.answer_at_most))

    async def _watch(self, request: Request, login: Login, pools: _Pools) -> Response:
        silence = timedelta(seconds=int(request.query.get("timeoutSeconds") or 0)) + WATCH_GRACE
        timeout = aiohttp.ClientTimeout(sock_connect=CONNECT_TIMEOUT.total_seconds(), sock_read=silence.total_seconds())
        async with asyncio.timeout(self.call_timeout.total_seconds()):
            answer = await self._request(pools.watches, request, login, timeout)
            try:
                self._refuse_redirect(answer)
                if answer.status >= 400:
                    return Response(answer.status, _headers(answer), await _body(answer, request.answer_at_most))
            except BaseException:
                answer.close()
                raise
        return Response(answer.status, _headers(answer), stream=LineStream(answer))

    def _request(self, session: aiohttp.ClientSession, request: Request, login: Login, timeout: aiohttp.ClientTimeout) -> Any:
        headers = {"accept": "application/json", **request.headers}
        if login.authorization:
            headers["authorization"] = login.authorization
        url = self._base.with_path(self._base.path.rstrip("/") + request.path)
        return session.request(
            request.method,
            url,
            params=request.query or None,
            data=request.body or None,
            headers=headers,
            timeout=timeout,
            allow_redirects=False,
            proxy=self.address.proxy or None,
            server_hostname=self.address.server_name or None,
        )

    def _refuse_redirect(self, answer: aiohttp.ClientResponse) -> None:
        if 300 <= answer.status < 400:
            raise errors.Unreachable(
                f"{self._base} answers with a redirect to {answer.headers.get('location', 'nowhere')}, which is refused"
            )

    def _pools_of(self, login: Login) -> _Pools:
        # Pools of an earlier certificate stay until the end: requests may be under way on them, and idle sockets close by themselves.
        pair = (login.certificate, login.key)
        pools = self._pools.get(pair)
        if pools is None:
            pools = self._pools[pair] = _Pools.over(_trust(self.address, login), self.screen)
        return pools


@dataclass(frozen=True, slots=True)
class _Pools:
    calls: aiohttp.ClientSession
    watches: aiohttp.ClientSession

    @classmethod
    def over(cls, trust: ssl.SSLContext | bool, screen: Screen) -> _Pools:
        return cls(_session(trust, CALLS_AT_ONCE, screen), _session(trust, 0, screen))

    async def close(self) -> None:
        await self.calls.close()
        await self.watches.close()


def _session(trust: ssl.SSLContext | bool, limit: int, screen: Screen) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=limit, ssl=trust, keepalive_timeout=60, socket_factory=partial(_socket, screen))
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"user-agent": f"capelin/{__version__}", "accept-encoding": "identity"},
        auto_decompress=False,
    )


def _socket(screen: Screen, address: tuple[Any, ...]) -> socket.socket:
    """Open a socket that notices within a minute that its peer is gone, though nothing is sent: most watches are silent."""
    family, kind, protocol, _, (host, port, *_) = address
    screen(host, port)
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):  # macOS names the first one differently
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return made


def _trust(address: Address, login: Login) -> ssl.SSLContext | bool:
    if not address.url.startswith("https:"):
        return True
    # Every TLS connection keeps a buffer as large as the largest read; a quarter of a megabyte each is too much for a thousand watches.
    asyncio.sslproto.SSLProtocol.max_size = _TLS_READ_SIZE
    if address.certificate_authority:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # Around certificates stands whatever people note there; the ssl module takes ASCII only.
        context.load_verify_locations(cadata=address.certificate_authority.decode("ascii", errors="ignore"))
    else:
        context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if address.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if login.certificate:
        tls.show(context, login.certificate, login.key)
    return context


class LineStream:
    """The lines of an answer's body as they come, however long they are."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer
        self._lines = self._split()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._lines)

    async def aclose(self) -> None:
        """Close the connection the lines come from."""
        await self._lines.aclose()
        self._answer.close()

    async def _split(self) -> Any:
        pieces: list[bytes] = []
        size = 0
        try:
            async for chunk in self._answer.content.iter_any():
                first, *others = chunk.split(b"\n")
                pieces.append(first)
                size = len(others[-1]) if others else size + len(first)
                if size > LINE_AT_MOST:
                    raise aiohttp.ClientPayloadError(f"a line is longer than {LINE_AT_MOST} bytes")
                for piece in others:
                    line = b"".join(pieces)
                    pieces = [piece]
                    if line:
                        yield line
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise errors.Unreachable(f"the watch broke: {error or type(error).__name__}") from error
        finally:
            self._answer.close()


async def _body(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for chunk in answer.content.iter_any():
        pieces.append(chunk)
        size += len(chunk)
        if size > limit:
            raise aiohttp.ClientPayloadError(f"the answer is longer than {limit} bytes")
    return b"".join(pieces)


def _is_watch(request: Request) -> bool:
    return request.query.get("watch") in ("true", "1")


def _headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}
