"""Values with types: what an applied object owns, how it is merged into a live one, what is taken out again.

The rules are those of sigs.k8s.io/structured-merge-diff.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from capelin.runtime.documents.causes import show
from capelin.runtime.documents.documents import identical
from capelin.runtime.documents.fieldset import LEAF, SELF, Fields, as_member, field_element, is_member, shown
from capelin.runtime.documents.fieldtypes import UNTYPED, ListType, MapType, Type, element_of, elements_of

ABSENT: Final = object()
"""Stands for a value that is not there, as opposed to null."""


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
    for element, item in zip(elements_of(type_, value), value, strict=True):
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
    if type_.map is not None and not type_.map.atomic and is_either(live, applied, dict) and (live or applied):
        return _merge_maps(live or {}, applied or {}, type_.map)
    if type_.list is not None and type_.list.keys is not None and is_either(live, applied, list) and (live or applied):
        return _merge_lists(live or [], applied or [], type_.list)
    return live if identical(live, applied) else applied


def is_either(one: Any, other: Any, kind: type) -> bool:
    """Tell whether both are of that kind; one of them may be null, which merges like an empty one."""
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
    left, right = elements_of(type_, live), elements_of(type_, applied)
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


def remove(value: Any, fields: Fields, type_: Type) -> Any:
    """Return `value` without the members of `fields`.

    When nothing remains of something the result is ABSENT. In free-form data it is null: its field is itself owned, by who applied it.
    """
    nothing = None if type_.scalar else ABSENT
    if not fields:
        return value
    if isinstance(value, dict) and value and type_.map is not None:
        return nothing if type_.map.atomic else _remove_from_map(value, fields, type_.map) or nothing
    if isinstance(value, list) and value and type_.list is not None:
        return nothing if type_.list.keys is None else _remove_from_list(value, fields, type_.list) or nothing
    return value


def _remove_from_map(value: dict[str, Any], fields: Fields, type_: MapType) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, child in value.items():
        node = fields.get(f"f:{name}")
        if node is None:
            result[name] = child
        elif not is_member(node):
            remaining = remove(child, node, type_.below(name))
            if remaining is not ABSENT:
                result[name] = remaining
    return result


def _remove_from_list(value: list[Any], fields: Fields, type_: ListType) -> list[Any]:
    result = []
    for element, item in zip(elements_of(type_, value), value, strict=True):
        node = fields.get(element)
        if node is None:
            result.append(item)
        elif not is_member(node):
            remaining = remove(item, node, type_.item)
            if remaining is not ABSENT:
                result.append(remaining)
    return result


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
