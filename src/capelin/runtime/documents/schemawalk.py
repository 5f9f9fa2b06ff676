"""Checks that concern some places of a schema, made into one that visits only those."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from capelin.runtime.documents.causes import Key, Path
from capelin.runtime.errors import Cause

Check = Callable[[Any, Path], list[Cause]]
"""Returns what is wrong with a value that stands at the path."""


def compile_walk(schema: Mapping[str, Any], local: Callable[[Mapping[str, Any]], Check | None]) -> Check | None:
    """Return a check of whole documents; None when `local` has a check for no part of the schema."""
    fields = {name: check for name, child in (schema.get("properties") or {}).items() if (check := compile_walk(child, local))}
    additional, items = schema.get("additionalProperties"), schema.get("items")
    other = compile_walk(additional, local) if isinstance(additional, Mapping) else None
    item = compile_walk(items, local) if isinstance(items, Mapping) else None
    itself = local(schema)
    return _walk(itself, fields, other, item) if itself or fields or other or item else None


def _walk(itself: Check | None, fields: Mapping[str, Check], other: Check | None, item: Check | None) -> Check:
    def walk(value: Any, path: Path) -> list[Cause]:
        found = itself(value, path) if itself else []
        if type(value) is dict:
            for name, child in value.items():
                if below := fields.get(name):
                    found += below(child, (*path, name))
                elif other is not None:
                    found += other(child, (*path, Key(name)))
        elif type(value) is list and item is not None:
            for index, child in enumerate(value):
                found += item(child, (*path, index))
        return found

    return walk
