"""A Go template that was read: what it defines, and which fields it reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from capelin.runtime.gotemplate import reading
from capelin.runtime.gotemplate.names import NAMES
from capelin.runtime.gotemplate.nodes import Block
from capelin.runtime.gotemplate.parser import MAIN, definitions


@dataclass(frozen=True, slots=True)
class Template:
    """A template; `definitions` are its blocks by name, the template itself under the empty one."""

    text: str
    definitions: Mapping[str, Block]

    def fields(self) -> frozenset[tuple[str, ...]]:
        """Return the chains of fields that it reads from its data, as far as they are literal.

        `{{ .builtin.cluster.name }}` reads `("builtin", "cluster", "name")`. A chain that another one starts with can be among them.
        """
        return reading.fields(self.definitions, MAIN)


def parse(text: str, *, functions: Collection[str] = NAMES) -> Template:
    """Read a template.

    Raises:
        TemplateError: the text is no template, calls a function that is not among `functions`, or exceeds a bound.
    """
    return Template(text, definitions(text, functions))
