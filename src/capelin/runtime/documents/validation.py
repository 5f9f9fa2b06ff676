"""Structural validation: which rules of its schema a document breaks.

A compiled validator answers quickly that nothing is wrong. Only when something is are the broken rules listed and told in the words of
k8s.io/kube-openapi and k8s.io/apiextensions-apiserver. Patterns are matched in linear time: by the validator's automaton where it reads the
syntax, else by RE2 itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jsonschema_rs

from capelin.runtime.documents import causes, patterns
from capelin.runtime.documents.causes import Path
from capelin.runtime.documents.documents import json_type
from capelin.runtime.documents.formats import OURS, format_name
from capelin.runtime.errors import Cause

_INT32 = (-(2**31), 2**31 - 1)
_INT64 = (-(2**63), 2**63 - 1)
_COPIED = ("maxLength", "minLength", "maxItems", "minItems", "multipleOf", "maxProperties", "minProperties", "required", "enum")

Broken = tuple[Path, Cause]
"""The place of the value that breaks a rule, and what is reported (whose field may be a child that is missing)."""


class Validator:
    """A compiled structural schema.

    Raises:
        ValueError: a keyword has a value that makes no sense, such as a negative length.
    """

    __slots__ = ("_compiled",)

    def __init__(self, schema: Mapping[str, Any]) -> None:
        formats: dict[str, Callable[[str], bool]] = dict(OURS)
        self._compiled = jsonschema_rs.Draft7Validator(
            _converted(schema, formats),
            formats=formats,
            validate_formats=True,
            pattern_options=jsonschema_rs.RegexOptions(),
        )

    def broken(self, document: Any) -> list[Broken]:
        """Return every broken rule, in the order of the schema."""
        if self._compiled.is_valid(document):
            return []
        return [found for error in self._compiled.iter_errors(document) for found in _told(error)]


def _converted(schema: Mapping[str, Any], formats: dict[str, Callable[[str], bool]]) -> dict[str, Any]:
    """Return the JSON schema that means the same."""
    result: dict[str, Any] = {key: schema[key] for key in _COPIED if key in schema}
    if "required" in result:
        result["required"] = list(dict.fromkeys(result["required"]))
    result |= _type(schema) | _bounds(schema)
    conditions = [_converted(child, formats) for child in schema.get("allOf") or ()]
    conditions += _format(schema)
    if pattern := schema.get("pattern"):
        conditions.append(_pattern(pattern, formats))
    if conditions:
        result["allOf"] = conditions
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            result[key] = [_converted(child, formats) for child in schema[key]]
    for key in ("not", "items", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            result[key] = _converted(schema[key], formats)
    if "properties" in schema:
        result["properties"] = {name: _converted(child, formats) for name, child in schema["properties"].items()}
    return result


def _bounds(schema: Mapping[str, Any]) -> dict[str, Any]:
    pairs = (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum"))
    return {exclusive if schema.get(exclusive) else bound: schema[bound] for bound, exclusive in pairs if bound in schema}


def _type(schema: Mapping[str, Any]) -> dict[str, Any]:
    names = ["integer", "string"] if schema.get("x-kubernetes-int-or-string") else [schema["type"]] if schema.get("type") else []
    if not names:
        return {}
    return {"type": [*names, "null"] if schema.get("nullable") else names}


def _format(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    name = schema.get("format") or ""
    match schema.get("type"):
        case "integer":
            low, high = _INT32 if name == "int32" else _INT64
            return [{"minimum": low, "maximum": high}]
        case "string" | None if checked := format_name(name):
            return [{"format": checked}]
    return []


def _pattern(pattern: str, formats: dict[str, Callable[[str], bool]]) -> dict[str, Any]:
    if patterns.is_portable(pattern):
        return {"pattern": pattern}
    matcher = patterns.Matcher(pattern)
    formats[matcher.name] = matcher.matches
    return {"format": matcher.name}


def _told(error: jsonschema_rs.ValidationError) -> Iterator[Broken]:
    """Tell of one broken rule; of alternatives also what is wrong with the one that comes closest."""
    at = tuple(error.instance_path)
    rule = error.kind.name
    name = "" if not at else causes.render(at)
    if rule in ("anyOf", "oneOf", "not"):
        yield at, causes.invalid((), "", f"{causes.quote(name)} {_alternatives(error)}")
        closest = min(getattr(error.kind, "context", ()), key=len, default=())
        yield from (found for inner in closest for found in _told(inner))
        return
    teller = _TELLERS.get(rule)
    yield at, teller(at, name, error) if teller else causes.invalid(at, error.instance, error.message)


def _alternatives(error: jsonschema_rs.ValidationError) -> str:
    match error.kind:
        case jsonschema_rs.ValidationErrorKind.AnyOf():
            return "must validate at least one schema (anyOf)"
        case jsonschema_rs.ValidationErrorKind.OneOfNotValid():
            return "must validate one and only one schema (oneOf). Found none valid"
        case jsonschema_rs.ValidationErrorKind.OneOfMultipleValid(context=context):
            valid = sum(not errors for errors in context)
            return f"must validate one and only one schema (oneOf). Found {valid} valid alternatives"
    return "must not validate the schema (not)"


def _type_told(at: Path, name: str, error: Any) -> Cause:
    found = json_type(error.instance)
    wanted = ",".join(kind for kind in error.kind.types if kind != "null")
    return causes.type_invalid(at, found, f"{name} in body must be of type {wanted}: {causes.quote(found)}")


def _format_told(at: Path, name: str, error: Any) -> Cause:
    form = error.kind.format
    if pattern := patterns.named(form):
        return _pattern_told(at, name, error.instance, pattern)
    return causes.type_invalid(at, error.instance, f"{name} in body must be of type {form}: {causes.quote(error.instance)}")


def _pattern_told(at: Path, name: str, value: Any, pattern: str) -> Cause:
    return causes.invalid(at, value, f"{name} in body should match '{pattern}'")


def _bound_told(at: Path, name: str, error: Any) -> Cause:
    limit = error.kind.limit
    if limit in (*_INT32, *_INT64):
        return _range_told(at, name, error)
    word = {
        "minimum": "greater than or equal to",
        "maximum": "less than or equal to",
        "exclusiveMinimum": "greater than",
        "exclusiveMaximum": "less than",
    }[error.kind.name]
    return causes.invalid(at, error.instance, f"{name} in body should be {word} {causes.number(limit)}")


def _range_told(at: Path, name: str, error: Any) -> Cause:
    form = "int32" if error.kind.limit in _INT32 else "int64"
    return causes.invalid(at, error.instance, f"Checked value must be of type integer with format {form} in {name}")


_TELLERS: Mapping[str, Callable[[Path, str, Any], Cause]] = {
    "type": _type_told,
    "required": lambda at, _, error: causes.required((*at, error.kind.property)),
    "enum": lambda at, _, error: causes.not_supported(
        at, error.instance, [option if isinstance(option, str) else causes.show(option) for option in error.kind.options]
    ),
    "format": _format_told,
    "pattern": lambda at, name, error: _pattern_told(at, name, error.instance, error.kind.pattern),
    "maxLength": lambda at, _, error: causes.too_long(at, error.kind.limit),
    "minLength": lambda at, name, error: causes.invalid(
        at, error.instance, f"{name} in body should be at least {error.kind.limit} chars long"
    ),
    "maxItems": lambda at, _, error: causes.too_many(at, len(error.instance), error.kind.limit),
    "minItems": lambda at, name, error: causes.invalid(
        at, len(error.instance), f"{name} in body should have at least {error.kind.limit} items"
    ),
    "maxProperties": lambda at, _, error: causes.too_many(at, len(error.instance), error.kind.limit),
    "minProperties": lambda at, name, error: causes.invalid(
        at, len(error.instance), f"{name} in body should have at least {error.kind.limit} properties"
    ),
    "minimum": _bound_told,
    "maximum": _bound_told,
    "exclusiveMinimum": _bound_told,
    "exclusiveMaximum": _bound_told,
    "multipleOf": lambda at, name, error: causes.invalid(
        at, error.instance, f"{name} in body should be a multiple of {causes.number(error.kind.multiple_of)}"
    ),
}
