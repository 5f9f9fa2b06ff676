"""Requests and answers, and the two seams they pass through.

`Handler` is anything that answers an API request: a connection to a remote server, the embedded server itself, a fault layer around
either. `Connect` turns a kubeconfig into a Handler; `Endpoints` offers a Handler to others under an address.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

ANSWER_AT_MOST: Final = 256 << 20
"""Bytes. A page of 500 objects is a few MiB; a server that sends more than this wants our memory."""


@dataclass(frozen=True, slots=True)
class User:
    """Who asks: the name and groups an authenticator vouches for."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """One API request.

    `path` is percent-decoded and has no query; header names are lower case; `user` is None until an authenticator has looked, and
    stays None for anonymous requests. A connection reads no more than `answer_at_most` bytes of an answer that comes whole.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    user: User | None = None
    answer_at_most: int = ANSWER_AT_MOST


@dataclass(frozen=True, slots=True)
class Response:
    """One answer: `body` whole, or `stream` as lines (a watch), never both. Whoever receives a stream must close it (`aclose`)."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    stream: AsyncIterator[bytes] | None = None


class Handler(Protocol):
    """Answers API requests."""

    async def send(self, request: Request) -> Response:
        """Return the server's answer, whatever its status.

        Raises:
            Unreachable: there was no answer and nothing took effect.
            ResultUnknown: there was no answer; the request may have taken effect.
        """


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to reach and trust a server, every datum inline (PEM). `token` or the client pair or neither."""

    server: str
    certificate_authority: bytes
    client_certificate: bytes = b""
    client_key: bytes = field(default=b"", repr=False)
    token: str = field(default="", repr=False)


Screen = Callable[[str, int], None]
"""Is asked about every IP address and port before a connection is opened to it, after names are resolved; refuses by raising an OSError."""


def anywhere(host: str, port: int) -> None:
    """Refuse no address."""


class Connect(Protocol):
    """Opens connections to the clusters we manage."""

    def __call__(self, credentials: Credentials, *, screen: Screen = anywhere) -> Connection:
        """Return a connection that goes only where `screen` lets it; nothing is sent before its first request."""


class Connection(Handler, Protocol):
    """A Handler that holds sockets."""

    async def close(self) -> None:
        """Release the sockets; requests under way fail as Unreachable or ResultUnknown."""


@dataclass(frozen=True, slots=True)
class ServingIdentity:
    """What a served endpoint shows and demands: its certificate and key (PEM), and the CA (PEM) whose client certificates log in.

    Without that CA no client is asked for a certificate, so that one who brings a certificate of somebody else is not turned away.
    """

    certificate: bytes
    key: bytes = field(repr=False)
    client_authority: bytes


class Endpoints(Protocol):
    """Offers Handlers to the network."""

    async def open(self, host: str, port: int, handler: Handler, identity: ServingIdentity) -> None:
        """Serve `handler` on `host:port`.

        Requests arrive with the user of their client certificate (common name and organisations), or with None; bearer tokens are
        left in the headers for the handler to judge. Opening what this object already serves replaces handler and identity.

        Raises:
            OSError: the address cannot be taken, for example because another process holds the port.
        """

    async def close(self, host: str, port: int) -> None:
        """Stop serving `host:port` and end its connections; nothing happens when it is not open."""
