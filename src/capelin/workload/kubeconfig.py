"""The administrator's kubeconfig of a workload cluster: how everybody, first of all we ourselves, logs in to it."""

from __future__ import annotations

import base64
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import yaml
from cryptography import x509

from capelin.api.cluster import CLUSTER_SECRET_TYPE, APIEndpoint, Cluster
from capelin.api.core import Secret, encoded
from capelin.api.labels import CLUSTER_NAME_LABEL
from capelin.api.meta import ObjectKey, ObjectMeta, OwnerReference, owner_reference
from capelin.runtime import errors
from capelin.runtime.client import Client
from capelin.runtime.pki import KeyPair, issue, load_certificate
from capelin.runtime.seams import Clock, Keys
from capelin.workload.certificates import DEFAULT_ALGORITHM, ClusterCertificates, Purpose
from capelin.workload.credentials import MAX_KUBECONFIG, read_kubeconfig

KUBECONFIG_KEY: Final = "value"

ADMIN: Final = "kubernetes-admin"
ADMIN_GROUP: Final = "system:masters"

VALIDITY: Final = timedelta(days=365)
"""As kubeadm's own; renewed at half of it."""


def authority_of(endpoint: APIEndpoint) -> str:
    """Return `host:port` of a complete endpoint; IPv6 addresses stand in brackets."""
    host = endpoint.host or ""
    return f"{f'[{host}]' if ':' in host else host}:{endpoint.port}"


def server_url(endpoint: APIEndpoint) -> str:
    """Return the URL of the API server at a complete endpoint."""
    return f"https://{authority_of(endpoint)}"


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
    certificate = client_certificate(kubeconfig)
    if certificate is None:
        return False
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return certificate.not_valid_before_utc + lifetime / 2 <= now


def client_certificate(kubeconfig: bytes) -> x509.Certificate | None:
    """Return the client certificate of the first user, or None when it has none that can be read."""
    return _client_certificate(kubeconfig) if len(kubeconfig) <= MAX_KUBECONFIG else None  # what is remembered is small, too


@lru_cache(maxsize=512)
def _client_certificate(kubeconfig: bytes) -> x509.Certificate | None:
    """Return what `client_certificate` does. Remembered, because YAML takes milliseconds and every pass over a Cluster asks."""
    try:
        data = read_kubeconfig(kubeconfig)["users"][0]["user"]["client-certificate-data"]
        return load_certificate(base64.b64decode(data, validate=True))
    except (ValueError, KeyError, IndexError, TypeError):  # refused, no such field, no base64, no certificate
        return None


@dataclass(frozen=True, slots=True)
class Kubeconfigs:
    """Keeps the kubeconfig Secrets of clusters whose control plane has no object of its own.

    `client` may read a cache: a Secret it does not know yet is found out when its name is taken.
    """

    client: Client
    certificates: ClusterCertificates
    keys: Keys
    clock: Clock

    async def ensure(self, cluster: Cluster) -> bool:
        """Store the kubeconfig unless a fresh one is there; False when the cluster has no authority yet that could sign it.

        A kubeconfig that is not the Cluster's own is left to whoever made it.

        Raises:
            CertificateError: the cluster's authority cannot be used.
            Conflict: somebody else wrote the Secret in between.
        """
        secret = await self.client.get(Secret, kubeconfig_secret_key(cluster.key))
        if secret is not None and not self._is_due(cluster, secret):
            return True
        ca = await self.certificates.find(cluster.key, Purpose.CA, uid=cluster.uid)
        endpoint = cluster.spec.control_plane_endpoint
        if ca is None or not ca.key or endpoint is None:
            return False
        key = await self.keys.generate(DEFAULT_ALGORITHM)
        kubeconfig = admin_kubeconfig(cluster.key.name, server_url(endpoint), ca, key, now=self.clock.now())
        if secret is not None:
            metadata = {"resourceVersion": secret.metadata.resource_version}
            await self.client.patch(Secret, secret.key, {"metadata": metadata, "data": encoded({KUBECONFIG_KEY: kubeconfig})})
            return True
        with suppress(errors.AlreadyExists):  # somebody was quicker; the first one counts
            await self.client.create(kubeconfig_secret(cluster.key, kubeconfig, owner_reference(cluster, controller=False)))
        return True

    def _is_due(self, cluster: Cluster, secret: Secret) -> bool:
        if not any(owner.uid == cluster.uid for owner in secret.metadata.owner_references or ()):
            return False
        try:
            return needs_renewal(secret.value(KUBECONFIG_KEY) or b"", now=self.clock.now())
        except ValueError:
            return False  # not base64: no kubeconfig we made


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
