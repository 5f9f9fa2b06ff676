"""Kubernetes versions: parsing, order and distance."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import total_ordering

_SEMVER = re.compile(
    r"v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?",
    re.ASCII,  # digits of other scripts are none here
)


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """A semantic version. Order is that of semver; builds of one version follow each other by their identifiers (`+rke2r1` < `+rke2r2`)."""

    major: int
    minor: int
    patch: int
    prerelease: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    text: str = field(default="", compare=False)

    def __lt__(self, other: Version) -> bool:
        return self._order < other._order

    def __str__(self) -> str:
        return self.text

    @property
    def release(self) -> tuple[int, int]:
        """Major and minor."""
        return self.major, self.minor

    @property
    def _order(self) -> tuple[object, ...]:
        numbers = (self.major, self.minor, self.patch)
        return (*numbers, not self.prerelease, _identifiers(self.prerelease), _identifiers(self.build))


def parse_version(text: str) -> Version:
    """Return the version that `text` spells, with or without a leading `v`.

    Raises:
        ValueError: it is not a semantic version.
    """
    match = _SEMVER.fullmatch(text)  # `$` would let a line break follow
    if match is None:
        raise ValueError(f"found version {text!r}, allowed are semantic versions such as v1.34.2")
    major, minor, patch, prerelease, build = match.groups()
    return Version(int(major), int(minor), int(patch), _parts(prerelease), _parts(build), text)


def minor_skew(newer: Version, older: Version) -> int:
    """Return how many minor versions `newer` is ahead of `older`; negative when it is behind.

    Raises:
        ValueError: the major versions differ.
    """
    if newer.major != older.major:
        raise ValueError(f"versions {newer} and {older} differ in their major version")
    return newer.minor - older.minor


def sorted_versions(texts: Iterable[str]) -> list[str]:
    """Return the versions in ascending order; what is no semantic version comes last, by its text."""
    return sorted(texts, key=_sort_key)


def _sort_key(text: str) -> tuple[object, ...]:
    try:
        return (0, *parse_version(text)._order, text)
    except ValueError:
        return (1, text)


def _parts(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(".")) if text else ()


def _identifiers(parts: tuple[str, ...]) -> tuple[tuple[bool, int, str], ...]:
    """Return identifiers in semver's order: numbers by value and before words, words by their characters."""
    return tuple((not part.isdigit(), int(part) if part.isdigit() else 0, "" if part.isdigit() else part) for part in parts)
