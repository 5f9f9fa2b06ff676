"""eq, ne, lt, le, gt, ge, not: numbers with numbers of their kind only, as in Go."""

from __future__ import annotations

from typing import Any

from capelin.runtime.gotemplate.bounds import Budget
from capelin.runtime.gotemplate.errors import Refusal
from capelin.runtime.gotemplate.functions.signature import ANY, Function
from capelin.runtime.gotemplate.values import is_nil, kind_of, truth, type_of


def _basic_kind(value: Any) -> str | None:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float"
    return "string" if isinstance(value, str) else None


def _incompatible(one: Any, other: Any) -> Refusal:
    hint = ": numbers of variables are floats, so write 1.0 for 1" if {_basic_kind(one), _basic_kind(other)} == {"int", "float"} else ""
    return Refusal(f"a {type_of(one)} and a {type_of(other)} cannot be compared{hint}")


def _equal(_: Budget, first: Any, *others: Any) -> bool:
    if not others:
        raise Refusal("eq has nothing to compare with: it takes at least two arguments")
    return any(_same(first, other) for other in others)


def _same(one: Any, other: Any) -> bool:
    kind = _basic_kind(one)
    if kind != _basic_kind(other):
        if is_nil(one) or is_nil(other):
            return False
        raise _incompatible(one, other)
    if kind is not None:
        return bool(one == other)
    if is_nil(one) or is_nil(other):
        return is_nil(one) and is_nil(other)
    if kind_of(one) != kind_of(other) or isinstance(one, list | dict):
        raise _incompatible(one, other)
    return one is other


def _less(budget: Budget, one: Any, other: Any) -> bool:
    kind = _basic_kind(one)
    if kind in (None, "bool") or kind != _basic_kind(other):
        raise _incompatible(one, other)
    if kind == "string":
        budget.read(min(len(one), len(other)))
    return bool(one < other)


def _less_or_equal(budget: Budget, one: Any, other: Any) -> bool:
    return _less(budget, one, other) or _same(one, other)


FUNCTIONS = {
    "eq": Function(_equal, (ANY,), ANY),
    "ne": Function(lambda budget, one, other: not _equal(budget, one, other), (ANY, ANY)),
    "lt": Function(_less, (ANY, ANY)),
    "le": Function(_less_or_equal, (ANY, ANY)),
    "gt": Function(lambda budget, one, other: not _less_or_equal(budget, one, other), (ANY, ANY)),
    "ge": Function(lambda budget, one, other: not _less(budget, one, other), (ANY, ANY)),
    "not": Function(lambda _, value: not truth(value), (ANY,)),
}
