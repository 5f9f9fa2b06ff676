"""The init lock: of all control-plane machines of a cluster, exactly one runs `kubeadm init`.

The lock is a ConfigMap `<cluster>-lock` that names the Machine. It is taken by creating it, so the API server decides who is first, and
it stays for as long as the cluster does: whoever comes later can see that init has happened, and by whom.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from capelin.api.cluster import Cluster
from capelin.api.core import ConfigMap
from capelin.api.labels import CLUSTER_NAME_LABEL
from capelin.api.machine import Machine
from capelin.api.meta import ObjectKey, ObjectMeta, owner_reference
from capelin.runtime import codec, errors
from capelin.runtime.client import Client

INFORMATION: Final = "lock-information"


def lock_key(cluster: ObjectKey) -> ObjectKey:
    """Return the name of the lock."""
    return ObjectKey(cluster.namespace, f"{cluster.name}-lock")


def desired_lock(cluster: Cluster, machine: Machine) -> ConfigMap:
    """Return the lock held by the Machine."""
    key = lock_key(cluster.key)
    return ConfigMap(
        metadata=ObjectMeta(
            name=key.name,
            namespace=key.namespace,
            labels={CLUSTER_NAME_LABEL: cluster.key.name},
            owner_references=[owner_reference(cluster, controller=False)],
        ),
        data={INFORMATION: codec.encode({"machineName": machine.key.name}).decode()},
    )


def holder(lock: ConfigMap) -> str:
    """Return the name of the Machine that holds the lock; empty when it names none."""
    try:
        found = codec.decode_document((lock.data or {}).get(INFORMATION, ""))
    except codec.DecodeError:
        return ""
    return str(found.get("machineName") or "")


@dataclass(frozen=True, slots=True)
class InitLock:
    """Takes and reads init locks. `live` reads the server and writes: a stale answer could let two machines in."""

    live: Client

    async def holder(self, cluster: ObjectKey) -> str:
        """Return the name of the Machine that ran or may run init; empty when there is none."""
        lock = await self.live.get(ConfigMap, lock_key(cluster))
        return "" if lock is None else holder(lock)

    async def acquire(self, cluster: Cluster, machine: Machine) -> bool:
        """Tell whether this Machine is the one that runs init; it is from now on if nobody else was.

        A lock whose Machine is authoritatively gone (and its computer with it) passes to the next one, but never once the control plane
        has been initialized.

        Raises:
            Conflict: another Machine took over the lock at the same moment.
        """
        lock = await self.live.get(ConfigMap, lock_key(cluster.key))
        if lock is None:
            try:
                await self.live.create(desired_lock(cluster, machine))
            except errors.AlreadyExists:
                return await self.holder(cluster.key) == machine.key.name
            return True
        is_held = holder(lock) == machine.key.name
        if is_held and any(owner.uid == cluster.uid for owner in lock.metadata.owner_references or ()):
            return True
        if is_held or await self._is_abandoned(cluster.key, holder(lock)):
            wanted = desired_lock(cluster, machine)
            # A former Cluster of the same name may have left the lock behind: with its owner it would be collected under our feet.
            lock.metadata.owner_references = wanted.metadata.owner_references
            await self.live.update(lock.model_copy(update={"data": wanted.data}))
            return True
        return False

    async def _is_abandoned(self, cluster: ObjectKey, name: str) -> bool:
        if name and await self.live.get(Machine, ObjectKey(cluster.namespace, name)) is not None:
            return False
        found = await self.live.get(Cluster, cluster)
        return found is not None and not is_initialized(found)


def is_initialized(cluster: Cluster) -> bool:
    """Tell whether the control plane has answered once."""
    reached = cluster.status.initialization if cluster.status else None
    return bool(reached and reached.control_plane_initialized)
