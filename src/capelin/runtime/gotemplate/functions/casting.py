"""Values as numbers and texts, by the lenient rules of Sprig: what is no number is zero."""

from __future__ import annotations

import math
from typing import Any, Final

from capelin.runtime.gotemplate import literals, printing
from capelin.runtime.gotemplate.bounds import Budget
from capelin.runtime.gotemplate.functions.signature import ANY, STRING, Function
from capelin.runtime.gotemplate.literals import INT64
from capelin.runtime.gotemplate.values import Int64, Strings

_INFINITIES: Final = {"inf": math.inf, "+inf": math.inf, "-inf": -math.inf, "nan": math.nan}


def to_int(value: Any) -> int:
    """Return the integer of 64 bits that the value stands for; 0 when it stands for none."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and int(value) in INT64 else INT64.start
    if isinstance(value, str):
        found = literals.integer(_without_zero_fraction(value))
        return found if found is not None and found in INT64 else 0
    return 0


def _without_zero_fraction(text: str) -> str:
    whole, point, fraction = text.rpartition(".")
    return whole if point and fraction and not fraction.strip("0") else text


def to_float(value: Any) -> float:
    """Return the float that the value stands for; 0 when it stands for none."""
    if isinstance(value, int | float):
        return float(value)
    if not isinstance(value, str):
        return 0.0
    name = value.lower().replace("infinity", "inf") if len(value) < 10 else ""
    found = _INFINITIES.get(name, literals.real(value))
    return 0.0 if found is None else found


def text_of(value: Any, budget: Budget) -> str:
    """Return the text that the value is or prints as."""
    return printing.plain(value, budget)


def texts_of(value: Any, budget: Budget) -> Strings:
    """Return the texts of a list's items without those that are null; a list of one for any other value."""
    if not isinstance(value, list):
        return Strings([] if value is None else [text_of(value, budget)])
    budget.items(len(value))
    return Strings([text_of(item, budget) for item in value if item is not None])


def _from_decimal(_: Budget, text: str) -> int:
    """Read decimal digits; a number beyond 64 bits counts as the nearest that fits."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not digits.isascii() or not digits.isdigit():
        return 0
    largest = INT64.stop - 1 if text[:1] != "-" else -INT64.start
    magnitude = min(int(digits) if len(digits.lstrip("0")) < 30 else largest, largest) if len(digits) < 4000 else largest
    return -magnitude if text.startswith("-") else magnitude


def _from_octal(budget: Budget, value: Any) -> Int64:
    text = text_of(value, budget)
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not digits or digits.strip("01234567") or len(digits) > 100:
        return Int64(0)
    number = int(text, 8)
    return Int64(number if number in INT64 else 0)


FUNCTIONS = {
    "atoi": Function(_from_decimal, (STRING,)),
    "int": Function(lambda _, value: to_int(value), (ANY,)),
    "int64": Function(lambda _, value: Int64(to_int(value)), (ANY,)),
    "float64": Function(lambda _, value: to_float(value), (ANY,)),
    "toDecimal": Function(_from_octal, (ANY,)),
    "toString": Function(lambda budget, value: text_of(value, budget), (ANY,)),
    "toStrings": Function(lambda budget, value: texts_of(value, budget), (ANY,)),
}
