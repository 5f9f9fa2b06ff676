"""Lists: none is changed, every function returns another one."""

from __future__ import annotations

from typing import Any

from capelin.runtime.gotemplate.bounds import Budget
from capelin.runtime.gotemplate.errors import Refusal
from capelin.runtime.gotemplate.functions.casting import text_of, texts_of, to_int
from capelin.runtime.gotemplate.functions.signature import ANY, INT, STRING, Function
from capelin.runtime.gotemplate.values import Lists, NilList, Strings, deep_equal, truth, type_of


def _items(value: Any, budget: Budget) -> list[Any]:
    if not isinstance(value, list):
        raise Refusal(f"a {type_of(value)} found, and a list is expected")
    budget.items(len(value))
    return list(value)


def _first(budget: Budget, value: Any) -> Any:
    items = _items(value, budget)
    return items[0] if items else None


def _last(budget: Budget, value: Any) -> Any:
    items = _items(value, budget)
    return items[-1] if items else None


def _rest(budget: Budget, value: Any) -> list[Any]:
    items = _items(value, budget)
    return items[1:] if items else NilList()


def _initial(budget: Budget, value: Any) -> list[Any]:
    items = _items(value, budget)
    return items[:-1] if items else NilList()


def _has(budget: Budget, needle: Any, value: Any) -> bool:
    return value is not None and any(deep_equal(needle, item, budget) for item in _items(value, budget))


def _unique(budget: Budget, value: Any) -> list[Any]:
    kept: list[Any] = []
    for item in _items(value, budget):
        if not any(deep_equal(item, other, budget) for other in kept):
            kept.append(item)
    return kept


def _without(budget: Budget, value: Any, *omitted: Any) -> list[Any]:
    return [item for item in _items(value, budget) if not any(deep_equal(other, item, budget) for other in omitted)]


def _slice(budget: Budget, value: Any, *indexes: Any) -> Any:
    items = _items(value, budget)
    if not items:
        return None
    start = to_int(indexes[0]) if indexes else 0
    end = to_int(indexes[1]) if len(indexes) > 1 else len(items)
    if not 0 <= start <= end <= len(items):
        raise Refusal(f"the part from {start} to {end} is asked of a list of {len(items)} items")
    return type(value)(items[start:end])


def _concat(budget: Budget, *values: Any) -> list[Any]:
    joined: list[Any] = []
    for value in values:
        budget.items(len(joined))
        joined += _items(value, budget)
    return joined or NilList()


def _chunk(budget: Budget, size: int, value: Any) -> Lists:
    items = _items(value, budget)
    if size < 1:
        raise Refusal(f"chunks of {size} items are asked for, and one is the least")
    budget.items(len(items))
    return Lists([items[start : start + size] for start in range(0, len(items), size)])


def _list(budget: Budget, *values: Any) -> list[Any]:
    budget.items(len(values))
    return list(values)


def _sorted(budget: Budget, value: Any) -> Strings:
    texts = texts_of(value, budget)
    budget.spend(len(texts))
    return Strings(sorted(texts)) if isinstance(value, list) else Strings([text_of(value, budget)])


def _joined(budget: Budget, separator: str, value: Any) -> str:
    texts = texts_of(value, budget)
    budget.allocate(sum(map(len, texts)) + len(separator) * max(len(texts) - 1, 0))
    return separator.join(texts)


_LENIENT = {
    "append": Function(lambda budget, value, item: [*_items(value, budget), item], (ANY, ANY)),
    "push": Function(lambda budget, value, item: [*_items(value, budget), item], (ANY, ANY)),
    "prepend": Function(lambda budget, value, item: [item, *_items(value, budget)], (ANY, ANY)),
    "first": Function(_first, (ANY,)),
    "last": Function(_last, (ANY,)),
    "rest": Function(_rest, (ANY,)),
    "initial": Function(_initial, (ANY,)),
    "reverse": Function(lambda budget, value: _items(value, budget)[::-1], (ANY,)),
    "uniq": Function(_unique, (ANY,)),
    "without": Function(_without, (ANY,), ANY),
    "has": Function(_has, (ANY, ANY)),
    "slice": Function(_slice, (ANY,), ANY),
    "chunk": Function(_chunk, (INT, ANY)),
    "compact": Function(lambda budget, value: [item for item in _items(value, budget) if truth(item)], (ANY,)),
}

FUNCTIONS = {
    **_LENIENT,
    **{f"must{name[0].upper()}{name[1:]}": function for name, function in _LENIENT.items()},
    "list": Function(_list, (), ANY),
    "tuple": Function(_list, (), ANY),
    "concat": Function(_concat, (), ANY),
    "sortAlpha": Function(_sorted, (ANY,)),
    "join": Function(_joined, (STRING, ANY)),
}
"""Both forms of each function stop the rendering when they fail, as they do in Sprig."""
