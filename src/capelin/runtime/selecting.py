"""Label selectors in the API's own syntax, evaluated here instead of by the server."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping

Matches = Callable[[Mapping[str, str]], bool]

_SET_RULE = re.compile(r"^([^\s!=(),]+)\s+(in|notin)\s*\(([^()]*)\)$")
_EQUALITY_RULE = re.compile(r"^([^\s!=(),]+)\s*(==|=|!=)\s*([^\s!=(),]*)$")
_EXISTENCE_RULE = re.compile(r"^(!?)\s*([^\s!=(),]+)$")


@functools.lru_cache(maxsize=1024)
def matcher(selector: str) -> Matches:
    """Return the predicate that a `labelSelector` parameter describes; the empty selector holds for all labels.

    Raises:
        ValueError: the selector is malformed.
    """
    rules = [_rule(text) for text in _split(selector)]
    return lambda labels: all(rule(labels) for rule in rules)


def _split(selector: str) -> Iterator[str]:
    """Yield the rules between the commas that are not inside parentheses."""
    depth, start = 0, 0
    for place, character in enumerate(selector):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            yield selector[start:place].strip()
            start = place + 1
    if selector.strip():
        yield selector[start:].strip()


def _rule(text: str) -> Matches:
    if found := _SET_RULE.match(text):
        key, operator, listed = found.groups()
        values = frozenset(value.strip() for value in listed.split(","))
        wanted = operator == "in"
        return lambda labels: (labels.get(key) in values) == wanted
    if found := _EQUALITY_RULE.match(text):
        key, operator, value = found.groups()
        wanted = operator != "!="
        return lambda labels: (labels.get(key) == value) == wanted
    if found := _EXISTENCE_RULE.match(text):
        negation, key = found.groups()
        return lambda labels: (key in labels) == (not negation)
    raise ValueError(f"label selector rule {text!r}: allowed are key, !key, key=value, key!=value, key in (…), key notin (…)")
