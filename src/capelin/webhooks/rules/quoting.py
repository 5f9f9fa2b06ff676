"""How refusals quote what they found."""

from __future__ import annotations

import re
from typing import Any, Final

_LONGEST: Final = 80
"""Characters of a quoted value: the most a label may have, and a little more. What is longer is recognised by its beginning."""

_SECRET: Final = re.compile(
    r"(?:passwords?|passwd|passphrase|secrets?|tokens?|credentials?|private[-_]?key|api[-_]?key)(?![^.\[\]])", re.IGNORECASE
)
"""The end of the names that people give to secrets; `secretName` and `tokenSeconds` are none."""


def is_secret_name(*names: str) -> bool:
    """Tell whether one of the names, or a step of one that is a path, is one that people give to secrets."""
    return any(_SECRET.search(name) for name in names)


def quoted(value: Any) -> str:
    """Return a value as a refusal shows it: a long one is cut, and says how long it is."""
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]!r}… ({len(value)} characters)"
    return repr(value)
