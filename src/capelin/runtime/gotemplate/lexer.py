"""The words and signs of a template, as Go's text/template tells them apart.

Space is a token within an action, because `.a.b` and `.a .b` differ. Comments are dropped, and `{{-` and `-}}` have trimmed the text.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from enum import Enum
from typing import Final, NamedTuple

from capelin.runtime.gotemplate.bounds import MAX_TEXT, MAX_TOKENS
from capelin.runtime.gotemplate.errors import error_at, shown


class Kind(Enum):
    """What a token is; the value is how messages name it."""

    TEXT = "text"
    OPEN = "{{"
    CLOSE = "}}"
    SPACE = "space"
    KEYWORD = "keyword"
    IDENTIFIER = "function"
    FIELD = "field"
    DOT = "."
    VARIABLE = "variable"
    BOOL = "bool"
    NIL = "nil"
    NUMBER = "number"
    CHARACTER = "character"
    STRING = "string"
    PIPE = "|"
    DECLARE = ":="
    ASSIGN = "="
    LEFT = "("
    RIGHT = ")"
    SIGN = "sign"
    END = "end of the template"


class Token(NamedTuple):
    """One token and where it begins."""

    kind: Kind
    text: str
    position: int


KEYWORDS: Final = frozenset({"block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"})
_SPACES: Final = " \t\r\n"
_CLOSE: Final = re.compile(r"(?:[ \t\r\n]-)?\}\}")
_COMMENT: Final = re.compile(r"\{\{(?:-[ \t\r\n])?/\*")
_TERMINATOR: Final = re.compile(r"[ \t\r\n.,|:)(]|\}\}|\Z")

_NUMBER: Final = (
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?"
    r"|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?"
    r"|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
_WORD: Final = re.compile(
    rf"""(?P<SPACE>[ \t\r\n]+?(?=[ \t\r\n]-\}}\}})|[ \t\r\n]+)
        |(?P<DECLARE>:=)|(?P<ASSIGN>=)|(?P<PIPE>\|)|(?P<LEFT>\()|(?P<RIGHT>\))
        |(?P<STRING>"(?:\\[^\n]|[^"\\\n])*"|`[^`]*`)
        |(?P<CHARACTER>'(?:\\[^\n]|[^'\\\n])*')
        |(?P<VARIABLE>\$\w*)
        |(?P<FIELD>\.(?![0-9])\w+)
        |(?P<DOT>\.(?![0-9]))
        |(?P<NUMBER>(?=[+\-.0-9]){_NUMBER})
        |(?P<IDENTIFIER>\w+)
        |(?P<SIGN>[!-~])""",
    re.VERBOSE,
)
_UNCLOSED: Final = {'"': "a quoted string", "`": "a raw string", "'": "a character constant"}


def tokens(text: str) -> list[Token]:
    """Return the tokens of a template; the last is END.

    Raises:
        TemplateError: something is no token, a comment or an action does not end, or the template is too large.
    """
    if len(text) > MAX_TEXT:
        raise error_at(text, 0, f"the template has {len(text)} characters, and {MAX_TEXT} are the most")
    found: list[Token] = []
    for token in _tokens(text):
        if len(found) >= MAX_TOKENS:
            raise error_at(text, token.position, f"the template has more than the {MAX_TOKENS} words and signs it may have")
        found.append(token)
    return found


def _tokens(text: str) -> Iterator[Token]:
    position = 0
    trims = False
    while (start := text.find("{{", position)) >= 0:
        yield from _text(text, position, start, trims_left=trims, trims_right=_trims(text, start + 2))
        if _COMMENT.match(text, start):
            closed = _comment_end(text, start)
            position = closed.end()
        else:
            yield Token(Kind.OPEN, "{{", start)
            inside = start + 2 + _trims(text, start + 2)
            closed = yield from _action(text, inside, start)
            position = closed.end()
        trims = closed.group() != "}}"
    yield from _text(text, position, len(text), trims_left=trims, trims_right=False)
    yield Token(Kind.END, "", len(text))


def _trims(text: str, position: int) -> bool:
    return text[position : position + 1] == "-" and text[position + 1 : position + 2] in tuple(_SPACES)


def _text(text: str, start: int, end: int, *, trims_left: bool, trims_right: bool) -> Iterator[Token]:
    part = text[start:end]
    if trims_left:
        part = part.lstrip(_SPACES)
    if trims_right:
        part = part.rstrip(_SPACES)
    if part:
        yield Token(Kind.TEXT, part, start)


def _comment_end(text: str, start: int) -> re.Match[str]:
    end = text.find("*/", text.index("/*", start) + 2)
    if end < 0:
        raise error_at(text, start, "the comment does not end: '*/' is missing")
    closed = _CLOSE.match(text, end + 2)
    if closed is None:
        raise error_at(text, end, "'}}' must follow the end of a comment at once")
    return closed


def _action(text: str, position: int, start: int) -> Generator[Token, None, re.Match[str]]:
    """Yield the tokens of an action and return the match of its end."""
    depth = 0
    while True:
        if closed := _CLOSE.match(text, position):
            if depth:
                raise error_at(text, position, "'}}' found, and a parenthesis is still open")
            yield Token(Kind.CLOSE, "}}", position)
            return closed
        if position >= len(text):
            raise error_at(text, start, "the action does not end: '}}' is missing")
        token = _word(text, position)
        depth += (token.kind is Kind.LEFT) - (token.kind is Kind.RIGHT)
        if depth < 0:
            raise error_at(text, position, "')' found without a '(' before it")
        yield token
        position += len(token.text)


def _word(text: str, position: int) -> Token:
    found = _WORD.match(text, position)
    if found is None or found.lastgroup is None:
        raise error_at(text, position, f"{shown(text[position])} cannot stand in an action")
    kind, word = Kind[found.lastgroup], found.group()
    if kind is Kind.SIGN and word in _UNCLOSED:
        raise error_at(text, position, f"{_UNCLOSED[word]} does not end")
    if kind is Kind.SIGN and word == ":":
        raise error_at(text, position, "':' found, and only ':=' is allowed")
    if kind is Kind.NUMBER:
        _check_number(text, position, word, found.end())
    if kind in (Kind.IDENTIFIER, Kind.FIELD, Kind.VARIABLE) and not _TERMINATOR.match(text, found.end()):
        raise error_at(
            text, found.end(), f"{shown(text[found.end()])} cannot follow {shown(word)}: a space, '.', '|', ',', ':' or a parenthesis can"
        )
    return Token(_reserved(word) if kind is Kind.IDENTIFIER else kind, word, position)


def _check_number(text: str, position: int, word: str, end: int) -> None:
    following = text[end : end + 1]
    if word.endswith("i") or following in ("+", "-"):
        raise error_at(text, position, f"{shown(word + following)} is a complex number, and only real ones are supported")
    if following.isalnum() or following == "_":
        raise error_at(text, position, f"{shown(word + following)} is not a number")


def _reserved(word: str) -> Kind:
    if word in KEYWORDS:
        return Kind.KEYWORD
    if word in ("true", "false"):
        return Kind.BOOL
    return Kind.NIL if word == "nil" else Kind.IDENTIFIER
