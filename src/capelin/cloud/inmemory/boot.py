"""The steps of one machine, carried out: every one can be repeated, and a machine that did it before finds it done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from capelin.api.core import Node, Pod, Secret
from capelin.api.meta import ObjectKey, Unstructured
from capelin.cloud.inmemory import manifests, nodes
from capelin.cloud.inmemory.cluster import WorkloadCluster
from capelin.cloud.inmemory.joining import JoinRefused, check_authority, check_endpoint, check_token, token_secret
from capelin.cloud.inmemory.kubeadm import Discovery, Init, Join, Registration, Run, kubeadm_run
from capelin.cloud.inmemory.machine import SimulatedMachine
from capelin.cloud.inmemory.orders import Order
from capelin.cloud.inmemory.userdata import UserDataError, written_files
from capelin.runtime import errors
from capelin.runtime.client import Client
from capelin.runtime.pki import CertificateError, KeyPair, issue, spki_hash
from capelin.runtime.seams import Clock, Keys
from capelin.runtime.transport import ServingIdentity

JOIN_RETRY: Final = timedelta(seconds=5)
"""How often a machine that was refused tries again: kubeadm's own patience. Whatever lets it in happens in the workload cluster, where
nobody tells us."""

CONTROL_PLANE_POLL: Final = timedelta(seconds=1)
"""How often a machine looks for a control plane that is only about to come up, which after a restart is a matter of one step."""

SERVING_RETRY: Final = timedelta(seconds=10)
"""How often to try a port that another process holds, or an authority that cannot be used."""

CERTIFICATE_LIFE: Final = timedelta(days=365)
"""As kubeadm's."""

Authorities = Callable[[ObjectKey], Awaitable[KeyPair | None]]
"""Returns the certificate authority of a cluster, None while there is none; raises CertificateError when it cannot be used."""

_NAMES: Final = (
    "127.0.0.1",
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)
_CONTROL_PLANE_PODS: Final = (nodes.API_SERVER, nodes.CONTROLLER_MANAGER, nodes.SCHEDULER)


class StepWaits(Exception):
    """A step cannot be taken yet, for no fault of the machine; look again after `delay`."""

    def __init__(self, delay: timedelta) -> None:
        super().__init__()
        self.delay = delay


