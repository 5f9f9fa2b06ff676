"""Evaluates compiled expressions of CEL, within bounds and in the words of cel-go."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from cel_expr_python import cel

from capelin.runtime.documents.celtypes import code_of

LIST_LIMIT: Final = 1_000
"""Items of the longest list that a rule which makes lists may be given: the library copies a list for each item that is added to it."""

_MAKES_LISTS = re.compile(r"\.(?:map|filter|transformList)\(")
_SPLITS_TEXTS = re.compile(r"\.(?:split|findAll)\(")
_ERRORS = (
    (re.compile(r'Key not found in map : "?([^"]*)"?'), r"no such key: \1"),
    (re.compile(r"Index error: index=(-?\d+).*"), r"index out of bounds: \1"),
    (re.compile(r"divide by zero|modulus by zero"), "division by zero"),
    (re.compile(r"No matching overloads found.*"), "no such overload"),
)


class RuleError(ValueError):
    """A rule cannot be compiled; the message is for the author of the CRD."""


def evaluation(expression: cel.Expression, text: str) -> Callable[[Any, Any, bool], Any]:
    """Return what evaluates the expression, which is that of `text`, to a plain value, or to an exception as a value."""
    longest = longest_given(text)

    def evaluate(value: Any, old: Any, has_old: bool) -> Any:
        if longest is not None and longest(value, old) > LIST_LIMIT:
            return RuleError("budget exceeded")
        data = {"self": value, "oldSelf": old, "oldValue": old if has_old else value, "hasOldSelf": has_old}
        try:
            result = expression.eval(data=data)
            if result.type() == cel.Type.ERROR:
                return RuleError(_told(str(result.plain_value())))
            return result.plain_value()
        except (RuntimeError, TypeError) as error:
            return RuleError(_told(str(error)))

    return evaluate


def longest_given(text: str) -> Callable[[Any, Any], int] | None:
    """Return what tells how long the lists are that the rule is given, if it makes lists of them; None when it does not."""
    code = code_of(text)
    if not _MAKES_LISTS.search(code):
        return None
    texts = bool(_SPLITS_TEXTS.search(code))
    return lambda value, old: max(_longest(value, texts=texts), _longest(old, texts=texts))


def _longest(value: Any, *, texts: bool) -> int:
    """Return the length of the longest list or map in the value, or of the longest text when texts can become lists."""
    kind = type(value)
    if kind is str:
        return len(value) if texts else 0
    if kind is dict:
        value = value.values()
    elif kind is not list:
        return 0
    return max(len(value), max((_longest(item, texts=texts) for item in value), default=0))


def _told(message: str) -> str:
    """Return an evaluation error in the words of cel-go."""
    sentence = re.sub(r"^[A-Z_]+: ", "", message)
    sentence = re.sub(r" \[[A-Z_]+\]$", "", sentence)
    for pattern, words in _ERRORS:
        sentence = pattern.sub(words, sentence)
    return sentence
