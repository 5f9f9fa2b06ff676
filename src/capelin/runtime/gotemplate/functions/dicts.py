"""Dicts. `set`, `unset` and the merges change their first argument, as in Sprig: the renderer works on a copy of the data."""

from __future__ import annotations

from typing import Any

from capelin.runtime.gotemplate.bounds import Budget
from capelin.runtime.gotemplate.errors import Refusal, shown
from capelin.runtime.gotemplate.functions.casting import text_of
from capelin.runtime.gotemplate.functions.signature import ANY, DICT, STRING, Function
from capelin.runtime.gotemplate.printing import ordered
from capelin.runtime.gotemplate.values import Strings, check_depth, copied, is_nil, kind_of, truth, type_of


def _dict(budget: Budget, *values: Any) -> dict[str, Any]:
    budget.items(len(values))
    padded = [*values, ""] if len(values) % 2 else values
    return {text_of(key, budget): value for key, value in zip(padded[::2], padded[1::2], strict=True)}


def _set(budget: Budget, target: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    budget.items(1)
    target[key] = value
    return target


def _unset(_: Budget, target: dict[str, Any], key: str) -> dict[str, Any]:
    target.pop(key, None)
    return target


def _pluck(budget: Budget, key: str, *dicts: dict[str, Any]) -> list[Any]:
    budget.items(len(dicts))
    return [each[key] for each in dicts if key in each]


def _keys(budget: Budget, *dicts: dict[str, Any]) -> Strings:
    """Return the keys in order; Go has none, so a template cannot rely on another."""
    budget.items(sum(map(len, dicts)))
    return Strings([key for each in dicts for key in ordered(each, budget)])


def _values(budget: Budget, target: dict[str, Any]) -> list[Any]:
    budget.items(len(target))
    return [target[key] for key in ordered(target, budget)]


def _pick(budget: Budget, target: dict[str, Any], *keys: str) -> dict[str, Any]:
    budget.items(len(keys))
    return {key: target[key] for key in keys if key in target}


def _omit(budget: Budget, target: dict[str, Any], *keys: str) -> dict[str, Any]:
    budget.items(len(target) + len(keys))
    omitted = frozenset(keys)
    return {key: value for key, value in target.items() if key not in omitted}


def _merge(budget: Budget, target: dict[str, Any], *sources: dict[str, Any]) -> dict[str, Any]:
    for source in sources:
        _merge_into(target, source, budget, overwrites=False)
    return target


def _merge_over(budget: Budget, target: dict[str, Any], *sources: dict[str, Any]) -> dict[str, Any]:
    for source in sources:
        _merge_into(target, source, budget, overwrites=True)
    return target


def _merge_into(target: dict[str, Any], source: dict[str, Any], budget: Budget, *, overwrites: bool, depth: int = 0) -> None:
    """Take over what the target lacks or, with `overwrites`, all; dicts that both have are merged."""
    check_depth(depth)
    budget.items(len(source) + 1)
    for key, value in list(source.items()):
        present = target.get(key)
        if isinstance(value, dict) and isinstance(present, dict):
            _merge_into(present, value, budget, overwrites=overwrites, depth=depth + 1)
        elif overwrites or (value is not None and not truth(present)):
            target[key] = value


def _dig(budget: Budget, *arguments: Any) -> Any:
    if len(arguments) < 3:
        raise Refusal("dig takes at least a key, a default and a dict")
    *keys, default, value = arguments
    for key in keys:
        budget.spend()
        if kind_of(value) != "map" or not isinstance(key, str):
            raise Refusal(f"dig asks a {type_of(value)} for {shown(str(key))}, and only a dict has keys, which are strings")
        if key not in value:
            return default
        value = value[key]
    return value


def _get(_: Budget, target: dict[str, Any], key: str) -> Any:
    return target.get(key, "")


def _deep_copy(budget: Budget, value: Any) -> Any:
    if is_nil(value):
        raise Refusal("there is no value to copy")
    return copied(value, budget)


FUNCTIONS = {
    "dict": Function(_dict, (), ANY),
    "get": Function(_get, (DICT, STRING)),
    "set": Function(_set, (DICT, STRING, ANY)),
    "unset": Function(_unset, (DICT, STRING)),
    "hasKey": Function(lambda _, target, key: key in target, (DICT, STRING)),
    "pluck": Function(_pluck, (STRING,), DICT),
    "keys": Function(_keys, (), DICT),
    "values": Function(_values, (DICT,)),
    "pick": Function(_pick, (DICT,), STRING),
    "omit": Function(_omit, (DICT,), STRING),
    "merge": Function(_merge, (DICT,), DICT),
    "mustMerge": Function(_merge, (DICT,), DICT),
    "mergeOverwrite": Function(_merge_over, (DICT,), DICT),
    "mustMergeOverwrite": Function(_merge_over, (DICT,), DICT),
    "dig": Function(_dig, (), ANY),
    "deepCopy": Function(_deep_copy, (ANY,)),
    "mustDeepCopy": Function(_deep_copy, (ANY,)),
}
