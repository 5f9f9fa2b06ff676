"""Texts word by word: cases, initials, wrapping, abbreviations."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Final

from capelin.runtime.gotemplate.bounds import Budget
from capelin.runtime.gotemplate.functions.signature import INT, STRING, Function
from capelin.runtime.gotemplate.functions.texts import WHITE, lower_character, upper_character
from capelin.runtime.gotemplate.literals import octets_of, text_of

_CONNECTORS: Final = "-_"
_SPACE: Final = re.compile(f"[{WHITE}]+")


def _by_character(function: Callable[[str], str]) -> Callable[[Budget, str], str]:
    def counted(budget: Budget, text: str) -> str:
        budget.walk(len(text))
        budget.allocate(len(text))
        return function(text)

    return counted


def _is_space(character: str) -> bool:
    return character in WHITE


def _title(text: str) -> str:
    """Return the text with words in title case; what is no letter, digit or underscore parts words in ASCII, only space does beyond."""
    parts: list[str] = []
    before = " "
    for character in text:
        parts.append(_titled(character) if _parts_words(before) else character)
        before = character
    return "".join(parts)


def _parts_words(character: str) -> bool:
    if character.isascii():
        return not character.isalnum() and character != "_"
    return not character.isalpha() and not character.isdigit() and _is_space(character)


def _titled(character: str) -> str:
    changed = character.title()
    return changed if len(changed) == 1 else character


def _untitle(text: str) -> str:
    parts: list[str] = []
    starts = True
    for character in text:
        parts.append(lower_character(character) if starts and not _is_space(character) else character)
        starts = _is_space(character)
    return "".join(parts)


def _swapped(text: str) -> str:
    """Return the text with upper and lower case swapped; a lower case letter after space gets title case."""
    parts: list[str] = []
    after_space = True
    for character in text:
        if character.isupper() or character.istitle():
            parts.append(lower_character(character))
            after_space = False
        elif character.islower():
            parts.append(_titled(character) if after_space else upper_character(character))
            after_space = False
        else:
            parts.append(character)
            after_space = _is_space(character)
    return "".join(parts)


def _initials(text: str) -> str:
    """Return the first byte of every word, as a character."""
    return "".join(word[0] for word in _SPACE.split(_bytes(text)) if word)


def _without_space(text: str) -> str:
    """Return the text without space; if there is any, its bytes become characters, as in Sprig."""
    characters = _bytes(text)
    kept = _SPACE.sub("", characters)
    return text if len(kept) == len(characters) else kept


def _bytes(text: str) -> str:
    """Return the bytes of the text as characters."""
    return octets_of(text).decode("latin-1")


def _is_connector(character: str) -> bool:
    return character in _CONNECTORS or _is_space(character)


def _pascal(text: str) -> str:
    """Return the words that connectors part in title case and without the connectors; a run of them leaves all but one."""
    start = next((index for index, character in enumerate(text) if not _is_connector(character)), len(text))
    if start == len(text):
        return text + text[-1:]  # nothing but connectors: Sprig writes the last one twice
    held, upper_run = upper_character(text[start]), text[start].isupper()
    parts = [text[:start]]
    for character in text[start + 1 :]:
        if _is_connector(held):
            if _is_connector(character):
                parts.append(held)
            else:
                upper_run = character.isupper()
                character = upper_character(character)
        else:
            parts.append(held)
            if upper_run and character.isupper():
                character = lower_character(character)
            else:
                upper_run = False
        held = character
    return "".join([*parts, held])


def _kind(character: str) -> str:
    if _is_connector(character):
        return "connector"
    if unicodedata.category(character).startswith("P"):
        return "punctuation"
    if character.isupper():
        return "upper"
    if character.isalpha():
        return "other" if "\u3400" <= character <= "\u9fcc" or character >= "\U00020000" else "letter"
    return "number" if unicodedata.category(character).startswith("N") else "other"


def _words(text: str) -> Iterator[tuple[str, str]]:
    """Yield words with their kinds; the last capital of a run belongs to the word that follows: `HTTPServer` is `HTTP`, `Server`."""
    runs = [(kind, "".join(run)) for kind, run in groupby(text, _kind)]
    held = ""
    for index, (kind, run) in enumerate(runs):
        follows = runs[index + 1][0] if index + 1 < len(runs) else ""
        if kind == "upper" and follows == "letter":
            if len(run) > 1:
                yield "upper", run[:-1]
            held = run[-1]
        elif held:
            yield "upper", held + run
            held = ""
        else:
            yield kind, run


def _connected(text: str, connector: str) -> str:
    """Return the words in lower case with a connector between them; where digits belong is told by what follows them."""
    words = [*_words(text), ("end", "")]
    parts: list[str] = []
    at = 0
    while words[at][0] != "end":
        kind, word = words[at]
        following = words[at + 1][0]
        at += 1
        parts.append(_lowered(kind, word, connector))
        if kind == "number":
            at = _absorb(words, at, parts, connector)
        elif kind in ("upper", "letter", "other"):
            at = _after_word(words, at, parts, connector, following)
    return "".join(parts)


def _absorb(words: list[tuple[str, str]], at: int, parts: list[str], connector: str) -> int:
    """Add the lower case words and numbers that follow a number to it, and a connector unless the text or another sign follows."""
    while words[at][0] in ("letter", "number"):
        parts.append(words[at][1])
        at += 1
    if words[at][0] not in ("end", "punctuation", "connector"):
        parts.append(connector)
    return at


def _after_word(words: list[tuple[str, str]], at: int, parts: list[str], connector: str, following: str) -> int:
    if following != "number":
        if following not in ("end", "punctuation", "connector"):
            parts.append(connector)
        return at
    if words[at + 1][0] == "end":
        return at
    if words[at + 1][0] == "letter":
        parts += [connector, words[at][1]]
        return _absorb(words, at + 1, parts, connector)
    parts.append(words[at][1])
    if words[at + 1][0] not in ("punctuation", "connector"):
        parts.append(connector)
    return at + 1


def _lowered(kind: str, word: str, connector: str) -> str:
    if kind == "connector":
        return connector * len(word)
    return "".join(map(lower_character, word)) if kind == "upper" else word


def _wrapped(budget: Budget, width: int, line: str, text: str, *, breaks_words: bool) -> str:
    octets, line_end = octets_of(text), octets_of(line or "\n")
    width = max(width, 1)
    budget.walk(len(octets))
    budget.allocate(len(octets) + (len(octets) // width + 1) * len(line_end))
    parts: list[bytes] = []
    start = 0
    while len(octets) - start > width:
        if octets[start : start + 1] == b" ":
            start += 1
            continue
        space = octets.rfind(b" ", start, start + width + 1)
        if space < 0 and not breaks_words:
            space = octets.find(b" ", start + width)
        if space >= 0:
            parts += [octets[start:space], line_end]
            start = space + 1
        elif breaks_words:
            parts += [octets[start : start + width], line_end]
            start += width
        else:
            break
    return text_of(b"".join([*parts, octets[start:]]))


def _abbreviated(budget: Budget, width: int, text: str) -> str:
    return _abbreviated_at(budget, 0, width, text) if width >= 4 else text


def _abbreviated_both(budget: Budget, left: int, right: int, text: str) -> str:
    return text if right < 4 or (left > 0 and right < 7) else _abbreviated_at(budget, left, right, text)


def _abbreviated_at(budget: Budget, offset: int, width: int, text: str) -> str:
    budget.allocate(len(text))
    octets = octets_of(text)
    if len(octets) <= width:
        return text
    offset = min(offset, len(octets))
    if len(octets) - offset < width - 3:
        offset = len(octets) - (width - 3)
    if offset <= 4:
        return text_of(octets[: width - 3] + b"...")
    if width < 7:
        return ""
    if offset + width - 3 < len(octets):
        return "..." + _abbreviated_at(budget, 0, width - 3, text_of(octets[offset:]))
    return text_of(b"..." + octets[-(width - 3) :])


FUNCTIONS = {
    "title": Function(_by_character(_title), (STRING,)),
    "untitle": Function(_by_character(_untitle), (STRING,)),
    "swapcase": Function(_by_character(_swapped), (STRING,)),
    "nospace": Function(_by_character(_without_space), (STRING,)),
    "initials": Function(_by_character(_initials), (STRING,)),
    "camelcase": Function(_by_character(_pascal), (STRING,)),
    "snakecase": Function(_by_character(lambda text: _connected(text, "_")), (STRING,)),
    "kebabcase": Function(_by_character(lambda text: _connected(text, "-")), (STRING,)),
    "wrap": Function(lambda budget, width, text: _wrapped(budget, width, "", text, breaks_words=False), (INT, STRING)),
    "wrapWith": Function(lambda budget, width, line, text: _wrapped(budget, width, line, text, breaks_words=True), (INT, STRING, STRING)),
    "abbrev": Function(_abbreviated, (INT, STRING)),
    "abbrevboth": Function(_abbreviated_both, (INT, INT, STRING)),
}
