"""Semantic versions and constraints on them, by the rules of Masterminds/semver 3."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from capelin.runtime.gotemplate.bounds import Budget
from capelin.runtime.gotemplate.errors import Refusal, shown
from capelin.runtime.gotemplate.functions.signature import STRING, Function
from capelin.runtime.gotemplate.values import Uint64

_LONGEST: Final = 256
"""Characters of a version or constraint; none that anybody writes comes near."""

_EXTRA: Final = r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
_VERSION: Final = re.compile(rf"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?{_EXTRA}")
_PATTERN: Final = rf"v?([0-9xX*|]+)(?:\.([0-9xX*|]+))?(?:\.([0-9xX*|]+))?{_EXTRA}"
_COMPARATOR: Final = re.compile(rf"\s*(!=|>=|=>|<=|=<|~>|=|>|<|~|\^|)\s*{_PATTERN}")
_RANGE: Final = re.compile(r"(v?[0-9xX*|][0-9A-Za-z.*|+-]*)\s+-\s+(v?[0-9xX*|][0-9A-Za-z.*|+-]*)")


@dataclass(frozen=True, slots=True)
class Version:
    """A version; what a template may ask of it are the names in `FIELDS`."""

    major: int
    minor: int
    patch: int
    prerelease: str
    metadata: str
    original: str

    def __str__(self) -> str:
        extra = (f"-{self.prerelease}" if self.prerelease else "") + (f"+{self.metadata}" if self.metadata else "")
        return f"{self.major}.{self.minor}.{self.patch}{extra}"

    def order(self) -> tuple[tuple[int, int, int], bool, list[tuple[bool, int, str]]]:
        """Return a key that sorts as versions do: a prerelease before the release, numbers before words."""
        parts = [(not part.isdigit(), int(part) if part.isdigit() else 0, "" if part.isdigit() else part) for part in self._parts()]
        return (self.major, self.minor, self.patch), not self.prerelease, parts

    def _parts(self) -> list[str]:
        return self.prerelease.split(".") if self.prerelease else []


FIELDS: Final[dict[str, Callable[[Version], object]]] = {
    "Major": lambda version: Uint64(version.major),
    "Minor": lambda version: Uint64(version.minor),
    "Patch": lambda version: Uint64(version.patch),
    "Prerelease": lambda version: version.prerelease,
    "Metadata": lambda version: version.metadata,
    "Original": lambda version: version.original,
    "String": str,
}


def parse_version(text: str) -> Version:
    """Read a version; minor and patch may be left out.

    Raises:
        Refusal: it is none.
    """
    found = _VERSION.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        raise Refusal(f"{shown(text)} is not a semantic version")
    major, minor, patch, prerelease, metadata = found.groups()
    numbers = (int(major), int(minor or 0), int(patch or 0))
    if max(numbers) >= 2**64:
        raise Refusal(f"{shown(text)} has a number of more than 64 bits")
    if any(len(part) > 1 and part.isdigit() and part.startswith("0") for part in (prerelease or "").split(".")):
        raise Refusal(f"{shown(text)} has a number with a leading zero in its prerelease")
    return Version(numbers[0], numbers[1], numbers[2], prerelease or "", metadata or "", text)


@dataclass(frozen=True, slots=True)
class _Comparator:
    """One comparison. Of a version with wildcards, `given` tells how many of its numbers were written."""

    operator: str
    version: Version
    given: int

    def admits(self, version: Version) -> bool:
        """Tell whether the version passes; a prerelease does so only where one is written."""
        skips = bool(version.prerelease) and not self.version.prerelease
        if skips and (self.operator != "!=" or self.given < 3):
            return False
        order, own = version.order(), self.version.order()
        match self.operator:
            case "" | "=":
                return order == own if self.given == 3 else self._is_near(version)
            case "!=":
                return order != own if self.given in (0, 3) else self._differs(version)
            case ">":
                return order > own if self.given in (0, 3) else self._written(version) > self._written(self.version)
            case "<":
                return order < own
            case ">=" | "=>":
                return order >= own
            case "<=" | "=<":
                return order <= own if self.given == 3 else self._written(version) <= self._written(self.version)
            case "^":
                return self._is_compatible(version)
        return self._is_near(version)

    def _written(self, version: Version) -> tuple[int, ...]:
        """Return the numbers that count for a comparison; major and minor where none was written."""
        return _numbers(version)[: self.given or 2]

    def _is_near(self, version: Version) -> bool:
        """Tell whether it is at least ours, and the same in major and, if that was written, minor."""
        if version.order() < self.version.order():
            return False
        if _numbers(self.version) == (0, 0, 0) and self.given in (0, 3):
            return True
        return _numbers(version)[: min(self.given, 2)] == _numbers(self.version)[: min(self.given, 2)]

    def _differs(self, version: Version) -> bool:
        if self.given == 2 and _numbers(version)[:2] == _numbers(self.version)[:2]:
            return bool(version.prerelease or self.version.prerelease) and version.prerelease != self.version.prerelease
        return _numbers(version)[: self.given] != _numbers(self.version)[: self.given]

    def _is_compatible(self, version: Version) -> bool:
        """Tell whether it is at least ours, and the same up to the first number that is not zero."""
        if version.order() < self.version.order():
            return False
        numbers = _numbers(self.version)
        if numbers[0] > 0 or self.given == 1:
            same = 1
        elif numbers[1] > 0 or self.given == 2:
            same = 2
        else:
            same = 3
        return _numbers(version)[:same] == numbers[:same]


def _numbers(version: Version) -> tuple[int, int, int]:
    return (version.major, version.minor, version.patch)


def _comparators(text: str) -> list[_Comparator]:
    """Read comparisons that must all hold, parted by commas or space."""
    found: list[_Comparator] = []
    end = 0
    while end < len(text) and text[end:].strip():
        matched = _COMPARATOR.match(text, end)
        if matched is None or (found and not _is_parted(text, end)):
            raise Refusal(f"{shown(text)} is not a constraint on versions, like '>= 1.30, < 2'")
        found.append(_comparator(matched, text))
        end = matched.end()
        rest = text[end:].lstrip()
        end = len(text) - len(rest) + 1 if rest.startswith(",") else end
    if not found:
        raise Refusal(f"{shown(text)} is not a constraint on versions, like '>= 1.30, < 2'")
    return found


def _is_parted(text: str, end: int) -> bool:
    return text[end - 1] == "," or text[end].isspace()


def _comparator(matched: re.Match[str], text: str) -> _Comparator:
    operator, *parts, prerelease, metadata = matched.groups()
    del metadata
    numbers = []
    for part in parts:
        if part is None or part in ("x", "X", "*"):
            break
        if not part.isdigit():
            raise Refusal(f"{shown(text)} is not a constraint on versions: {shown(part)} is neither a number nor x")
        numbers.append(part)
    padded = ".".join([*numbers, "0", "0", "0"][:3])
    return _Comparator(operator, parse_version(padded + (f"-{prerelease}" if prerelease else "")), len(numbers))


def _satisfies(budget: Budget, constraint: str, version: str) -> bool:
    if len(constraint) > _LONGEST:
        raise Refusal(f"a constraint of {len(constraint)} characters found, and {_LONGEST} are the most")
    budget.spend(2 * len(constraint))
    ranged = _RANGE.sub(r">= \1, <= \2 ", constraint)
    choices = [_comparators(choice) for choice in ranged.split("||")]
    found = parse_version(version)
    return any(all(comparator.admits(found) for comparator in choice) for choice in choices)


FUNCTIONS = {
    "semver": Function(lambda _, text: parse_version(text), (STRING,)),
    "semverCompare": Function(_satisfies, (STRING, STRING)),
}
