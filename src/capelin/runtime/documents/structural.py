"""What a CustomResourceDefinition may say of its fields: structural schemas.

Rules of https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema:
every field has a type, what `allOf`, `anyOf`, `oneOf` and `not` constrain is specified outside of them, and constructs that cannot be
pruned, defaulted or merged are forbidden. Rules in CEL must compile, patterns must be RE2, defaults must be valid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from capelin.runtime.documents import causes, patterns
from capelin.runtime.documents.causes import Key, Path
from capelin.runtime.documents.cel import compile_rule, field_path, known_fields
from capelin.runtime.documents.celcost import Budget, Place, places
from capelin.runtime.documents.celevaluation import RuleError
from capelin.runtime.documents.pruning import RESOURCE_FIELDS, compile_pruner
from capelin.runtime.documents.schemashape import check_shape, without_nulls
from capelin.runtime.documents.validation import Validator
from capelin.runtime.errors import Cause

Schema = Mapping[str, Any]

_TYPES: Final = ("array", "boolean", "integer", "number", "object", "string")
_UNSUPPORTED: Final = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
_REASONS: Final = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_LOGICAL: Final = ("allOf", "anyOf", "oneOf")
_INT_OR_STRING: Final = [{"type": "integer"}, {"type": "string"}]
_FORBIDDEN_INSIDE: Final = {
    "type": "must be empty to be structural",
    "default": "must be undefined to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "nullable": "must be false to be structural",
    "additionalProperties": "must be undefined to be structural",
    "x-kubernetes-preserve-unknown-fields": "must be false to be structural",
    "x-kubernetes-embedded-resource": "must be false to be structural",
    "x-kubernetes-int-or-string": "must be false to be structural",
    "x-kubernetes-list-map-keys": "must be empty to be structural",
    "x-kubernetes-list-type": "must be undefined to be structural",
    "x-kubernetes-map-type": "must be undefined to be structural",
    "x-kubernetes-validations": "must be empty to be structural",
}


def check_structural(openapi: Schema, path: Path = ()) -> list[Cause]:
    """Return why the schema, which stands at `path` of its CustomResourceDefinition, cannot be that of a resource."""
    if malformed := list(check_shape(openapi, path)):
        return malformed
    openapi = without_nulls(openapi)
    found = [*_root(openapi, path), *_root_fields(openapi.get("properties") or {}, path)]
    for at, node in nodes(openapi, path):
        found += [cause for check in (*_STATIC, _default) for cause in check(node, at)]
        if at != path:
            found += _has_type(node, at)
    if found:
        return found  # rules over a schema that makes no sense would only add noise
    return [*_unusable(openapi, path), *_rules(openapi, path)]


def check_structural_value(schema: Schema, path: Path) -> list[Cause]:
    """Return why a schema of the right shape, which stands at `path`, cannot be that of a value that is part of a resource.

    Defaults are not looked at. Rules of an object may use the fields that every resource has, as those of Cluster API's variables may.
    """
    found = [cause for at, node in nodes(schema, path) for check in (*_STATIC, _has_type) for cause in check(node, at)]
    return found or [*_unusable(schema, path), *_rules(schema, path)]


def nodes(schema: Schema, path: Path) -> Iterator[tuple[Path, Schema]]:
    """Yield every part of the schema that specifies a field, with its place."""
    yield path, schema
    for name, child in (schema.get("properties") or {}).items():
        yield from nodes(child, (*path, "properties", Key(name)))
    for name in ("additionalProperties", "items"):
        if isinstance(schema.get(name), Mapping):
            yield from nodes(schema[name], (*path, name))


def _root(schema: Schema, path: Path) -> Iterator[Cause]:
    if not schema.get("type"):
        yield causes.required((*path, "type"), "must not be empty at the root")
    elif schema["type"] != "object":
        yield causes.invalid((*path, "type"), schema["type"], "must be object at the root")
    if schema.get("nullable"):
        yield causes.forbidden((*path, "nullable"), "nullable cannot be true at the root")
    if "additionalProperties" in schema:
        yield causes.forbidden((*path, "additionalProperties"), "must not be used at the root")
    for at, inner, _ in _junctors(schema, path):
        yield from _complete(inner, schema, at, path)


def _root_fields(properties: Schema, path: Path) -> Iterator[Cause]:
    """What every resource has is not the schema's to specify."""
    metadata = properties.get("metadata") or {}
    stated = {name for name in metadata if name not in ("type", "description", "properties", "default")}
    if stated or not (metadata.get("properties") or {}).keys() <= {"name", "generateName"}:
        detail = "must not specify anything other than name and generateName, but metadata is implicitly specified"
        yield causes.forbidden((*path, "properties", Key("metadata")), detail)
    for name in ("apiVersion", "kind"):
        if name in properties and properties[name].get("type") != "string":
            yield causes.invalid((*path, "properties", Key(name), "type"), properties[name].get("type") or "", "must be string")
    for name in RESOURCE_FIELDS & properties.keys():
        for at, node in nodes(properties[name], (*path, "properties", Key(name))):
            if "default" in node:
                yield causes.forbidden((*at, "default"), f"must not be set in top-level {name}")


