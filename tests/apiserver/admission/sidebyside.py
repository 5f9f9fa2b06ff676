"""The real server and ours, with the same webhooks declared, asked the same things: what they answer, and what they ask the webhooks."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from capelin.apiserver.admission.calling import ConnectedCaller
from capelin.apiserver.server import ApiServer
from capelin.apiserver.serving import HttpEndpoints
from capelin.runtime import codec, tls
from capelin.runtime.http import connect
from capelin.runtime.inprocess import InProcess
from capelin.runtime.seams import SystemClock, SystemRandom
from capelin.runtime.transport import Handler, Request, Response, ServingIdentity
from tests.apiserver.admission.webhooks import MUTATING, VALIDATING, Document, Respond, Webhooks, configuration, hook, rule
from tests.apiserver.api import ADMIN, CRDS, MERGE, NAMESPACES, widget_crd
from tests.fakes import settle
from tests.integration.realserver import RealServer, free_ports

HOST = "127.0.0.1"
CONFIG_MAPS = "/api/v1/namespaces/{}/configmaps"
SECRETS = "/api/v1/namespaces/{}/secrets"
WIDGETS = "/apis/example.com/v1/namespaces/{}/widgets"
SERVERS_OWN = ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp")
HEADERS = {"content-type": "application/json", "accept": "application/json", "user-agent": "tests/1"}
_PROBE = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "probe"}}


@dataclass(frozen=True)
class Step:
    """One request; `{}` in the path stands for the scenario's namespace."""

    method: str
    path: str
    body: Any = None
    media: str = ""
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Hook:
    """A webhook of a scenario: how it answers, and what its declaration says beside where it is."""

    path: str
    respond: Respond
    fields: Document = field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    """Webhooks, and requests that concern them. Its name is that of its namespace, on both servers."""

    name: str
    steps: list[Step]
    mutating: list[Hook] = field(default_factory=list)
    validating: list[Hook] = field(default_factory=list)
    labels: Document = field(default_factory=dict)  # of the namespace


@dataclass(frozen=True)
class Told:
    """What a server answered to a step, and what it asked the webhooks for it."""

    status: int
    body: Any
    warnings: str
    asked: list[tuple[str, Any]]


@dataclass
class Pair:
    """Both servers. Their webhooks are the same: one server is asked after the other."""

    servers: Mapping[str, Handler]
    webhooks: Webhooks
    base: str
    authority: bytes
    _declared_at: list[tuple[Handler, str]] = field(default_factory=list)

    async def close(self) -> None:
        """Remove what was declared: cluster-wide objects are in no namespace, so other tests would be asked about."""
        for server, path in self._declared_at:
            await server.send(Request("DELETE", path, {}, HEADERS))

    async def compare(self, scenario: Scenario) -> AsyncIterator[tuple[Step, Told, Told]]:
        """Yield what the real server told for each step, and what ours did."""
        await self.declare(scenario)
        for step in scenario.steps:
            want, got = await self.ask("theirs", scenario.name, step), await self.ask("ours", scenario.name, step)
            yield step, want, got

    async def same(self, scenario: Scenario) -> None:
        """Return when both servers tell the same for every step."""
        async for step, want, got in self.compare(scenario):
            assert got == want, step

    async def declare(self, scenario: Scenario) -> None:
        """Make the namespace and its webhooks on both servers, and return when they are asked: a last one of each kind tells."""
        namespace = scenario.name
        probes = [f"/{namespace}/probe-mutating", f"/{namespace}/probe-validating"]
        configurations = {}
        for kind, hooks, probe in ((MUTATING, scenario.mutating, probes[0]), (VALIDATING, scenario.validating, probes[1])):
            self.webhooks.answers |= {f"/{namespace}{each.path}": each.respond for each in hooks}
            declared = [self._hook(namespace, each.path, each.fields) for each in hooks]
            configurations[kind] = configuration(namespace, *declared, self._hook(namespace, probe, {"rules": [rule("secrets")]}, ""))
        for name, server in self.servers.items():
            await self._have(server, NAMESPACES, {"metadata": {"name": namespace, "labels": scenario.labels}})
            for kind, body in configurations.items():
                await self._have(server, kind, body)
                self._declared_at.append((server, f"{kind}/{namespace}"))
            await self._until_asked(name, namespace, probes)

    async def ask(self, name: str, namespace: str, step: Step) -> Told:
        """Return what a server answers to a step."""
        self.webhooks.asked.clear()
        media = step.media or (MERGE if step.method == "PATCH" else "application/json")
        headers = {**HEADERS, "content-type": media}
        data = b"" if step.body is None else codec.encode(step.body)
        request = Request(step.method, step.path.replace("{}", namespace), step.query, headers, data)
        response = await self.servers[name].send(request)
        body = json.loads(response.body) if response.body[:1] == b"{" else {"message": response.body.decode()}
        asked = [(path.removeprefix(f"/{namespace}"), _review(about)) for path, about in self.webhooks.asked if "/probe-" not in path]
        return Told(response.status, comparable(body), response.headers.get("warning", ""), sorted(asked, key=lambda each: each[0]))

    async def until_served(self, name: str, path: str) -> None:
        """Return when a server lists a collection."""
        clock = SystemClock()
        deadline = clock.monotonic() + 30
        while (await self.servers[name].send(Request("GET", path, {}, HEADERS))).status != 200:
            assert clock.monotonic() < deadline, f"{name}: {path} is not served"

    def _hook(self, namespace: str, path: str, fields: Document, prefix: str | None = None) -> Document:
        made = hook(path, base=self.base, ca=self.authority)
        client = {**made["clientConfig"], "url": self.base + (f"/{namespace}" if prefix is None else prefix) + path}
        selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
        return {**made, "clientConfig": client, "namespaceSelector": selector, **fields}

    async def _have(self, server: Handler, path: str, body: Document) -> None:
        headers = HEADERS
        response = await server.send(Request("POST", path, {}, headers, codec.encode(body)))
        assert response.status == 201, response.body

    async def _until_asked(self, name: str, namespace: str, probes: list[str]) -> None:
        clock, seen = SystemClock(), set[str]()
        deadline = clock.monotonic() + 30
        while not set(probes) <= seen:
            self.webhooks.asked.clear()
            headers = HEADERS
            path = SECRETS.replace("{}", namespace)
            await self.servers[name].send(Request("POST", path, {"dryRun": "All"}, headers, codec.encode(_PROBE)))
            seen |= set(self.webhooks.paths)
            assert clock.monotonic() < deadline, f"{name}: the webhooks are not asked"


