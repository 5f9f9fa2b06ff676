"""Sets of characters: what one step of an expression can match."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Final

Range = tuple[str, str]

_DIGIT: Final[tuple[Range, ...]] = (("0", "9"),)
_SPACE: Final[tuple[Range, ...]] = (("\t", "\n"), ("\f", "\r"), (" ", " "))
_WORD: Final[tuple[Range, ...]] = (("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z"))
PERL: Final = {"d": _DIGIT, "s": _SPACE, "w": _WORD}
POSIX: Final[dict[str, tuple[Range, ...]]] = {
    "alnum": (("0", "9"), ("A", "Z"), ("a", "z")),
    "alpha": (("A", "Z"), ("a", "z")),
    "ascii": (("\0", "\x7f"),),
    "blank": (("\t", "\t"), (" ", " ")),
    "cntrl": (("\0", "\x1f"), ("\x7f", "\x7f")),
    "digit": _DIGIT,
    "graph": (("!", "~"),),
    "lower": (("a", "z"),),
    "print": ((" ", "~"),),
    "punct": (("!", "/"), (":", "@"), ("[", "`"), ("{", "~")),
    "space": (("\t", "\r"), (" ", " ")),
    "upper": (("A", "Z"),),
    "word": _WORD,
    "xdigit": (("0", "9"), ("A", "F"), ("a", "f")),
}
CATEGORIES: Final = frozenset(
    {"C", "Cc", "Cf", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl", "No"}
    | {"P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs"}
)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a class: ranges, or the name of a general category; `negated` for all other characters."""

    ranges: tuple[Range, ...] = ()
    category: str = ""
    negated: bool = False

    def has(self, character: str) -> bool:
        """Tell whether the character belongs to it."""
        if self.category:
            found = self.category == "Any" or unicodedata.category(character).startswith(self.category)
        else:
            found = any(first <= character <= last for first, last in self.ranges)
        return found != self.negated


@dataclass(frozen=True, slots=True)
class Characters:
    """A class of characters; `folds` when case does not count."""

    parts: tuple[Part, ...]
    negated: bool = False
    folds: bool = False
    known: dict[str, bool] = field(default_factory=dict, compare=False)

    def has(self, character: str) -> bool:
        """Tell whether the character belongs to it."""
        found = self.known.get(character)
        if found is None:
            found = self.known[character] = self._has(character)
        return found

    def _has(self, character: str) -> bool:
        variants = {character, character.lower(), character.upper()} if self.folds else {character}
        return any(part.has(variant) for variant in variants if len(variant) == 1 for part in self.parts) != self.negated


def only(character: str, *, folds: bool = False) -> Characters:
    """Return the class of one character."""
    return Characters((Part(((character, character),)),), folds=folds)
