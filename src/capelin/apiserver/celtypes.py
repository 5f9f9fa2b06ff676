"""How JSON appears in CEL: types of variables, and values where CEL's differ.

Strings of format `date-time` are timestamps and those of format `byte` bytes, numbers are doubles even when they are whole, fields whose
names are no CEL identifiers are escaped, and only what the schema mentions is visible. Durations stay strings: the library takes none
from outside.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

Conversion = Callable[[Any], Any]

_KEYWORDS = ("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop")
_RESERVED = frozenset((*_KEYWORDS, "package", "namespace", "return", "var", "void", "while"))
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPES = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}


def type_of(schema: Mapping[str, Any], *, resource: bool = False) -> str:
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


def escaped(name: str) -> str | None:
    """Return a field's name as rules spell it; None when no rule can."""
    if name in _RESERVED:
        return f"__{name}__"
    result = re.sub(r"__|[.\-/]", lambda found: _ESCAPES[found.group(0)], name)
    return result if _IDENTIFIER.fullmatch(result) else None


def compile_conversion(schema: Mapping[str, Any], *, resource: bool = False) -> Conversion | None:
    """Return what turns a JSON value of the schema into what CEL sees; None when it is the same."""
    match schema.get("type"):
        case "string":
            return {"date-time": _timestamp, "byte": _bytes}.get(schema.get("format") or "")
        case "integer":
            return _integer
        case "number":
            return _double
        case "array":
            return _list(schema)
        case "object":
            return _object(schema, resource=resource)
    return None


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


def _list(schema: Mapping[str, Any]) -> Conversion | None:
    items = schema.get("items")
    item = compile_conversion(items) if isinstance(items, Mapping) else None
    if item is None or item is _integer:
        return None
    return lambda value: [item(child) for child in value] if type(value) is list else value


def _object(schema: Mapping[str, Any], *, resource: bool) -> Conversion | None:
    properties: Mapping[str, Any] = schema.get("properties") or {}
    additional = schema.get("additionalProperties")
    if isinstance(additional, Mapping):
        other = compile_conversion(additional)
        if other is None or other is _integer:
            return None
        return lambda value: {name: other(child) for name, child in value.items()} if type(value) is dict else value
    if not properties and not resource:
        return None
    fields = {name: (spelled, compile_conversion(child)) for name, child in properties.items() if (spelled := escaped(name))}
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
