"""The Cluster controller: brings infrastructure, control plane and workers together, sums them up, and takes them down in order.

Woken by the Cluster, by its Machines, MachineSets and MachineDeployments, by the infrastructure and control-plane objects it owns, and by
gaining or losing the connection to the workload cluster.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

from capelin.api.cluster import CLUSTER_FINALIZER, Cluster
from capelin.api.machinegroup import next_reckoning
from capelin.api.meta import ObjectKey, set_condition
from capelin.api.pause import is_paused, paused_condition
from capelin.controllers.cluster.deletion import DeletionSteps
from capelin.controllers.cluster.descendants import descendants_of
from capelin.controllers.cluster.references import reconcile_control_plane, reconcile_infrastructure
from capelin.controllers.cluster.scope import Connections, Kubeconfigs, Scope, has_endpoint, is_provisioned
from capelin.controllers.cluster.status import OWNED_CONDITIONS, set_status, silent_for
from capelin.runtime import errors
from capelin.runtime.client import Client
from capelin.runtime.deadlines import until
from capelin.runtime.external import ExternalObjects
from capelin.runtime.finalizers import ensure_finalizer
from capelin.runtime.patching import Changes, patching
from capelin.runtime.phases import Phase, run_phases, soonest
from capelin.runtime.reconcile import DONE, Result
from capelin.runtime.seams import Clock
from capelin.workload.connections import PROBE_GRACE

CERTIFICATE_POLL: Final = timedelta(seconds=1)
"""How often at most to look for the certificate authority that the kubeconfig is made from: its Secret is the bootstrap provider's, and
nobody watches it for us."""


@dataclass(frozen=True, slots=True)
class ClusterReconciler:
    """Reconciles Clusters. `client` reads the cache and writes."""

    client: Client
    external: ExternalObjects
    connections: Connections
    kubeconfigs: Kubeconfigs
    deletion: DeletionSteps
    clock: Clock
    _missed_at: dict[ObjectKey, float] = field(default_factory=dict)  # when a cluster's authority was looked for in vain

    async def reconcile(self, key: ObjectKey) -> Result:
        """Move one Cluster a step towards its spec; safe to repeat and to interrupt.

        Raises:
            ExceptionGroup: phases failed; the queue retries with backoff.
        """
        cluster = await self.client.get(Cluster, key)
        if cluster is None:
            self.connections.forget(key)
            self._missed_at.pop(key, None)
            return DONE  # gone: owner references collect what it owned
        scope = Scope(cluster)
        if is_paused(cluster, cluster.metadata):
            return await self._report_paused(scope)
        if await ensure_finalizer(self.client, cluster, CLUSTER_FINALIZER):
            return DONE  # our own write wakes us again
        async with patching(self.client, cluster, owns=OWNED_CONDITIONS) as changes:
            try:
                result = await run_phases(self._phases(scope, changes), scope)
            finally:
                self._set_paused(scope)
                set_status(scope, now=self.clock.now())
            silence = silent_for(scope, now=self.clock.now())
            if silence is not None:
                changes.withhold_status()
        return soonest(result, Result(silence))

    async def _report_paused(self, scope: Scope) -> Result:
        async with patching(self.client, scope.cluster, owns=OWNED_CONDITIONS):
            self._set_paused(scope)
        return DONE

    def _set_paused(self, scope: Scope) -> None:
        condition = paused_condition(scope.cluster, scope.cluster, now=self.clock.now())
        scope.status.conditions = set_condition(scope.status.conditions, condition)

    def _phases(self, scope: Scope, changes: Changes) -> tuple[Phase[Scope], ...]:
        observe: tuple[Phase[Scope], ...] = (
            partial(reconcile_infrastructure, self.external),
            partial(reconcile_control_plane, self.external),
            self._observe_descendants,
        )
        if scope.is_deleting:
            return (*observe, self.deletion.delete)
        return (*observe, partial(_store_endpoint, changes), self._reconcile_kubeconfig, self._reconcile_connection)

    async def _observe_descendants(self, scope: Scope) -> Result:
        scope.descendants = await descendants_of(self.client, scope.cluster)
        return Result(next_reckoning(scope.descendants.machines, now=self.clock.now()))

    async def _reconcile_kubeconfig(self, scope: Scope) -> Result:
        """Keep the kubeconfig of a cluster without a control-plane object, whose Machines bring only their certificates.

        Looked at when all is well too: it is renewed long before it ends, and nobody wakes us for that but the regular look at everything.
        """
        cluster = scope.cluster
        if cluster.spec.control_plane_ref is not None or cluster.spec.topology is not None or not has_endpoint(cluster):
            return DONE
        now = self.clock.monotonic()
        left = until(self._missed_at.get(cluster.key, -math.inf) + CERTIFICATE_POLL.total_seconds(), now)
        if not left and await self.kubeconfigs.ensure(cluster):
            self._missed_at.pop(cluster.key, None)
            return DONE
        scope.lacks_kubeconfig = True
        if not left:
            self._missed_at[cluster.key] = self.clock.monotonic()
        return Result(left or CERTIFICATE_POLL)

    async def _reconcile_connection(self, scope: Scope) -> Result:
        """Want a connection once there is something to connect to; when it comes and goes, we are told."""
        cluster = scope.cluster
        if not is_provisioned(cluster) or not has_endpoint(cluster) or scope.lacks_kubeconfig:
            return DONE
        with suppress(errors.Unreachable):  # the status tells
            await self.connections.client(cluster.key)
        scope.connection = self.connections.connection(cluster.key)
        is_doubtful = not scope.connection.is_connected and scope.connection.silent_for < PROBE_GRACE
        return Result(PROBE_GRACE - scope.connection.silent_for) if is_doubtful else DONE


async def _store_endpoint(changes: Changes, scope: Scope) -> Result:  # noqa: ARG001 - the shape of a phase
    """Store the endpoint at once: kubeconfigs are made for it, and the status is then one of that spec."""
    await changes.store_spec()
    return DONE
