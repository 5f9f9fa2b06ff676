"""The rollout phase: carries out what the plan says, set by set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from capelin.api.defaults import default_machineset
from capelin.api.machinedeployment import REVISION_ANNOTATION
from capelin.api.machineset import ORDINALS_ANNOTATION, MachineSet
from capelin.controllers.machinedeployment.desired import (
    find_current,
    new_machineset,
    next_revision,
    removable,
    revision_of,
    steer_current,
    steer_old,
)
from capelin.controllers.machinedeployment.plan import Scale, plan_rollout, told
from capelin.controllers.machinedeployment.proportions import plan_paused
from capelin.controllers.machinedeployment.scope import Scope
from capelin.runtime import errors
from capelin.runtime.client import Client
from capelin.runtime.codec import Document
from capelin.runtime.events import Recorder
from capelin.runtime.external import Seen
from capelin.runtime.ownership import Whose, whose
from capelin.runtime.patching import merge_diff
from capelin.runtime.reconcile import DONE, Result
from capelin.runtime.seams import Clock

NAME_POLL: Final = timedelta(seconds=15)
"""How often to look whether a name that a stranger's MachineSet has is free: somebody has to be told and to act, and no watch tells us."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """Creates, scales and removes MachineSets. `client` reads the cache and writes, `live` reads the server."""

    client: Client
    live: Client
    clock: Clock
    recorder: Recorder

    async def roll_out(self, scope: Scope) -> Result:
        """Take the next step towards a deployment whose Machines all equal its template.

        Raises:
            ApiError: a write failed; what was done stands, and the next pass continues.
        """
        cluster, found = scope.cluster, scope.machinesets
        if isinstance(found, Seen) or scope.blockers or cluster is None or cluster.metadata.deletion_timestamp is not None:
            return DONE
        current = find_current(scope.deployment, found, now=self.clock.now())
        old = [machineset for machineset in found if machineset is not current]
        if scope.deployment.spec.paused:
            await self._scale_paused(scope, current, old)
            return DONE
        if current is None:
            if scope.missing:
                return DONE  # no template, or nobody knows: nothing new can be made, and what there is stays
            current = new_machineset(scope.deployment, now=self.clock.now())
        if not await self._step(scope, current, old):
            return Result(NAME_POLL)
        await self._remove_empty(scope, current, old)
        return self._until_rollout_after(scope)

    async def _step(self, scope: Scope, current: MachineSet, old: Sequence[MachineSet]) -> bool:
        """Tell every set what the plan says, the current one first; False when the current one cannot be created."""
        deployment = scope.deployment
        scales = plan_rollout(deployment, current, old)
        revision = next_revision(current, old, recorded=revision_of(deployment))
        is_new, before = not current.uid, current.wire()
        steer_current(current, deployment, replicas=_replicas(current, scales), revision=revision)
        if not is_new:
            await self._update(scope, current, before, scales, role="current")
        elif not await self._create(scope, current):
            return False
        _record_revision(scope, revision)
        for machineset in old:
            before = machineset.wire()
            steer_old(machineset, deployment, replicas=_replicas(machineset, scales))
            await self._update(scope, machineset, before, scales, role="old")
        return True

    async def _create(self, scope: Scope, machineset: MachineSet) -> bool:
        """Create the set, with the ordinals of its first Machines reserved; one that an earlier attempt made will show up in the cache."""
        annotations = machineset.metadata.annotations or {}
        machineset.metadata.annotations = {**annotations, ORDINALS_ANNOTATION: f"0:{told(machineset)}"}
        try:
            created = await self.client.create(machineset)
        except errors.AlreadyExists:
            found = await self.live.get(MachineSet, machineset.key)
            if found is not None and whose(found.metadata, scope.deployment) is Whose.OURS:
                return True  # ours and not seen yet, or ours and going: either change wakes us
            scope.blockers.append(f"MachineSet {machineset.metadata.name} exists and does not belong to the MachineDeployment")
            return False
        self.recorder.record(scope.deployment, "Normal", "SuccessfulCreate", f"Created MachineSet {created.metadata.name}")
        if isinstance(scope.machinesets, list):
            scope.machinesets.append(created)
        return True

    async def _update(self, scope: Scope, machineset: MachineSet, before: Document, scales: dict[str, Scale], *, role: str) -> None:
        """Send what differs. A change of replicas is refused when the set has changed since the plan looked at it."""
        patch = merge_diff(before, default_machineset(machineset).wire())
        if not patch or machineset.metadata.deletion_timestamp is not None:
            return
        scale = scales.get(machineset.metadata.name)
        if scale is not None:
            patch["metadata"] = {**_metadata(patch), "resourceVersion": machineset.metadata.resource_version}
        try:
            stored = await self.client.patch(MachineSet, machineset.key, patch)
        except errors.Conflict:
            return  # the set has changed, which wakes us to plan again
        machineset.metadata = stored.metadata
        if scale is not None:
            self.recorder.record(scope.deployment, "Normal", "SuccessfulScale", f"{scale.describe(role)}: {scale.reason}")

    async def _scale_paused(self, scope: Scope, current: MachineSet | None, old: Sequence[MachineSet]) -> None:
        scales = plan_paused(scope.deployment, current, old)
        for machineset in [*old, *([current] if current is not None else [])]:
            if machineset.metadata.name in scales:
                before = machineset.wire()
                machineset.spec.replicas = _replicas(machineset, scales)
                await self._update(scope, machineset, before, scales, role="current" if machineset is current else "old")

    async def _remove_empty(self, scope: Scope, current: MachineSet, old: Sequence[MachineSet]) -> None:
        """Delete old sets that are empty once the rollout is over, each after a look at what the server says of it."""
        for machineset in removable(old, current, scope.deployment):
            found = await self.live.get(MachineSet, machineset.key)
            if found is None or found.uid != machineset.uid or removable([found], current, scope.deployment) != [found]:
                continue
            try:
                await self.client.delete(MachineSet, found.key, uid=found.uid, resource_version=found.metadata.resource_version or "")
            except errors.Conflict:
                continue  # it has just changed, which wakes us
            self.recorder.record(scope.deployment, "Normal", "SuccessfulDelete", f"Deleted MachineSet {found.metadata.name}")

    def _until_rollout_after(self, scope: Scope) -> Result:
        after = scope.deployment.spec.rollout.after if scope.deployment.spec.rollout is not None else None
        remaining = after - self.clock.now() if after is not None else timedelta()
        return Result(remaining) if remaining > timedelta() else DONE


def _record_revision(scope: Scope, revision: int) -> None:
    metadata = scope.deployment.metadata
    metadata.annotations = {**(metadata.annotations or {}), REVISION_ANNOTATION: str(revision)}


def _replicas(machineset: MachineSet, scales: dict[str, Scale]) -> int:
    scale = scales.get(machineset.metadata.name)
    return scale.after if scale is not None else told(machineset)


def _metadata(patch: Document) -> dict[str, Any]:
    metadata = patch.get("metadata")
    return metadata if isinstance(metadata, dict) else {}
