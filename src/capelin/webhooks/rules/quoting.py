"""How refusals quote what they found."""

from __future__ import annotations

from typing import Any, Final

_LONGEST: Final = 80
"""Characters of a quoted value: the most a label may have, and a little more. What is longer is recognised by its beginning."""


def quoted(value: Any) -> str:
    """Return a value as a refusal shows it: a long one is cut, and says how long it is."""
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]!r}… ({len(value)} characters)"
    return repr(value)
