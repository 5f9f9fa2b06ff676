"""How large the parts of an object can be, by its schema: what the cost of a rule depends on.

The figures are those of kube-apiserver (k8s.io/apiserver/pkg/cel/common): a limit that the schema states, or else what fits into the
largest request it expects. Sizes and costs are Go's unsigned 64-bit numbers, which stop at their largest value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final, NamedTuple

from capelin.runtime.documents.celtypes import Schema, escaped

REQUEST_LIMIT: Final = 3 * 1024 * 1024
"""Bytes of the largest request that estimates count with; the limit of a server's own configuration does not change it."""

LARGEST: Final = (1 << 64) - 1

_BYTES_PER_CHARACTER: Final = 4
_TIME_LENGTH, _DATE_LENGTH = 32, 12
_LEAST = {"string": 2, "bytes": 2, "boolean": 4, "number": 1, "integer": 1, "duration": 3, "date": 12, "date-time": 21}
"""The shortest JSON of a value, in bytes; of a list, a map or an object it is 2."""


def capped(number: int) -> int:
    """Return the number, or the largest one there is."""
    return min(number, LARGEST)


def scaled(number: int, factor: float) -> int:
    """Return the product with a fraction, rounded up, as floating-point numbers give it."""
    product = ceil(float(number) * factor)
    return LARGEST if product >= 1 << 64 else product


class Size(NamedTuple):
    """Between how many characters, bytes, items or entries something has."""

    least: int
    most: int

    def plus(self, other: Size) -> Size:
        """Return the size of both, one after the other."""
        return Size(capped(self.least + other.least), capped(self.most + other.most))

    def times(self, other: Size) -> Size:
        """Return the size of as many of this as the other says."""
        return Size(capped(self.least * other.least), capped(self.most * other.most))

    def union(self, other: Size) -> Size:
        """Return the size of one or the other."""
        return Size(min(self.least, other.least), max(self.most, other.most))

    def cost(self, factor: float) -> int:
        """Return the most it can cost when each unit costs `factor`."""
        return scaled(self.most, factor)


