"""OpenAPI: the schemas of all resources and the operations on them, as kubectl needs them for explain, apply, diff and strict validation.

Version 3 is one document a group-version, under an address that contains its hash, so that clients keep it for good. Version 2 is a
constant: every kubectl asks for it, and none needs what is in it once version 3 is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any

from capelin.apiserver import builtin
from capelin.apiserver.registry import Registry, ResourceDefinition, Version
from capelin.apiserver.surface.groups import Resources, served_groups
from capelin.runtime import codec
from capelin.runtime.codec import Document
from capelin.runtime.errors import NotAcceptable
from capelin.runtime.transport import Request, Response

_PROTOBUF_V2 = "application/com.github.proto-openapi.spec.v2"
_INFO = {"title": "Kubernetes", "version": "v1.36.0"}
_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_ONE_YEAR = 31_536_000  # seconds; the address changes with the content, so the content never does

_METHODS = {"get": "get", "update": "put", "create": "post", "patch": "patch", "delete": "delete"}
_PATCH_TYPES = ("application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json")
_STRATEGIC = "application/strategic-merge-patch+json"


def answer(registry: Registry, request: Request) -> Response | None:
    """Return the answer to a GET below `/openapi`, or None when there is nothing at the path.

    Raises:
        NotAcceptable: the client accepts none of the forms there are.
    """
    if request.path == "/openapi/v2":
        return _answer_v2(request)
    documents = _documents(registry)
    if request.path == "/openapi/v3":
        paths = {name: {"serverRelativeURL": f"/openapi/v3/{name}?hash={digest}"} for name, (_, digest) in documents.items()}
        return _reply(codec.encode({"paths": paths}), request)
    found = documents.get(request.path.removeprefix("/openapi/v3/"))
    return None if found is None else _answer_v3(request, *found)


def _answer_v3(request: Request, body: bytes, digest: str) -> Response:
    accept = request.headers.get("accept") or "*/*"
    if not any(media in accept for media in ("application/json", "application/*", "*/*")):
        raise NotAcceptable("only the following media types are accepted: application/json")
    asked = request.query.get("hash")
    if asked is None:
        return _reply(body, request)
    if asked != digest:
        return Response(301, {"location": f"{request.path}?hash={digest}"})
    return _reply(body, request, cache=f"public, immutable, max-age={_ONE_YEAR}")


def _answer_v2(request: Request) -> Response:
    if _PROTOBUF_V2 in request.headers.get("accept", ""):
        return _reply(_protobuf_v2(), request, media=f"{_PROTOBUF_V2}.v1.0+protobuf")
    return _reply(codec.encode({"swagger": "2.0", "info": _INFO, "paths": {}, "definitions": {}}), request)


def _protobuf_v2() -> bytes:
    """Return the empty version 2 document: swagger (field 1), info (2) with title and version, paths (8), definitions (9)."""
    info = b"".join(bytes([tag, len(text)]) + text.encode() for tag, text in ((0x0A, _INFO["title"]), (0x12, _INFO["version"])))
    return b"\x0a\x032.0" + bytes([0x12, len(info)]) + info + b"\x42\x00\x4a\x00"


def _reply(body: bytes, request: Request, *, media: str = "application/json", cache: str = "") -> Response:
    etag = f'"{_digest(body)}"'
    headers = {"content-type": media, "etag": etag, "vary": "Accept", **({"cache-control": cache} if cache else {})}
    if etag in request.headers.get("if-none-match", ""):
        return Response(304, headers)
    return Response(200, headers, body)


def _digest(body: bytes) -> str:
    return sha256(body).hexdigest().upper()


def _documents(registry: Registry) -> dict[str, tuple[bytes, str]]:
    """Return the encoded documents and their hashes, by `api/v1` or `apis/group/version`."""
    found = {}
    for group in served_groups(registry):
        for version, resources in group.versions:
            prefix = f"apis/{group.name}/{version}" if group.name else f"api/{version}"
            found[prefix] = _document(prefix, resources)
    return found


@lru_cache(maxsize=64)  # the built-in groups of a process, and the custom groups of a few servers; definitions compare by identity
def _document(prefix: str, resources: Resources) -> tuple[bytes, str]:
    schemas: Document = {**_meta_schemas()}
    paths: Document = {}
    for definition, version in resources:
        schemas.update(_kind_schemas(definition, version))
        paths.update(_paths(f"/{prefix}", definition, version))
    body = codec.encode({"openapi": "3.0.0", "info": _INFO, "paths": paths, "components": {"schemas": schemas}})
    return body, _digest(body)


# Schemas


def _ref(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def _schema_name(group: str, version: str, kind: str) -> str:
    """Return the name of a kind's component: of a custom resource the group backwards, version, kind."""
    builtin_name = builtin.message_name(f"{group}/{version}" if group else version, kind)
    return _component_name(builtin_name) if builtin_name else ".".join([*reversed(group.split(".")), version, kind])


