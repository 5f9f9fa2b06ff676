"""Replica counts: where an object that can be scaled keeps them, and what they may be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from capelin.apiserver.registry import ScalePaths
from capelin.runtime.codec import Document
from capelin.runtime.documents import causes
from capelin.runtime.errors import Cause

MAX_REPLICAS: Final = 2**31 - 1


def steps(path: str) -> list[str]:
    """Return the fields of a dotted path such as `.spec.replicas`."""
    return path.lstrip(".").split(".")


def at(document: Any, path: Sequence[str]) -> Any:
    """Return the value at a path, None where there is none."""
    for step in path:
        document = document.get(step) if isinstance(document, dict) else None
    return document


def check_replicas(paths: ScalePaths, document: Document) -> list[Cause]:
    """Return what is wrong with the replica counts: below zero, or too large for the scale subresource."""
    found = []
    for path in (steps(paths.spec_replicas), steps(paths.status_replicas)):
        count = at(document, path)
        if isinstance(count, int) and count < 0:
            found.append(causes.invalid(path, count, "should be a non-negative integer"))
        elif isinstance(count, int) and count > MAX_REPLICAS:
            found.append(causes.invalid(path, count, f"should be less than or equal to {MAX_REPLICAS}"))
    return found
