"""Regular expressions of schemas: RE2 syntax, linear time.

The JSON-schema validator reads most patterns itself, in a dialect close to RE2. What it refuses although RE2 accepts it (inline flags,
POSIX classes, `\\z`, …) is matched by RE2, which comes with the CEL library.
"""

from __future__ import annotations

from functools import cache

import jsonschema_rs
from cel_expr_python import cel

_PREFIX = "re2:"


@cache
def is_portable(pattern: str) -> bool:
    """Tell whether the JSON-schema validator reads the pattern and means what RE2 means by it."""
    if "(?<" in pattern or not is_valid(pattern):
        return False
    try:
        jsonschema_rs.Draft7Validator({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions())
    except ValueError:
        return False
    return True


def is_valid(pattern: str) -> bool:
    """Tell whether RE2 can compile the pattern."""
    return complaint(pattern) is None


def complaint(pattern: str) -> str | None:
    """Return why RE2 cannot compile the pattern; None when it can."""
    found = _expression().eval(data={"text": "", "pattern": pattern})
    return None if found.type() == cel.Type.BOOL else str(found.plain_value()).removeprefix("INVALID_ARGUMENT: ")


class Matcher:
    """A pattern that only RE2 reads."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self.name = _PREFIX + pattern

    def matches(self, text: str) -> bool:
        """Tell whether the pattern occurs in `text`."""
        return _expression().eval(data={"text": text, "pattern": self._pattern}).plain_value() is True


def named(name: str) -> str | None:
    """Return the pattern that a matcher of that name matches; None when it is no matcher's name."""
    return name.removeprefix(_PREFIX) if name.startswith(_PREFIX) else None


@cache
def _expression() -> cel.Expression:
    env = cel.NewEnv(variables={"text": cel.Type.STRING, "pattern": cel.Type.STRING})
    return env.compile("text.matches(pattern)")
