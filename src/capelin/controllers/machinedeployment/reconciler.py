"""The MachineDeployment controller: rolls changes of a template out over MachineSets.

Woken by the deployment, by its MachineSets (whose status sums their Machines up), by MachineSets without owner that match it, and by its
Cluster. A pass looks at the sets, plans one safe step (`plan.py`), tells the sets, and writes status once, from what it saw. Only version,
bootstrap, infrastructure and failure domain replace Machines; everything else reaches them in place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from capelin.api.cluster import Cluster
from capelin.api.defaults import default_machinedeployment
from capelin.api.grouprules import machinedeployment_refusals
from capelin.api.labels import CLUSTER_NAME_LABEL
from capelin.api.machinedeployment import MACHINEDEPLOYMENT_FINALIZER, MachineDeployment, MachineDeploymentStatus
from capelin.api.machinegroup import next_reckoning
from capelin.api.meta import ObjectKey, owner_reference
from capelin.api.pause import is_paused
from capelin.api.references import ContractReference
from capelin.controllers.machinedeployment.machinesets import delete_machinesets, reconcile_machinesets
from capelin.controllers.machinedeployment.rollout import Rollout
from capelin.controllers.machinedeployment.scope import Scope
from capelin.controllers.machinedeployment.status import OWNED_CONDITIONS, set_paused_condition, set_status, silent_for
from capelin.runtime.client import Client
from capelin.runtime.contract import ContractError
from capelin.runtime.events import Recorder
from capelin.runtime.external import ExternalObjects
from capelin.runtime.finalizers import drop_finalizer, ensure_finalizer
from capelin.runtime.ownership import adopt, with_owner
from capelin.runtime.patching import patching
from capelin.runtime.phases import Phase, run_phases, soonest
from capelin.runtime.reconcile import DONE, Result
from capelin.runtime.seams import Clock

TEMPLATE_POLL: Final = timedelta(seconds=2)
"""How often to look for a template that does not exist yet: its creation wakes nobody. Looking is a read of the cache."""

ORPHAN_FINALIZER: Final = "orphan"
"""Kubernetes puts it on an object whose dependents are to outlive it, and takes it off once they are released."""


@dataclass(frozen=True, slots=True)
class MachineDeploymentReconciler:
    """Reconciles MachineDeployments. `client` reads the cache and writes, `live` reads the server."""

    client: Client
    live: Client
    external: ExternalObjects
    clock: Clock
    recorder: Recorder

    async def reconcile(self, key: ObjectKey) -> Result:
        """Move one MachineDeployment a step towards its spec; safe to repeat and to interrupt.

        Raises:
            ExceptionGroup: phases failed; the queue retries with backoff.
        """
        stored = await self.client.get(MachineDeployment, key)
        if stored is None:
            return DONE  # gone: owner references collect what it owned
        cluster = await self.client.get(Cluster, ObjectKey(key.namespace, stored.spec.cluster_name))
        scope = _observe(stored, cluster)
        if is_paused(cluster, stored.metadata):
            return await self._report_paused(stored, scope)
        if await ensure_finalizer(self.client, stored, MACHINEDEPLOYMENT_FINALIZER):
            return DONE  # our own write wakes us again
        told = stored.status.model_copy() if stored.status is not None else None
        async with patching(self.client, stored, owns=OWNED_CONDITIONS) as changes:
            try:
                result = await run_phases(self._phases(scope), scope)
            finally:
                set_status(scope, now=self.clock.now())
            silence = silent_for(scope, told, now=self.clock.now())
            if silence is not None:
                changes.withhold_status()
        return soonest(result, Result(silence), Result(next_reckoning(scope.machines, now=self.clock.now())))

    async def _report_paused(self, stored: MachineDeployment, scope: Scope) -> Result:
        async with patching(self.client, stored, owns=OWNED_CONDITIONS):
            set_paused_condition(scope, now=self.clock.now())
        return DONE

    def _phases(self, scope: Scope) -> tuple[Phase[Scope], ...]:
        machinesets: Phase[Scope] = partial(reconcile_machinesets, self.client, self.live)
        if scope.is_deleting:
            return (machinesets, self._delete)
        rollout = Rollout(self.client, self.live, self.clock, self.recorder)
        return (self._reconcile_owner, self._reconcile_templates, machinesets, rollout.roll_out)

    async def _reconcile_owner(self, scope: Scope) -> Result:
        """Make the deployment belong to its Cluster."""
        metadata, cluster = scope.deployment.metadata, scope.cluster
        metadata.labels = {**(metadata.labels or {}), CLUSTER_NAME_LABEL: scope.deployment.spec.cluster_name}
        if cluster is None:
            scope.blockers.append(f"Cluster {scope.deployment.spec.cluster_name} does not exist")
        elif cluster.metadata.deletion_timestamp is None:
            metadata.owner_references = with_owner(metadata.owner_references, owner_reference(cluster, controller=False))
        return DONE

    async def _reconcile_templates(self, scope: Scope) -> Result:
        """Look the templates up and make them belong to the Cluster, so that they move and go with it.

        Raises:
            ContractError: a reference leads to no provider's kind.
            ApiError: nothing is known.
        """
        spec = scope.deployment.spec.template.spec
        references = [spec.infrastructure_ref, *([spec.bootstrap.config_ref] if spec.bootstrap.config_ref is not None else [])]
        try:
            found = [reference.kind for reference in references if not await self._own_template(scope, reference)]
        except ContractError as error:
            scope.blockers.append(str(error))
            raise
        scope.missing = found
        return Result(TEMPLATE_POLL) if found else DONE

    async def _own_template(self, scope: Scope, reference: ContractReference) -> bool:
        """Add the Cluster to the owners of the template, once; False when there is no such template."""
        template = await self.external.get(reference, scope.deployment.key.namespace)
        cluster = scope.cluster
        if template is not None and cluster is not None and cluster.metadata.deletion_timestamp is None:
            await adopt(self.client, template, cluster, controller=False)
        return template is not None

    async def _delete(self, scope: Scope) -> Result:
        """Delete every MachineSet, and let go of the deployment once the server says that none is left."""
        if ORPHAN_FINALIZER in (scope.deployment.metadata.finalizers or ()):
            return DONE  # the MachineSets are to stay: wait until the garbage collector has released them
        if await delete_machinesets(self.client, self.live, scope):
            drop_finalizer(scope.deployment, MACHINEDEPLOYMENT_FINALIZER)
        return DONE


def _observe(stored: MachineDeployment, cluster: Cluster | None) -> Scope:
    """Return the scope of a pass: the deployment as admission would have completed it, and what admission would have refused.

    Metadata and status are the stored object's own, so that they are what is written.
    """
    if stored.status is None:
        stored.status = MachineDeploymentStatus()
    deployment = default_machinedeployment(stored)
    deployment.metadata, deployment.status = stored.metadata, stored.status
    return Scope(deployment, cluster, blockers=[str(refusal) for refusal in machinedeployment_refusals(deployment)])
