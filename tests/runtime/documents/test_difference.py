"""The patch between two documents, applied to the one, gives the other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capelin.runtime.documents.difference import json_patch_between
from capelin.runtime.documents.documents import identical
from capelin.runtime.documents.jsonpatch import json_patch

LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.text("a/~ b", max_size=3)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("a/~b", max_size=3), inner, max_size=3)
)


@given(DOCUMENTS, DOCUMENTS)
def test_the_patch_makes_the_one_of_the_other(old: Any, new: Any) -> None:
    assert identical(json_patch(old, json_patch_between(old, new)), new)


@given(DOCUMENTS)
def test_equal_documents_need_no_operation(document: Any) -> None:
    assert json_patch_between(document, document) == []


@pytest.mark.parametrize(
    ("old", "new", "want"),
    [
        pytest.param({"a": 1}, {"a": 1, "b/c": 2}, [{"op": "add", "path": "/b~1c", "value": 2}], id="a new field is added"),
        pytest.param({"a": {"b": 1}}, {"a": {}}, [{"op": "remove", "path": "/a/b"}], id="a field that is gone is removed"),
        pytest.param({"a": [1, 2]}, {"a": [1, 3]}, [{"op": "replace", "path": "/a/1", "value": 3}], id="an item is replaced"),
        pytest.param({"a": [1]}, {"a": [1, 2]}, [{"op": "replace", "path": "/a", "value": [1, 2]}], id="a longer list replaces the list"),
        pytest.param({"a": 1}, {"a": True}, [{"op": "replace", "path": "/a", "value": True}], id="true is not 1"),
    ],
)
def test_operations_touch_only_what_differs(old: Any, new: Any, want: Any) -> None:
    assert json_patch_between(old, new) == want
