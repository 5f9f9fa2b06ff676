from __future__ import annotations

from fractions import Fraction

import pytest

from capelin.runtime.documents.quantity import parse_quantity


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("1", Fraction(1)),
        ("-1.5", Fraction(-3, 2)),
        (".5", Fraction(1, 2)),
        ("100m", Fraction(1, 10)),
        ("1Ki", Fraction(1024)),
        ("1.5Gi", Fraction(3 * 2**29)),
        ("2k", Fraction(2000)),
        ("1e3", Fraction(1000)),
        ("1E-3", Fraction(1, 1000)),
        ("1E", Fraction(10**18)),
        ("5n", Fraction(5, 10**9)),
    ],
)
def test_quantities_are_exact_numbers(text: str, want: Fraction) -> None:
    assert parse_quantity(text) == want


@pytest.mark.parametrize("text", ["", "1 Gi", "1gi", "Gi", "1..5", "0x10", "1e", "1e1000000", "1\n"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quantit"):
        parse_quantity(text)
