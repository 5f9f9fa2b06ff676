import pytest

from capelin.runtime.codec import DecodeError, canonical, decode, decode_document, encode, split_list, split_watch_line


def test_equal_values_have_equal_canonical_bytes() -> None:
    assert canonical({"b": 1, "a": {"d": [], "c": None}}) == canonical({"a": {"c": None, "d": []}, "b": 1})


def test_encoding_keeps_the_order_of_keys() -> None:
    assert encode({"b": 1, "a": "é"}) == '{"b":1,"a":"é"}'.encode()


def test_items_of_a_list_come_out_as_they_went_in() -> None:
    metadata, items = split_list(b'{"metadata":{"resourceVersion":"7"},"items":[{"a" : 1},{}]}')

    assert metadata == {"resourceVersion": "7"}
    assert items == [b'{"a" : 1}', b"{}"]


def test_a_list_without_items_is_empty() -> None:
    assert split_list(b'{"metadata":{},"items":null}') == ({}, [])


def test_the_object_of_a_watch_line_comes_out_as_it_went_in() -> None:
    assert split_watch_line(b'{"type":"ADDED","object":{"a" : 1}}\n') == ("ADDED", b'{"a" : 1}')


@pytest.mark.parametrize("data", [b"", b"{", b'{"a":1}x', b"[" * 100_000, b"\xff"])
def test_what_is_not_one_json_value_is_refused(data: bytes) -> None:
    for read in (decode, decode_document, split_list, split_watch_line):
        with pytest.raises(DecodeError):
            read(data)


@pytest.mark.parametrize("data", [b"[]", b"1", b"null", b'"a"'])
def test_a_document_is_an_object(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_document(data)
