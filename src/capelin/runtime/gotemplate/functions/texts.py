"""Texts, counted in bytes where Go counts them so."""

from __future__ import annotations

from typing import Any, Final

from capelin.runtime.gotemplate import printing
from capelin.runtime.gotemplate.bounds import Budget
from capelin.runtime.gotemplate.errors import Refusal
from capelin.runtime.gotemplate.functions.casting import text_of
from capelin.runtime.gotemplate.functions.signature import ANY, INT, STRING, Function
from capelin.runtime.gotemplate.literals import octets_of
from capelin.runtime.gotemplate.literals import text_of as text_of_octets
from capelin.runtime.gotemplate.quoting import is_plain, quote
from capelin.runtime.gotemplate.values import StringMap, Strings

WHITE: Final = " \t\n\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""White space as unicode.IsSpace has it; Python's has four control characters more."""


def _cut(budget: Budget, length: int, text: str) -> str:
    budget.allocate(len(text))
    octets = octets_of(text)
    if length < 0:
        return text_of_octets(octets[length:] if len(octets) + length > 0 else octets)
    return text_of_octets(octets[:length])


def _substring(budget: Budget, start: int, end: int, text: str) -> str:
    budget.allocate(len(text))
    octets = octets_of(text)
    if start < 0:
        start = 0
    elif end < 0 or end > len(octets):
        end = len(octets)
    if not 0 <= start <= end <= len(octets):
        raise Refusal(f"the part from {start} to {end} is asked of a text of {len(octets)} bytes")
    return text_of_octets(octets[start:end])


def _repeated(budget: Budget, count: int, text: str) -> str:
    if count < 0:
        raise Refusal(f"a text cannot be repeated {count} times")
    budget.allocate(count * len(text))
    return text * count


def _replaced(budget: Budget, old: str, new: str, text: str) -> str:
    budget.read(len(text))
    count = text.count(old)
    budget.allocate(len(text) + count * max(len(new) - len(old), 0))
    budget.read(count * 16)
    return text.replace(old, new)


def _indented(budget: Budget, spaces: int, text: str) -> str:
    if spaces < 0:
        raise Refusal(f"an indent of {spaces} spaces is asked for")
    budget.allocate(len(text) + spaces * (text.count("\n") + 1))
    pad = " " * spaces
    return pad + text.replace("\n", "\n" + pad)


def _trimmed(budget: Budget, characters: str, text: str) -> str:
    budget.walk(len(text) + len(characters))
    cut = frozenset(characters)
    start, end = 0, len(text)
    while start < end and text[start] in cut:
        start += 1
    while end > start and text[end - 1] in cut:
        end -= 1
    return text[start:end]


def _stripped(budget: Budget, text: str) -> str:
    budget.read(len(text))
    return text.strip(WHITE)


def _case(budget: Budget, text: str, *, upper: bool) -> str:
    budget.allocate(len(text))
    if text.isascii():
        return text.upper() if upper else text.lower()
    budget.walk(len(text))
    return "".join(map(upper_character if upper else lower_character, text))


def upper_character(character: str) -> str:
    """Return the upper case of a character, as long as that is one character: Go knows no other."""
    changed = character.upper()
    return changed if len(changed) == 1 else character


def lower_character(character: str) -> str:
    """Return the lower case of a character."""
    return character.lower()[0]


def _pieces(text: str, separator: str, budget: Budget, most: int = -1) -> list[str]:
    """Split a text at a separator, or into its characters when that is empty; into at most so many pieces."""
    budget.read(len(text))
    count = text.count(separator) + (1 if separator else 0)
    if most == 0:
        return []
    budget.items(count if most < 0 else min(count, most))
    if separator:
        return text.split(separator, most - 1 if most > 0 else -1)
    if 0 < most < len(text):
        return [*text[: most - 1], text[most - 1 :]]
    return list(text)


def _split(budget: Budget, separator: str, text: str) -> StringMap:
    return StringMap({f"_{index}": piece for index, piece in enumerate(_pieces(text, separator, budget))})


def _split_first(budget: Budget, separator: str, most: int, text: str) -> StringMap:
    return StringMap({f"_{index}": piece for index, piece in enumerate(_pieces(text, separator, budget, most))})


def _quoted(budget: Budget, *values: Any) -> str:
    return _row([_quote(text_of(value, budget), budget) for value in values if value is not None], budget)


def _quote(text: str, budget: Budget) -> str:
    simple = is_plain(text)
    budget.walk(0 if simple else len(text))
    budget.allocate(len(text) * (1 if simple else 2 if text.isascii() and text.isprintable() else 10))
    return quote(text)


def _in_single_quotes(budget: Budget, *values: Any) -> str:
    return _row([f"'{printing.plain(value, budget)}'" for value in values if value is not None], budget)


def _cat(budget: Budget, *values: Any) -> str:
    return _row([printing.plain(value, budget) for value in values if value is not None], budget)


def _row(texts: list[str], budget: Budget) -> str:
    budget.allocate(sum(map(len, texts)) + len(texts))
    return " ".join(texts)


def _contains(budget: Budget, part: str, text: str) -> bool:
    budget.read(len(text))
    return part in text


FUNCTIONS = {
    "trunc": Function(_cut, (INT, STRING)),
    "substr": Function(_substring, (INT, INT, STRING)),
    "trim": Function(_stripped, (STRING,)),
    "upper": Function(lambda budget, text: _case(budget, text, upper=True), (STRING,)),
    "lower": Function(lambda budget, text: _case(budget, text, upper=False), (STRING,)),
    "repeat": Function(_repeated, (INT, STRING)),
    "trimAll": Function(_trimmed, (STRING, STRING)),
    "trimall": Function(_trimmed, (STRING, STRING)),
    "trimSuffix": Function(lambda _, suffix, text: text.removesuffix(suffix), (STRING, STRING)),
    "trimPrefix": Function(lambda _, prefix, text: text.removeprefix(prefix), (STRING, STRING)),
    "contains": Function(_contains, (STRING, STRING)),
    "hasPrefix": Function(lambda _, prefix, text: text.startswith(prefix), (STRING, STRING)),
    "hasSuffix": Function(lambda _, suffix, text: text.endswith(suffix), (STRING, STRING)),
    "quote": Function(_quoted, (), ANY),
    "squote": Function(_in_single_quotes, (), ANY),
    "cat": Function(_cat, (), ANY),
    "indent": Function(_indented, (INT, STRING)),
    "nindent": Function(lambda budget, spaces, text: "\n" + _indented(budget, spaces, text), (INT, STRING)),
    "replace": Function(_replaced, (STRING, STRING, STRING)),
    "plural": Function(lambda _, one, many, count: one if count == 1 else many, (STRING, STRING, INT)),
    "split": Function(_split, (STRING, STRING)),
    "splitn": Function(_split_first, (STRING, INT, STRING)),
    "splitList": Function(lambda budget, separator, text: Strings(_pieces(text, separator, budget)), (STRING, STRING)),
}
