"""Where a regular expression occurs in a text, found in linear time.

Python's own expressions are not RE2's, and some take time that doubles with each character. RE2 comes with the CEL library, which gives
what one group captures, so every other group of the pattern is made one that does not capture.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from cel_expr_python import cel

from capelin.runtime.documents import patterns


def first(text: str, pattern: str) -> str:
    """Return the first occurrence of the pattern; empty when there is none.

    Raises:
        ValueError: RE2 cannot compile the pattern.
    """
    return str(_evaluated("regex.extract(text, pattern).orValue('')", text, pattern))


def occurrences(text: str, pattern: str) -> list[str]:
    """Return the occurrences of the pattern that are not empty.

    Raises:
        ValueError: RE2 cannot compile the pattern.
    """
    found: list[str] = _evaluated("regex.extractAll(text, pattern)", text, pattern)
    return found


_GROUP = re.compile(
    r"""( \\Q.*?(?:\\E|$)                          # quoted text
        | \\.                                      # an escape
        | \[\^?\]?(?:\\.|\[:\w+:\]|[^]\\])*\]     # a class of characters
        ) | \((?:\?P?<\w+>|(?!\?))               # what opens a group that captures""",
    re.DOTALL | re.VERBOSE,
)


def _evaluated(expression: str, text: str, pattern: str) -> Any:
    whole = _GROUP.sub(lambda found: found.group(1) or "(?:", pattern)
    result = _extraction(expression).eval(data={"text": text, "pattern": f"({whole})"})
    if result.type() == cel.Type.ERROR:
        raise ValueError(patterns.complaint(pattern) or str(result.plain_value()))
    return result.plain_value()


@cache
def _extraction(expression: str) -> cel.Expression:
    config = cel.NewEnvConfigFromYaml("name: patterns\nextensions: [{name: regex}, {name: optional}]")
    return cel.NewEnv(config=config, variables={"text": cel.Type.STRING, "pattern": cel.Type.STRING}).compile(expression)
