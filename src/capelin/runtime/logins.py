"""Who we are to a server: a token or a client certificate, and how to get a fresh one.

Certificates and tokens expire while a process runs. A `Logins` is asked before every request, answers from memory while it can, and is
told when the server refused what it gave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from capelin.runtime import errors
from capelin.runtime.seams import Clock

REREAD_AFTER: Final = timedelta(seconds=60)
"""How long what a file said is believed; a projected token is replaced when a fifth of its hour is left, so a minute is early enough."""


@dataclass(frozen=True, slots=True)
class Login:
    """What is shown to a server: `authorization` is the header's value, the certificate and its key are PEM; each may be empty."""

    authorization: str = field(default="", repr=False)
    certificate: bytes = b""
    key: bytes = field(default=b"", repr=False)


def bearer(token: str) -> str:
    """Return the header's value for a bearer token; empty for an empty token."""
    return f"Bearer {token}" if token else ""


class Logins(Protocol):
    """Gives logins for one server."""

    async def current(self) -> Login:
        """Return the login to use now.

        Raises:
            Unreachable: there is none to be had.
        """

    async def renew(self, refused: Login) -> Login:
        """Return a login to try after the server refused one; `refused` itself when there is no other.

        Raises:
            Unreachable: there is none to be had.
        """


@dataclass(frozen=True, slots=True)
class FixedLogin:
    """The same login for ever."""

    login: Login

    async def current(self) -> Login:
        return self.login

    async def renew(self, refused: Login) -> Login:
        return refused


@dataclass(slots=True)
class FileLogin:
    """A login in files that somebody else replaces: a projected token, a client certificate that is rotated."""

    clock: Clock
    token: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    _known: Login | None = None
    _until: float = 0.0

    async def current(self) -> Login:
        if self._known is None or self.clock.monotonic() >= self._until:
            self._known = self._read()
            self._until = self.clock.monotonic() + REREAD_AFTER.total_seconds()
        return self._known

    async def renew(self, refused: Login) -> Login:
        if self._known == refused:
            self._known = None
        return await self.current()

    def _read(self) -> Login:
        try:
            token = self.token.read_text().strip() if self.token else ""
            certificate = self.certificate.read_bytes() if self.certificate else b""
            key = self.key.read_bytes() if self.key else b""
        except OSError as error:
            raise errors.Unreachable(f"cannot log in: {error}") from error
        return Login(bearer(token), certificate, key)


@dataclass(slots=True)
class PluginLogin:
    """A login that kubernetes-asyncio finds: by an exec plugin, through OIDC or a cloud's own way.

    `kubeconfig` is a document with one context, one cluster and one user.
    """

    kubeconfig: Mapping[str, Any]
    _known: Login | None = None

    async def current(self) -> Login:
        if self._known is None:
            self._known = await self._load()
        return self._known

    async def renew(self, refused: Login) -> Login:
        if self._known == refused:
            self._known = None
        return await self.current()

    async def _load(self) -> Login:
        # Imported here because it takes two seconds and a hundred megabytes, and most kubeconfigs do without.
        from kubernetes_asyncio.client import Configuration
        from kubernetes_asyncio.config.kube_config import KubeConfigLoader

        found = Configuration()
        try:
            await KubeConfigLoader(dict(self.kubeconfig)).load_and_set(found)
            certificate, key = _contents(found.cert_file), _contents(found.key_file)
        except Exception as error:  # plugins fail in ways nobody has listed
            raise errors.Unreachable(f"cannot log in: {error}") from error
        return Login(str(found.api_key.get("BearerToken") or ""), certificate, key)


def _contents(name: str | None) -> bytes:
    return Path(name).read_bytes() if name else b""
