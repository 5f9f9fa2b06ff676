"""A network without sockets: `Endpoints` and `Connect` that meet in a dictionary, for tests and the simulator.

Who a client is, is found as over TLS: by a certificate that the endpoint's authority signed and that is valid now.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

from capelin.runtime import errors
from capelin.runtime.seams import Clock
from capelin.runtime.transport import Credentials, Handler, Request, Response, Screen, ServingIdentity, User, anywhere


@dataclass(frozen=True, slots=True)
class _Served:
    handler: Handler
    identity: ServingIdentity


@dataclass(slots=True)
class InProcessNetwork:
    """Addresses that exist only here. `open` and `close` make it `Endpoints`, `connect` is a `Connect`."""

    clock: Clock
    _open: dict[tuple[str, int], _Served] = field(default_factory=dict)

    async def open(self, host: str, port: int, handler: Handler, identity: ServingIdentity) -> None:
        """Serve `handler` on `host:port`, in place of what is served there."""
        self._open[host, port] = _Served(handler, identity)

    async def close(self, host: str, port: int) -> None:
        """Stop serving `host:port`; nothing happens when it is not open."""
        self._open.pop((host, port), None)

    def drop(self, host: str, port: int, handler: Handler) -> None:
        """Stop serving `host:port` if it is this handler that answers there: its process has died."""
        found = self._open.get((host, port))
        if found is not None and found.handler is handler:
            del self._open[host, port]

    def connect(self, credentials: Credentials, *, screen: Screen = anywhere) -> InProcessConnection:
        """Return a connection that goes only where `screen` lets it; nothing is sent before its first request."""
        return InProcessConnection(self, credentials, screen)

    def at(self, host: str, port: int) -> _Served:
        """Return what is served at an address.

        Raises:
            Unreachable: nothing is.
        """
        found = self._open.get((host, port))
        if found is None:
            raise errors.Unreachable(f"nothing is served at {host}:{port}")
        return found


@dataclass(slots=True)
class InProcessConnection:
    """A `Connection` to an address of the network; the address is looked up at each request."""

    network: InProcessNetwork
    credentials: Credentials
    screen: Screen = anywhere
    _closed: bool = False

    async def send(self, request: Request) -> Response:
        """Return the answer of whoever serves the address.

        Raises:
            Unreachable: nobody does, the server is not the one we trust, or this connection is closed.
        """
        if self._closed:
            raise errors.Unreachable(f"the connection to {self.credentials.server} is closed")
        parts = urlsplit(self.credentials.server)
        host, port = parts.hostname or "", parts.port or 443
        try:
            self.screen(host, port)
        except OSError as error:
            raise errors.Unreachable(f"{self.credentials.server}: {error}") from error
        served = self.network.at(host, port)
        now = self.network.clock.now()
        if not _is_valid(served.identity.certificate, self.credentials.certificate_authority, now):
            raise errors.Unreachable(
                f"{self.credentials.server}: the server's certificate is not signed by the authority we trust, or not valid"
            )
        token = {"authorization": f"Bearer {self.credentials.token}"} if self.credentials.token else {}
        headers = {**request.headers, **token}
        return await served.handler.send(replace(request, headers=headers, user=self._user(served, now)))

    async def close(self) -> None:
        """Refuse further requests."""
        self._closed = True

    def _user(self, served: _Served, now: datetime) -> User | None:
        pem = self.credentials.client_certificate
        if not pem or not served.identity.client_authority:
            return None  # nobody was asked for a certificate
        if not _is_valid(pem, served.identity.client_authority, now):
            raise errors.Unreachable(f"{self.credentials.server}: the client certificate is refused")
        subject = x509.load_pem_x509_certificate(pem).subject
        names = [str(attribute.value) for attribute in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        groups = tuple(str(attribute.value) for attribute in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))
        return User(names[0], groups) if names else None


def _is_valid(certificate: bytes, authority: bytes, now: datetime) -> bool:
    found = x509.load_pem_x509_certificate(certificate)
    if not found.not_valid_before_utc <= now < found.not_valid_after_utc:
        return False
    try:
        found.verify_directly_issued_by(x509.load_pem_x509_certificate(authority))
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
