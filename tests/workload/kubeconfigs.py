"""Kubeconfigs for tests, and the certificate authority they trust."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from capelin.api.core import Secret
from tests import build


def _authority() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    certificate = builder.not_valid_before(build.NOW).not_valid_after(build.NOW + timedelta(days=3650)).sign(key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM)


AUTHORITY = _authority()


def kubeconfig(
    server: str = "https://10.0.0.1:6443", *, cluster: Mapping[str, Any] | None = None, user: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A kubeconfig with one entry of each sort; `cluster` and `user` add to theirs."""
    trust = {"server": server, "certificate-authority-data": base64.b64encode(AUTHORITY).decode()}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "demo", "cluster": {**trust, **(cluster or {})}}],
        "users": [{"name": "demo-admin", "user": dict(user or {})}],
        "contexts": [{"name": "demo-admin@demo", "context": {"cluster": "demo", "user": "demo-admin"}}],
        "current-context": "demo-admin@demo",
    }


def kubeconfig_secret(server: str = "https://10.0.0.1:6443", *, name: str = "demo", namespace: str = "default") -> Secret:
    """The Secret that holds it."""
    return build.secret(f"{name}-kubeconfig", {"value": json.dumps(kubeconfig(server))}, namespace=namespace)
