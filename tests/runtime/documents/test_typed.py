from __future__ import annotations

from typing import Any

import pytest

from capelin.runtime.documents import typed
from capelin.runtime.documents.fieldtypes import DEDUCED
from capelin.runtime.documents.typed import ABSENT
from tests.apiserver.granular import TYPE, condition


class TestFields:
    @pytest.mark.parametrize(
        ("value", "want"),
        [
            ({"a": "x", "n": 1}, {"f:a": {}, "f:n": {}}),
            ({"inner": {"deeper": {"c": "x"}}}, {"f:inner": {"f:deeper": {"f:c": {}}}}),
            ({"inner": {}}, {"f:inner": {}}),
            ({"inner": None}, {"f:inner": {}}),
            ({"labels": {"k": "v"}}, {"f:labels": {"f:k": {}}}),
            ({"whole": {"x": "1"}}, {"f:whole": {}}),
            ({"list": ["a"]}, {"f:list": {}}),
            ({"names": ["a", "b"]}, {"f:names": {'v:"a"': {}, 'v:"b"': {}}}),
            ({"conditions": [condition("Ready")]}, {"f:conditions": {'k:{"type":"Ready"}': {".": {}, "f:type": {}, "f:status": {}}}}),
            ({"ports": [{"port": 80}]}, {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}}}),
            ({"free": {"any": {"thing": [1]}}}, {"f:free": {"f:any": {".": {}, "f:thing": {}}}}),
            ({"size": "5%"}, {"f:size": {}}),
            ({"conditions": []}, {}),
        ],
    )
    def test_an_applied_value_owns_its_leaves_and_items(self, value: Any, want: dict[str, Any]) -> None:
        assert typed.fields_of(value, TYPE) == want

    def test_without_schema_maps_are_granular_and_lists_atomic(self) -> None:
        assert typed.fields_of({"a": {"b": [{"c": 1}]}}, DEDUCED) == {"f:a": {".": {}, "f:b": {}}}


class TestMerge:
    @pytest.mark.parametrize(
        ("live", "applied", "want"),
        [
            ({"a": "1", "n": 1}, {"a": "2"}, {"a": "2", "n": 1}),
            ({"labels": {"a": "1"}}, {"labels": {"b": "2"}}, {"labels": {"a": "1", "b": "2"}}),
            ({"whole": {"x": "1", "y": "2"}}, {"whole": {"x": "3"}}, {"whole": {"x": "3"}}),
            ({"list": ["a"]}, {"list": ["b"]}, {"list": ["b"]}),
            ({"names": ["a", "b"]}, {"names": ["c", "a"]}, {"names": ["c", "a", "b"]}),
            ({"names": ["a", "b", "c"]}, {"names": ["c", "a"]}, {"names": ["b", "c", "a"]}),
            ({"names": ["a", "x", "b", "y", "c"]}, {"names": ["c", "b", "a"]}, {"names": ["x", "y", "c", "b", "a"]}),
            (
                {"conditions": [condition("A"), condition("B")]},
                {"conditions": [condition("B", "False"), condition("C")]},
                {"conditions": [condition("A"), condition("B", "False"), condition("C")]},
            ),
            ({}, {"conditions": [condition("A")]}, {"conditions": [condition("A")]}),
            ({"conditions": [condition("A")]}, {"conditions": []}, {"conditions": [condition("A")]}),
            ({"a": "1"}, {"a": None}, {"a": None}),
            ({"labels": {"a": "1"}}, {"labels": None}, {"labels": {"a": "1"}}),
            ({}, {"labels": {}}, {"labels": {}}),
        ],
    )
    def test_what_is_applied_is_put_over_what_is_there(self, live: Any, applied: Any, want: Any) -> None:
        assert typed.merge(live, applied, TYPE) == want

    def test_merging_what_is_there_changes_nothing(self) -> None:
        live = {"a": "1", "labels": {"a": "1"}, "conditions": [condition("A"), condition("B")], "names": ["a"], "list": ["x"]}

        assert typed.merge(live, {"conditions": [condition("A")], "names": ["a"], "list": ["x"], "labels": {"a": "1"}}, TYPE) is live


class TestRemove:
    @pytest.mark.parametrize(
        ("value", "gone", "want"),
        [
            ({"a": "1", "n": 1}, {"f:a": {}}, {"n": 1}),
            ({"inner": {"b": "1", "deeper": {"c": "1"}}}, {"f:inner": {"f:b": {}}}, {"inner": {"deeper": {"c": "1"}}}),
            ({"inner": {"b": "1"}, "a": "1"}, {"f:inner": {"f:b": {}}}, {"a": "1"}),
            ({"conditions": [condition("A"), condition("B")]}, {"f:conditions": {'k:{"type":"A"}': {}}}, {"conditions": [condition("B")]}),
            ({"names": ["a", "b"]}, {"f:names": {'v:"a"': {}}}, {"names": ["b"]}),
            ({"a": "1"}, {"f:a": {}}, ABSENT),
        ],
    )
    def test_members_go_and_what_becomes_empty_with_them(self, value: Any, gone: Any, want: Any) -> None:
        assert typed.remove(value, gone, TYPE) == want


class TestCheck:
    @pytest.mark.parametrize(
        ("value", "want"),
        [
            ({"bogus": 1}, ".bogus: field not declared in schema"),
            ({"n": "x"}, ".n: expected numeric (int or float), got string"),
            ({"a": 1}, ".a: expected string, got &value.valueUnstructured{Value:1}"),
            ({"inner": "x"}, ".inner: expected map, got &{x}"),
            ({"names": {"a": 1}}, '.names: expected list, got &{{"a":1}}'),
            ({"names": ["a", "a"]}, '.names: duplicate entries for key [="a"]'),
            ({"conditions": [condition("A"), condition("A")]}, '.conditions: duplicate entries for key [type="A"]'),
            (
                {"conditions": [{"status": "x"}]},
                '.conditions: element 0: associative list with keys has an element that omits all key fields ["type"]',
            ),
            ({"conditions": ["A"]}, ".conditions: element 0: associative list with keys may not have non-map elements"),
            ({"conditions": [{"type": "A", "bogus": 1}]}, '.conditions[type="A"].bogus: field not declared in schema'),
        ],
    )
    def test_what_cannot_be_applied_is_told(self, value: Any, want: str) -> None:
        (got,) = typed.check(value, TYPE)

        assert got.startswith(want)

    def test_what_fits_is_accepted(self) -> None:
        value = {"a": None, "free": {"x": [1]}, "size": 1, "ports": [{"port": 1}, {"port": 1, "protocol": "UDP"}]}

        assert typed.check(value, TYPE) == []


def test_sets_follow_a_schema_that_became_atomic() -> None:
    owned: dict[str, Any] = {"f:whole": {"f:x": {}}, "f:list": {'v:"a"': {}}, "f:labels": {"f:a": {}}}

    assert typed.reconciled(owned, TYPE) == {"f:whole": {}, "f:list": {}, "f:labels": {"f:a": {}}}
