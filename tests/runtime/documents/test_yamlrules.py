"""What YAML of others may have."""

from __future__ import annotations

import pytest

from capelin.runtime.documents.yamlrules import NotPlain, check_plain


@pytest.mark.parametrize("text", ["a: {b: [1]}", "- - - x", "a:\n  b:\n    - 1\n---\na:\n  b:\n    - 1", "a: '*b and &c'"])
def test_yaml_of_few_levels_and_without_aliases_is_plain(text: str) -> None:
    check_plain(text, 3)


@pytest.mark.parametrize(
    ("text", "told"),
    [("a: {b: [[1]]}", "more than 3 levels"), ("- - - - x", "more than 3 levels"), ("a: &a 1\nb: *a", "an alias"), ("*a", "an alias")],
)
def test_yaml_that_is_deeper_or_has_aliases_is_not_plain(text: str, told: str) -> None:
    with pytest.raises(NotPlain, match=told):
        check_plain(text, 3)


def test_yaml_of_a_million_levels_is_found_out_and_not_walked_into() -> None:
    with pytest.raises(NotPlain):
        check_plain(b"[" * 1_000_000, 200)
