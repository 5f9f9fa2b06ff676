"""What must be known of other objects to judge a Cluster: its class, and how far its last upgrade is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from capelin.api.cluster import Cluster
from capelin.api.clusterclass import ClusterClass
from capelin.api.labels import CLUSTER_NAME_LABEL, TOPOLOGY_OWNED_LABEL
from capelin.api.machine import Machine
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machinepool import MachinePool
from capelin.api.meta import Object, ObjectKey, Unstructured
from capelin.api.topology import UNSAFE_VERSION_ANNOTATION, Topology
from capelin.runtime.documents.names import dns_label, dns_subdomain
from capelin.webhooks.admission import Admission, Lookups, O

READS = (ClusterClass, Machine, MachineDeployment, MachinePool)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a topology has made of a cluster so far; `control_plane` is None when there is none."""

    control_plane: Unstructured | None = None
    deployments: tuple[MachineDeployment, ...] = ()
    pools: tuple[MachinePool, ...] = ()
    machines: tuple[Machine, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """`clusterclass` is the class of the topology, `previous` that of the topology before, where it is another one; None when there is no
    such class. `parts` are known only when the version changes."""

    clusterclass: ClusterClass | None = None
    previous: ClusterClass | None = None
    parts: Parts = Parts()


ClusterAdmission = Admission[Cluster, Facts]


async def gather(request: Admission[Cluster, None], lookups: Lookups) -> Facts:
    """Return what the API server has now.

    Raises:
        ApiError: something could not be read.
    """
    cluster, topology = request.new, request.new.spec.topology
    if topology is None:
        return Facts()
    old = request.old.spec.topology if request.old else None
    clusterclass = await _class(class_key(topology, cluster), lookups)
    rebased = old is not None and class_key(old, cluster) != class_key(topology, cluster)
    previous = await _class(class_key(old, cluster), lookups) if old is not None and rebased else None
    return Facts(clusterclass, previous, await _parts(request.old, lookups) if request.old and _upgrades(cluster, old) else Parts())


async def gather_for_default(request: Admission[Cluster, None], lookups: Lookups) -> Facts:
    """Return the class alone, which has the defaults of variables: how far the last upgrade is matters to rules only, and takes long lists.

    Raises:
        ApiError: the class could not be read.
    """
    topology = request.new.spec.topology
    return Facts() if topology is None else Facts(await _class(class_key(topology, request.new), lookups))


def class_key(topology: Topology, cluster: Cluster) -> ObjectKey:
    """Return the name of a topology's class."""
    return ObjectKey(topology.class_ref.namespace or cluster.metadata.namespace or "", topology.class_ref.name)


async def _class(key: ObjectKey, lookups: Lookups) -> ClusterClass | None:
    # Defaults are computed before the schema has been checked: what is no name must not become part of a path.
    if dns_subdomain(key.name) or dns_label(key.namespace):
        return None
    return await lookups.get(ClusterClass, key)


def _upgrades(cluster: Cluster, old: Topology | None) -> bool:
    topology = cluster.spec.topology
    if topology is None or old is None or UNSAFE_VERSION_ANNOTATION in (cluster.metadata.annotations or {}):
        return False
    return topology.version != old.version


async def _parts(cluster: Cluster, lookups: Lookups) -> Parts:
    namespace, reference = cluster.metadata.namespace or "", cluster.spec.control_plane_ref
    deployments = _made(await lookups.list(MachineDeployment, namespace=namespace), cluster)
    return Parts(
        control_plane=await lookups.referenced(reference, namespace) if reference else None,
        deployments=deployments,
        pools=_made(await lookups.list(MachinePool, namespace=namespace), cluster),
        machines=_of_cluster(await lookups.list(Machine, namespace=namespace), cluster) if deployments else (),
    )


def _made(objects: Iterable[O], cluster: Cluster) -> tuple[O, ...]:
    """Return what the cluster's topology has made; what people have added to the cluster has versions of its own."""
    return tuple(obj for obj in _of_cluster(objects, cluster) if TOPOLOGY_OWNED_LABEL in (obj.metadata.labels or {}))


def _of_cluster(objects: Iterable[O], cluster: Cluster) -> tuple[O, ...]:
    return tuple(obj for obj in objects if _cluster_name(obj) == cluster.metadata.name)


def _cluster_name(obj: Object) -> str | None:
    return (obj.metadata.labels or {}).get(CLUSTER_NAME_LABEL)
