import pytest

from capelin.runtime.selecting import matcher

LABELS = {"app": "web", "tier": "front", "example.org/empty": ""}


@pytest.mark.parametrize(
    ("selector", "want"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app=db", False),
        ("app!=db", True),
        ("missing!=x", True),
        ("app in (db, web)", True),
        ("app notin (db,web)", False),
        ("missing notin (a)", True),
        ("missing in (a)", False),
        ("app", True),
        ("!app", False),
        ("!missing", True),
        ("example.org/empty=", True),
        ("app in (web),tier=front", True),
        ("app in (web,db),tier=back", False),
    ],
)
def test_rules(selector: str, want: bool) -> None:
    assert matcher(selector)(LABELS) is want


@pytest.mark.parametrize("selector", ["a=b,", ",", "a b", "a in b", "a in (b", "=x", "a=(b)"])
def test_what_is_malformed_is_refused(selector: str) -> None:
    with pytest.raises(ValueError, match="label selector"):
        matcher(selector)
