"""The metadata that every object carries: its schema and its rules.

The schema is that of `io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta`; the rules are those of k8s.io/apimachinery/pkg/api/validation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from capelin.runtime.codec import Document
from capelin.runtime.documents import causes
from capelin.runtime.documents.causes import Path
from capelin.runtime.documents.names import Rule, dns_1035_label, dns_label, dns_subdomain, generated, label_value, qualified_name
from capelin.runtime.errors import Cause

ANNOTATIONS_LIMIT: Final = 256 * 1024
"""Bytes that keys and values of all annotations of an object may have together."""

_TEXT: Final = {"type": "string"}
_TIME: Final = {"type": "string", "format": "date-time"}
_NUMBER: Final = {"type": "integer", "format": "int64"}
_TEXTS: Final = {"type": "object", "additionalProperties": _TEXT}

OBJECT_META: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "generateName": _TEXT,
        "namespace": _TEXT,
        "selfLink": _TEXT,
        "uid": _TEXT,
        "resourceVersion": _TEXT,
        "generation": _NUMBER,
        "creationTimestamp": _TIME,
        "deletionTimestamp": _TIME,
        "deletionGracePeriodSeconds": _NUMBER,
        "labels": _TEXTS,
        "annotations": _TEXTS,
        "ownerReferences": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["uid"],
            "x-kubernetes-patch-strategy": "merge",
            "x-kubernetes-patch-merge-key": "uid",
            "items": {
                "type": "object",
                "x-kubernetes-map-type": "atomic",
                "properties": {
                    "apiVersion": _TEXT,
                    "kind": _TEXT,
                    "name": _TEXT,
                    "uid": _TEXT,
                    "controller": {"type": "boolean"},
                    "blockOwnerDeletion": {"type": "boolean"},
                },
            },
        },
        "finalizers": {
            "type": "array",
            "x-kubernetes-list-type": "set",
            "x-kubernetes-patch-strategy": "merge",
            "items": _TEXT,
        },
        "managedFields": {
            "type": "array",
            "x-kubernetes-list-type": "atomic",
            "items": {
                "type": "object",
                "properties": {
                    "manager": _TEXT,
                    "operation": _TEXT,
                    "apiVersion": _TEXT,
                    "time": _TIME,
                    "fieldsType": _TEXT,
                    "fieldsV1": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                    "subresource": _TEXT,
                },
            },
        },
    },
}
"""The structural schema of metadata. `ownerReferences` and `finalizers` tell server-side apply how to merge them; repeated entries are
refused by the rules below, not by their list type, because old objects may have them."""


_OMITTED_WHEN_EMPTY: Final = frozenset(OBJECT_META["properties"]) - {"deletionGracePeriodSeconds"}


def without_empty(metadata: Any) -> Any:
    """Return metadata without the empty fields that Kubernetes leaves out when it writes an object."""
    if type(metadata) is not dict or not any(name in metadata and not metadata[name] for name in _OMITTED_WHEN_EMPTY):
        return metadata
    return {name: value for name, value in metadata.items() if value or name not in _OMITTED_WHEN_EMPTY}


def check_metadata(document: Document, *, namespaced: bool, name_rule: Rule = dns_subdomain) -> list[Cause]:
    """Return the rules that the metadata of a new object breaks; its name must have been generated already."""
    metadata: Mapping[str, Any] = document.get("metadata") or {}
    found = [*_check_name(metadata, name_rule), *_check_namespace(metadata, namespaced=namespaced)]
    if (metadata.get("generation") or 0) < 0:
        found.append(causes.invalid(("metadata", "generation"), metadata["generation"], "must be greater than or equal to 0"))
    return found + _check_common(metadata) + _check_finalizers(metadata)


def check_metadata_update(document: Document, old: Document) -> list[Cause]:
    """Return the rules that the metadata of an updated object breaks."""
    metadata: Mapping[str, Any] = document.get("metadata") or {}
    before: Mapping[str, Any] = old.get("metadata") or {}
    found: list[Cause] = []
    if before.get("deletionTimestamp"):
        found += _check_no_new_finalizers(metadata, before)
    for name in ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"):
        if metadata.get(name) != before.get(name):
            found.append(causes.invalid(("metadata", name), metadata.get(name), "field is immutable"))
    return found + _check_common(metadata)


def check_embedded(value: Mapping[str, Any], path: Path) -> list[Cause]:
    """Return the rules that an object embedded in another one breaks as a resource."""
    found: list[Cause] = []
    for name in ("apiVersion", "kind"):
        text = value.get(name)
        if name not in value:
            found.append(causes.required((*path, name)))
        elif not isinstance(text, str):
            found.append(causes.invalid((*path, name), text, "must be a string"))
        elif not text:
            found.append(causes.invalid((*path, name), text, "must not be empty"))
    kind = value.get("kind")
    if isinstance(kind, str) and kind and (broken := dns_1035_label(kind.lower())):
        found.append(causes.invalid((*path, "kind"), kind, "may have mixed case, but should otherwise match: " + ",".join(broken)))
    metadata = value.get("metadata")
    if isinstance(metadata, Mapping):
        found += _check_common(metadata, (*path, "metadata"))
    return found


def _check_name(metadata: Mapping[str, Any], rule: Rule) -> list[Cause]:
    name = metadata.get("name") or ""
    prefix = metadata.get("generateName") or ""
    found = [causes.invalid(("metadata", "generateName"), prefix, broken) for broken in (generated(rule, prefix) if prefix else ())]
    if not name:
        return [*found, causes.required(("metadata", "name"), "name or generateName is required")]
    return found + [causes.invalid(("metadata", "name"), name, broken) for broken in rule(name)]


def _check_namespace(metadata: Mapping[str, Any], *, namespaced: bool) -> list[Cause]:
    path = ("metadata", "namespace")
    namespace = metadata.get("namespace") or ""
    if not namespaced:
        return [causes.forbidden(path, "not allowed on this type")] if namespace else []
    return [causes.invalid(path, namespace, broken) for broken in dns_label(namespace)] if namespace else [causes.required(path)]


def _check_common(metadata: Mapping[str, Any], path: Path = ("metadata",)) -> list[Cause]:
    return [
        *_check_labels(metadata.get("labels") or {}, (*path, "labels")),
        *_check_annotations(metadata.get("annotations") or {}, (*path, "annotations")),
        *_check_owners(metadata.get("ownerReferences") or [], (*path, "ownerReferences")),
    ]


def _check_labels(labels: Mapping[str, str], path: Path) -> Iterable[Cause]:
    for key, value in labels.items():
        yield from (causes.invalid(path, key, broken) for broken in qualified_name(key))
        yield from (causes.invalid(path, value, broken) for broken in label_value(value))


def _check_annotations(annotations: Mapping[str, str], path: Path) -> Iterable[Cause]:
    for key in annotations:
        yield from (causes.invalid(path, key, broken) for broken in qualified_name(key.lower()))
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > ANNOTATIONS_LIMIT:
        yield causes.too_long(path, ANNOTATIONS_LIMIT)


def _check_owners(owners: list[Mapping[str, Any]], path: Path) -> Iterable[Cause]:
    controller = ""
    for owner in owners:
        yield from _check_owner(owner, path)
        if not owner.get("controller"):
            continue
        this = f"{owner.get('kind')}/{owner.get('name')}"
        if controller:
            detail = f'Only one reference can have Controller set to true. Found "true" in references for {controller} and {this}'
            yield causes.invalid(path, owners, detail)
        controller = controller or this


def _check_owner(owner: Mapping[str, Any], path: Path) -> Iterable[Cause]:
    if not (owner.get("apiVersion") or "").rpartition("/")[2]:
        yield causes.invalid((*path, "apiVersion"), owner.get("apiVersion") or "", "version must not be empty")
    for name in ("kind", "name", "uid"):
        if not owner.get(name):
            yield causes.invalid((*path, name), "", "must not be empty")
    if (owner.get("apiVersion"), owner.get("kind")) == ("v1", "Event"):
        yield causes.invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner")


def _check_finalizers(metadata: Mapping[str, Any]) -> list[Cause]:
    path = ("metadata", "finalizers")
    finalizers = metadata.get("finalizers") or []
    found = [causes.invalid(path, name, broken) for name in finalizers for broken in qualified_name(name)]
    if "orphan" in finalizers and "foregroundDeletion" in finalizers:
        found.append(causes.invalid(path, finalizers, "finalizer orphan and foregroundDeletion cannot be both set"))
    return found


def _check_no_new_finalizers(metadata: Mapping[str, Any], before: Mapping[str, Any]) -> list[Cause]:
    added = sorted(set(metadata.get("finalizers") or ()) - set(before.get("finalizers") or ()))
    if not added:
        return []
    shown = ", ".join(map(causes.quote, added))
    detail = f"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{shown}}}"
    return [causes.forbidden(("metadata", "finalizers"), detail)]
