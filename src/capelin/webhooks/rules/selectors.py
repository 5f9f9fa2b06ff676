"""Label selectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from capelin.api.meta import LabelSelector, LabelSelectorRequirement
from capelin.api.refusals import NOT_SUPPORTED, REQUIRED, Refusal, Rule
from capelin.runtime.documents.names import label_value, qualified_name
from capelin.webhooks.rules.metadata import LABEL_KEY, LABEL_VALUE
from capelin.webhooks.rules.quoting import quoted

SELECTOR_IS_VALID = Rule(
    "selector_is_valid", "A selector has known operators, with values where they compare, and could match real labels."
)
SELECTOR_IS_NOT_EMPTY = Rule("selector_is_not_empty", "The selector says which objects are meant: an empty one would mean all of them.")

_COMPARING: Final = ("In", "NotIn")
_LOOKING: Final = ("Exists", "DoesNotExist")


def selector_refusals(field: str, selector: LabelSelector | None) -> Iterator[Refusal]:
    """Yield what keeps a selector from being understood; one that is absent or empty can be."""
    if selector is None:
        return
    for key, value in (selector.match_labels or {}).items():
        yield from _key_refusals(f"{field}.matchLabels", key)
        yield from _value_refusals(f"{field}.matchLabels[{key}]", value)
    for index, rule in enumerate(selector.match_expressions or ()):
        place = f"{field}.matchExpressions[{index}]"
        yield from _key_refusals(f"{place}.key", rule.key)
        yield from _operator_refusals(place, rule)
        for position, value in enumerate(rule.values or ()):
            yield from _value_refusals(f"{place}.values[{position}]", value)


def emptiness_refusals(field: str, selector: LabelSelector) -> Iterator[Refusal]:
    """Yield what is wrong with a selector that has no rule at all."""
    if selector.is_empty:
        yield SELECTOR_IS_NOT_EMPTY.broken(field, "an empty selector", "one with matchLabels or matchExpressions", reason=REQUIRED)


def _operator_refusals(place: str, rule: LabelSelectorRequirement) -> Iterator[Refusal]:
    if rule.operator in _COMPARING:
        if not rule.values:
            yield SELECTOR_IS_VALID.broken(
                f"{place}.values", "none", f"at least one value, which {rule.operator} compares with", reason=REQUIRED
            )
    elif rule.operator in _LOOKING:
        if rule.values:
            yield SELECTOR_IS_VALID.broken(f"{place}.values", f"{len(rule.values)} of them", f"none with {rule.operator}")
    else:
        allowed = "In, NotIn, Exists or DoesNotExist"
        yield SELECTOR_IS_VALID.broken(f"{place}.operator", quoted(rule.operator), allowed, reason=NOT_SUPPORTED)


def _key_refusals(field: str, key: str) -> Iterator[Refusal]:
    if qualified_name(key):
        yield SELECTOR_IS_VALID.broken(field, quoted(key), LABEL_KEY)


def _value_refusals(field: str, value: str) -> Iterator[Refusal]:
    if label_value(value):
        yield SELECTOR_IS_VALID.broken(field, quoted(value), LABEL_VALUE)
