"""A server in the test's own process, and a short way to ask it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from capelin.apiserver.server import ApiServer
from capelin.runtime import codec
from capelin.runtime.transport import Request, User
from tests.fakes import FakeClock, settle

ADMIN = User("admin", ("system:masters",))
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"

SECRETS = "/api/v1/namespaces/default/secrets"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
NAMESPACES = "/api/v1/namespaces"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WIDGETS = "/apis/example.com/v1/namespaces/default/widgets"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def message(self) -> str:
        return str(self.body["message"])

    @property
    def names(self) -> list[str]:
        return [item["metadata"]["name"] for item in self.body["items"]]


@dataclass
class Api:
    """Asks a server as an administrator."""

    server: ApiServer
    clock: FakeClock

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        media: str = "application/json",
        accept: str = "",
        user: User | None = ADMIN,
        headers: Mapping[str, str] | None = None,
        **query: str,
    ) -> Answer:
        return await self._ask(method, path, body, query, media=media, accept=accept, user=user, headers=headers)

    async def _ask(
        self,
        method: str,
        path: str,
        body: Any,
        query: Mapping[str, str],
        *,
        media: str = "application/json",
        accept: str = "",
        user: User | None = ADMIN,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = {"content-type": media, "accept": accept, "user-agent": "tests/1.0", **(headers or {})}
        data = body if isinstance(body, bytes) else b"" if body is None else codec.encode(body)
        response = await self.server.send(Request(method, path, query, sent, data, user))
        is_json = response.headers.get("content-type", "").startswith("application/json")
        return Answer(response.status, codec.decode(response.body) if is_json else response.body, response.headers)

    async def get(self, path: str, **query: str) -> Answer:
        return await self._ask("GET", path, None, query)

    async def create(self, path: str, body: Any, **query: str) -> Answer:
        return await self._ask("POST", path, body, query)

    async def update(self, path: str, body: Any, **query: str) -> Answer:
        return await self._ask("PUT", path, body, query)

    async def patch(self, path: str, body: Any, *, media: str = MERGE, **query: str) -> Answer:
        return await self._ask("PATCH", path, body, query, media=media)

    async def delete(self, path: str, body: Any = None, **query: str) -> Answer:
        return await self._ask("DELETE", path, body, query)

    async def watch(self, path: str, *, accept: str = "", **query: str) -> Events:
        response = await self.server.send(Request("GET", path, {"watch": "true", **query}, {"accept": accept}, user=ADMIN))
        assert response.stream is not None, response.body
        return Events(response.stream)

    async def have(self, path: str, body: Any) -> dict[str, Any]:
        """Create an object that the test takes for granted."""
        answer = await self.create(path, body)
        assert answer.status == 201, answer.body
        return dict(answer.body)

    async def rest(self) -> None:
        """Let background work finish."""
        await settle()


@dataclass
class Events:
    """The events of a watch, decoded."""

    stream: AsyncIterator[bytes]

    async def next(self) -> tuple[str, dict[str, Any]]:
        event = codec.decode_document(await anext(self.stream))
        return event["type"], event["object"]

    async def take(self, count: int) -> list[tuple[str, str]]:
        found = [await self.next() for _ in range(count)]
        return [(kind, document["metadata"].get("name", "")) for kind, document in found]

    async def rest(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what comes until the server ends the watch."""
        lines = [codec.decode_document(line) async for line in self.stream]
        return [(line["type"], line["object"]) for line in lines]

    async def close(self) -> None:
        await self.stream.aclose()  # type: ignore[attr-defined] # streams of this server can be closed


def config_map(name: str, **fields: Any) -> dict[str, Any]:
    """Return a ConfigMap; `fields` go into its metadata, except `data`."""
    data = fields.pop("data", {"key": "value"})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **fields}, "data": data}


def owner(of: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """Return an owner reference to a stored object."""
    meta = of["metadata"]
    return {"apiVersion": of["apiVersion"], "kind": of["kind"], "name": meta["name"], "uid": meta["uid"], **fields}


def widget(name: str, *, spec: Any = None, **metadata: Any) -> dict[str, Any]:
    """Return an object of the custom resource below."""
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name, **metadata}, "spec": spec or {"size": "small"}}


def widget_crd(**version: Any) -> dict[str, Any]:
    """Return a CustomResourceDefinition with defaults, an enum, a list map, a CEL rule, status and scale."""
    spec = {
        "type": "object",
        "required": ["size"],
        "properties": {
            "size": {"type": "string", "enum": ["small", "large"]},
            "replicas": {"type": "integer", "format": "int32", "default": 1},
            "color": {"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "color is immutable"}]},
            "parts": {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
                "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "count": {"type": "integer"}}},
            },
        },
    }
    status = {
        "type": "object",
        "properties": {"replicas": {"type": "integer"}, "phase": {"type": "string"}, "selector": {"type": "string"}},
    }
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas", "labelSelectorPath": ".status.selector"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": status}}},
                    "subresources": {"status": {}, "scale": scale},
                    "additionalPrinterColumns": [{"name": "Size", "type": "string", "jsonPath": ".spec.size"}],
                    **version,
                }
            ],
        },
    }
