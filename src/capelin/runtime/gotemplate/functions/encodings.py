"""JSON as encoding/json writes it, Base64, Base32 and checksums."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn

from capelin.runtime.gotemplate import literals, printing
from capelin.runtime.gotemplate.bounds import Budget
from capelin.runtime.gotemplate.errors import Refusal
from capelin.runtime.gotemplate.functions.signature import ANY, STRING, Function
from capelin.runtime.gotemplate.literals import octets_of
from capelin.runtime.gotemplate.printing import Sheet, ordered
from capelin.runtime.gotemplate.values import NilList, NilStrings, check_depth, from_json, is_nil

_SEPARATORS: Final = {0x2028: "\\u2028", 0x2029: "\\u2029"}
_FOR_HTML: Final = {**_SEPARATORS, ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}
_BYTES_OF_JSON_A_STEP: Final = 16


def _to_json(budget: Budget, value: Any, *, indent: str | None = None, escapes: dict[int, str] = _FOR_HTML) -> str:
    sheet = Sheet(budget)
    _write(value, sheet, indent, escapes)
    return sheet.text()


def _write(value: Any, sheet: Sheet, indent: str | None, escapes: dict[int, str], depth: int = 0) -> None:
    check_depth(depth)
    if isinstance(value, NilList | NilStrings) or is_nil(value):
        sheet.write("null")
    elif isinstance(value, dict | list):
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        line = "" if indent is None else "\n" + indent * (depth + 1)
        sheet.write(opening)
        for index, (name, child) in enumerate(_entries(value, sheet.budget)):
            sheet.write(("," if index else "") + line)
            if name is not None:
                sheet.write(_text(name, escapes, sheet.budget) + (":" if indent is None else ": "))
            _write(child, sheet, indent, escapes, depth + 1)
        sheet.write((line[: 1 + len(indent) * depth] if indent is not None and value else "") + closing)
    elif isinstance(value, float):
        sheet.write(_number(value))
    elif isinstance(value, bool | int):
        sheet.write(printing.atom(value))
    else:
        sheet.write(_text(str(value), escapes, sheet.budget))


def _entries(value: dict[str, Any] | list[Any], budget: Budget) -> Iterator[tuple[str | None, Any]]:
    if isinstance(value, dict):
        return ((name, value[name]) for name in ordered(value, budget))
    return ((None, item) for item in value)


def _text(text: str, escapes: dict[int, str], budget: Budget) -> str:
    budget.allocate(6 * len(text))
    return json.dumps(clean(text), ensure_ascii=False).translate(escapes)


def clean(text: str) -> str:
    """Return the text with a replacement character for each byte that is no UTF-8."""
    if text.isascii():
        return text
    joined = literals.text_of(octets_of(text))
    return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in joined)


def _number(number: float) -> str:
    if not math.isfinite(number):
        raise Refusal(f"{printing.shortest(number)} cannot be written as JSON")
    sign, digits, point = printing.decimal(number)
    if digits != "0" and not 1e-6 <= abs(number) < 1e21:
        return sign + printing.scientific(digits, point - 1).replace("e-0", "e-")
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    whole = digits[:point].ljust(point, "0")
    return f"{sign}{whole}.{digits[point:]}" if len(digits) > point else f"{sign}{whole}"


class _NotJson(Refusal):
    """A text that is no JSON, or none that a template can hold."""


def _must_from_json(budget: Budget, text: str) -> Any:
    budget.spend(1 + len(text) // _BYTES_OF_JSON_A_STEP)
    try:
        return from_json(json.loads(clean(text), parse_int=_finite, parse_float=_finite, parse_constant=_refuse_constant), budget)
    except RecursionError:
        raise _NotJson("the JSON is too deep") from None
    except json.JSONDecodeError as exc:
        raise _NotJson(f"the text is no JSON: {exc}") from None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _NotJson("the JSON has a number that no float can hold")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise _NotJson(f"the text is no JSON: it has {name}")


def _from_json(budget: Budget, text: str) -> Any:
    """Return None for what is no JSON, as Sprig does; `mustFromJson` tells."""
    try:
        return _must_from_json(budget, text)
    except _NotJson:
        return None


def _encoded(encode: Callable[[bytes], bytes]) -> Callable[[Budget, str], str]:
    def function(budget: Budget, text: str) -> str:
        budget.allocate(2 * len(text))
        return encode(octets_of(text)).decode("ascii")

    return function


def _decoded(decode: Callable[[bytes], bytes], name: str) -> Callable[[Budget, str], str]:
    def function(budget: Budget, text: str) -> str:
        budget.allocate(len(text))
        try:
            return literals.text_of(decode(octets_of(text.replace("\r", "").replace("\n", ""))))
        except binascii.Error:
            raise Refusal(f"the text is not {name}") from None

    return function


def _digest(name: str) -> Function:
    def function(budget: Budget, text: str) -> str:
        budget.walk(len(text) // 64)
        return hashlib.new(name, octets_of(text)).hexdigest()

    return Function(function, (STRING,))


def _adler32(budget: Budget, text: str) -> str:
    budget.read(len(text))
    return str(zlib.adler32(octets_of(text)))


def _pretty(budget: Budget, value: Any) -> str:
    return _to_json(budget, value, indent="  ")


def _raw(budget: Budget, value: Any) -> str:
    return _to_json(budget, value, escapes=_SEPARATORS)


FUNCTIONS = {
    "toJson": Function(_to_json, (ANY,)),
    "mustToJson": Function(_to_json, (ANY,)),
    "toPrettyJson": Function(_pretty, (ANY,)),
    "mustToPrettyJson": Function(_pretty, (ANY,)),
    "toRawJson": Function(_raw, (ANY,)),
    "mustToRawJson": Function(_raw, (ANY,)),
    "fromJson": Function(_from_json, (STRING,)),
    "mustFromJson": Function(_must_from_json, (STRING,)),
    "b64enc": Function(_encoded(base64.b64encode), (STRING,)),
    "b64dec": Function(_decoded(lambda octets: base64.b64decode(octets, validate=True), "Base64"), (STRING,)),
    "b32enc": Function(_encoded(base64.b32encode), (STRING,)),
    "b32dec": Function(_decoded(base64.b32decode, "Base32"), (STRING,)),
    "sha1sum": _digest("sha1"),
    "sha256sum": _digest("sha256"),
    "sha512sum": _digest("sha512"),
    "adler32sum": Function(_adler32, (STRING,)),
}
