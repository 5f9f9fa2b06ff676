"""The deletion of a Machine, step by step.

Pre-drain hooks → drain → volumes detached → pre-terminate hooks → infrastructure → bootstrap → Node → finalizer. Every step looks before it
acts, and a step that could not look holds the deletion back: what is unknown is never taken for gone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from capelin.api.core import Node
from capelin.api.labels import CLUSTER_NAME_LABEL
from capelin.api.machine import (
    DELETING_NODE_REASON,
    DRAINING_NODE_REASON,
    EXCLUDE_NODE_DRAINING_ANNOTATION,
    EXCLUDE_WAIT_FOR_VOLUME_DETACH_ANNOTATION,
    MACHINE_FINALIZER,
    PRE_DRAIN_HOOK_PREFIX,
    PRE_TERMINATE_HOOK_PREFIX,
    WAITING_FOR_BOOTSTRAP_DELETION_REASON,
    WAITING_FOR_INFRASTRUCTURE_DELETION_REASON,
    WAITING_FOR_PRE_DRAIN_HOOK_REASON,
    WAITING_FOR_PRE_TERMINATE_HOOK_REASON,
    WAITING_FOR_VOLUME_DETACH_REASON,
    Machine,
)
from capelin.api.meta import ObjectKey, Unstructured
from capelin.api.reasons import DELETING_REASON, DELETION_COMPLETED_REASON, INTERNAL_ERROR_REASON
from capelin.controllers.machine.scope import Scope, Stage, WorkloadClusters, is_bootstrapped, is_control_plane, is_provisioned
from capelin.runtime import errors
from capelin.runtime.client import Client, Selection
from capelin.runtime.contract import ContractError
from capelin.runtime.deadlines import until
from capelin.runtime.external import ExternalObjects, Seen
from capelin.runtime.finalizers import drop_finalizer
from capelin.runtime.reconcile import DONE, Result
from capelin.runtime.seams import Clock
from capelin.workload.drain import DRAIN_RETRY, cordon, drain, is_unreachable
from capelin.workload.volumes import attached_volumes

NODE_DELETION_TIMEOUT: Final = 10
"""Seconds that the deletion of the Node is tried when the Machine does not say: the default of the standard."""

NODE_DELETION_RETRY: Final = timedelta(seconds=2)
"""How soon to try again to delete the Node: only a failing workload cluster gets here, and it does not tell us when it recovers."""


_Step = Callable[[Client, Node], Awaitable[Stage | None]]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long the steps of a deletion may still take.

    A step's start is an API field, so it survives a restart of this process; from the moment this process first sees it, time is counted by
    the monotonic clock, so that a wall clock that jumps cuts no drain short.
    """

    clock: Clock
    _ends: dict[tuple[str, str, timedelta], float] = field(default_factory=dict)

    def left(self, uid: str, step: str, started_at: datetime, limit: timedelta) -> timedelta:
        """Return how long the step may still take, zero when its time is over; a changed limit is counted anew from the start."""
        now = self.clock.monotonic()
        if (uid, step, limit) not in self._ends:
            gone = min(max(self.clock.now() - started_at, timedelta()), limit)
            self._ends[uid, step, limit] = now + (limit - gone).total_seconds()
        return until(self._ends[uid, step, limit], now)

    def forget(self, uid: str) -> None:
        """Drop what is known of an object that is gone."""
        for key in [key for key in self._ends if key[0] == uid]:
            del self._ends[key]