@dataclass(frozen=True)
class Theirs:
    """The real server. Of headers that come several times, such as warnings, all are kept."""

    url: str
    session: aiohttp.ClientSession

    async def send(self, request: Request) -> Response:
        url = URL(self.url + quote(request.path)).with_query(dict(request.query))
        async with self.session.request(request.method, url, headers=dict(request.headers), data=request.body or None) as answer:
            warnings = ", ".join(answer.headers.getall("warning", []))
            return Response(answer.status, {"warning": warnings}, await answer.read())


@asynccontextmanager
async def pair(real: RealServer) -> AsyncIterator[Pair]:
    """Connect to the real server, start ours, and serve webhooks for both."""
    webhooks, endpoints, port = Webhooks(), HttpEndpoints(), free_ports(1)[0]
    certificate, key = real.authority.server()
    await endpoints.open(HOST, port, webhooks, ServingIdentity(certificate, key, real.authority.certificate))
    server = ApiServer.in_memory(clock=SystemClock(), random=SystemRandom(), webhooks=ConnectedCaller(connect))
    await server.start()
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=_context(real)))
    theirs = Theirs(real.url, session)
    found = Pair({"theirs": theirs, "ours": InProcess(server, ADMIN)}, webhooks, f"https://{HOST}:{port}", real.authority.certificate)
    try:
        for name, each in found.servers.items():
            headers = HEADERS
            await each.send(Request("POST", CRDS, {}, headers, codec.encode(widget_crd())))
            await found.until_served(name, WIDGETS.replace("{}", "default"))
        yield found
    finally:
        await found.close()
        await session.close()
        await server.stop()
        await endpoints.close_all()
        await settle()


def _context(real: RealServer) -> ssl.SSLContext:
    credentials = real.credentials()
    context = real.authority.client_context()
    tls.show(context, credentials.client_certificate, credentials.client_key)
    return context


def comparable(body: Any) -> Any:
    """Return what must be the same on both sides of an object, a list, or a Status."""
    if body is None:
        return None
    if body.get("kind") == "Status":
        details = {name: value for name, value in (body.get("details") or {}).items() if name not in ("causes", "uid")}
        causes = [
            (cause.get("field", ""), cause.get("message", ""), cause.get("reason", ""))
            for cause in (body.get("details") or {}).get("causes") or ()
        ]
        return {
            **{name: body.get(name) for name in ("status", "message", "reason", "code")},
            "details": details,
            "causes": sorted(set(causes)),
        }
    if "items" in body:
        return [comparable(item) for item in body["items"]]
    meta = dict(body.get("metadata") or {})
    for name in SERVERS_OWN:
        if meta.get(name):
            meta[name] = f"some {name}"
        else:
            meta.pop(name, None)
    if meta.get("name") and meta.get("generateName"):
        meta["name"] = "some name"
    entries = [{**entry, "time": "some time"} for entry in meta.pop("managedFields", None) or [] if body.get("kind") != "Scale"]
    entries.sort(key=lambda entry: (entry["manager"], entry["operation"], entry.get("subresource", "")))
    return {**body, "metadata": {**meta, "managedFields": entries}}


def _review(about: Document) -> Document:
    """Return what must be the same of the request of a review: anything but the user and what servers make up."""
    found = {name: value for name, value in about.items() if name not in ("uid", "userInfo")}
    if ((found.get("object") or {}).get("metadata") or {}).get("generateName") and found.get("name"):
        found["name"] = "some name"
    return {**found, "object": comparable(found.get("object")), "oldObject": comparable(found.get("oldObject"))}
