"""The types that server-side apply merges by.

Maps and lists are granular (each field has owners of its own) or atomic (owned as a whole). Granular lists are sets, or maps by the keys of
their items. They come from the structural schema's `x-kubernetes-list-type`, `x-kubernetes-list-map-keys` and `x-kubernetes-map-type`, or
from the patch strategies of built-in kinds, by the rules of sigs.k8s.io/structured-merge-diff.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from capelin.runtime.documents.causes import quote
from capelin.runtime.documents.fieldset import key_element, value_element


@dataclass(slots=True, eq=False)
class MapType:
    """Fields by name; `element` types the others (None: there are no others)."""

    fields: dict[str, Type] = field(default_factory=dict)
    element: Type | None = None
    atomic: bool = False

    def below(self, name: str) -> Type:
        """Return the type of a field; undeclared fields that got into an object are deduced."""
        return self.fields.get(name) or self.element or DEDUCED


@dataclass(slots=True, eq=False)
class ListType:
    """Items; `keys` names those of a map, is empty for a set, None for an atomic list. `defaults` holds the defaults of keys."""

    item: Type
    keys: tuple[str, ...] | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Type:
    """What a value may be; more than one is set where the schema names no type.

    `scalar` is string, numeric, boolean or untyped. `exact` says that nothing below is untyped, so that equal Python values are equal JSON
    (true equals 1 in Python).
    """

    scalar: str = ""
    map: MapType | None = None
    list: ListType | None = None
    exact: bool = False


UNTYPED = Type(scalar="untyped")
"""Any value, owned as a whole."""
UNTYPED.map, UNTYPED.list = MapType(element=UNTYPED, atomic=True), ListType(UNTYPED)

DEDUCED = Type(scalar="untyped", list=ListType(UNTYPED))
"""Any value: maps are granular, lists atomic."""
DEDUCED.map = MapType(element=DEDUCED)

_SCALARS: Mapping[str, str] = {"integer": "numeric", "number": "numeric", "boolean": "boolean"}


def compile_type(schema: Mapping[str, Any]) -> Type:
    """Return the type of a structural schema."""
    return _Compiler().type_of(schema, preserve=False)


class _Compiler:
    """Compiles parts of a schema that occur repeatedly (as the same object) once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, bool], tuple[Mapping[str, Any], Type]] = {}

    def type_of(self, schema: Mapping[str, Any], *, preserve: bool) -> Type:
        preserve = preserve or bool(schema.get("x-kubernetes-preserve-unknown-fields"))
        if known := self._known.get((id(schema), preserve)):
            return known[1]
        match schema.get("type"):
            case "object":
                found = Type(map=self._map(schema, preserve=preserve))
            case "array":
                found = Type(list=self._list(schema, preserve=preserve))
            case "string":
                found = Type(scalar="string" if schema.get("format", "") in ("", "byte") else "untyped", exact=True)
            case "integer" | "number" | "boolean" as name:
                found = Type(scalar=_SCALARS[name], exact=True)
            case _:
                found = Type("untyped", self._map(schema, preserve=preserve), self._list(schema, preserve=preserve))
        found.exact = found.exact or (schema.get("type") in ("object", "array") and _is_exact(found))
        self._known[id(schema), preserve] = schema, found
        return found

    def _map(self, schema: Mapping[str, Any], *, preserve: bool) -> MapType:
        properties: Mapping[str, Any] = schema.get("properties") or {}
        fields = {name: self.type_of(child, preserve=preserve) for name, child in properties.items()}
        if schema.get("x-kubernetes-embedded-resource"):
            fields |= {"apiVersion": Type("string"), "kind": Type("string"), "metadata": fields.get("metadata") or DEDUCED}
        additional = schema.get("additionalProperties")
        element: Type | None = None
        if isinstance(additional, Mapping):
            element = self.type_of(additional, preserve=preserve)
        elif additional or (additional is None and (preserve or not properties)):
            element = DEDUCED
        return MapType(fields, element, schema.get("x-kubernetes-map-type") == "atomic")

    def _list(self, schema: Mapping[str, Any], *, preserve: bool) -> ListType:
        items = schema.get("items")
        if not isinstance(items, Mapping):
            return ListType(UNTYPED)
        keys = list_keys(schema)
        properties = items.get("properties") or {}
        defaults = {key: properties[key]["default"] for key in keys or () if (properties.get(key) or {}).get("default") is not None}
        return ListType(self.type_of(items, preserve=preserve), keys, defaults)


def _is_exact(type_: Type) -> bool:
    if type_.list is not None:
        return type_.list.item.exact
    if type_.map is None:
        return False
    return all(child.exact for child in type_.map.fields.values()) and (type_.map.element is None or type_.map.element.exact)


def list_keys(schema: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the keys of a list's items; empty for a set, None for an atomic list."""
    match schema.get("x-kubernetes-list-type"):
        case "map":
            return tuple(schema.get("x-kubernetes-list-map-keys") or ())
        case "set":
            return ()
        case None if "merge" in (schema.get("x-kubernetes-patch-strategy") or "").split(","):
            key = schema.get("x-kubernetes-patch-merge-key")
            return (key,) if key else ()
    return None


def element_of(type_: ListType, item: Any) -> str:
    """Return the path element of an item of a set or map.

    Raises:
        ValueError: the item has no identity.
    """
    if type_.keys:
        return _keyed_element(type_.keys, type_.defaults, item)
    if item is None:
        raise ValueError("associative list without keys has an element that's an explicit null")
    if isinstance(item, dict):
        raise ValueError("associative list without keys has an element that's a map type")
    if isinstance(item, list):
        raise ValueError("not supported: associative list with lists as elements")
    return value_element(item)


def _keyed_element(names: tuple[str, ...], defaults: Mapping[str, Any], item: Any) -> str:
    if item is None:
        raise ValueError("associative list with keys may not have a null element")
    if not isinstance(item, dict):
        raise ValueError("associative list with keys may not have non-map elements")
    keys = {name: item.get(name, defaults.get(name)) for name in names if name in item or name in defaults}
    if not keys:
        shown_names = " ".join(map(quote, names))
        raise ValueError(
            f"associative list with keys has an element that omits all key fields [{shown_names}] "
            "(and doesn't have default values for any key fields)"
        )
    return key_element(keys)


def elements_of(type_: ListType, items: list[Any]) -> list[str]:
    """Return the path elements of a stored list; an item without identity stands for itself."""
    found = []
    for index, item in enumerate(items):
        try:
            found.append(element_of(type_, item))
        except ValueError:
            found.append(f"i:{index}")
    return found
