"""The client that controllers use: typed verbs over four raw primitives.

`Client` is what controllers know. It speaks in typed objects (`type[Machine]` in, `Machine` out) and, for kinds of other providers, in
`Unstructured` (`Resource` in). A subclass supplies the primitives: `ApiClient` sends requests through a Handler (a remote server over HTTP,
the embedded server in process), the cache-backed client answers reads from memory, the tests' fake keeps a dictionary.
"""

from __future__ import annotations

import abc
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar, overload

from capelin.api.meta import Object, ObjectKey, Resource, Unstructured, labels_selector
from capelin.runtime import codec, errors
from capelin.runtime.codec import Document
from capelin.runtime.transport import Handler, Request, Response

O = TypeVar("O", bound=Object)

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

Patch = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""A merge patch (an object) or a JSON patch (a list of operations)."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects of a kind: all fields are optional and all must hold.

    `labels` are exact; `label_selector` is the API's own syntax for everything else; `owner` is the UID of any owner and is filtered by
    the client (a cache answers it from an index).
    """

    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    label_selector: str = ""
    field_selector: str = ""
    owner: str = ""

    def query(self) -> dict[str, str]:
        """Return the selection as query parameters of a list or watch."""
        selectors = ",".join(s for s in (labels_selector(self.labels), self.label_selector) if s)
        found = {"labelSelector": selectors, "fieldSelector": self.field_selector}
        return {key: value for key, value in found.items() if value}


EVERYTHING = Selection()


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list: the items' bytes, the revision it was read at, and the token of the next page (empty at the end)."""

    items: list[bytes]
    resource_version: str
    continue_token: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """One changing call: create, update, patch, apply, delete, or a post to a subresource. `key.name` is empty for a create."""

    verb: str  # create, update, patch, delete; as RBAC names them
    resource: Resource
    key: ObjectKey
    subresource: str = ""
    body: bytes = b""
    content_type: str = "application/json"
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change: ADDED, MODIFIED, DELETED or BOOKMARK, with the object's bytes. ERROR events are raised instead."""

    type: str
    data: bytes


