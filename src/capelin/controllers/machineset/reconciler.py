"""The MachineSet controller: keeps as many equal Machines as the set asks for.

Woken by the set, by its Machines, by Machines without owner that match it, by its Cluster, and by its MachineDeployment. A pass looks at
Machines and templates, completes what an interrupted pass left, passes labels and in-place fields on, and takes one step towards
`spec.replicas`. Status is written once, at the end, from what the pass saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from capelin.api.cluster import Cluster
from capelin.api.defaults import default_machinedeployment, default_machineset
from capelin.api.grouprules import machineset_refusals
from capelin.api.labels import CLUSTER_NAME_LABEL
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machinegroup import next_reckoning
from capelin.api.machineset import MACHINESET_FINALIZER, MachineSet, MachineSetStatus
from capelin.api.meta import ObjectKey, owner_reference
from capelin.api.pause import is_paused
from capelin.controllers.machineset.companions import reconcile_companions, reconcile_templates
from capelin.controllers.machineset.inplace import reconcile_in_place
from capelin.controllers.machineset.machines import delete_machines, reconcile_machines
from capelin.controllers.machineset.scale import Scaling
from capelin.controllers.machineset.scope import Scope
from capelin.controllers.machineset.status import OWNED_CONDITIONS, set_paused_condition, set_status
from capelin.runtime.client import Client
from capelin.runtime.events import Recorder
from capelin.runtime.external import ExternalObjects
from capelin.runtime.finalizers import drop_finalizer, ensure_finalizer
from capelin.runtime.ownership import with_owner
from capelin.runtime.patching import patching
from capelin.runtime.phases import Phase, run_phases, soonest
from capelin.runtime.reconcile import DONE, Result
from capelin.runtime.seams import Clock

ORPHAN_FINALIZER: Final = "orphan"
"""Kubernetes puts it on an object whose dependents are to outlive it, and takes it off once they are released."""


@dataclass(frozen=True, slots=True)
class MachineSetReconciler:
    """Reconciles MachineSets. `client` reads the cache and writes, `live` reads the server."""

    client: Client
    live: Client
    external: ExternalObjects
    clock: Clock
    recorder: Recorder

    async def reconcile(self, key: ObjectKey) -> Result:
        """Move one MachineSet a step towards its spec; safe to repeat and to interrupt.

        Raises:
            ExceptionGroup: phases failed; the queue retries with backoff.
        """
        stored = await self.client.get(MachineSet, key)
        if stored is None:
            return DONE  # gone: owner references collect what it owned
        cluster = await self.client.get(Cluster, ObjectKey(key.namespace, stored.spec.cluster_name))
        scope = _observe(stored, cluster)
        if is_paused(cluster, stored.metadata):
            return await self._report_paused(stored, scope)
        if await ensure_finalizer(self.client, stored, MACHINESET_FINALIZER):
            return DONE  # our own write wakes us again
        async with patching(self.client, stored, owns=OWNED_CONDITIONS):
            try:
                result = await run_phases(self._phases(scope), scope)
            finally:
                set_status(scope, now=self.clock.now())
        return soonest(result, self._reckoning(scope))

    async def _report_paused(self, stored: MachineSet, scope: Scope) -> Result:
        async with patching(self.client, stored, owns=OWNED_CONDITIONS):
            set_paused_condition(scope, now=self.clock.now())
        return DONE

    def _reckoning(self, scope: Scope) -> Result:
        """Look again when time alone will have changed the status."""
        return Result(next_reckoning(scope.machines, now=self.clock.now())) if isinstance(scope.machines, list) else DONE

    def _phases(self, scope: Scope) -> tuple[Phase[Scope], ...]:
        machines: Phase[Scope] = partial(reconcile_machines, self.client, self.live)
        if scope.is_deleting:
            return (machines, self._delete)
        return (
            self._reconcile_owner,
            partial(reconcile_templates, self.external, self.client),
            machines,
            partial(reconcile_companions, self.external, self.client),
            partial(reconcile_in_place, self.external, self.client, self.clock),
            Scaling(self.external, self.client, self.live, self.recorder).scale,
        )

    async def _reconcile_owner(self, scope: Scope) -> Result:
        """Find the set's MachineDeployment, or make a set that stands alone belong to its Cluster."""
        machineset, cluster = scope.machineset, scope.cluster
        metadata, controller = machineset.metadata, machineset.metadata.controller
        metadata.labels = {**(metadata.labels or {}), CLUSTER_NAME_LABEL: machineset.spec.cluster_name}
        if cluster is None:
            scope.blockers.append(f"Cluster {machineset.spec.cluster_name} does not exist")
        if controller is None:
            if cluster is not None and cluster.metadata.deletion_timestamp is None:
                metadata.owner_references = with_owner(metadata.owner_references, owner_reference(cluster, controller=False))
        elif controller.kind == MachineDeployment.resource.kind and controller.group == MachineDeployment.resource.group:
            found = await self.client.get(MachineDeployment, ObjectKey(machineset.key.namespace, controller.name))
            if found is not None and found.uid == controller.uid:
                scope.deployment = default_machinedeployment(found)
        return DONE

    async def _delete(self, scope: Scope) -> Result:
        """Delete every Machine, and let go of the set once the server says that none is left."""
        if ORPHAN_FINALIZER in (scope.machineset.metadata.finalizers or ()):
            return DONE  # the Machines are to stay: wait until the garbage collector has released them
        if await delete_machines(self.client, self.live, scope):
            drop_finalizer(scope.machineset, MACHINESET_FINALIZER)
        return DONE


def _observe(stored: MachineSet, cluster: Cluster | None) -> Scope:
    """Return the scope of a pass: the set as admission would have completed it, and what admission would have refused.

    Metadata and status are the stored object's own, so that they are what is written.
    """
    if stored.status is None:
        stored.status = MachineSetStatus()
    machineset = default_machineset(stored)
    machineset.metadata, machineset.status = stored.metadata, stored.status
    return Scope(machineset, cluster, blockers=[str(refusal) for refusal in machineset_refusals(machineset)])
