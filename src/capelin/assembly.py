"""The one composition root: builds every controller over the seams it is given.

The command line calls `assemble` with the machine's own clock, sockets and keys; tests and the simulator call it with theirs. Nothing below
differs between them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar, get_args

from capelin.api.core import Secret
from capelin.api.crds import KINDS
from capelin.api.devcluster import DevCluster
from capelin.api.labels import CLUSTER_NAME_LABEL, DEPLOYMENT_NAME_LABEL
from capelin.api.machine import Machine
from capelin.api.meta import Object, ObjectKey, Unstructured
from capelin.api.references import ContractReference
from capelin.cloud.inmemory.cloud import InMemoryCloud
from capelin.cloud.inmemory.cluster import Servers
from capelin.cloud.inmemory.ports import Ports
from capelin.controllers.cluster.deletion import DeletionSteps as ClusterDeletion
from capelin.controllers.cluster.reconciler import ClusterReconciler
from capelin.controllers.cluster.watches import DECLARATION as CLUSTER
from capelin.controllers.devcluster.reconciler import DevClusterReconciler
from capelin.controllers.devcluster.watches import DECLARATION as DEVCLUSTER
from capelin.controllers.devmachine.reconciler import DevMachineReconciler
from capelin.controllers.devmachine.watches import DECLARATION as DEVMACHINE
from capelin.controllers.kubeadmconfig.lock import InitLock
from capelin.controllers.kubeadmconfig.reconciler import KubeadmConfigReconciler
from capelin.controllers.kubeadmconfig.watches import DECLARATION as KUBEADMCONFIG
from capelin.controllers.machine.deletion import Deadlines
from capelin.controllers.machine.deletion import DeletionSteps as MachineDeletion
from capelin.controllers.machine.reconciler import MachineReconciler
from capelin.controllers.machine.watches import DECLARATION as MACHINE
from capelin.controllers.machinedeployment.reconciler import MachineDeploymentReconciler
from capelin.controllers.machinedeployment.watches import DECLARATION as MACHINEDEPLOYMENT
from capelin.controllers.machineset.reconciler import MachineSetReconciler
from capelin.controllers.machineset.watches import DECLARATION as MACHINESET
from capelin.runtime import codec
from capelin.runtime.admission.reviews import Judge
from capelin.runtime.cache import Scope
from capelin.runtime.caches import CachePlan
from capelin.runtime.client import Client, Selection
from capelin.runtime.contract import ContractError, Contracts
from capelin.runtime.entries import CachedObject
from capelin.runtime.external import ExternalObjects
from capelin.runtime.manager import Manager
from capelin.runtime.reconcile import Change, Declaration, Reconciler, Rule
from capelin.runtime.seams import Clock, Keys, Random
from capelin.runtime.transport import Connect, Endpoints
from capelin.webhooks import catalog
from capelin.workload.certificates import ClusterCertificates, Purpose
from capelin.workload.connections import Connections
from capelin.workload.credentials import AddressPolicy
from capelin.workload.kubeconfig import Kubeconfigs
from capelin.workload.nodes import NodeChange

PROVIDER_ID_INDEX: Final = "providerID"
KUBECONFIG_SUFFIX: Final = "-kubeconfig"

RUNTIME_RULES: Final = (Rule(("",), ("events",), ("create", "patch")),)
"""What the engine itself does, whichever controllers run. Leases are granted by a Role in the manager's own namespace."""


O = TypeVar("O", bound=Object)


@dataclass(frozen=True, slots=True)
class Seams:
    """What the controllers see of the world besides the management API."""

    clock: Clock
    random: Random
    keys: Keys
    connect: Connect
    endpoints: Endpoints
    servers: Servers
    ports: Ports


def declarations() -> tuple[Declaration, ...]:
    """Return the declaration of every controller there is."""
    return (CLUSTER, MACHINE, MACHINESET, MACHINEDEPLOYMENT, KUBEADMCONFIG, DEVCLUSTER, DEVMACHINE)


def cache_plan(namespaces: Collection[str] = ()) -> CachePlan:
    """Return what the controllers keep in memory. Of Secrets only those that belong to a cluster."""
    return CachePlan(
        namespaces=tuple(namespaces),
        labels=frozenset({CLUSTER_NAME_LABEL, DEPLOYMENT_NAME_LABEL}),
        scopes={str(Secret.resource): Scope(label=CLUSTER_NAME_LABEL)},
        indexes={str(Machine.resource): {PROVIDER_ID_INDEX: _provider_ids}},
    )


