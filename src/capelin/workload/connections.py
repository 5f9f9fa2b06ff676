"""The connections to workload clusters: one per Cluster, shared by every controller.

A connection is opened when somebody first asks for it, from the Secret `<cluster>-kubeconfig`, and then kept: probed, told apart from the
others when it fails, opened again, and built anew when the Secret changes. Nobody waits for it inside a reconcile: who asks while there is
none gets `Disconnected` at once, and subscribers are told when that changes.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import structlog

from capelin.api.core import Node, Secret
from capelin.api.meta import ObjectKey
from capelin.runtime import errors
from capelin.runtime.client import ApiClient, Client
from capelin.runtime.deadlines import within
from capelin.runtime.seams import Clock, Random
from capelin.runtime.transport import Connect, Connection, Handler, Request
from capelin.workload.credentials import AddressPolicy, KubeconfigRefused, load_kubeconfig
from capelin.workload.kubeconfig import KUBECONFIG_KEY, kubeconfig_secret_key
from capelin.workload.nodes import NodeChange, NodeIndex

PROBE_INTERVAL: Final = timedelta(seconds=10)
PROBE_TIMEOUT: Final = timedelta(seconds=5)
PROBE_FAILURES: Final = 5
"""The rhythm of the standard: a cluster that went is noticed within 75 seconds, one that hesitates is not given up."""

PROBE_GRACE: Final = timedelta(seconds=50)
"""How long after a successful probe a cluster is taken to be there: one probe less than it takes to give it up."""

FIRST_RETRY: Final = timedelta(milliseconds=500)
LAST_RETRY: Final = timedelta(seconds=30)
"""Between attempts to connect: quick while a cluster is being made, slow when it stays away."""

ON_DEMAND: Final = timedelta(seconds=1)
"""Somebody who asks for a connection that is down makes it try at once, but not more often than this."""

AWAITED: Final = timedelta(seconds=10)
"""As long as somebody has asked for it within this time, a connection is tried again every `ON_DEMAND` at least."""

FORGET_AFTER: Final = timedelta(minutes=2)
"""How long a connection without a kubeconfig is kept when nobody asks for it."""

_log: Any = structlog.get_logger(__name__)


class Disconnected(errors.Unreachable):
    """There is no connection to the workload cluster: nothing is known, and nothing was changed."""


class Subscriber(Protocol):
    """Is told what happens in workload clusters; called on the event loop, must not block."""

    def connection_changed(self, cluster: ObjectKey) -> None:
        """The connection came, went, or has been silent for longer than `PROBE_GRACE`."""

    def node_changed(self, cluster: ObjectKey, change: NodeChange) -> None:
        """A Node appeared, changed in a way that matters, or went."""


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """The state of a connection. `silent_for` counts from the last successful probe, before the first one from the first attempt."""

    is_connected: bool
    silent_for: timedelta
    last_success_at: datetime | None = None
    refusal: str = ""  # why its kubeconfig is not used, for people; empty when it is, or when there is none


@dataclass(eq=False, slots=True)
class Connections:
    """Opens, keeps and closes the connections to workload clusters. Run `run` in the background."""

    secrets: Client  # reads the management cluster
    connect: Connect
    policy: AddressPolicy
    clock: Clock
    random: Random
    _links: dict[ObjectKey, _Link] = field(default_factory=dict)
    _subscribers: list[Subscriber] = field(default_factory=list)
    _tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Keep the connections until cancelled; then all of them are closed."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                for link in self._links.values():
                    self._start(link)
                await asyncio.Event().wait()
        finally:
            self._tasks = None

    def subscribe(self, subscriber: Subscriber) -> None:
        """Tell `subscriber` of every change from now on."""
        self._subscribers.append(subscriber)

    async def client(self, cluster: ObjectKey) -> Client:
        """Return a client of the workload cluster.

        Raises:
            Disconnected: there is no connection (yet); subscribers are told when there is.
        """
        return self._link(cluster).client_or_raise()

    def connection(self, cluster: ObjectKey) -> ConnectionStatus:
        """Return the state of the connection; asking opens none."""
        link = self._links.get(cluster)
        return link.status() if link else ConnectionStatus(is_connected=False, silent_for=timedelta())

    def node(self, cluster: ObjectKey, provider_id: str) -> Node | None:
        """Return the Node with that provider ID, or None when the cluster has none.

        Raises:
            Disconnected: nobody knows yet, or any more.
            AmbiguousProviderID: several Nodes have it.
            ApiError: the cluster does not let us read its Nodes.
        """
        nodes = self._link(cluster).nodes_or_raise()
        if nodes.is_synced:
            return nodes.find(provider_id)
        if nodes.failure is None or isinstance(nodes.failure, errors.Unreachable):
            raise Disconnected(f"the Nodes of cluster {cluster} are not known yet")
        raise errors.ApiError(f"the Nodes of cluster {cluster} cannot be read: {nodes.failure}")

    def kubeconfig_changed(self, cluster: ObjectKey) -> None:
        """Look at the cluster's kubeconfig Secret again, soon; a connection with an unchanged one goes on."""
        link = self._links.get(cluster)
        if link is not None:
            link.poke()

    def forget(self, cluster: ObjectKey) -> None:
        """Close the connection to a cluster that is gone."""
        link = self._links.pop(cluster, None)
        if link is not None and link.task is not None:
            link.task.cancel()

    def _link(self, cluster: ObjectKey) -> _Link:
        link = self._links.get(cluster)
        if link is None:
            link = self._links[cluster] = _Link(cluster, self)
            self._start(link)
        return link

    def _start(self, link: _Link) -> None:
        if self._tasks is not None:
            link.task = self._tasks.create_task(self._keep(link), name=f"connection {link.cluster}")

    async def _keep(self, link: _Link) -> None:
        await link.keep()
        if self._links.get(link.cluster) is link:
            del self._links[link.cluster]

    def connection_changed(self, cluster: ObjectKey) -> None:
        """Tell the subscribers."""
        for subscriber in self._subscribers:
            subscriber.connection_changed(cluster)

    def node_changed(self, cluster: ObjectKey, change: NodeChange) -> None:
        """Tell the subscribers."""
        for subscriber in self._subscribers:
            subscriber.node_changed(cluster, change)


