from __future__ import annotations

from typing import Any

import pytest

from capelin.apiserver import typed
from capelin.apiserver.typed import ABSENT, DEDUCED, compile_type
from tests.apiserver.schemas import NUMBER, TEXT, fields, list_of, map_of

CONDITION = fields(type=TEXT, status=TEXT)
TYPE = compile_type(
    fields(
        a=TEXT,
        n=NUMBER,
        labels=map_of(TEXT),
        whole={**fields(x=TEXT, y=TEXT), "x-kubernetes-map-type": "atomic"},
        conditions=list_of(CONDITION, "map", "type"),
        ports=list_of(fields(port=NUMBER, protocol={**TEXT, "default": "TCP"}), "map", "port", "protocol"),
        names=list_of(TEXT, "set"),
        list=list_of(TEXT),
        free={"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        size={"x-kubernetes-int-or-string": True},
        inner=fields(b=TEXT, deeper=fields(c=TEXT)),
    )
)


def condition(type_: str, status: str = "True") -> dict[str, str]:
    return {"type": type_, "status": status}


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


class TestCompare:
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
    def test_differences_are_told_by_field(self, old: Any, new: Any, added: Any, modified: Any, removed: Any) -> None:
        got = typed.compare(old, new, TYPE)

        assert (got.added, got.modified, got.removed) == (added, modified, removed)


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
