"""Rendering: walking the tree of a template over its data, as Go's text/template/exec does, within a budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from capelin.runtime.gotemplate import printing
from capelin.runtime.gotemplate.bounds import Budget
from capelin.runtime.gotemplate.errors import Refusal, error_at, shown
from capelin.runtime.gotemplate.functions.encodings import clean
from capelin.runtime.gotemplate.functions.signature import Function, Parameter, argument, constant, ideal
from capelin.runtime.gotemplate.functions.versions import FIELDS, Version
from capelin.runtime.gotemplate.nodes import (
    Action,
    Block,
    Branch,
    Chain,
    Command,
    Dot,
    Field,
    Identifier,
    Invocation,
    Jump,
    Literal,
    Nil,
    Node,
    Number,
    Operand,
    Pipe,
    Text,
    Variable,
)
from capelin.runtime.gotemplate.printing import Sheet
from capelin.runtime.gotemplate.values import MISSING, from_json, is_nil, truth, type_of

_SHORT_CIRCUITS: Final = {"and": False, "or": True}
"""The truth that ends the evaluation of arguments early."""


def render(text: str, definitions: Mapping[str, Block], functions: Mapping[str, Function], main: str, data: Any) -> str:
    """Return what the template makes of JSON data.

    Raises:
        TemplateError: it fails, or exceeds a bound.
    """
    budget = Budget()
    renderer = _Renderer(text, definitions, functions, budget, Sheet(budget))
    try:
        dot = from_json(data, budget)
        renderer.variables = [("$", dot)]
        renderer.block(definitions[main], dot)
        return clean("".join(renderer.sheet.parts))
    except Refusal as exc:
        raise error_at(text, renderer.position, str(exc)) from exc


class _Interruption(Exception):
    """`break` or `continue`, on its way to the loop."""

    def __init__(self, keyword: str) -> None:
        self.keyword = keyword


@dataclass
class _Renderer:
    text: str
    definitions: Mapping[str, Block]
    functions: Mapping[str, Function]
    budget: Budget
    sheet: Sheet
    variables: list[tuple[str, Any]] = field(default_factory=list)
    position: int = 0
    """Where the last node stands that was looked at: what an error names."""

    def block(self, block: Block, dot: Any) -> None:
        """Render the nodes of a block."""
        self.budget.enter()
        for node in block:
            self._node(node, dot)
        self.budget.leave()

    def _at(self, node: Node | Operand | Command) -> None:
        self.position = node.position
        self.budget.spend()

    def _node(self, node: Node, dot: Any) -> None:
        self._at(node)
        match node:
            case Text(_, text):
                self.sheet.write(text)
            case Action(_, pipe):
                value = self._pipe(pipe, dot)
                if not pipe.variables:
                    printing.write(value, printing.atom, self.sheet)
            case Branch(_, "range"):
                with self._scope():
                    self._range(node, dot)
            case Branch():
                with self._scope():
                    self._choose(node, dot)
            case Invocation():
                self._invoke(node, dot)
            case Jump(_, keyword):
                raise _Interruption(keyword)

    @contextmanager
    def _scope(self) -> Iterator[None]:
        """Forget the variables that are declared within, and the levels of what a jump left."""
        declared, depth = len(self.variables), self.budget.depth
        try:
            yield
        finally:
            del self.variables[declared:]
            self.budget.depth = depth

    def _choose(self, node: Branch, dot: Any) -> None:
        value = self._pipe(node.pipe, dot)
        if truth(value):
            self.block(node.body, value if node.keyword == "with" else dot)
        else:
            self.block(node.otherwise, dot)

    def _range(self, node: Branch, dot: Any) -> None:
        value = self._pipe(node.pipe, dot)
        entries = self._entries(value, len(node.pipe.variables))
        is_empty = True
        for index, item in entries:
            is_empty = False
            self.budget.spend()
            self._bind(node.pipe, index, item)
            try:
                with self._scope():
                    self.block(node.body, item)
            except _Interruption as jump:
                if jump.keyword == "break":
                    break
        if is_empty:
            self.block(node.otherwise, dot)

    def _entries(self, value: Any, variables: int) -> Iterator[tuple[Any, Any]]:
        """Return the pairs that `range` goes through: dicts by their keys in order, integers from zero."""
        if isinstance(value, dict):
            return ((key, value[key]) for key in printing.ordered(value, self.budget) if key in value)
        if isinstance(value, list):
            return iter(enumerate(list(value)))
        if isinstance(value, int) and not isinstance(value, bool):
            if variables > 1:
                raise Refusal("range over an integer has one variable only")
            return ((MISSING, type(value)(number)) for number in range(value))
        if is_nil(value):
            return iter(())
        raise Refusal(f"range over a {type_of(value)}: it takes lists, dicts and integers")

    def _bind(self, pipe: Pipe, index: Any, item: Any) -> None:
        """Give the variables of a `range` the values of one pass; a single one gets the item."""
        values = (index, item) if len(pipe.variables) > 1 else (item,)
        for place, (name, value) in enumerate(zip(pipe.variables, values, strict=False)):
            if pipe.assigns:
                self._assign(name, value)
            else:
                self.variables[len(self.variables) - len(pipe.variables) + place] = (name, value)

    def _invoke(self, node: Invocation, dot: Any) -> None:
        block = self.definitions.get(node.name)
        if block is None:
            raise Refusal(f"template {shown(node.name)} is not defined")
        value = self._pipe(node.pipe, dot) if node.pipe else MISSING
        outer, self.variables = self.variables, [("$", value)]
        self.block(block, value)
        self.variables = outer

    # Pipelines

    def _pipe(self, pipe: Pipe, dot: Any) -> Any:
        self.budget.enter()
        value: Any = _NOTHING
        for command in pipe.commands:
            value = self._command(command, dot, value)
            value = MISSING if value is None else value
        for name in pipe.variables:
            if pipe.assigns:
                self._assign(name, value)
            else:
                self.variables.append((name, value))
        self.budget.leave()
        return value

    def _assign(self, name: str, value: Any) -> None:
        for index in range(len(self.variables) - 1, -1, -1):
            if self.variables[index][0] == name:
                self.variables[index] = (name, value)
                return
        raise Refusal(f"variable {shown(name)} is not defined, so it cannot be assigned")

    def _command(self, command: Command, dot: Any, final: Any) -> Any:
        first = command.operands[0]
        self._at(first)
        if isinstance(first, Identifier):
            return self._call(first, command.operands[1:], dot, final)
        if len(command.operands) > 1 or final is not _NOTHING:
            raise Refusal("an argument is given to what is no function")
        if isinstance(first, Nil):
            raise Refusal("nil cannot stand alone")
        return self._value(first, dot)

    def _call(self, identifier: Identifier, operands: tuple[Operand, ...], dot: Any, final: Any) -> Any:
        function = self.functions.get(identifier.name)
        if function is None:
            raise Refusal(f"function {shown(identifier.name)} is not defined")
        parameters = function.parameters(identifier.name, len(operands) + (final is not _NOTHING))
        values: list[Any] = []
        stop = _SHORT_CIRCUITS.get(identifier.name)
        for operand, parameter in zip(operands, parameters, strict=False):
            values.append(self._argument(operand, parameter, dot))
            if stop is not None and truth(values[-1]) == stop:
                return values[-1]
        if final is not _NOTHING:
            values.append(argument(final, parameters[-1]))
        self._at(identifier)
        try:
            return function.call(self.budget, *values)
        except Refusal as exc:
            raise Refusal(f"{identifier.name}: {exc}") from exc

    def _argument(self, operand: Operand, parameter: Parameter, dot: Any) -> Any:
        self._at(operand)
        if isinstance(operand, Literal | Number | Nil):
            return constant(operand, parameter)
        return argument(self._value(operand, dot), parameter)

    def _value(self, operand: Operand, dot: Any) -> Any:
        match operand:
            case Dot():
                return dot
            case Field(_, names):
                return self._fields(dot, names)
            case Variable(_, name, names):
                return self._fields(self._variable(name), names)
            case Chain(_, inner, names):
                return self._fields(self._value(inner, dot), names)
            case Pipe():
                return self._pipe(operand, dot)
            case Identifier():
                return self._call(operand, (), dot, _NOTHING)
            case Number():
                return ideal(operand)
            case Literal(_, value):
                return value
        return None

    def _variable(self, name: str) -> Any:
        for known, value in reversed(self.variables):
            if known == name:
                return value
        raise Refusal(f"variable {shown(name)} is not defined")

    def _fields(self, value: Any, names: tuple[str, ...]) -> Any:
        for name in names:
            if value is MISSING:
                return MISSING
            if isinstance(value, dict):
                value = value.get(name, MISSING)
            elif isinstance(value, Version) and name in FIELDS:
                value = FIELDS[name](value)
            elif value is None:
                raise Refusal(f"field {shown(name)} is asked of null")
            else:
                raise Refusal(f"field {shown(name)} is asked of a {type_of(value)}, and only a dict has fields")
        return value


_NOTHING: Final = object()
"""No value comes through the pipeline."""
