"""Unknown fields: found, reported and dropped.

Rules of https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#field-pruning: what the structural
schema does not mention goes, unless `x-kubernetes-preserve-unknown-fields` keeps it; below a kept field known fields are pruned again.
`additionalProperties: true` allows any key but specifies no fields, so objects below it lose theirs; free-form data needs the preserve
marker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from capelin.runtime.documents.causes import Path

Pruner = Callable[[Any, list[Path]], Any]
"""Returns the value without unknown fields (itself when there are none) and appends their paths, relative to the value."""

RESOURCE_FIELDS = frozenset({"apiVersion", "kind", "metadata"})


def compile_pruner(schema: Mapping[str, Any], metadata: Pruner | None, *, resource: bool = False, preserve: bool = False) -> Pruner:
    """Return the pruner of a structural schema.

    `metadata` prunes the metadata of the resource and of embedded ones (None keeps it as it is), `resource` says that the schema is that of
    a whole resource, `preserve` keeps what is unknown on this level.
    """
    preserve = preserve or bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    resource = resource or bool(schema.get("x-kubernetes-embedded-resource"))
    fields: dict[str, Pruner | None] = {
        name: compile_pruner(child, metadata) for name, child in (schema.get("properties") or {}).items() if not _keeps_all(child)
    }
    fields |= {name: None for name, child in (schema.get("properties") or {}).items() if _keeps_all(child)}
    if resource:
        fields |= {"apiVersion": None, "kind": None, "metadata": metadata}
    additional = schema.get("additionalProperties")
    others = _others(additional, metadata, preserve=preserve)
    items = schema.get("items")
    item = compile_pruner(items, metadata, preserve=preserve) if isinstance(items, Mapping) else None
    return _pruner(fields, others, item, preserve=preserve)


def _keeps_all(schema: Mapping[str, Any]) -> bool:
    """Below this schema there is nothing to look at, because everything is kept."""
    return bool(schema.get("x-kubernetes-preserve-unknown-fields")) and not (
        schema.get("properties")
        or schema.get("items")
        or schema.get("additionalProperties")
        or schema.get("x-kubernetes-embedded-resource")
    )


def _others(additional: Any, metadata: Pruner | None, *, preserve: bool) -> Pruner | bool | None:
    """How fields without a name in the schema fare: False drops them, None keeps them, a pruner looks into them."""
    if isinstance(additional, Mapping):
        return compile_pruner(additional, metadata)
    if preserve:
        return None
    return _prune_all if additional else False


def _pruner(fields: dict[str, Pruner | None], others: Pruner | bool | None, item: Pruner | None, *, preserve: bool) -> Pruner:
    def prune_object(value: dict[str, Any], unknown: list[Path]) -> dict[str, Any]:
        result = value
        for key, child in value.items():
            below = fields.get(key, others)
            if below is False:
                result = dict(value) if result is value else result
                del result[key]
                unknown.append((key,))
                continue
            kind = type(child)
            if below is None or (kind is not dict and kind is not list):
                continue
            seen = len(unknown)
            pruned = below(child, unknown)  # type: ignore[operator] # False and None are dealt with above
            if pruned is not child:
                result = dict(value) if result is value else result
                result[key] = pruned
                unknown[seen:] = [(key, *path) for path in unknown[seen:]]
        return result

    def prune(value: Any, unknown: list[Path]) -> Any:
        if type(value) is dict:
            return prune_object(value, unknown)
        if type(value) is list:
            if item is not None:
                return _prune_list(item, value, unknown)
            return value if preserve else _prune_list(_prune_all, value, unknown)
        return value

    return prune


def _prune_list(item: Pruner, values: list[Any], unknown: list[Path]) -> list[Any]:
    result = values
    for index, child in enumerate(values):
        if type(child) is not dict and type(child) is not list:
            continue
        seen = len(unknown)
        pruned = item(child, unknown)
        if pruned is not child:
            result = list(values) if result is values else result
            result[index] = pruned
            unknown[seen:] = [(index, *path) for path in unknown[seen:]]
    return result


def _prune_all(value: Any, unknown: list[Path]) -> Any:
    """Prune a value whose schema names no fields."""
    if type(value) is dict:
        unknown.extend((key,) for key in value)
        return {} if value else value
    return _prune_list(_prune_all, value, unknown)
