import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capelin.runtime.naming import child_name


def test_names_are_the_same_for_every_attempt() -> None:
    assert child_name("workers", "uid-1", 3) == child_name("workers", "uid-1", 3)


def test_names_of_one_owner_never_meet() -> None:
    assert len({child_name("w", "uid-1", ordinal) for ordinal in range(20_000)}) == 20_000


def test_names_of_two_owners_differ() -> None:
    assert child_name("w", "uid-1", 0) != child_name("w", "uid-2", 0)


@given(st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,80}[a-z0-9])?", fullmatch=True), st.text(max_size=36), st.integers(0, 10**9))
def test_names_are_short_and_valid(prefix: str, uid: str, ordinal: int) -> None:
    name = child_name(prefix, uid, ordinal)

    assert len(name) <= 63
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", name)
    assert ".-" not in name


@pytest.mark.parametrize("limit", [20, 63])
def test_a_long_prefix_is_cut_to_the_limit(limit: int) -> None:
    assert len(child_name("a" * 100, "uid", 1, limit=limit)) == limit
