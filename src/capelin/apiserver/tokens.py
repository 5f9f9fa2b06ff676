"""Tokens of service accounts: JSON Web Tokens signed with ES256 by this server, bound to the account's UID, valid for hours."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from capelin.apiserver import kinds
from capelin.apiserver.storage.store import Store
from capelin.runtime import codec
from capelin.runtime.codec import Document
from capelin.runtime.seams import Clock
from capelin.runtime.transport import User

ISSUER = "https://kubernetes.default.svc.cluster.local"
SHORTEST = timedelta(minutes=10)
LONGEST = timedelta(hours=24)
DEFAULT = timedelta(hours=1)

_HEADER = {"alg": "ES256", "typ": "JWT"}
_HASH = ec.ECDSA(hashes.SHA256())
_COORDINATE = 32  # bytes of r and s of a P-256 signature


@dataclass(frozen=True, slots=True)
class ServiceAccountTokens:
    """Issues and judges the tokens of one server."""

    key: ec.EllipticCurvePrivateKey
    store: Store
    clock: Clock

    @classmethod
    def of(cls, pem: bytes, store: Store, clock: Clock) -> ServiceAccountTokens:
        """Return the tokens signed with a P-256 key, given as unencrypted PKCS #8 PEM.

        Raises:
            ValueError: the key is another.
        """
        key = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("the key that signs tokens of service accounts must be on the curve P-256")
        return cls(key, store, clock)

    def issue(self, namespace: str, name: str, uid: str, *, lifetime: timedelta, audiences: list[str]) -> tuple[str, datetime]:
        """Return a token for the account and the moment it expires."""
        now = self.clock.now().astimezone(UTC).replace(microsecond=0)
        expires = now + min(max(lifetime, SHORTEST), LONGEST)
        claims = {
            "aud": audiences,
            "exp": int(expires.timestamp()),
            "iat": int(now.timestamp()),
            "iss": ISSUER,
            "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name, "uid": uid}},
            "nbf": int(now.timestamp()),
            "sub": f"system:serviceaccount:{namespace}:{name}",
        }
        signed = f"{_encoded(codec.encode(_HEADER))}.{_encoded(codec.encode(claims))}"
        r, s = utils.decode_dss_signature(self.key.sign(signed.encode(), _HASH))
        return f"{signed}.{_encoded(r.to_bytes(_COORDINATE, 'big') + s.to_bytes(_COORDINATE, 'big'))}", expires

    def user_of(self, token: str) -> User | None:
        """Return the service account, or None when the token is not ours, has expired, or its account is gone."""
        claims = self._verified(token)
        if claims is None:
            return None
        now = self.clock.now().timestamp()
        try:
            bound = claims["kubernetes.io"]
            namespace, account = bound["namespace"], bound["serviceaccount"]
            valid = claims["nbf"] <= now < claims["exp"] and claims["iss"] == ISSUER and ISSUER in claims["aud"]
        except (KeyError, TypeError):
            return None
        item = self.store.get(kinds.SERVICE_ACCOUNTS, (namespace, account["name"]))
        if not valid or item is None or item.head.uid != account["uid"]:
            return None
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
        return User(f"system:serviceaccount:{namespace}:{account['name']}", groups, uid=account["uid"])

    def _verified(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token that this server has signed."""
        parts = token.split(".")
        if len(parts) != 3:
            return None
        try:
            header, claims, signature = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in parts)
            if codec.decode_document(header).get("alg") != "ES256" or len(signature) != 2 * _COORDINATE:
                return None
            r, s = (int.from_bytes(half, "big") for half in (signature[:_COORDINATE], signature[_COORDINATE:]))
            self.key.public_key().verify(utils.encode_dss_signature(r, s), f"{parts[0]}.{parts[1]}".encode(), _HASH)
            return codec.decode_document(claims)
        except (ValueError, InvalidSignature):
            return None


def requested(body: Document) -> tuple[timedelta, list[str]]:
    """Return the lifetime and the audiences that a TokenRequest asks for."""
    spec = body.get("spec") or {}
    seconds = spec.get("expirationSeconds")
    return timedelta(seconds=seconds) if seconds else DEFAULT, list(spec.get("audiences") or [ISSUER])


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
