"""Every change that is not on the list is found, at the path where it is, and no secret is told."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.refusals import Rule
from capelin.webhooks.mutablepaths import Change, MutablePaths, changes, path_refusals

FIXED = Rule("fixed", "Nothing else changes.")
MUTABLE = MutablePaths(
    """
    version
    rollout.*
    config.users
    config.patches
    config.patches.directory
    """
)


def refusals(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return [str(refusal) for refusal in path_refusals(FIXED, old, new, MUTABLE, "spec")]


@pytest.mark.parametrize(
    ("old", "new", "want"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [Change(("a",), 1, 2)]),
        ({"a": {"b": 1, "c": 1}}, {"a": {"b": 2, "c": 1}}, [Change(("a", "b"), 1, 2)]),
        ({"a": {"b": 1}}, {"a": {}}, [Change(("a", "b"), 1, None)]),
        ({"a": {"b": 1}}, {}, [Change(("a",), {"b": 1}, None)]),
        ({}, {"a": {"b": {"c": 1}}}, [Change(("a", "b", "c"), None, 1)]),
        ({}, {"a": {}}, []),
        ({"a": [1]}, {"a": [1, 2]}, [Change(("a",), [1], [1, 2])]),
        ({"a": "text"}, {"a": {"b": 1}}, [Change(("a", "b"), None, 1)]),
        ({"a": {"b": 1}}, {"a": "text"}, [Change(("a",), {"b": 1}, "text")]),
    ],
    ids=[
        "nothing",
        "a value",
        "a field of an object",
        "all fields of an object",
        "an object that is gone",
        "an object that came",
        "an empty object that came",
        "a list",
        "an object in place of a value",
        "a value in place of an object",
    ],
)
def test_changes_are_found_where_they_are(old: dict[str, Any], new: dict[str, Any], want: list[Change]) -> None:
    assert list(changes(old, new)) == want


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("version", True),
        ("version.more", False),
        ("rollout", True),
        ("rollout.strategy.type", True),
        ("config", False),
        ("config.users", True),
        ("config.usersToo", False),
        ("config.patches", True),
        ("config.patches.directory", True),
        ("config.patches.other", False),
        ("later", False),
    ],
)
def test_a_path_may_change_when_it_is_on_the_list_or_below_a_star(path: str, allowed: bool) -> None:
    assert MUTABLE.allow(tuple(path.split("."))) is allowed


def test_a_refusal_tells_what_is_found_and_what_it_was() -> None:
    told = refusals({"directory": "/a", "version": "1"}, {"directory": "/b", "version": "2"})

    assert told == ["spec.directory: found '/b', allowed is what it was before, '/a': the field cannot change"]


def test_every_change_is_refused_by_itself() -> None:
    told = refusals({"config": {"a": 1, "b": 2, "users": []}}, {"config": {"a": 2, "users": [1]}, "later": True})

    assert [sentence.split(":")[0] for sentence in told] == ["spec.config.a", "spec.config.b", "spec.later"]


def test_an_object_cannot_be_removed_though_all_below_it_may_change() -> None:
    assert refusals({"config": {"users": ["a"]}}, {"config": {}}) == []
    assert refusals({"config": {"users": ["a"]}}, {}) == [
        "spec.config: found nothing, allowed is the object that was there: it cannot be removed as a whole"
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"token": "hidden-1"}, {"token": "hidden-2"}),
        ({"discovery": {"tlsBootstrapToken": "hidden-1"}}, {"discovery": {"tlsBootstrapToken": "hidden-2"}}),
        ({"authProvider": {"config": {"key": "hidden-1"}}}, {"authProvider": {"config": {"key": "hidden-2"}}}),
        ({"files": [{"content": "hidden-1"}]}, {"files": [{"content": "hidden-2"}]}),
        ({"files": {"content": "hidden-1"}}, {}),
    ],
    ids=["a token", "a token of the kubelet", "credentials by name", "a list", "an object"],
)
def test_secrets_are_not_told(old: dict[str, Any], new: dict[str, Any]) -> None:
    (told,) = refusals(old, new)

    assert "hidden" not in told
