"""What a label selector inside an object may say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from capelin.runtime.documents import causes, names
from capelin.runtime.documents.causes import Path
from capelin.runtime.errors import Cause

_WITH_VALUES: Final = ("In", "NotIn")
_WITHOUT_VALUES: Final = ("Exists", "DoesNotExist")


def check_selector(selector: Mapping[str, Any], path: Path) -> Iterator[Cause]:
    """Yield what is wrong with a selector whose operators are known ones."""
    for key, value in (selector.get("matchLabels") or {}).items():
        yield from _check_key(key, (*path, "matchLabels"))
        yield from (causes.invalid((*path, "matchLabels"), value, sentence) for sentence in names.label_value(value))
    for index, rule in enumerate(selector.get("matchExpressions") or ()):
        yield from _check_expression(rule, (*path, "matchExpressions", index))


def _check_expression(rule: Mapping[str, Any], path: Path) -> Iterator[Cause]:
    operator, values = rule.get("operator") or "", rule.get("values") or []
    if operator in _WITH_VALUES and not values:
        yield causes.required((*path, "values"), "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in _WITHOUT_VALUES and values:
        yield causes.forbidden((*path, "values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    yield from _check_key(rule.get("key") or "", (*path, "key"))
    for number, value in enumerate(values):
        yield from (causes.invalid((*path, "values", number), value, sentence) for sentence in names.label_value(value))


def _check_key(key: str, path: Path) -> Iterator[Cause]:
    yield from (causes.invalid(path, key, sentence) for sentence in names.qualified_name(key))
