"""`printf`, by the rules of Go's fmt (https://pkg.go.dev/fmt#hdr-Printing).

Of them are refused what only a programmer needs: `%#v`, indexes of arguments (`%[1]d`), and floats in binary or hexadecimal; and a width
that no text may have.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from capelin.runtime.gotemplate import printing
from capelin.runtime.gotemplate.bounds import Budget
from capelin.runtime.gotemplate.errors import Refusal, shown
from capelin.runtime.gotemplate.literals import octets_of
from capelin.runtime.gotemplate.printing import Sheet
from capelin.runtime.gotemplate.quoting import quote
from capelin.runtime.gotemplate.values import is_nil, type_of

_WIDEST: Final = 1_000_000
"""What a width or precision may be; Go ignores one beyond it when it comes with an argument."""

_DIRECTIVE: Final = re.compile(r"%([#0+\- ]*)(\*|[0-9]*)(?:\.(\*|[0-9]*))?(.?)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Format:
    verb: str
    flags: frozenset[str]
    width: int | None
    precision: int | None

    def padded(self, text: str, *, zeros: bool = True) -> str:
        """Return the text, filled up to the width."""
        if self.width is None:
            return text
        if "-" in self.flags:
            return text.ljust(self.width)
        return text.rjust(self.width, "0" if zeros and "0" in self.flags else " ")


def formatted(template: str, values: Sequence[Any], budget: Budget) -> str:
    """Return the values in the places that the verbs of `template` mark."""
    arguments = _Arguments(values)
    sheet = Sheet(budget)
    end = 0
    for found in _DIRECTIVE.finditer(template):
        sheet.write(template[end : found.start()])
        end = found.end()
        _write_directive(found, arguments, sheet)
    sheet.write(template[end:])
    if rest := arguments.rest():
        sheet.write("%!(EXTRA ")
        for index, value in enumerate(rest):
            sheet.write(f"{', ' if index else ''}{type_of(value)}{'' if is_nil(value) else '='}")
            if not is_nil(value):
                printing.write(value, printing.atom, sheet)
        sheet.write(")")
    return sheet.text()


class _Arguments:
    """The values that no verb has taken yet."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = values
        self._next = 0

    def is_empty(self) -> bool:
        return self._next >= len(self._values)

    def take(self) -> Any:
        self._next += 1
        return self._values[self._next - 1]

    def rest(self) -> Sequence[Any]:
        return self._values[self._next :]


def _write_directive(found: re.Match[str], arguments: _Arguments, sheet: Sheet) -> None:
    flags, width_text, precision_text, verb = found.groups()
    if verb == "[":
        raise Refusal("printf with an index, '%[1]d', is not supported: give the arguments in the order of the verbs")
    width, flags = _width(width_text, set(flags), arguments, sheet)
    precision = _precision(precision_text, arguments, sheet)
    if not verb:
        sheet.write("%!(NOVERB)")
    elif verb == "%":
        sheet.write("%")
    elif arguments.is_empty():
        sheet.write(f"%!{verb}(MISSING)")
    else:
        if verb == "v" and "#" in flags:
            raise Refusal("printf with '%#v' is not supported: '%v' prints the value, toJson its JSON")
        flags = flags - {"+"} if verb == "v" else flags
        _write_value(arguments.take(), _Format(verb, frozenset(flags), width, precision), sheet)


def _width(text: str, flags: set[str], arguments: _Arguments, sheet: Sheet) -> tuple[int | None, set[str]]:
    if text != "*":
        return _written(text), flags
    width = _number(arguments)
    if width is None:
        sheet.write("%!(BADWIDTH)")
    elif width < 0:
        return -width, (flags | {"-"}) - {"0"}
    return width, flags


def _precision(text: str | None, arguments: _Arguments, sheet: Sheet) -> int | None:
    if text != "*":
        return None if text is None else _written(text) or 0
    precision = _number(arguments)
    if precision is None:
        sheet.write("%!(BADPREC)")
    elif precision < 0:
        sheet.write("%!(BADPREC)")
        return None
    return precision


def _written(text: str) -> int | None:
    if len(text) > 7 or int(text or 0) > _WIDEST:
        raise Refusal(f"printf with a width or precision of {shown(text)} found, and {_WIDEST} is the most")
    return int(text) if text else None


