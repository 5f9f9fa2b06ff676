"""A Go template that was read: what it makes of data, and which fields of them it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from capelin.runtime.gotemplate import reading, rendering
from capelin.runtime.gotemplate.functions.catalogue import FUNCTIONS
from capelin.runtime.gotemplate.functions.signature import Function
from capelin.runtime.gotemplate.nodes import Block
from capelin.runtime.gotemplate.parser import MAIN, definitions


@dataclass(frozen=True, slots=True)
class Template:
    """A template; `definitions` are its blocks by name, the template itself under the empty one."""

    text: str
    definitions: Mapping[str, Block]
    functions: Mapping[str, Function]

    def render(self, data: Any) -> str:
        """Return what the template makes of JSON data, which stay as they are.

        Numbers of the data are floats, as in Go: `{{ if eq .replicas 1.0 }}`, and a million prints as `1e+06`.

        Raises:
            TemplateError: it fails, or takes more steps, text or depth than a rendering may.
        """
        return rendering.render(self.text, self.definitions, self.functions, MAIN, data)

    def fields(self) -> frozenset[tuple[str, ...]]:
        """Return the chains of fields that it reads from its data, as far as they are literal.

        `{{ .builtin.cluster.name }}` reads `("builtin", "cluster", "name")`. A chain that another one starts with can be among them.
        """
        return reading.fields(self.definitions, MAIN)


def parse(text: str, *, functions: Mapping[str, Function] = FUNCTIONS) -> Template:
    """Read a template.

    Raises:
        TemplateError: the text is no template, calls a function that is not among `functions`, or exceeds a bound.
    """
    return Template(text, definitions(text, functions), functions)
