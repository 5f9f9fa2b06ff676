"""Rules for what every object carries: names, labels, owners, finalizers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from capelin.runtime.codec import Document
from capelin.runtime.errors import Cause

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"

_label = re.compile(_LABEL)
_subdomain = re.compile(_SUBDOMAIN)
_label_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_qualified = re.compile(_QUALIFIED)

LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric "
    f"character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an "
    f"alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
LABEL_1035_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an "
    "alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)
QUALIFIED_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. "
    f"'MyName',  or 'my.name',  or '123-abc', regex used for validation is '({_QUALIFIED})')"
)
VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    f"alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '({_QUALIFIED})?')"
)

ANNOTATIONS_LIMIT = 256 * 1024

_NAME_RULES = {
    "subdomain": (_subdomain, 253, SUBDOMAIN_RULE),
    "label": (_label, 63, LABEL_RULE),
    "label1035": (_label_1035, 63, LABEL_1035_RULE),
}


def invalid_value(field: str, value: object, rule: str) -> Cause:
    """Return the complaint about one value, in the API's words."""
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return Cause(field, f"Invalid value: {shown}: {rule}")


def name_complaints(name: str, format_: str, field: str = "metadata.name") -> Iterator[Cause]:
    """Yield what is wrong with a name. `format_` is subdomain, label, label1035, or path (anything one URL segment can hold)."""
    if format_ == "path":
        if name in (".", "..") or "/" in name or "%" in name:
            yield invalid_value(field, name, "may not be '.' or '..' or contain '/' or '%'")
        return
    pattern, limit, rule = _NAME_RULES[format_]
    if len(name) > limit:
        yield invalid_value(field, name, f"must be no more than {limit} characters")
    elif not pattern.fullmatch(name):
        yield invalid_value(field, name, rule)


def complaints(metadata: Mapping[str, Any]) -> Iterator[Cause]:
    """Yield what is wrong with labels, annotations, owner references and finalizers."""
    yield from _label_complaints(metadata.get("labels") or {})
    yield from _annotation_complaints(metadata.get("annotations") or {})
    yield from _owner_complaints(metadata.get("ownerReferences") or [])
    finalizers = metadata.get("finalizers") or []
    for finalizer in finalizers:
        yield from _qualified_complaints(finalizer, "metadata.finalizers")
    if "orphan" in finalizers and "foregroundDeletion" in finalizers:
        yield invalid_value("metadata.finalizers", finalizers, "finalizer orphan and foregroundDeletion cannot be both set")


def _label_complaints(labels: Mapping[str, Any]) -> Iterator[Cause]:
    for key, value in labels.items():
        yield from _qualified_complaints(key, "metadata.labels")
        if len(value) > 63:
            yield invalid_value("metadata.labels", value, "must be no more than 63 characters")
        elif value and not _qualified.fullmatch(value):
            yield invalid_value("metadata.labels", value, VALUE_RULE)


def _annotation_complaints(annotations: Mapping[str, Any]) -> Iterator[Cause]:
    size = 0
    for key, value in annotations.items():
        yield from _qualified_complaints(key.lower(), "metadata.annotations", shown=key)
        size += len(key) + len(value)
    if size > ANNOTATIONS_LIMIT:
        yield Cause("metadata.annotations", f"Too long: may not be more than {ANNOTATIONS_LIMIT} bytes", "FieldValueTooLong")


def _qualified_complaints(key: str, field: str, *, shown: str = "") -> Iterator[Cause]:
    prefix, slash, name = key.rpartition("/")
    if slash and not (prefix and len(prefix) <= 253 and _subdomain.fullmatch(prefix)):
        yield invalid_value(field, shown or key, f"prefix part {SUBDOMAIN_RULE}")
    if len(name) > 63:
        yield invalid_value(field, shown or key, "name part must be no more than 63 characters")
    elif not _qualified.fullmatch(name):
        yield invalid_value(field, shown or key, QUALIFIED_RULE)


def _owner_complaints(owners: list[Document]) -> Iterator[Cause]:
    controllers = 0
    for index, owner in enumerate(owners):
        field = f"metadata.ownerReferences[{index}]"
        for name in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(name):
                yield invalid_value(f"{field}.{name}", "", "must not be empty")
        controllers += bool(owner.get("controller"))
    if controllers > 1:
        yield invalid_value(
            "metadata.ownerReferences",
            f"{controllers} references",
            "Only one reference can have Controller set to true",
        )


_SHAPES: dict[str, tuple[type, str]] = {
    "name": (str, "string"),
    "generateName": (str, "string"),
    "namespace": (str, "string"),
    "uid": (str, "string"),
    "resourceVersion": (str, "string"),
    "labels": (dict, "object"),
    "annotations": (dict, "object"),
    "ownerReferences": (list, "array"),
    "finalizers": (list, "array"),
    "managedFields": (list, "array"),
    "creationTimestamp": (str, "string"),
    "deletionTimestamp": (str, "string"),
}
KNOWN = frozenset((*_SHAPES, "generation", "deletionGracePeriodSeconds", "selfLink"))


def shape_error(metadata: Any) -> str:
    """Return what about the metadata has the wrong JSON type, in words; empty when nothing has."""
    if not isinstance(metadata, dict):
        return f"metadata: expected an object, found {type(metadata).__name__}"
    for name, (kind, word) in _SHAPES.items():
        value = metadata.get(name)
        if value is not None and not isinstance(value, kind):
            return f"metadata.{name}: expected {word}, found {type(value).__name__}"
    for name in ("labels", "annotations"):
        for key, value in (metadata.get(name) or {}).items():
            if not isinstance(value, str):
                return f"metadata.{name}.{key}: expected string, found {type(value).__name__}"
    for name, kind, word in (("ownerReferences", dict, "object"), ("finalizers", str, "string"), ("managedFields", dict, "object")):
        for index, value in enumerate(metadata.get(name) or ()):
            if not isinstance(value, kind):
                return f"metadata.{name}[{index}]: expected {word}, found {type(value).__name__}"
    return ""
