"""The deletion of a Cluster, in order: workers → control plane → infrastructure → finalizer.

Workers go first because their Nodes are drained through the control plane; the infrastructure goes last because everything else runs in it.
What was not seen to be gone, by the server's own word, holds back all that follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from capelin.api.cluster import (
    CLUSTER_FINALIZER,
    WAITING_FOR_CONTROL_PLANE_DELETION_REASON,
    WAITING_FOR_INFRASTRUCTURE_DELETION_REASON,
    WAITING_FOR_WORKERS_DELETION_REASON,
    Cluster,
)
from capelin.api.reasons import DELETING_REASON, DELETION_COMPLETED_REASON, INTERNAL_ERROR_REASON
from capelin.controllers.cluster.descendants import descendants_of
from capelin.controllers.cluster.scope import Descendant, Descendants, Scope, Stage, is_initialized, is_provisioned
from capelin.runtime import errors
from capelin.runtime.client import Client
from capelin.runtime.contract import ContractError
from capelin.runtime.external import ExternalObjects
from capelin.runtime.finalizers import drop_finalizer
from capelin.runtime.reconcile import DONE, Result

_MAX_NAMES = 5


@dataclass(frozen=True, slots=True)
class DeletionSteps:
    """Deletes Clusters. `client` reads the cache, `live` the server."""

    client: Client
    live: Client
    external: ExternalObjects

    async def delete(self, scope: Scope) -> Result:
        """Take the next step of the deletion; the finalizer goes when there is none left. Every step that waits is ended by a watch.

        Raises:
            ApiError, ContractError: a step could not look or act; nothing after it was tried.
        """
        scope.stage = Stage(DELETING_REASON)
        try:
            if await self._is_empty(scope):
                scope.stage = Stage(DELETION_COMPLETED_REASON)
                drop_finalizer(scope.cluster, CLUSTER_FINALIZER)
        except (errors.ApiError, ContractError) as error:
            reason = INTERNAL_ERROR_REASON if scope.stage.reason == DELETING_REASON else scope.stage.reason
            scope.stage = Stage(reason, str(error))
            raise
        return DONE

    async def _is_empty(self, scope: Scope) -> bool:
        found = scope.descendants
        if found is None or not found.workers:  # that there are none is believed of the server, never of the cache
            found = await descendants_of(self.live, scope.cluster)
        if found.workers:
            scope.stage = Stage(WAITING_FOR_WORKERS_DELETION_REASON, listed(found.workers))
            await self._delete(scope.cluster, found.workers)
            return False
        return await self._control_plane_gone(scope, found) and await self._infrastructure_gone(scope)

    async def _control_plane_gone(self, scope: Scope, found: Descendants) -> bool:
        reference = scope.cluster.spec.control_plane_ref
        if reference is not None:
            scope.stage = Stage(WAITING_FOR_CONTROL_PLANE_DELETION_REASON, f"{reference.kind} {reference.name}")
            if not await self.external.delete(reference, scope.cluster, existed=is_initialized(scope.cluster)):
                return False
        if not found.control_plane_machines:
            return True
        scope.stage = Stage(WAITING_FOR_CONTROL_PLANE_DELETION_REASON, listed(found.control_plane_machines))
        await self._delete(scope.cluster, found.control_plane_machines)
        return False

    async def _infrastructure_gone(self, scope: Scope) -> bool:
        reference = scope.cluster.spec.infrastructure_ref
        if reference is None:
            return True
        scope.stage = Stage(WAITING_FOR_INFRASTRUCTURE_DELETION_REASON, f"{reference.kind} {reference.name}")
        return await self.external.delete(reference, scope.cluster, existed=is_provisioned(scope.cluster))

    async def _delete(self, cluster: Cluster, found: Iterable[Descendant]) -> None:
        """Ask for the deletion of what is the Cluster's own; the rest goes with its owner."""
        for each in found:
            if each.metadata.deletion_timestamp is None and is_own(each, cluster):
                await self.client.delete(type(each), each.key, uid=each.uid)


def is_own(found: Descendant, cluster: Cluster) -> bool:
    """Tell whether the Cluster deletes the object itself: nobody manages it, and it belongs to this Cluster and to no namesake."""
    owners = [o for o in found.metadata.owner_references or () if o.kind == Cluster.resource.kind and o.group == Cluster.resource.group]
    is_ours = all(owner.uid == cluster.uid for owner in owners)
    return found.metadata.controller is None and is_ours and found.spec.cluster_name == cluster.metadata.name


def listed(found: Sequence[Descendant]) -> str:
    """Return the objects by kind, a few by name: `MachineDeployments: a, b; Machines: c, d, ... (3 more)`."""
    kinds: dict[str, list[str]] = {}
    for each in found:
        kinds.setdefault(each.resource.kind, []).append(each.metadata.name)
    return "; ".join(f"{kind}{'s' if len(names) > 1 else ''}: {_shortened(sorted(names))}" for kind, names in kinds.items())


def _shortened(names: Sequence[str]) -> str:
    more = f", ... ({len(names) - _MAX_NAMES} more)" if len(names) > _MAX_NAMES else ""
    return ", ".join(names[:_MAX_NAMES]) + more