def _supported(schema: Schema, path: Path) -> Iterator[Cause]:
    name = schema.get("type")
    if name == "null":
        yield causes.forbidden((*path, "type"), "type cannot be set to null, use nullable as an alternative")
    if name and name not in _TYPES:
        yield causes.not_supported((*path, "type"), name, _TYPES)
    yield from (causes.forbidden((*path, key), f"{key} is not supported") for key in _UNSUPPORTED if schema.get(key) is not None)
    if schema.get("uniqueItems"):
        detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield causes.forbidden((*path, "uniqueItems"), detail)
    if schema.get("properties") and schema.get("additionalProperties") not in (None, True):
        yield causes.forbidden((*path, "additionalProperties"), "additionalProperties and properties are mutual exclusive")
    if (pattern := schema.get("pattern")) and (complaint := patterns.complaint(pattern)):
        yield causes.invalid((*path, "pattern"), pattern, f"must be a valid regular expression, but isn't: {complaint}")


def _has_type(schema: Schema, path: Path) -> Iterator[Cause]:
    untyped = ("type", "x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource")
    if not any(schema.get(key) for key in untyped):
        place = "specified array items" if path[-1:] == ("items",) else "specified object fields"
        yield causes.required((*path, "type"), f"must not be empty for {place}")


def _typed(schema: Schema, path: Path) -> Iterator[Cause]:
    name = schema.get("type")
    int_or_string, preserve = schema.get("x-kubernetes-int-or-string"), schema.get("x-kubernetes-preserve-unknown-fields")
    embedded = schema.get("x-kubernetes-embedded-resource")
    if name == "array" and not isinstance(schema.get("items"), Mapping):
        yield causes.required((*path, "items"), "must be specified")
    if preserve is False:
        yield causes.invalid((*path, "x-kubernetes-preserve-unknown-fields"), False, "must be true or undefined")
    if int_or_string and preserve:
        detail = "must be false if x-kubernetes-int-or-string is true"
        yield causes.invalid((*path, "x-kubernetes-preserve-unknown-fields"), True, detail)
    if int_or_string and embedded:
        yield causes.invalid((*path, "x-kubernetes-embedded-resource"), True, "must be false if x-kubernetes-int-or-string is true")
    if embedded:
        yield from _embedded(schema, path)


def _embedded(schema: Schema, path: Path) -> Iterator[Cause]:
    name = schema.get("type")
    detail = "must be object if x-kubernetes-embedded-resource is true"
    if not name:
        yield causes.required((*path, "type"), detail)
    elif name != "object":
        yield causes.invalid((*path, "type"), name, detail)
    if "additionalProperties" in schema:
        yield causes.forbidden((*path, "additionalProperties"), "must not be used if x-kubernetes-embedded-resource is set")
    if not schema.get("properties") and not schema.get("x-kubernetes-preserve-unknown-fields"):
        detail = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
        yield causes.required((*path, "properties"), detail)


def _merge_markers(schema: Schema, path: Path) -> Iterator[Cause]:
    for marker, needed, allowed in (
        ("x-kubernetes-map-type", "object", ("atomic", "granular")),
        ("x-kubernetes-list-type", "array", ("atomic", "set", "map")),
    ):
        value = schema.get(marker)
        if value is None:
            continue
        if value not in allowed:
            yield causes.not_supported((*path, marker), value, allowed)
        if not schema.get("type"):
            yield causes.required((*path, "type"), f"must be {needed} if {marker} is specified")
        elif schema["type"] != needed:
            yield causes.invalid((*path, "type"), schema["type"], f"must be {needed} if {marker} is specified")
    match schema.get("x-kubernetes-list-type"):
        case "map":
            yield from _list_map(schema, path)
        case "set":
            yield from _list_set(schema.get("items") or {}, (*path, "items"))
        case other if schema.get("x-kubernetes-list-map-keys"):
            at, detail = (*path, "x-kubernetes-list-type"), "must be map if x-kubernetes-list-map-keys is non-empty"
            yield causes.required(at, detail) if other is None else causes.invalid(at, other, detail)


