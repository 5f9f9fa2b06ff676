"""The Machines of a set: found by owner, adopted when they match and belong to nobody, deleted with the set."""

from __future__ import annotations

from capelin.api.machine import Machine
from capelin.api.machineset import ORDINALS_ANNOTATION, MachineSet
from capelin.api.meta import is_controlled_by, selector_matches
from capelin.controllers.machineset.plan import Ordinals, ordinal_of
from capelin.controllers.machineset.scope import Scope
from capelin.runtime.client import Client, Selection
from capelin.runtime.external import Seen
from capelin.runtime.ownership import Whose, adopt, whose
from capelin.runtime.reconcile import DONE, Result


async def reconcile_machines(client: Client, live: Client, scope: Scope) -> Result:
    """List the set's Machines, adopt orphans that match its selector, and settle the ordinals of Machines that are going.

    Raises:
        ApiError: the Machines could not be read, or an orphan not be adopted.
    """
    machineset = scope.machineset
    try:
        scope.machines = await owned_machines(client, machineset)
    except Exception as error:
        scope.problem = f"The Machines of the set could not be read: {error}"
        raise
    if not scope.is_deleting:
        _settle_ordinals(machineset, scope.machines)
        if not scope.blockers:
            scope.machines += await _adopt_orphans(client, live, machineset)
    return DONE


async def owned_machines(reader: Client, machineset: MachineSet) -> list[Machine]:
    """Return the Machines whose controller the set is, as `reader` sees them. Labels play no part: a Machine is not lost by relabelling."""
    found = await reader.list(Machine, Selection(machineset.key.namespace, owner=machineset.uid))
    return [machine for machine in found if is_controlled_by(machine.metadata, machineset)]


async def delete_machines(client: Client, live: Client, scope: Scope) -> bool:
    """Ask for the deletion of every Machine, and tell whether all are authoritatively gone."""
    if isinstance(scope.machines, Seen):
        return False
    scope.machines = scope.machines or await owned_machines(live, scope.machineset)
    for machine in scope.machines:
        if machine.metadata.deletion_timestamp is None:
            await client.delete(Machine, machine.key, uid=machine.uid)
    return not scope.machines


def _settle_ordinals(machineset: MachineSet, machines: list[Machine]) -> None:
    """Remember the ordinals of Machines that are going while they can still be seen, so that their names are never used again."""
    annotations = machineset.metadata.annotations or {}
    ordinals = read_ordinals(machineset)
    going = [ordinal for m in machines if m.metadata.deletion_timestamp is not None and (ordinal := ordinal_of(m)) is not None]
    settled = ordinals.settle(going)
    if settled != ordinals:
        machineset.metadata.annotations = {**annotations, ORDINALS_ANNOTATION: str(settled)}


def read_ordinals(machineset: MachineSet) -> Ordinals:
    """Return the ordinals the set has reserved; an annotation that somebody spoiled counts as none, and names still meet their Machines."""
    try:
        return Ordinals.parse((machineset.metadata.annotations or {}).get(ORDINALS_ANNOTATION))
    except ValueError:
        return Ordinals()


async def _adopt_orphans(client: Client, live: Client, machineset: MachineSet) -> list[Machine]:
    selector = machineset.spec.selector
    if selector.is_empty:
        return []
    found = await client.list(Machine, Selection(machineset.key.namespace, labels=selector.match_labels or {}))
    orphans = [machine for machine in found if _is_adoptable(machine, machineset)]
    if not orphans:
        return []
    current = await live.get(MachineSet, machineset.key)
    if current is None or current.uid != machineset.uid or current.metadata.deletion_timestamp is not None:
        return []  # the cache is behind: a set that is gone or going adopts nothing
    for machine in orphans:
        await adopt(client, machine, machineset)
    return orphans


def _is_adoptable(machine: Machine, machineset: MachineSet) -> bool:
    return (
        whose(machine.metadata, machineset) is Whose.NOBODYS
        and machine.metadata.deletion_timestamp is None
        and machine.spec.cluster_name == machineset.spec.cluster_name
        and selector_matches(machineset.spec.selector, machine.metadata.labels)
    )
