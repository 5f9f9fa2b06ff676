from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capelin.runtime.documents import fieldset
from capelin.runtime.documents.fieldset import Fields, Path

paths = st.lists(st.sampled_from(["f:a", "f:b", 'k:{"n":"x"}', "v:1"]), min_size=1, max_size=4).map(tuple)
sets = st.sets(paths, max_size=8)


def of(*found: Path) -> Fields:
    result: Fields = {}
    for path in found:
        one: Fields = {}
        for element in reversed(path):
            one = {element: one}
        result = fieldset.union(result, one)
    return result


def members(fields: Fields) -> set[Path]:
    return set(fieldset.paths(fields))


def test_a_set_is_what_objects_carry() -> None:
    assert of(("f:a",), ("f:a", "f:b"), ("f:c", "f:d")) == {"f:a": {".": {}, "f:b": {}}, "f:c": {"f:d": {}}}


@settings(max_examples=50)
@given(sets)
def test_a_set_has_the_paths_it_was_made_of(found: set[Path]) -> None:
    fields = of(*found)

    assert members(fields) == found


@settings(max_examples=50)
@given(sets, sets)
def test_union_difference_and_intersection_are_those_of_sets_of_paths(one: set[Path], other: set[Path]) -> None:
    left, right = of(*one), of(*other)

    assert members(fieldset.union(left, right)) == one | other
    assert members(fieldset.difference(left, right)) == one - other
    assert members(fieldset.intersection(left, right)) == one & other


@settings(max_examples=50)
@given(sets, sets)
def test_without_also_takes_what_is_below(one: set[Path], other: set[Path]) -> None:
    want = {path for path in one if not any(path[: len(gone)] == gone for gone in other)}

    assert members(fieldset.without(of(*one), of(*other))) == want


@settings(max_examples=50)
@given(sets, sets)
def test_sets_do_not_change(one: set[Path], other: set[Path]) -> None:
    left, right = of(*one), of(*other)

    for operation in (fieldset.union, fieldset.difference, fieldset.intersection, fieldset.without):
        operation(left, right)

    assert (members(left), members(right)) == (one, other)


@settings(max_examples=50)
@given(sets)
def test_equal_sets_are_written_alike(found: set[Path]) -> None:
    once, again = of(*sorted(found)), of(*sorted(found, reverse=True))

    assert str(fieldset.ordered(once)) == str(fieldset.ordered(again))


@pytest.mark.parametrize(
    ("path", "want"),
    [
        (("f:spec", "f:replicas"), ".spec.replicas"),
        (("f:conditions", 'k:{"type":"Ready"}', "f:status"), '.conditions[type="Ready"].status'),
        (("f:ports", 'k:{"port":80,"protocol":"TCP"}'), '.ports[port=80,protocol="TCP"]'),
        (("f:finalizers", 'v:"a/b"'), '.finalizers[="a/b"]'),
        (("f:l", "i:3"), ".l[3]"),
    ],
)
def test_paths_are_shown_as_conflicts_name_them(path: Path, want: str) -> None:
    assert fieldset.shown(path) == want


def test_what_a_client_wrote_is_read_in_our_spelling() -> None:
    written: dict[str, Any] = {"f:a": {".": {}, 'k:{ "b": 1, "a": "x" }': {}}, "z:future": {}, 'v:"x"': {".": {}}}

    assert fieldset.normalized(written) == {"f:a": {".": {}, 'k:{"a":"x","b":1}': {}}, 'v:"x"': {}}


@pytest.mark.parametrize("written", [[], {"f:a": 1}, {"a": {}}, {"k:x": {}}, {"i:x": {}}])
def test_what_is_no_set_is_refused(written: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        fieldset.normalized(written)
