"""From tokens to the tree of a template, by the grammar of Go's text/template/parse."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, NoReturn

from capelin.runtime.gotemplate import literals, names
from capelin.runtime.gotemplate.bounds import MAX_PARSE_DEPTH
from capelin.runtime.gotemplate.errors import error_at, shown
from capelin.runtime.gotemplate.lexer import Kind, Token, tokens
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

MAIN: Final = ""
"""The name under which the template itself stands among its definitions."""

_OPERANDS: Final = frozenset(
    {Kind.BOOL, Kind.CHARACTER, Kind.DOT, Kind.FIELD, Kind.IDENTIFIER, Kind.NUMBER, Kind.NIL, Kind.STRING, Kind.VARIABLE, Kind.LEFT}
)


def definitions(text: str, functions: Collection[str]) -> dict[str, Block]:
    """Return the blocks that a template defines, by name; the template itself is MAIN.

    Raises:
        TemplateError: the text is no template, calls a function that is not among `functions`, or exceeds a bound.
    """
    parser = _Parser(text, tokens(text), functions)
    parser.define(MAIN, 0, parser.top())
    return parser.definitions


@dataclass(frozen=True, slots=True)
class _End:
    """What ended a block: `end`, or `else` with the keyword that follows it at once."""

    keyword: str
    position: int


@dataclass
class _Parser:
    text: str
    tokens: list[Token]
    functions: Collection[str]
    definitions: dict[str, Block] = field(default_factory=dict)
    at: int = 0
    depth: int = 0
    ranges: int = 0
    variables: list[str] = field(default_factory=lambda: ["$"])

    def define(self, name: str, position: int, block: Block) -> None:
        """Enter a definition; of two with one name, one must be empty."""
        if not _is_empty(self.definitions.get(name, ())):
            if not _is_empty(block):
                raise error_at(self.text, position, f"template {shown(name)} is defined more than once")
            return
        self.definitions[name] = block

    def top(self) -> Block:
        """Read the whole template; definitions may stand at this level only."""
        nodes: list[Node] = []
        while self._peek().kind is not Kind.END:
            if self._opens("define"):
                self._definition()
                continue
            node = self._node()
            if isinstance(node, _End):
                raise error_at(self.text, node.position, f"'{node.keyword}' found outside a block")
            nodes.append(node)
        return tuple(nodes)

    def _definition(self) -> None:
        name = self._next_word()
        if name.kind is not Kind.STRING:
            self._unexpected(name, "a definition", "a name in quotes")
        self._close("define")
        with self._fresh_scope(name):
            block = self._block("define")
        self.define(self._unquoted(name), name.position, block)

    @contextmanager
    def _fresh_scope(self, token: Token) -> Iterator[None]:
        """Read a definition's body: it sees no variable and no loop of what surrounds it."""
        outer = self.variables, self.ranges
        self.variables, self.ranges = ["$"], 0
        with self._deeper(token):
            yield
        self.variables, self.ranges = outer

    @contextmanager
    def _deeper(self, token: Token) -> Iterator[None]:
        self.depth += 1
        if self.depth > MAX_PARSE_DEPTH:
            raise error_at(self.text, token.position, f"blocks and parentheses stand more than {MAX_PARSE_DEPTH} deep within each other")
        yield
        self.depth -= 1

    # Blocks

    def _block(self, keyword: str) -> Block:
        """Read up to the `end` of a block that may have no `else`."""
        block, end = self._nodes()
        if end.keyword != "end":
            raise error_at(self.text, end.position, f"'else' found, and '{keyword}' has none")
        return block

    def _nodes(self) -> tuple[Block, _End]:
        nodes: list[Node] = []
        while True:
            node = self._node()
            if isinstance(node, _End):
                return tuple(nodes), node
            nodes.append(node)

    def _node(self) -> Node | _End:
        token = self._next()
        if token.kind is Kind.TEXT:
            return Text(token.position, token.text)
        if token.kind is Kind.END:
            raise error_at(self.text, token.position, "the template ends within a block: '{{end}}' is missing")
        self._skip_space()
        word = self._peek()
        if word.kind is not Kind.KEYWORD:
            return Action(word.position, self._pipe("an action", Kind.CLOSE))
        self._next()
        return self._keyword(word)

    def _keyword(self, word: Token) -> Node | _End:
        match word.text:
            case "if" | "with" | "range":
                return self._branch(word)
            case "end":
                self._close("end")
                return _End("end", word.position)
            case "else":
                return self._else(word)
            case "template" | "block":
                return self._invocation(word)
            case "break" | "continue":
                self._close(word.text)
                if not self.ranges:
                    raise error_at(self.text, word.position, f"'{word.text}' found outside 'range'")
                return Jump(word.position, word.text)
        raise error_at(self.text, word.position, "'define' found within a block; it may stand at the top only")

    def _else(self, word: Token) -> _End:
        self._skip_space()
        if self._peek().text not in ("if", "with"):
            self._close("else")
        return _End("else", word.position)

    def _branch(self, word: Token) -> Branch:
        known = len(self.variables)
        with self._deeper(word):
            pipe = self._pipe(word.text, Kind.CLOSE)
            self.ranges += word.text == "range"
            body, end = self._nodes()
            self.ranges -= word.text == "range"
            otherwise = self._otherwise(word.text) if end.keyword == "else" else ()
        del self.variables[known:]
        return Branch(word.position, word.text, pipe, body, otherwise)

    def _otherwise(self, keyword: str) -> Block:
        following = self._peek()
        if following.kind is not Kind.KEYWORD:
            return self._block("else")
        if following.text != keyword:
            self._unexpected(following, "'else'", f"'}}}}' or '{keyword}'" if keyword != "range" else "'}}'")
        self._next()
        return (self._branch(following),)

    def _invocation(self, word: Token) -> Invocation:
        name = self._next_word()
        if name.kind is not Kind.STRING:
            self._unexpected(name, f"'{word.text}'", "a name in quotes")
        pipe = None
        self._skip_space()
        if word.text == "template" and self._peek().kind is Kind.CLOSE:
            self._next()
        else:
            pipe = self._pipe(word.text, Kind.CLOSE)
        if word.text == "block":
            with self._fresh_scope(word):
                block = self._block("block")
            self.define(self._unquoted(name), name.position, block)
        return Invocation(word.position, self._unquoted(name), pipe)

    # Pipelines

    def _pipe(self, context: str, end: Kind) -> Pipe:
        self._skip_space()
        position = self._peek().position
        variables, assigns = self._declarations(context)
        commands: list[Command] = []
        while (token := self._next_word()).kind is not end:
            if token.kind not in _OPERANDS:
                self._unexpected(token, context, f"a value or {end.value!r}")
            self.at -= 1
            command = self._command()
            if commands and isinstance(command.operands[0], Dot | Nil | Literal | Number):
                raise error_at(self.text, command.position, "a value found after '|', and only a function can take one from there")
            commands.append(command)
        if not commands:
            raise error_at(self.text, token.position, f"{context} has no value")
        return Pipe(position, variables, assigns, tuple(commands))

    def _declarations(self, context: str) -> tuple[tuple[str, ...], bool]:
        """Read `$x :=`, `$x =` and, in `range`, `$i, $x :=`; read nothing when none stands here."""
        declared: list[str] = []
        while (variable := self._peek()).kind is Kind.VARIABLE:
            start = self.at
            self._next()
            sign = self._next_word()
            if sign.kind not in (Kind.DECLARE, Kind.ASSIGN) and sign.text != ",":
                self.at = start
                break
            declared.append(variable.text)
            self.variables.append(variable.text)
            if sign.text != ",":
                return tuple(declared), sign.kind is Kind.ASSIGN
            if context != "range" or len(declared) == 2:
                raise error_at(
                    self.text, sign.position, f"{context} can declare {'two variables' if context == 'range' else 'one variable'}"
                )
            self._skip_space()
            if self._peek().kind is not Kind.VARIABLE:
                self._unexpected(self._peek(), context, "a second variable")
        return tuple(declared), False

    def _command(self) -> Command:
        operands: list[Operand] = []
        position = self._peek().position
        while True:
            self._skip_space()
            operand = self._operand()
            if operand is not None:
                operands.append(operand)
            token = self._next()
            if token.kind in (Kind.CLOSE, Kind.RIGHT):
                self.at -= 1
            elif token.kind is Kind.SPACE:
                continue
            elif token.kind is not Kind.PIPE:
                self._unexpected(token, "a command", "a space, '|' or the end")
            if not operands:
                raise error_at(self.text, token.position, "a command is empty")
            return Command(position, tuple(operands))

    def _operand(self) -> Operand | None:
        token = self._peek()
        if token.kind not in _OPERANDS:
            return None
        term = self._term(self._next())
        added: list[str] = []
        while self._peek().kind is Kind.FIELD:
            added.append(self._next().text[1:])
        if not added:
            return term
        match term:
            case Field(position, fields):
                return Field(position, (*fields, *added))
            case Variable(position, name, fields):
                return Variable(position, name, (*fields, *added))
            case Pipe() | Identifier():
                return Chain(term.position, term, tuple(added))
        raise error_at(self.text, token.position, f"{shown(token.text)} has no fields, and '.{added[0]}' follows")

    def _term(self, token: Token) -> Operand:
        match token.kind:
            case Kind.IDENTIFIER:
                if token.text not in self.functions:
                    raise error_at(self.text, token.position, names.unknown(token.text, self.functions))
                return Identifier(token.position, token.text)
            case Kind.DOT:
                return Dot(token.position)
            case Kind.NIL:
                return Nil(token.position)
            case Kind.FIELD:
                return Field(token.position, (token.text[1:],))
            case Kind.VARIABLE:
                if token.text not in self.variables:
                    raise error_at(self.text, token.position, f"variable {shown(token.text)} is not defined")
                return Variable(token.position, token.text)
            case Kind.LEFT:
                with self._deeper(token):
                    return self._pipe("a parenthesis", Kind.RIGHT)
        return self._constant(token)

    def _constant(self, token: Token) -> Literal | Number:
        if token.kind is Kind.BOOL:
            return Literal(token.position, token.text == "true")
        if token.kind is Kind.STRING:
            return Literal(token.position, self._unquoted(token))
        try:
            return _number(token)
        except ValueError as exc:
            raise error_at(self.text, token.position, str(exc)) from exc

    def _unquoted(self, token: Token) -> str:
        try:
            return literals.unquote(token.text)
        except ValueError as exc:
            raise error_at(self.text, token.position, str(exc)) from exc

    # Tokens

    def _peek(self) -> Token:
        return self.tokens[self.at]

    def _next(self) -> Token:
        token = self.tokens[self.at]
        self.at += token.kind is not Kind.END
        return token

    def _skip_space(self) -> None:
        if self._peek().kind is Kind.SPACE:
            self.at += 1

    def _next_word(self) -> Token:
        self._skip_space()
        return self._next()

    def _opens(self, keyword: str) -> bool:
        """Tell whether an action with that keyword comes next, and read the keyword if so."""
        start = self.at
        if self._next().kind is Kind.OPEN and self._next_word()[:2] == (Kind.KEYWORD, keyword):
            return True
        self.at = start
        return False

    def _close(self, keyword: str) -> None:
        token = self._next_word()
        if token.kind is not Kind.CLOSE:
            self._unexpected(token, f"'{keyword}'", "'}}'")

    def _unexpected(self, token: Token, context: str, allowed: str) -> NoReturn:
        found = token.kind.value if token.kind in (Kind.END, Kind.TEXT) else shown(token.text)
        raise error_at(self.text, token.position, f"{found} found in {context}, and {allowed} is allowed")


def _number(token: Token) -> Number:
    if token.kind is Kind.CHARACTER:
        point = literals.character(token.text)
        return Number(token.position, token.text, point, float(point), is_float=False)
    integer = literals.integer(token.text)
    if integer is not None:
        if integer not in literals.INT64:
            raise ValueError(f"{shown(token.text)} does not fit into 64 bits")
        return Number(token.position, token.text, integer, float(integer), is_float=False)
    real = literals.real(token.text)
    if real is None or not set(token.text) & set(".eEpP"):
        raise ValueError(f"{shown(token.text)} is not a number")
    if real.is_integer() and int(real) in literals.INT64:
        return Number(token.position, token.text, int(real), real, is_float=True)
    return Number(token.position, token.text, None, real, is_float=True)


def _is_empty(block: Block) -> bool:
    return all(isinstance(node, Text) and not node.text.strip() for node in block)