@dataclass(frozen=True, slots=True)
class _Wiring:
    """What several controllers share, once per manager."""

    manager: Manager
    seams: Seams
    contracts: Contracts
    connections: Connections
    certificates: ClusterCertificates
    cloud: InMemoryCloud

    def external(self, declaration: Declaration) -> ExternalObjects:
        return ExternalObjects(self.manager.client, self.manager.live, self.contracts, self.manager.tracker(declaration))


def assemble(manager: Manager, seams: Seams, *, controllers: Collection[str] = ()) -> None:
    """Add the named controllers (all when none is named) and what they need to `manager`.

    Raises:
        ValueError: there is no controller of a name.
    """
    known = {declaration.name: declaration for declaration in declarations()}
    if unknown := sorted(set(controllers) - set(known)):
        raise ValueError(f"controllers: found {', '.join(unknown)}; allowed are {', '.join(known)}")
    names = controllers or known.keys()
    wiring = _wire(manager, seams, frozenset(names))
    for name in names:
        manager.add(known[name], _BUILDERS[name](wiring))


def _wire(manager: Manager, seams: Seams, controllers: frozenset[str]) -> _Wiring:
    policy = AddressPolicy(lambda host, port: _serves(manager, host, port))
    connections = Connections(manager.client, seams.connect, policy, seams.clock, seams.random)
    manager.background("connections", connections.run)
    connections.subscribe(_Waker(manager, controllers))
    manager.caches.subscribe(Secret, _kubeconfig_listener(connections))
    manager.caches.watch(DevCluster)
    certificates = ClusterCertificates(manager.client, manager.live, seams.keys, seams.clock)
    authorities = partial(certificates.find, purpose=Purpose.CA)
    cloud = InMemoryCloud(seams.servers, seams.endpoints, authorities, seams.clock, seams.random, seams.keys)
    manager.background("in-memory cloud", cloud.run)
    return _Wiring(manager, seams, Contracts(manager.live, seams.clock), connections, certificates, cloud)


def _cluster(w: _Wiring) -> Reconciler:
    client, live, external = w.manager.client, w.manager.live, w.external(CLUSTER)
    kubeconfigs = Kubeconfigs(client, w.certificates, w.seams.keys, w.seams.clock)
    return ClusterReconciler(client, external, w.connections, kubeconfigs, ClusterDeletion(client, live, external), w.seams.clock)


def _machine(w: _Wiring) -> Reconciler:
    client, live, external, clock = w.manager.client, w.manager.live, w.external(MACHINE), w.seams.clock
    deletion = MachineDeletion(live, external, w.connections, clock, Deadlines(clock))
    return MachineReconciler(client, live, external, w.connections, deletion, clock)


def _machineset(w: _Wiring) -> Reconciler:
    return MachineSetReconciler(w.manager.client, w.manager.live, w.external(MACHINESET), w.seams.clock, w.manager.recorder)


def _machinedeployment(w: _Wiring) -> Reconciler:
    return MachineDeploymentReconciler(w.manager.client, w.manager.live, w.external(MACHINEDEPLOYMENT), w.seams.clock, w.manager.recorder)


def _kubeadmconfig(w: _Wiring) -> Reconciler:
    client, live = w.manager.client, w.manager.live
    return KubeadmConfigReconciler(client, live, w.certificates, InitLock(live), w.connections, w.seams.clock)


def _devcluster(w: _Wiring) -> Reconciler:
    return DevClusterReconciler(w.manager.client, w.cloud, w.seams.ports, w.seams.clock)


def _devmachine(w: _Wiring) -> Reconciler:
    return DevMachineReconciler(w.manager.client, w.manager.live, w.cloud, w.seams.clock)


_BUILDERS: Final[dict[str, Callable[[_Wiring], Reconciler]]] = {
    CLUSTER.name: _cluster,
    MACHINE.name: _machine,
    MACHINESET.name: _machineset,
    MACHINEDEPLOYMENT.name: _machinedeployment,
    KUBEADMCONFIG.name: _kubeadmconfig,
    DEVCLUSTER.name: _devcluster,
    DEVMACHINE.name: _devmachine,
}


# -- admission ----------------------------------------------------------------------------------------------------------------------


ATTENDED_FIELDS: Final = {"topology": "Cluster.spec.topology"}
"""Fields that take a controller of their own, by its name."""