class _Link:
    """One connection, through all its lives."""

    def __init__(self, cluster: ObjectKey, owner: Connections) -> None:
        self.cluster = cluster
        self.task: asyncio.Task[None] | None = None
        self._owner = owner
        self._clock = owner.clock
        self._client: Client | None = None
        self._nodes: NodeIndex | None = None  # there when the client is
        self._problem = self._refusal = ""
        self._has_kubeconfig = True  # until we know better
        self._since = self._attempted_at = self._asked_at = owner.clock.monotonic()
        self._last_success_at: datetime | None = None
        self._was_trusted = False
        self._poked = asyncio.Event()

    def client_or_raise(self) -> Client:
        if self._client is None:
            raise self._disconnected()
        return self._client

    def nodes_or_raise(self) -> NodeIndex:
        if self._nodes is None:
            raise self._disconnected()
        return self._nodes

    def _disconnected(self) -> Disconnected:
        """Note that somebody wants the connection, and return the error that says there is none."""
        now = self._clock.monotonic()
        self._asked_at = now
        if now - self._attempted_at >= ON_DEMAND.total_seconds():
            self._poked.set()
        return Disconnected(f"there is no connection to cluster {self.cluster}{f': {self._problem}' if self._problem else ''}")

    def status(self) -> ConnectionStatus:
        silent_for = timedelta(seconds=self._clock.monotonic() - self._since)
        return ConnectionStatus(self._client is not None, silent_for, self._last_success_at, self._refusal)

    def poke(self) -> None:
        self._poked.set()

    async def keep(self) -> None:
        """Connect, stay connected, connect again; return when there is no kubeconfig and nobody asks for one."""
        delay = FIRST_RETRY
        while not self._is_forgotten():
            if await self._was_connected():
                delay = FIRST_RETRY
            else:  # who asks does so because something has happened: what failed before may soon succeed
                delay = FIRST_RETRY if await self._pause(delay) else min(delay * 2, self._longest_pause())

    async def _was_connected(self) -> bool:
        """Connect and stay connected for as long as it lasts; False when that came to nothing."""
        try:
            opened = await self._open()
            if opened is None:
                return False
            connection, kubeconfig = opened
            try:
                await self._stay(connection, kubeconfig)
            finally:
                self._client = self._nodes = None
                await connection.close()
            self._tell()
        except Exception as error:  # a workload cluster may be anybody's: what it makes us stumble over must not stop all others
            _log.error("A connection failed in a way that nobody has foreseen", Cluster=str(self.cluster), exc_info=error)
            self._refuse("it failed in a way that nobody has foreseen")
            return False
        return True

    def _longest_pause(self) -> timedelta:
        is_awaited = self._has_kubeconfig and self._clock.monotonic() - self._asked_at <= AWAITED.total_seconds()
        return ON_DEMAND if is_awaited else LAST_RETRY

    def _is_forgotten(self) -> bool:
        return not self._has_kubeconfig and self._clock.monotonic() - self._asked_at > FORGET_AFTER.total_seconds()

    async def _open(self) -> tuple[Connection, bytes] | None:
        """Open a connection that answers; None when there is none, for a reason that is then in `_problem`."""
        self._attempted_at = self._clock.monotonic()
        self._poked.clear()
        try:
            kubeconfig = await self._kubeconfig()
            if kubeconfig is None:
                self._problem = "its kubeconfig Secret does not exist"
                return None
            policy = self._owner.policy
            connection = self._owner.connect(load_kubeconfig(kubeconfig, policy), screen=policy.screen)
            self._refusal = ""
            async with AsyncExitStack() as unless_it_answers:
                unless_it_answers.push_async_callback(connection.close)
                if await self._probe(connection):
                    unless_it_answers.pop_all()
                    return connection, kubeconfig
            self._problem = "its API server does not answer"
        except KubeconfigRefused as error:
            self._refuse(f"its kubeconfig is refused: {error}")
        except OSError as error:
            self._refuse(f"its kubeconfig cannot be used: {error}")
        except errors.ApiError as error:
            self._problem = f"its kubeconfig cannot be read: {error}"
        return None

    def _refuse(self, refusal: str) -> None:
        self._problem = refusal
        if self._refusal != refusal:
            self._refusal = refusal
            self._tell()

    async def _kubeconfig(self) -> bytes | None:
        key = kubeconfig_secret_key(self.cluster)
        secret = await self._owner.secrets.get(Secret, key)
        self._has_kubeconfig = secret is not None
        if secret is None:
            return None
        try:
            value = secret.value(KUBECONFIG_KEY)
        except ValueError:
            value = None
        if value is None:
            raise KubeconfigRefused(f"Secret {key}: data.{KUBECONFIG_KEY}: allowed is a kubeconfig in base64")
        return value

    async def _stay(self, connection: Connection, kubeconfig: bytes) -> None:
        """Probe until the connection is lost or its kubeconfig has changed, with the Nodes followed all the while."""
        self._client = client = ApiClient(connection)
        self._nodes = nodes = NodeIndex(client, self._node_changed, self._clock, self._owner.random)
        self._succeed()
        self._tell()
        async with asyncio.TaskGroup() as tasks:
            background = [
                tasks.create_task(nodes.run(), name=f"nodes {self.cluster}"),
                tasks.create_task(self._tell_when_synced(nodes), name=f"nodes synced {self.cluster}"),
            ]
            try:
                await self._probe_until_lost(connection, kubeconfig)
            finally:
                for task in background:
                    task.cancel()

    async def _tell_when_synced(self, nodes: NodeIndex) -> None:
        """Tell that Nodes can be looked for: who found out earlier that nobody knows waits for this."""
        await nodes.synced()
        self._tell()

    async def _probe_until_lost(self, connection: Connection, kubeconfig: bytes) -> None:
        failures = 0
        while failures < PROBE_FAILURES:
            if await self._pause(PROBE_INTERVAL) and await self._is_replaced(kubeconfig):
                return
            if await self._probe(connection):
                failures = 0
                self._succeed()
            else:
                failures += 1
            self._tell_trust()
        self._problem = "its API server does not answer"

    async def _is_replaced(self, kubeconfig: bytes) -> bool:
        """Tell whether the Secret now holds another kubeconfig; a doubt leaves the connection as it is."""
        try:
            return await self._kubeconfig() != kubeconfig
        except errors.ApiError:
            return False
        except KubeconfigRefused:
            return True

    async def _probe(self, handler: Handler) -> bool:
        """Tell whether the API server answers; that it forbids the question is an answer, that it does not know us is none."""
        try:
            response = await within(self._clock, PROBE_TIMEOUT, handler.send(Request("GET", "/")))
        except (errors.ApiError, TimeoutError):
            return False
        return response.status < 500 and response.status != errors.Unauthorized.code

    def _succeed(self) -> None:
        self._problem = ""
        self._since = self._clock.monotonic()
        self._last_success_at = self._clock.now()

    def _tell(self) -> None:
        self._was_trusted = self._is_trusted()
        self._owner.connection_changed(self.cluster)

    def _tell_trust(self) -> None:
        if self._is_trusted() != self._was_trusted:
            self._tell()

    def _is_trusted(self) -> bool:
        return self._clock.monotonic() - self._since < PROBE_GRACE.total_seconds()

    def _node_changed(self, change: NodeChange) -> None:
        self._owner.node_changed(self.cluster, change)

    async def _pause(self, delay: timedelta) -> bool:
        """Wait for `delay` or until poked; tell whether it was a poke."""
        try:
            await within(self._clock, delay, self._poked.wait())
        except TimeoutError:
            return False
        self._poked.clear()
        return True
