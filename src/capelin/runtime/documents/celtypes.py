"""How JSON appears in CEL: types of variables, and values where CEL's differ.

Strings of format `date-time` are timestamps, those of format `duration` durations, those of format `byte` bytes; numbers are doubles even
when they are whole; fields whose names are no CEL identifiers are escaped; and only what the schema mentions is visible.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

Schema = Mapping[str, Any]
Conversion = Callable[[Any], Any]

TEXT_LITERAL = re.compile(r"""[rRbB]{0,2}(?:'''.*?'''|\"\"\".*?\"\"\"|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")""", re.DOTALL)
"""A string in a rule."""

_KEYWORDS = ("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop")
_RESERVED = frozenset((*_KEYWORDS, "package", "namespace", "return", "var", "void", "while"))
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPES = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}


def type_of(schema: Schema, *, resource: bool = False) -> str:
    """Return the signature of a variable's type: a name of `cel.Type`, or `list:` or `map:` before the signature of its items."""
    if schema.get("nullable") or schema.get("x-kubernetes-int-or-string"):
        return "DYN"
    match schema.get("type"):
        case "string":
            return {"date-time": "TIMESTAMP", "byte": "BYTES"}.get(schema.get("format") or "", "STRING")
        case "integer":
            return "INT"
        case "number":
            return "DOUBLE"
        case "boolean":
            return "BOOL"
        case "array":
            return f"list:{type_of(schema.get('items') or {})}"
        case "object":
            additional = schema.get("additionalProperties")
            typed = isinstance(additional, Mapping) and not resource
            return f"map:{type_of(additional) if typed and isinstance(additional, Mapping) else 'DYN'}"
    return "DYN"


def code_of(text: str) -> str:
    """Return the rule with spaces for the texts in it, so that what is found in it is code and stands where it stands in the rule."""
    return TEXT_LITERAL.sub(lambda literal: " " * len(literal.group(0)), text)


def escaped(name: str) -> str | None:
    """Return a field's name as rules spell it; None when no rule can."""
    if name in _RESERVED:
        return f"__{name}__"
    result = re.sub(r"__|[.\-/]", lambda found: _ESCAPES[found.group(0)], name)
    return result if _IDENTIFIER.fullmatch(result) else None


def compile_conversion(schema: Schema, *, resource: bool = False, nested: bool = False) -> Conversion | None:
    """Return what turns a JSON value of the schema into what CEL sees; None when it is the same.

    `nested` values are below an object, where the library takes no timestamps: there `with_times` makes them.
    """
    match schema.get("type"):
        case "string":
            return _TEXTS.get(schema.get("format") or "") if not nested or schema.get("format") == "byte" else None
        case "integer":
            return _integer
        case "number":
            return _double
        case "array":
            return _list(schema, nested=nested)
        case "object":
            return _object(schema, resource=resource, nested=nested)
    return None


def with_times(rule: str, schema: Schema) -> str:
    """Return the rule with every field of `self` that is a time or a duration converted from the string it is in JSON.

    Only fields named by a path from `self` or `oldSelf` are found; items of lists stay strings.
    """
    found = times(schema)
    if not found:
        return rule
    names = "|".join(re.escape(path) for path in sorted(found, key=len, reverse=True))
    field = re.compile(rf"(has\(\s*)?(?<![\w.])((?:self|oldSelf)\.({names}))(?![\w(])")

    def converted(match: re.Match[str]) -> str:
        return match.group(0) if match.group(1) else f"{found[match.group(3)]}({match.group(2)})"

    parts = TEXT_LITERAL.split(rule)
    literals = TEXT_LITERAL.findall(rule)
    return "".join(field.sub(converted, part) + literal for part, literal in zip(parts, [*literals, ""], strict=True))


def times(schema: Schema) -> dict[str, str]:
    """Return the fields that `with_times` converts: their dotted paths below an object, and the function that converts each."""
    return dict(_times(schema, ()))


def _times(schema: Schema, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield dotted paths of fields below an object, and the function that converts them."""
    for name, child in (schema.get("properties") or {}).items():
        spelled = escaped(name)
        if spelled is None or child.get("nullable"):
            continue
        function = {"date-time": "timestamp", "duration": "duration"}.get(child.get("format") or "")
        if child.get("type") == "string" and function:
            yield ".".join((*path, spelled)), function
        elif child.get("type") == "object":
            yield from _times(child, (*path, spelled))


def _timestamp(value: Any) -> Any:
    try:
        found = datetime.fromisoformat(value.upper().replace("Z", "+00:00"))
    except (ValueError, AttributeError):
        return value
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _bytes(value: Any) -> Any:
    return b64decode(value) if isinstance(value, str) else value


def _integer(value: Any) -> Any:
    return int(value) if type(value) is float else value


def _double(value: Any) -> Any:
    return float(value) if type(value) is int else value


_TEXTS: Mapping[str, Conversion] = {"date-time": _timestamp, "byte": _bytes}


def _list(schema: Schema, *, nested: bool) -> Conversion | None:
    items = schema.get("items")
    item = compile_conversion(items, nested=nested) if isinstance(items, Mapping) else None
    if item is None or item is _integer:
        return None
    return lambda value: [item(child) for child in value] if type(value) is list else value


def _object(schema: Schema, *, resource: bool, nested: bool) -> Conversion | None:
    properties: Schema = schema.get("properties") or {}
    additional = schema.get("additionalProperties")
    if isinstance(additional, Mapping):
        other = compile_conversion(additional, nested=nested)
        if other is None or other is _integer:
            return None
        return lambda value: {name: other(child) for name, child in value.items()} if type(value) is dict else value
    if not properties and not resource:
        return None
    fields = {name: (spelled, compile_conversion(child, nested=True)) for name, child in properties.items() if (spelled := escaped(name))}
    resource = resource or bool(schema.get("x-kubernetes-embedded-resource"))
    if resource:
        fields |= {"apiVersion": ("apiVersion", None), "kind": ("kind", None), "metadata": ("metadata", _visible_metadata)}
    hidden = resource or bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    plain = all(name == spelled and convert in (None, _integer) for name, (spelled, convert) in fields.items())
    if plain and not hidden and len(fields) == len(properties):
        return None
    return lambda value: _seen(value, fields) if type(value) is dict else value


def _seen(value: dict[str, Any], fields: Mapping[str, tuple[str, Conversion | None]]) -> dict[str, Any]:
    result = {}
    for name, child in value.items():
        if name in fields:
            spelled, convert = fields[name]
            result[spelled] = convert(child) if convert and child is not None else child
    return result


def _visible_metadata(value: Any) -> Any:
    return {name: value[name] for name in ("name", "generateName") if name in value} if isinstance(value, dict) else value
