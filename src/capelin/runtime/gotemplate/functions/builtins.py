"""Go's own functions besides the comparisons. The renderer gives `and` and `or` their arguments only as far as they decide nothing yet."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

from capelin.runtime.gotemplate import printing
from capelin.runtime.gotemplate.bounds import Budget
from capelin.runtime.gotemplate.errors import Refusal
from capelin.runtime.gotemplate.formatting import formatted
from capelin.runtime.gotemplate.functions.signature import ANY, STRING, Function
from capelin.runtime.gotemplate.literals import octets_of
from capelin.runtime.gotemplate.values import MISSING, StringMap, Uint8, is_nil, truth, type_of


def _index(budget: Budget, item: Any, *indexes: Any) -> Any:
    if is_nil(item):
        raise Refusal("index is asked for a part of no value")
    for index in indexes:
        if item is None:
            raise Refusal("index is asked for a part of null")
        item = _part(budget, item, index)
    return item


def _part(budget: Budget, item: Any, index: Any) -> Any:
    if isinstance(item, dict):
        if not isinstance(index, str):
            raise Refusal(f"a key of type {type_of(index)} found, and a string is expected")
        return item.get(index, "" if isinstance(item, StringMap) else None)
    if isinstance(item, str):
        budget.read(len(item))
        octets = octets_of(item)
        return Uint8(octets[_position(index, len(octets))])
    if isinstance(item, list):
        return item[_position(index, len(item))]
    raise Refusal(f"index is asked for a part of a {type_of(item)}, and only lists, dicts and strings have parts")


def _position(index: Any, length: int) -> int:
    if not isinstance(index, int) or isinstance(index, bool):
        raise Refusal(f"an index of type {type_of(index)} found, and an integer is expected: int makes one")
    if not 0 <= index < length:
        raise Refusal(f"index {index} found, and there are {length} items")
    return index


def _length(budget: Budget, item: Any) -> int:
    if isinstance(item, str):
        budget.read(len(item))
        return len(octets_of(item))
    if isinstance(item, list | dict):
        return len(item)
    raise Refusal(f"len is asked of a {type_of(item)}, and only strings, lists and dicts have a length")


def _joined(budget: Budget, *values: Any) -> str:
    return printing.printed([printing.atom(MISSING) if value is None else value for value in values], budget)


def _line(budget: Budget, *values: Any) -> str:
    budget.items(2 * len(values))
    return "".join([*_spaced([printing.plain(value, budget) for value in values]), "\n"])


def _spaced(texts: list[str]) -> list[str]:
    return [part for text in texts for part in (" ", text)][1:]


_HTML = str.maketrans({'"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;", "\0": "�"})
_JAVASCRIPT = {"\\": "\\\\", "'": "\\'", '"': '\\"', **{character: f"\\u{ord(character):04X}" for character in "<>&="}}


def _html(budget: Budget, *values: Any) -> str:
    text = _joined(budget, *values)
    budget.allocate(5 * len(text))
    return text.translate(_HTML)


def _javascript(budget: Budget, *values: Any) -> str:
    text = _joined(budget, *values)
    budget.allocate(6 * len(text))
    return "".join(map(_javascript_character, text))


def _javascript_character(character: str) -> str:
    if character in _JAVASCRIPT:
        return _JAVASCRIPT[character]
    if character < " " or (character > "\x7e" and not character.isprintable()):
        return f"\\u{ord(character):04X}"
    return character


def _query(budget: Budget, *values: Any) -> str:
    text = _joined(budget, *values)
    budget.allocate(12 * len(text))
    return quote_plus(octets_of(text), safe="~")


def _and(_: Budget, *values: Any) -> Any:
    return next((value for value in values if not truth(value)), values[-1])


def _or(_: Budget, *values: Any) -> Any:
    return next((value for value in values if truth(value)), values[-1])


FUNCTIONS = {
    "and": Function(_and, (ANY,), ANY),
    "or": Function(_or, (ANY,), ANY),
    "index": Function(_index, (ANY,), ANY),
    "len": Function(_length, (ANY,)),
    "print": Function(lambda budget, *values: printing.printed(values, budget), (), ANY),
    "printf": Function(lambda budget, template, *values: formatted(template, values, budget), (STRING,), ANY),
    "println": Function(_line, (), ANY),
    "html": Function(_html, (), ANY),
    "js": Function(_javascript, (), ANY),
    "urlquery": Function(_query, (), ANY),
}
