"""Which volumes a Node still holds: a machine must not be destroyed under a volume that is being written to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from capelin.api.core import Node, PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttachment
from capelin.api.meta import ObjectKey
from capelin.runtime import errors
from capelin.runtime.client import Client
from capelin.runtime.seams import Clock
from capelin.workload.drain import plan_drain, pods_on

_CSI_NAME: Final = "kubernetes.io/csi/{driver}^{handle}"


async def attached_volumes(client: Client, node: Node, clock: Clock) -> list[str]:
    """Return the volumes to wait for, by name and in order; `node` must have been read live.

    Volumes of Pods that a drain leaves alone are not waited for, since nothing would detach them.
    """
    attached = {volume.name for volume in (node.status.volumes_attached if node.status else None) or ()}
    attachments = {volume for volume in await _attachments(client, node) if volume}
    if not attached and not attachments:
        return []
    kept = await _volumes_kept(client, node, clock)
    return sorted((attached | attachments) - kept)


async def _attachments(client: Client, node: Node) -> list[str]:
    try:
        found = await client.list(VolumeAttachment)
    except errors.NotFound:
        return []  # a cluster that does not serve the kind has none
    return [a.spec.source.persistent_volume_name or a.metadata.name for a in found if a.spec.node_name == node.metadata.name]


async def _volumes_kept(client: Client, node: Node, clock: Clock) -> set[str]:
    """Return both names (PersistentVolume, and as the kubelet reports it) of the volumes of Pods that stay on the Node."""
    plan = plan_drain(await pods_on(client, node.metadata.name), node=node.metadata.name, unreachable=False, now=clock.now())
    kept: set[str] = set()
    for claim in _claims(plan.skipped):
        bound = await client.get(PersistentVolumeClaim, claim)
        name = ((bound.spec or {}) if bound else {}).get("volumeName")
        if not isinstance(name, str):
            continue
        kept.add(name)
        volume = await client.get(PersistentVolume, ObjectKey("", name))
        csi = volume.spec.csi if volume and volume.spec else None
        if csi is not None:
            kept.add(_CSI_NAME.format(driver=csi.driver, handle=csi.volume_handle))
    return kept


def _claims(pods: Iterable[Pod]) -> list[ObjectKey]:
    return sorted(
        ObjectKey(pod.key.namespace, volume.persistent_volume_claim.claim_name)
        for pod in pods
        for volume in (pod.spec.volumes if pod.spec else None) or ()
        if volume.persistent_volume_claim is not None
    )
