"""Lists that are sets or maps: no item, and no key, stands in them twice.

Rules of `x-kubernetes-list-type`, https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from capelin.runtime import codec
from capelin.runtime.documents import causes
from capelin.runtime.documents.causes import Path
from capelin.runtime.documents.schemawalk import Check, compile_walk
from capelin.runtime.errors import Cause


def compile_list_check(schema: Mapping[str, Any]) -> Check | None:
    """Return the check of a structural schema; None when it has neither sets nor maps."""
    return compile_walk(schema, _uniqueness)


def _uniqueness(schema: Mapping[str, Any]) -> Check | None:
    match schema.get("x-kubernetes-list-type"):
        case "set":
            return _unique_items
        case "map":
            return _unique_keys(tuple(schema.get("x-kubernetes-list-map-keys") or ()))
    return None


def _unique_items(value: Any, path: Path) -> list[Cause]:
    if type(value) is not list or _are_different(value):
        return []
    return [causes.duplicate((*path, at), value[at]) for at in _repeated(map(_hashable, value))]


def _unique_keys(names: Sequence[str]) -> Check:
    get = itemgetter(*names)

    def check(value: Any, path: Path) -> list[Cause]:
        if type(value) is not list:
            return []
        try:
            if _are_different([get(item) for item in value]):
                return []
        except (KeyError, TypeError):
            pass  # an item without the key, or that is no object: looked at more closely
        return _repeated_keys(value, names, path)

    return check


def _are_different(values: list[Any]) -> bool:
    """Tell quickly that no two values are the same; False when they may be."""
    try:
        return len(set(values)) == len(values)
    except TypeError:
        return len(values) < 2


def _repeated_keys(value: list[Any], names: Sequence[str], path: Path) -> list[Cause]:
    for index, item in enumerate(value):
        if item is not None and type(item) is not dict:
            return [causes.invalid((*path, index), item, "must be an object for an array of list-type map")]
    keys = [{name: item[name] for name in names if name in item} if item else {} for item in value]
    repeated = _repeated(tuple(_hashable(key.get(name, _ABSENT)) for name in names) for key in keys)
    return [causes.duplicate((*path, at), keys[at]) for at in repeated]


_ABSENT = ("absent",)


def _hashable(value: Any) -> Hashable:
    """Return what equal JSON values have in common and others do not (1 and true are not equal here)."""
    return (type(value), value) if type(value) in (str, int, bool, float, tuple) else codec.canonical(value)


def _repeated(values: Iterable[Hashable]) -> list[int]:
    """Return where a value stands for the second time; a third time is not told again."""
    seen: dict[Hashable, int] = {}
    found = []
    for index, value in enumerate(values):
        seen[value] = times = seen.get(value, 0) + 1
        if times == 2:
            found.append(index)
    return found
