"""Label and field selectors: from the API's syntax to a test on stored objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from capelin.apiserver.registry import Version
from capelin.apiserver.storage.store import Item
from capelin.runtime import codec, errors

_TOKEN = re.compile(r"\s*(==|!=|=|!|\(|\)|,|<|>|[^\s=!(),<>]+)")
_KEY = re.compile(r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)\Z")
_VALUE = re.compile(r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?\Z")
_NAMES = ("metadata.name", "metadata.namespace")


@dataclass(frozen=True, slots=True)
class _LabelRule:
    key: str
    operator: str  # in, notin, exists, absent, gt, lt
    values: frozenset[str] = frozenset()

    def holds(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "in":
                return value is not None and value in self.values
            case "notin":
                return value is None or value not in self.values
            case "exists":
                return value is not None
            case "absent":
                return value is None
        (bound,) = self.values
        if value is None or not value.lstrip("-").isdigit():
            return False
        return int(value) > int(bound) if self.operator == "gt" else int(value) < int(bound)


@dataclass(frozen=True, slots=True)
class _FieldRule:
    path: tuple[str, ...]
    value: str
    equal: bool

    def holds(self, document: Mapping[str, Any]) -> bool:
        return (_text_at(document, self.path) == self.value) is self.equal


@dataclass(frozen=True, slots=True)
class Selector:
    """Chooses stored objects. `name` is not empty when only one name can match."""

    labels: tuple[_LabelRule, ...] = ()
    fields: tuple[_FieldRule, ...] = ()
    name: str = ""
    namespace: str = ""

    @property
    def selects_all(self) -> bool:
        """True when there is no rule."""
        return not self.labels and not self.fields and not self.name and not self.namespace

    def matches(self, item: Item) -> bool:
        """Tell whether the object satisfies every rule."""
        if (self.name and item.key[1] != self.name) or (self.namespace and item.key[0] != self.namespace):
            return False
        if self.labels:
            labels = item.head.labels or {}
            if not all(rule.holds(labels) for rule in self.labels):
                return False
        if not self.fields:
            return True
        document = codec.decode_document(item.data)
        return all(rule.holds(document) for rule in self.fields)


EVERYTHING = Selector()


def parse(version: Version, label_selector: str, field_selector: str) -> Selector:
    """Return the selector that two query parameters spell.

    Raises:
        BadRequest: a selector cannot be understood, or names a field that objects of this version cannot be selected by.
    """
    if not label_selector and not field_selector:
        return EVERYTHING
    labels = parse_labels(label_selector)
    fields = _parse_fields(field_selector)
    exact = {".".join(rule.path): rule.value for rule in fields if rule.equal and ".".join(rule.path) in _NAMES}
    for rule in fields:
        path = ".".join(rule.path)
        if path not in _NAMES and path not in version.selectable_fields:
            raise errors.BadRequest(f"field label not supported: {path}")
    rest = tuple(rule for rule in fields if not (rule.equal and ".".join(rule.path) in exact and exact[".".join(rule.path)] == rule.value))
    return Selector(labels, rest, exact.get("metadata.name", ""), exact.get("metadata.namespace", ""))


def parse_labels(text: str) -> tuple[_LabelRule, ...]:
    """Return the rules of a label selector.

    Raises:
        BadRequest: it cannot be understood.
    """
    tokens = _tokens(text)
    rules: list[_LabelRule] = []
    while tokens:
        rules.append(_next_rule(tokens, text))
        if tokens and tokens.pop(0) != ",":
            raise _unparsable(text)
    return tuple(rules)


def _next_rule(tokens: list[str], text: str) -> _LabelRule:
    first = tokens.pop(0)
    if first == "!":
        return _LabelRule(_key(tokens.pop(0) if tokens else "", text), "absent")
    key = _key(first, text)
    if not tokens or tokens[0] == ",":
        return _LabelRule(key, "exists")
    operator = tokens.pop(0)
    if operator in ("in", "notin"):
        return _LabelRule(key, operator, _value_set(tokens, text))
    value = "" if not tokens or tokens[0] == "," else tokens.pop(0)
    if operator in ("<", ">"):
        if not value.lstrip("-").isdigit():
            raise _unparsable(text)
        return _LabelRule(key, "gt" if operator == ">" else "lt", frozenset((value,)))
    if operator not in ("=", "==", "!="):
        raise _unparsable(text)
    return _LabelRule(key, "notin" if operator == "!=" else "in", frozenset((_value(value, text),)))


def _value_set(tokens: list[str], text: str) -> frozenset[str]:
    if not tokens or tokens.pop(0) != "(":
        raise _unparsable(text)
    values: set[str] = set()
    expects_value = True
    while tokens:
        word = tokens.pop(0)
        if word not in (",", ")"):
            values.add(_value(word, text))
            expects_value = False
            continue
        if expects_value:
            values.add("")
        if word == ")":
            return frozenset(values)
        expects_value = True
    raise _unparsable(text)


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    position = 0
    end = len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None:
            raise _unparsable(text)
        tokens.append(found.group(1))
        position = found.end()
    return tokens


def _key(token: str, text: str) -> str:
    if not _KEY.match(token):
        raise _unparsable(text)
    return token


def _value(token: str, text: str) -> str:
    if len(token) > 63 or not _VALUE.match(token):
        raise _unparsable(text)
    return token


def _unparsable(text: str) -> errors.BadRequest:
    return errors.BadRequest(f"unable to parse requirement: label selector {text!r} is not valid")


def _parse_fields(text: str) -> list[_FieldRule]:
    rules = []
    for part in (part for part in re.split(r"(?<!\\),", text) if part):
        path, operator, value = _split_field(part)
        if not operator:
            raise errors.BadRequest(f"invalid field selector: {text!r}: can't understand {part!r}")
        rules.append(_FieldRule(tuple(path.split(".")), re.sub(r"\\(.)", r"\1", value), operator != "!="))
    return rules


def _split_field(part: str) -> tuple[str, str, str]:
    for operator in ("!=", "==", "="):
        path, found, value = part.partition(operator)
        if found and "=" not in path:
            return path.strip(), operator, value
    return part, "", ""


def _text_at(document: Any, path: tuple[str, ...]) -> str:
    for step in path:
        document = document.get(step) if isinstance(document, dict) else None
    if document is None:
        return ""
    if isinstance(document, bool):
        return "true" if document else "false"
    return str(document)
