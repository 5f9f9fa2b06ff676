"""The tree of a compiled CEL expression, read from the protobuf that the library gives.

The message is `cel.expr.CheckedExpr` (https://github.com/google/cel-spec/blob/master/proto/cel/expr/checked.proto) inside an `Any`; macros
stand in it expanded. Types and references in it are left aside: the library knows objects as maps of anything, so they say too little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from struct import unpack
from typing import Any

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}

_ANY_VALUE, _CHECKED_EXPR = 2, 4


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: its type by the name CEL has for it, and its value where that is a plain one."""

    id: int
    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Name:
    """A variable."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """A field of an object or a map; `test` when only its presence is asked for."""

    id: int
    operand: Node
    field: str
    test: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A function or operator, such as `_+_`; `target` is what a member function is called on."""

    id: int
    function: str
    target: Node | None
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list written out."""

    id: int
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Entries:
    """A map or a message written out; `message` is the latter's type, and its keys are None."""

    id: int
    entries: tuple[tuple[Node | None, Node], ...]
    message: str


@dataclass(frozen=True, slots=True)
class Fold:
    """A comprehension: what a macro over a list or map becomes. `second` is its other variable, empty when it has one."""

    id: int
    variable: str
    second: str
    range: Node
    accumulator: str
    start: Node
    condition: Node
    step: Node
    result: Node


Node = Literal | Name | Select | Call | Items | Entries | Fold

_Fields = list[tuple[int, Any]]


def read(checked: bytes, times: Mapping[str, str]) -> Node:
    """Return the tree of an expression's serialised form.

    `times` are the fields that `celtypes.with_times` converted, by their path from `self`, with the function that it put around each; the
    author of the rule did not write that, so the tree is without it.
    """
    return _Reader(times).node(_one(_one(checked, _ANY_VALUE), _CHECKED_EXPR))


def _fields(data: bytes) -> _Fields:
    """Return field numbers and raw values in wire order."""
    found: _Fields = []
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            value, at = _varint(data, at)
            found.append((number, value))
            continue
        size = _SIZES.get(wire_type, 0)
        if wire_type == _BYTES:
            size, at = _varint(data, at)
        found.append((number, data[at : at + size]))
        at += size
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    result = shift = 0
    while True:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
        shift += 7


def _one(data: bytes, wanted: int) -> bytes:
    return next((value for number, value in _fields(data) if number == wanted), b"")


class _Reader:
    def __init__(self, times: Mapping[str, str]) -> None:
        self._times = times
        self._bare: set[int] = set()

    def node(self, data: bytes) -> Node:
        identity = 0
        for number, value in _fields(data):
            match number:
                case 2:
                    identity = value
                case 3:
                    return _literal(identity, value)
                case 4:
                    return Name(identity, _one(value, 1).decode())
                case 5:
                    return self._select(identity, value)
                case 6:
                    return self._call(identity, value)
                case 7:
                    return Items(identity, tuple(self.node(item) for at, item in _fields(value) if at == 1))
                case 8:
                    return self._entries(identity, value)
                case 9:
                    return self._fold(identity, value)
        return Literal(identity, "null_type", None)

    def _select(self, identity: int, data: bytes) -> Select:
        found = dict(_fields(data))
        return Select(identity, self.node(found[1]), found[2].decode(), bool(found.get(3)))

    def _call(self, identity: int, data: bytes) -> Node:
        function, target, args = "", None, []
        for number, value in _fields(data):
            match number:
                case 1:
                    target = self.node(value)
                case 2:
                    function = value.decode()
                case 3:
                    args.append(self.node(value))
        if target is None and len(args) == 1 and self._is_conversion(function, args[0]):
            self._bare.add(args[0].id)
            return args[0]
        if isinstance(target, Name) and target.name in _NAMESPACES:
            return Call(identity, f"{target.name}.{function}", None, tuple(args))
        return Call(identity, function, target, tuple(args))

    def _is_conversion(self, function: str, node: Node) -> bool:
        """Tell whether the call is not the author's; of two around one field the outer one is."""
        return function in ("timestamp", "duration") and node.id not in self._bare and self._times.get(_dotted(node)) == function

    def _entries(self, identity: int, data: bytes) -> Entries:
        fields = _fields(data)
        entries = [dict(_fields(value)) for number, value in fields if number == 2]
        pairs = tuple((self.node(entry[3]) if 3 in entry else None, self.node(entry[4])) for entry in entries)
        return Entries(identity, pairs, dict(fields).get(1, b"").decode())

    def _fold(self, identity: int, data: bytes) -> Fold:
        found = dict(_fields(data))
        start, condition, step, result = (self.node(found[number]) for number in (4, 5, 6, 7))
        return Fold(
            identity,
            variable=found[1].decode(),
            second=found.get(8, b"").decode(),
            range=self.node(found[2]),
            accumulator=found[3].decode(),
            start=start,
            condition=condition,
            step=step,
            result=result,
        )


_NAMESPACES = frozenset(("sets", "ip", "optional", "strings", "cel", "math", "base64", "format", "lists"))
"""Names before the dot of functions that are called on nothing."""


def _dotted(node: Node) -> str:
    """Return the path of a field of `self` or `oldSelf`; empty for anything else."""
    steps: list[str] = []
    while isinstance(node, Select):
        steps.append(node.field)
        node = node.operand
    return ".".join(reversed(steps)) if isinstance(node, Name) and node.name in ("self", "oldSelf") else ""


def _literal(identity: int, data: bytes) -> Literal:
    for number, value in _fields(data):
        match number:
            case 2:
                return Literal(identity, "bool", bool(value))
            case 3:
                return Literal(identity, "int", value - (1 << 64) if value >= 1 << 63 else value)
            case 4:
                return Literal(identity, "uint", value)
            case 5:
                return Literal(identity, "double", unpack("<d", value)[0])
            case 6:
                return Literal(identity, "string", value.decode())
            case 7:
                return Literal(identity, "bytes", value)
    return Literal(identity, "null_type", None)
