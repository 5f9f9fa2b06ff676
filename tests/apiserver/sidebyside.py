"""The real server and ours, asked the same things."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from capelin.runtime import codec
from capelin.runtime.seams import SystemClock
from capelin.runtime.transport import Request
from tests.apiserver.api import ADMIN, Api
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


class Server(Protocol):
    """Answers requests with JSON."""

    async def __call__(self, method: str, path: str, body: Any = None, media: str = "application/json") -> Answer:
        """Return the status code and the body."""


class Theirs:
    """The real server, asked as its administrator."""

    def __init__(self, connection: http.client.HTTPSConnection) -> None:
        self._connection = connection

    async def __call__(self, method: str, path: str, body: Any = None, media: str = "application/json") -> Answer:
        headers = {"Content-Type": media, "Accept": "application/json"}
        self._connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = self._connection.getresponse()
        data = response.read()
        return response.status, json.loads(data) if data[:1] == b"{" else {"message": data.decode()}


class Ours:
    """Our server in the test's own process."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def __call__(self, method: str, path: str, body: Any = None, media: str = "application/json") -> Answer:
        url = urlsplit(path)
        data = b"" if body is None else codec.encode(body)
        headers = {"content-type": media, "accept": "application/json"}
        response = await self._api.server.send(Request(method, url.path, dict(parse_qsl(url.query)), headers, data, ADMIN))
        return response.status, codec.decode_document(response.body)


@contextmanager
def connected(server: RealServer) -> Iterator[Theirs]:
    """Connect to the real server."""
    url, credentials = urlsplit(server.url), server.credentials()
    pair = server.folder / "admin.pem"  # the ssl module reads a client's key from a file alone
    pair.touch(mode=0o600)
    pair.write_bytes(credentials.client_certificate + b"\n" + credentials.client_key)
    context = ssl.create_default_context(cadata=credentials.certificate_authority.decode())
    context.load_cert_chain(pair)
    with closing(http.client.HTTPSConnection(url.hostname or "", url.port, context=context)) as connection:
        yield Theirs(connection)


async def until_served(server: Server, path: str) -> None:
    """Return when a collection can be listed."""
    clock = SystemClock()
    deadline = clock.monotonic() + 30
    while (await server("GET", path))[0] != 200:
        assert clock.monotonic() < deadline, f"{path} is not served"


@dataclass(frozen=True)
class Step:
    """A write. `body` is a document, a patch, or for an update a function that changes the current object."""

    verb: str
    manager: str
    body: Any
    subresource: str = ""
    force: bool = False


async def write(server: Server, collection: str, name: str, step: Step) -> Answer:
    """Return what a server answers to a step over the object of that name."""
    path = collection if step.verb == "create" else f"{collection}/{name}"
    query = f"?fieldManager={step.manager}&fieldValidation=Ignore{'&force=true' if step.force else ''}"
    body = step.body
    if step.verb == "update":
        body = step.body((await server("GET", path))[1])
    path += f"/{step.subresource}" if step.subresource else ""
    method = {"create": "POST", "update": "PUT"}.get(step.verb, "PATCH")
    return await server(method, path + query, body, MEDIA.get(step.verb, "application/json"))


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
