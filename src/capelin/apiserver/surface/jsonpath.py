"""The part of JSONPath that printer columns use: fields, indexes, `[*]`, and filters such as `[?(@.type=="Ready")].status`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

Step = Callable[[Any], Iterable[Any]]
"""From one value to the values one step further in; nothing where the step leads nowhere."""

_NAME = re.compile(r"(?:\\.|[^.\[\]\\'\"() ])+")
_BRACKET = re.compile(
    r"""\[(?:'(?P<single>(?:\\.|[^'\\])*)'|"(?P<double>(?:\\.|[^"\\])*)"|(?P<index>-?\d+)|(?P<all>\*)|\?\((?P<filter>.*?)\))\]"""
)
_FILTER = re.compile(
    r"""^\s*@(?P<path>(?:\[(?:'[^']*'|"[^"]*"|-?\d+)\]|[^=!<>\s])*)\s*(?:(?P<operator>==|!=|<=|>=|<|>)\s*(?P<literal>.+?))?\s*$"""
)
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@lru_cache(maxsize=1024)
def compile_path(path: str) -> Step:
    """Return the function that finds the values a path such as `.status.conditions[?(@.type=="Ready")].status` names, in document order.

    Raises:
        ValueError: the path is outside of the supported part of JSONPath.
    """
    steps: list[Step] = []
    position = 1 if path[:1] in ("$", "@") else 0
    while position < len(path):
        step, position = _step(path, position)
        steps.append(step)
    return lambda document: _follow(document, steps)


def _follow(document: Any, steps: list[Step]) -> list[Any]:
    found = [document]
    for step in steps:
        found = [value for item in found for value in step(item)]
    return found


def _step(path: str, position: int) -> tuple[Step, int]:
    if path[position] == "[":
        match = _BRACKET.match(path, position)
        if match is None:
            raise ValueError(f"JSONPath {path!r}: cannot be understood from {path[position:]!r}")
        return _bracket_step(match), match.end()
    if path[position] != "." or path.startswith("..", position):
        raise ValueError(f"JSONPath {path!r}: expected a dot or a bracket, found {path[position:]!r}")
    match = _NAME.match(path, position + 1)
    if match is None:
        raise ValueError(f"JSONPath {path!r}: a name is missing at {path[position:]!r}")
    return (_every if match.group() == "*" else _field(_unescaped(match.group()))), match.end()


def _bracket_step(match: re.Match[str]) -> Step:
    if match["all"]:
        return _every
    if match["index"] is not None:
        return _index(int(match["index"]))
    if match["filter"] is not None:
        return _filter(match["filter"])
    return _field(_unescaped(match["single"] if match["single"] is not None else match["double"]))


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _every(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _field(name: str) -> Step:
    return lambda value: (value[name],) if isinstance(value, dict) and name in value else ()


def _index(index: int) -> Step:
    return lambda value: (value[index],) if isinstance(value, list) and -len(value) <= index < len(value) else ()


def _filter(text: str) -> Step:
    match = _FILTER.match(text)
    if match is None:
        raise ValueError(f"JSONPath filter {text!r} cannot be understood")
    path = compile_path(match["path"])
    if not match["operator"]:
        return lambda value: (item for item in _every(value) if list(path(item)))
    compare, literal = _OPERATORS[match["operator"]], _literal(match["literal"])

    def kept(value: Any) -> Iterator[Any]:
        for item in _every(value):
            found = next(iter(path(item)), None)
            if type(found) is type(literal) and compare(found, literal):
                yield item

    return kept


def _literal(text: str) -> Any:
    if text[0] in "'\"" and text[-1] == text[0] and len(text) > 1:
        return _unescaped(text[1:-1])
    if text in ("true", "false"):
        return text == "true"
    try:
        return int(text) if re.fullmatch(r"-?\d+", text) else float(text)
    except ValueError:
        raise ValueError(f"JSONPath filter: {text!r} is neither a string, a number nor a boolean") from None
