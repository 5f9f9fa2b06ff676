"""Reads the protobuf bodies that typed Kubernetes clients send for built-in kinds; answers stay JSON, which all of them accept.

A body is the magic `k8s\\0` and a `runtime.Unknown`: the type, and the bytes of the object. What the numbers in them mean stands in a table
(`builtin.messages`). Go omits nothing but nil pointers, so a zero says something only where the Go field is a pointer; elsewhere it is left
out of the document, as Go's JSON would leave it out.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from struct import unpack
from typing import Any

from capelin.apiserver import builtin
from capelin.runtime import codec
from capelin.runtime.codec import DecodeError, Document

_MAGIC = b"k8s\x00"
_DEEPEST = 64  # no built-in kind nests deeper than half of this; hostile bytes could
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

_Value = int | bytes


def decode(body: bytes) -> Document:
    """Return the JSON form of the object, with its `apiVersion` and `kind`.

    Raises:
        DecodeError: the bytes are not such a body, or of a kind whose numbers are not known.
    """
    if not body.startswith(_MAGIC):
        raise DecodeError("the body does not begin with the Kubernetes protobuf prefix")
    unknown = dict(_fields(body[len(_MAGIC) :]))
    type_meta = dict(_fields(_as_bytes(unknown.get(1, b""))))
    api_version, kind = (_text(type_meta.get(number, b"")) for number in (1, 2))
    if unknown.get(3):
        raise DecodeError(f"content encoding {_text(unknown[3])!r}: none is supported")
    raw = _as_bytes(unknown.get(2, b""))
    if _text(unknown.get(4, b"")) == "application/json":
        return codec.decode_document(raw)
    message = builtin.message_name(api_version, kind)
    if message is None:
        raise DecodeError(f"no protobuf form of kind {kind!r} in {api_version!r} is known; send JSON")
    return {"apiVersion": api_version, "kind": kind, **_message(message, raw, 0)}


def _fields(data: bytes) -> Iterator[tuple[int, _Value]]:
    """Yield field numbers and raw values in wire order."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            value, position = _varint(data, position)
            yield number, value
            continue
        if wire_type == _BYTES:
            size, position = _varint(data, position)
        elif wire_type in (_FIXED64, _FIXED32):
            size = 8 if wire_type == _FIXED64 else 4
        else:
            raise DecodeError(f"wire type {wire_type} of protobuf field {number} is not supported")
        if position + size > len(data):
            raise DecodeError("the protobuf body ends inside a field")
        yield number, data[position : position + size]
        position += size


def _varint(data: bytes, position: int) -> tuple[int, int]:
    result = shift = 0
    while position < len(data) and shift < 64:
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
        shift += 7
    raise DecodeError("the protobuf body has an unfinished number")


def _message(name: str, data: bytes, depth: int) -> Document:
    """Return the JSON object of one message; fields whose numbers are not in the table are unknown to this version and skipped."""
    if depth > _DEEPEST:
        raise DecodeError(f"the protobuf body nests deeper than {_DEEPEST} messages")
    table = builtin.messages()[name]
    result: Document = {}
    for number, value in _fields(data):
        if (field := table.get(str(number))) is not None:
            _put(result, field, value, depth + 1)
    return result


def _put(result: Document, field: list[str], value: _Value, depth: int) -> None:
    name, type_, *presence = field
    if type_.startswith("map[]"):
        entry = dict(_fields(_as_bytes(value)))
        empty = b"" if type_[5:] not in ("int", "bool") else 0
        result.setdefault(name, {})[_text(entry.get(1, b""))] = _value(type_[5:], entry.get(2, empty), depth)
    elif type_.startswith("[]"):
        result.setdefault(name, []).append(_value(type_[2:], value, depth))
    elif not name:
        result.update(_value(type_, value, depth))
    else:
        found = _value(type_, value, depth)
        if found or (presence and found is not None):
            result[name] = found


def _value(type_: str, value: _Value, depth: int) -> Any:
    plain = _PLAIN.get(type_)
    return plain(value) if plain else _message(type_, _as_bytes(value), depth)


def _bool(value: _Value) -> bool:
    return bool(_as_int(value))


def _double(value: _Value) -> float:
    data = _as_bytes(value)
    if len(data) != 8:
        raise DecodeError("a protobuf field holds four bytes where eight are due")
    return float(unpack("<d", data)[0])


def _base64(value: _Value) -> str:
    return base64.b64encode(_as_bytes(value)).decode()


def _time(value: _Value, *, micro: bool = False) -> str | None:
    """Return RFC 3339, or None for Go's zero time, which travels as an empty message."""
    fields = dict(_fields(_as_bytes(value)))
    if not fields:
        return None
    seconds, nanoseconds = _signed(fields.get(1, 0)), _signed(fields.get(2, 0))
    try:
        moment = _EPOCH + timedelta(seconds=seconds, microseconds=nanoseconds // 1000)
    except OverflowError as error:
        raise DecodeError(f"{seconds} seconds since 1970 are not a time") from error
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if micro else "%Y-%m-%dT%H:%M:%SZ")


def _int_or_string(value: _Value) -> int | str:
    fields = dict(_fields(_as_bytes(value)))
    return _text(fields.get(3, b"")) if fields.get(1, 0) else _signed(fields.get(2, 0))


def _quantity(value: _Value) -> str:
    return _text(dict(_fields(_as_bytes(value))).get(1, b""))


def _json(value: _Value) -> Any:
    raw = dict(_fields(_as_bytes(value))).get(1, b"")
    return codec.decode(_as_bytes(raw)) if raw else None


def _strings(value: _Value) -> list[str]:
    return [_text(item) for number, item in _fields(_as_bytes(value)) if number == 1]


def _as_bytes(value: _Value) -> bytes:
    if isinstance(value, int):
        raise DecodeError("a protobuf field holds a number where bytes are due")
    return value


def _as_int(value: _Value) -> int:
    if not isinstance(value, int):
        raise DecodeError("a protobuf field holds bytes where a number is due")
    return value


def _signed(value: _Value) -> int:
    number = _as_int(value)
    return number - (1 << 64) if number >= 1 << 63 else number


def _text(value: _Value) -> str:
    try:
        return _as_bytes(value).decode("utf-8")
    except UnicodeDecodeError as error:
        raise DecodeError("a protobuf string is not UTF-8") from error


_PLAIN: Mapping[str, Callable[[_Value], Any]] = {
    "string": _text,
    "int": _signed,
    "bool": _bool,
    "bytes": _base64,
    "double": _double,
    "Time": _time,
    "MicroTime": partial(_time, micro=True),
    "IntOrString": _int_or_string,
    "Quantity": _quantity,
    "RawExtension": _json,
    "FieldsV1": _json,
    "Strings": _strings,
}
"""How the types of the table are read that are not messages of their own."""
