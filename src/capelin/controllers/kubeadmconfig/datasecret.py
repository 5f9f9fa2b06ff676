"""The data Secret: what the infrastructure provider hands to the machine."""

from __future__ import annotations

from typing import Final

from capelin.api.cluster import CLUSTER_SECRET_TYPE
from capelin.api.core import Secret, encoded
from capelin.api.kubeadmconfig import FORMAT_CLOUD_CONFIG, KubeadmConfig
from capelin.api.labels import CLUSTER_NAME_LABEL
from capelin.api.meta import ObjectMeta, owner_reference
from capelin.runtime import errors
from capelin.runtime.client import Client
from capelin.runtime.ownership import OwnedByAnother, Whose, whose

MAX_DATA: Final = 1024 * 1024
"""What the API server takes in one Secret, in bytes before encoding."""


class DataTooLarge(ValueError):
    """The bootstrap data fits into no Secret."""


def desired_data_secret(config: KubeadmConfig, cluster_name: str, data: bytes) -> Secret:
    """Return the Secret (bootstrap contract): named as the config, with its cluster's label and the config as controller.

    Raises:
        DataTooLarge: the data does not fit.
    """
    if len(data) > MAX_DATA:
        raise DataTooLarge(f"the bootstrap data: found {len(data)} bytes, allowed are {MAX_DATA}")
    return Secret(
        metadata=ObjectMeta(
            name=config.key.name,
            namespace=config.key.namespace,
            labels={CLUSTER_NAME_LABEL: cluster_name},
            owner_references=[owner_reference(config)],
        ),
        type=CLUSTER_SECRET_TYPE,
        data=encoded({"value": data, "format": FORMAT_CLOUD_CONFIG.encode()}),
    )


async def store(live: Client, config: KubeadmConfig, secret: Secret) -> None:
    """Store the Secret; one of ours that an interrupted pass left is brought up to date.

    Raises:
        OwnedByAnother: somebody else's Secret has the name.
        Conflict: somebody else wrote it in between.
    """
    try:
        await live.create(secret)
        return None
    except errors.AlreadyExists:
        found = await live.get(Secret, secret.key)
    if found is None:
        return await store(live, config, secret)
    if whose(found.metadata, config) is not Whose.OURS:
        raise OwnedByAnother(f"Secret {secret.key} exists, and is not controlled by KubeadmConfig {config.key.name}")
    if found.data != secret.data:
        await live.update(found.model_copy(update={"data": secret.data}))
    return None