class StepFailed(Exception):
    """A step of a machine failed; `retry` is when to try again, None when nothing but a change of the order helps."""

    def __init__(self, message: str, retry: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry = retry


@dataclass(frozen=True, slots=True)
class Boot:
    """The steps of `machine`, as `order` wants them, in `cluster`."""

    machine: SimulatedMachine
    order: Order
    cluster: WorkloadCluster
    authorities: Authorities
    clock: Clock
    keys: Keys

    @property
    def host(self) -> nodes.Host:
        """The computer."""
        return nodes.Host(self.order.uid, self.order.provider_id, self.order.version, self.order.zone)

    async def start_vm(self) -> None:
        """Let the machine run.

        Raises:
            StepFailed: it is declared never to boot.
        """
        if self.order.behavior.never_boot:
            raise StepFailed("the machine never boots, as its behavior says")

    async def start_node(self) -> None:
        """Run kubeadm as far as the Node; afterwards it is registered and healthy.

        Raises:
            StepWaits: the machine was a Node before, and its cluster is not up again.
            StepFailed: bootstrapping fails, the cluster refuses the machine, or the Node's name is taken.
        """
        behavior = self.order.behavior
        if behavior.fail_bootstrap:
            raise StepFailed(f"the bootstrap data failed: {behavior.fail_bootstrap}")
        if behavior.lose_node:
            raise StepFailed("the Node is lost, as the machine's behavior says")
        run = self._read_disk()
        if not self.machine.has_had_its_time:
            await self._check_join(run)
        self.machine.node_uid = await self._register(run, await self.cluster.client())

    async def start_etcd(self) -> None:
        """Let the machine's etcd member run."""
        await self._run_static_pods(await self.cluster.client(), nodes.ETCD)

    async def start_api_server(self) -> None:
        """Let the machine's API server run; a new cluster is filled with what kubeadm makes.

        Raises:
            StepFailed: the endpoint cannot be opened.
        """
        client = await self.cluster.client()
        await self._run_static_pods(client, *_CONTROL_PLANE_PODS)
        authority = await self._authority()
        if await client.get(manifests.CONFIG_MAPS, manifests.KUBEADM_CONFIG) is None:
            await self._initialize(client, authority)
        try:
            await self.cluster.enter(self.machine.uid, await self._identity(authority))
        except OSError as error:
            site = self.order.site
            raise StepFailed(f"{site.endpoint} cannot be served: {error.strerror or error}", SERVING_RETRY) from error

    async def run_extra_pods(self) -> None:
        """Make the Pods that the behavior declares, each once; one whose namespace is not there yet comes later."""
        for pod in self.order.behavior.pods:
            if (pod.namespace, pod.name) in self.machine.pods or not self.cluster.is_running:
                continue
            client = await self.cluster.client()
            document = nodes.extra_pod(pod.name, pod.namespace, pod.labels, self.host, self.machine.node_name, now=self.clock.now())
            with suppress(errors.NotFound, errors.Forbidden):
                await _create(client, Unstructured(Pod.resource, document))
                self.machine.pods.add((pod.namespace, pod.name))

    async def lose_node(self) -> None:
        """Remove the Node."""
        if self.machine.node_name and self.cluster.is_running:
            client = await self.cluster.client()
            with suppress(errors.Conflict):  # another Node has the name by now
                await client.delete(Node, ObjectKey("", self.machine.node_name), uid=self.machine.node_uid)

    async def die(self) -> None:
        """Stop the machine: its Node is not heard of any more, and its API server, if it runs one, is gone."""
        if self.machine.node_name and self.cluster.is_running:
            client = await self.cluster.client()
            conditions = nodes.silent_conditions(now=self.clock.now())
            with suppress(errors.NotFound):
                key = ObjectKey("", self.machine.node_name)
                await client.patch(Node.resource, key, {"status": {"conditions": conditions}}, subresource="status")
        await self.cluster.leave(self.machine.uid)

    # -- the parts of kubeadm ---------------------------------------------------------------------------------------------------

    def _read_disk(self) -> Run:
        """Return what kubeadm is to do; a machine that joined before needs no data to run on as it did."""
        machine, order = self.machine, self.order
        if machine.run is not None:
            return machine.run
        if not machine.disk and machine.has_had_its_time:
            run: Run = Join(Registration(order.name), Discovery(), machine.is_control_plane)
        else:
            try:
                run = kubeadm_run(written_files(machine.disk, hostname=order.name), hostname=order.name)
            except UserDataError as error:
                raise StepFailed(f"the bootstrap data cannot be carried out: {error}") from error
        if run.is_control_plane != machine.is_control_plane:
            role = {True: "a control plane", False: "a worker"}
            found, allowed = role[run.is_control_plane], role[machine.is_control_plane]
            raise StepFailed(f"the bootstrap data is for another machine: found {found}, allowed is {allowed}, as the Machine's label says")
        machine.run, machine.disk = run, b""
        return run

    async def _check_join(self, run: Run) -> None:
        if not isinstance(run, Join):
            return
        try:
            if not self.cluster.is_running:
                raise JoinRefused(f"no control plane answers at {run.discovery.endpoint or self.order.site.endpoint}")
            if run.discovery.token:
                check_endpoint(run.discovery, self.order.site.endpoint)
                check_authority(run.discovery, spki_hash((await self._authority()).certificate))
                client = await self.cluster.client()
                secret = await client.get(Secret, token_secret(run.discovery.token))
                check_token(run.discovery.token, secret, now=self.clock.now())
        except JoinRefused as refusal:
            raise StepFailed(f"kubeadm join was refused: {refusal}", JOIN_RETRY) from refusal

    async def _register(self, run: Run, client: Client) -> str:
        """Create the Node unless the machine has it already, and return its UID."""
        key = ObjectKey("", run.registration.name)
        found = await client.get(Node, key) if self.machine.has_had_its_time else None
        if found is None:
            if not run.is_control_plane and not self.cluster.is_running:
                raise StepWaits(CONTROL_PLANE_POLL)
            document = nodes.node(self.host, run.registration, is_control_plane=run.is_control_plane, now=self.clock.now())
            try:
                return (await client.create(Unstructured(Node.resource, document))).uid
            except errors.AlreadyExists:
                found = await client.get(Node, key)
        if found is None or found.spec is None or found.spec.provider_id != self.order.provider_id:
            raise StepFailed(f"the cluster has a Node {key.name} already, which is another machine's", JOIN_RETRY)
        return found.uid

    async def _run_static_pods(self, client: Client, *components: str) -> None:
        name, uid, now = self.machine.node_name, self.machine.node_uid, self.clock.now()
        pods = (nodes.static_pod(component, self.host, name, uid, now=now) for component in components)
        await _create_all(client, [Unstructured(Pod.resource, pod) for pod in pods])

    async def _initialize(self, client: Client, authority: KeyPair) -> None:
        """Fill a new cluster; kubeadm-config comes last, and says that the rest is there."""
        run, order = self.machine.run, self.order
        found = manifests.init_objects(
            self._cluster_configuration,
            server=f"https://{order.site.endpoint}",
            certificate_authority=authority.certificate,
            version=order.version,
        )
        await _create_all(client, found)
        await _create(client, manifests.kubeadm_config(run.stored_configuration if isinstance(run, Init) else ""))

    async def _authority(self) -> KeyPair:
        cluster = self.order.site.cluster
        try:
            found = await self.authorities(cluster)
        except CertificateError as error:
            raise StepFailed(f"the cluster's certificate authority cannot be used: {error}", SERVING_RETRY) from error
        if found is None:
            raise StepFailed(f"the certificate authority of cluster {cluster} does not exist", SERVING_RETRY)
        return found

    async def _identity(self, authority: KeyPair) -> ServingIdentity:
        """Return what the API server shows and demands, as kubeadm would have made it on the machine."""
        extra = (self._cluster_configuration.get("apiServer") or {}).get("certSANs") or ()
        hosts = dict.fromkeys((*_NAMES, self.order.site.host, self.machine.node_name, self.host.address, *map(str, extra)))
        key, now = await self.keys.generate("ECDSA-P256"), self.clock.now()
        pair = issue(authority, key, common_name="kube-apiserver", hosts=hosts, usage="server", now=now, valid_for=CERTIFICATE_LIFE)
        return ServingIdentity(pair.certificate, pair.key, authority.certificate)

    @property
    def _cluster_configuration(self) -> Mapping[str, Any]:
        return self.machine.run.cluster_configuration if isinstance(self.machine.run, Init) else {}


async def _create_all(client: Client, objects: list[Unstructured]) -> None:
    """Create the objects at once, so that a database makes them durable together."""
    async with asyncio.TaskGroup() as tasks:
        for obj in objects:
            tasks.create_task(_create(client, obj))


async def _create(client: Client, obj: Unstructured) -> None:
    """Create the object with its status; one that is there already stays as it is."""
    status = obj.document.get("status")
    try:
        created = await client.create(obj)
    except errors.AlreadyExists:
        return
    if status is not None and created.document.get("status") != status:
        await client.patch(obj.resource, obj.key, {"status": status}, subresource="status")
