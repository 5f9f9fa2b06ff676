"""Ages as tables show them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from capelin.apiserver.surface import ages


@pytest.mark.parametrize(
    ("age", "want"),
    [
        (timedelta(seconds=-3), "<invalid>"),
        (timedelta(seconds=-1), "0s"),
        (timedelta(seconds=119), "119s"),
        (timedelta(minutes=2), "2m"),
        (timedelta(minutes=9, seconds=59), "9m59s"),
        (timedelta(minutes=10, seconds=30), "10m"),
        (timedelta(hours=2, minutes=59), "179m"),
        (timedelta(hours=3), "3h"),
        (timedelta(hours=7, minutes=30), "7h30m"),
        (timedelta(hours=8, minutes=30), "8h"),
        (timedelta(hours=47), "47h"),
        (timedelta(days=2), "2d"),
        (timedelta(days=7, hours=23), "7d23h"),
        (timedelta(days=8, hours=5), "8d"),
        (timedelta(days=729), "729d"),
        (timedelta(days=731), "2y1d"),
        (timedelta(days=365 * 8), "8y"),
    ],
)
def test_age_takes_at_most_two_units(age: timedelta, want: str) -> None:
    assert ages.short(age) == want


def test_absent_time_is_unknown() -> None:
    assert ages.since(None, datetime(2026, 1, 1, tzinfo=UTC)) == "<unknown>"
