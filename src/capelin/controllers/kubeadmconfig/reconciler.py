"""The KubeadmConfig controller: turns the wish that a machine run kubeadm into the data it boots from.

Woken by the KubeadmConfig, by the Machine that owns it and by the Machine's Cluster. It takes no finalizer: the Secret is collected with
its owner, and the token in the workload cluster ends by itself should nobody be there to revoke it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from capelin.api.cluster import Cluster
from capelin.api.conditions import Verdict
from capelin.api.kubeadmconfig import KubeadmConfig
from capelin.api.machine import Machine
from capelin.api.meta import ObjectKey, owner_reference, set_condition
from capelin.api.pause import is_paused, paused_condition
from capelin.controllers.kubeadmconfig import files, tokens
from capelin.controllers.kubeadmconfig.data import control_plane_version, discovery_for, init_data, join_data
from capelin.controllers.kubeadmconfig.datasecret import DataTooLarge, desired_data_secret, store
from capelin.controllers.kubeadmconfig.kubeadm_types import Discovery, UnsupportedVersion, endpoint_of
from capelin.controllers.kubeadmconfig.lock import InitLock
from capelin.controllers.kubeadmconfig.plan import DataStep, TokenStep, data_step, has_data, has_own_token, refusal, token_step
from capelin.controllers.kubeadmconfig.scope import Scope, WorkloadClusters
from capelin.controllers.kubeadmconfig.status import (
    AVAILABLE,
    OWNED_CONDITIONS,
    WAITING_FOR_CONTROL_PLANE,
    WAITING_FOR_INFRASTRUCTURE,
    failed,
    not_available,
    set_status,
    waiting_for_init,
)
from capelin.runtime import errors
from capelin.runtime.client import Client
from capelin.runtime.ownership import OwnedByAnother
from capelin.runtime.patching import patching
from capelin.runtime.phases import run_phases
from capelin.runtime.pki import CertificateError
from capelin.runtime.reconcile import DONE, Result
from capelin.runtime.seams import Clock
from capelin.workload.certificates import Certificates, CertificatesMissing, ClusterCertificates, Purpose, required

PATIENCE: Final = timedelta(seconds=10)
"""How old a config is before it reports that it waits for its cluster: in one that is being made the wait is usually over sooner, and a
report that nobody can read in time is a write for nothing."""

SECRET_POLL: Final = timedelta(seconds=10)
"""How often to look for Secrets that are not there: they are many and other people's, so nobody watches them for us."""

CONNECTION_POLL: Final = timedelta(seconds=30)
"""How often to ask for a connection to the workload cluster. Its coming wakes us; asking keeps somebody trying."""


