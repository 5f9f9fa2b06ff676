from __future__ import annotations

from typing import Any

import pytest

from capelin.runtime.documents import causes
from capelin.runtime.documents.causes import Key, Path
from capelin.runtime.errors import Cause


@pytest.mark.parametrize(
    ("path", "want"),
    [
        (("spec", "taints", 0, "key"), "spec.taints[0].key"),
        (("metadata", "labels", Key("a.b/c")), "metadata.labels[a.b/c]"),
        ((), "<nil>"),
    ],
    ids=["indexes are in brackets", "keys of maps are in brackets", "the document itself has no name"],
)
def test_paths_are_rendered_as_kubernetes_prints_them(path: Path, want: str) -> None:
    assert causes.render(path) == want


@pytest.mark.parametrize(
    ("value", "want"),
    [
        ('a"b\\c\n\x00é', '"a\\"b\\\\c\\n\\x00é"'),
        (3, "3"),
        (True, "true"),
        (1.5, "1.5"),
        (1000000.0, "1e+06"),
        (12345678.9, "1.23456789e+07"),
        (0.00001, "1e-05"),
        (123456.0, "123456"),
        (None, "null"),
        ({"b": 1, "a": [True]}, '{"a":[true],"b":1}'),
    ],
)
def test_values_are_shown_as_go_prints_them(value: Any, want: str) -> None:
    assert causes.show(value) == want


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (causes.invalid(("a",), "x", "must be y"), Cause("a", 'Invalid value: "x": must be y', "FieldValueInvalid")),
        (causes.required(("a",)), Cause("a", "Required value", "FieldValueRequired")),
        (causes.duplicate(("a", 1), "x"), Cause("a[1]", 'Duplicate value: "x"', "FieldValueDuplicate")),
        (causes.forbidden(("a",), "never"), Cause("a", "Forbidden: never", "FieldValueForbidden")),
        (causes.too_long(("a",), 1), Cause("a", "Too long: may not be more than 1 byte", "FieldValueTooLong")),
        (causes.too_many(("a",), 3, 2), Cause("a", "Too many: 3: must have at most 2 items", "FieldValueTooMany")),
        (
            causes.not_supported(("a",), "x", ["y", "z"]),
            Cause("a", 'Unsupported value: "x": supported values: "y", "z"', "FieldValueNotSupported"),
        ),
        (causes.invalid(("a",), causes.OMITTED, "no"), Cause("a", "Invalid value: no", "FieldValueInvalid")),
    ],
    ids=lambda value: value.reason if isinstance(value, Cause) else "",
)
def test_sentences_are_those_of_kubernetes(got: Cause, want: Cause) -> None:
    assert got == want


def test_several_causes_make_one_sentence_and_none_is_told_twice() -> None:
    one, other = causes.required(("a",)), causes.required(("b",))

    assert causes.aggregate([one]) == "a: Required value"
    assert causes.aggregate([one, other, one]) == "[a: Required value, b: Required value]"
