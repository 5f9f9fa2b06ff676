"""Plain JSON values: what the other document functions share.

Documents are treated as immutable: a function that changes one returns a new document that shares what stayed the same. Only what must not
be shared is copied.
"""

from __future__ import annotations

from typing import Any

from capelin.runtime import codec


def copied(value: Any) -> Any:
    """Return a copy that shares nothing mutable with `value`."""
    if type(value) is dict:
        return {key: copied(child) for key, child in value.items()}
    if type(value) is list:
        return [copied(child) for child in value]
    return value


def identical(one: Any, other: Any) -> bool:
    """Tell whether two values are the same JSON; the order of keys does not matter, and true is not 1 (as it is in Python)."""
    return one is other or (one == other and codec.canonical(one) == codec.canonical(other))


def is_deeper(value: Any, levels: int) -> bool:
    """Tell whether more than `levels` objects and lists stand in each other: too many for passes that call themselves.

    An empty one inside counts for nothing, as nothing has to go into it.
    """
    inside = [value] if isinstance(value, dict | list) else []
    for _ in range(levels):
        children = (child for outer in inside for child in (outer.values() if type(outer) is dict else outer))
        inside = [child for child in children if child and (type(child) is dict or type(child) is list)]
        if not inside:
            return False
    return bool(inside)


def json_type(value: Any) -> str:
    """Return the name of the value's type as OpenAPI schemas and Kubernetes messages call it."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"
