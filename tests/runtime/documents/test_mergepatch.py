from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capelin.runtime.documents.documents import identical
from capelin.runtime.documents.mergepatch import diff, merge_patch

scalars = st.booleans() | st.integers(-2, 2) | st.text("ab", max_size=2)
keys = st.sampled_from(["a", "b", "c"])
values = st.recursive(
    scalars | st.lists(scalars | st.none(), max_size=2), lambda below: st.dictionaries(keys, below, max_size=3), max_leaves=12
)
documents = st.dictionaries(keys, values, max_size=3)


@pytest.mark.parametrize(
    ("document", "patch", "want"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_the_standard_hold(document: Any, patch: Any, want: Any) -> None:
    before = deepcopy(document)

    assert merge_patch(document, patch) == want
    assert document == before


@settings(max_examples=50)
@given(documents, documents)
def test_the_difference_leads_from_one_document_to_the_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert identical(merge_patch(old, diff(old, new)), new)


@settings(max_examples=50)
@given(documents)
def test_there_is_no_difference_between_equal_documents(document: dict[str, Any]) -> None:
    assert diff(document, deepcopy(document)) == {}


def test_true_and_one_are_different() -> None:
    assert diff({"a": 1}, {"a": True}) == {"a": True}


def test_null_counts_as_absent() -> None:
    assert diff({"a": None, "b": 1}, {"b": None, "c": None}) == {"b": None}
