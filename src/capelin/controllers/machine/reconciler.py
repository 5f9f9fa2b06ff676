"""The Machine controller: makes a computer out of a reference to bootstrap and infrastructure, a Node out of the computer, and undoes both.

Woken by the Machine, by its Cluster, by the bootstrap and infrastructure objects it owns, by its Node (and by losing or regaining the
connection to its cluster), and by the MachineDeployment whose revision it may have fallen behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from capelin.api.cluster import Cluster
from capelin.api.machine import CERTIFICATES_EXPIRY_ANNOTATION, MACHINE_FINALIZER, Machine
from capelin.api.meta import ObjectKey, Unstructured, owner_reference, set_condition
from capelin.api.pause import is_paused, paused_condition
from capelin.controllers.machine.bootstrap import reconcile_bootstrap
from capelin.controllers.machine.deletion import DeletionSteps
from capelin.controllers.machine.infrastructure import reconcile_infrastructure
from capelin.controllers.machine.node import reconcile_node
from capelin.controllers.machine.scope import Scope, WorkloadClusters, cluster_labels, is_control_plane
from capelin.controllers.machine.status import OWNED_CONDITIONS, available_after, set_status, silent_for
from capelin.runtime.client import Client
from capelin.runtime.external import ExternalObjects
from capelin.runtime.finalizers import ensure_finalizer
from capelin.runtime.ownership import with_owner
from capelin.runtime.patching import Changes, patching
from capelin.runtime.phases import Phase, run_phases, soonest
from capelin.runtime.reconcile import DONE, Result
from capelin.runtime.seams import Clock


@dataclass(frozen=True, slots=True)
class MachineReconciler:
    """Reconciles Machines. `client` reads the cache and writes, `live` reads the server."""

    client: Client
    live: Client
    external: ExternalObjects
    clusters: WorkloadClusters
    deletion: DeletionSteps
    clock: Clock

    async def reconcile(self, key: ObjectKey) -> Result:
        """Move one Machine a step towards its spec; safe to repeat and to interrupt.

        Raises:
            ExceptionGroup: phases failed; the queue retries with backoff.
        """
        machine = await self.client.get(Machine, key)
        if machine is None:
            return DONE  # gone: owner references collect what it owned
        scope = Scope(machine, await self._cluster_of(machine))
        if is_paused(scope.cluster, machine.metadata):
            return await self._report_paused(scope)
        if await ensure_finalizer(self.client, machine, MACHINE_FINALIZER):
            return DONE  # our own write wakes us again
        async with patching(self.client, machine, owns=OWNED_CONDITIONS) as changes:
            try:
                result = await run_phases(self._phases(scope, changes), scope)
            finally:
                self._set_paused(scope)
                set_status(scope, now=self.clock.now())
            silence = silent_for(scope, now=self.clock.now())
            if silence is not None:
                changes.withhold_status()
        return soonest(result, Result(silence), Result(available_after(machine, self.clock.now()) or None))

    async def _cluster_of(self, machine: Machine) -> Cluster | None:
        """Return the Machine's Cluster; that it is gone is believed only of the server, never of the cache."""
        key = ObjectKey(machine.key.namespace, machine.spec.cluster_name)
        return await self.client.get(Cluster, key) or await self.live.get(Cluster, key)

    async def _report_paused(self, scope: Scope) -> Result:
        async with patching(self.client, scope.machine, owns=OWNED_CONDITIONS):
            self._set_paused(scope)
        return DONE

    def _set_paused(self, scope: Scope) -> None:
        condition = paused_condition(scope.cluster, scope.machine, now=self.clock.now())
        scope.status.conditions = set_condition(scope.status.conditions, condition)

    def _phases(self, scope: Scope, changes: Changes) -> tuple[Phase[Scope], ...]:
        refer: tuple[Phase[Scope], ...] = (
            partial(reconcile_bootstrap, self.external),
            partial(reconcile_infrastructure, self.external),
        )
        observe: tuple[Phase[Scope], ...] = (
            partial(reconcile_node, self.clusters, self.client),
            _reconcile_certificate_expiry,
        )
        if scope.is_deleting:
            return (*refer, *observe, self.deletion.delete)
        return (_reconcile_ownership, *refer, partial(_store_spec, changes), *observe)


async def _reconcile_ownership(scope: Scope) -> Result:
    """Make a Machine that nobody manages belong to its Cluster; one of a set was created complete."""
    machine, cluster = scope.machine, scope.cluster
    if cluster is None or cluster.metadata.deletion_timestamp is not None:
        return DONE
    labels = machine.metadata.labels or {}
    if cluster_labels(machine).items() - labels.items():
        machine.metadata.labels = labels | cluster_labels(machine)
    if machine.metadata.controller is None:
        machine.metadata.owner_references = with_owner(machine.metadata.owner_references, owner_reference(cluster, controller=False))
    return DONE


async def _store_spec(changes: Changes, scope: Scope) -> Result:  # noqa: ARG001 - the shape of a phase
    """Store what providers wait for (the data Secret's name, the owner) at once, so that the status is one of that spec."""
    await changes.store_spec()
    return DONE


async def _reconcile_certificate_expiry(scope: Scope) -> Result:
    """Report when the API server's certificate expires, as the control plane or the bootstrap provider noted it."""
    if not is_control_plane(scope.machine) or scope.status.node_ref is None:
        return DONE
    noted = (scope.machine.metadata.annotations or {}).get(CERTIFICATES_EXPIRY_ANNOTATION)
    if noted is None and isinstance(scope.bootstrap, Unstructured):
        noted = (scope.bootstrap.metadata.annotations or {}).get(CERTIFICATES_EXPIRY_ANNOTATION)
    scope.status.certificates_expiry_date = _time(noted) if noted else None
    return DONE


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None  # anybody may write annotations; a status without the date says enough
    return found if found.tzinfo else found.replace(tzinfo=UTC)
