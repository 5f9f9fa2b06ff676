"""The certificates of a workload cluster: made once, kept in Secrets, never changed.

Each authority is a Secret `<cluster>-<purpose>` of type `cluster.x-k8s.io/secret` with the keys `tls.crt` and `tls.key`. One that is there
already is used as it is, whoever made it: bringing your own authority means creating its Secret first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Final

from capelin.api.cluster import CLUSTER_SECRET_TYPE, Cluster
from capelin.api.core import Secret, encoded
from capelin.api.kubeadm import ClusterConfiguration
from capelin.api.labels import CLUSTER_NAME_LABEL
from capelin.api.meta import ObjectKey, ObjectMeta, OwnerReference
from capelin.runtime import errors
from capelin.runtime.client import Client
from capelin.runtime.pki import CertificateError, KeyPair, authority, load_certificate, load_key, public_key
from capelin.runtime.seams import Clock, Keys

CERTIFICATE_KEY: Final = "tls.crt"
PRIVATE_KEY_KEY: Final = "tls.key"

DEFAULT_ALGORITHM: Final = "ECDSA-P256"
"""Where the choice is ours: as strong as RSA-3072, and a thousand times quicker to make."""

DEFAULT_AUTHORITY_DAYS: Final = 3650


class Purpose(Enum):
    """What a key pair of a cluster is for; the value is the end of its Secret's name."""

    CA = "ca"
    ETCD = "etcd"
    FRONT_PROXY = "proxy"
    SERVICE_ACCOUNT = "sa"
    ETCD_CLIENT = "apiserver-etcd-client"  # only with an external etcd, and then brought along


COMMON_NAMES: Final = {Purpose.CA: "kubernetes", Purpose.ETCD: "etcd-ca", Purpose.FRONT_PROXY: "front-proxy-ca"}
"""The subjects of the authorities, as kubeadm names them."""

Certificates = Mapping[Purpose, KeyPair]


class CertificatesMissing(Exception):
    """Certificates that only their owner can provide are not there; the message names the Secrets."""


def required(configuration: ClusterConfiguration | None) -> tuple[Purpose, ...]:
    """Return what a control-plane machine needs."""
    purposes = (Purpose.CA, Purpose.ETCD, Purpose.FRONT_PROXY, Purpose.SERVICE_ACCOUNT)
    return (*purposes, Purpose.ETCD_CLIENT) if _has_external_etcd(configuration) else purposes


def generated(configuration: ClusterConfiguration | None) -> tuple[Purpose, ...]:
    """Return what is made when it is not there; an external etcd's authority belongs to that etcd."""
    purposes = (Purpose.CA, Purpose.ETCD, Purpose.FRONT_PROXY, Purpose.SERVICE_ACCOUNT)
    return tuple(p for p in purposes if p is not Purpose.ETCD) if _has_external_etcd(configuration) else purposes


def secret_key(cluster: ObjectKey, purpose: Purpose) -> ObjectKey:
    """Return the name of the Secret that holds the key pair."""
    return ObjectKey(cluster.namespace, f"{cluster.name}-{purpose.value}")


def certificate_secret(cluster: ObjectKey, purpose: Purpose, pair: KeyPair, owner: OwnerReference) -> Secret:
    """Return the Secret that holds the key pair."""
    key = secret_key(cluster, purpose)
    return Secret(
        metadata=ObjectMeta(
            name=key.name,
            namespace=key.namespace,
            labels={CLUSTER_NAME_LABEL: cluster.name},
            owner_references=[owner],
        ),
        type=CLUSTER_SECRET_TYPE,
        data=encoded({CERTIFICATE_KEY: pair.certificate, PRIVATE_KEY_KEY: pair.key}),
    )


def key_pair(secret: Secret, purpose: Purpose) -> KeyPair:
    """Return the key pair that a Secret holds, checked as far as its purpose needs it.

    Raises:
        CertificateError: something is missing or cannot be read; the message names the Secret and the key.
    """
    pair = KeyPair(_value(secret, CERTIFICATE_KEY), _value(secret, PRIVATE_KEY_KEY, required=purpose is not Purpose.ETCD))
    try:
        if purpose is not Purpose.SERVICE_ACCOUNT:
            load_certificate(pair.certificate)
        if pair.key:
            load_key(pair.key)
    except CertificateError as error:
        raise CertificateError(f"Secret {secret.key}: {error}") from None
    return pair


