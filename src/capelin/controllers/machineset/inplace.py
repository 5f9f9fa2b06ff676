"""What reaches running Machines without replacing them: labels, annotations, time-outs, gates, taints, and the UpToDate condition."""

from __future__ import annotations

from typing import Any

from capelin.api.defaults import default_machine
from capelin.api.machine import Machine, MachineSpec, MachineStatus
from capelin.api.machinegroup import YOUNG
from capelin.api.meta import Condition, Unstructured, find_condition, set_condition
from capelin.api.propagation import Tags
from capelin.api.reasons import READY_CONDITION
from capelin.api.uptodate import up_to_date_condition
from capelin.controllers.machineset.children import Inheritance, in_place_fields
from capelin.controllers.machineset.companions import companions_of
from capelin.controllers.machineset.scope import Scope
from capelin.runtime import errors
from capelin.runtime.client import Client
from capelin.runtime.external import ExternalObjects, Seen
from capelin.runtime.patching import merge_diff
from capelin.runtime.reconcile import DONE, Result
from capelin.runtime.seams import Clock


async def reconcile_in_place(external: ExternalObjects, client: Client, clock: Clock, scope: Scope) -> Result:
    """Bring Machines and their companions in line with the set's template as far as that needs no replacement; equal ones cost no write."""
    if isinstance(scope.machines, Seen):
        return DONE
    template = default_machine(Machine(spec=scope.machineset.spec.template.spec)).spec
    inheritance = Inheritance.of(scope.machineset)
    verdict = up_to_date_condition(scope.machineset, scope.deployment, now=clock.now()) if scope.deployment is not None else None
    for machine in scope.machines:
        await _update_machine(client, machine, template, inheritance)
        if machine.metadata.deletion_timestamp is None:
            for companion in companions_of(machine, scope):
                found = await external.get(companion.reference, machine.key.namespace)
                if found is not None:
                    await _update_companion(client, found, inheritance)
            if verdict is not None and _is_due(machine, verdict):
                await _report_up_to_date(client, machine, verdict)
    return DONE


async def _update_machine(client: Client, machine: Machine, template: MachineSpec, inheritance: Inheritance) -> None:
    """Set labels, annotations and in-place fields; of a Machine that is going only the time-outs of its deletion."""
    found = default_machine(machine).spec
    is_going = machine.metadata.deletion_timestamp is not None
    fields = {"deletion": template.deletion} if is_going else in_place_fields(template)
    changed = {name: value for name, value in fields.items() if getattr(found, name) != value}
    patch: dict[str, Any] = {}
    if changed:
        patch["spec"] = merge_diff(machine.spec.wire(), machine.spec.model_copy(update=changed).wire())
    metadata = {} if is_going else _tag_patch(Tags(machine.metadata.labels or {}, machine.metadata.annotations or {}), inheritance)
    if metadata:
        patch["metadata"] = metadata
    if patch:
        stored = await client.patch(Machine, machine.key, patch)
        machine.metadata, machine.spec = stored.metadata, stored.spec


async def _update_companion(client: Client, companion: Unstructured, inheritance: Inheritance) -> None:
    metadata = companion.document.get("metadata") or {}
    patch = _tag_patch(Tags(metadata.get("labels") or {}, metadata.get("annotations") or {}), inheritance)
    if patch:
        await client.patch(companion.resource, companion.key, {"metadata": patch})


def _tag_patch(found: Tags, inheritance: Inheritance) -> dict[str, Any]:
    return merge_diff(found.document(), inheritance.given_to(found).document())


def _is_due(machine: Machine, verdict: Condition) -> bool:
    """Tell whether the condition has to be written.

    The first one waits until the Machine is ready or no longer young: until then its own controller writes its conditions again and
    again, and nobody counts the missing one.
    """
    conditions = machine.status.conditions if machine.status is not None else None
    found = find_condition(conditions, verdict.type)
    if found is not None:
        return (found.status, found.reason, found.message) != (verdict.status, verdict.reason, verdict.message)
    ready = find_condition(conditions, READY_CONDITION)
    created = machine.metadata.creation_timestamp
    is_young = created is not None and verdict.last_transition_time - created <= YOUNG
    return verdict.status != "True" or not is_young or (ready is not None and ready.status == "True")


async def _report_up_to_date(client: Client, machine: Machine, verdict: Condition) -> None:
    condition = verdict.model_copy(update={"observed_generation": machine.metadata.generation})
    status = machine.status or MachineStatus()
    conditions = set_condition(status.conditions, condition)
    patch = {
        "metadata": {"resourceVersion": machine.metadata.resource_version},
        "status": {"conditions": [condition.wire() for condition in conditions]},
    }
    try:
        stored = await client.patch(Machine, machine.key, patch, subresource="status")
    except errors.Conflict:
        return  # the Machine has just changed, which wakes us
    machine.metadata, machine.status = stored.metadata, stored.status
