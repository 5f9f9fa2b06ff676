"""From the tree of an expression to the instructions that a search follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from capelin.runtime.gotemplate.errors import Refusal
from capelin.runtime.gotemplate.linear.classes import Characters
from capelin.runtime.gotemplate.linear.syntax import Assertion, Choice, Expression, Group, Pattern, Repeat, Sequence

MAX_INSTRUCTIONS: Final = 2000
"""A counted repetition is written out, so a short expression can have many."""


@dataclass(slots=True)
class Take:
    """Go on when the next character is one of these."""

    characters: Characters


@dataclass(slots=True)
class Split:
    """Go on at both places, the first one before the second."""

    first: int
    second: int = -1


@dataclass(slots=True)
class Jump:
    """Go on elsewhere."""

    target: int = -1


@dataclass(slots=True)
class Save:
    """Note the place in the text as one end of a group."""

    slot: int


@dataclass(slots=True)
class Check:
    """Go on when the assertion holds here."""

    kind: str


@dataclass(slots=True)
class Accept:
    """A match ends here."""


Instruction = Take | Split | Jump | Save | Check | Accept


def compiled(pattern: Pattern) -> list[Instruction]:
    """Return the instructions; slots 0 and 1 are the ends of the whole match.

    Raises:
        Refusal: there are too many.
    """
    writer = _Writer()
    writer.write(Group(0, pattern.root))
    writer.add(Accept())
    return writer.instructions


@dataclass
class _Writer:
    instructions: list[Instruction] = field(default_factory=list)

    def add(self, instruction: Instruction) -> None:
        if len(self.instructions) >= MAX_INSTRUCTIONS:
            raise Refusal(f"a regular expression has more than the {MAX_INSTRUCTIONS} steps it may have, repetitions written out")
        self.instructions.append(instruction)

    def write(self, part: Expression) -> None:
        """Add the instructions of a part, which go on behind themselves."""
        match part:
            case Characters():
                self.add(Take(part))
            case Assertion(kind):
                self.add(Check(kind))
            case Sequence(parts):
                for each in parts:
                    self.write(each)
            case Choice(parts):
                self._choice(parts)
            case Group(index, inner):
                self.add(Save(2 * index))
                self.write(inner)
                self.add(Save(2 * index + 1))
            case Repeat():
                self._repeat(part)

    def _choice(self, parts: tuple[Expression, ...]) -> None:
        ends: list[Jump] = []
        for part in parts[:-1]:
            split = Split(len(self.instructions) + 1)
            self.add(split)
            self.write(part)
            ends.append(Jump())
            self.add(ends[-1])
            split.second = len(self.instructions)
        self.write(parts[-1])
        for end in ends:
            end.target = len(self.instructions)

    def _repeat(self, part: Repeat) -> None:
        for _ in range(part.least if part.most is not None else part.least - 1):
            self.add_weightless()
            self.write(part.part)
        if part.most is not None:
            self._optional(part, part.most - part.least)
        elif part.least:
            self._loop(part)
        elif _can_be_empty(part.part):
            # `(|a)*` is `((|a)+)?`: else a loop that took nothing would end before it may take something.
            self._optional(Repeat(Repeat(part.part, 1, None, part.greedy), 0, 1, part.greedy), 1)
        else:
            self._star(part)

    def add_weightless(self) -> None:
        """Count a copy of a part that may itself have no instruction."""
        self.add(Jump(len(self.instructions) + 1))

    def _optional(self, part: Repeat, count: int) -> None:
        """Write a part that may follow so many times, each only after the one before."""
        skips: list[Split] = []
        for _ in range(count):
            skips.append(self._fork(len(self.instructions) + 1))
            self.write(part.part)
        for split in skips:
            _aim(split, len(self.instructions), greedy=part.greedy)

    def _star(self, part: Repeat) -> None:
        start = len(self.instructions)
        split = self._fork(start + 1)
        self.write(part.part)
        self.add(Jump(start))
        _aim(split, len(self.instructions), greedy=part.greedy)

    def _loop(self, part: Repeat) -> None:
        start = len(self.instructions)
        self.write(part.part)
        split = self._fork(start)
        _aim(split, len(self.instructions), greedy=part.greedy)

    def _fork(self, inner: int) -> Split:
        split = Split(inner)
        self.add(split)
        return split


def _aim(split: Split, outer: int, *, greedy: bool) -> None:
    """Complete a fork whose `first` goes on within and which else leaves for `outer`."""
    inner = split.first
    split.first, split.second = (inner, outer) if greedy else (outer, inner)


def _can_be_empty(part: Expression) -> bool:
    match part:
        case Characters():
            return False
        case Sequence(parts):
            return all(map(_can_be_empty, parts))
        case Choice(parts):
            return any(map(_can_be_empty, parts))
        case Group(_, inner):
            return _can_be_empty(inner)
        case Repeat(inner, least):
            return least == 0 or _can_be_empty(inner)
    return True