def _identity(group: str, version: str, kind: str) -> Document:
    return {"group": group, "version": version, "kind": kind}


@lru_cache(maxsize=1)
def _meta_schemas() -> Mapping[str, Any]:
    list_meta = {
        "type": "object",
        "description": "Metadata of a list.",
        "properties": {
            "continue": {"type": "string", "description": "A token that asks for the next page; empty on the last one."},
            "remainingItemCount": {"type": "integer", "format": "int64", "description": "How many items follow on later pages."},
            "resourceVersion": {"type": "string", "description": "The state of the server that the list shows."},
        },
    }
    return {
        **_components("meta.v1.ObjectMeta"),
        f"{_META}.ListMeta": list_meta,
        f"{_META}.Patch": {"type": "object", "description": "A change of an object, in one of several forms."},
        f"{_META}.DeleteOptions": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "description": "How to delete."},
        f"{_META}.Status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "description": "The outcome of a request."},
        **_components("autoscaling.v1.Scale"),
    }


def _component_name(name: str) -> str:
    """Return how Kubernetes calls a definition of its own, such as `core.v1.Pod`."""
    return f"{_META}.{name.removeprefix('meta.v1.')}" if name.startswith("meta.v1.") else f"io.k8s.api.{name}"


def _components(name: str) -> dict[str, Any]:
    """Return a built-in definition and all that it needs, as components."""
    return {_component_name(part): _linked(node) for part, node in builtin.components(name).items()}


def _linked(node: Any) -> Any:
    """Return the schema with references to components; keywords beside a reference would be ignored, so it moves into an `allOf`."""
    if not isinstance(node, Mapping):
        return node
    result = {key: _linked(value) for key, value in node.items()}
    if isinstance(node.get("$ref"), str):
        result["allOf"] = [_ref(_component_name(result.pop("$ref")))]
    return result


def _kind_schemas(definition: ResourceDefinition, version: Version) -> Document:
    api_version = definition.api_version(version.name)
    name = _schema_name(definition.group, version.name, definition.kind)
    builtin_name = builtin.message_name(api_version, definition.kind) if definition.builtin else None
    schemas = _components(builtin_name) if builtin_name else {}
    root = builtin.root_schema(schemas.get(name) or version.schema or {"type": "object", "x-kubernetes-preserve-unknown-fields": True})
    metadata = {"description": root["properties"]["metadata"]["description"], "allOf": [_ref(f"{_META}.ObjectMeta")]}
    schemas[name] = {
        **root,
        "properties": {**root["properties"], "metadata": metadata},
        "x-kubernetes-group-version-kind": [_identity(definition.group, version.name, definition.kind)],
    }
    if not definition.stored:
        return schemas
    schemas[_list_name(definition, version)] = {
        "type": "object",
        "description": f"A list of {definition.kind} objects.",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "items": {"type": "array", "items": _ref(name)},
            "kind": {"type": "string"},
            "metadata": _ref(f"{_META}.ListMeta"),
        },
        "x-kubernetes-group-version-kind": [_identity(definition.group, version.name, definition.list_kind)],
    }
    return schemas


