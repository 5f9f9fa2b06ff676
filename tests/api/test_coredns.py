"""Versions of CoreDNS: image tags are read as vendors write them, and a Corefile goes forward only, over releases that are known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capelin.api.coredns import KNOWN_VERSIONS, SHIPPED_VERSIONS, Migration, migration, parsed_tag, shipped_version
from capelin.api.versions import parse_version


@pytest.mark.parametrize(
    ("tag", "want"),
    [
        pytest.param("v1.11.3", (1, 11, 3), id="with a v"),
        pytest.param("1.11.3", (1, 11, 3), id="without a v"),
        pytest.param("v1.11.3_patch.1", (1, 11, 3), id="underscore for plus"),
        pytest.param("1.12.0-eksbuild.1", (1, 12, 0), id="build of a vendor"),
        pytest.param("v1.12.0-rc.1_fips", (1, 12, 0), id="prerelease and build"),
        pytest.param("1.11", (1, 11, 0), id="no patch"),
        pytest.param("2", (2, 0, 0), id="major alone"),
        pytest.param("01.08.00", (1, 8, 0), id="leading zeros"),
        pytest.param("0.0.0", (0, 0, 0), id="nothing but zeros"),
        pytest.param(" v1.8.6 ", (1, 8, 6), id="spaces around"),
        pytest.param("v0.1.23", (0, 1, 23), id="zero as a number"),
    ],
)
def test_a_tag_names_a_version(tag: str, want: tuple[int, int, int]) -> None:
    got = parsed_tag(tag)

    assert (got.major, got.minor, got.patch) == want


@pytest.mark.parametrize(
    "tag", ["", "v", "latest", "vv1.2.3", "1.2.3.4", "1.11-rc.1", "1.2.3_a_b", "1.2.3-", "1.2.3-01", "-1.2.3", "1..3", "1.2.3a", "V1.2.3"]
)
def test_a_tag_that_names_no_version_is_told_with_what_it_may_be(tag: str) -> None:
    with pytest.raises(ValueError, match=r"found image tag .*, allowed are versions such as") as caught:
        parsed_tag(tag)

    assert repr(tag) in str(caught.value)


def test_a_migration_goes_through_every_release_up_to_its_target() -> None:
    assert migration("v1.10.1", "v1.11.3") == Migration(("1.11.0", "1.11.1", "1.11.3"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("v1.12.0", "1.12.0", id="the same version"),
        pytest.param("v1.12.0", "v1.12.0-eksbuild.4", id="another build"),
        pytest.param("v9.9.9", "v9.9.9_patch.1", id="another build of an unknown version"),
    ],
)
def test_between_builds_of_one_release_nothing_has_to_be_done(old: str, new: str) -> None:
    got = migration(old, new)

    assert got.possible
    assert got.steps == ()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param("v1.12.1", "v1.11.3", ("1.11.3 is older than 1.12.1",), id="backwards"),
        pytest.param("v1.10.0", "v1.9.4", ("1.9.4 is older than 1.10.0",), id="backwards by number, not by letter"),
        pytest.param("v1.8.2", "v1.9.0", ("1.8.2 is not known", "1.8.0, 1.8.3"), id="from a number without a release"),
        pytest.param("v1.8.0", "v1.8.2", ("1.8.2 is not known", "1.8.0, 1.8.3"), id="to a number without a release"),
        pytest.param("v1.12.0", "v99.0.0", ("99.0.0 is not known", "1.1.3 to "), id="to a version of the future"),
        pytest.param("v1.0.6", "v1.12.0", ("1.0.6 is not known", "1.1.3 to "), id="from a version before all"),
    ],
)
def test_what_cannot_be_migrated_is_told_in_words(old: str, new: str, words: tuple[str, ...]) -> None:
    got = migration(old, new)

    assert not got.possible
    assert got.steps == ()
    assert got.obstacle is not None
    assert [word for word in words if word not in got.obstacle] == []


@given(old=st.sampled_from(KNOWN_VERSIONS), new=st.sampled_from(KNOWN_VERSIONS))
def test_of_two_known_releases_the_older_one_can_be_left_and_never_reached(old: str, new: str) -> None:
    got = migration(old, new)

    assert got.possible == (parse_version(old) <= parse_version(new))
    assert not got.possible or len(got.steps) == KNOWN_VERSIONS.index(new) - KNOWN_VERSIONS.index(old)


def test_known_releases_stand_in_order_and_once_each() -> None:
    versions = [parse_version(version) for version in KNOWN_VERSIONS]

    assert versions == sorted(versions)
    assert len(set(KNOWN_VERSIONS)) == len(KNOWN_VERSIONS) == 59


def test_every_version_that_kubeadm_deploys_is_known_and_none_goes_back() -> None:
    shipped = list(SHIPPED_VERSIONS.values())

    assert [version for version in shipped if version not in KNOWN_VERSIONS] == []
    assert shipped == sorted(shipped, key=parse_version)


@pytest.mark.parametrize(
    ("kubernetes", "want"), [("v1.34.2", "1.12.1"), ("v1.31.0+vendor.1", "1.11.1"), ("v1.10.0", None), ("v2.34.0", None)]
)
def test_a_kubernetes_version_brings_the_coredns_of_its_minor(kubernetes: str, want: str | None) -> None:
    assert shipped_version(parse_version(kubernetes)) == want
