"""Calling webhooks: a question goes out as bytes, and an answer comes back within bounds.

The server itself opens no socket. It is given a `WebhookCaller`: one that opens connections through the seam of the runtime, one that
reaches handlers in the same process, or none at all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol
from urllib.parse import urlsplit

from capelin.runtime import errors
from capelin.runtime.transport import Connect, Connection, Credentials, Handler, Request, Response

ANSWER_LIMIT: Final = 3 * 1024 * 1024
"""Bytes of an answer: as much as a request may have. A larger one could not be stored anyway."""

_SHOWN: Final = 200
"""Characters of a foreign answer that a message repeats."""


class CallFailed(Exception):
    """A webhook could not be asked, or gave no usable answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Service:
    """A webhook that stands behind a Service of the cluster."""

    namespace: str
    name: str
    port: int
    path: str

    @property
    def host(self) -> str:
        """The name that its certificate is for."""
        return f"{self.name}.{self.namespace}.svc"


@dataclass(frozen=True, slots=True)
class Client:
    """How to reach a webhook: a URL or a service, and the authority (PEM; empty: the system's) that signs its certificate."""

    url: str
    service: Service | None
    authority: bytes = b""

    @property
    def address(self) -> str:
        """The URL, as messages show it."""
        if self.service is None:
            return self.url
        return f"https://{self.service.host}:{self.service.port}{self.service.path}"


class WebhookCaller(Protocol):
    """Brings questions to webhooks."""

    async def post(self, client: Client, body: bytes, timeout: timedelta) -> bytes:
        """Return the body of the answer. The time is the caller's to keep; the webhook is only told.

        Raises:
            CallFailed: there is no such answer.
        """

    async def keep(self, clients: Collection[Client]) -> None:
        """Let go what was held for any other webhooks."""


Locate = Callable[[str, str, int], str]
"""Returns the base URL of a service, given its namespace, name and port; raises Unreachable when there is no way to it from here."""


def no_services(namespace: str, name: str, port: int) -> str:
    """Refuse: this server runs on a machine that no service network reaches."""
    raise errors.Unreachable(
        f"service {namespace}/{name} (port {port}) cannot be reached, because this server has no service network; declare a url instead"
    )


@dataclass(frozen=True, slots=True)
class _Peer:
    """A server that webhooks stand on, and the authority it is trusted by."""

    base: str
    authority: bytes


@dataclass(slots=True)
class _Link:
    """A connection, how many calls are under way on it, and whether it is to be closed after the last of them."""

    connection: Connection
    calls: int = 0
    let_go: bool = False

    async def send(self, request: Request) -> Response:
        self.calls += 1
        try:
            return await self.connection.send(request)
        finally:
            self.calls -= 1
            await self.close_when_idle()

    async def close_when_idle(self) -> None:
        if self.let_go and not self.calls:
            await self.connection.close()


@dataclass(slots=True)
class ConnectedCaller:
    """Calls webhooks over connections that stay open while their configuration stands; webhooks of one server share them.

    A call whose connection breaks is repeated once: the server may have been away a moment, and no webhook that is called has side effects.
    With a certificate and key (PEM), it logs in with them, so that a webhook can insist on being asked by this server.
    """

    connect: Connect
    locate: Locate = no_services
    certificate: bytes = b""
    key: bytes = field(default=b"", repr=False)
    _open: dict[_Peer, _Link] = field(default_factory=dict)

    async def post(self, client: Client, body: bytes, timeout: timedelta) -> bytes:
        """Return the body of the answer; see `WebhookCaller`."""
        request = _question(client, body, timeout)
        try:
            return _content(await self._sent(client, request))
        except errors.Unreachable as error:
            raise _unreachable(client, timeout, error.message) from error
        except OSError as error:  # the authority or the certificate cannot be used
            raise _unreachable(client, timeout, str(error)) from error

    async def keep(self, clients: Collection[Client]) -> None:
        """Close the connections to all other webhooks, each after the last call that is under way on it."""
        kept: set[_Peer] = set()
        for client in clients:
            with suppress(errors.Unreachable):  # there is no way to it, so nothing is held for it
                kept.add(self._peer(client))
        gone = [peer for peer in self._open if peer not in kept]
        for link in [self._open.pop(peer) for peer in gone]:
            link.let_go = True
            await link.close_when_idle()

    async def _sent(self, client: Client, request: Request) -> Response:
        try:
            return await self._link(client).send(request)
        except errors.ResultUnknown:
            return await self._link(client).send(request)

    def _link(self, client: Client) -> _Link:
        peer = self._peer(client)
        link = self._open.get(peer)
        if link is None:
            credentials = Credentials(peer.base, peer.authority, self.certificate, self.key)
            link = self._open[peer] = _Link(self.connect(credentials))
        return link

    def _peer(self, client: Client) -> _Peer:
        if client.service is not None:
            return _Peer(self.locate(client.service.namespace, client.service.name, client.service.port), client.authority)
        parts = urlsplit(client.url)
        return _Peer(f"{parts.scheme}://{parts.netloc}", client.authority)


@dataclass(frozen=True, slots=True)
class InProcessCaller:
    """Calls handlers in the same process, by the host of the URL (and port, if it has one) or of the service (`name.namespace.svc`)."""

    handlers: Mapping[str, Handler]

    async def post(self, client: Client, body: bytes, timeout: timedelta) -> bytes:
        """Return the body of the answer; see `WebhookCaller`."""
        host = client.service.host if client.service is not None else urlsplit(client.url).netloc
        handler = self.handlers.get(host)
        if handler is None:
            raise _unreachable(client, timeout, f"nobody answers for {host}")
        try:
            return _content(await handler.send(_question(client, body, timeout)))
        except errors.Unreachable as error:
            raise _unreachable(client, timeout, error.message) from error

    async def keep(self, clients: Collection[Client]) -> None:
        """Nothing is held."""


def posted(client: Client, timeout: timedelta, reason: str) -> str:
    """Return the message of a call that got no answer, in the words of Kubernetes."""
    return f'Post "{client.address}?timeout={timeout.total_seconds():g}s": {reason}'


def _unreachable(client: Client, timeout: timedelta, reason: str) -> CallFailed:
    return CallFailed(posted(client, timeout, reason))


def _question(client: Client, body: bytes, timeout: timedelta) -> Request:
    path = client.service.path if client.service is not None else urlsplit(client.url).path
    headers = {"content-type": "application/json", "accept": "application/json"}
    return Request("POST", path or "/", {"timeout": f"{timeout.total_seconds():g}s"}, headers, body, answer_at_most=ANSWER_LIMIT)


def _content(response: Response) -> bytes:
    """Return the body of a proper answer.

    Raises:
        CallFailed: it is none.
    """
    if len(response.body) > ANSWER_LIMIT:
        raise CallFailed(f"the answer has {len(response.body)} bytes, the limit is {ANSWER_LIMIT}")
    if 300 <= response.status < 400:
        raise CallFailed(f"the answer is a redirect ({response.status}), which is not followed")
    if response.status == 404:
        raise CallFailed("the server could not find the requested resource")
    if not 200 <= response.status < 300:
        said = response.body[:_SHOWN].decode(errors="replace").strip()
        raise CallFailed(f'an error on the server ("{said or response.status}") has prevented the request from succeeding')
    return response.body
