"""What admission refuses, as values: one thing about an object that cannot be acted on, and the rule it breaks.

Rules are pure functions from objects, after defaulting, to refusals; they say nothing about what the schema refuses anyway. Those that
controllers keep too (they turn a refusal into a condition and create nothing) stand beside the types, the others in `capelin.webhooks`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from capelin.api.meta import is_label_value
from capelin.api.versions import parse_version

# Reasons of a refusal, as the causes of a Status object name them.
INVALID = "FieldValueInvalid"
REQUIRED = "FieldValueRequired"
FORBIDDEN = "FieldValueForbidden"
DUPLICATE = "FieldValueDuplicate"
NOT_SUPPORTED = "FieldValueNotSupported"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing about an object that cannot be acted on: the field, what it says, what it may say, and the rule by which it is refused."""

    field: str
    found: str
    allowed: str
    rule: Rule
    reason: str = INVALID

    def __str__(self) -> str:
        return f"{self.field}: found {self.found}, allowed is {self.allowed}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule that objects of a kind must keep.

    `name` is what its tests are named after, `demands` a sentence for the documentation: what must be so, and why where that is not plain.
    """

    name: str
    demands: str

    def broken(self, field: str, found: str, allowed: str, *, reason: str = INVALID) -> Refusal:
        """Return the refusal of what stands at `field`."""
        return Refusal(field, found, allowed, self, reason)


NAME_IS_LABEL_VALUE = Rule(
    "name_is_label_value", "The name can be the value of a label, which it becomes on all that belongs to the object."
)
VERSION_IS_SEMANTIC = Rule("version_is_semantic", "The Kubernetes version is a semantic version; a missing leading `v` is added.")


def name_refusals(name: str) -> Iterator[Refusal]:
    """Yield what keeps the name of an object from being the value of a label."""
    if not is_label_value(name):
        allowed = "at most 63 letters, digits, dashes, underscores and dots, with a letter or digit at both ends: the name becomes a label"
        yield NAME_IS_LABEL_VALUE.broken("metadata.name", repr(name), allowed)


def version_refusals(field: str, version: str | None) -> Iterator[Refusal]:
    """Yield what keeps the text at `field` from being a version; none is given when the field is absent."""
    if version is None:
        return
    try:
        parse_version(version)
    except ValueError:
        yield VERSION_IS_SEMANTIC.broken(field, repr(version), "a semantic version, such as v1.34.0")
