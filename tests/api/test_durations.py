"""Durations as Kubernetes writes them."""

from datetime import timedelta

import pytest

from capelin.api.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("0", timedelta()),
        ("0s", timedelta()),
        ("1s", timedelta(seconds=1)),
        ("200ms", timedelta(milliseconds=200)),
        ("1.5s", timedelta(seconds=1.5)),
        (".5m", timedelta(seconds=30)),
        ("1h2m3s", timedelta(hours=1, minutes=2, seconds=3)),
        ("10us", timedelta(microseconds=10)),
        ("10µs", timedelta(microseconds=10)),
    ],
)
def test_a_duration_is_read(text: str, want: timedelta) -> None:
    assert parse_duration(text) == want


@pytest.mark.parametrize("text", ["", "1", "s", "1 s", "-1s", "1d", "1s2", "1ss", "one second", "1e3s", "9" * 400 + "h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="allowed is a duration"):
        parse_duration(text)