UNKNOWN: Final = Size(0, LARGEST)
ONE: Final = Size(1, 1)


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of a value in CEL; of a value that the schema declares also how many elements it has at most, and bytes at least."""

    name: str
    most: int = 0
    least: int = 1
    fields: Mapping[str, Kind] = field(default_factory=dict)
    key: Kind | None = None
    item: Kind | None = None

    @property
    def scalar(self) -> bool:
        """Tell whether all values are of one size."""
        if self.name == "optional":
            return self.item is not None and self.item.scalar
        return self.name in _SCALARS


_SCALARS = frozenset(("bool", "double", "duration", "int", "timestamp", "uint"))
BOOL, DOUBLE, DURATION, INT, TIMESTAMP = (Kind(name) for name in ("bool", "double", "duration", "int", "timestamp"))
STRING, BYTES, DYN, OPEN = Kind("string"), Kind("bytes"), Kind("dyn"), Kind("open")
"""`OPEN` is the type of the items of an empty list, which a use of it settles."""

_KEY = Kind("string", least=_LEAST["string"])


def list_of(item: Kind) -> Kind:
    """Return the type of a list."""
    return Kind("list", item=item)


def map_of(item: Kind, key: Kind = STRING) -> Kind:
    """Return the type of a map."""
    return Kind("map", key=key, item=item)


def optional_of(item: Kind) -> Kind:
    """Return the type of a value that may be missing."""
    return Kind("optional", item=item)


def kind_of(schema: Schema, *, resource: bool = False) -> Kind | None:
    """Return what the schema declares; None when rules cannot see it."""
    if schema.get("x-kubernetes-int-or-string"):
        return Kind("dyn", _text_limit(schema))
    if resource:
        schema = _with_metadata(schema)
    match schema.get("type"):
        case "array":
            return _list(schema)
        case "object":
            additional = schema.get("additionalProperties")
            return _map(schema, additional) if isinstance(additional, Mapping) else _object(schema)
        case "string":
            return _text(schema)
        case "boolean":
            return Kind("bool", least=_LEAST["boolean"])
        case "number":
            return Kind("double", least=_LEAST["number"])
        case "integer":
            return Kind("int", least=_LEAST["integer"])
    return None


def repetitions(schema: Schema) -> int | None:
    """Return how many times what is directly below the schema can occur in one value of it; None when it states no limit."""
    match schema.get("type"):
        case "array":
            name = "maxItems"
        case "object" if schema.get("additionalProperties") is not None:
            name = "maxProperties"
        case _:
            return 1
    return None if schema.get(name) is None else max(0, int(schema[name]))


def fitting(kind: Kind) -> int:
    """Return how many values of the kind fit into one request, with a comma between them."""
    return REQUEST_LIMIT // (kind.least + 1)


def _embedded(schema: Schema) -> Kind | None:
    return kind_of(schema, resource=bool(schema.get("x-kubernetes-embedded-resource")))


def _list(schema: Schema) -> Kind | None:
    items = schema.get("items")
    item = _embedded(items) if isinstance(items, Mapping) else None
    if item is None:
        return None
    limit = schema.get("maxItems")
    most = (REQUEST_LIMIT - 2) // (item.least + 1) if limit is None else max(0, int(limit))
    return Kind("list", most, 2, item=item)


def _map(schema: Schema, additional: Schema) -> Kind | None:
    item = _embedded(additional)
    if item is None:
        return None
    limit = schema.get("maxProperties")
    most = (REQUEST_LIMIT - 2) // (item.least + 6) if limit is None else max(0, int(limit))  # 6: quotes, colon, comma, a key of two letters
    return Kind("map", most, 2, key=_KEY, item=item)


def _object(schema: Schema) -> Kind:
    fields: dict[str, Kind] = {}
    required = frozenset(schema.get("required") or ())
    least = 2
    for name, child in (schema.get("properties") or {}).items():
        found = _embedded(child)
        if found is None:
            continue
        if spelled := escaped(name):
            fields[spelled] = found
        if name in required and child.get("default") is None:
            least += len(name.encode()) + found.least + 4
    return Kind("object", least=least, fields=fields)


def _text(schema: Schema) -> Kind:
    form, limit = schema.get("format"), schema.get("maxLength")
    match form:
        case "byte":
            return Kind("bytes", REQUEST_LIMIT - 2 if limit is None else max(0, int(limit)), _LEAST["bytes"])
        case "duration":
            return Kind("duration", _TIME_LENGTH, _LEAST["duration"])
        case "date":
            return Kind("timestamp", _DATE_LENGTH, _LEAST["date"])
        case "date-time":
            return Kind("timestamp", _TIME_LENGTH, _LEAST["date-time"])
    if limit is None and (values := schema.get("enum")):
        return Kind("string", max((len(value.encode()) for value in values if isinstance(value, str)), default=0), _LEAST["string"])
    return Kind("string", _text_limit(schema), _LEAST["string"])


def _text_limit(schema: Schema) -> int:
    limit = schema.get("maxLength")
    return REQUEST_LIMIT - 2 if limit is None else max(0, int(limit)) * _BYTES_PER_CHARACTER


def _with_metadata(schema: Schema) -> Schema:
    """Return the schema of a resource with what every resource has, unless it declares all of that itself."""
    properties: Mapping[str, Any] = schema.get("properties") or {}
    text = {"type": "string"}
    metadata = properties.get("metadata") or {}
    stated = [properties.get(name) or {} for name in ("kind", "apiVersion")]
    stated += [(metadata.get("properties") or {}).get(name) or {} for name in ("name", "generateName")]
    if metadata.get("type") == "object" and all(child.get("type") == "string" for child in stated):
        return schema
    known = {"kind": text, "apiVersion": text, "metadata": {"type": "object", "properties": {"name": text, "generateName": text}}}
    return {**schema, "properties": {**properties, **known}}
