from __future__ import annotations

import pytest

from capelin.runtime.documents.celpatterns import first, occurrences


@pytest.mark.parametrize(
    ("text", "pattern", "want"),
    [
        ("x12y3", "[0-9]+", ["12", "3"]),
        ("x12y3", "([0-9])([0-9])?", ["12", "3"]),
        ("ab12", "(?P<letters>[[:alpha:]]+)(?i)B?", ["ab"]),
        ("a(b)(c)", r"\(([a-z])\)", ["(b)", "(c)"]),
        ("a(b[c", r"[(\[]([a-z])", ["(b", "[c"]),
        ("a(b", r"\Q(\Eb", ["(b"]),
        ("ab|cd", "b|(?:c)d", ["b", "cd"]),
        ("abc", "z", []),
    ],
)
def test_whole_occurrences_are_found_whatever_groups_the_pattern_has(text: str, pattern: str, want: list[str]) -> None:
    assert occurrences(text, pattern) == want
    assert first(text, pattern) == (want[0] if want else "")


def test_the_first_occurrence_can_be_empty() -> None:
    assert first("aab", "b*") == ""


def test_a_pattern_that_would_backtrack_without_end_does_not() -> None:
    assert first("a" * 100_000, "(a+)+b") == ""


def test_a_pattern_that_does_not_compile_is_an_error() -> None:
    with pytest.raises(ValueError, match="missing \\)"):
        first("a", "(")