@dataclass(frozen=True, slots=True)
class DeletionSteps:
    """Deletes Machines. `live` reads the server."""

    live: Client
    external: ExternalObjects
    clusters: WorkloadClusters
    clock: Clock
    deadlines: Deadlines

    async def delete(self, scope: Scope) -> Result:
        """Take the next steps of the deletion; the finalizer goes when there is none left.

        Raises:
            ApiError, ContractError: a step could not look or act; nothing after it was tried.
        """
        scope.stage = Stage(DELETING_REASON)
        try:
            return await self._next_steps(scope)
        except (errors.ApiError, ContractError) as error:
            reason = INTERNAL_ERROR_REASON if scope.stage.reason == DELETING_REASON else scope.stage.reason
            scope.stage = Stage(reason, str(error))
            raise

    async def _next_steps(self, scope: Scope) -> Result:
        machine = scope.machine
        node_stays = await self._node_stays(scope)
        if not await self._has_left_node(scope):
            waiting = await self._empty_node(scope, node_stays=node_stays)
            if waiting is not None:
                return waiting
        if self._waits_for_hooks(scope, PRE_TERMINATE_HOOK_PREFIX, WAITING_FOR_PRE_TERMINATE_HOOK_REASON):
            return DONE
        if not await self._delete_infrastructure(scope) or not await self._delete_bootstrap(scope):
            return DONE
        if not node_stays and not await self._delete_node(scope):
            return Result(NODE_DELETION_RETRY)
        scope.stage = Stage(DELETION_COMPLETED_REASON)
        drop_finalizer(machine, MACHINE_FINALIZER)
        self.deadlines.forget(machine.uid)
        return DONE

    async def _node_stays(self, scope: Scope) -> bool:
        """Tell whether the Node is neither emptied nor deleted: it goes with its cluster, or there is none, or it is the last that serves.

        Emptying the last control-plane Node would need the API server that runs on it.
        """
        machine, cluster = scope.machine, scope.cluster
        if cluster is None or cluster.metadata.deletion_timestamp is not None:
            return True
        if machine.status is None or machine.status.node_ref is None:
            return True
        if not is_control_plane(machine):
            return False
        if cluster.spec.control_plane_ref is not None:
            control_plane = await self.external.get_live(cluster.spec.control_plane_ref, machine.key.namespace)
            return control_plane is None or control_plane.metadata.deletion_timestamp is not None
        siblings = await self.live.list(Machine, Selection(machine.key.namespace, {CLUSTER_NAME_LABEL: machine.spec.cluster_name}))
        return not any(is_control_plane(m) and m.metadata.deletion_timestamp is None and m.uid != machine.uid for m in siblings)

    async def _has_left_node(self, scope: Scope) -> bool:
        """Tell whether the deletion is past the Node: a computer that goes or is gone is not emptied any more."""
        if scope.deletion.wait_for_pre_terminate_hook_start_time is not None:
            return True
        if isinstance(scope.infrastructure, Unstructured):
            return scope.infrastructure.metadata.deletion_timestamp is not None
        reference, namespace = scope.machine.spec.infrastructure_ref, scope.machine.key.namespace
        return scope.infrastructure is Seen.ABSENT and await self.external.get_live(reference, namespace) is None

    # -- the Node is emptied ----------------------------------------------------------------------------------------------------

    async def _empty_node(self, scope: Scope, *, node_stays: bool) -> Result | None:
        """Return what to wait for before the computer may go, or None."""
        if self._waits_for_hooks(scope, PRE_DRAIN_HOOK_PREFIX, WAITING_FOR_PRE_DRAIN_HOOK_REASON):
            return DONE
        if node_stays:
            return None
        return await self._drain(scope) or await self._detach(scope)

    def _waits_for_hooks(self, scope: Scope, prefix: str, reason: str) -> bool:
        """Hold the deletion back while annotations of that prefix are there; their removal wakes us."""
        hooks = sorted(key for key in scope.machine.metadata.annotations or {} if key.startswith(prefix))
        if not hooks:
            return False
        if prefix == PRE_DRAIN_HOOK_PREFIX:
            scope.deletion.wait_for_pre_drain_hook_start_time = scope.deletion.wait_for_pre_drain_hook_start_time or self.clock.now()
        else:
            scope.deletion.wait_for_pre_terminate_hook_start_time = (
                scope.deletion.wait_for_pre_terminate_hook_start_time or self.clock.now()
            )
        scope.stage = Stage(reason, f"waiting for the annotations {', '.join(hooks)} to be removed")
        return True

    async def _drain(self, scope: Scope) -> Result | None:
        if EXCLUDE_NODE_DRAINING_ANNOTATION in (scope.machine.metadata.annotations or {}):
            return None
        started_at = scope.deletion.node_drain_start_time = scope.deletion.node_drain_start_time or self.clock.now()

        async def empty(workload: Client, node: Node) -> Stage | None:
            await cordon(workload, node)
            report = await drain(workload, node, self.clock)
            since = f"{started_at:%Y-%m-%dT%H:%M:%SZ}"
            message = f"Node {node.metadata.name} not drained yet (since {since}):\n{report.message}"
            return None if report.is_done else Stage(DRAINING_NODE_REASON, message, report.delays)

        left = self._left(scope.machine, "node_drain_timeout_seconds", started_at)
        return await self._until(left, scope, DRAINING_NODE_REASON, empty)

    async def _detach(self, scope: Scope) -> Result | None:
        if EXCLUDE_WAIT_FOR_VOLUME_DETACH_ANNOTATION in (scope.machine.metadata.annotations or {}):
            return None
        started_at = scope.deletion.wait_for_node_volume_detach_start_time or self.clock.now()

        async def release(workload: Client, node: Node) -> Stage | None:
            volumes = [] if is_unreachable(node) else await attached_volumes(workload, node, self.clock)
            message = f"attached to Node {node.metadata.name}: {', '.join(volumes)}"
            return Stage(WAITING_FOR_VOLUME_DETACH_REASON, message) if volumes else None

        left = self._left(scope.machine, "node_volume_detach_timeout_seconds", started_at)
        waiting = await self._until(left, scope, WAITING_FOR_VOLUME_DETACH_REASON, release)
        if waiting is not None:
            scope.deletion.wait_for_node_volume_detach_start_time = started_at
        return waiting

    async def _until(self, left: timedelta | None, scope: Scope, reason: str, step: _Step) -> Result | None:
        """Take a step on the Node; return when to look again, or None when it is done, out of time, or has nothing to work on.

        A workload cluster that refuses or cannot be reached is waited for: its time is limited like that of one that is slow.
        """
        if left == timedelta():
            return None
        scope.stage = Stage(reason)
        try:
            workload, node = await self._live_node(scope)
            stage = await step(workload, node) if node is not None else None
        except errors.ApiError as error:
            stage = Stage(reason, f"the workload cluster does not let us: {error}")
        if stage is None:
            return None
        scope.stage = stage
        return Result(DRAIN_RETRY if left is None else min(left, DRAIN_RETRY))

    def _left(self, machine: Machine, name: str, started_at: datetime, *, default: int = 0) -> timedelta | None:
        """Return what is left of a time-out of the Machine; None, which a value of zero means, is for ever."""
        seconds = getattr(machine.spec.deletion, name, None) if machine.spec.deletion else None
        seconds = default if seconds is None else seconds
        return self.deadlines.left(machine.uid, name, started_at, timedelta(seconds=seconds)) if seconds else None

    async def _live_node(self, scope: Scope) -> tuple[Client, Node | None]:
        """Return the workload client and the Machine's own Node, None when it is gone or another computer has taken its name."""
        workload = await self.clusters.client(scope.cluster_key)
        node_ref = scope.status.node_ref
        node = await workload.get(Node, ObjectKey("", node_ref.name)) if node_ref else None
        identity = node.spec.provider_id if node and node.spec else None
        return workload, node if identity == scope.machine.spec.provider_id else None

    # -- what the Machine consists of goes --------------------------------------------------------------------------------------

    async def _delete_infrastructure(self, scope: Scope) -> bool:
        reference = scope.machine.spec.infrastructure_ref
        scope.stage = Stage(WAITING_FOR_INFRASTRUCTURE_DELETION_REASON, f"{reference.kind} {reference.name} is being deleted")
        return await self.external.delete(reference, scope.machine, existed=is_provisioned(scope.machine))

    async def _delete_bootstrap(self, scope: Scope) -> bool:
        reference = scope.machine.spec.bootstrap.config_ref
        if reference is None:
            return True
        scope.stage = Stage(WAITING_FOR_BOOTSTRAP_DELETION_REASON, f"{reference.kind} {reference.name} is being deleted")
        return await self.external.delete(reference, scope.machine, existed=is_bootstrapped(scope.machine))

    async def _delete_node(self, scope: Scope) -> bool:
        """Delete the Node and tell whether there is nothing more to try."""
        machine = scope.machine
        scope.stage = Stage(DELETING_NODE_REASON)
        try:
            workload, node = await self._live_node(scope)
            if node is not None:
                await workload.delete(Node, node.key, uid=node.uid)
        except errors.ApiError as error:
            started_at = machine.metadata.deletion_timestamp or self.clock.now()
            scope.stage = Stage(DELETING_NODE_REASON, f"the Node could not be deleted: {error}")
            return self._left(machine, "node_deletion_timeout_seconds", started_at, default=NODE_DELETION_TIMEOUT) == timedelta()
        return True
