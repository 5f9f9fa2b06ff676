"""The Corefile: CoreDNS's configuration, read into server blocks with their plugins and options, and written again.

Comments and spacing are lost, as with the standard. Unlike there, a word is quoted whenever it would otherwise be read differently, an
empty block stays a block, and a text that cannot be read whole is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_INDENT = "    "


@dataclass(frozen=True, slots=True)
class Option:
    """One line in the block of a plugin."""

    name: str
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin of a server block."""

    name: str
    args: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Server:
    """A server block with its zones and ports as `keys`; a line without a block, such as an import, has None for plugins."""

    keys: tuple[str, ...]
    plugins: tuple[Plugin, ...] | None


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    first_line: int
    last_line: int


def read(text: str) -> tuple[Server, ...]:
    """Return the server blocks of a Corefile.

    Raises:
        ValueError: a block or a quote is not closed, a brace stands where none may be, or blocks stand inside each other more deeply than
            options do.
    """
    lines = _Lines(text)
    servers = [_server(words, lines) for words in lines]
    return tuple(servers)


def written(servers: Iterable[Server]) -> str:
    """Return the Corefile with these server blocks."""
    return "\n".join(_written_server(server) for server in servers)


class _Lines(Iterator[list[str]]):
    """Lines of words one after the other. A brace ends a line: `opened` tells whether the last line opened a block, `closed` whether it was
    the end of one."""

    def __init__(self, text: str) -> None:
        self._words = list(_words(text))
        self._next = 0
        self.opened = False
        self.closed = False

    def __next__(self) -> list[str]:
        if self._next == len(self._words):
            raise StopIteration
        self.opened = False
        first = self._words[self._next]
        self._next += 1
        self.closed = first.text == "}"
        if first.text == "{":
            raise ValueError(f"line {first.first_line} of the Corefile opens a block that belongs to nothing")
        return [] if self.closed else [first.text, *self._arguments(first.last_line)]

    def _arguments(self, line: int) -> Iterator[str]:
        while self._next < len(self._words) and not self.opened:
            word = self._words[self._next]
            self.opened = word.text == "{"
            if word.first_line != line and not self.opened:
                return
            if word.text == "}":
                raise ValueError(f"line {line} of the Corefile ends with a brace, which must have a line of its own")
            self._next += 1
            line = word.last_line
            if not self.opened:
                yield word.text

    def block(self) -> Iterator[list[str]]:
        """Yield the lines of the block that the last line opened, up to its end.

        Raises:
            ValueError: the text ends before the block does.
        """
        for words in self:
            if self.closed:
                return
            yield words
        raise ValueError("the Corefile ends inside a block")


def _server(keys: list[str], lines: _Lines) -> Server:
    if lines.closed:
        raise ValueError("the Corefile closes a block that it did not open")
    plugins = tuple(_plugin(words, lines) for words in lines.block()) if lines.opened else None
    return Server(tuple(keys), plugins)


def _plugin(words: list[str], lines: _Lines) -> Plugin:
    options = tuple(_option(inner, lines) for inner in lines.block()) if lines.opened else ()
    return Plugin(words[0], tuple(words[1:]), options)


def _option(words: list[str], lines: _Lines) -> Option:
    if lines.opened:
        raise ValueError(f"option {words[0]!r} opens a block of its own, which no plugin of CoreDNS reads")
    return Option(words[0], tuple(words[1:]))


def _words(text: str) -> Iterator[_Word]:
    rest, line = text.removeprefix("\N{BYTE ORDER MARK}").replace("\r\n", "\n"), 1
    at = 0
    while at < len(rest):
        character = rest[at]
        if character == "\n":
            line += 1
            at += 1
        elif character.isspace():
            at += 1
        elif character == "#":
            at = _end_of_line(rest, at)
        elif character == '"':
            word, at = _quoted(rest, at + 1)
            yield _Word(word, line, line + word.count("\n"))
            line += word.count("\n")
        else:
            end = at
            while end < len(rest) and not rest[end].isspace() and rest[end] != "#":
                end += 1
            yield _Word(rest[at:end], line, line)
            at = _end_of_remark(rest, end)


def _end_of_remark(text: str, at: int) -> int:
    """A remark that begins inside a word ends with it: CoreDNS reads what follows on the line."""
    if text[at : at + 1] == "#":
        while at < len(text) and not text[at].isspace():
            at += 1
    return at


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _quoted(text: str, start: int) -> tuple[str, int]:
    """Return the word in quotes that starts there, and where the text goes on; only a quote can be escaped."""
    found: list[str] = []
    at = start
    while at < len(text):
        if text[at] == '"':
            return "".join(found), at + 1
        if text[at] == "\\" and at + 1 < len(text):
            found.append('"' if text[at + 1] == '"' else text[at : at + 2])
            at += 2
        else:
            found.append(text[at])
            at += 1
    raise ValueError("the Corefile ends inside a quote")


def _written_server(server: Server) -> str:
    head = _line((*server.keys,))
    if server.plugins is None:
        return head
    inner = [_INDENT + _written_plugin(plugin) for plugin in server.plugins]
    return "\n".join([f"{head} {{", *inner, "}", ""])


def _written_plugin(plugin: Plugin) -> str:
    head = _line((plugin.name, *plugin.args))
    if not plugin.options:
        return head
    inner = [_INDENT * 2 + _line((option.name, *option.args)) for option in plugin.options]
    return "\n".join([f"{head} {{", *inner, f"{_INDENT}}}"])


def _line(words: Iterable[str]) -> str:
    return " ".join(map(_written_word, words))


def _written_word(word: str) -> str:
    plain = word and not word.startswith('"') and "#" not in word and not any(map(str.isspace, word))
    return word if plain else '"' + word.replace('"', '\\"') + '"'
