"""CustomResourceDefinitions: what they may say, what the server adds to them, and the resources they define.

The server accepts the names and establishes the resource in the same write that stores the definition, so a resource is served as soon as
its definition has been answered for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from capelin.apiserver.registry import ALL_VERBS, PrinterColumn, Registry, ResourceDefinition, ScalePaths, Version
from capelin.apiserver.surface.jsonpath import compile_path
from capelin.runtime import codec
from capelin.runtime.codec import Document
from capelin.runtime.documents import causes, names
from capelin.runtime.documents.structural import check_structural
from capelin.runtime.errors import Cause

RESOURCE = "customresourcedefinitions.apiextensions.k8s.io"
CLEANUP_FINALIZER = "customresourcecleanup.apiextensions.k8s.io"

_COLUMN_TYPES = ("integer", "number", "string", "boolean", "date")


# What a definition defines


def definition_of(crd: Document) -> ResourceDefinition:
    """Return the resource that a stored definition defines; of one that is being deleted no objects can be created."""
    spec = crd["spec"]
    accepted = (crd.get("status") or {}).get("acceptedNames") or spec["names"]
    deleting = bool(crd["metadata"].get("deletionTimestamp"))
    return ResourceDefinition(
        group=spec["group"],
        plural=accepted["plural"],
        singular=accepted.get("singular") or accepted["kind"].lower(),
        kind=accepted["kind"],
        list_kind=accepted.get("listKind") or f"{accepted['kind']}List",
        versions=tuple(_version(spec["group"], accepted["kind"], codec.canonical(version)) for version in spec["versions"]),
        namespaced=spec["scope"] == "Namespaced",
        short_names=tuple(accepted.get("shortNames") or ()),
        categories=tuple(accepted.get("categories") or ()),
        verbs=tuple(verb for verb in ALL_VERBS if verb != "create" or not deleting),
        tracks_generation=True,
        builtin=False,
    )


@lru_cache(maxsize=512)
def _version(group: str, kind: str, data: bytes) -> Version:
    """Return one version of a custom resource; equal ones are the same object, so that their schema is compiled once."""
    version = codec.decode_document(data)
    subresources = version.get("subresources") or {}
    scale = subresources.get("scale")
    deprecation = version.get("deprecationWarning") or f"{group}/{version['name']} {kind} is deprecated"
    return Version(
        name=version["name"],
        schema=(version.get("schema") or {}).get("openAPIV3Schema"),
        served=bool(version.get("served")),
        storage=bool(version.get("storage")),
        status="status" in subresources,
        scale=ScalePaths(scale["specReplicasPath"], scale["statusReplicasPath"], scale.get("labelSelectorPath", "")) if scale else None,
        columns=tuple(_column(column) for column in version.get("additionalPrinterColumns") or ()),
        selectable_fields=tuple(field["jsonPath"].lstrip(".") for field in version.get("selectableFields") or ()),
        deprecation_warning=deprecation if version.get("deprecated") else "",
    )


def _column(column: Mapping[str, Any]) -> PrinterColumn:
    return PrinterColumn(
        column["name"],
        column["type"],
        column["jsonPath"],
        column.get("format", ""),
        column.get("description", ""),
        column.get("priority", 0),
    )


def is_established(crd: Document) -> bool:
    """Tell whether the resource is served."""
    return any(c.get("type") == "Established" and c.get("status") == "True" for c in (crd.get("status") or {}).get("conditions") or ())


# What the server adds


def prepare(crd: Document, old: Document | None, registry: Registry) -> Document:
    """Return the definition with full names, the finalizer that cleans up, and the status that tells whether it is served."""
    spec, meta = crd.get("spec") or {}, crd["metadata"]
    wanted = dict(spec.get("names") or {})
    kind = wanted.get("kind") or ""
    wanted.setdefault("singular", kind.lower())
    wanted.setdefault("listKind", f"{kind}List")
    spec = {"conversion": {"strategy": "None"}, **spec, "names": wanted}
    if old is None:
        meta = {**meta, "finalizers": list(dict.fromkeys([*(meta.get("finalizers") or ()), CLEANUP_FINALIZER]))}
    status = dict(crd.get("status") or {})
    taken = _taken_name(spec.get("group") or "", wanted, registry)
    if not taken:
        status["acceptedNames"] = wanted
    else:
        status.setdefault("acceptedNames", {"plural": "", "kind": ""})
    stored = [version.get("name") for version in spec.get("versions") or () if version.get("storage")]
    status["storedVersions"] = list(dict.fromkeys([*(status.get("storedVersions") or ()), *stored]))
    status["conditions"] = _conditions(status.get("conditions") or [], taken, str(meta.get("creationTimestamp") or ""))
    return {**crd, "metadata": meta, "spec": spec, "status": status}


def _taken_name(group: str, wanted: Mapping[str, Any], registry: Registry) -> str:
    """Return why another resource of the group has one of the names already; empty when none has."""
    for other in registry:
        if other.group != group or other.plural == wanted.get("plural"):
            continue
        if wanted.get("kind") in (other.kind, other.list_kind):
            return f'"{wanted.get("kind")}" is already in use'
        for name in (wanted.get("singular"), *(wanted.get("shortNames") or ())):
            if name in (other.singular, other.plural, *other.short_names):
                return f'"{name}" is already in use'
    return ""


def _conditions(present: list[Document], taken: str, now: str) -> list[Document]:
    if taken:
        wanted = [("NamesAccepted", "False", "Conflict", taken)]
        if not any(condition.get("type") == "Established" for condition in present):
            wanted.append(("Established", "False", "NotAccepted", "not all names are accepted"))
    else:
        wanted = [
            ("NamesAccepted", "True", "NoConflicts", "no conflicts found"),
            ("Established", "True", "InitialNamesAccepted", "the initial names have been accepted"),
        ]
    result = {condition["type"]: condition for condition in present}
    for type_, status, reason, message in wanted:
        old = result.get(type_)
        since = old["lastTransitionTime"] if old is not None and old["status"] == status else now
        result[type_] = {"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": since}
    return list(result.values())


# What a definition may say


def validate(crd: Document, old: Document | None) -> Iterator[Cause]:
    """Yield what is wrong with a definition."""
    spec = crd.get("spec") or {}
    yield from _validate_names(crd["metadata"].get("name", ""), spec)
    versions = spec.get("versions") or []
    found = [version.get("name") for version in versions]
    for index, version in enumerate(versions):
        path: causes.Path = ("spec", "versions", index)
        if found.index(version.get("name")) < index:
            yield causes.duplicate((*path, "name"), version.get("name"))
        before = None if old is None else next((v for v in (old["spec"].get("versions") or ()) if v == version), None)
        if before is None:  # what was accepted once stays accepted, and costs nothing
            yield from _validate_version(version, path)
    if sum(bool(version.get("storage")) for version in versions) != 1:
        yield causes.invalid(("spec", "versions"), found, "must have exactly one version marked as storage version")
    for index, name in enumerate((crd.get("status") or {}).get("storedVersions") or ()):
        if name not in found:
            yield causes.invalid(("status", "storedVersions", index), name, "missing from spec.versions; storage version cannot be removed")
    if old is not None and is_established(old):
        for *parents, name in (("scope",), ("names", "kind")):
            before, after = ((owner["names"] if parents else owner).get(name) for owner in (old["spec"], spec))
            if before != after:
                yield causes.invalid(("spec", *parents, name), after, "field is immutable")


def _validate_names(name: str, spec: Mapping[str, Any]) -> Iterator[Cause]:
    wanted = spec.get("names") or {}
    for sentence in names.dns_subdomain(spec.get("group") or ""):
        yield causes.invalid(("spec", "group"), spec.get("group") or "", sentence)
    for field in ("plural", "singular"):
        for sentence in names.dns_1035_label(wanted.get(field) or ""):
            yield causes.invalid(("spec", "names", field), wanted.get(field) or "", sentence)
    for field in ("kind", "listKind"):
        for sentence in names.dns_1035_label((wanted.get(field) or "").lower()):
            detail = f"may have mixed case, but should otherwise match: {sentence}"
            yield causes.invalid(("spec", "names", field), wanted.get(field) or "", detail)
    if name != f"{wanted.get('plural')}.{spec.get('group')}":
        yield causes.invalid(("metadata", "name"), name, 'must be spec.names.plural+"."+spec.group')


def _validate_version(version: Mapping[str, Any], path: causes.Path) -> Iterator[Cause]:
    for sentence in names.dns_1035_label(version.get("name") or ""):
        yield causes.invalid((*path, "name"), version.get("name") or "", sentence)
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    if schema is None:
        yield causes.required((*path, "schema", "openAPIV3Schema"), "schemas are required")
    else:
        yield from check_structural(schema, (*path, "schema", "openAPIV3Schema"))
    for index, column in enumerate(version.get("additionalPrinterColumns") or ()):
        place = (*path, "additionalPrinterColumns", index)
        if column.get("type") not in _COLUMN_TYPES:
            yield causes.not_supported((*place, "type"), column.get("type") or "", sorted(_COLUMN_TYPES))
        try:
            compile_path(column.get("jsonPath") or "")
        except ValueError as error:
            yield causes.invalid((*place, "jsonPath"), column.get("jsonPath") or "", f"is not a valid JSONPath: {error}")
