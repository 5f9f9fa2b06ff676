"""The scale phase: one step towards `spec.replicas`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from capelin.api.conditions import name_objects
from capelin.api.machine import Machine
from capelin.api.machineset import DISABLE_MACHINE_CREATE_ANNOTATION, ORDINALS_ANNOTATION, MachineSet
from capelin.api.meta import ObjectKey
from capelin.controllers.machineset.children import desired_machine
from capelin.controllers.machineset.companions import companions_of, create_companion
from capelin.controllers.machineset.machines import owned_machines, read_ordinals
from capelin.controllers.machineset.plan import Ordinals, ordinal_of, plan_scale
from capelin.controllers.machineset.preflight import preflight_failures
from capelin.controllers.machineset.scope import Scope
from capelin.runtime import errors
from capelin.runtime.client import Client
from capelin.runtime.contract import ContractError
from capelin.runtime.events import Recorder
from capelin.runtime.external import ExternalObjects, Seen
from capelin.runtime.ownership import Whose, whose
from capelin.runtime.reconcile import DONE, Result

PREFLIGHT_POLL: Final = timedelta(seconds=15)
"""How often to look again when the control plane is not ready for more Machines: that takes minutes, and it belongs to others."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """Creates and deletes Machines. `client` writes, `live` reads the server."""

    external: ExternalObjects
    client: Client
    live: Client
    recorder: Recorder

    async def scale(self, scope: Scope) -> Result:
        """Create the Machines that are missing, or delete those that are too many.

        The cache says that something is to do; what, is decided on what the server says: the cache may not know yet what is there, what
        has gone, or how many are wanted by now.

        Raises:
            ApiError: a write failed; what was done stands, and the next pass continues.
        """
        machineset, machines = scope.machineset, scope.machines
        if isinstance(machines, Seen):
            return DONE
        step = plan_scale(machineset, machines)
        if step.create and not may_create(scope):
            return DONE
        if step.delete or (step.create and not is_untouched(machineset, machines)):
            if not await self._is_current(machineset):
                return DONE  # the change wakes us
            machines = await owned_machines(self.live, machineset)
            step = plan_scale(machineset, machines)
        await self._delete(machineset, step.delete)
        return await self._create(scope, machines, step.create) if step.create else DONE

    async def _is_current(self, machineset: MachineSet) -> bool:
        found = await self.live.get(MachineSet, machineset.key)
        return found is not None and found.uid == machineset.uid and found.metadata.generation == machineset.metadata.generation

    async def _delete(self, machineset: MachineSet, machines: Sequence[Machine]) -> None:
        deleted = []
        for machine in machines:
            try:
                await self.client.delete(Machine, machine.key, uid=machine.uid, resource_version=machine.metadata.resource_version or "")
            except errors.Conflict:
                continue  # it has just changed, which wakes us
            deleted.append(machine.metadata.name)
        if deleted:
            self.recorder.record(machineset, "Normal", "SuccessfulDelete", f"Deleted {name_objects('Machine', deleted)}")

    async def _create(self, scope: Scope, machines: Sequence[Machine], count: int) -> Result:
        """Create Machines in ascending order of ordinals, one after the other.

        Ordinals that are not reserved yet are reserved first, with this pass's own write; the next pass, which that write wakes, uses
        them.
        """
        machineset = scope.machineset
        scope.blockers += await self._preflight(scope)
        if scope.blockers:
            return Result(PREFLIGHT_POLL)
        used = [ordinal for machine in machines if (ordinal := ordinal_of(machine)) is not None]
        ordinals = read_ordinals(machineset)
        unused = ordinals.open(used)
        if len(unused) < count:
            _reserve(machineset, ordinals.settle(used).reserve(count - len(unused)))
            return DONE
        created: list[str] = []
        try:
            for ordinal in unused[:count]:
                if not await self._create_machine(scope, ordinal, created):
                    return Result(PREFLIGHT_POLL)
            return DONE
        finally:
            if created:
                self.recorder.record(machineset, "Normal", "SuccessfulCreate", f"Created {name_objects('Machine', created)}")

    async def _preflight(self, scope: Scope) -> list[str]:
        cluster = scope.cluster
        reference = cluster.spec.control_plane_ref if cluster is not None else None
        if cluster is None or reference is None:
            return []
        try:
            resource = await self.external.contracts.resource(reference.api_group, reference.kind)
        except ContractError as error:
            return [f"Cluster spec.controlPlaneRef: {error}"]
        control_plane = await self.live.get(resource, ObjectKey(cluster.key.namespace, reference.name))
        if control_plane is None:
            return [f"{reference.kind} {cluster.key.namespace}/{reference.name} does not exist"]
        try:
            return preflight_failures(scope.machineset, cluster, control_plane)
        except ValueError as error:  # a version that is none, a field of the wrong type: looked at again like any other failure
            return [f"{reference.kind} {cluster.key.namespace}/{reference.name} cannot be judged: {error}"]

    async def _create_machine(self, scope: Scope, ordinal: int, created: list[str]) -> bool:
        """Create a Machine with its companions, or find that an earlier attempt did; False when there is a reason not to go on.

        The names of Machines that were not there before are added to `created`.
        """
        machineset = scope.machineset
        try:
            wanted = desired_machine(machineset, ordinal)
        except ValueError as error:
            scope.blockers.append(str(error))
            return False
        try:
            machine = await self.client.create(wanted)
            created.append(machine.metadata.name)
        except errors.AlreadyExists:
            found = await self.live.get(Machine, wanted.key)
            if found is None or whose(found.metadata, machineset) is not Whose.OURS:
                scope.blockers.append(f"Machine {wanted.metadata.name} exists and does not belong to the MachineSet")
                return False
            machine = found
        if isinstance(scope.machines, list):
            scope.machines.append(machine)
        if machine.metadata.deletion_timestamp is None:
            for companion in companions_of(machine, scope):
                await create_companion(self.external, self.client, scope, machine, companion)
        return True


def may_create(scope: Scope) -> bool:
    """Tell whether Machines may be made: a Cluster that stays, templates that exist, no contradiction, nothing half made."""
    if scope.cluster is None or scope.cluster.metadata.deletion_timestamp is not None:
        return False
    is_disabled = (scope.machineset.metadata.annotations or {}).get(DISABLE_MACHINE_CREATE_ANNOTATION) == "true"
    has_templates = not scope.missing and Seen.UNKNOWN not in (scope.infrastructure_template, scope.bootstrap_template)
    return has_templates and not is_disabled and not scope.blockers and not scope.has_incomplete_machine


def is_untouched(machineset: MachineSet, machines: Sequence[Machine]) -> bool:
    """Tell whether any Machine the set may have was made under a name it is about to use: then a repeated create meets the first."""
    status = machineset.status
    has_reported = status is not None and bool(status.replicas)
    return not machines and not has_reported and read_ordinals(machineset).first == 0


def _reserve(machineset: MachineSet, ordinals: Ordinals) -> None:
    machineset.metadata.annotations = {**(machineset.metadata.annotations or {}), ORDINALS_ANNOTATION: str(ordinals)}
