"""From the text of an expression to its tree (https://github.com/google/re2/wiki/Syntax)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

from capelin.runtime.gotemplate.errors import Refusal, shown
from capelin.runtime.gotemplate.linear.classes import CATEGORIES, PERL, POSIX, Characters, Part, only

MAX_DEPTH: Final = 50
MAX_PATTERN: Final = 2000
"""Characters of an expression."""

MAX_REPEAT: Final = 1000
"""How often a counted repetition may ask for something, as in RE2."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """A place that matches without a character: `kind` is `^`, `$`, `A`, `z`, `b` or `B`."""

    kind: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after another; empty, it matches nothing at all, anywhere."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """The first of these that leads to a match."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """Something several times; `most` is None for no limit."""

    part: Expression
    least: int
    most: int | None
    greedy: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A group that captures."""

    index: int
    part: Expression


Expression = Characters | Assertion | Sequence | Choice | Repeat | Group


@dataclass(frozen=True, slots=True)
class Flags:
    """What `(?imsU)` sets."""

    i: bool = False
    m: bool = False
    s: bool = False
    U: bool = False


@dataclass(frozen=True, slots=True)
class Pattern:
    """An expression that was read, with the names of its groups."""

    root: Expression
    groups: int
    names: dict[str, int]


def parse(text: str) -> Pattern:
    """Read an expression.

    Raises:
        Malformed: RE2 does not know it.
        Refusal: it exceeds a bound.
    """
    if len(text) > MAX_PATTERN:
        raise Refusal(f"a regular expression of {len(text)} characters found, and {MAX_PATTERN} are the most")
    reader = _Reader(text)
    root = reader.choice(Flags())[0]
    if reader.at < len(text):
        raise reader.broken("')' found without a '(' before it")
    return Pattern(root, reader.groups, reader.names)


_REPEAT: Final = re.compile(r"\{([0-9]+)(,([0-9]*))?\}")
_OPENING: Final = re.compile(r"\?(?:P?<(?P<name>\w+)>|(?P<flags>[imsU]*(?:-[imsU]+)?)(?P<end>[:)]))", re.ASCII)
_CODE: Final = re.compile(r"x\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2})|(0[0-7]{0,2}|[1-7][0-7]{1,2})")
_CONTROLS: Final = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_FOUND: Final = re.compile(r"\[:(\^?)(\w+):\]")


class Malformed(Refusal):
    """An expression that RE2 does not know either."""