def unattended() -> frozenset[str]:
    """Return the kinds that report conditions, and the fields, that no controller of this version acts on."""
    names, attended = {declaration.name for declaration in declarations()}, {declaration.kind for declaration in declarations()}
    kinds = {kind.resource.kind for kind in KINDS if kind not in attended and _has_conditions(kind)}
    return frozenset(kinds | {field for name, field in ATTENDED_FIELDS.items() if name not in names})


def _has_conditions(kind: type[Object]) -> bool:
    status = kind.model_fields.get("status")
    return status is not None and any("conditions" in getattr(part, "model_fields", {}) for part in get_args(status.annotation))


def admission(manager: Manager) -> Mapping[str, Judge]:
    """Return what answers the reviews of every webhook, by path; it reads other objects from the API server itself."""
    lookups = ServerLookups(manager.live, Contracts(manager.live, manager.clock))
    return catalog.judges(lookups, unattended())


def admission_rules() -> Iterable[Rule]:
    """Return what the webhooks may read."""
    for webhook in catalog.WEBHOOKS:
        for kind in webhook.reads:
            yield Rule((kind.resource.group,), (kind.resource.plural,), ("get", "list"))


@dataclass(frozen=True, slots=True)
class ServerLookups:
    """Reads for webhooks, from the API server."""

    live: Client
    contracts: Contracts

    async def get(self, kind: type[O], key: ObjectKey) -> O | None:
        return await self.live.get(kind, key)

    async def list(self, kind: type[O], *, namespace: str = "") -> list[O]:
        return await self.live.list(kind, Selection(namespace=namespace))

    async def referenced(self, reference: ContractReference, namespace: str) -> Unstructured | None:
        try:
            resource = await self.contracts.resource(reference.api_group, reference.kind)
        except ContractError:
            return None  # of a kind that is no provider's there is no object
        return await self.live.get(resource, ObjectKey(namespace, reference.name))


# -- what wakes controllers besides the management API ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Waker:
    """Wakes what waits for a workload cluster: its Cluster, Machines and bootstrap configurations when the connection comes or goes, a
    Machine when its Node changes. Only the controllers that are here can be woken."""

    manager: Manager
    controllers: frozenset[str]

    def connection_changed(self, cluster: ObjectKey) -> None:
        if CLUSTER.name in self.controllers:
            self.manager.queue(CLUSTER).add(cluster)
        for declaration in (MACHINE, KUBEADMCONFIG):
            if declaration.name in self.controllers:
                self._wake_all(declaration, cluster)

    def node_changed(self, cluster: ObjectKey, change: NodeChange) -> None:
        if MACHINE.name not in self.controllers:
            return
        machines = self.manager.caches.cache.of(Machine)
        found = {entry.key for entry in machines.indexed(PROVIDER_ID_INDEX, change.provider_id) if entry.key.namespace == cluster.namespace}
        if change.machine:
            found.add(ObjectKey(cluster.namespace, change.machine))
        for key in sorted(found):
            self.manager.queue(MACHINE).add(key)

    def _wake_all(self, declaration: Declaration, cluster: ObjectKey) -> None:
        labels = {CLUSTER_NAME_LABEL: cluster.name}
        for entry in self.manager.caches.cache.entries(declaration.kind, namespace=cluster.namespace, labels=labels):
            self.manager.queue(declaration).add(entry.key)


def _kubeconfig_listener(connections: Connections) -> Callable[[Change, bool], None]:
    """Return the listener that has a connection look at its kubeconfig again when the Secret changes."""

    def changed(change: Change, can_wait: bool) -> None:  # noqa: ARG001 - the shape of a listener
        key = change.current.key
        if key.name.endswith(KUBECONFIG_SUFFIX):
            connections.kubeconfig_changed(ObjectKey(key.namespace, key.name.removesuffix(KUBECONFIG_SUFFIX)))

    return changed


def _provider_ids(entry: CachedObject) -> Iterable[str]:
    found = codec.decode_document(entry.body).get("spec", {}).get("providerID")
    return (found,) if isinstance(found, str) and found else ()


def _serves(manager: Manager, host: str, port: int) -> bool:
    """Tell whether the simulated provider serves a cluster at an address: it says so in the status, which users cannot write."""
    for entry in manager.caches.cache.entries(DevCluster):
        found = entry.view(DevCluster)
        endpoint, status = found.spec.control_plane_endpoint if found.spec else None, found.status
        provisioned = status is not None and status.initialization is not None and status.initialization.provisioned is True
        if provisioned and endpoint is not None and (endpoint.host, endpoint.port) == (host, port):
            return True
    return False
