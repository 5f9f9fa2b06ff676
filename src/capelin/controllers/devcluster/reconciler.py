"""The DevCluster controller: a place where a simulated cluster's API is served.

It chooses the port once and stores it before anything is served there. That the infrastructure is provisioned does not depend on a control
plane, whose bootstrap data waits for the infrastructure. Woken by the DevCluster and by its Cluster.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from capelin.api.behavior import BehaviorError, ClusterBehavior, declared_behavior
from capelin.api.cluster import APIEndpoint, Cluster
from capelin.api.devcluster import DEVCLUSTER_FINALIZER, DevCluster, DevClusterSpec
from capelin.api.labels import MANAGED_BY_ANNOTATION
from capelin.api.meta import ObjectKey, set_condition
from capelin.api.pause import is_paused, paused_condition
from capelin.cloud.inmemory.orders import Site
from capelin.controllers.devcluster.scope import Cloud, Ports, Scope, SpecRefused, cluster_owner
from capelin.controllers.devcluster.status import OWNED_CONDITIONS, set_status, silent_for
from capelin.runtime.client import Client
from capelin.runtime.finalizers import drop_finalizer, ensure_finalizer
from capelin.runtime.patching import Changes, patching
from capelin.runtime.phases import Phase, run_phases
from capelin.runtime.reconcile import DONE, Result
from capelin.runtime.seams import Clock

LOOPBACK: Final = "127.0.0.1"
"""Where simulated clusters are served: whoever may reach them is on this machine."""

PORT_RETRY: Final = timedelta(seconds=10)
"""How often to try a port that something else listens on: nobody tells us when it is given back."""


@dataclass(frozen=True, slots=True)
class DevClusterReconciler:
    """Reconciles DevClusters. `client` reads the cache and writes."""

    client: Client
    cloud: Cloud
    ports: Ports
    clock: Clock

    async def reconcile(self, key: ObjectKey) -> Result:
        """Move one DevCluster a step towards its spec; safe to repeat and to interrupt.

        Raises:
            ExceptionGroup: phases failed; the queue retries with backoff.
        """
        devcluster = await self.client.get(DevCluster, key)
        if devcluster is None or MANAGED_BY_ANNOTATION in (devcluster.metadata.annotations or {}):
            return DONE  # gone, or somebody else's to provision
        scope = Scope(devcluster, await self._cluster_of(devcluster))
        if is_paused(scope.cluster, devcluster.metadata):
            return await self._report_paused(scope)
        if await ensure_finalizer(self.client, devcluster, DEVCLUSTER_FINALIZER):
            return DONE  # our own write wakes us again
        async with patching(self.client, devcluster, owns=OWNED_CONDITIONS) as changes:
            if devcluster.metadata.deletion_timestamp is not None:
                return await run_phases((self._delete,), scope)
            try:
                return await run_phases(self._phases(changes), scope)
            finally:
                if silent_for(scope, now=self.clock.now()) is None:
                    self._set_paused(scope)
                    set_status(scope, now=self.clock.now())

    async def _cluster_of(self, devcluster: DevCluster) -> Cluster | None:
        owner = cluster_owner(devcluster)
        found = await self.client.get(Cluster, ObjectKey(devcluster.key.namespace, owner.name)) if owner else None
        return found if found is not None and owner is not None and found.uid == owner.uid else None

    async def _report_paused(self, scope: Scope) -> Result:
        async with patching(self.client, scope.devcluster, owns=OWNED_CONDITIONS):
            self._set_paused(scope)
        return DONE

    def _set_paused(self, scope: Scope) -> None:
        condition = paused_condition(scope.cluster, scope.devcluster, now=self.clock.now())
        scope.status.conditions = set_condition(scope.status.conditions, condition)

    def _phases(self, changes: Changes) -> tuple[Phase[Scope], ...]:
        return (_reconcile_behavior, partial(self._reconcile_endpoint, changes), self._reconcile_serving)

    async def _reconcile_endpoint(self, changes: Changes, scope: Scope) -> Result:
        """Choose the port, once, and store it before anything can be served there."""
        if scope.owner is None:
            return Result(silent_for(scope, now=self.clock.now()))  # the Cluster's adoption wakes us
        devcluster = scope.devcluster
        try:
            endpoint = wanted_endpoint(devcluster.spec)
        except SpecRefused as refusal:
            scope.refusal = str(refusal)
            return DONE
        if endpoint.port is None:
            others = await self.client.list(DevCluster)
            taken = {other.spec.control_plane_endpoint.port for other in others if other.spec and other.spec.control_plane_endpoint}
            endpoint.port = self.ports.free(endpoint.host or LOOPBACK, {port for port in taken if port})
        assert devcluster.spec is not None  # noqa: S101 - an empty spec was refused above
        devcluster.spec.control_plane_endpoint = endpoint
        await changes.store_spec()
        scope.endpoint = endpoint
        return DONE

    async def _reconcile_serving(self, scope: Scope) -> Result:
        """Have the cloud serve there as soon as a machine runs an API server; until then see that nobody else does."""
        owner, endpoint = scope.owner, scope.endpoint
        if owner is None or endpoint is None or endpoint.host is None or endpoint.port is None:
            return DONE
        site = Site(owner.uid, ObjectKey(scope.devcluster.key.namespace, owner.name), endpoint.host, endpoint.port)
        try:
            await self.cloud.provide(site, scope.behavior.api)
        except OSError as error:
            scope.taken = f"{site.endpoint} cannot be served: {error.strerror or error}"
            return Result(PORT_RETRY)
        if not self.cloud.is_serving(owner.uid) and not self.ports.is_free(site.host, site.port):
            scope.taken = f"something else listens on {site.endpoint}"
            return Result(PORT_RETRY)
        scope.is_ours = True
        return DONE

    async def _delete(self, scope: Scope) -> Result:
        """Close the endpoint and forget the cluster's objects; one that could not be forgotten keeps the finalizer."""
        if scope.owner is not None:
            await self.cloud.withdraw(scope.owner.uid)
        drop_finalizer(scope.devcluster, DEVCLUSTER_FINALIZER)
        return DONE


def wanted_endpoint(spec: DevClusterSpec | None) -> APIEndpoint:
    """Return the endpoint that the spec asks for; its port is None where the choice is ours.

    Raises:
        SpecRefused: the backend is another, or the host is not this one.
    """
    if spec is None or spec.backend.in_memory is None:
        raise SpecRefused("spec.backend: found no inMemory, allowed is inMemory: {}")
    endpoint = spec.control_plane_endpoint or APIEndpoint()
    host = endpoint.host or LOOPBACK
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise SpecRefused(f"spec.controlPlaneEndpoint.host: found {host}, allowed is a loopback address such as {LOOPBACK}")
    return APIEndpoint(host=host, port=endpoint.port or None)


async def _reconcile_behavior(scope: Scope) -> Result:
    """Read what the annotation declares; one that cannot be understood declares nothing."""
    try:
        scope.behavior = declared_behavior(ClusterBehavior, scope.devcluster.metadata.annotations)
    except BehaviorError as error:
        scope.behavior_problem = str(error)
    return DONE
