"""JSON, in one place.

Documents are plain dictionaries; everything that travels or is stored is bytes. Lists and watch streams are split into the bytes of their
items without parsing them, because a cache that never builds Python objects stays small and never stalls the event loop in the garbage
collector.
"""

from __future__ import annotations

from typing import Any

import msgspec

Document = dict[str, Any]
"""A JSON object as it stands on the wire."""

_encoder = msgspec.json.Encoder()
_sorted_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder()


class DecodeError(ValueError):
    """The bytes are not one JSON value; the message says where."""


class _List(msgspec.Struct):
    metadata: dict[str, Any] = {}
    items: list[msgspec.Raw] | None = None


class _WatchLine(msgspec.Struct):
    type: str
    object: msgspec.Raw


_list_decoder = msgspec.json.Decoder(_List)
_watch_decoder = msgspec.json.Decoder(_WatchLine)


def encode(value: object) -> bytes:
    """Return compact JSON, keys in insertion order."""
    return _encoder.encode(value)


def canonical(value: object) -> bytes:
    """Return compact JSON with sorted keys: equal values give equal bytes."""
    return _sorted_encoder.encode(value)


def decode(data: bytes | memoryview | str) -> Any:
    """Return the value that `data` spells.

    Raises:
        DecodeError: `data` is not one JSON value.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(str(error)) from error


def decode_document(data: bytes | memoryview | str) -> Document:
    """Return the JSON object that `data` spells.

    Raises:
        DecodeError: `data` is not one JSON object.
    """
    value = decode(data)
    if not isinstance(value, dict):
        raise DecodeError(f"expected a JSON object, found {type(value).__name__}")
    return value


def split_list(data: bytes) -> tuple[Document, list[bytes]]:
    """Return the list's metadata and the bytes of each item, unparsed.

    Raises:
        DecodeError: `data` is not a Kubernetes list.
    """
    try:
        found = _list_decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(str(error)) from error
    return found.metadata, [bytes(item) for item in found.items or ()]


def split_watch_line(line: bytes) -> tuple[str, bytes]:
    """Return the type of a watch event and the bytes of its object, unparsed.

    Raises:
        DecodeError: `line` is not a watch event.
    """
    try:
        found = _watch_decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(str(error)) from error
    return found.type, bytes(found.object)
