"""The MachineSets of a deployment: found by owner, adopted when they match and belong to nobody, deleted with the deployment."""

from __future__ import annotations

from capelin.api.defaults import default_machineset
from capelin.api.machine import Machine
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import MachineSet
from capelin.api.meta import is_controlled_by, selector_matches
from capelin.controllers.machinedeployment.scope import Scope
from capelin.runtime.client import Client, Selection
from capelin.runtime.external import Seen
from capelin.runtime.ownership import Whose, adopt, whose
from capelin.runtime.reconcile import DONE, Result


async def reconcile_machinesets(client: Client, live: Client, scope: Scope) -> Result:
    """List the deployment's sets with their Machines, and adopt sets that match its selector and belong to nobody.

    Raises:
        ApiError: they could not be read, or a set not be adopted.
    """
    deployment = scope.deployment
    try:
        machinesets = await _owned_machinesets(client, deployment)
        if not scope.is_deleting and not scope.blockers:
            machinesets += await _adopt_orphans(client, live, deployment)
        for machineset in machinesets:
            scope.machines += await client.list(Machine, Selection(machineset.key.namespace, owner=machineset.uid))
    except Exception as error:
        scope.problem = f"The MachineSets could not be read: {error}"
        raise
    scope.machinesets = [default_machineset(machineset) for machineset in machinesets]
    return DONE


async def delete_machinesets(client: Client, live: Client, scope: Scope) -> bool:
    """Ask for the deletion of every set, and tell whether all are authoritatively gone."""
    if isinstance(scope.machinesets, Seen):
        return False
    scope.machinesets = scope.machinesets or await _owned_machinesets(live, scope.deployment)
    for machineset in scope.machinesets:
        if machineset.metadata.deletion_timestamp is None:
            await client.delete(MachineSet, machineset.key, uid=machineset.uid)
    return not scope.machinesets


async def _owned_machinesets(reader: Client, deployment: MachineDeployment) -> list[MachineSet]:
    found = await reader.list(MachineSet, Selection(deployment.key.namespace, owner=deployment.uid))
    return [machineset for machineset in found if is_controlled_by(machineset.metadata, deployment)]


async def _adopt_orphans(client: Client, live: Client, deployment: MachineDeployment) -> list[MachineSet]:
    selector = deployment.spec.selector
    if selector.is_empty:
        return []
    found = await client.list(MachineSet, Selection(deployment.key.namespace, labels=selector.match_labels or {}))
    orphans = [machineset for machineset in found if _is_adoptable(machineset, deployment)]
    if not orphans:
        return []
    current = await live.get(MachineDeployment, deployment.key)
    if current is None or current.uid != deployment.uid or current.metadata.deletion_timestamp is not None:
        return []  # the cache is behind: a deployment that is gone or going adopts nothing
    for machineset in orphans:
        await adopt(client, machineset, deployment)
    return orphans


def _is_adoptable(machineset: MachineSet, deployment: MachineDeployment) -> bool:
    return (
        whose(machineset.metadata, deployment) is Whose.NOBODYS
        and machineset.metadata.deletion_timestamp is None
        and machineset.spec.cluster_name == deployment.spec.cluster_name
        and selector_matches(deployment.spec.selector, machineset.metadata.labels)
    )
