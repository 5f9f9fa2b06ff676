"""Texts in quotation marks, as Go's strconv.Quote writes them."""

from __future__ import annotations

import re
from typing import Final

_NAMED: Final = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\"}
_PLAIN: Final = re.compile(r"[ !#-&(-\[\]-~]*")


def is_plain(text: str) -> bool:
    """Tell whether nothing in the text needs an escape, whatever the mark."""
    return _PLAIN.fullmatch(text) is not None


def quote(text: str, mark: str = '"', *, ascii_only: bool = False) -> str:
    """Return the text between two marks, with escapes for the mark and for all that cannot be printed."""
    if is_plain(text):
        return f"{mark}{text}{mark}"
    return mark + "".join(_escaped(character, mark, ascii_only) for character in text) + mark


def _escaped(character: str, mark: str, ascii_only: bool) -> str:
    point = ord(character)
    if character == mark:
        return "\\" + mark
    if character in _NAMED:
        return _NAMED[character]
    if (point < 0x7F or not ascii_only) and character.isprintable():
        return character
    if 0xDC80 <= point <= 0xDCFF:
        return f"\\x{point - 0xDC00:02x}"
    if point < 0x20 or point == 0x7F:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
