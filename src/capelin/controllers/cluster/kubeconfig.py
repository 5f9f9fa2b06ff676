"""The kubeconfig of a cluster that has no control-plane object to make it: from the cluster's authority, renewed at half its life."""

from __future__ import annotations

from dataclasses import dataclass

from capelin.api.cluster import Cluster
from capelin.api.core import Secret, encoded
from capelin.api.meta import is_controlled_by, owner_reference
from capelin.runtime import errors
from capelin.runtime.client import Client
from capelin.runtime.seams import Clock, Keys
from capelin.workload.certificates import DEFAULT_ALGORITHM, ClusterCertificates, Purpose
from capelin.workload.kubeconfig import (
    KUBECONFIG_KEY,
    admin_kubeconfig,
    kubeconfig_secret,
    kubeconfig_secret_key,
    needs_renewal,
    server_url,
)
from capelin.workload.pki import KeyPair


@dataclass(frozen=True, slots=True)
class AdminKubeconfigs:
    """Keeps the Secrets `<cluster>-kubeconfig`. `client` reads the cache and writes, `live` reads the server."""

    client: Client
    live: Client
    certificates: ClusterCertificates
    keys: Keys
    clock: Clock

    async def ensure(self, cluster: Cluster) -> bool:
        """Store the Secret, renew it when it is due; False when the cluster's authority does not exist yet.

        Raises:
            CertificateError: the authority cannot be used.
            ApiError: a Secret could not be read or written.
        """
        key = kubeconfig_secret_key(cluster.key)
        secret = await self.client.get(Secret, key) or await self.live.get(Secret, key)
        if secret is not None and not self._is_due(secret, cluster):
            return True
        authority = await self.certificates.find(cluster.key, Purpose.CA)
        if authority is None:
            return False
        content = await self._made(cluster, authority)
        if secret is None:
            await self._create(kubeconfig_secret(cluster.key, content, owner_reference(cluster)))
        else:
            metadata = {"resourceVersion": secret.metadata.resource_version}
            await self.client.patch(Secret, key, {"metadata": metadata, "data": encoded({KUBECONFIG_KEY: content})})
        return True

    def _is_due(self, secret: Secret, cluster: Cluster) -> bool:
        """Tell whether our own Secret has to be renewed; a Secret of somebody else is theirs to keep."""
        if not is_controlled_by(secret.metadata, cluster):
            return False
        try:
            content = secret.value(KUBECONFIG_KEY)
        except ValueError:
            content = None
        return content is None or needs_renewal(content, now=self.clock.now())

    async def _made(self, cluster: Cluster, authority: KeyPair) -> bytes:
        endpoint = cluster.spec.control_plane_endpoint
        assert endpoint is not None  # noqa: S101 - the reconciler asks only once there is one
        key = await self.keys.generate(DEFAULT_ALGORITHM)
        return admin_kubeconfig(cluster.key.name, server_url(endpoint), authority, key, now=self.clock.now())

    async def _create(self, secret: Secret) -> None:
        try:
            await self.client.create(secret)
        except errors.AlreadyExists:
            return  # somebody was faster: the next pass looks at theirs
