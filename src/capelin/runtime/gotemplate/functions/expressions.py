"""Regular expressions, of RE2 and in linear time as in Go."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from capelin.runtime.gotemplate.bounds import Budget
from capelin.runtime.gotemplate.functions.signature import INT, STRING, Function
from capelin.runtime.gotemplate.linear.search import Ends, Regex, regex
from capelin.runtime.gotemplate.linear.syntax import Malformed
from capelin.runtime.gotemplate.printing import Sheet
from capelin.runtime.gotemplate.values import NilStrings, Strings

_META: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")
_REFERENCE: Final = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))")


def _matches(budget: Budget, pattern: str, text: str) -> bool:
    return regex(pattern, budget).search(text, 0, budget) is not None


def _matches_leniently(budget: Budget, pattern: str, text: str) -> bool:
    """Take an expression that is none for one that does not match, as Sprig does; `mustRegexMatch` tells."""
    try:
        expression = regex(pattern, budget)
    except Malformed:
        return False
    return expression.search(text, 0, budget) is not None


def _first(budget: Budget, pattern: str, text: str) -> str:
    ends = regex(pattern, budget).search(text, 0, budget)
    return text[ends[0] : ends[1]] if ends else ""


def _all(budget: Budget, pattern: str, text: str, most: int) -> Strings:
    found = _spans(regex(pattern, budget), budget, text, most)
    return Strings([text[start:end] for start, end in found]) if found else NilStrings()


def _spans(expression: Regex, budget: Budget, text: str, most: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    if most == 0:
        return found
    for ends in expression.matches(text, budget):
        budget.items(1)
        budget.allocate(ends[1] - ends[0])
        found.append((ends[0], ends[1]))
        if len(found) == most:
            break
    return found


def _split(budget: Budget, pattern: str, text: str, most: int) -> Strings:
    expression = regex(pattern, budget)
    if most == 0:
        return NilStrings()
    if pattern and not text:
        return Strings([""])
    pieces = Strings()
    start = end = 0
    for first, last in _spans(expression, budget, text, most):
        if 0 < most == len(pieces) + 1:
            break
        end = first
        if last != 0:
            pieces.append(text[start:end])
        start = last
    if end != len(text):
        pieces.append(text[start:])
    budget.allocate(sum(map(len, pieces)))
    return pieces


def _replaced(budget: Budget, pattern: str, text: str, replacement: str) -> str:
    expression = regex(pattern, budget)
    return _rewritten(expression, budget, text, lambda ends: _expanded(expression, budget, text, replacement, ends))


def _replaced_literally(budget: Budget, pattern: str, text: str, replacement: str) -> str:
    return _rewritten(regex(pattern, budget), budget, text, lambda _: replacement)


def _rewritten(expression: Regex, budget: Budget, text: str, replacement: Callable[[Ends], str]) -> str:
    sheet = Sheet(budget)
    position = end = 0
    while position <= len(text):
        ends = expression.search(text, position, budget)
        if ends is None:
            break
        sheet.write(text[end : ends[0]])
        if ends[1] > end or ends[0] == 0:  # not for an empty match right behind another
            sheet.write(replacement(ends))
        end = ends[1]
        position = max(position + 1, ends[1])
    sheet.write(text[end:])
    return sheet.text()


def _expanded(expression: Regex, budget: Budget, text: str, replacement: str, ends: Ends) -> str:
    """Return the replacement with `$1`, `${1}` and `$name` for what groups captured, and `$$` for a dollar sign."""
    sheet = Sheet(budget)
    end = 0
    for found in _REFERENCE.finditer(replacement):
        sheet.write(replacement[end : found.start()])
        end = found.end()
        dollar, braced, bare = found.groups()
        group = _number(expression, braced or bare or "")
        if dollar:
            sheet.write("$")
        elif group is not None and ends[2 * group] >= 0:
            sheet.write(text[ends[2 * group] : ends[2 * group + 1]])
    sheet.write(replacement[end:])
    return sheet.text()


def _number(expression: Regex, name: str) -> int | None:
    if name.isascii() and name.isdigit():
        return int(name) if len(name) < 5 and int(name) <= expression.groups else None
    return expression.names.get(name)


def _quoted(budget: Budget, text: str) -> str:
    budget.walk(len(text))
    budget.allocate(2 * len(text))
    return _META.sub(r"\\\g<0>", text)


FUNCTIONS = {
    "regexMatch": Function(_matches_leniently, (STRING, STRING)),
    "mustRegexMatch": Function(_matches, (STRING, STRING)),
    "regexFind": Function(_first, (STRING, STRING)),
    "mustRegexFind": Function(_first, (STRING, STRING)),
    "regexFindAll": Function(_all, (STRING, STRING, INT)),
    "mustRegexFindAll": Function(_all, (STRING, STRING, INT)),
    "regexReplaceAll": Function(_replaced, (STRING, STRING, STRING)),
    "mustRegexReplaceAll": Function(_replaced, (STRING, STRING, STRING)),
    "regexReplaceAllLiteral": Function(_replaced_literally, (STRING, STRING, STRING)),
    "mustRegexReplaceAllLiteral": Function(_replaced_literally, (STRING, STRING, STRING)),
    "regexSplit": Function(_split, (STRING, STRING, INT)),
    "mustRegexSplit": Function(_split, (STRING, STRING, INT)),
    "regexQuoteMeta": Function(_quoted, (STRING,)),
}
