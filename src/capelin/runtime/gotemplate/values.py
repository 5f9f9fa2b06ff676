"""The values of a template as Go sees them: JSON, with the few types that Go tells apart and Python does not.

Numbers of the data are float64, as encoding/json makes them; constants are `int`; what Sprig computes is often `int64`. A plain Python int
is Go's `int`. Go keeps strings as bytes: they are texts here, with lone surrogates for bytes that are no UTF-8.
"""

from __future__ import annotations

from typing import Any, Final

from capelin.runtime.gotemplate.bounds import MAX_VALUE_DEPTH, Budget
from capelin.runtime.gotemplate.errors import Refusal


class Int64(int):
    """An int64."""


class Uint64(int):
    """A uint64: a part of a version."""


class Uint8(int):
    """A byte of a string."""


class Strings(list[Any]):
    """A []string."""


class Ints(list[Any]):
    """A []int."""


class Lists(list[Any]):
    """A [][]interface{}."""


class NilList(list[Any]):
    """A []interface{} that is nil: empty, and null in JSON."""


class NilStrings(Strings):
    """A []string that is nil."""


class StringMap(dict[str, Any]):
    """A map[string]string."""


class Missing:
    """The type of MISSING."""


MISSING: Final = Missing()
"""No value at all: a key that a map does not have. It has no fields either, while to ask null for a field is an error."""

_TYPES: Final[dict[type, tuple[str, str]]] = {
    bool: ("bool", "bool"),
    int: ("int", "int"),
    Int64: ("int64", "int64"),
    Uint64: ("uint64", "uint64"),
    Uint8: ("uint8", "uint8"),
    float: ("float64", "float64"),
    str: ("string", "string"),
    list: ("[]interface {}", "slice"),
    NilList: ("[]interface {}", "slice"),
    Strings: ("[]string", "slice"),
    NilStrings: ("[]string", "slice"),
    Ints: ("[]int", "slice"),
    Lists: ("[][]interface {}", "slice"),
    dict: ("map[string]interface {}", "map"),
    StringMap: ("map[string]string", "map"),
    type(None): ("<nil>", "invalid"),
    Missing: ("<nil>", "invalid"),
}


def type_of(value: Any) -> str:
    """Return the name of the value's type in Go."""
    known = _TYPES.get(type(value))
    return known[0] if known else "*semver.Version"


def kind_of(value: Any) -> str:
    """Return the kind of the value's type in Go."""
    known = _TYPES.get(type(value))
    return known[1] if known else "ptr"


def is_nil(value: Any) -> bool:
    """Tell whether there is no value, or null."""
    return value is None or value is MISSING


def truth(value: Any) -> bool:
    """Tell whether `if` takes the value for true: what is not the zero of its type, nor empty."""
    return not is_nil(value) and (bool(value) if isinstance(value, bool | int | float | str | list | dict) else True)


def wrapped(number: int) -> Int64:
    """Return what 64 bits hold of a number, as Go's arithmetic does."""
    return Int64((number + 2**63) % 2**64 - 2**63)


def from_json(value: Any, budget: Budget, depth: int = 0) -> Any:
    """Return a copy of JSON data as encoding/json would decode it: numbers are floats.

    Raises:
        Refusal: it is no JSON, or too deep or too large.
    """
    check_depth(depth)
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int | float):
        return _float(value)
    budget.spend(1 + len(value) // 8 if isinstance(value, dict | list) else 1)
    if isinstance(value, dict):
        return {str(name): from_json(child, budget, depth + 1) for name, child in value.items()}
    if isinstance(value, list):
        return [from_json(child, budget, depth + 1) for child in value]
    raise Refusal(f"the data hold a {type(value).__name__}, and only values of JSON are allowed")


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        raise Refusal("the data hold a number that no float can") from None


def copied(value: Any, budget: Budget, depth: int = 0) -> Any:
    """Return a copy of a value that shares no list or dict with it."""
    check_depth(depth)
    if isinstance(value, dict):
        budget.items(len(value) + 1)
        return type(value)({name: copied(child, budget, depth + 1) for name, child in value.items()})
    if isinstance(value, list):
        budget.items(len(value) + 1)
        return type(value)([copied(child, budget, depth + 1) for child in value])
    return value


def check_depth(depth: int) -> None:
    """Refuse lists and dicts that stand too deep within each other, or within themselves."""
    if depth > MAX_VALUE_DEPTH:
        raise Refusal(f"lists and dicts stand more than {MAX_VALUE_DEPTH} deep within each other")


def deep_equal(one: Any, other: Any, budget: Budget, depth: int = 0) -> bool:
    """Tell whether two values are the same, types included."""
    check_depth(depth)
    budget.spend()
    if type(one) is not type(other):
        return is_nil(one) and is_nil(other)
    if isinstance(one, str):
        budget.read(min(len(one), len(other)))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(deep_equal(one[name], other[name], budget, depth + 1) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(
            deep_equal(first, second, budget, depth + 1) for first, second in zip(one, other, strict=True)
        )
    return bool(one == other)
