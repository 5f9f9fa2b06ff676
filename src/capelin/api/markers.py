"""What a schema says beyond a Python type: bounds, patterns, list types, CEL rules.

Markers stand in `Annotated[…]`. They describe and never enforce: the API server judges what is written, while a reader accepts whatever was
stored, so that an object which a newer version allowed can still be read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any


class Marker:
    """Keywords that a type's schema carries; a later marker wins over an earlier one."""

    def __init__(self, keywords: Mapping[str, Any]) -> None:
        self.keywords = keywords


class Length(Marker):
    """A string of at least `low` and at most `high` characters."""

    def __init__(self, low: int, high: int | None = None) -> None:
        super().__init__({"minLength": low} | ({} if high is None else {"maxLength": high}))


class MaxLength(Marker):
    """A string of at most `high` characters."""

    def __init__(self, high: int) -> None:
        super().__init__({"maxLength": high})


class Pattern(Marker):
    """A string that the regular expression (RE2) finds itself in."""

    def __init__(self, regex: str) -> None:
        super().__init__({"pattern": regex})


class Enum(Marker):
    """One of these strings."""

    def __init__(self, *values: str) -> None:
        super().__init__({"enum": list(values)})


class Format(Marker):
    """The OpenAPI format: int32, int64, byte."""

    def __init__(self, name: str) -> None:
        super().__init__({"format": name})


class Minimum(Marker):
    """A number that is not below `low`."""

    def __init__(self, low: int) -> None:
        super().__init__({"minimum": low})


class Range(Marker):
    """A number between both bounds, which belong to the range."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__({"minimum": low, "maximum": high})


class Items(Marker):
    """A list with at least `low` and at most `high` entries."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__({"minItems": low, "maxItems": high})


class MaxItems(Marker):
    """A list with at most `high` entries."""

    def __init__(self, high: int) -> None:
        super().__init__({"maxItems": high})


class MapList(Marker):
    """A list whose entries are told apart by these fields; server-side apply merges it entry by entry."""

    def __init__(self, *keys: str) -> None:
        super().__init__({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)})


class Default(Marker):
    """The value the API server stores when the field is absent."""

    def __init__(self, value: str | bool) -> None:
        super().__init__({"default": value})


class Rule(Marker):
    """A CEL expression over `self` that must be true, and what the user is told when it is not."""

    def __init__(self, expression: str, message: str) -> None:
        super().__init__({"x-kubernetes-validations": [{"rule": expression, "message": message}]})


ATOMIC_LIST = Marker({"x-kubernetes-list-type": "atomic"})
"""A list that is replaced as a whole."""

INT_OR_STRING = Marker({"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]})
"""A number, or a string such as a percentage."""

PRESERVE_UNKNOWN = Marker({"x-kubernetes-preserve-unknown-fields": True})
"""Any JSON value, kept as it was sent."""


class Required:
    """Marks a field that must be on the wire although reading tolerates its absence."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a whole object must satisfy; a model's class variable `shape`."""

    min_properties: int = 0
    atomic: bool = False
    rule: Rule | None = None

    @property
    def keywords(self) -> dict[str, Any]:
        """The schema keywords of the object."""
        found: dict[str, Any] = {}
        if self.min_properties:
            found["minProperties"] = self.min_properties
        if self.atomic:
            found["x-kubernetes-map-type"] = "atomic"
        return found | merged([self.rule])


def merged(markers: Iterable[object]) -> dict[str, Any]:
    """Return a copy of the keywords of all markers among `markers`; other annotations are passed over."""
    found: dict[str, Any] = {}
    for marker in markers:
        if isinstance(marker, Marker):
            found.update(deepcopy(marker.keywords))
    return found
