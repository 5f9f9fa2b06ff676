from __future__ import annotations

from typing import Any

import pytest

from capelin.runtime.documents.comparison import compare
from tests.apiserver.granular import TYPE, condition


@pytest.mark.parametrize(
    ("old", "new", "added", "modified", "removed"),
    [
        ({"a": "1"}, {"a": "2", "n": 1}, {"f:n": {}}, {"f:a": {}}, {}),
        ({"a": "1", "n": 1}, {"a": "1"}, {}, {}, {"f:n": {}}),
        ({}, {"inner": {"b": "1"}}, {"f:inner": {".": {}, "f:b": {}}}, {}, {}),
        ({"whole": {"x": "1"}}, {"whole": {"y": "1"}}, {}, {"f:whole": {}}, {}),
        (
            {"conditions": [condition("A"), condition("B")]},
            {"conditions": [condition("B", "False"), condition("C")]},
            {"f:conditions": {'k:{"type":"C"}': {".": {}, "f:type": {}, "f:status": {}}}},
            {"f:conditions": {'k:{"type":"B"}': {"f:status": {}}}},
            {"f:conditions": {'k:{"type":"A"}': {".": {}, "f:type": {}, "f:status": {}}}},
        ),
        ({"names": ["a", "b"]}, {"names": ["b", "a"]}, {}, {}, {}),
        ({"free": {"a": 1}}, {"free": {"a": True}}, {}, {"f:free": {"f:a": {}}}, {}),
        ({"free": {"a": {"b": 1}}}, {"free": {"a": 2}}, {}, {"f:free": {"f:a": {}}}, {"f:free": {"f:a": {"f:b": {}}}}),
        ({"labels": {}}, {"labels": None}, {}, {"f:labels": {}}, {}),
        ({"names": ["a", "a"]}, {"names": ["a"]}, {"f:names": {'v:"a"': {}}}, {}, {"f:names": {'v:"a"': {}}}),
        ({"names": ["a"]}, {"names": ["a", "a"]}, {"f:names": {'v:"a"': {}}}, {}, {"f:names": {'v:"a"': {}}}),
        ({"names": ["b"]}, {"names": ["b", "a", "a"]}, {"f:names": {'v:"a"': {}}}, {}, {}),
        (
            {"conditions": [condition("A"), condition("A")]},
            {"conditions": [condition("A"), condition("A", "False")]},
            {},
            {"f:conditions": {'k:{"type":"A"}': {}}},
            {},
        ),
    ],
)
def test_differences_are_told_by_field(old: Any, new: Any, added: Any, modified: Any, removed: Any) -> None:
    got = compare(old, new, TYPE)

    assert (got.added, got.modified, got.removed) == (added, modified, removed)