def _value(secret: Secret, key: str, *, required: bool = True) -> bytes:
    try:
        found = secret.value(key)
    except ValueError:
        raise CertificateError(f"Secret {secret.key}: data[{key}]: allowed is base64") from None
    if not found and required:
        raise CertificateError(f"Secret {secret.key}: data[{key}]: found nothing, allowed is PEM")
    return found or b""


@dataclass(frozen=True, slots=True)
class ClusterCertificates:
    """Finds a cluster's certificates, or makes them. `client` reads the cache and asks the server for what that has not; `live` writes.

    What the cache has is right, since these Secrets never change. It holds those with the label of a cluster only, so that one is absent is
    the server's answer.
    """

    client: Client
    live: Client
    keys: Keys
    clock: Clock

    async def find(self, cluster: ObjectKey, purpose: Purpose, *, uid: str = "") -> KeyPair | None:
        """Return the key pair, or None when its Secret is authoritatively absent.

        For who gives the Cluster's `uid`, what a former Cluster of that name has left behind is absent: it is about to be collected.

        Raises:
            CertificateError: the Secret cannot be used.
        """
        key = secret_key(cluster, purpose)
        secret = await self.client.get(Secret, key)
        return None if secret is None or _is_left_behind(secret, uid) else key_pair(secret, purpose)

    async def lookup(self, cluster: ObjectKey, purposes: tuple[Purpose, ...], *, uid: str = "") -> dict[Purpose, KeyPair]:
        """Return the key pairs, which must all be there; `uid` as in `find`.

        Raises:
            CertificatesMissing: some are not.
            CertificateError: a Secret cannot be used.
        """
        found = {purpose: await self.find(cluster, purpose, uid=uid) for purpose in purposes}
        if missing := [str(secret_key(cluster, purpose)) for purpose, pair in found.items() if pair is None]:
            raise CertificatesMissing(f"the Secrets {', '.join(missing)} do not exist")
        return {purpose: pair for purpose, pair in found.items() if pair is not None}

    async def ensure(self, cluster: Cluster, owner: OwnerReference, configuration: ClusterConfiguration | None) -> dict[Purpose, KeyPair]:
        """Return the key pairs of the control plane; those that are not there are made first, once for all times.

        Raises:
            CertificatesMissing: an external etcd's are not there.
            CertificateError: a Secret cannot be used.
        """
        pairs: dict[Purpose, KeyPair] = {}
        is_new = False  # then as a rule none is there, and a name that is taken all the same says so
        for purpose in generated(configuration):
            pair = None if is_new else await self.find(cluster.key, purpose, uid=cluster.uid)
            if pair is None:
                pair = await self._create(cluster, purpose, owner, configuration)
                is_new = pair is not None
            if pair is not None:
                pairs[purpose] = pair
        others = tuple(purpose for purpose in required(configuration) if purpose not in pairs)
        return {**pairs, **await self.lookup(cluster.key, others, uid=cluster.uid)}

    async def _create(
        self, cluster: Cluster, purpose: Purpose, owner: OwnerReference, configuration: ClusterConfiguration | None
    ) -> KeyPair | None:
        """Make the key pair and return it; None when somebody was quicker, and the first one counts."""
        key = await self.keys.generate((configuration and configuration.encryption_algorithm) or DEFAULT_ALGORITHM)
        if purpose is Purpose.SERVICE_ACCOUNT:
            pair = KeyPair(public_key(key), key)
        else:
            days = (configuration and configuration.ca_certificate_validity_period_days) or DEFAULT_AUTHORITY_DAYS
            pair = authority(COMMON_NAMES[purpose], key, now=self.clock.now(), valid_for=timedelta(days=days))
        try:
            await self.live.create(certificate_secret(cluster.key, purpose, pair, owner))
        except errors.AlreadyExists:
            return None
        return pair


def _is_left_behind(secret: Secret, uid: str) -> bool:
    kind = Cluster.resource
    clusters = [o for o in secret.metadata.owner_references or () if (o.group, o.kind) == (kind.group, kind.kind)]
    return bool(uid and clusters) and all(owner.uid != uid for owner in clusters)


def _has_external_etcd(configuration: ClusterConfiguration | None) -> bool:
    return configuration is not None and configuration.etcd is not None and configuration.etcd.external is not None