@dataclass
class _Reader:
    text: str
    at: int = 0
    depth: int = 0
    groups: int = 0
    names: dict[str, int] = field(default_factory=dict)

    def broken(self, problem: str) -> Malformed:
        """Return the error for what stands here."""
        return Malformed(f"the regular expression {shown(self.text)} is not one of RE2 at character {self.at + 1}: {problem}")

    def choice(self, flags: Flags) -> tuple[Expression, Flags]:
        """Read alternatives up to a `)` or the end; flags set in one hold for the next."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Refusal(f"groups of a regular expression stand more than {MAX_DEPTH} deep within each other")
        choices: list[Expression] = []
        while True:
            part, flags = self._sequence(flags)
            choices.append(part)
            if not self._take("|"):
                self.depth -= 1
                return (choices[0] if len(choices) == 1 else Choice(tuple(choices))), flags

    def _take(self, text: str) -> bool:
        if self.text.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    def _sequence(self, flags: Flags) -> tuple[Expression, Flags]:
        parts: list[Expression] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            if self._take("\\Q"):
                parts += self._quoted(flags)
            elif self.text.startswith("(?", self.at):
                part, flags = self._special_group(flags)
                parts.append(part)
            else:
                parts.append(self._atom(flags))
            self._repeat(parts, flags)
        return (parts[0] if len(parts) == 1 else Sequence(tuple(parts))), flags

    def _quoted(self, flags: Flags) -> list[Expression]:
        quoted, _, _ = self.text[self.at :].partition("\\E")
        self.at = min(self.at + len(quoted) + 2, len(self.text))
        return [only(character, folds=flags.i) for character in quoted]

    def _special_group(self, flags: Flags) -> tuple[Expression, Flags]:
        """Read `(?flags)`, `(?flags:…)` or `(?P<name>…)`; what looks around has no linear time, and is refused."""
        opening = _OPENING.match(self.text, self.at + 1)
        if opening is None:
            raise self.broken("'(?' opens neither a name, flags nor a group; what looks ahead or behind is not supported")
        self.at = opening.end()
        if name := opening["name"]:
            if name in self.names:
                raise self.broken(f"the name {shown(name)} is given twice")
            self.names[name] = self.groups + 1
            return self._group(flags), flags
        changed = _changed(flags, opening["flags"])
        if opening["end"] == ")":
            return Sequence(()), changed
        part, _ = self.choice(changed)
        self._close()
        return part, flags

    def _group(self, flags: Flags) -> Group:
        self.groups += 1
        index = self.groups
        part, _ = self.choice(flags)
        self._close()
        return Group(index, part)

    def _close(self) -> None:
        if not self._take(")"):
            raise self.broken("a group is not closed: ')' is missing")

    def _repeat(self, parts: list[Expression], flags: Flags) -> None:
        """Read the repetition that follows the last part; another one right behind it is refused."""
        bounds = self._bounds()
        if bounds is None:
            return
        if not parts:
            raise self.broken("there is nothing to repeat")
        least, most = bounds
        if least > MAX_REPEAT or (most or 0) > MAX_REPEAT or (most is not None and most < least):
            raise self.broken(f"a repetition goes from a number up to one that is not less, and {MAX_REPEAT} is the most")
        parts[-1] = Repeat(parts[-1], least, most, greedy=self._take("?") == flags.U)
        if self._bounds() is not None:
            raise self.broken("a repetition is repeated; a group around it can be")

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(sign):
                return bounds
        found = _REPEAT.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        least, comma, most = found.groups()
        if len(least) > 5 or len(most or "") > 5:
            return MAX_REPEAT + 1, None
        return int(least), (int(least) if not comma else int(most) if most else None)

    def _atom(self, flags: Flags) -> Expression:
        character = self.text[self.at]
        if character == "[":
            return self._class(flags)
        if character == "\\":
            return self._escape(flags)
        if character in "*+?" or _REPEAT.match(self.text, self.at):
            raise self.broken("there is nothing to repeat")
        self.at += 1
        match character:
            case "(":
                return self._group(flags)
            case ".":
                return Characters((), negated=True) if flags.s else Characters((Part((("\n", "\n"),)),), negated=True)
            case "^":
                return Assertion("^" if flags.m else "A")
            case "$":
                return Assertion("$" if flags.m else "z")
        return only(character, folds=flags.i)

    def _escape(self, flags: Flags) -> Expression:
        if self.text[self.at + 1 : self.at + 2] in tuple("AzbB"):
            self.at += 2
            return Assertion(self.text[self.at - 1])
        part = self._escaped_class()
        if part is not None:
            return Characters((part,), folds=flags.i and bool(part.category))
        return only(self._escaped_character(), folds=flags.i)

    def _escaped_class(self) -> Part | None:
        """Read `\\d`, `\\pL` or `\\p{Lu}`; None when something else stands here."""
        letter = self.text[self.at + 1 : self.at + 2]
        if letter.lower() in PERL:
            self.at += 2
            return Part(PERL[letter.lower()], negated=letter.isupper())
        if letter not in ("p", "P"):
            return None
        found = re.compile(r"\{(\^?)(\w+)\}|(\w)").match(self.text, self.at + 2)
        name = (found[2] or found[3]) if found else ""
        if found is None:
            raise self.broken("'\\p' takes a general category, like L or Lu")
        if name not in CATEGORIES and name != "Any":
            raise Refusal(f"the class {shown(name)} of a regular expression is not supported: general categories, like L or Lu, are")
        self.at = found.end()
        return Part(category=name, negated=(letter == "P") != bool(found[1]))

    def _escaped_character(self) -> str:
        """Read an escape that stands for one character."""
        self.at += 1
        letter = self.text[self.at : self.at + 1]
        if found := _CODE.match(self.text, self.at):
            code = int(found[1] or found[2] or "0", 16) or int(found[3] or "0", 8)
            if code > 0x10FFFF:
                raise self.broken("a code point goes up to 10FFFF")
            self.at = found.end()
            return chr(code)
        if not letter or (letter.isascii() and letter.isalnum() and letter not in _CONTROLS) or letter == "_" or not letter.isascii():
            raise self.broken(f"{shown(chr(92) + letter)} is not an escape")
        self.at += 1
        return _CONTROLS.get(letter, letter)

    def _class(self, flags: Flags) -> Characters:
        start = self.at
        self.at += 1
        negated = self._take("^")
        parts: list[Part] = []
        while True:
            if self.at >= len(self.text):
                self.at = start
                raise self.broken("a class is not closed: ']' is missing")
            if parts and self._take("]"):
                break
            parts.append(self._class_part())
        return Characters(tuple(parts), negated=negated, folds=flags.i)

    def _class_part(self) -> Part:
        if found := _FOUND.match(self.text, self.at):
            if found[2] not in POSIX:
                raise self.broken(f"{shown(found[2])} is not a class: {', '.join(sorted(POSIX))} are")
            self.at = found.end()
            return Part(POSIX[found[2]], negated=bool(found[1]))
        if self.text[self.at] == "\\" and (part := self._escaped_class()):
            return part
        first = self._class_character()
        if self.text.startswith("-", self.at) and not self.text.startswith("-]", self.at):
            self.at += 1
            if self.at >= len(self.text):
                raise self.broken("a class is not closed: ']' is missing")
            last = self._class_character()
            if last < first:
                raise self.broken(f"a range goes from {shown(first)} down to {shown(last)}")
            return Part(((first, last),))
        return Part(((first, first),))

    def _class_character(self) -> str:
        if self.text[self.at] == "\\":
            return self._escaped_character()
        self.at += 1
        return self.text[self.at - 1]


def _changed(flags: Flags, text: str) -> Flags:
    on, _, off = text.partition("-")
    return replace(flags, **dict.fromkeys(on, True), **dict.fromkeys(set(off) - set(on), False))
