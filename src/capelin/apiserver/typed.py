"""Values with the types that server-side apply merges by.

Maps and lists are granular (each field has owners of its own) or atomic (owned as a whole). Granular lists are sets, or maps by the keys of
their items. The rules are those of sigs.k8s.io/structured-merge-diff over the structural schema's `x-kubernetes-list-type`,
`x-kubernetes-list-map-keys` and `x-kubernetes-map-type`, or the patch strategies of built-in kinds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from capelin.apiserver.causes import quote, show
from capelin.apiserver.documents import identical
from capelin.apiserver.fieldset import LEAF, SELF, Fields, as_member, field_element, is_member, key_element, shown, value_element

ABSENT: Final = object()
"""Stands for a value that is not there, as opposed to null."""


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


def _elements(type_: ListType, items: list[Any]) -> list[str]:
    """Return the path elements of a stored list; an item without identity stands for itself."""
    found = []
    for index, item in enumerate(items):
        try:
            found.append(element_of(type_, item))
        except ValueError:
            found.append(f"i:{index}")
    return found


def check(value: Any, type_: Type, path: tuple[str, ...] = ()) -> list[str]:
    """Return what keeps `value` from being applied, as sentences that name the field."""
    if value is None:
        return []
    if isinstance(value, dict):
        if type_.map is None:
            return [_mismatch(type_, value, path)]
        return _check_map(value, type_.map, path)
    if isinstance(value, list):
        if type_.list is None:
            return [_mismatch(type_, value, path)]
        return _check_list(value, type_.list, path)
    fits = {
        "string": type(value) is str,
        "boolean": type(value) is bool,
        "numeric": type(value) in (int, float),
        "untyped": True,
        "": False,
    }
    return [] if fits[type_.scalar] else [_mismatch(type_, value, path)]


_GO_TYPES: Mapping[type, str] = {
    str: "string",
    bool: "bool",
    int: "int64",
    float: "float64",
    dict: "map[string]interface {}",
    list: "[]interface {}",
}


def _mismatch(type_: Type, value: Any, path: tuple[str, ...]) -> str:
    """Say what was expected, as structured-merge-diff does (it shows some values as Go prints pointers to them)."""
    plain = value if isinstance(value, str) else show(value)
    if type_.map is not None:
        sentence = f"expected map, got &{{{plain}}}"
    elif type_.list is not None:
        sentence = f"expected list, got &{{{plain}}}"
    elif type_.scalar == "numeric":
        sentence = f"expected numeric (int or float), got {_GO_TYPES[type(value)]}"
    elif type_.scalar == "boolean":
        sentence = f"expected boolean, got &{{{plain}}}"
    else:
        sentence = f"expected {type_.scalar}, got &value.valueUnstructured{{Value:{show(value)}}}"
    return f"{shown(path)}: {sentence}" if path else sentence


def _check_map(value: dict[str, Any], type_: MapType, path: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for name, child in value.items():
        at = (*path, field_element(name))
        below = type_.fields.get(name) or type_.element
        if below is None:
            found.append(f"{shown(at)}: field not declared in schema")
        else:
            found += check(child, below, at)
    return found


def _check_list(value: list[Any], type_: ListType, path: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    seen: set[str] = set()
    for index, item in enumerate(value):
        element = f"i:{index}"
        if type_.keys is not None:
            try:
                element = element_of(type_, item)
            except ValueError as error:
                return [*found, f"{shown(path)}: element {index}: {error}"]
            if element in seen:
                found.append(f"{shown(path)}: duplicate entries for key {shown((element,))}")
            seen.add(element)
        found += check(item, type_.item, (*path, element))
    return found


def fields_of(value: Any, type_: Type) -> Fields:
    """Return the fields that applying `value` (a whole object) owns."""
    return _owned(value, type_) or LEAF


def _owned(value: Any, type_: Type) -> Fields | None:
    """Return the set below a value: empty when the value is itself a leaf, None when there is nothing to own."""
    if isinstance(value, dict) and type_.map is not None:
        return LEAF if type_.map.atomic else _owned_map(value, type_.map)
    if isinstance(value, list) and type_.list is not None:
        return LEAF if type_.list.keys is None else _owned_list(value, type_.list)
    return LEAF


def _owned_map(value: dict[str, Any], type_: MapType) -> Fields | None:
    found: Fields = {}
    declared = type_.fields
    for name, child in value.items():
        node = _owned(child, type_.below(name))
        if child is None or child == {} or name not in declared:
            found[f"f:{name}"] = as_member(node)
        elif node is not None:
            found[f"f:{name}"] = node
    return found or None


def _owned_list(value: list[Any], type_: ListType) -> Fields | None:
    found: Fields = {}
    repeated: set[str] = set()
    for element, item in zip(_elements(type_, value), value, strict=True):
        if element in found:
            repeated.add(element)
        else:
            found[element] = as_member(_owned(item, type_.item))
    for element in repeated:
        found[element] = LEAF  # items that cannot be told apart are owned as one
    return found or None


def merge(live: Any, applied: Any, type_: Type) -> Any:
    """Return `live` with what `applied` says put over it; `live` itself when that changes nothing. Either may be ABSENT."""
    if applied is ABSENT or applied is live:
        return live
    if live is ABSENT:
        return applied
    if type_.map is not None and not type_.map.atomic and _both(live, applied, dict) and (live or applied):
        return _merge_maps(live or {}, applied or {}, type_.map)
    if type_.list is not None and type_.list.keys is not None and _both(live, applied, list) and (live or applied):
        return _merge_lists(live or [], applied or [], type_.list)
    return live if identical(live, applied) else applied


def _both(one: Any, other: Any, kind: type) -> bool:
    """Both are of that kind; one of them may be null, which merges like an empty one."""
    return (isinstance(one, kind) and (other is None or isinstance(other, kind))) or (one is None and isinstance(other, kind))


def _merge_maps(live: dict[str, Any], applied: dict[str, Any], type_: MapType) -> Any:
    result = live
    for name, child in applied.items():
        before = live.get(name, ABSENT)
        merged = merge(before, child, type_.below(name))
        if merged is before:
            continue
        result = dict(live) if result is live else result
        result[name] = merged
    return result


def _merge_lists(live: list[Any], applied: list[Any], type_: ListType) -> Any:
    """Merge item by item. Items of both keep the order of `applied`, the others stay where they stand relative to those."""
    left, right = _elements(type_, live), _elements(type_, applied)
    mine: dict[str, Any] = dict.fromkeys(left, ABSENT)
    for element, item in zip(left, live, strict=True):
        mine[element] = item if mine[element] is ABSENT else None  # repeated: nothing to merge with
    theirs = dict(zip(right, applied, strict=True))
    result = [
        live[at] if element is None else merge(mine.get(element, ABSENT), theirs[element], type_.item)
        for at, element in _interleaved(left, right)
    ]
    same = len(result) == len(live) and all(new is old for new, old in zip(result, live, strict=True))
    return live if same else result


def _interleaved(left: list[str], right: list[str]) -> list[tuple[int, str | None]]:
    """Return the order of the merged list: (index in `left`, None) for an item of `left` alone, (0, element) for one of `right`."""
    on_left, on_right = set(left), set(right)
    shared = iter([element for element in right if element in on_left])
    awaited = next(shared, None)
    merged: set[str] = set()
    result: list[tuple[int, str | None]] = []
    at_left = at_right = 0
    while at_left < len(left) or at_right < len(right):
        mine = left[at_left] if at_left < len(left) else None
        theirs = right[at_right] if at_right < len(right) else None
        if mine is not None and mine != theirs and mine not in on_right:
            result.append((at_left, None))
            at_left += 1
            continue
        if mine is not None and theirs is not None and mine != theirs and awaited is not None and awaited != mine:
            at_left += 1  # shared, and it comes later
            continue
        if mine is not None and (mine == theirs or mine in merged):
            at_left += 1
        if theirs is not None:
            merged.add(theirs)
            result.append((0, theirs))
            at_right += 1
            if awaited == theirs or mine == theirs:
                awaited = next(shared, None)
    return result


@dataclass(slots=True)
class Comparison:
    """Which fields one object has that another has not, or has with another value."""

    added: Fields = field(default_factory=dict)
    modified: Fields = field(default_factory=dict)
    removed: Fields = field(default_factory=dict)


def compare(old: Any, new: Any, type_: Type) -> Comparison:
    """Return how the object `new` differs from `old`."""
    found = Comparison()
    if old is not new:
        _Comparer(found).compare(old, new, type_, ())
    return found


class _Comparer:
    def __init__(self, found: Comparison) -> None:
        self._found = found

    def compare(self, old: Any, new: Any, type_: Type, path: tuple[str, ...]) -> None:
        if old is new or (type_.exact and old == new):
            return
        if old is ABSENT:
            self._all(new, type_, path, self._found.added)
        elif new is ABSENT:
            self._all(old, type_, path, self._found.removed)
        elif type_.map is not None and not type_.map.atomic and _both(old, new, dict) and (old or new):
            self._maps(old or {}, new or {}, type_.map, path)
        elif type_.list is not None and type_.list.keys is not None and _both(old, new, list) and (old or new):
            self._lists(old or [], new or [], type_.list, path)
        elif not identical(old, new):
            self._changed(old, new, type_, path)

    def _all(self, value: Any, type_: Type, path: tuple[str, ...], into: Fields) -> None:
        """Everything in `value` is on one side only: itself, and all below."""
        _insert(into, path, _present(value, type_))

    def _changed(self, old: Any, new: Any, type_: Type, path: tuple[str, ...]) -> None:
        """Leaves, or values of different kinds: then what was below the old one is gone, and what is below the new one is new."""
        _insert(self._found.modified, path, LEAF)
        for value, into in ((old, self._found.removed), (new, self._found.added)):
            below = {k: v for k, v in _present(value, type_).items() if k != SELF}
            if below and type(old) is not type(new):
                _insert(into, path, below)

    def _maps(self, old: dict[str, Any], new: dict[str, Any], type_: MapType, path: tuple[str, ...]) -> None:
        for name, before in old.items():
            after = new.get(name, ABSENT)
            if before is not after:
                self.compare(before, after, type_.below(name), (*path, f"f:{name}"))
        for name, after in new.items():
            if name not in old:
                self.compare(ABSENT, after, type_.below(name), (*path, f"f:{name}"))

    def _lists(self, old: list[Any], new: list[Any], type_: ListType, path: tuple[str, ...]) -> None:
        before, after = _grouped(old, type_), _grouped(new, type_)
        for element in before | after:
            mine, theirs = before.get(element, []), after.get(element, [])
            at = (*path, element)
            if len(mine) < 2 and len(theirs) < 2:
                self.compare(mine[0] if mine else ABSENT, theirs[0] if theirs else ABSENT, type_.item, at)
            elif len(mine) >= 2 and len(theirs) >= 2:
                if not identical(mine, theirs):
                    _insert(self._found.modified, at, LEAF)
            elif mine and theirs:
                single, into = (theirs[0], self._found.added) if len(mine) >= 2 else (mine[0], self._found.removed)
                self._all(single, type_.item, at, into)
                _insert(self._found.removed if len(mine) >= 2 else self._found.added, at, LEAF)
            else:
                _insert(self._found.removed if mine else self._found.added, at, LEAF)


def _grouped(items: list[Any], type_: ListType) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for element, item in zip(_elements(type_, items), items, strict=True):
        found.setdefault(element, []).append(item)
    return found


def _present(value: Any, type_: Type) -> Fields:
    """Return the set of the value itself and of everything below it."""
    if isinstance(value, dict) and type_.map is not None and not type_.map.atomic and value:
        return {SELF: LEAF, **{f"f:{name}": _present(child, type_.map.below(name)) for name, child in value.items()}}
    if isinstance(value, list) and type_.list is not None and type_.list.keys is not None and value:
        groups = _grouped(value, type_.list)
        return {SELF: LEAF, **{at: _present(items[0], type_.list.item) if len(items) == 1 else LEAF for at, items in groups.items()}}
    return LEAF


def _insert(into: Fields, path: tuple[str, ...], node: Fields) -> None:
    """Put `node` at `path` into a set under construction. The object itself is in no set."""
    if not path:
        into.update({element: below for element, below in node.items() if element != SELF})
        return
    for element in path[:-1]:
        below = into.get(element)
        if below is None or below is LEAF:
            below = into[element] = {} if below is None else {SELF: LEAF}
        into = below
    last = path[-1]
    into[last] = node if last not in into else {**as_member(into[last]), **as_member(node)}


def remove(value: Any, fields: Fields, type_: Type) -> Any:
    """Return `value` without the members of `fields`; ABSENT when nothing remains of something."""
    if not fields:
        return value
    if isinstance(value, dict) and value and type_.map is not None:
        return ABSENT if type_.map.atomic else _remove_from_map(value, fields, type_.map)
    if isinstance(value, list) and value and type_.list is not None:
        return ABSENT if type_.list.keys is None else _remove_from_list(value, fields, type_.list)
    return value


def _remove_from_map(value: dict[str, Any], fields: Fields, type_: MapType) -> Any:
    result: dict[str, Any] = {}
    for name, child in value.items():
        node = fields.get(f"f:{name}")
        if node is None:
            result[name] = child
        elif not is_member(node):
            remaining = remove(child, node, type_.below(name))
            if remaining is not ABSENT:
                result[name] = remaining
    return result or ABSENT


def _remove_from_list(value: list[Any], fields: Fields, type_: ListType) -> Any:
    result = []
    for element, item in zip(_elements(type_, value), value, strict=True):
        node = fields.get(element)
        if node is None:
            result.append(item)
        elif not is_member(node):
            remaining = remove(item, node, type_.item)
            if remaining is not ABSENT:
                result.append(remaining)
    return result or ABSENT


def with_named_parents(fields: Fields, type_: Type) -> Fields:
    """Return the set with every declared field added that leads to a member.

    A field such as `spec` has no owner of its own; it is there because something is below it, and goes when nothing is.
    """
    result: Fields = {}
    for element, node in fields.items():
        if element == SELF or not node:
            result[element] = node
            continue
        below, declared = _below(element, type_)
        inner = with_named_parents(node, below)
        result[element] = as_member(inner) if declared else inner
    return result


def _below(element: str, type_: Type) -> tuple[Type, bool]:
    """Return the type below a path element, and whether it is a field that the schema names."""
    if element[0] == "f" and type_.map is not None:
        name = element[2:]
        return type_.map.below(name), name in type_.map.fields
    if element[0] == "k" and type_.list is not None:
        return type_.list.item, False
    return UNTYPED, False


def reconciled(fields: Fields, type_: Type) -> Fields:
    """Return the set as the schema has it today: below what has become atomic nothing has owners of its own."""
    result = fields
    for element, node in fields.items():
        if element == SELF or not node:
            continue
        below, _ = _below(element, type_)
        atomic = bool(
            (below.map and below.map.atomic and not below.scalar) or (below.list and below.list.keys is None and not below.scalar)
        )
        new = LEAF if atomic else reconciled(node, below)
        if new is not node:
            result = dict(fields) if result is fields else result
            result[element] = new
    return result
