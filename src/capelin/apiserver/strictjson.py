"""Request bodies, read strictly: keys that occur twice, nesting that is too deep, integers that do not fit."""

from __future__ import annotations

import json
from typing import Any, Final

from capelin.apiserver import causes
from capelin.apiserver.causes import Path
from capelin.runtime.codec import DecodeError, Document, decode_document

DEPTH_LIMIT: Final = 200
"""Objects and lists inside one another; more than any schema has, less than recursion over a document can bear."""

_INT64: Final = (-(2**63), 2**63 - 1)


def strict_decode(data: bytes) -> tuple[Document, list[str]]:
    """Return the JSON object that `data` spells, and the paths of keys that occur more than once (the last one counts).

    Integers beyond 64 bits become floating-point numbers, and 1.0 and 1e0 are 1, as in every Kubernetes API server.

    Raises:
        DecodeError: `data` is not one JSON object, or is nested too deeply.
    """
    document = decode_document(data)
    keys = _settle(document, 0)
    # In compact JSON every key, and no text, is followed by `":`. Where the counts differ we look closer.
    if data.count(b'":') - data.count(b'\\":') == keys:
        return document, []
    return document, sorted(set(_duplicates(data)))


def _settle(value: Any, depth: int) -> int:
    """Return the number of keys in a container; numbers become what Go makes of them, in place."""
    if depth >= DEPTH_LIMIT:
        raise DecodeError(f"exceeded max depth: objects and lists may be nested {DEPTH_LIMIT} deep")
    is_object = type(value) is dict
    count = len(value) if is_object else 0
    for key, child in value.items() if is_object else enumerate(value):
        kind = type(child)
        if kind is dict or kind is list:
            count += _settle(child, depth + 1)
        elif kind is int and not _INT64[0] <= child <= _INT64[1]:
            value[key] = float(child)
        elif kind is float and child.is_integer() and _INT64[0] <= child <= _INT64[1]:
            value[key] = int(child)
    return count


class _Seen(dict[str, Any]):
    """An object that remembers which of its keys were written twice."""

    repeated: list[str]


def _object(pairs: list[tuple[str, Any]]) -> _Seen:
    result = _Seen(pairs)
    result.repeated = []
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        result.repeated = [key for key in result if keys.count(key) > 1]
    return result


def _duplicates(data: bytes) -> list[str]:
    found: list[Path] = []
    _collect(json.loads(data, object_pairs_hook=_object), (), found)
    return [causes.render(path) for path in found]


def _collect(value: Any, path: Path, found: list[Path]) -> None:
    if isinstance(value, _Seen):
        found += [(*path, key) for key in value.repeated]
        for key, child in value.items():
            _collect(child, (*path, key), found)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            _collect(child, (*path, index), found)
