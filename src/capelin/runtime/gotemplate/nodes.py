"""The tree of a template. Every node knows the position in the text that an error about it names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dot:
    """`.`"""

    position: int


@dataclass(frozen=True, slots=True)
class Nil:
    """`nil`"""

    position: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A string or bool."""

    position: int
    value: str | bool


@dataclass(frozen=True, slots=True)
class Number:
    """A number constant. It takes the type that its place asks for, so it knows each value it can stand for; None where it cannot.

    `is_float` tells the type where any is welcome.
    """

    position: int
    text: str
    integer: int | None
    real: float
    is_float: bool


@dataclass(frozen=True, slots=True)
class Field:
    """`.a.b`"""

    position: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """`$x.a.b`; the name has its dollar sign."""

    position: int
    name: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """`(pipeline).a.b`, or fields of what a function without arguments returns."""

    position: int
    operand: Pipe | Identifier
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identifier:
    """The name of a function."""

    position: int
    name: str


@dataclass(frozen=True, slots=True)
class Command:
    """What to call or read, and its arguments: never empty."""

    position: int
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Pipe:
    """Commands, each of which gets the value of the one before as its last argument; `variables` take the value of the last."""

    position: int
    variables: tuple[str, ...]
    assigns: bool
    commands: tuple[Command, ...]


Operand = Dot | Nil | Literal | Number | Field | Variable | Chain | Identifier | Pipe


@dataclass(frozen=True, slots=True)
class Text:
    """Text that is copied to the output."""

    position: int
    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """A pipeline whose value is printed unless it goes to a variable."""

    position: int
    pipe: Pipe


@dataclass(frozen=True, slots=True)
class Branch:
    """`if`, `with` or `range`, as `keyword` says."""

    position: int
    keyword: str
    pipe: Pipe
    body: Block
    otherwise: Block


@dataclass(frozen=True, slots=True)
class Invocation:
    """`template` with the name of a definition; without a pipeline its dot has no value."""

    position: int
    name: str
    pipe: Pipe | None


@dataclass(frozen=True, slots=True)
class Jump:
    """`break` or `continue`."""

    position: int
    keyword: str


Node = Text | Action | Branch | Invocation | Jump
Block = tuple[Node, ...]
