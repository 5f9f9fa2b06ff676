"""Defaults of structural schemas.

Rules of https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting-and-nullable: a null
where null is not allowed counts as absent, a default is set where a field is absent, defaults apply inside defaults, and nothing is made up
inside objects that are absent themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from capelin.runtime.documents.documents import copied

Defaulter = Callable[[Any], Any]
"""Returns the value with its defaults; itself when none is missing."""

_ABSENT = object()
Schema = Mapping[str, Any]


def compile_defaulter(schema: Schema, metadata: Defaulter | None, *, resource: bool = False) -> Defaulter | None:
    """Return the defaulter of a structural schema, or None when it would never change anything.

    `metadata` does the metadata of the resource and of embedded ones; `resource` says that the schema is that of a whole resource.
    """
    properties: Schema = schema.get("properties") or {}
    fields = {name: found for name, child in properties.items() if (found := compile_defaulter(child, metadata))}
    if (resource or schema.get("x-kubernetes-embedded-resource")) and metadata:
        fields["metadata"] = metadata
    additional = schema.get("additionalProperties")
    others = additional if isinstance(additional, Mapping) else None
    items = schema.get("items")
    if isinstance(items, Mapping):
        return _list_defaulter(items, compile_defaulter(items, metadata))
    if not (properties or others or fields):
        return None
    return _ObjectDefaulter(properties, fields, others, compile_defaulter(others, metadata) if others else None)


class _ObjectDefaulter:
    """Defaults an object. `fields` and `other` do what is below its named and its other fields."""

    __slots__ = ("_defaults", "_fields", "_known", "_nullable", "_other", "_others")

    def __init__(self, properties: Schema, fields: Mapping[str, Defaulter], others: Schema | None, other: Defaulter | None) -> None:
        self._defaults = {name: child["default"] for name, child in properties.items() if child.get("default") is not None}
        self._nullable = frozenset(name for name, child in properties.items() if child.get("nullable"))
        self._known = frozenset(properties)
        self._fields, self._others, self._other = fields, others, other

    def __call__(self, value: Any) -> Any:
        if type(value) is not dict:
            return value
        result = self._completed(value)
        for name, child in value.items() if result is value else list(result.items()):
            if child is None:
                result = self._without_null(value, result, name)
                continue
            kind = type(child)
            if kind is not dict and kind is not list:
                continue
            below = self._fields.get(name) or (self._other if name not in self._known else None)
            filled = below(child) if below else child
            if filled is not child:
                result = dict(value) if result is value else result
                result[name] = filled
        return result

    def _completed(self, value: dict[str, Any]) -> dict[str, Any]:
        result = value
        for name, default in self._defaults.items():
            found = value.get(name, _ABSENT)
            if found is _ABSENT or (found is None and name not in self._nullable):
                result = dict(value) if result is value else result
                result[name] = copied(default)
        return result

    def _without_null(self, value: dict[str, Any], result: dict[str, Any], name: str) -> dict[str, Any]:
        """Drop the null of a field that must not be null. Among unnamed fields a null can have a default."""
        default = None
        if name not in self._known:
            if self._others is None or self._others.get("nullable"):
                return result
            default = self._others.get("default")
        elif name in self._nullable:
            return result
        result = dict(value) if result is value else result
        if default is None:
            del result[name]
        else:
            result[name] = copied(default)
        return result


def _list_defaulter(items: Schema, item: Defaulter | None) -> Defaulter | None:
    default = None if items.get("nullable") else items.get("default")
    if item is None and default is None:
        return None

    def defaulter(value: Any) -> Any:
        if type(value) is not list:
            return value
        result = value
        for index, child in enumerate(value):
            filled = copied(default) if child is None and default is not None else child
            filled = item(filled) if item else filled
            if filled is not child:
                result = list(value) if result is value else result
                result[index] = filled
        return result

    return defaulter
