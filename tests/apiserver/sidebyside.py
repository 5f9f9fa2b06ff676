"""One object on the real server and the same object in our document functions, written to by the same steps."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from capelin.apiserver import apply, jsonpatch, mergepatch, objectmeta, strategic
from capelin.apiserver.causes import aggregate
from capelin.apiserver.schema import Schema, compile_schema
from capelin.runtime.errors import ApiError
from capelin.runtime.seams import SystemClock
from tests.integration.realserver import RealServer

Document = dict[str, Any]
Answer = tuple[int, Document]
MEDIA = {
    "apply": "application/apply-patch+yaml",
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}
WRITTEN_BY_SERVERS = ("uid", "resourceVersion", "creationTimestamp", "generation")


@dataclass(frozen=True)
class Step:
    """A write. `body` is a document, a patch, or for an update a function that changes the current object."""

    verb: str
    manager: str
    body: Any
    subresource: str = ""
    force: bool = False


class Http:
    """JSON requests to the real server, as its administrator."""

    def __init__(self, connection: http.client.HTTPSConnection) -> None:
        self._connection = connection

    def __call__(self, method: str, path: str, body: Any = None, media: str = "application/json") -> Answer:
        self._connection.request(
            method, path, json.dumps(body) if body is not None else None, {"Content-Type": media, "Accept": "application/json"}
        )
        response = self._connection.getresponse()
        data = response.read()
        return response.status, json.loads(data) if data[:1] == b"{" else {"message": data.decode()}


@contextmanager
def connected(server: RealServer) -> Iterator[Http]:
    """Connect to the server."""
    url = urlsplit(server.url)
    credentials = server.credentials()
    pair = server.folder / "admin.pem"  # the ssl module reads a client's key from a file alone
    pair.touch(mode=0o600)
    pair.write_bytes(credentials.client_certificate + b"\n" + credentials.client_key)
    context = ssl.create_default_context(cadata=credentials.certificate_authority.decode())
    context.load_cert_chain(pair)
    with closing(http.client.HTTPSConnection(url.hostname or "", url.port, context=context)) as connection:
        yield Http(connection)


@dataclass
class Theirs:
    """The object on the real server."""

    http: Http
    collection: str
    name: str

    def write(self, step: Step) -> Answer:
        path = self.collection if step.verb == "create" else f"{self.collection}/{self.name}"
        path += f"/{step.subresource}" if step.subresource else ""
        query = f"?fieldManager={step.manager}&fieldValidation=Ignore{'&force=true' if step.force else ''}"
        body = step.body
        if step.verb == "update":
            body = step.body(self.http("GET", f"{self.collection}/{self.name}")[1])
        method = {"create": "POST", "update": "PUT"}.get(step.verb, "PATCH")
        return self.http(method, path + query, body, MEDIA.get(step.verb, "application/json"))


@dataclass
class Ours:
    """The object as our functions make it, joined as the API server joins them."""

    schema: Schema
    api_version: str
    has_status: bool = False
    live: Document | None = field(default=None)

    def write(self, step: Step) -> Answer:
        reset = apply.RESET_ALL_BUT_STATUS if step.subresource == "status" else apply.RESET_STATUS if self.has_status else {}
        writer = apply.Writer(step.manager, self.api_version, SystemClock().now(), step.subresource, reset)
        try:
            new = self._written(step, writer)
        except ApiError as error:
            return error.code, {"message": error.message, "details": {"causes": [vars_of(cause) for cause in error.causes]}}
        found = objectmeta.check_metadata(new, namespaced=True) if self.live is None else objectmeta.check_metadata_update(new, self.live)
        found += self.schema.validate(new, self.live)
        if found:
            return 422, {"message": aggregate(found), "details": {"causes": [vars_of(cause) for cause in found]}}
        self.live = {**new, "metadata": {"uid": "ours", **new["metadata"]}}
        return 200, self.live

    def _written(self, step: Step, writer: apply.Writer) -> Document:
        if step.verb == "apply":
            applied = apply.apply(self.live, step.body, writer, type_=self.schema.type, force=step.force)
            return self._settled(applied, step.subresource)
        changes: dict[str, Callable[[], Document]] = {
            "create": lambda: step.body,
            "update": lambda: step.body(deepcopy(self.live)),
            "merge": lambda: mergepatch.merge_patch(self.live, step.body),
            "json": lambda: jsonpatch.json_patch(self.live, step.body),
            "strategic": lambda: strategic.strategic_merge_patch(self.live or {}, step.body, self.schema.openapi),
        }
        new = self._settled(changes[step.verb](), step.subresource)
        return apply.track_update(self.live, new, writer, type_=self.schema.type)

    def _settled(self, document: Document, subresource: str) -> Document:
        document = self.schema.default(self.schema.prune(document)[0])
        if not self.has_status:
            return document
        old = self.live or {}
        if subresource == "status":
            entries = document["metadata"].get("managedFields")
            metadata = {**old["metadata"], **({"managedFields": entries} if entries else {})}
            return {**old, "metadata": metadata, **({"status": document["status"]} if "status" in document else {})}
        kept = {"status": old["status"]} if "status" in old else {}
        return {**{name: value for name, value in document.items() if name != "status"}, **kept}


def vars_of(cause: Any) -> Document:
    """Return a cause as a Status object carries it."""
    return {"reason": cause.reason, "message": cause.message, "field": cause.field}


def comparable(answer: Answer, *, whole: bool = True) -> Any:
    """Return what must be the same on both sides: of a success the object, of a refusal its code and causes."""
    code, document = answer
    if code >= 300:
        causes = (document.get("details") or {}).get("causes") or ()
        return code, sorted({(cause.get("field", ""), cause.get("message", ""), cause.get("reason", "")) for cause in causes})
    metadata = {name: value for name, value in document["metadata"].items() if name not in WRITTEN_BY_SERVERS}
    entries = [{**entry, "time": "time" in entry} for entry in metadata.pop("managedFields", [])]
    entries.sort(key=lambda entry: (entry["manager"], entry["operation"], entry.get("subresource", "")))
    return {**(document if whole else {}), "metadata": {**(metadata if whole else {}), "managedFields": entries}}


def compiled(openapi: Document, **more: Any) -> Ours:
    """Return an object of ours that does not exist yet."""
    return Ours(compile_schema(openapi), **more)
