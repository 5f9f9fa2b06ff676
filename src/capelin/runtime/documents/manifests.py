"""Files of manifests: their documents, and on which line each field stands.

A file is YAML with any number of documents, or JSON objects one after the other. What it may cost to read is bounded before it is read: its
size, the depth of its documents, and what its aliases expand to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import yaml

from capelin.runtime import codec
from capelin.runtime.documents import causes, strictjson
from capelin.runtime.documents.causes import Key, Path
from capelin.runtime.documents.documents import is_deeper
from capelin.runtime.documents.yamlrules import Loader

SIZE_LIMIT: Final = 20 * 1024 * 1024
"""Bytes of a file. A fleet of a thousand clusters has a tenth of it."""

NODES_LIMIT: Final = 200_000
"""Values of one document, those its aliases repeat included: more than fit into what an API server accepts as one object."""

DEPTH_LIMIT: Final = 200
"""Far deeper than any schema; keeps recursive passes over a document away from the interpreter's limit."""


_SPACE: Final = re.compile(r"\s*")


class ManifestError(ValueError):
    """A file cannot be read; the message says on which line and why."""


@dataclass(frozen=True)
class Manifest:
    """One document of a file, which begins on `line` (from 1) and is spelled by `text`; `duplicates` are the paths that were set twice."""

    value: Any
    line: int
    text: str
    duplicates: tuple[str, ...] = ()

    def line_of(self, field: str) -> int:
        """Return the line of a field, named as causes name fields; of what is around it when the field is not there."""
        while field and field not in self._lines:
            field = field[: max(field.rfind("."), field.rfind("["), 0)]
        return self._lines.get(field, self.line)

    @cached_property
    def _lines(self) -> Mapping[str, int]:
        return _survey(self.text, self.line)[0]


def read_manifests(data: bytes) -> list[Manifest]:
    """Return the documents of a file, without the empty ones.

    Raises:
        ManifestError: it is neither YAML nor JSON, or too much of it.
    """
    if len(data) > SIZE_LIMIT:
        raise ManifestError(f"found {len(data)} bytes, allowed are {SIZE_LIMIT}: split the file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError(f"found bytes that are no UTF-8 at offset {error.start}, allowed is text") from error
    if not text.lstrip().startswith(("{", "[")):
        return list(_yaml_documents(text))
    try:
        return list(_json_documents(text))
    except ManifestError:
        raise
    except ValueError as wrong_json:
        try:
            return list(_yaml_documents(text))  # YAML in braces
        except ManifestError:
            raise ManifestError(f"found no JSON: {wrong_json}") from wrong_json


def _json_documents(text: str) -> Iterator[Manifest]:
    decoder, at, line, told = json.JSONDecoder(parse_constant=_no_number), 0, 1, 0
    while (at := _end_of_space(text, at)) < len(text):
        line, told = line + text.count("\n", told, at), at
        try:
            _, end = decoder.raw_decode(text, at)
        except RecursionError as error:
            raise _too_deep(line) from error
        data = text[at:end].encode()
        value = codec.decode(data)
        if is_deeper(value, DEPTH_LIMIT):
            raise _too_deep(line)
        yield Manifest(strictjson.settled(data, value), line, text[at:end], strictjson.duplicates(data, value))
        at = end


def _no_number(name: str) -> None:
    raise ManifestError(f"found {name}, allowed are the numbers of JSON")


def _end_of_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _yaml_documents(text: str) -> Iterator[Manifest]:
    try:
        _check_events(text)
        loader = Loader(text)
        while (node := loader.get_node() if loader.check_node() else None) is not None:
            loader.duplicates = []
            value = loader.construct_document(node)
            if value is not None:
                line, start = node.start_mark.line + 1, text.rfind("\n", 0, node.start_mark.index) + 1
                spelled = text[start : node.end_mark.index]
                yield Manifest(value, line, spelled, _survey(spelled, line)[1] if loader.duplicates else ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        told = " ".join(part for part in (error.context, error.problem) if part)
        raise ManifestError(f"line {mark.line + 1 if mark else 1}: found no YAML: {told}") from error
    except (yaml.YAMLError, ValueError) as error:
        if isinstance(error, ManifestError):
            raise
        raise ManifestError(f"found no YAML: {' '.join(str(error).split())}") from error


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been seen: how many values are in it so far, and how deep they go."""

    anchor: str | None
    size: int = 1
    height: int = 1


def _check_events(text: str) -> None:
    """Return when the YAML can be loaded: the loader calls itself for every level, in C, and would take the process along.

    Raises:
        ManifestError: it is too deep, or grows by aliases.
    """
    anchors: dict[str, _Open] = {}
    around: list[_Open] = []
    total = 0
    for event in yaml.parse(text, Loader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.DocumentStartEvent):
            anchors, total = {}, 0
        elif isinstance(event, yaml.CollectionStartEvent):
            around.append(_Open(event.anchor))
            total += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            _close(around.pop(), around, anchors)
        elif isinstance(event, yaml.ScalarEvent):
            _close(_Open(event.anchor, height=0), around, anchors)
            total += 1
        elif isinstance(event, yaml.AliasEvent):
            total += _repeat(event.anchor, around, anchors, line)
        if len(around) > DEPTH_LIMIT:
            raise _too_deep(line)
        if total > NODES_LIMIT:
            raise ManifestError(f"line {line}: found a document of more than {NODES_LIMIT} values, what its aliases repeat included")


def _close(found: _Open, around: list[_Open], anchors: dict[str, _Open]) -> None:
    if found.anchor:
        anchors[found.anchor] = found
    if around:
        around[-1].size += found.size
        around[-1].height = max(around[-1].height, found.height + 1)


def _repeat(anchor: str | None, around: list[_Open], anchors: dict[str, _Open], line: int) -> int:
    """Count what an alias repeats."""
    if any(level.anchor == anchor for level in around):
        raise ManifestError(f"line {line}: found *{anchor} inside of what it stands for, allowed are aliases of what is complete")
    found = anchors.get(anchor or "", _Open(None, height=0))
    if len(around) + found.height > DEPTH_LIMIT:
        raise _too_deep(line)
    _close(_Open(None, found.size, found.height), around, anchors)
    return found.size


def _too_deep(line: int) -> ManifestError:
    return ManifestError(f"line {line}: found more than {DEPTH_LIMIT} levels in each other")


def _survey(text: str, first: int) -> tuple[Mapping[str, int], tuple[str, ...]]:
    """Return where every field of a document stands, and which are written twice. `first` is the line of the document."""
    lines: dict[str, int] = {}
    duplicates: dict[str, None] = {}
    try:
        root = yaml.compose(text, Loader)
    except yaml.YAMLError:
        return lines, ()  # JSON with the few escapes that YAML does not know: what is told of it names the document's line
    if root is not None:
        _note(root, (), first - root.start_mark.line, lines, duplicates)
    return lines, tuple(duplicates)


def _note(node: yaml.Node, path: Path, offset: int, lines: dict[str, int], duplicates: dict[str, None]) -> None:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[causes.render((*path, index))] = item.start_mark.line + offset
            _note(item, (*path, index), offset, lines, duplicates)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            field = causes.render((*path, name))
            # Rules name the keys of maps in brackets, the schema after a dot: both are found.
            lines[field] = lines[causes.render((*path, Key(name)))] = key.start_mark.line + offset
            if name in seen:
                duplicates[field] = None
            seen.add(name)
            _note(value, (*path, name), offset, lines, duplicates)
