"""Which fields of its data a template reads, as far as the text tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from capelin.runtime.gotemplate.nodes import (
    Action,
    Block,
    Branch,
    Chain,
    Dot,
    Field,
    Invocation,
    Operand,
    Pipe,
    Variable,
)

Path = tuple[str, ...]
"""A chain of names from the data; empty for the data themselves."""

_LONGEST_PATH: Final = 16
_MOST_NODES: Final = 20_000
"""A template that invokes itself with ever deeper fields would have no end of them: after so many nodes its dot is taken for unknown."""


def fields(definitions: Mapping[str, Block], main: str) -> frozenset[Path]:
    """Return the chains that are read from the data, without those that merely lead to a longer one through `with` or a variable.

    What a function returned, an element of a `range` and a variable that was assigned anew are not followed.
    """
    reader = _Reader(definitions, pending=[(main, ())])
    while reader.pending:
        reader.read_next()
    return frozenset(reader.found)


@dataclass
class _Reader:
    definitions: Mapping[str, Block]
    pending: list[tuple[str, Path | None]]
    found: set[Path] = field(default_factory=set)
    visited: set[tuple[str, Path | None]] = field(default_factory=set)
    variables: dict[str, Path | None] = field(default_factory=dict)
    nodes: int = 0

    def read_next(self) -> None:
        """Read the next definition that waits, with the path of its dot; None when that cannot be told."""
        name, dot = self.pending.pop()
        if self.nodes > _MOST_NODES:
            dot = None
        if (name, dot) not in self.visited:
            self.visited.add((name, dot))
            self.variables = {"$": dot}
            self._block(self.definitions.get(name, ()), dot)

    def _block(self, block: Block, dot: Path | None) -> None:
        self.nodes += len(block)
        for node in block:
            match node:
                case Action():
                    self._pipe(node.pipe, dot)
                case Branch():
                    self._branch(node, dot)
                case Invocation():
                    self.pending.append((node.name, self._pipe(node.pipe, dot) if node.pipe else None))

    def _branch(self, node: Branch, dot: Path | None) -> None:
        outer = dict(self.variables)
        value = self._pipe(node.pipe, dot, is_element=node.keyword == "range")
        self._block(node.body, {"if": dot, "with": value, "range": None}[node.keyword])
        self._block(node.otherwise, dot)
        # What a branch may have assigned is not known after it.
        self.variables = {name: path if self.variables.get(name) == path else None for name, path in outer.items()}

    def _pipe(self, pipe: Pipe, dot: Path | None, *, is_element: bool = False) -> Path | None:
        """Read a pipeline and return the path of its value; None when it is not what stands at a path."""
        paths = [[self._operand(operand, dot) for operand in command.operands] for command in pipe.commands]
        value = paths[0][0] if len(paths) == 1 and len(paths[0]) == 1 else None
        for name in pipe.variables:
            self.variables[name] = None if is_element or pipe.assigns else value
        return value

    def _operand(self, operand: Operand, dot: Path | None) -> Path | None:
        match operand:
            case Dot():
                return dot
            case Field(names=names):
                return self._read(dot, names)
            case Variable(name=name, names=names):
                return self._read(self.variables.get(name), names)
            case Chain(operand=inner, names=names):
                return self._read(self._operand(inner, dot), names)
            case Pipe():
                return self._pipe(operand, dot)
        return None

    def _read(self, start: Path | None, names: Path) -> Path | None:
        if start is None:
            return None
        path = (*start, *names)
        if path:
            self.found.add(path)
        return path if len(path) < _LONGEST_PATH else None
