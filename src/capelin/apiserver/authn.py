"""Authentication: who sends a request.

The transport vouches for client certificates. Bearer tokens are judged here: those of service accounts, signed by this server (see tokens),
and bootstrap tokens, with which machines join a cluster.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hmac import compare_digest
from typing import Protocol

from capelin.apiserver.storage.store import Store
from capelin.runtime import codec, errors
from capelin.runtime.codec import Document
from capelin.runtime.seams import Clock
from capelin.runtime.transport import Request, User

AUTHENTICATED = "system:authenticated"
BOOTSTRAPPERS = "system:bootstrappers"

_BOOTSTRAP = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")


class Authenticator(Protocol):
    """Knows users."""

    def authenticate(self, request: Request) -> User | None:
        """Return who sends the request, None for an anonymous one.

        Raises:
            Unauthorized: credentials were presented, and they are not good.
        """


class TokenAuthenticator(Protocol):
    """Knows the users of one sort of bearer token."""

    def user_of(self, token: str) -> User | None:
        """Return the user, or None when the token is not good here."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """The authenticator of a server: the user the transport vouches for, else the user of the bearer token."""

    tokens: Sequence[TokenAuthenticator] = ()

    def authenticate(self, request: Request) -> User | None:
        """Return who sends the request; see `Authenticator`."""
        if request.user is not None:
            return authenticated(request.user)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            return None
        if scheme.lower() == "bearer" and token.strip():
            for tokens in self.tokens:
                user = tokens.user_of(token.strip())
                if user is not None:
                    return authenticated(user)
        raise errors.Unauthorized("Unauthorized")


def authenticated(user: User) -> User:
    """Return the user with the group that all authenticated users are in."""
    return user if AUTHENTICATED in user.groups else replace(user, groups=(*user.groups, AUTHENTICATED))


@dataclass(frozen=True, slots=True)
class BootstrapTokens:
    """Tokens in Secrets of type `bootstrap.kubernetes.io/token` in kube-system, as kubeadm makes them."""

    store: Store
    clock: Clock

    def user_of(self, token: str) -> User | None:
        """Return `system:bootstrap:<id>` while the token is valid and usable for authentication."""
        match = _BOOTSTRAP.fullmatch(token)
        if match is None:
            return None
        identity, secret = match.groups()
        item = self.store.get("secrets", ("kube-system", f"bootstrap-token-{identity}"))
        if item is None or item.head.deletion_timestamp is not None:
            return None
        document = codec.decode_document(item.data)
        data = {key: _text(value) for key, value in (document.get("data") or {}).items()}
        if document.get("type") != "bootstrap.kubernetes.io/token" or not self._is_usable(data, identity, secret):
            return None
        extra = [group.strip() for group in data.get("auth-extra-groups", "").split(",") if group.strip()]
        return User(f"system:bootstrap:{identity}", (BOOTSTRAPPERS, *_permitted(extra)))

    def _is_usable(self, data: Mapping[str, str], identity: str, secret: str) -> bool:
        if data.get("token-id") != identity or not compare_digest(data.get("token-secret", "").encode(), secret.encode()):
            return False
        return data.get("usage-bootstrap-authentication") == "true" and not _is_over(data.get("expiration", ""), self.clock.now())


def _text(value: object) -> str:
    try:
        return base64.b64decode(str(value), validate=True).decode()
    except ValueError:
        return ""


def _permitted(groups: Iterable[str]) -> list[str]:
    """Return the groups that a bootstrap token may bring: never one that another authenticator vouches for."""
    return [group for group in groups if group.startswith("system:bootstrappers:")]


def _is_over(expiration: str, now: datetime) -> bool:
    if not expiration:
        return False
    try:
        return datetime.fromisoformat(expiration) <= now
    except (ValueError, TypeError):
        return True  # a time nobody can read, or of no zone, gives no right


def user_info(user: User) -> Document:
    """Return the user as reviews show it."""
    found: Document = {"username": user.name, "groups": list(user.groups)}
    if user.uid:
        found["uid"] = user.uid
    if user.extra:
        found["extra"] = {key: list(values) for key, values in user.extra.items()}
    return found