class Client(abc.ABC):
    """Reads and writes API objects."""

    # -- primitives -------------------------------------------------------------------------------------------------------------

    @abc.abstractmethod
    async def read(self, resource: Resource, key: ObjectKey) -> bytes:
        """Return the object's JSON.

        Raises:
            NotFound: it does not exist. Every other ApiError means that nothing is known.
        """

    @abc.abstractmethod
    async def page(
        self, resource: Resource, selection: Selection, *, limit: int = 0, continue_token: str = "", resource_version: str = ""
    ) -> Page:
        """Return one page of a list; without `resource_version` the read is consistent.

        Raises:
            Gone: the revision of `continue_token` or `resource_version` is no longer served.
        """

    @abc.abstractmethod
    async def write(self, write: Write) -> bytes:
        """Carry out a changing call and return the answer's JSON: the object, or a Status."""

    @abc.abstractmethod
    def stream(self, resource: Resource, selection: Selection, *, resource_version: str, timeout_seconds: int) -> AsyncIterator[WatchEvent]:
        """Yield the changes after `resource_version` until the server ends the watch.

        Raises:
            Gone: that revision is no longer served; list again.
            Unreachable: the connection broke.
        """

    # -- reads ------------------------------------------------------------------------------------------------------------------

    @overload
    async def get(self, kind: type[O], key: ObjectKey) -> O | None: ...
    @overload
    async def get(self, kind: Resource, key: ObjectKey) -> Unstructured | None: ...
    async def get(self, kind: type[O] | Resource, key: ObjectKey) -> O | Unstructured | None:
        """Return the object, or None when it is authoritatively absent; any doubt is raised as an ApiError."""
        try:
            return _view(kind, await self.read(_resource(kind), key))
        except errors.NotFound:
            return None

    @overload
    async def list(self, kind: type[O], selection: Selection = EVERYTHING) -> list[O]: ...
    @overload
    async def list(self, kind: Resource, selection: Selection = EVERYTHING) -> list[Unstructured]: ...
    async def list(self, kind: type[O] | Resource, selection: Selection = EVERYTHING) -> list[O] | list[Unstructured]:
        """Return every selected object, ordered by namespace and name, from one revision."""
        resource = _resource(kind)
        found: list[bytes] = []
        token = ""
        while True:
            page = await self.page(resource, selection, limit=500, continue_token=token)
            found += page.items
            token = page.continue_token
            if not token:
                break
        views = [_view(kind, item) for item in found]
        if selection.owner:
            views = [v for v in views if any(o.uid == selection.owner for o in v.metadata.owner_references or ())]
        return views  # type: ignore[return-value]  # all of one kind, which the overloads say and a list of a union cannot

    # -- writes -----------------------------------------------------------------------------------------------------------------

    @overload
    async def create(self, obj: O, *, dry_run: bool = False) -> O: ...
    @overload
    async def create(self, obj: Unstructured, *, dry_run: bool = False) -> Unstructured: ...
    async def create(self, obj: O | Unstructured, *, dry_run: bool = False) -> O | Unstructured:
        """Create the object and return it as stored.

        Raises:
            AlreadyExists: the name is taken.
            ResultUnknown: no answer came; list live before trying again.
        """
        key = ObjectKey(obj.key.namespace, "")
        query = {"dryRun": "All"} if dry_run else {}
        return _same(obj, await self.write(Write("create", obj.resource, key, body=codec.encode(obj.wire()), query=query)))

    @overload
    async def update(self, obj: O, *, subresource: str = "") -> O: ...
    @overload
    async def update(self, obj: Unstructured, *, subresource: str = "") -> Unstructured: ...
    async def update(self, obj: O | Unstructured, *, subresource: str = "") -> O | Unstructured:
        """Replace the object; its resourceVersion must be the stored one.

        Raises:
            Conflict: somebody else wrote first.
        """
        return _same(obj, await self.write(Write("update", obj.resource, obj.key, subresource, codec.encode(obj.wire()))))

    @overload
    async def apply(self, obj: O, *, manager: str, force: bool = True) -> O: ...
    @overload
    async def apply(self, obj: Unstructured, *, manager: str, force: bool = True) -> Unstructured: ...
    async def apply(self, obj: O | Unstructured, *, manager: str, force: bool = True) -> O | Unstructured:
        """Server-side apply exactly the fields `obj` has, owned by `manager`; creates the object when it is not there.

        Raises:
            Conflict: another manager owns a field and `force` is off.
        """
        query = {"fieldManager": manager, "force": "true" if force else "false"}
        return _same(obj, await self.write(Write("patch", obj.resource, obj.key, "", codec.encode(obj.wire()), APPLY_PATCH, query)))

    @overload
    async def patch(self, kind: type[O], key: ObjectKey, patch: Patch, *, subresource: str = "") -> O: ...
    @overload
    async def patch(self, kind: Resource, key: ObjectKey, patch: Patch, *, subresource: str = "") -> Unstructured: ...
    async def patch(self, kind: type[O] | Resource, key: ObjectKey, patch: Patch, *, subresource: str = "") -> O | Unstructured:
        """Patch the object: an object is a merge patch, a list a JSON patch. Put `metadata.resourceVersion` in for a precondition.

        Raises:
            NotFound: it does not exist.
            Conflict: the precondition failed.
        """
        media = MERGE_PATCH if isinstance(patch, Mapping) else JSON_PATCH
        return _view(kind, await self.write(Write("patch", _resource(kind), key, subresource, codec.encode(patch), media)))

    async def delete(
        self, kind: type[Object] | Resource, key: ObjectKey, *, uid: str = "", resource_version: str = "", propagation: str = "Background"
    ) -> None:
        """Ask for deletion; nothing happens when it is already gone. `uid` and `resource_version` are preconditions.

        Raises:
            Conflict: a precondition failed.
        """
        wanted = {"uid": uid, "resourceVersion": resource_version}
        preconditions = {name: value for name, value in wanted.items() if value}
        options: Document = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if preconditions:
            options["preconditions"] = preconditions
        try:
            await self.write(Write("delete", _resource(kind), key, body=codec.encode(options)))
        except errors.NotFound:
            return

    async def post(self, kind: type[Object] | Resource, key: ObjectKey, subresource: str, body: Document) -> Document:
        """Post to a subresource (an eviction, a token request) and return the answer."""
        return codec.decode_document(await self.write(Write("create", _resource(kind), key, subresource, codec.encode(body))))


