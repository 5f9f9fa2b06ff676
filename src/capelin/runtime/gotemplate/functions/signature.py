"""What a function takes, and how a value becomes its argument: by the types of Go, which converts nothing but constants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from capelin.runtime.gotemplate.errors import Refusal, shown
from capelin.runtime.gotemplate.nodes import Literal, Nil, Number
from capelin.runtime.gotemplate.values import Int64, is_nil, type_of


class Parameter(Enum):
    """The type of a parameter; the value is its name in Go."""

    ANY = "interface {}"
    STRING = "string"
    INT = "int"
    FLOAT = "float64"
    BOOL = "bool"
    DICT = "map[string]interface {}"


ANY, STRING, INT, FLOAT, BOOL, DICT = Parameter
_EXACT = {Parameter.STRING: str, Parameter.INT: int, Parameter.FLOAT: float, Parameter.BOOL: bool, Parameter.DICT: dict}


@dataclass(frozen=True, slots=True)
class Function:
    """A function: `call` gets the budget of the rendering and then the arguments; `rest` is the type of any number of further ones."""

    call: Callable[..., Any]
    fixed: tuple[Parameter, ...] = ()
    rest: Parameter | None = None

    def parameters(self, name: str, count: int) -> list[Parameter]:
        """Return the types for so many arguments.

        Raises:
            Refusal: it takes another number of them.
        """
        if count < len(self.fixed) or (self.rest is None and count > len(self.fixed)):
            allowed = f"{'at least ' if self.rest else ''}{len(self.fixed)}"
            raise Refusal(f"{name} is called with {count} arguments, and it takes {allowed}")
        further = [self.rest] * (count - len(self.fixed)) if self.rest else []
        return [*self.fixed, *further]


def argument(value: Any, parameter: Parameter) -> Any:
    """Return the value as an argument of that type.

    Raises:
        Refusal: it is of another type.
    """
    if is_nil(value):
        if parameter is Parameter.ANY:
            return None
        if parameter is Parameter.DICT:
            return {}
        raise Refusal(f"there is no value, and a {parameter.value} is expected")
    if parameter is Parameter.ANY or type(value) is _EXACT[parameter]:
        return value
    raise Refusal(f"a value of type {type_of(value)} found, and a {parameter.value} is expected{_advice(value, parameter)}")


def _advice(value: Any, parameter: Parameter) -> str:
    if parameter is Parameter.STRING:
        return ": toString makes one"
    return ": int makes one" if parameter is Parameter.INT and isinstance(value, float | Int64) else ""


def constant(node: Literal | Number | Nil, parameter: Parameter) -> Any:
    """Return a constant as an argument of that type; a number takes the type that is asked for.

    Raises:
        Refusal: it cannot be of that type.
    """
    match node:
        case Nil():
            if parameter in (Parameter.ANY, Parameter.DICT):
                return argument(None, parameter)
            raise Refusal(f"nil found, and a {parameter.value} is expected")
        case Literal():
            return argument(node.value, parameter)
    if parameter is Parameter.INT and node.integer is not None:
        return node.integer
    if parameter is Parameter.FLOAT:
        return node.real
    if parameter is Parameter.ANY:
        return ideal(node)
    raise Refusal(f"{shown(node.text)} found, and a {parameter.value} is expected")


def ideal(node: Number) -> int | float:
    """Return the number in the type that its text suggests."""
    return node.real if node.is_float or node.integer is None else node.integer
