"""What a schema says beyond a Python type: bounds, patterns, list types, CEL rules.

Markers stand in `Annotated[…]`. They describe and never enforce: the API server judges what is written, while a reader accepts whatever was
stored, so that an object which a newer version allowed can still be read here.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class Marker:
    """Keywords that a type's schema carries; a later marker wins over an earlier one."""

    keywords: dict[str, Any]


def Length(low: int, high: int | None = None) -> Marker:  # noqa: N802  # a marker reads like a type
    """A string of at least `low` and at most `high` characters."""
    return Marker({"minLength": low} | ({} if high is None else {"maxLength": high}))


def MaxLength(high: int) -> Marker:  # noqa: N802
    """A string of at most `high` characters."""
    return Marker({"maxLength": high})


def Pattern(regex: str) -> Marker:  # noqa: N802
    """A string that the regular expression (RE2) finds itself in."""
    return Marker({"pattern": regex})


def Enum(*values: str) -> Marker:  # noqa: N802
    """One of these strings."""
    return Marker({"enum": list(values)})


def Format(name: str) -> Marker:  # noqa: N802
    """The OpenAPI format: int32, int64, date-time, byte."""
    return Marker({"format": name})


def Minimum(low: int) -> Marker:  # noqa: N802
    """A number that is not below `low`."""
    return Marker({"minimum": low})


def Range(low: int, high: int) -> Marker:  # noqa: N802
    """A number between both bounds, which belong to the range."""
    return Marker({"minimum": low, "maximum": high})


def Items(low: int, high: int) -> Marker:  # noqa: N802
    """A list with at least `low` and at most `high` entries."""
    return Marker({"minItems": low, "maxItems": high})


def MaxItems(high: int) -> Marker:  # noqa: N802
    """A list with at most `high` entries."""
    return Marker({"maxItems": high})


def MapList(*keys: str) -> Marker:  # noqa: N802
    """A list whose entries are told apart by these fields; server-side apply merges it entry by entry."""
    return Marker({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)})


ATOMIC_LIST = Marker({"x-kubernetes-list-type": "atomic"})
"""A list that is replaced as a whole."""

INT_OR_STRING = Marker({"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]})
"""A number, or a string such as a percentage."""

PRESERVE_UNKNOWN = Marker({"x-kubernetes-preserve-unknown-fields": True})
"""Any JSON value, kept as it was sent."""


def Default(value: str | bool) -> Marker:  # noqa: N802
    """The value the API server stores when the field is absent."""
    return Marker({"default": value})


@dataclass(frozen=True, slots=True)
class Rule:
    """A CEL expression over `self` that must be true, and what the user is told when it is not."""

    expression: str
    message: str

    @property
    def keywords(self) -> dict[str, Any]:
        """The rule as a schema carries it."""
        return {"x-kubernetes-validations": [{"rule": self.expression, "message": self.message}]}


class Required:
    """Marks a field that must be on the wire although reading tolerates its absence."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a whole object must satisfy; a model's class variable `shape`."""

    min_properties: int = 0
    atomic: bool = False
    rules: tuple[Rule, ...] = ()

    @property
    def keywords(self) -> dict[str, Any]:
        """The schema keywords of the object."""
        found: dict[str, Any] = {}
        if self.min_properties:
            found["minProperties"] = self.min_properties
        if self.atomic:
            found["x-kubernetes-map-type"] = "atomic"
        if self.rules:
            found["x-kubernetes-validations"] = [{"rule": rule.expression, "message": rule.message} for rule in self.rules]
        return found


def merged(markers: Iterable[object]) -> dict[str, Any]:
    """Return a copy of the keywords of all markers among `markers`; other annotations are passed over."""
    found: dict[str, Any] = {}
    for marker in markers:
        if isinstance(marker, Marker | Rule):
            found.update(deepcopy(marker.keywords))
    return found
