"""What belongs to a Cluster: its Machines, MachineSets and MachineDeployments, found by label."""

from __future__ import annotations

from capelin.api.cluster import Cluster
from capelin.api.machine import Machine
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import MachineSet
from capelin.api.meta import is_label_value
from capelin.controllers.cluster.scope import Descendants, cluster_labels
from capelin.runtime.client import Client, Selection


async def descendants_of(client: Client, cluster: Cluster) -> Descendants:
    """Return what carries the Cluster's label and says that it belongs to it.

    Raises:
        ApiError: something could not be listed, so nothing is known.
    """
    name = cluster.metadata.name
    if not is_label_value(name):
        return Descendants((), (), ())  # nothing can carry it, and the server would refuse to look for it
    selection = Selection(cluster.key.namespace, cluster_labels(cluster))
    return Descendants(
        tuple(m for m in await client.list(Machine, selection) if m.spec.cluster_name == name),
        tuple(s for s in await client.list(MachineSet, selection) if s.spec.cluster_name == name),
        tuple(d for d in await client.list(MachineDeployment, selection) if d.spec.cluster_name == name),
    )
