"""How Go prints a value by default (`%v`), and several of them one after another."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from capelin.runtime.gotemplate.bounds import MAX_OUTPUT, Budget
from capelin.runtime.gotemplate.errors import Refusal
from capelin.runtime.gotemplate.values import MISSING, check_depth

Atom = Callable[[Any], str]
"""Prints a value that is neither list nor dict."""


@dataclass(slots=True)
class Sheet:
    """What is written so far, never longer than a text may be."""

    budget: Budget
    parts: list[str] = field(default_factory=list)
    length: int = 0

    def write(self, part: str) -> None:
        """Add a text."""
        self.length += len(part)
        if self.length > MAX_OUTPUT:
            raise Refusal(f"a text of more than {MAX_OUTPUT} characters would be made")
        self.budget.read(len(part))
        self.parts.append(part)

    def text(self) -> str:
        """Return all that was written."""
        self.budget.allocate(self.length)
        return "".join(self.parts)


def plain(value: Any, budget: Budget) -> str:
    """Return the text of a value."""
    if isinstance(value, str):
        return value
    sheet = Sheet(budget)
    write(value, atom, sheet)
    return sheet.text()


def printed(values: Sequence[Any], budget: Budget) -> str:
    """Return the texts of values in a row, with a space between two of which neither is a string."""
    sheet = Sheet(budget)
    for index, value in enumerate(values):
        if index and not isinstance(value, str) and not isinstance(values[index - 1], str):
            sheet.write(" ")
        write(value, atom, sheet)
    return sheet.text()


def write(value: Any, atom: Atom, sheet: Sheet, depth: int = 0) -> None:
    """Write a value, and with it all that it holds: maps in the order of their keys."""
    check_depth(depth)
    if isinstance(value, dict):
        sheet.write("map[")
        for index, name in enumerate(ordered(value, sheet.budget)):
            sheet.write(f"{' ' if index else ''}{atom(name)}:")
            write(value[name], atom, sheet, depth + 1)
        sheet.write("]")
    elif isinstance(value, list):
        sheet.write("[")
        for index, item in enumerate(value):
            if index:
                sheet.write(" ")
            write(item, atom, sheet, depth + 1)
        sheet.write("]")
    else:
        sheet.write("<nil>" if depth and value is None else atom(value))


def ordered(value: dict[str, Any], budget: Budget) -> list[str]:
    """Return the keys of a map in the order in which Go ranges over and prints them: that of their bytes."""
    budget.spend(1 + len(value) // 4)
    return sorted(value)


def atom(value: Any) -> str:
    """Return the text of what is neither list nor dict."""
    if value is None:
        return "<nil>"
    if value is MISSING:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return shortest(value) if isinstance(value, float) else str(value)


def shortest(number: float, *, limit: int = 6, verb: str = "e") -> str:
    """Return the shortest text that stands for the number; with an exponent when that is below -4, or at least `limit`."""
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "+Inf" if number > 0 else "-Inf"
    sign, digits, point = decimal(number)
    exponent = point - 1
    if exponent < -4 or exponent >= limit:
        return f"{sign}{scientific(digits, exponent, verb)}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    whole = digits[:point].ljust(point, "0")
    return f"{sign}{whole}.{digits[point:]}" if len(digits) > point else f"{sign}{whole}"


def scientific(digits: str, exponent: int, verb: str = "e") -> str:
    """Return digits and a decimal exponent of at least two digits."""
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}{verb}{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def decimal(number: float) -> tuple[str, str, int]:
    """Return the sign, the fewest digits that tell the number from its neighbours, and where the point stands among them."""
    sign = "-" if math.copysign(1, number) < 0 else ""
    mantissa, _, exponent = f"{abs(number)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    return (sign, digits, point) if digits else (sign, "0", 1)
