import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capelin.runtime.naming import child_name, templated_name


def test_names_are_the_same_for_every_attempt() -> None:
    assert child_name("workers", "uid-1", 3) == child_name("workers", "uid-1", 3)


def test_names_of_one_owner_never_meet() -> None:
    assert len({child_name("w", "uid-1", ordinal) for ordinal in range(20_000)}) == 20_000


def test_names_of_two_owners_differ() -> None:
    assert child_name("w", "uid-1", 0) != child_name("w", "uid-2", 0)


LABEL = r"[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?"


@given(st.from_regex(rf"{LABEL}(\.{LABEL}){{0,2}}", fullmatch=True), st.text(max_size=36), st.integers(0, 10**9))
def test_names_are_short_and_valid(prefix: str, uid: str, ordinal: int) -> None:
    name = child_name(prefix, uid, ordinal)

    assert len(name) <= 63
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", name)
    assert ".-" not in name


@pytest.mark.parametrize("limit", [20, 63])
def test_a_long_prefix_is_cut_to_the_limit(limit: int) -> None:
    assert len(child_name("a" * 100, "uid", 1, limit=limit)) == limit


VALUES = {"cluster.name": "demo", "machineSet.name": "workers", "random": "x5x5x"}


@pytest.mark.parametrize(
    ("template", "want"),
    [
        pytest.param("{{ .cluster.name }}-{{ .random }}", "demo-x5x5x", id="fields by their chains"),
        pytest.param("{{ .machineSet.name | trunc 4 }}-{{ .random }}", "work-x5x5x", id="functions"),
        pytest.param("{{ repeat 99 .cluster.name }}", ("demo" * 99)[:58] + "x5x5x", id="a name that is too long ends in the random part"),
    ],
)
def test_a_template_makes_a_name_of_the_values(template: str, want: str) -> None:
    assert templated_name(template, VALUES) == want


@pytest.mark.parametrize(
    ("template", "why"),
    [
        pytest.param("{{ .node.name }}-{{ .random }}", r"found \{\{ .node.name \}\}, allowed are", id="a field there is not"),
        pytest.param("{{ .random", "template: 1:", id="no template"),
        pytest.param("{{ now }}", "the clock", id="a function that would give another name next time"),
    ],
)
def test_a_template_that_makes_no_name_says_why(template: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        templated_name(template, VALUES)
