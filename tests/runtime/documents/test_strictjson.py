from __future__ import annotations

from typing import Any

import pytest

from capelin.runtime import codec
from capelin.runtime.documents import strictjson


@pytest.mark.parametrize(
    ("data", "want"),
    [
        (b'{"a":1,"b":{"c":2}}', ()),
        (b'{ "a" : 1 }', ()),
        (b'{"text":"\\":"}', ()),
        (b'{"a":1,"a":2}', ("a",)),
        (b'{"a":{"b":[{"c":1, "c":2}]}, "a2":1}', ("a.b[0].c",)),
        (b'{"x":{"y":1,"y":2,"y":3},"x":{"y":1,"y":2}}', ("x", "x.y")),
    ],
)
def test_keys_that_occur_twice_are_named_by_their_path(data: bytes, want: tuple[str, ...]) -> None:
    assert strictjson.duplicates(data, codec.decode(data)) == want


@pytest.mark.parametrize(
    ("data", "want"),
    [
        (b"[1.0,1e3,1.5]", [1, 1000, 1.5]),
        (b"[9223372036854775807,-9223372036854775808]", [2**63 - 1, -(2**63)]),
        (b"[9223372036854775808]", [float(2**63)]),
        (b'{"a":{"b":2.0,"c":true,"d":"1.0"}}', {"a": {"b": 2, "c": True, "d": "1.0"}}),
    ],
)
def test_numbers_are_those_of_kubernetes(data: bytes, want: Any) -> None:
    got = strictjson.settled(data, codec.decode(data))

    assert codec.encode(got) == codec.encode(want)


def test_documents_without_doubtful_numbers_are_returned_themselves() -> None:
    value = {"replicas": 3, "version": "v1.33.0"}

    assert strictjson.settled(codec.encode(value), value) is not None
    assert strictjson.settled(b'{"replicas":3}', value) is value


@pytest.mark.parametrize(
    "data", [b"NaN", b"1e999", b'{"a":\xff}', b'"\xff"', b"[" * 100_000], ids=["NaN", "infinity", "bytes", "text", "nesting"]
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(codec.DecodeError):
        codec.decode(data)
