"""What decoding JSON loses or leaves in doubt: keys that were written twice, and numbers that are not those of Kubernetes."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, Final

from capelin.runtime import codec
from capelin.runtime.documents import causes
from capelin.runtime.documents.causes import Path

_INT64: Final = (-(2**63), 2**63 - 1)
_DOUBTFUL = re.compile(rb"[0-9][.eE][0-9+-]|[0-9]{19}")
"""Looks like a float or a very large integer; texts that look like one cost a pass over the value, no more."""


def settled(data: bytes, value: Any) -> Any:
    """Return `value`, decoded from `data`, with the numbers that every Kubernetes API server makes of its JSON.

    Whole numbers are integers however they are written (1.0, 1e3), unless they do not fit into 64 bits: then they are floats.
    """
    return _with_numbers(value) if _DOUBTFUL.search(data) else value


def _with_numbers(value: Any) -> Any:
    match value:
        case dict():
            return {name: _with_numbers(child) for name, child in value.items()}
        case list():
            return [_with_numbers(child) for child in value]
        case bool():
            return value
        case int() if not _INT64[0] <= value <= _INT64[1]:
            return float(value)
        case float() if value.is_integer() and _INT64[0] <= value <= _INT64[1]:
            return int(value)
    return value


def duplicates(data: bytes, value: Any) -> tuple[str, ...]:
    """Return the paths of keys that occur more than once in `data`, which was decoded to `value` (the last one counts)."""
    if len(codec.encode(value)) == len(data):
        return ()  # compact JSON that lost nothing by decoding: what programs send, at a tenth of the price of looking
    found: list[Path] = []
    _collect(json.loads(data, object_pairs_hook=_object), (), found)
    return tuple(dict.fromkeys(map(causes.render, found)))


class _Seen(dict[str, Any]):
    """An object that remembers which of its keys were written twice."""

    repeated: list[str]


def _object(pairs: list[tuple[str, Any]]) -> _Seen:
    result = _Seen(pairs)
    result.repeated = []
    if len(result) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        result.repeated = [key for key in result if counts[key] > 1]
    return result


def _collect(value: Any, path: Path, found: list[Path]) -> None:
    if isinstance(value, _Seen):
        found += [(*path, key) for key in value.repeated]
        for key, child in value.items():
            _collect(child, (*path, key), found)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            _collect(child, (*path, index), found)
