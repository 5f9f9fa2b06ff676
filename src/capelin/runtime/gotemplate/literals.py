"""Strings, characters and numbers as Go writes them (https://go.dev/ref/spec#Lexical_elements)."""

from __future__ import annotations

import re
from typing import Final

from capelin.runtime.gotemplate.errors import shown

_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))?", re.DOTALL)
_NAMED: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_GROUPED: Final = re.compile(r"(?:0[xX](?:_?[0-9a-fA-F]+)+|0[oO]?(?:_?[0-7]+)+|0[bB](?:_?[01]+)+|[1-9](?:_?[0-9]+)*|0)")
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_HEXADECIMAL: Final = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+")
_LONGEST_NUMBER: Final = 400
INT64: Final = range(-(2**63), 2**63)


def text_of(octets: bytes) -> str:
    """Return the text of bytes as Go keeps them in a string: bytes that are no UTF-8 survive as lone surrogates."""
    return octets.decode("utf-8", "surrogateescape")


def octets_of(text: str) -> bytes:
    """Return the bytes of a text; what is neither a character nor came from `text_of` becomes a question mark."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def unquote(literal: str) -> str:
    """Return what a string literal, with its quotes, stands for.

    Raises:
        ValueError: an escape is none of Go's.
    """
    if literal.startswith("`"):
        return literal[1:-1].replace("\r", "")
    parts: list[bytes] = []
    end = 1
    for found in _ESCAPE.finditer(literal, 1, len(literal) - 1):
        parts += [octets_of(literal[end : found.start()]), _escaped(found, '"')]
        end = found.end()
    return text_of(b"".join([*parts, octets_of(literal[end:-1])]))


def character(literal: str) -> int:
    """Return the code point that a character constant, with its quotes, stands for.

    Raises:
        ValueError: there is not exactly one character between the quotes.
    """
    inner = literal[1:-1]
    found = _ESCAPE.fullmatch(inner)
    if found is not None:
        octal_or_hex = found.group(1) or found.group(4)
        octets = _escaped(found, "'")
        return octets[0] if octal_or_hex else ord(octets.decode())
    if len(inner) != 1 or inner == "\\":
        raise ValueError(f"{shown(literal)} is not one character between single quotes")
    return ord(inner)


def _escaped(found: re.Match[str], quote: str) -> bytes:
    two, four, eight, octal, named = found.groups()
    if two:
        return bytes([int(two, 16)])
    if octal and int(octal, 8) < 256:
        return bytes([int(octal, 8)])
    if four or eight:
        point = int(four or eight, 16)
        if point <= 0x10FFFF and not 0xD800 <= point < 0xE000:
            return chr(point).encode()
    if named == quote:
        return quote.encode()
    if named in _NAMED:
        return _NAMED[named].encode()
    raise ValueError(
        f"{shown(found.group())} is not an escape: \\a \\b \\f \\n \\r \\t \\v \\\\ \\{quote} \\ooo \\xhh \\uhhhh \\Uhhhhhhhh are"
    )


def integer(text: str) -> int | None:
    """Return the integer that a text stands for in any of Go's bases, `0x10`, `0b1`, `017`, `1_000`; None when it is none.

    It may be larger than 64 bits can hold.
    """
    digits = text[1:] if text[:1] in ("+", "-") else text
    if len(text) > _LONGEST_NUMBER or not _GROUPED.fullmatch(digits):
        return None
    bare = digits.replace("_", "")
    is_octal = len(bare) > 1 and bare[0] == "0" and bare[1].isdigit()
    magnitude = int(bare, 8) if is_octal else int(bare, 0)
    return -magnitude if text.startswith("-") else magnitude


def real(text: str) -> float | None:
    """Return the float that a text stands for; None when it is none, or too large for one."""
    if len(text) > _LONGEST_NUMBER:
        return None
    value = None
    if _DECIMAL.fullmatch(text):
        value = float(text)
    elif _HEXADECIMAL.fullmatch(text):
        try:
            value = float.fromhex(text)
        except OverflowError:
            return None
    return None if value is None or value in (float("inf"), float("-inf")) else value
