"""Lists that are sets or maps: no item, and no key, stands in them twice.

Rules of `x-kubernetes-list-type`, https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from capelin.apiserver import causes
from capelin.apiserver.causes import Path
from capelin.apiserver.schemawalk import Check, compile_walk
from capelin.runtime import codec
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
    return [causes.duplicate((*path, at), value[at]) for at in _repeated(map(_hashable, value))] if type(value) is list else []


def _unique_keys(names: Sequence[str]) -> Check:
    def check(value: Any, path: Path) -> list[Cause]:
        if type(value) is not list:
            return []
        for index, item in enumerate(value):
            if item is not None and type(item) is not dict:
                return [causes.invalid((*path, index), item, "must be an object for an array of list-type map")]
        if len(value) < 2:
            return []
        keys = [{name: item[name] for name in names if name in item} if item else {} for item in value]
        repeated = _repeated(tuple(_hashable(key.get(name, _ABSENT)) for name in names) for key in keys)
        return [causes.duplicate((*path, at), keys[at]) for at in repeated]

    return check


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
