"""JSON Merge Patch, RFC 7386."""

from __future__ import annotations

from typing import Any

from capelin.runtime.documents.documents import identical


def merge_patch(document: Any, patch: Any) -> Any:
    """Return the document after the patch; what the patch does not mention is shared with it."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def diff(old: Any, new: Any) -> Any:
    """Return the smallest patch that makes `new` of `old`; empty when they are the same.

    A merge patch cannot set null, so both are taken as if fields that are null were absent.
    """
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    patch: dict[str, Any] = {name: None for name, value in old.items() if value is not None and new.get(name) is None}
    for name, value in new.items():
        before = old.get(name)
        if value is None or before is value:
            continue
        if isinstance(before, dict) and isinstance(value, dict):
            if below := diff(before, value):
                patch[name] = below
        elif not identical(before, value):
            patch[name] = value
    return patch
