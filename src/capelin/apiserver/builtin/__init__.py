"""The built-in kinds, as data.

`kinds.yaml` lists the resources; `schemas.json` and `messages.json` hold their fields and protobuf numbers, extracted from Kubernetes by
`hack/envtest/extract_builtin.py`; `refinements.yaml` adds descriptions, defaults and allowed values. Nothing here is specific to a server:
one catalog is shared by all servers of a process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from capelin.apiserver.registry import ALL_VERBS, Catalog, PrinterColumn, ResourceDefinition, ScalePaths, Subresource, Version
from capelin.runtime import codec

Schema = Mapping[str, Any]

_NAME = PrinterColumn("Name", "string", ".metadata.name", format="name")
_CREATED = PrinterColumn("Created At", "date", "created_at")
_ROOT_FIELDS: Mapping[str, str] = {
    "apiVersion": "The group and version of the API this object is written in.",
    "kind": "The kind of this object.",
    "metadata": "Standard metadata of the object.",
}


@cache
def catalog() -> Catalog:
    """Return the definitions of all built-in resources."""
    kinds = _yaml("kinds.yaml")
    return Catalog.of(_resource(entry, kinds["subresourceGroups"]) for entry in kinds["resources"])


@cache
def schema(name: str) -> Schema:
    """Return the structural schema of a definition such as `core.v1.Pod`, without references. Equal parts are the same object."""
    return _resolved(_definition(name))


@cache
def components(name: str) -> Mapping[str, Schema]:
    """Return the definition and all that it refers to, by name; references are `{"$ref": name}` beside other keywords."""
    found: dict[str, Schema] = {}
    pending = [name]
    while pending:
        name = pending.pop()
        if name not in found:
            found[name] = _definition(name)
            pending.extend(_references(found[name]))
    return found


def root_schema(schema: Schema) -> dict[str, Any]:
    """Return a kind's schema with the fields that every object has, and their descriptions."""
    properties = {field: {"type": "object" if field == "metadata" else "string"} for field in _ROOT_FIELDS} | dict(
        schema.get("properties") or {}
    )
    described = {field: {"description": text, **properties[field]} for field, text in _ROOT_FIELDS.items()}
    return {**schema, "properties": {**properties, **described}}


@cache
def message_name(api_version: str, kind: str) -> str | None:
    """Return the name in `messages` of a kind, or None when it is not one of ours."""
    if kind == "DeleteOptions":
        return "meta.v1.DeleteOptions"  # clients send it in the version of the group they delete from
    kinds = _yaml("kinds.yaml")
    groups = kinds["subresourceGroups"]
    named = [(entry["group"], entry["kind"], entry["schema"]) for entry in kinds["resources"]]
    named += [(groups[name], name, target) for name, target in kinds["subresourceKinds"].items()]
    group, _, version = api_version.rpartition("/")
    return next((target for g, k, target in named if (g, k) == (group, kind) and version == "v1"), None)


@cache
def messages() -> Mapping[str, Mapping[str, list[str]]]:
    """Return the protobuf messages: field number to [JSON name (empty: fields stand in the outer object), type, "optional" if so]."""
    table: dict[str, Any] = codec.decode_document(_text("messages.json"))
    return {name: fields for name, fields in table.items() if name != "//"}


def _text(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


@cache
def _yaml(name: str) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C parser is ten times faster, where it was built
    found: dict[str, Any] = yaml.load(_text(name), Loader=loader)  # noqa: S506 - both are safe loaders
    return found


def _refinements() -> Mapping[str, Any]:
    return _yaml("refinements.yaml")


@cache
def _schemas() -> Mapping[str, Any]:
    return codec.decode_document(_text("schemas.json"))


def _definition(name: str) -> dict[str, Any]:
    """Return a definition with its refinements, and with references."""
    found, refinements = _schemas()[name], _refinements().get(name) or {}
    if "properties" in found:
        refined = {field: _refined(node, refinements.get(field)) for field, node in found["properties"].items()}
        found = {**found, "properties": refined}
    return _refined(found, refinements.get("."))


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)


def _resolved(node: Schema) -> dict[str, Any]:
    """Return `node` with every reference replaced by what it refers to; keywords beside a reference win."""
    result = dict(node)
    if "$ref" in result:
        return {**schema(result.pop("$ref")), **result}
    for keyword in ("items", "additionalProperties"):
        if keyword in result:
            result[keyword] = _resolved(result[keyword])
    if "properties" in result:
        result["properties"] = {name: _resolved(value) for name, value in result["properties"].items()}
    return result


def _refined(node: Schema, refinement: Any) -> dict[str, Any]:
    if refinement is None:
        return dict(node)
    return {**node, **(refinement if isinstance(refinement, Mapping) else {"description": refinement})}


def _resource(entry: Mapping[str, Any], subresource_groups: Mapping[str, str]) -> ResourceDefinition:
    review = bool(entry.get("review"))
    version = Version(
        name="v1",
        schema=schema(entry["schema"]),
        status=bool(entry.get("status")),
        scale=ScalePaths(".spec.replicas", ".status.replicas", ".spec.selector") if entry.get("scale") else None,
        columns=tuple(_columns(entry.get("columns"))),
        subresources=tuple(_subresources(entry.get("subresources") or {}, subresource_groups)),
        selectable_fields=tuple(entry.get("selectable") or ()),
    )
    return ResourceDefinition(
        group=entry["group"],
        plural=entry["plural"],
        singular=entry["kind"].lower(),
        kind=entry["kind"],
        list_kind=f"{entry['kind']}List",
        versions=(version,),
        namespaced=not entry.get("cluster"),
        short_names=tuple(entry.get("shortNames") or ()),
        categories=tuple(entry.get("categories") or ()),
        verbs=("create",) if review else tuple(entry.get("verbs") or ALL_VERBS),
        tracks_generation=bool(entry.get("generation")),
        creates_with_status=bool(entry.get("creates")),
        stored=not review,
    )


def _columns(entries: Iterable[list[Any]] | None) -> Iterable[PrinterColumn]:
    """Yield the columns. The name comes first unless it is listed; when nothing is, name and creation time are all there is."""
    if entries is None:
        yield from (_NAME, _CREATED)
        return
    if not any(name == _NAME.name for name, *_ in entries):
        yield _NAME
    for name, type_, cell, *priority in entries:
        is_name = type_ == "name"
        yield PrinterColumn(name, "string" if is_name else type_, cell, "name" if is_name else "", priority=priority[0] if priority else 0)


def _subresources(entries: Mapping[str, list[str]], groups: Mapping[str, str]) -> Iterable[Subresource]:
    for name, (kind, *verbs) in entries.items():
        yield Subresource(name, groups[kind], "v1", kind, tuple(verbs))
