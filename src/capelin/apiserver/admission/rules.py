"""What the rules of a webhook may say: wildcards stand alone, and nothing is empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from capelin.runtime.admission.reviews import OPERATIONS
from capelin.runtime.documents import causes
from capelin.runtime.documents.causes import Path
from capelin.runtime.errors import Cause

_ANY: Final = "*"
_OPERATIONS: Final = (_ANY, *sorted(OPERATIONS))


def check_rules(rules: Sequence[Mapping[str, Any]], path: Path) -> Iterator[Cause]:
    """Yield what is wrong with the rules."""
    for index, rule in enumerate(rules):
        place: Path = (*path, index)
        operations = rule.get("operations") or []
        yield from _check_list(operations, (*place, "operations"), "operations")
        for number, operation in enumerate(operations):
            if operation not in _OPERATIONS:
                yield causes.not_supported((*place, "operations", number), operation, _OPERATIONS)
        yield from _check_list(rule.get("apiGroups") or [], (*place, "apiGroups"), "API groups")
        versions = rule.get("apiVersions") or []
        yield from _check_list(versions, (*place, "apiVersions"), "API versions")
        yield from (causes.required((*place, "apiVersions", number)) for number, version in enumerate(versions) if not version)
        yield from _check_resources(rule.get("resources") or [], (*place, "resources"))


def _check_list(values: Sequence[str], path: Path, what: str) -> Iterator[Cause]:
    if not values:
        yield causes.required(path)
    if len(values) > 1 and _ANY in values:
        yield causes.invalid(path, list(values), f"if '*' is present, must not specify other {what}")


def _check_resources(resources: Sequence[str], path: Path) -> Iterator[Cause]:
    if not resources:
        yield causes.required(path)
    yield from _check_subresources(resources, path)
    if len(resources) > 1 and "*/*" in resources:
        yield causes.invalid(path, list(resources), "if '*/*' is present, must not specify other resources")
    plain = [resource for resource in resources if resource and "/" not in resource]
    if _ANY in plain and plain[-1] != _ANY:  # Kubernetes looks at the last one alone
        yield causes.invalid(path, list(resources), "if '*' is present, must not specify other resources without subresources")


def _check_subresources(resources: Sequence[str], path: Path) -> Iterator[Cause]:
    """Yield entries that an earlier one with a wildcard covers."""
    whole: set[str] = set()  # x of x/*
    everywhere: set[str] = set()  # y of */y
    for index, resource in enumerate(resources):
        if not resource:
            yield causes.required((*path, index))
            continue
        plural, slash, below = resource.partition("/")
        if not slash:
            continue
        if plural in whole:
            yield causes.invalid((*path, index), resource, f"if '{plural}/*' is present, must not specify {resource}")
        if below in everywhere:
            yield causes.invalid((*path, index), resource, f"if '*/{below}' is present, must not specify {resource}")
        if below == _ANY:
            whole.add(plural)
        if plural == _ANY:
            everywhere.add(below)
