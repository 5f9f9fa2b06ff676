"""The DevMachine controller: a simulated machine that boots from its bootstrap data.

Once the Machine has bootstrap data and the cluster has its infrastructure, the machine is ordered from the simulated cloud; every pass asks
the cloud how far it is, and comes back when the next step is due. Woken by the DevMachine, by its Machine and by its Cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from capelin.api.behavior import BehaviorError, MachineBehavior, declared_behavior
from capelin.api.cluster import Cluster
from capelin.api.core import Secret
from capelin.api.devcluster import DevCluster
from capelin.api.devmachine import DEVMACHINE_FINALIZER, DevMachine
from capelin.api.kubeadmconfig import FORMAT_CLOUD_CONFIG
from capelin.api.machine import Machine
from capelin.api.meta import ObjectKey, set_condition
from capelin.api.pause import is_paused, paused_condition
from capelin.api.reasons import INVALID_SPEC_REASON, WAITING_FOR_BOOTSTRAP_DATA_REASON, WAITING_FOR_CLUSTER_INFRASTRUCTURE_READY_REASON
from capelin.cloud.inmemory.orders import Stage
from capelin.controllers.devmachine.plan import order_for, provider_id, site_of, waiting_for
from capelin.controllers.devmachine.scope import Cloud, Scope, Waiting
from capelin.controllers.devmachine.status import OWNED_CONDITIONS, is_worth_telling, set_status, silent_for
from capelin.runtime.client import Client
from capelin.runtime.finalizers import drop_finalizer, ensure_finalizer
from capelin.runtime.patching import Changes, patching
from capelin.runtime.phases import Phase, run_phases
from capelin.runtime.reconcile import DONE, Result
from capelin.runtime.seams import Clock

DATA_POLL: Final = timedelta(seconds=5)
"""How often to look for bootstrap data that is named and not there, or not whole: Secrets of users wake nobody."""

DATA_KEY: Final = "value"
FORMAT_KEY: Final = "format"


@dataclass(frozen=True, slots=True)
class DevMachineReconciler:
    """Reconciles DevMachines. `client` reads the cache and writes, `live` reads the server."""

    client: Client
    live: Client
    cloud: Cloud
    clock: Clock

    async def reconcile(self, key: ObjectKey) -> Result:
        """Move one DevMachine a step towards its spec; safe to repeat and to interrupt.

        Raises:
            ExceptionGroup: phases failed; the queue retries with backoff.
        """
        devmachine = await self.client.get(DevMachine, key)
        if devmachine is None:
            return DONE
        machine = await self._machine_of(devmachine)
        scope = Scope(devmachine, machine, await self._cluster_of(machine))
        if is_paused(scope.cluster, devmachine.metadata):
            return await self._report_paused(scope)
        if await ensure_finalizer(self.client, devmachine, DEVMACHINE_FINALIZER):
            return DONE  # our own write wakes us again
        async with patching(self.client, devmachine, owns=OWNED_CONDITIONS) as changes:
            if devmachine.metadata.deletion_timestamp is not None:
                return await run_phases((self._delete,), scope)
            try:
                return await run_phases(self._phases(changes), scope)
            finally:
                if is_worth_telling(scope, now=self.clock.now()):
                    self._set_paused(scope)
                    set_status(scope, now=self.clock.now())

    async def _machine_of(self, devmachine: DevMachine) -> Machine | None:
        kind, group = Machine.resource.kind, Machine.resource.group
        owner = next((o for o in devmachine.metadata.owner_references or () if o.kind == kind and o.group == group), None)
        found = await self.client.get(Machine, ObjectKey(devmachine.key.namespace, owner.name)) if owner else None
        return found if found is not None and owner is not None and found.uid == owner.uid else None

    async def _cluster_of(self, machine: Machine | None) -> Cluster | None:
        return await self.client.get(Cluster, ObjectKey(machine.key.namespace, machine.spec.cluster_name)) if machine else None

    async def _report_paused(self, scope: Scope) -> Result:
        async with patching(self.client, scope.devmachine, owns=OWNED_CONDITIONS):
            self._set_paused(scope)
        return DONE

    def _set_paused(self, scope: Scope) -> None:
        condition = paused_condition(scope.cluster, scope.devmachine, now=self.clock.now())
        scope.status.conditions = set_condition(scope.status.conditions, condition)

    def _phases(self, changes: Changes) -> tuple[Phase[Scope], ...]:
        return (_reconcile_behavior, partial(self._reconcile_machine, changes))

    async def _reconcile_machine(self, changes: Changes, scope: Scope) -> Result:
        """Order the machine and see how far it is; its identity is stored before the status says that it is there."""
        scope.waiting = waiting_for(scope)
        machine, cluster, devmachine = scope.machine, scope.cluster, scope.devmachine
        if scope.waiting is not None or machine is None or cluster is None:
            return Result(silent_for(scope, now=self.clock.now()))  # whatever is missing, its coming wakes us
        site = site_of(cluster, await self._devcluster_of(cluster))
        if site is None:
            scope.waiting = Waiting(WAITING_FOR_CLUSTER_INFRASTRUCTURE_READY_REASON, "The Cluster's DevCluster has no endpoint")
            return Result(DATA_POLL)
        data = None if self.cloud.has(devmachine.uid) else await self._bootstrap_data(scope, machine)
        if scope.waiting is not None:
            return Result(DATA_POLL)
        scope.progress = await self.cloud.advance(order_for(scope, machine, site, data))
        if scope.progress.is_done(Stage.VM) and devmachine.spec is not None:
            devmachine.spec.provider_id = provider_id(devmachine)
            await changes.store_spec()
        return Result(scope.progress.after)

    async def _devcluster_of(self, cluster: Cluster) -> DevCluster | None:
        reference, kind = cluster.spec.infrastructure_ref, DevCluster.resource
        if reference is None or (reference.api_group, reference.kind) != (kind.group, kind.kind):
            return None
        return await self.client.get(DevCluster, ObjectKey(cluster.key.namespace, reference.name))

    async def _bootstrap_data(self, scope: Scope, machine: Machine) -> bytes | None:
        """Return the bootstrap data; without it, `scope.waiting` says why, unless the machine ran before and can do without."""
        key = ObjectKey(machine.key.namespace, machine.spec.bootstrap.data_secret_name or "")
        secret = await self.client.get(Secret, key) or await self.live.get(Secret, key)
        if secret is None:
            if machine.status is None or machine.status.node_ref is None:
                scope.waiting = Waiting(WAITING_FOR_BOOTSTRAP_DATA_REASON, f"Secret {key.name} does not exist")
            return None
        try:
            data, form = secret.value(DATA_KEY), (secret.value(FORMAT_KEY) or b"").decode()
        except ValueError:
            scope.waiting = Waiting(INVALID_SPEC_REASON, f"Secret {key.name}: data: found text that is not base64, allowed is base64")
            return None
        if form not in ("", FORMAT_CLOUD_CONFIG):
            message = f"Secret {key.name}: data[{FORMAT_KEY}]: found {form!r}, allowed is {FORMAT_CLOUD_CONFIG}"
            scope.waiting = Waiting(INVALID_SPEC_REASON, message)
        elif not data:
            scope.waiting = Waiting(WAITING_FOR_BOOTSTRAP_DATA_REASON, f"Secret {key.name} has no data[{DATA_KEY}]")
        return data

    async def _delete(self, scope: Scope) -> Result:
        """Have the machine no more; its Node is the Machine controller's to delete."""
        await self.cloud.remove(scope.devmachine.uid)
        drop_finalizer(scope.devmachine, DEVMACHINE_FINALIZER)
        return DONE


async def _reconcile_behavior(scope: Scope) -> Result:
    """Read what the annotation declares; one that cannot be understood declares nothing."""
    try:
        scope.behavior = declared_behavior(MachineBehavior, scope.devmachine.metadata.annotations)
    except BehaviorError as error:
        scope.behavior_problem = str(error)
    return DONE