def _list_set(items: Schema, path: Path) -> Iterator[Cause]:
    detail = "must be atomic as item of a list with x-kubernetes-list-type=set"
    if items.get("nullable"):
        yield causes.forbidden((*path, "nullable"), "cannot be nullable when x-kubernetes-list-type is set")
    if items.get("type") == "array" and items.get("x-kubernetes-list-type", "atomic") != "atomic":
        yield causes.invalid((*path, "x-kubernetes-list-type"), items["x-kubernetes-list-type"], detail)
    if items.get("type") == "object" and items.get("x-kubernetes-map-type") != "atomic":
        yield causes.invalid((*path, "x-kubernetes-map-type"), items.get("x-kubernetes-map-type"), detail)


def _list_map(schema: Schema, path: Path) -> Iterator[Cause]:
    keys = schema.get("x-kubernetes-list-map-keys") or []
    at, items = (*path, "x-kubernetes-list-map-keys"), schema.get("items")
    if not keys:
        yield causes.required(at, "must not be empty if x-kubernetes-list-type is map")
    if not isinstance(items, Mapping):
        return
    if items.get("nullable"):
        yield causes.forbidden((*path, "items", "nullable"), "cannot be nullable when x-kubernetes-list-type is map")
    if items.get("type") != "object":
        detail = "must be object if parent array's x-kubernetes-list-type is map"
        yield causes.invalid((*path, "items", "type"), items.get("type") or "", detail)
        return
    if len(set(keys)) != len(keys):
        yield causes.invalid(at, keys, "must not contain duplicate entries")
    properties: Schema = items.get("properties") or {}
    for key in keys:
        if key in properties:
            yield from _list_key(key, properties[key], items, (*path, "items", "properties", Key(key)))
        else:
            yield causes.invalid(at, keys, "entries must all be names of item properties")


def _list_key(key: str, schema: Schema, item: Schema, path: Path) -> Iterator[Cause]:
    if schema.get("type") in ("array", "object"):
        detail = "must be a scalar type if parent array's x-kubernetes-list-type is map"
        yield causes.invalid((*path, "type"), schema["type"], detail)
    if key not in (item.get("required") or ()) and schema.get("default") is None:
        detail = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
        yield causes.required((*path, "default"), detail)
    if schema.get("nullable"):
        detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"
        yield causes.forbidden((*path, "nullable"), detail)


def _logical(schema: Schema, path: Path) -> Iterator[Cause]:
    """What logical junctors say must be structural outside of them."""
    for at, inner, pattern in _junctors(schema, path):
        yield from _inside(inner, schema, at, int_or_string=pattern)


def _junctors(schema: Schema, path: Path) -> Iterator[tuple[Path, Schema, bool]]:
    """Yield the schemas inside junctors; the flag says that one may state the types integer and string."""
    any_of = schema.get("anyOf") == _INT_OR_STRING and bool(schema.get("x-kubernetes-int-or-string"))
    all_of = bool(schema.get("x-kubernetes-int-or-string"))
    for name in _LOGICAL:
        for index, inner in enumerate(schema.get(name) or ()):
            if name == "anyOf" and any_of:
                continue
            yield (*path, name, index), inner, all_of and name == "allOf" and index == 0
    if isinstance(schema.get("not"), Mapping):
        yield (*path, "not"), schema["not"], False


def _inside(inner: Schema, outer: Schema, path: Path, *, int_or_string: bool = False) -> Iterator[Cause]:
    yield from (causes.forbidden((*path, key), detail) for key, detail in _FORBIDDEN_INSIDE.items() if inner.get(key))
    known, additional = outer.get("properties") or {}, outer.get("additionalProperties")
    for name, child in (inner.get("properties") or {}).items():
        at = (*path, "properties", Key(name))
        below = known.get(name, additional)
        if name == "metadata":
            yield causes.forbidden(at, "must not be specified in a nested context")
        else:
            yield from _inside(child, below if isinstance(below, Mapping) else {}, at)
    if isinstance(inner.get("items"), Mapping) and isinstance(outer.get("items"), Mapping):
        yield from _inside(inner["items"], outer["items"], (*path, "items"))
    for at, deeper, _ in _junctors(inner, path):
        if int_or_string and inner.get("anyOf") == _INT_OR_STRING and at[-2] == "anyOf":
            continue
        yield from _inside(deeper, outer, at)
    if (pattern := inner.get("pattern")) and (complaint := patterns.complaint(pattern)):
        yield causes.invalid((*path, "pattern"), pattern, f"must be a valid regular expression, but isn't: {complaint}")


