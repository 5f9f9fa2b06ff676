"""Which type the parts of an expression have, as far as the costs of what is around them depend on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from capelin.runtime.documents.celsizes import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    OPEN,
    STRING,
    TIMESTAMP,
    Kind,
    list_of,
    map_of,
    optional_of,
)

NUMBERS: Final = frozenset(("int", "uint", "double", "duration", "timestamp"))
VAGUE: Final = frozenset(("dyn", "open", "null_type"))
"""Names of kinds that could be any other."""

MESSAGES: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("google.protobuf.Int32Value", "google.protobuf.Int64Value"), INT),
    **dict.fromkeys(("google.protobuf.UInt32Value", "google.protobuf.UInt64Value"), Kind("uint")),
    **dict.fromkeys(("google.protobuf.FloatValue", "google.protobuf.DoubleValue"), DOUBLE),
    "google.protobuf.BoolValue": BOOL,
    "google.protobuf.BytesValue": BYTES,
    "google.protobuf.Duration": DURATION,
    "google.protobuf.StringValue": STRING,
    "google.protobuf.Timestamp": TIMESTAMP,
}
"""The messages that are values of a type of their own."""

_OF_INT = (
    *("size", "indexOf", "lastIndexOf", "int", "sign", "asInteger", "compareTo", "family", "prefixLength", "major", "minor", "patch"),
    *("getFullYear", "getMonth", "getDayOfYear", "getDate", "getDayOfMonth", "getDayOfWeek"),
    *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
)
_OF_BOOL = (
    *("_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_&&_", "_||_", "!_", "@in", "_in_", "in", "@not_strictly_false", "bool"),
    *("contains", "startsWith", "endsWith", "matches", "hasValue", "isSorted", "isInteger", "isLessThan", "isGreaterThan"),
    *("isQuantity", "isIP", "isCIDR", "isURL", "isSemver", "ip.isCanonical", "containsIP", "containsCIDR"),
    *("isUnspecified", "isLoopback", "isLinkLocalMulticast", "isLinkLocalUnicast", "isGlobalUnicast"),
    *("sets.contains", "sets.equivalent", "sets.intersects"),
)
_OF_STRING = (
    *("string", "find", "charAt", "lowerAscii", "upperAscii", "replace", "substring", "trim", "join", "format", "strings.quote", "reverse"),
    *("getScheme", "getHost", "getHostname", "getPort", "getEscapedPath", "base64.encode"),
)
_FIXED: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(_OF_INT, INT),
    **dict.fromkeys(_OF_BOOL, BOOL),
    **dict.fromkeys(_OF_STRING, STRING),
    "uint": Kind("uint"),
    "double": DOUBLE,
    "asApproximateFloat": DOUBLE,
    "bytes": BYTES,
    "base64.decode": BYTES,
    "timestamp": TIMESTAMP,
    "duration": DURATION,
    "type": Kind("type"),
    "split": list_of(STRING),
    "findAll": list_of(STRING),
    "getQuery": map_of(list_of(STRING)),
    "quantity": Kind("quantity"),
    "add": Kind("quantity"),
    "sub": Kind("quantity"),
    "semver": Kind("semver"),
    "url": Kind("url"),
    "ip": Kind("ip"),
    "cidr": Kind("cidr"),
    "masked": Kind("cidr"),
    "optional.none": optional_of(DYN),
}


def field_of(kind: Kind, name: str) -> Kind:
    """Return the type of a field."""
    if kind.name == "optional":
        return optional_of(field_of(kind.item or DYN, name))
    return kind.fields.get(name) or kind.item or DYN


def joined(kinds: Sequence[Kind]) -> Kind:
    """Return the type of what can be any of these, which CEL wants to be one; of nothing, a type that is still open."""
    return next((kind for kind in kinds if kind.name not in VAGUE), kinds[0] if kinds else OPEN)


def result_of(function: str, target: Kind | None, args: Sequence[Kind]) -> Kind:
    """Return the type of what a function returns."""
    if fixed := _FIXED.get(function):
        return fixed
    if args and (by_arguments := _BY_ARGUMENTS.get(function)) is not None:
        return by_arguments(args)
    inner = (target and target.item) or DYN
    match function:
        case "min" | "max" | "sum" | "value":
            return inner
        case "or":
            return target or DYN
        case "orValue":
            return joined([inner, *args])
    return DYN


def _within(kind: Kind) -> Kind:
    inner = kind.item if kind.name == "optional" else kind
    return (inner and inner.item) or DYN


def _arithmetic(args: Sequence[Kind]) -> Kind:
    one, other = args
    if one.name == other.name == "timestamp":
        return DURATION
    if one.name == "duration" and other.name == "timestamp":
        return TIMESTAMP
    if one.name == other.name == "list" and one.item is not None and one.item.name in VAGUE:
        return other
    return joined([one, other])


_BY_ARGUMENTS: Final[Mapping[str, Callable[[Sequence[Kind]], Kind]]] = {
    **dict.fromkeys(("_+_", "_-_", "_*_", "_/_", "_%_"), _arithmetic),
    **dict.fromkeys(("optional.of", "optional.ofNonZeroValue"), lambda args: optional_of(args[0])),
    **dict.fromkeys(("_[?_]", "_?._"), lambda args: optional_of(_within(args[0]))),
    "_?_:_": lambda args: joined(args[1:]),
    "_[_]": lambda args: args[0].item or DYN,
    "-_": lambda args: args[0],
}
