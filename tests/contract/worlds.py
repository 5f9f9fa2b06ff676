"""The worlds one suite runs in: the fake, the embedded server in process and over TLS, and a real Kubernetes API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from capelin.api.meta import ObjectKey, Resource, Unstructured
from capelin.apiserver.server import ApiServer
from capelin.apiserver.serving import HttpEndpoints
from capelin.apiserver.storage.store import MemoryStore
from capelin.runtime import errors
from capelin.runtime.client import EVERYTHING, ApiClient, Client
from capelin.runtime.entries import ingest
from capelin.runtime.http import connect
from capelin.runtime.inprocess import InProcess
from capelin.runtime.seams import SystemClock, SystemRandom
from capelin.runtime.transport import Credentials, ServingIdentity, User
from tests.fakes import FakeClient
from tests.integration.authority import Authority
from tests.integration.realserver import free_ports
from tests.runtime.ships import SHIP, Ship, ship

HISTORY = 100
"""Events the embedded server remembers: more than any test makes, few enough to be pushed out quickly."""

DEFINITIONS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False)
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)


async def _nothing() -> None:
    """Servers end watches by themselves, after the time they were asked for."""


@dataclass
class World:
    """A client, a namespace nobody else uses, and what a test cannot do through a client.

    `end_watches` ends watches that would not end by themselves; `old_revision` returns one that is no longer served. `sends_bookmarks`
    says whether a watch of a few seconds has any.
    """

    client: Client
    namespace: str
    old_revision: Callable[[], Awaitable[str]]
    end_watches: Callable[[], Awaitable[None]] = _nothing
    sends_bookmarks: bool = True

    def ship(self, name: str = "ada", **metadata: Any) -> Ship:
        """Return a Ship of this world's namespace."""
        return ship(name, self.namespace, **metadata)

    def key(self, name: str = "ada") -> ObjectKey:
        """Return the key of a Ship of this world."""
        return ObjectKey(self.namespace, name)


@asynccontextmanager
async def fake_world() -> AsyncIterator[World]:
    """Yield a world that is a dictionary."""
    client = FakeClient()

    async def end_watches() -> None:
        client.end_watches()

    async def old_revision() -> str:
        old = client.revision
        client.revision += 1
        client.compact()
        return str(old)

    yield World(client, "contract", old_revision, end_watches)


@asynccontextmanager
async def server_world(
    client: Client, namespace: str, old_revision: Callable[[], Awaitable[str]], *, sends_bookmarks: bool
) -> AsyncIterator[World]:
    """Yield a world on a server that knows Ships, in a namespace that is deleted afterwards."""
    await _define_ships(client)
    await client.create(Unstructured(NAMESPACES, {"metadata": {"name": namespace}}))
    yield World(client, namespace, old_revision, sends_bookmarks=sends_bookmarks)
    await client.delete(NAMESPACES, ObjectKey("", namespace))


@asynccontextmanager
async def http_world(
    credentials: Credentials, namespace: str, old_revision: Callable[[], Awaitable[str]], *, sends_bookmarks: bool
) -> AsyncIterator[World]:
    """Yield a world on a server that is reached over HTTP."""
    connection = connect(credentials)
    try:
        async with server_world(ApiClient(connection), namespace, old_revision, sends_bookmarks=sends_bookmarks) as world:
            yield world
    finally:
        await connection.close()


@asynccontextmanager
async def embedded_world(namespace: str) -> AsyncIterator[World]:
    """Yield a world on the embedded server, without sockets."""
    async with embedded_server() as (server, old_revision):
        client = ApiClient(InProcess(server, User("test", ("system:masters",))))
        async with server_world(client, namespace, old_revision, sends_bookmarks=True) as world:
            yield world


@asynccontextmanager
async def embedded_tls_world(authority: Authority, namespace: str) -> AsyncIterator[World]:
    """Yield a world on the embedded server, over TLS and with a client certificate."""
    (port,) = free_ports(1)
    endpoints = HttpEndpoints()
    async with embedded_server() as (server, old_revision):
        await endpoints.open("127.0.0.1", port, server, ServingIdentity(*authority.server(), authority.certificate))
        try:
            pair = authority.client("test", ("system:masters",))
            credentials = Credentials(f"https://127.0.0.1:{port}", authority.certificate, *pair)
            async with http_world(credentials, namespace, old_revision, sends_bookmarks=True) as world:
                yield world
        finally:
            await endpoints.close_all()


@asynccontextmanager
async def embedded_server() -> AsyncIterator[tuple[ApiServer, Callable[[], Awaitable[str]]]]:
    """Yield a running server whose history is short, and how to learn a revision that has left it."""
    store = MemoryStore(history=HISTORY)
    server = ApiServer(store, clock=SystemClock(), random=SystemRandom())
    await server.start()
    client = ApiClient(InProcess(server, User("test", ("system:masters",))))

    async def old_revision() -> str:
        (found,) = (await client.page(SHIP, EVERYTHING, limit=1)).items
        key = ingest(found).key
        for number in range(2 * HISTORY):
            await client.patch(SHIP, key, {"spec": {"knots": number}})
        return ingest(found).resource_version

    try:
        yield server, old_revision
    finally:
        await server.stop()


async def first_revision() -> str:
    """Return a revision older than every kind defined later."""
    return "1"


async def _define_ships(client: Client) -> None:
    try:
        await client.create(Unstructured(DEFINITIONS, DEFINITION))
    except errors.AlreadyExists:
        return
    async with asyncio.timeout(30):
        while not await _ships_are_served(client):
            await asyncio.sleep(0.05)  # noqa: TID251 - and lives in real time


async def _ships_are_served(client: Client) -> bool:
    definition = await client.get(DEFINITIONS, ObjectKey("", "ships.example.org"))
    conditions = ((definition.document if definition else {}).get("status") or {}).get("conditions") or ()
    if not any(condition["type"] == "Established" and condition["status"] == "True" for condition in conditions):
        return False
    try:
        await client.page(SHIP, EVERYTHING, limit=1)
    except errors.ApiError:
        return False
    return True


_CONDITION = {
    "type": "object",
    "required": ["type", "status"],
    "properties": {name: {"type": "string"} for name in ("type", "status", "reason", "message", "lastTransitionTime")},
}
_SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {"knots": {"type": "integer", "minimum": 0}, "crew": {"type": "array", "items": {"type": "string"}}},
        },
        "status": {
            "type": "object",
            "properties": {
                "observedGeneration": {"type": "integer"},
                "berth": {"type": "string"},
                "conditions": {
                    "type": "array",
                    "items": _CONDITION,
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["type"],
                },
            },
        },
    },
}
DEFINITION: dict[str, Any] = {
    "metadata": {"name": "ships.example.org"},
    "spec": {
        "group": "example.org",
        "scope": "Namespaced",
        "names": {"kind": "Ship", "listKind": "ShipList", "plural": "ships", "singular": "ship"},
        "versions": [
            {"name": "v1", "served": True, "storage": True, "subresources": {"status": {}}, "schema": {"openAPIV3Schema": _SCHEMA}}
        ],
    },
}
