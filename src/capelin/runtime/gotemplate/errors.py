"""What goes wrong with a template, when it is read or when it is rendered."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(eq=False)
class TemplateError(ValueError):
    """A template that cannot be read or rendered. `line` and `column` count from one, in characters."""

    line: int
    column: int
    problem: str

    def __str__(self) -> str:
        return f"template: {self.line}:{self.column}: {self.problem}"


class Refusal(ValueError):
    """A function, an operand or a bound that stops the rendering; whoever renders adds where in the template."""


def error_at(text: str, position: int, problem: str) -> TemplateError:
    """Return the error for what stands at `position` of the template."""
    start = text.rfind("\n", 0, position) + 1
    return TemplateError(text.count("\n", 0, position) + 1, position - start + 1, problem)


def shown(found: str, limit: int = 40) -> str:
    """Quote what was found, cut to a length that a message can bear."""
    return repr(found if len(found) <= limit else found[: limit - 1] + "…")
