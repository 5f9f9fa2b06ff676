"""Which part of an object was which part before an update.

Maps correlate by key, lists of type map by their keys; items of other lists have no identity over time
(https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-ratcheting).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capelin.runtime.documents.causes import Path
from capelin.runtime.documents.documents import identical

Node = Mapping[str, Any]


def old_item(schema: Node, item: Any, before: Any) -> Any:
    """Return the item of the old list `before` that had the same keys as `item`, or None; `schema` is that of the list."""
    if schema.get("x-kubernetes-list-type") != "map" or not isinstance(item, dict) or not isinstance(before, list):
        return None
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    return next((old for old in before if isinstance(old, dict) and all(old.get(key) == item.get(key) for key in keys)), None)


def is_unchanged(schema: Node, document: Any, old: Any, path: Path) -> bool:
    """Tell whether the value at `path`, or the nearest part around it that can be found in `old`, is what it was."""
    node: Node = schema
    for step in path:
        below, before = _down(node, document, old, step)
        if before is None:
            break
        document, old, node = document[step], before, below
    return identical(document, old)


def _down(schema: Node, value: Any, old: Any, step: str | int) -> tuple[Node, Any]:
    if isinstance(step, int):
        items = schema.get("items")
        return (items if isinstance(items, Mapping) else {}), old_item(schema, value[step], old)
    properties = schema.get("properties") or {}
    below = properties.get(step, schema.get("additionalProperties"))
    return (below if isinstance(below, Mapping) else {}), (old.get(step) if isinstance(old, dict) else None)
