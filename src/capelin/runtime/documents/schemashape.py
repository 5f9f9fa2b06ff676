"""Whether a schema in a CustomResourceDefinition is one: every keyword has a value of its kind.

The CRD's own schema leaves its `openAPIV3Schema` open, because schemas are recursive; this is where it is closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from capelin.runtime.documents import causes
from capelin.runtime.documents.causes import Key, Path
from capelin.runtime.documents.documents import json_type
from capelin.runtime.errors import Cause

_NUMBER: Final = ("integer", "number")
_TYPES: Final[Mapping[str, Sequence[str]]] = {
    **dict.fromkeys(("type", "format", "pattern", "title", "description", "id", "$ref", "$schema"), ("string",)),
    **dict.fromkeys(("minimum", "maximum", "multipleOf"), _NUMBER),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), ("integer",)),
    **dict.fromkeys(("exclusiveMinimum", "exclusiveMaximum", "uniqueItems", "nullable"), ("boolean",)),
    **dict.fromkeys(("x-kubernetes-list-type", "x-kubernetes-map-type"), ("string",)),
    **dict.fromkeys(("x-kubernetes-embedded-resource", "x-kubernetes-int-or-string"), ("boolean",)),
    "x-kubernetes-preserve-unknown-fields": ("boolean",),
    "enum": ("array",),
    "properties": ("object",),
    "items": ("object",),
    "not": ("object",),
    "additionalProperties": ("object", "boolean"),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "required", "x-kubernetes-list-map-keys", "x-kubernetes-validations"), ("array",)),
}
_TEXTS: Final = ("required", "x-kubernetes-list-map-keys")
_RULE: Final[Mapping[str, Sequence[str]]] = {
    **dict.fromkeys(("rule", "message", "messageExpression", "reason", "fieldPath"), ("string",)),
    "optionalOldSelf": ("boolean",),
}


def check_shape(schema: Any, path: Path) -> Iterator[Cause]:
    """Yield what keeps a value from being a schema at all; null counts as absent."""
    yield from _typed(schema, ("object",), path)
    if not isinstance(schema, Mapping):
        return
    for name, value in schema.items():
        if value is None or name not in _TYPES:
            continue
        if name == "items" and isinstance(value, list):
            yield causes.forbidden((*path, name), "items must be a schema object and not an array")
            continue
        wrong = list(_typed(value, _TYPES[name], (*path, name)))
        yield from wrong or _inside(name, value, (*path, name))


def without_nulls(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema of the right shape without keywords that are null; itself when there are none."""
    result = {name: _without_nulls_inside(name, value) for name, value in schema.items() if value is not None}
    same = len(result) == len(schema) and all(result[name] is schema[name] for name in result)
    return schema if same else result


def _without_nulls_inside(name: str, value: Any) -> Any:
    if name in ("items", "not", "additionalProperties") and isinstance(value, Mapping):
        return without_nulls(value)
    if name == "properties":
        fields = {key: without_nulls(child) for key, child in value.items()}
        return value if all(fields[key] is value[key] for key in fields) else fields
    if name in ("allOf", "anyOf", "oneOf"):
        found = [without_nulls(child) for child in value]
        return value if all(new is old for new, old in zip(found, value, strict=True)) else found
    return value


def _inside(name: str, value: Any, path: Path) -> Iterator[Cause]:
    """Check what a keyword with a value of the right type holds."""
    match name, value:
        case ("properties", _):
            for key, child in value.items():
                yield from check_shape(child, (*path, Key(key)))
        case ("allOf" | "anyOf" | "oneOf", _):
            for index, child in enumerate(value):
                yield from check_shape(child, (*path, index))
        case ("items" | "not" | "additionalProperties", dict()):
            yield from check_shape(value, path)
        case ("x-kubernetes-validations", _):
            for index, rule in enumerate(value):
                yield from _rule(rule, (*path, index))
        case _ if name in _TEXTS:
            for index, text in enumerate(value):
                yield from _typed(text, ("string",), (*path, index))


def _rule(rule: Any, path: Path) -> Iterator[Cause]:
    yield from _typed(rule, ("object",), path)
    if isinstance(rule, Mapping):
        for name, types in _RULE.items():
            if rule.get(name) is not None:
                yield from _typed(rule[name], types, (*path, name))


def _typed(value: Any, types: Sequence[str], path: Path) -> Iterator[Cause]:
    found = json_type(value)
    if found not in types:
        yield causes.type_invalid(path, found, f"must be of type {' or '.join(types)}")
