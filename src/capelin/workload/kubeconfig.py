"""The administrator's kubeconfig of a workload cluster: how everybody, first of all we ourselves, logs in to it."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta
from typing import Final

import yaml
from cryptography import x509

from capelin.api.cluster import CLUSTER_SECRET_TYPE, APIEndpoint
from capelin.api.core import Secret, encoded
from capelin.api.labels import CLUSTER_NAME_LABEL
from capelin.api.meta import ObjectKey, ObjectMeta, OwnerReference
from capelin.workload.pki import CertificateError, KeyPair, issue, load_certificate

KUBECONFIG_KEY: Final = "value"

ADMIN: Final = "kubernetes-admin"
ADMIN_GROUP: Final = "system:masters"

VALIDITY: Final = timedelta(days=365)
"""As kubeadm's own; renewed at half of it."""


def server_url(endpoint: APIEndpoint) -> str:
    """Return the URL of the API server at a complete endpoint."""
    host = endpoint.host or ""
    return f"https://{f'[{host}]' if ':' in host else host}:{endpoint.port}"


def kubeconfig_secret_key(cluster: ObjectKey) -> ObjectKey:
    """Return the name of the Secret that holds the kubeconfig."""
    return ObjectKey(cluster.namespace, f"{cluster.name}-kubeconfig")


def admin_kubeconfig(cluster_name: str, server: str, ca: KeyPair, key: bytes, *, now: datetime) -> bytes:
    """Return a kubeconfig whose user is the cluster's administrator for a year; `key` is the user's new private key (PEM).

    Raises:
        CertificateError: the authority cannot be used.
    """
    user = issue(ca, key, common_name=ADMIN, organizations=(ADMIN_GROUP,), usage="client", now=now, valid_for=VALIDITY)
    name = f"{cluster_name}-admin"
    context = f"{name}@{cluster_name}"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster_name, "cluster": {"server": server, "certificate-authority-data": _base64(ca.certificate)}}],
        "users": [{"name": name, "user": {"client-certificate-data": _base64(user.certificate), "client-key-data": _base64(key)}}],
        "contexts": [{"name": context, "context": {"cluster": cluster_name, "user": name}}],
        "current-context": context,
    }
    return yaml.safe_dump(document, sort_keys=False).encode()


def kubeconfig_secret(cluster: ObjectKey, kubeconfig: bytes, owner: OwnerReference) -> Secret:
    """Return the Secret `<cluster>-kubeconfig`."""
    key = kubeconfig_secret_key(cluster)
    return Secret(
        metadata=ObjectMeta(name=key.name, namespace=key.namespace, labels={CLUSTER_NAME_LABEL: cluster.name}, owner_references=[owner]),
        type=CLUSTER_SECRET_TYPE,
        data=encoded({KUBECONFIG_KEY: kubeconfig}),
    )


def needs_renewal(kubeconfig: bytes, *, now: datetime) -> bool:
    """Tell whether the client certificate has lived half of its time. A kubeconfig we cannot read, or without one, is left to its owner."""
    return renews_after(kubeconfig, now=now) == timedelta()


def renews_after(kubeconfig: bytes, *, now: datetime) -> timedelta | None:
    """Return how long the client certificate can be kept, never negative; None when there is none to renew."""
    certificate = client_certificate(kubeconfig)
    if certificate is None:
        return None
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return max(certificate.not_valid_before_utc + lifetime / 2 - now, timedelta())


def client_certificate(kubeconfig: bytes) -> x509.Certificate | None:
    """Return the client certificate of the first user, or None when it has none that can be read."""
    try:
        document = yaml.safe_load(kubeconfig)
        data = document["users"][0]["user"]["client-certificate-data"]
        return load_certificate(base64.b64decode(data, validate=True))
    except (yaml.YAMLError, KeyError, IndexError, TypeError, binascii.Error, CertificateError, UnicodeDecodeError):
        return None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
