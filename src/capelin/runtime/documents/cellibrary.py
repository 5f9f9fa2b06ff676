"""What Kubernetes adds to CEL, as Python callbacks.

The functions of https://kubernetes.io/docs/reference/using-api/cel/#cel-options-language-features-and-libraries: lists, regular
expressions, strings, sets, quantities, IP addresses and CIDRs, URLs, semantic versions. Values without a CEL type (a quantity, an
address, …) travel as maps with one tag, so that equal ones compare equal. A callback that raises makes the rule fail with the error's
text.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from cel_expr_python import cel

from capelin.runtime.documents import celpatterns
from capelin.runtime.documents.quantity import parse_quantity

_T = cel.Type
_LIST = _T.List(_T.DYN)
_TEXTS = _T.List(_T.STRING)
_TAGGED = _T.Map(_T.STRING, _T.DYN)
_ITEMS = (_T.STRING, _T.INT, _T.DOUBLE, _T.BOOL, _T.BYTES, _T.TIMESTAMP, _T.DURATION, _T.MAP, _T.LIST)
"""A parameter of any type must be declared once per type: at run time `dyn` matches nothing."""

TEXT_LIMIT: Final = 10_000_000
"""Characters of a text that a function makes, about three times what a request can hold."""

Tagged = dict[str, Any]


def functions() -> list[cel.FunctionDecl]:
    """Return the declarations of all functions, for an environment."""
    overloads: dict[str, list[cel.Overload]] = {}
    for number, (name, result, parameters, member, call) in enumerate(_declared()):
        overloads.setdefault(name, []).append(cel.Overload(f"capelin_{number}", result, parameters, member, call))
    return [cel.FunctionDecl(name, found) for name, found in overloads.items()]


Declared = tuple[str, Any, Sequence[Any], bool, Callable[..., Any]]


def _declared() -> Iterator[Declared]:
    yield from _lists()
    yield from _strings()
    yield from _sets()
    yield from _quantities()
    yield from _addresses()
    yield from _urls()
    yield from _versions()


def _lists() -> Iterator[Declared]:
    yield "isSorted", _T.BOOL, [_LIST], True, lambda items: all(one <= other for one, other in pairwise(items))
    yield "sum", _T.DYN, [_LIST], True, lambda items: sum(items[1:], items[0]) if items else 0
    yield "min", _T.DYN, [_LIST], True, _extreme(min)
    yield "max", _T.DYN, [_LIST], True, _extreme(max)
    for kind in _ITEMS:
        yield "indexOf", _T.INT, [_LIST, kind], True, _first
        yield "lastIndexOf", _T.INT, [_LIST, kind], True, _last


def _extreme(choose: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    def chosen(items: list[Any]) -> Any:
        if not items:
            raise ValueError(f"{choose.__name__} called on empty list")
        return choose(items)

    return chosen


def _first(items: list[Any], wanted: Any) -> int:
    return items.index(wanted) if wanted in items else -1


def _last(items: list[Any], wanted: Any) -> int:
    return len(items) - 1 - items[::-1].index(wanted) if wanted in items else -1


def _strings() -> Iterator[Declared]:
    text, whole = _T.STRING, _T.INT
    yield "find", text, [text, text], True, celpatterns.first
    yield "findAll", _TEXTS, [text, text], True, celpatterns.occurrences
    yield "findAll", _TEXTS, [text, text, whole], True, _first_occurrences
    yield "charAt", text, [text, whole], True, _char_at
    yield "indexOf", whole, [text, text], True, lambda value, wanted: value.find(wanted)
    yield "indexOf", whole, [text, text, whole], True, lambda value, wanted, start: value.find(wanted, start)
    yield "lastIndexOf", whole, [text, text], True, lambda value, wanted: value.rfind(wanted)
    yield "lastIndexOf", whole, [text, text, whole], True, lambda value, wanted, end: value.rfind(wanted, 0, end + len(wanted))
    yield "lowerAscii", text, [text], True, partial(_ascii, str.lower)
    yield "upperAscii", text, [text], True, partial(_ascii, str.upper)
    yield "replace", text, [text, text, text], True, _replaced
    yield "replace", text, [text, text, text, whole], True, _replaced
    yield "split", _TEXTS, [text, text], True, lambda value, by: value.split(by) if by else list(value)
    yield "split", _TEXTS, [text, text, whole], True, _split
    yield "substring", text, [text, whole], True, lambda value, start: _substring(value, start, len(value))
    yield "substring", text, [text, whole, whole], True, _substring
    yield "trim", text, [text], True, lambda value: value.strip()
    yield "reverse", text, [text], True, lambda value: value[::-1]
    yield "join", text, [_LIST], True, _joined
    yield "join", text, [_LIST, text], True, _joined
    yield "format", text, [text, _LIST], True, _formatted
    yield (
        "strings.quote",
        text,
        [text],
        False,
        lambda value: '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"',
    )


def _first_occurrences(value: str, pattern: str, limit: int) -> list[str]:
    return celpatterns.occurrences(value, pattern)[: None if limit < 0 else limit]


def _replaced(value: str, old: str, new: str, limit: int = -1) -> str:
    count = value.count(old) if limit < 0 else min(limit, value.count(old))
    _bounded(len(value) + count * (len(new) - len(old)))
    return value.replace(old, new, limit)


def _joined(items: list[str], between: str = "") -> str:
    _bounded(sum(map(len, items)) + len(items) * len(between))
    return between.join(items)


def _bounded(length: int) -> None:
    """Refuse to make a text of that length when it is too long; repeated, a few functions could fill the memory."""
    if length > TEXT_LIMIT:
        raise ValueError("budget exceeded")


def _ascii(change: Callable[[str], str], value: str) -> str:
    return change(value) if value.isascii() else "".join(change(c) if c.isascii() else c for c in value)


def _char_at(value: str, at: int) -> str:
    if not 0 <= at <= len(value):
        raise ValueError(f"index out of range: {at}")
    return value[at : at + 1]


def _split(value: str, by: str, limit: int) -> list[str]:
    if limit == 0:
        return []
    return value.split(by, limit - 1 if limit > 0 else -1)


def _substring(value: str, start: int, end: int) -> str:
    if not 0 <= start <= end <= len(value):
        raise ValueError(f"invalid substring range. start: {start}, end: {end}")
    return value[start:end]


_DIRECTIVE = re.compile(r"%(%|(?:\.(\d+))?([sdfeboxX]))")


def _formatted(pattern: str, values: list[Any]) -> str:
    rest = iter(values)

    def one(match: re.Match[str]) -> str:
        if match.group(1) == "%":
            return "%"
        value = next(rest, None)
        precision, verb = match.group(2), match.group(3)
        match verb:
            case "s":
                return _as_text(value)
            case "f" | "e":
                return f"{float(value or 0):.{precision or 6}{verb}}"
            case "b" if isinstance(value, bool):
                return _as_text(value)
            case "x" | "X" if isinstance(value, str):
                return value.encode().hex() if verb == "x" else value.encode().hex().upper()
        return f"{int(value or 0):{verb}}"

    return _DIRECTIVE.sub(one, pattern)


def _as_text(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case list():
            return "[" + ", ".join(map(_as_text, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{_as_text(key)}: {_as_text(item)}" for key, item in sorted(value.items())) + "}"
    return str(value)


def _sets() -> Iterator[Declared]:
    def contains(one: list[Any], other: list[Any]) -> bool:
        return all(item in one for item in other)

    yield "sets.contains", _T.BOOL, [_LIST, _LIST], False, contains
    yield "sets.equivalent", _T.BOOL, [_LIST, _LIST], False, lambda one, other: contains(one, other) and contains(other, one)
    yield "sets.intersects", _T.BOOL, [_LIST, _LIST], False, lambda one, other: any(item in one for item in other)


def _is(parse: Callable[[str], Any]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


def _quantity(number: Fraction) -> Tagged:
    return {"@quantity": str(number)}


def _number(value: Tagged) -> Any:
    """Return what a tagged value is ordered by."""
    if "@quantity" in value:
        return Fraction(value["@quantity"])
    if "@semver" in value:
        return _semver_order(value["@semver"])
    raise ValueError("only quantities and versions can be compared")


def _quantities() -> Iterator[Declared]:
    yield "isQuantity", _T.BOOL, [_T.STRING], False, _is(parse_quantity)
    yield "quantity", _TAGGED, [_T.STRING], False, lambda text: _quantity(parse_quantity(text))
    yield "sign", _T.INT, [_TAGGED], True, lambda value: (_number(value) > 0) - (_number(value) < 0)
    yield "isInteger", _T.BOOL, [_TAGGED], True, lambda value: _number(value).denominator == 1
    yield "asInteger", _T.INT, [_TAGGED], True, lambda value: _whole(_number(value))
    yield "asApproximateFloat", _T.DOUBLE, [_TAGGED], True, lambda value: float(_number(value))
    for name, sign in (("add", 1), ("sub", -1)):
        yield name, _TAGGED, [_TAGGED, _TAGGED], True, lambda one, other, sign=sign: _quantity(_number(one) + sign * _number(other))
        yield name, _TAGGED, [_TAGGED, _T.INT], True, lambda one, other, sign=sign: _quantity(_number(one) + sign * other)
    yield "isLessThan", _T.BOOL, [_TAGGED, _TAGGED], True, lambda one, other: _number(one) < _number(other)
    yield "isGreaterThan", _T.BOOL, [_TAGGED, _TAGGED], True, lambda one, other: _number(one) > _number(other)
    yield "compareTo", _T.INT, [_TAGGED, _TAGGED], True, _compared


def _compared(one: Tagged, other: Tagged) -> int:
    return int(_number(one) > _number(other)) - int(_number(one) < _number(other))


def _whole(number: Fraction) -> int:
    if number.denominator != 1:
        raise ValueError("cannot convert value to integer")
    return int(number)


def _address(value: Tagged | str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    text = value if isinstance(value, str) else value["@ip"]
    if "%" in text:
        raise ValueError(f"IP address {text!r} with zone value is not allowed")
    return ipaddress.ip_address(text)


def _network(value: Tagged | str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface:
    text = value if isinstance(value, str) else value["@cidr"]
    if "/" not in text:
        raise ValueError(f"CIDR {text!r} has no prefix length")
    return ipaddress.ip_interface(text)


def _contains(outer: Tagged | str, inner: Tagged | str) -> bool:
    one, other = _network(outer).network, _network(inner).network
    return one.version == other.version and other.prefixlen >= one.prefixlen and other.network_address in one


def _addresses() -> Iterator[Declared]:
    text, flag, whole = _T.STRING, _T.BOOL, _T.INT
    yield "isIP", flag, [text], False, _is(_address)
    yield "ip", _TAGGED, [text], False, lambda value: {"@ip": str(_address(value))}
    yield "ip.isCanonical", flag, [text], False, lambda value: str(_address(value)) == value
    yield "family", whole, [_TAGGED], True, lambda value: _address(value).version
    yield "isUnspecified", flag, [_TAGGED], True, lambda value: _address(value).is_unspecified
    yield "isLoopback", flag, [_TAGGED], True, lambda value: _address(value).is_loopback
    yield "isLinkLocalMulticast", flag, [_TAGGED], True, lambda value: _is_link_local_multicast(_address(value))
    yield "isLinkLocalUnicast", flag, [_TAGGED], True, lambda value: _address(value).is_link_local
    yield "isGlobalUnicast", flag, [_TAGGED], True, lambda value: _is_global_unicast(_address(value))
    yield "isCIDR", flag, [text], False, _is(_network)
    yield "cidr", _TAGGED, [text], False, lambda value: {"@cidr": str(_network(value))}
    yield "prefixLength", whole, [_TAGGED], True, lambda value: _network(value).network.prefixlen
    yield "masked", _TAGGED, [_TAGGED], True, lambda value: {"@cidr": str(_network(value).network)}
    yield "ip", _TAGGED, [_TAGGED], True, lambda value: {"@ip": str(_network(value).ip)}
    for kind in (text, _TAGGED):
        yield "containsIP", flag, [_TAGGED, kind], True, lambda outer, inner: _address(inner) in _network(outer).network
        yield "containsCIDR", flag, [_TAGGED, kind], True, _contains


def _is_link_local_multicast(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address in ipaddress.ip_network("224.0.0.0/24" if address.version == 4 else "ff02::/16")


def _is_global_unicast(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return not (
        address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local or str(address) == "255.255.255.255"
    )


def _url(value: Tagged | str) -> Any:
    text = value if isinstance(value, str) else value["@url"]
    parts = urlsplit(text)
    if not (parts.scheme or text.startswith("/")) or " " in text:
        raise ValueError(f"URL parse error during conversion from string: parse {text!r}: invalid URI for request")
    return parts


def _host(parts: Any) -> str:
    return str(parts.netloc.rpartition("@")[2])


def _urls() -> Iterator[Declared]:
    text = _T.STRING
    yield "isURL", _T.BOOL, [text], False, _is(_url)
    yield "url", _TAGGED, [text], False, lambda value: {"@url": value if _url(value) else ""}
    yield "getScheme", text, [_TAGGED], True, lambda value: _url(value).scheme
    yield "getHost", text, [_TAGGED], True, lambda value: _host(_url(value))
    yield "getHostname", text, [_TAGGED], True, lambda value: _url(value).hostname or ""
    yield "getPort", text, [_TAGGED], True, lambda value: str(_url(value).port or "")
    yield "getEscapedPath", text, [_TAGGED], True, lambda value: _url(value).path
    yield "getQuery", _T.Map(text, _TEXTS), [_TAGGED], True, lambda value: _query(_url(value).query)


def _query(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in text.split("&") if text else ():
        name, _, value = pair.partition("=")
        found.setdefault(unquote(name.replace("+", " ")), []).append(unquote(value.replace("+", " ")))
    return found


_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)


def _semver(text: str, normalize: bool = False) -> str:
    if normalize:
        text = text.removeprefix("v")
        core, rest = re.fullmatch(r"([^-+]*)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr] # matches any text
        numbers = [part.lstrip("0") or "0" for part in core.split(".")] if core else []
        text = ".".join([*numbers, "0", "0"][: max(3, len(numbers))]) + rest
    if not _SEMVER.fullmatch(text):
        raise ValueError(f"{text!r} is not a semantic version")
    return text


def _semver_order(text: str) -> tuple[Any, ...]:
    major, minor, patch, before, _ = _SEMVER.fullmatch(text).groups()  # type: ignore[union-attr] # it was checked when it was made
    parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in before.split(".")) if before else ()
    return int(major), int(minor), int(patch), not before, parts


def _versions() -> Iterator[Declared]:
    text, flag = _T.STRING, _T.BOOL
    yield "isSemver", flag, [text], False, _is(_semver)
    yield "isSemver", flag, [text, flag], False, lambda value, normalize: _is(lambda found: _semver(found, normalize))(value)
    yield "semver", _TAGGED, [text], False, lambda value: {"@semver": _semver(value)}
    yield "semver", _TAGGED, [text, flag], False, lambda value, normalize: {"@semver": _semver(value, normalize)}
    for name, at in (("major", 0), ("minor", 1), ("patch", 2)):
        yield name, _T.INT, [_TAGGED], True, lambda value, at=at: _semver_order(value["@semver"])[at]
