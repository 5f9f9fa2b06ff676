"""What the functions of CEL cost, by the sizes of what they are called with.

The formulas are those of cel-go (checker/cost.go, ext/sets.go) and of Kubernetes for the functions it adds
(k8s.io/apiserver/pkg/cel/library/cost.go). Where a type is not known, what could be called is charged at its dearest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Final, NamedTuple

from capelin.runtime.documents.celast import Literal, Node
from capelin.runtime.documents.celkinds import NUMBERS, VAGUE
from capelin.runtime.documents.celsizes import LARGEST, ONE, UNKNOWN, Kind, Size, capped, scaled

_TRAVERSAL: Final = 0.1  # of a string, by character
_PATTERN: Final = 0.25  # of a regular expression, by character: about one step for four of them
_ADDRESS: Final = Size(8, 32)  # bytes of two IP addresses


class Operand(NamedTuple):
    """What a function is called with; `path` leads there from a variable, if one does."""

    node: Node
    kind: Kind
    path: tuple[str, ...]
    size: Size | None

    @property
    def extent(self) -> Size:
        """Return the size, or that of anything."""
        return self.size or UNKNOWN

    def may_be(self, name: str) -> bool:
        """Tell whether the value can be of the kind."""
        return self.kind.name == name or self.kind.name in VAGUE


Sizes = Callable[[tuple[str, ...]], Size | None]
"""Gives the size that the schema declares for a path."""

Charge = tuple[int, Size | None]
"""The cost of a call without that of its arguments, and the size of what it returns where that is known."""


def charge(function: str, target: Operand | None, args: Sequence[Operand], size_at: Sizes) -> Charge:
    """Return what a call costs beyond its arguments."""
    if function in ("_&&_", "_||_"):
        return 0, None
    if (operator := _OPERATORS.get(function)) is not None:
        return operator(function, args)
    if (simple := _OF_ARGUMENTS.get(function)) is not None and args:
        return simple(args)
    if target is not None and (member := _OF_TARGETS.get(function)) is not None:
        return member(target, args)
    if target is not None and function in ("isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"):
        return _over_items(target, size_at), None
    if target is not None and function == "join":
        return _join(target, args, size_at)
    return 1, None


# Operators


def _equality(function: str, args: Sequence[Operand]) -> Charge:
    one, other = args
    if function == "_==_" and one.kind.name == other.kind.name:
        if one.kind.name in ("quantity", "semver", "ip", "cidr"):
            return 1, None
        if one.kind.name == "url":
            return scaled(other.size.most if other.size else 1, _TRAVERSAL), None
    return _shorter(args), None


def _shorter(args: Sequence[Operand]) -> int:
    return scaled(min(arg.extent.most for arg in args), _TRAVERSAL)


def _order(_function: str, args: Sequence[Operand]) -> Charge:
    cost = _shorter(args) if any(all(arg.may_be(name) for arg in args) for name in ("string", "bytes")) else 0
    return max(cost, 0 if _only(args, "string", "bytes") else 1), None


def _only(args: Sequence[Operand], *names: str) -> bool:
    """Tell whether an argument leaves no other kind of operation open."""
    return any(arg.kind.name in names for arg in args)


def _plus(_function: str, args: Sequence[Operand]) -> Charge:
    if _only(args, *NUMBERS):
        return 1, None
    size = args[0].extent.plus(args[1].extent)
    text = any(all(arg.may_be(name) for arg in args) for name in ("string", "bytes"))
    cost = size.cost(_TRAVERSAL) if text else 0
    return max(cost, 0 if _only(args, "string", "bytes") else 1), size


def _membership(_function: str, args: Sequence[Operand]) -> Charge:
    container = args[1]
    cost = container.extent.most if container.may_be("list") else 0
    return max(cost, 0 if container.kind.name == "list" else 1), None


_OPERATORS: Final[Mapping[str, Callable[[str, Sequence[Operand]], Charge]]] = {
    **dict.fromkeys(("_==_", "_!=_"), _equality),
    **dict.fromkeys(("_<_", "_<=_", "_>_", "_>=_"), _order),
    **dict.fromkeys(("@in", "_in_", "in"), _membership),
    "_+_": _plus,
}


# Functions of their arguments alone


def _parsed(args: Sequence[Operand]) -> Charge:
    return args[0].extent.cost(_TRAVERSAL), None


def _parsed_twice(args: Sequence[Operand]) -> Charge:
    return args[0].extent.cost(2 * _TRAVERSAL), None


def _same_size(args: Sequence[Operand]) -> Charge:
    return args[0].extent.cost(_TRAVERSAL), args[0].extent


def _wrapped(number: int) -> int:
    """Return a number as unsigned 64-bit arithmetic leaves it where nobody looked for an overflow."""
    return number & LARGEST


def _to_bytes(args: Sequence[Operand]) -> Charge:
    size = args[0].extent
    return (size.cost(_TRAVERSAL), Size(size.least, _wrapped(size.most * 4))) if args[0].may_be("string") else (1, None)


def _to_string(args: Sequence[Operand]) -> Charge:
    if not args[0].may_be("bytes"):
        return 1, None
    size = args[0].extent
    return max(size.cost(_TRAVERSAL), 0 if args[0].kind.name == "bytes" else 1), Size(size.least // 4, size.most)


def _quoted(args: Sequence[Operand]) -> Charge:
    size = args[0].extent
    return size.cost(_TRAVERSAL), Size(_wrapped(size.least + 2), _wrapped(size.most * 2 + 2))


def _pairs(factor: float) -> Callable[[Sequence[Operand]], Charge]:
    """Return the cost of comparing each item of one list with each of another."""
    return lambda args: (capped(scaled(args[0].extent.times(args[1].extent).most, factor) + 1), None)


_OF_ARGUMENTS: Final[Mapping[str, Callable[[Sequence[Operand]], Charge]]] = {
    **dict.fromkeys(("isIP", "cidr", "isCIDR", "ip", "quantity", "isQuantity", "semver", "isSemver"), _parsed),
    "ip.isCanonical": _parsed_twice,
    "url": _same_size,
    "bytes": _to_bytes,
    "string": _to_string,
    "strings.quote": _quoted,
    "sets.contains": _pairs(1),
    "sets.intersects": _pairs(1),
    "sets.equivalent": _pairs(2),
}


# Member functions


def _transformed(target: Operand, _args: Sequence[Operand]) -> Charge:
    return target.extent.cost(_TRAVERSAL), target.extent


def _prefix(_target: Operand, args: Sequence[Operand]) -> Charge:
    return args[0].extent.cost(_TRAVERSAL), None


def _formatted(target: Operand, _args: Sequence[Operand]) -> Charge:
    return target.extent.cost(_TRAVERSAL), None


def _contains(target: Operand, args: Sequence[Operand]) -> Charge:
    return capped(target.extent.cost(_TRAVERSAL) * args[0].extent.cost(_TRAVERSAL)), None


def _matched(target: Operand, args: Sequence[Operand]) -> int:
    """One character more than there is, so that a pattern costs something on an empty string too."""
    return capped(target.extent.plus(ONE).cost(_TRAVERSAL) * args[0].extent.cost(_PATTERN))


def _matches(target: Operand, args: Sequence[Operand]) -> Charge:
    return _matched(target, args), None


def _find(target: Operand, args: Sequence[Operand]) -> Charge:
    return _matched(target, args), Size(0, target.extent.most)


def _split(target: Operand, args: Sequence[Operand]) -> Charge:
    most = target.extent.most
    if len(args) > 1 and isinstance(args[1].node, Literal) and args[1].node.kind == "int":
        most = _wrapped(args[1].node.value)
    return target.extent.cost(2 * _TRAVERSAL), Size(0, most)


def _replace(target: Operand, args: Sequence[Operand]) -> Charge:
    """The result is longest when the shortest text is replaced by the longest as often as possible, and shortest the other way round."""
    whole, old, new = target.extent, args[0].extent, args[1].extent
    if old.least == 0:
        most, kept_most = capped(whole.most + 1), whole.most
    elif new.most <= old.least:
        most, kept_most = 0, whole.most
    else:
        most, kept_most = ceil(float(whole.most) / float(old.least)), 0
    if old.most == 0:
        least, kept_least = capped(whole.least + 1), whole.least
    elif old.most <= new.least:
        least, kept_least = 0, whole.least
    else:
        least, kept_least = ceil(float(whole.least) / float(old.most)), 0
    size = Size(least, most).times(new).plus(Size(kept_least, kept_most))
    return whole.cost(2 * _TRAVERSAL), size


def _contains_address(_target: Operand, args: Sequence[Operand]) -> Charge:
    parsing = args[0].extent.cost(_TRAVERSAL) if args[0].may_be("string") else 0
    return capped(_ADDRESS.cost(_TRAVERSAL) + parsing), None


def _contains_network(target: Operand, args: Sequence[Operand]) -> Charge:
    masking = Size(4, 16).cost(_TRAVERSAL) + 1
    return capped(_contains_address(target, args)[0] + masking), None


_OF_TARGETS: Final[Mapping[str, Callable[[Operand, Sequence[Operand]], Charge]]] = {
    **dict.fromkeys(("lowerAscii", "upperAscii", "substring", "trim"), _transformed),
    **dict.fromkeys(("startsWith", "endsWith"), _prefix),
    **dict.fromkeys(("find", "findAll"), _find),
    "contains": _contains,
    "containsCIDR": _contains_network,
    "containsIP": _contains_address,
    "format": _formatted,
    "matches": _matches,
    "replace": _replace,
    "split": _split,
}


def _items_of(target: Operand, size_at: Sizes) -> Size | None:
    """Return the size of the items of a list; None of what is no list."""
    if target.kind.item is None:
        return None
    return (size_at((*target.path, "@items")) if target.path else None) or UNKNOWN


def _over_items(target: Operand, size_at: Sizes) -> int:
    items, inner = _items_of(target, size_at), target.kind.item
    if items is None or inner is None:
        return target.extent.cost(_TRAVERSAL)
    each = 1 + (items.cost(_TRAVERSAL) if inner.name in ("string", "bytes") else 0)
    return capped(target.extent.most * capped(each))


def _join(target: Operand, args: Sequence[Operand], size_at: Sizes) -> Charge:
    items = _items_of(target, size_at)
    size = target.extent.times(items) if items else Size(0, 0)
    if args:
        gaps = Size(max(0, target.extent.least - 1), max(0, target.extent.most - 1))
        size = size.plus(args[0].extent.times(gaps))
    return size.cost(_TRAVERSAL), size
