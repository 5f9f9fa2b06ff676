import pytest

from capelin.api.versions import minor_skew, parse_version, sorted_versions


def test_versions_are_ordered_as_semver_says_and_then_by_build() -> None:
    ordered = [
        "v1.34.0-alpha.1",
        "v1.34.0-alpha.2",
        "v1.34.0-alpha.10",
        "v1.34.0-alpha.beta",
        "v1.34.0-rc.0",
        "v1.34.0",
        "v1.34.0+rke2r1",
        "v1.34.0+rke2r2",
        "v1.34.2",
        "v1.34.10",
        "v2.0.0",
    ]

    assert sorted_versions(reversed(ordered)) == ordered


def test_the_leading_v_makes_no_difference() -> None:
    assert parse_version("1.34.2") == parse_version("v1.34.2")


@pytest.mark.parametrize("text", ["", "v1", "v1.34", "v1.034.1", "latest", "v1.34.1-", "v1.34.1+", "v1.34.1 ", "v1.34.1\n", "v1.3\u0664.1"])
def test_what_is_no_semantic_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="allowed are semantic versions"):
        parse_version(text)


def test_skew_counts_minor_versions() -> None:
    assert minor_skew(parse_version("v1.36.0"), parse_version("v1.33.9")) == 3
    assert minor_skew(parse_version("v1.33.0"), parse_version("v1.34.0")) == -1


def test_skew_over_major_versions_is_refused() -> None:
    with pytest.raises(ValueError, match="major"):
        minor_skew(parse_version("v2.0.0"), parse_version("v1.33.0"))


def test_texts_that_are_no_versions_sort_last() -> None:
    assert sorted_versions(["latest", "v1.34.0", "edge"]) == ["v1.34.0", "edge", "latest"]
