"""Searching a text: every thread of the automaton moves at once, character by character, and none is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from capelin.runtime.gotemplate.bounds import Budget
from capelin.runtime.gotemplate.linear.program import Accept, Check, Instruction, Jump, Save, Split, Take, compiled
from capelin.runtime.gotemplate.linear.syntax import parse

Ends = tuple[int, ...]
"""Where each group starts and ends, from group 0, the whole match; -1 for a group that took no part."""


@dataclass(frozen=True, slots=True)
class Regex:
    """A compiled expression."""

    instructions: list[Instruction]
    groups: int
    names: dict[str, int]

    def search(self, text: str, start: int, budget: Budget) -> Ends | None:
        """Return the first match at or after `start`, the one that a backtracking search would find; None when there is none."""
        return _Search(self, text, budget).run(start)

    def matches(self, text: str, budget: Budget) -> Iterator[Ends]:
        """Yield the matches from left to right; none overlaps, and none is empty right behind another."""
        position, previous = 0, -1
        while position <= len(text):
            ends = self.search(text, position, budget)
            if ends is None:
                return
            is_empty = ends[1] == position
            accepted = not (is_empty and ends[0] == previous)
            position = position + 1 if is_empty else ends[1]
            previous = ends[1]
            if accepted:
                yield ends


def regex(pattern: str, budget: Budget) -> Regex:
    """Compile an expression.

    Raises:
        Malformed: RE2 does not know it.
        Refusal: it exceeds a bound.
    """
    budget.spend(1 + 2 * len(pattern))
    read = parse(pattern)
    instructions = compiled(read)
    budget.spend(len(instructions) // 2)
    return Regex(instructions, read.groups, read.names)


Thread = tuple[int, Ends]


class _Search:
    def __init__(self, expression: Regex, text: str, budget: Budget) -> None:
        self._instructions = expression.instructions
        self._blank: Ends = (-1,) * (2 * expression.groups + 2)
        self._text = text
        self._budget = budget

    def run(self, start: int) -> Ends | None:
        threads: list[Thread] = []
        found: Ends | None = None
        for position in range(start, len(self._text) + 1):
            seen: set[int] = set()
            ready: list[Thread] = []
            for thread in threads:
                self._follow(thread, position, seen, ready)
            if found is None:
                self._follow((0, self._blank), position, seen, ready)
            self._budget.spend(1 + len(seen) * (8 + len(self._blank)) // 16)
            threads, accepted = self._step(ready, position)
            found = accepted or found
            if not threads and found is not None:
                break
        return found

    def _step(self, ready: list[Thread], position: int) -> tuple[list[Thread], Ends | None]:
        """Move the threads over the character here; those behind one that accepts are worth less than its match, and end."""
        moved: list[Thread] = []
        character = self._text[position : position + 1]
        for at, ends in ready:
            instruction = self._instructions[at]
            if isinstance(instruction, Accept):
                return moved, ends
            if character and isinstance(instruction, Take) and instruction.characters.has(character):
                moved.append((at + 1, ends))
        return moved, None

    def _follow(self, thread: Thread, position: int, seen: set[int], ready: list[Thread]) -> None:
        """Follow a thread to all places where it takes a character or accepts, in the order of their worth."""
        waiting = [thread]
        while waiting:
            at, ends = waiting.pop()
            if at in seen:
                continue
            seen.add(at)
            match self._instructions[at]:
                case Split(first, second):
                    waiting += [(second, ends), (first, ends)]
                case Jump(target):
                    waiting.append((target, ends))
                case Save(slot):
                    waiting.append((at + 1, (*ends[:slot], position, *ends[slot + 1 :])))
                case Check(kind):
                    if self._holds(kind, position):
                        waiting.append((at + 1, ends))
                case _:
                    ready.append((at, ends))

    def _holds(self, kind: str, position: int) -> bool:
        before, after = self._text[max(position - 1, 0) : position], self._text[position : position + 1]
        match kind:
            case "A":
                return not before
            case "z":
                return not after
            case "^":
                return before in ("", "\n")
            case "$":
                return after in ("", "\n")
        return (_is_word(before) != _is_word(after)) == (kind == "b")


def _is_word(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character == "_")
