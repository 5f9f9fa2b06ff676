from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from capelin.runtime.documents.jsonpatch import OPERATIONS_LIMIT, json_patch
from capelin.runtime.errors import BadRequest, Invalid, TooLarge

DOCUMENT: dict[str, Any] = {"a": 1, "l": [1, 2, 3], "o": {"x/y": {"~": "t"}}, "n": None}


@pytest.mark.parametrize(
    ("operation", "want"),
    [
        ({"op": "add", "path": "/b", "value": 2}, {**DOCUMENT, "b": 2}),
        ({"op": "add", "path": "/a", "value": 2}, {**DOCUMENT, "a": 2}),
        ({"op": "add", "path": "/l/1", "value": 9}, {**DOCUMENT, "l": [1, 9, 2, 3]}),
        ({"op": "add", "path": "/l/3", "value": 9}, {**DOCUMENT, "l": [1, 2, 3, 9]}),
        ({"op": "add", "path": "/l/-", "value": 9}, {**DOCUMENT, "l": [1, 2, 3, 9]}),
        ({"op": "add", "path": "/o/x~1y/~0", "value": 1}, {**DOCUMENT, "o": {"x/y": {"~": 1}}}),
        ({"op": "add", "path": "", "value": {"new": 1}}, {"new": 1}),
        ({"op": "remove", "path": "/l/0"}, {**DOCUMENT, "l": [2, 3]}),
        ({"op": "remove", "path": "/o/x~1y/~0"}, {**DOCUMENT, "o": {"x/y": {}}}),
        ({"op": "replace", "path": "/l/2", "value": 0}, {**DOCUMENT, "l": [1, 2, 0]}),
        ({"op": "replace", "path": "/missing", "value": 0}, {**DOCUMENT, "missing": 0}),
        ({"op": "move", "from": "/l/0", "path": "/l/2"}, {**DOCUMENT, "l": [2, 3, 1]}),
        ({"op": "move", "from": "/a", "path": "/o/a"}, {"l": [1, 2, 3], "o": {"x/y": {"~": "t"}, "a": 1}, "n": None}),
        ({"op": "copy", "from": "/o/x~1y", "path": "/c"}, {**DOCUMENT, "c": {"~": "t"}}),
        ({"op": "test", "path": "/o", "value": {"x/y": {"~": "t"}}}, DOCUMENT),
        ({"op": "test", "path": "/missing", "value": None}, DOCUMENT),
    ],
)
def test_an_operation_changes_a_copy(operation: dict[str, Any], want: dict[str, Any]) -> None:
    document = deepcopy(DOCUMENT)

    assert json_patch(document, [operation]) == want
    assert document == DOCUMENT


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ({"op": "test", "path": "/a", "value": 2}, 'operation 1 (test "/a") does not apply: test failed: the value is 1, not 2'),
        ({"op": "test", "path": "/a", "value": True}, "test failed"),
        ({"op": "remove", "path": "/missing"}, 'operation 1 (remove "/missing") does not apply: there is nothing at /missing'),
        ({"op": "remove", "path": ""}, "the whole document cannot be removed"),
        ({"op": "add", "path": "/missing/x", "value": 1}, "there is nothing at /missing"),
        ({"op": "add", "path": "/a/x", "value": 1}, "there is no object or list at /a"),
        ({"op": "add", "path": "/l/4", "value": 1}, "index 4 is out of range of a list with 3 items"),
        ({"op": "replace", "path": "/l/3", "value": 1}, "index 3 is out of range"),
        ({"op": "remove", "path": "/l/01"}, '"01" is not an index of a list'),
        ({"op": "remove", "path": "/l/-1"}, '"-1" is not an index of a list'),
        ({"op": "move", "from": "/o", "path": "/o/x"}, "cannot be moved into itself"),
        ({"op": "copy", "from": "/missing", "path": "/b"}, "there is nothing at /missing"),
    ],
)
def test_an_operation_that_does_not_apply_is_named(operation: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid) as caught:
        json_patch(DOCUMENT, [{"op": "add", "path": "/first", "value": 1}, operation])

    assert words in caught.value.message
    assert caught.value.causes[0].field == operation["path"]


@pytest.mark.parametrize(
    "patch",
    [
        {"op": "remove", "path": "/a"},
        ["remove"],
        [{"path": "/a"}],
        [{"op": "remove"}],
        [{"op": "add", "path": "/a"}],
        [{"op": "move", "path": "/a"}],
        [{"op": "remove", "path": "a"}],
    ],
    ids=["no list", "no object", "no op", "no path", "no value", "no from", "no pointer"],
)
def test_a_malformed_patch_is_refused(patch: Any) -> None:
    with pytest.raises(BadRequest):
        json_patch(DOCUMENT, patch)


def test_unknown_operations_and_very_long_patches_are_refused() -> None:
    with pytest.raises(Invalid, match="unexpected kind of operation"):
        json_patch(DOCUMENT, [{"op": "frob", "path": "/a"}])
    with pytest.raises(TooLarge):
        json_patch(DOCUMENT, [{"op": "test", "path": "/a", "value": 1}] * (OPERATIONS_LIMIT + 1))


def test_a_copy_shares_nothing_with_its_source() -> None:
    got = json_patch({"a": {"b": [1]}}, [{"op": "copy", "from": "/a", "path": "/c"}])

    assert got["c"]["b"] is not got["a"]["b"]