def _complete(inner: Schema, outer: Schema, path: Path, outside: Path) -> Iterator[Cause]:
    """What junctors at the root constrain must be specified outside of them."""
    known = outer.get("properties") or {}
    for name, child in (inner.get("properties") or {}).items():
        at, place = (*path, "properties", Key(name)), (*outside, "properties", Key(name))
        if name in known:
            yield from _complete(child, known[name], at, place)
        else:
            yield causes.required(place, f"because it is defined in {causes.render(at)}")
    for at, deeper, _ in _junctors(inner, path):
        yield from _complete(deeper, outer, at, outside)


def _default(schema: Schema, path: Path) -> Iterator[Cause]:
    if schema.get("default") is None:
        return
    try:
        broken = Validator(schema).broken(schema["default"])
    except ValueError:
        return  # the schema itself is at fault, which is told elsewhere
    if compile_pruner(schema, None)(schema["default"], []) != schema["default"]:
        yield causes.invalid((*path, "default"), schema["default"], "must not have unknown fields")
    for at, cause in broken:
        yield Cause(causes.render((*path, "default", *at)), cause.message, cause.reason)


def _unusable(schema: Schema, path: Path) -> Iterator[Cause]:
    """A schema of the right shape can still have bounds that no value has."""
    try:
        Validator(schema)
    except ValueError as error:
        complaint, _, place = str(error).partition("\n")
        at = place.rpartition("On instance")[2].partition(":")[0]
        yield causes.invalid(path, causes.OMITTED, f"cannot be used: {complaint} (at {at or 'the root'})")


def _rules(schema: Schema, path: Path) -> Iterator[Cause]:
    """Rules must compile and must not be too dear, neither alone nor together."""
    budget = Budget()
    for place in places(schema, path, resource=True):
        for index, rule in enumerate(place.rules):
            stated = list(_rule_statement(rule, place.schema, (*place.path, "x-kubernetes-validations", index)))
            yield from stated or _rule(rule, index, place, budget)
    yield from budget.overrun(path)


def _rule(rule: Schema, index: int, place: Place, budget: Budget) -> Iterator[Cause]:
    path = (*place.path, "x-kubernetes-validations", index)
    try:
        compiled = compile_rule(rule, place.schema, resource=place.resource)
    except RuleError as error:
        name = "messageExpression" if str(error).startswith("messageExpression") else "rule"
        yield causes.invalid((*path, name), dict(rule), str(error))
        return
    yield from budget.charge(compiled, index, place)
    if rule.get("optionalOldSelf") is not None and not compiled.uses_old:
        yield causes.invalid((*path, "optionalOldSelf"), rule["optionalOldSelf"], "may not be set if oldSelf is not used in rule")
    if compiled.uses_old and (loose := _loose(place)):
        detail = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {loose}"
        yield causes.invalid((*path, "rule"), rule["rule"], detail)


def _loose(place: Place) -> str:
    """Return the path of the list around the place whose items have no identity over time; empty when there is none."""
    lists = (path for path, schema in place.around if schema.get("type") == "array" and schema.get("x-kubernetes-list-type") != "map")
    return next(map(causes.render, lists), "")


def _rule_statement(rule: Schema, schema: Schema, path: Path) -> Iterator[Cause]:
    text, message = (rule.get("rule") or "").strip(), (rule.get("message") or "").strip()
    if not text:
        yield causes.required((*path, "rule"), "rule is not specified")
    if rule.get("message") and not message:
        yield causes.invalid((*path, "message"), rule["message"], "must be non-empty if specified")
    if "\n" in message or "\r" in message:
        yield causes.invalid((*path, "message"), rule["message"], "must not contain line breaks")
    if "\n" in text and not message:
        yield causes.required((*path, "message"), "message must be specified if rule contains line breaks")
    if rule.get("messageExpression") and not rule["messageExpression"].strip():
        yield causes.required((*path, "messageExpression"), "messageExpression must be non-empty if specified")
    if rule.get("reason") and rule["reason"] not in _REASONS:
        yield causes.not_supported((*path, "reason"), rule["reason"], _REASONS)
    if rule.get("fieldPath"):
        try:
            fits = known_fields(field_path(rule["fieldPath"]), schema)
        except RuleError:
            fits = False
        if not fits:
            yield causes.invalid((*path, "fieldPath"), rule["fieldPath"], "must be a valid path")


_STATIC: Final[tuple[Callable[[Schema, Path], Iterator[Cause]], ...]] = (_supported, _typed, _merge_markers, _logical)
