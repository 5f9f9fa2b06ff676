from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capelin.runtime.gotemplate.bounds import Budget
from capelin.runtime.gotemplate.errors import Refusal
from capelin.runtime.gotemplate.linear.search import regex

ATOMS = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", "\\w", "\\d", "^", "$", "\\b"])


REPETITIONS = st.sampled_from(["*", "+", "?", "*?", "+?", "??", "{1,2}", "{2}"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    repeated = st.tuples(inner.filter(lambda part: part not in ("^", "$", "\\b")), REPETITIONS)
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: "(" + "|".join(parts) + ")"),
        repeated.map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    )


EXPRESSIONS = st.recursive(ATOMS, _grown, max_leaves=6)


@given(EXPRESSIONS, st.text("abc1", max_size=8))
def test_a_match_is_where_a_backtracking_search_finds_one(pattern: str, text: str) -> None:
    want = re.compile(pattern.replace("$", "\\Z"), re.ASCII).search(text)

    got = regex(pattern, Budget()).search(text, 0, Budget())

    assert (got is None) == (want is None)
    if got is not None and want is not None:
        assert got[0] == want.start()
        assert _may_loop_on_nothing(pattern) or got[1] == want.end()


def _may_loop_on_nothing(pattern: str) -> bool:
    """Tell whether a repeated part can be empty: there Go and Python end a loop differently."""
    return re.search(r"[*?}]\)|\(\?:[$^\\|(]|\|[$^\\(]|[$^]\)", pattern) is not None


@pytest.mark.parametrize("pattern", ["(?=a)", "(?!a)", "(?<=a)", "(?<!a)", r"(a)\1", "(?#x)", "(?>a)", r"\C", r"\Z", "a++", "a**"])
def test_what_has_no_linear_time_and_what_re2_does_not_know_is_refused(pattern: str) -> None:
    with pytest.raises(Refusal, match="not one of RE2"):
        regex(pattern, Budget())


def test_an_expression_that_would_backtrack_without_end_takes_a_step_a_character() -> None:
    budget = Budget()

    found = regex("(a+)+$", budget).search("a" * 2_000 + "b", 0, budget)

    assert found is None
    assert budget.steps > 20_000
