"""Which fields of an object may change: every change is compared with a list of paths, and what is not on the list is refused.

A list of what may change, not of what may not, keeps a field that a later version adds from changing before anybody has thought about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from capelin.api.refusals import FORBIDDEN, Refusal, Rule
from capelin.webhooks.rules.quoting import quoted

Path = tuple[str, ...]

_BELOW: Final = "*"

_SECRETS: Final = frozenset({"token", "tlsBootstrapToken", "authProvider", "proxyURL", "additionalConfig"})
"""Fields whose values, and whatever is below them, are never told."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs; None stands for no value before or after."""

    path: Path
    old: Any
    new: Any


class MutablePaths:
    """The fields that may change.

    A line `spec.version` lets the field be set, changed and removed. `spec.rollout.*` lets the same be done to the field itself and to all
    that is below it. Objects around a field on the list may come with it, but not be removed as a whole.
    """

    def __init__(self, lines: str) -> None:
        paths = [tuple(line.strip().split(".")) for line in lines.split("\n") if line.strip()]
        self._exact = frozenset(path for path in paths if path[-1] != _BELOW)
        self._trees = frozenset(path[:-1] for path in paths if path[-1] == _BELOW)

    def allow(self, path: Path) -> bool:
        """Tell whether the field at `path` may change."""
        return path in self._exact or any(path[:depth] in self._trees for depth in range(1, len(path) + 1))


def changes(old: Mapping[str, Any], new: Mapping[str, Any], path: Path = ()) -> Iterator[Change]:
    """Yield the differences of two documents: objects field by field, an object that is gone as one, lists and other values as a whole."""
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if isinstance(after, dict):
            yield from changes(before if isinstance(before, dict) else {}, after, (*path, name))
        elif before != after:
            yield Change((*path, name), before, after)


def path_refusals(rule: Rule, old: Mapping[str, Any], new: Mapping[str, Any], mutable: MutablePaths, field: str) -> Iterator[Refusal]:
    """Yield every difference of the documents at `field` that is not on the list; the list's paths begin there."""
    for change in changes(old, new):
        if not mutable.allow(change.path):
            yield rule.broken(".".join((field, *change.path)), _shown(change.path, change.new), _allowed(change), reason=FORBIDDEN)


def _allowed(change: Change) -> str:
    if isinstance(change.old, dict):
        return "the object that was there: it cannot be removed as a whole"
    if isinstance(change.old, list) or _is_secret(change.path):
        return "what it was before: the field cannot change"
    return f"what it was before, {_shown(change.path, change.old)}: the field cannot change"


def _shown(path: Path, value: Any) -> str:
    """Return what to say of a value. Lists and objects are not quoted: files, users and commands may be in them."""
    if value is None:
        return "nothing"
    if isinstance(value, list | dict):
        return "another list" if isinstance(value, list) else "another object"
    return "another value" if _is_secret(path) else quoted(value)


def _is_secret(path: Path) -> bool:
    return not _SECRETS.isdisjoint(path)
