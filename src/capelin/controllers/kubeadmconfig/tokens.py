"""Bootstrap tokens: what lets one new machine into a cluster, for fifteen minutes.

A token is not drawn but derived from the cluster's own secret and the KubeadmConfig's UID. It is therefore known before the cluster is told
of it and again after any crash, without being stored in an object that more people may read than Secrets.
"""

from __future__ import annotations

import hashlib
import hmac
import string
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from capelin.api.core import Secret, encoded
from capelin.api.meta import ObjectKey, ObjectMeta
from capelin.runtime import errors
from capelin.runtime.client import Client

TOKEN_TTL: Final = timedelta(minutes=15)
"""How long a token is valid: long enough for a machine that boots, short for one that leaks."""

REFRESH_INTERVAL: Final = TOKEN_TTL / 3
"""How often a token is extended while its machine is not there yet: two extensions may fail before it ends."""

TOKEN_SECRET_TYPE: Final = "bootstrap.kubernetes.io/token"  # noqa: S105 - a type of Secret
TOKEN_NAMESPACE: Final = "kube-system"  # noqa: S105 - a namespace
NODE_GROUP: Final = "system:bootstrappers:kubeadm:default-node-token"
"""The group for which kubeadm sets up what a joining machine may do."""

_ALPHABET: Final = string.digits + string.ascii_lowercase
_ID_LENGTH, _SECRET_LENGTH = 6, 16


@dataclass(frozen=True, slots=True)
class Token:
    """A bootstrap token; its text is `id.secret`."""

    id: str
    secret: str

    def __str__(self) -> str:
        return f"{self.id}.{self.secret}"

    def __repr__(self) -> str:
        return f"Token({self.id}.…)"

    @property
    def key(self) -> ObjectKey:
        """The name of its Secret in the workload cluster."""
        return ObjectKey(TOKEN_NAMESPACE, f"bootstrap-token-{self.id}")


def derived_token(cluster_secret: bytes, config_uid: str) -> Token:
    """Return the token of one KubeadmConfig; whoever does not know `cluster_secret` cannot guess it."""
    digest = hmac.new(cluster_secret, f"bootstrap token of {config_uid}".encode(), hashlib.sha256).digest()
    number, digits = int.from_bytes(digest), []
    for _ in range(_ID_LENGTH + _SECRET_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    text = "".join(digits)
    return Token(text[:_ID_LENGTH], text[_ID_LENGTH:])


def token_secret(token: Token, *, now: datetime) -> Secret:
    """Return the Secret by which the workload cluster knows the token."""
    return Secret(
        metadata=ObjectMeta(name=token.key.name, namespace=token.key.namespace),
        type=TOKEN_SECRET_TYPE,
        data=encoded(
            {
                "token-id": token.id.encode(),
                "token-secret": token.secret.encode(),
                "expiration": _expiration(now),
                "usage-bootstrap-signing": b"true",
                "usage-bootstrap-authentication": b"true",
                "auth-extra-groups": NODE_GROUP.encode(),
                "description": b"Lets one machine join; made by Cluster API",
            }
        ),
    )


async def grant(workload: Client, token: Token, *, now: datetime) -> timedelta:
    """Make the token valid for its whole time unless it has been extended lately; return when to look again.

    Raises:
        ApiError: the workload cluster did not take it.
    """
    found = await workload.get(Secret, token.key)
    if found is None:
        try:
            await workload.create(token_secret(token, now=now))
        except errors.AlreadyExists:
            return timedelta()  # made in between: look at it again
        return REFRESH_INTERVAL
    age = TOKEN_TTL - (_expires_at(found, now) - now)
    if age < REFRESH_INTERVAL:
        return REFRESH_INTERVAL - age
    await workload.patch(Secret, token.key, {"data": encoded({"expiration": _expiration(now)})})
    return REFRESH_INTERVAL


async def revoke(workload: Client, token: Token) -> None:
    """Make the token worthless."""
    await workload.delete(Secret, token.key)


def _expiration(now: datetime) -> bytes:
    return (now + TOKEN_TTL).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()


def _expires_at(secret: Secret, now: datetime) -> datetime:
    """Return when the token ends; one that says nothing we can read is taken to have ended."""
    try:
        found = datetime.fromisoformat((secret.value("expiration") or b"").decode())
    except ValueError:
        return now
    return found if found.tzinfo else found.replace(tzinfo=UTC)