def _list_name(definition: ResourceDefinition, version: Version) -> str:
    return _schema_name(definition.group, version.name, definition.kind).removesuffix(definition.kind) + definition.list_kind


# Operations


def _paths(prefix: str, definition: ResourceDefinition, version: Version) -> Iterator[tuple[str, Document]]:
    kind = _schema_name(definition.group, version.name, definition.kind)
    listed = _list_name(definition, version)
    identity = _identity(definition.group, version.name, definition.kind)
    scoped = f"{prefix}/namespaces/{{namespace}}/{definition.plural}" if definition.namespaced else f"{prefix}/{definition.plural}"
    patches = (*_PATCH_TYPES, _STRATEGIC) if definition.builtin else _PATCH_TYPES

    collection: Document = {}
    if "list" in definition.verbs:
        collection["get"] = _operation("list", identity, listed)
        collection["delete"] = _operation("deletecollection", identity, f"{_META}.Status")
    if "create" in definition.verbs:
        collection["post"] = _operation("post", identity, kind)
    yield scoped, collection
    if definition.namespaced and "list" in definition.verbs:
        yield f"{prefix}/{definition.plural}", {"get": collection["get"]}
    if "get" in definition.verbs:
        verbs = ("get", "put", "patch", "delete")
        yield f"{scoped}/{{name}}", {method: _operation(method, identity, kind, patches) for method in verbs}
    for name, schema, of_kind, methods in _subresource_operations(definition, version, kind, identity):
        yield f"{scoped}/{{name}}/{name}", {method: _operation(method, of_kind, schema, patches) for method in methods}


def _subresource_operations(
    definition: ResourceDefinition, version: Version, kind: str, identity: Document
) -> Iterator[tuple[str, str, Document, tuple[str, ...]]]:
    """Yield name, schema, identity and methods of each subresource."""
    if version.status:
        yield "status", kind, identity, ("get", "put", "patch")
    if version.scale:
        yield "scale", _component_name("autoscaling.v1.Scale"), _identity("autoscaling", "v1", "Scale"), ("get", "put", "patch")
    for extra in version.subresources:
        of_kind = _identity(extra.group, extra.version, extra.kind)
        schema = kind if extra.kind == definition.kind else f"{_META}.Patch"
        yield extra.name, schema, of_kind, tuple(_METHODS[verb] for verb in extra.verbs)


def _operation(action: str, identity: Document, schema: str, patches: tuple[str, ...] = ()) -> Document:
    """Return one operation. kubectl looks for the parameters `dryRun` and `fieldValidation` before it relies on the server for either."""
    operation: Document = {
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": identity,
        "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": _ref(schema)}}}},
    }
    if action in ("post", "put", "patch"):
        names = {"dryRun": "string", "fieldManager": "string", "fieldValidation": "string"} | (
            {"force": "boolean"} if action == "patch" else {}
        )
        operation["parameters"] = [{"name": name, "in": "query", "schema": {"type": type_}} for name, type_ in names.items()]
        content = {media: {"schema": _ref(f"{_META}.Patch")} for media in patches} if action == "patch" else {}
        operation["requestBody"] = {"required": True, "content": content or {"application/json": {"schema": _ref(schema)}}}
    if action in ("delete", "deletecollection"):
        operation["parameters"] = [
            {"name": "dryRun", "in": "query", "schema": {"type": "string"}},
            {"name": "propagationPolicy", "in": "query", "schema": {"type": "string"}},
        ]
        operation["requestBody"] = {"content": {"application/json": {"schema": _ref(f"{_META}.DeleteOptions")}}}
    return operation
