"""Names that are no label values become hashes in the form the field uses."""

from __future__ import annotations

import base64

import pytest

from capelin.api.labels import as_label_value
from capelin.api.meta import is_label_value


@pytest.mark.parametrize("name", ["workers", "a" * 63, "a.b_c-d"])
def test_a_name_that_may_be_a_label_value_stays(name: str) -> None:
    assert as_label_value(name) == name


@pytest.mark.parametrize("name", ["a" * 64, "-a", "a b", "a\n"])
def test_any_other_name_becomes_a_label_value_that_depends_on_it(name: str) -> None:
    got = as_label_value(name)

    assert is_label_value(got)
    assert got.startswith("hash_")
    assert got != as_label_value(f"{name}x" * 64)


def test_the_hash_is_fnv_1a_of_32_bits_in_url_safe_base64() -> None:
    assert (0x811C9DC5 ^ ord(" ")) * 0x01000193 & 0xFFFFFFFF == int.from_bytes(base64.urlsafe_b64decode("JQyPfw=="), "big")
    assert as_label_value(" ") == "hash_JQyPfw_z"