class ApiClient(Client):
    """A client that sends every call through a Handler."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def read(self, resource: Resource, key: ObjectKey) -> bytes:
        return (await self._send(Request("GET", resource.path(key.namespace, key.name)))).body

    async def page(
        self, resource: Resource, selection: Selection, *, limit: int = 0, continue_token: str = "", resource_version: str = ""
    ) -> Page:
        query = selection.query()
        if limit:
            query["limit"] = str(limit)
        if continue_token:
            query["continue"] = continue_token
        if resource_version:
            query["resourceVersion"] = resource_version
        response = await self._send(Request("GET", resource.path(selection.namespace), query))
        metadata, items = codec.split_list(response.body)
        return Page(items, str(metadata.get("resourceVersion") or ""), str(metadata.get("continue") or ""))

    async def write(self, write: Write) -> bytes:
        method = {"create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE"}[write.verb]
        path = write.resource.path(write.key.namespace, write.key.name, write.subresource)
        headers = {"content-type": write.content_type}
        return (await self._send(Request(method, path, write.query, headers, write.body))).body

    async def stream(
        self, resource: Resource, selection: Selection, *, resource_version: str, timeout_seconds: int
    ) -> AsyncIterator[WatchEvent]:
        query = {
            **selection.query(),
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(timeout_seconds),
        }
        response = await self._send(Request("GET", resource.path(selection.namespace), query))
        if response.stream is None:
            raise errors.ServerError(f"watch of {resource}: the server sent a whole body instead of a stream")
        try:
            async for line in response.stream:
                kind, data = codec.split_watch_line(line)
                if kind == "ERROR":
                    status = codec.decode_document(data)
                    code = status.get("code")
                    raise errors.from_status(status, code=code if isinstance(code, int) else 500)
                yield WatchEvent(kind, data)
        finally:
            close = getattr(response.stream, "aclose", None)
            if close is not None:
                await close()

    async def _send(self, request: Request) -> Response:
        response = await self._handler.send(request)
        if response.status < 400:
            return response
        try:
            status = codec.decode_document(response.body)
        except codec.DecodeError:
            status = {"message": response.body.decode(errors="replace")[:500]}
        error = errors.from_status(status, code=response.status)
        asked = response.headers.get("retry-after", "")
        if error.retry_after is None and asked.isdigit():
            error.retry_after = timedelta(seconds=int(asked))
        error.args = (f"{request.method} {request.path}: {error.message}",)
        raise error


def _resource(kind: type[Object] | Resource) -> Resource:
    return kind if isinstance(kind, Resource) else kind.resource


@overload
def _view(kind: type[O], data: bytes) -> O: ...
@overload
def _view(kind: Resource, data: bytes) -> Unstructured: ...
@overload
def _view(kind: type[O] | Resource, data: bytes) -> O | Unstructured: ...
def _view(kind: type[O] | Resource, data: bytes) -> O | Unstructured:
    return Unstructured(kind, codec.decode_document(data)) if isinstance(kind, Resource) else kind.parse(data)


def _same(obj: O | Unstructured, data: bytes) -> O | Unstructured:
    return Unstructured(obj.resource, codec.decode_document(data)) if isinstance(obj, Unstructured) else type(obj).parse(data)