def _number(arguments: _Arguments) -> int | None:
    if arguments.is_empty():
        return None
    value = arguments.take()
    return int(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _WIDEST else None


def _write_value(value: Any, form: _Format, sheet: Sheet) -> None:
    if form.verb == "T":
        sheet.write(form.padded(type_of(value)))
    elif is_nil(value):
        sheet.write(form.padded("<nil>") if form.verb == "v" else f"%!{form.verb}(<nil>)")
    else:
        printing.write(value, lambda item: _atom(item, form, sheet.budget), sheet)


def _atom(value: Any, form: _Format, budget: Budget) -> str:
    """Return the text of a value that is neither list nor dict; nothing is made before the budget allows for it."""
    budget.allocate((form.width or 0) + (form.precision or 0) + (12 * len(value) if isinstance(value, str) else 0))
    if is_nil(value):
        return form.padded("<nil>")
    text = None
    if isinstance(value, bool):
        text = form.padded(printing.atom(value)) if form.verb in "tv" else None
    elif isinstance(value, int):
        text = _integer(value, form)
    elif isinstance(value, float):
        text = _float(value, form)
    else:
        text = _string(value if isinstance(value, str) else str(value), form)
    return f"%!{form.verb}({type_of(value)}={printing.atom(value)})" if text is None else text


def _string(value: str, form: _Format) -> str | None:
    if form.verb in "xX":
        return _hexadecimal(octets_of(value)[: form.precision], form)
    if form.verb not in "svq":
        return None
    cut = value[: form.precision]
    if form.verb != "q":
        return form.padded(cut)
    if (
        "#" in form.flags
        and "`" not in cut
        and "\ufeff" not in cut
        and all(" " <= character != "\x7f" or character == "\t" for character in cut)
    ):
        return form.padded(f"`{cut}`")
    return form.padded(quote(cut, ascii_only="+" in form.flags))


def _hexadecimal(octets: bytes, form: _Format) -> str:
    sign = "0x" if "#" in form.flags and octets else ""
    text = sign + (f" {sign}".join(f"{octet:02x}" for octet in octets) if " " in form.flags else octets.hex())
    return form.padded(text.upper() if form.verb == "X" else text)


_BASES: Final = {"v": "d", "d": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}


def _integer(value: int, form: _Format) -> str | None:
    if form.verb in "cqU":
        return _character(value, form)
    if form.verb not in _BASES:
        return None
    if form.precision == 0 and value == 0:
        return " " * (form.width or 0)
    digits = format(abs(value), _BASES[form.verb])
    sign = "-" if value < 0 else "+" if "+" in form.flags else " " if " " in form.flags else ""
    least = form.precision or 0
    if form.precision is None and "0" in form.flags and "-" not in form.flags and form.width:
        least = form.width - len(sign)
    digits = digits.rjust(least, "0")
    return form.padded(sign + _prefix(digits, form) + digits, zeros=False)


def _prefix(digits: str, form: _Format) -> str:
    if form.verb == "O":
        return "0o" + ("0" if "#" in form.flags and digits[0] != "0" else "")
    if "#" not in form.flags:
        return ""
    if form.verb == "o":
        return "" if digits[0] == "0" else "0"
    return {"x": "0x", "X": "0X", "b": "0b"}.get(form.verb, "")


def _character(value: int, form: _Format) -> str:
    point = value if 0 <= value <= 0x10FFFF and not 0xD800 <= value < 0xE000 else 0xFFFD
    if form.verb == "c":
        return form.padded(chr(point))
    if form.verb == "q":
        return form.padded(quote(chr(point), "'", ascii_only="+" in form.flags))
    digits = f"{value % 2**64:X}".rjust(max(form.precision or 0, 4), "0")
    name = f" '{chr(value)}'" if "#" in form.flags and point == value and chr(value).isprintable() else ""
    return form.padded(f"U+{digits}{name}", zeros=False)


def _float(value: float, form: _Format) -> str | None:
    if form.verb in "bxX" or "#" in form.flags:
        raise Refusal(f"printf with {shown('%#' + form.verb if '#' in form.flags else '%' + form.verb)} is not supported for floats")
    if form.verb not in "vgGfFeE":
        return None
    text = _digits(abs(value) if not math.isnan(value) else value, form)
    negative = math.copysign(1, value) < 0 and not math.isnan(value)
    explicit = "+" in form.flags or (math.isinf(value) and " " not in form.flags)
    sign = "-" if negative else "+" if explicit else " " if " " in form.flags else ""
    if not math.isfinite(value):
        return form.padded(sign + text.lstrip("+"), zeros=False)
    if "0" in form.flags and "-" not in form.flags and form.width:
        return sign + text.rjust(form.width - len(sign), "0")
    return form.padded(sign + text)


def _digits(value: float, form: _Format) -> str:
    if not math.isfinite(value):
        return printing.shortest(value)
    if form.verb in "fF":
        return f"{value:.{6 if form.precision is None else form.precision}f}"
    if form.verb in "eE":
        return f"{value:.{6 if form.precision is None else form.precision}{form.verb}}"
    verb = "E" if form.verb == "G" else "e"
    if form.precision is None:
        return printing.shortest(value, verb=verb)
    return f"{value:.{min(form.precision, 800)}{'G' if form.verb == 'G' else 'g'}}"
