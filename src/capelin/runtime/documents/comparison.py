"""How one object differs from another, field by field: what a write changed, and so who owns it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from capelin.runtime.documents.documents import identical
from capelin.runtime.documents.fieldset import LEAF, SELF, Fields, as_member
from capelin.runtime.documents.fieldtypes import ListType, MapType, Type, elements_of
from capelin.runtime.documents.typed import ABSENT, is_either


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
        elif type_.map is not None and not type_.map.atomic and is_either(old, new, dict) and (old or new):
            self._maps(old or {}, new or {}, type_.map, path)
        elif type_.list is not None and type_.list.keys is not None and is_either(old, new, list) and (old or new):
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
    for element, item in zip(elements_of(type_, items), items, strict=True):
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