@dataclass(frozen=True, slots=True)
class _Look:
    """When the token of one KubeadmConfig has to be looked at again; None when it is gone."""

    uid: str
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class KubeadmConfigReconciler:
    """Reconciles KubeadmConfigs. `client` reads the cache and writes, `live` reads the server and writes."""

    client: Client
    live: Client
    certificates: ClusterCertificates
    lock: InitLock
    clusters: WorkloadClusters
    clock: Clock
    _looks: dict[ObjectKey, _Look] = field(default_factory=dict)  # spares calls; a restart that forgets it costs one call each

    async def reconcile(self, key: ObjectKey) -> Result:
        """Move one KubeadmConfig a step towards its data; safe to repeat and to interrupt.

        Raises:
            ExceptionGroup: phases failed; the queue retries with backoff.
        """
        config = await self.client.get(KubeadmConfig, key)
        if config is None:
            self._looks.pop(key, None)
            return DONE  # gone: owner references collect what it owned
        scope = await self._scope_of(config)
        if scope is None:
            return DONE  # the Machine and the Cluster wake us when they come
        if is_paused(scope.cluster, config.metadata):
            return await self._report_paused(scope)
        async with patching(self.client, config, owns=OWNED_CONDITIONS):
            try:
                return await run_phases((self._reconcile_data, self._reconcile_token), scope)
            finally:
                set_status(scope, now=self.clock.now())

    async def _scope_of(self, config: KubeadmConfig) -> Scope | None:
        """Return the config with its Machine and Cluster; a namesake of a Machine that is gone is not it."""
        owner = config.metadata.controller
        if owner is None or (owner.group, owner.kind) != (Machine.resource.group, Machine.resource.kind):
            return None
        machine = await self.client.get(Machine, ObjectKey(config.key.namespace, owner.name))
        if machine is None or machine.uid != owner.uid:
            return None
        cluster = await self.client.get(Cluster, ObjectKey(config.key.namespace, machine.spec.cluster_name))
        return None if cluster is None else Scope(config, machine, cluster)

    async def _report_paused(self, scope: Scope) -> Result:
        async with patching(self.client, scope.config, owns=OWNED_CONDITIONS):
            condition = paused_condition(scope.cluster, scope.config, now=self.clock.now())
            scope.status.conditions = set_condition(scope.status.conditions, condition)
        return DONE

    # -- the data Secret ------------------------------------------------------------------------------------------------------------

    async def _reconcile_data(self, scope: Scope) -> Result:
        """Store the bootstrap data, once; afterwards it never changes."""
        if scope.is_ending and not has_data(scope):
            scope.is_silent = True  # nobody will boot from it any more
            return DONE
        match data_step(scope):
            case DataStep.NOTHING:
                return DONE
            case DataStep.RECALL:
                scope.take_data(scope.machine.spec.bootstrap.data_secret_name or "")
                return DONE
            case DataStep.WAIT_FOR_INFRASTRUCTURE:
                return self._wait(scope, WAITING_FOR_INFRASTRUCTURE)
            case DataStep.WAIT_FOR_CONTROL_PLANE:
                return self._wait(scope, WAITING_FOR_CONTROL_PLANE)
            case step:
                return await self._make_data(scope, is_init=step is DataStep.INIT)

    def _wait(self, scope: Scope, cause: Verdict) -> Result:
        created_at = scope.config.metadata.creation_timestamp
        left = PATIENCE - (self.clock.now() - created_at) if created_at else timedelta()
        if scope.config.status is None and left > timedelta():
            scope.is_silent = True
            return Result(left)
        scope.data = cause
        return DONE

    async def _make_data(self, scope: Scope, *, is_init: bool) -> Result:
        """Make the data, and say in a condition what keeps us from it."""
        if problem := refusal(scope):
            scope.data = not_available(problem)
            return DONE  # until the spec changes
        try:
            return await (self._init(scope) if is_init else self._join(scope))
        except (CertificatesMissing, CertificateError) as error:
            scope.certificates = not_available(str(error))
            scope.data = not_available("Waiting for the cluster's certificates")
            return Result(SECRET_POLL)
        except (files.SourceMissing, files.ContentRefused, OwnedByAnother) as error:
            scope.data = not_available(str(error))
            return Result(SECRET_POLL)
        except (DataTooLarge, UnsupportedVersion) as error:
            scope.data = not_available(str(error))
            return DONE  # until a spec changes
        except errors.ApiError as error:
            scope.data = failed(str(error))
            raise

    async def _init(self, scope: Scope) -> Result:
        """Make the data of the first machine, if it is this one."""
        if not await self.lock.acquire(scope.cluster, scope.machine):
            scope.data = waiting_for_init(await self.lock.holder(scope.cluster.key))
            return DONE  # the Cluster wakes us when its control plane has been initialized, its Machine when it goes
        self._looks[scope.config.key] = _Look(scope.config.uid, None)  # the first machine has no token
        owner = owner_reference(scope.cluster, controller=False)
        certificates = await self.certificates.ensure(scope.cluster, owner, scope.cluster_configuration)
        scope.certificates = AVAILABLE
        fetched = await files.fetch(self.live, scope.config.key.namespace, scope.spec)
        return await self._store(scope, init_data(scope, certificates, fetched))

    async def _join(self, scope: Scope) -> Result:
        """Make the data of a machine that joins; the cluster knows its token before the machine does."""
        purposes = required(scope.cluster_configuration) if scope.is_control_plane else (Purpose.CA,)
        certificates = await self.certificates.lookup(scope.cluster.key, purposes, uid=scope.cluster.uid)
        scope.certificates = AVAILABLE
        fetched = await files.fetch(self.live, scope.config.key.namespace, scope.spec)
        if files.needs_control_plane_version(scope.spec) and not control_plane_version(scope):
            scope.data = not_available("Waiting for Cluster status.controlPlane.versions, which a file is filled in with")
            return DONE
        if not endpoint_of(scope.cluster):
            scope.data = not_available("Waiting for Cluster spec.controlPlaneEndpoint to be set")
            return DONE
        try:
            discovery = await self._discovery(scope, certificates)
        except errors.Unreachable as error:
            scope.data = not_available(f"Waiting for the workload cluster: {error}")
            return Result(CONNECTION_POLL)
        return await self._store(scope, join_data(scope, certificates, fetched, discovery))

    async def _discovery(self, scope: Scope, certificates: Certificates) -> Discovery | None:
        """Return how the machine finds the cluster, with a token the cluster knows; None when the spec brings a kubeconfig."""
        wanted = scope.join_configuration.discovery
        if wanted is not None and wanted.file is not None:
            return None
        token = tokens.derived_token(certificates[Purpose.CA].key, scope.config.uid)
        if has_own_token(scope):
            await self._grant(scope, token)
        return discovery_for(scope, certificates, str(token))

    async def _store(self, scope: Scope, data: bytes) -> Result:
        secret = desired_data_secret(scope.config, scope.cluster.key.name, data)
        await store(self.live, scope.config, secret)
        scope.take_data(secret.key.name)
        return DONE

    # -- the token ------------------------------------------------------------------------------------------------------------------

    async def _reconcile_token(self, scope: Scope) -> Result:
        """Keep the token alive until its machine is there, and end it once the Node has joined or the Machine is to go."""
        step = token_step(scope, now=self.clock.now())
        if step is TokenStep.NOTHING:
            return DONE
        if (known := self._known(scope, step)) is not None:
            return known
        if scope.is_control_plane and await self.lock.holder(scope.cluster.key) == scope.machine.key.name:
            self._looks[scope.config.key] = _Look(scope.config.uid, None)  # the first machine has no token
            return DONE
        ca = await self.certificates.find(scope.cluster.key, Purpose.CA)
        if ca is None:
            return DONE  # without its authority the cluster lets nobody in
        token = tokens.derived_token(ca.key, scope.config.uid)
        try:
            return await (self._grant(scope, token) if step is TokenStep.EXTEND else self._revoke(scope, token))
        except errors.Unreachable:
            return Result(CONNECTION_POLL)  # if it stays away, the token ends by itself

    def _known(self, scope: Scope, step: TokenStep) -> Result | None:
        """Return what follows from our last look at the token; None when it has to be looked at."""
        look, now = self._looks.get(scope.config.key), self.clock.now()
        if look is None or look.uid != scope.config.uid:
            return None
        if look.next_at is None:
            return DONE
        if step is TokenStep.EXTEND and now < look.next_at <= now + tokens.REFRESH_INTERVAL:  # further ahead: the clock was set back
            return Result(look.next_at - now)
        return None

    async def _grant(self, scope: Scope, token: tokens.Token) -> Result:
        now = self.clock.now()
        after = await tokens.grant(await self.clusters.client(scope.cluster.key), token, now=now)
        self._looks[scope.config.key] = _Look(scope.config.uid, now + after)
        return Result(after)

    async def _revoke(self, scope: Scope, token: tokens.Token) -> Result:
        await tokens.revoke(await self.clusters.client(scope.cluster.key), token)
        self._looks[scope.config.key] = _Look(scope.config.uid, None)
        return DONE
