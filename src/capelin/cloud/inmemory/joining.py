"""Whether a cluster lets a machine join: what kubeadm checks before it changes anything. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from capelin.api.core import Secret
from capelin.api.meta import ObjectKey
from capelin.cloud.inmemory.kubeadm import Discovery

_TOKEN: Final = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
_TOKEN_TYPE: Final = "bootstrap.kubernetes.io/token"  # noqa: S105  # a type of Secret


class JoinRefused(Exception):
    """The cluster does not let the machine join, for now; the message says why and never repeats the token's secret."""


def token_secret(token: str) -> ObjectKey:
    """Return the name of the Secret that a bootstrap token is checked against.

    Raises:
        JoinRefused: it has not the form of a token.
    """
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise JoinRefused("the bootstrap token has not the form id.secret of six and sixteen characters")
    return ObjectKey("kube-system", f"bootstrap-token-{match[1]}")


def check_endpoint(discovery: Discovery, endpoint: str) -> None:
    """Refuse a machine that looks for the cluster elsewhere.

    Raises:
        JoinRefused: nobody answers where it looks.
    """
    if discovery.endpoint.removeprefix("https://") != endpoint:
        raise JoinRefused(f"no control plane answers at {discovery.endpoint or 'an empty address'}; the cluster's is at {endpoint}")


def check_authority(discovery: Discovery, spki_hash: str) -> None:
    """Refuse a cluster that the machine was not told to trust.

    Raises:
        JoinRefused: the hash of the authority's public key is none of those the machine knows.
    """
    if not discovery.skips_verification and spki_hash not in discovery.hashes:
        known = ", ".join(discovery.hashes) or "none"
        raise JoinRefused(f"the cluster's authority has the public key {spki_hash}, trusted are {known}")


def check_token(token: str, secret: Secret | None, *, now: datetime) -> None:
    """Refuse a token that the cluster does not know, or knows no longer.

    Raises:
        JoinRefused: it is unknown, expired, not for joining, or its secret is another.
    """
    name = token_secret(token)
    identity = name.name.removeprefix("bootstrap-token-")
    if secret is None or secret.type != _TOKEN_TYPE:
        raise JoinRefused(f"the bootstrap token {identity} is unknown")
    expiration = _expiration(_field(secret, "expiration"), identity)
    if expiration is not None and expiration <= now:
        raise JoinRefused(f"the bootstrap token {identity} has expired at {expiration:%Y-%m-%dT%H:%M:%SZ}")
    if _field(secret, "usage-bootstrap-authentication") != "true":
        raise JoinRefused(f"the bootstrap token {identity} is not for authentication")
    if f"{_field(secret, 'token-id')}.{_field(secret, 'token-secret')}" != token:
        raise JoinRefused(f"the secret of the bootstrap token {identity} is another")


def _field(secret: Secret, key: str) -> str:
    try:
        return (secret.value(key) or b"").decode()
    except ValueError:
        return ""


def _expiration(text: str, identity: str) -> datetime | None:
    """Return when the token ends; one that ends at a time nobody can read has ended, as for Kubernetes."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise JoinRefused(f"the bootstrap token {identity} expires at {text!r}, which is no time") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
