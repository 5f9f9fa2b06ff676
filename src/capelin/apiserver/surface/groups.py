"""API groups and versions in the order in which clients are told of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from capelin.apiserver.registry import ResourceDefinition, Version

_KUBERNETES_VERSION = re.compile(r"^v(\d+)(?:(alpha|beta)(\d+))?$")
_STAGES = {"alpha": 0, "beta": 1, None: 2}

Resources = tuple[tuple[ResourceDefinition, Version], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """One API group: its versions, the preferred one first, and what each serves."""

    name: str
    versions: tuple[tuple[str, Resources], ...]

    def resources(self, version: str) -> Resources | None:
        """Return what the version serves, or None when the group has no such version."""
        return dict(self.versions).get(version)

    def group_version(self, version: str) -> str:
        """Return `group/version`, as `apiVersion` spells it."""
        return f"{self.name}/{version}" if self.name else version


def served_groups(definitions: Iterable[ResourceDefinition]) -> list[Group]:
    """Return the groups: those with built-in resources in the order of the definitions, then the others by name."""
    by_group: dict[str, list[ResourceDefinition]] = {}
    for definition in definitions:
        by_group.setdefault(definition.group, []).append(definition)
    builtin = [name for name, members in by_group.items() if any(member.builtin for member in members)]
    names = [*builtin, *sorted(by_group.keys() - set(builtin))]
    return [group for name in names if (group := _group(name, by_group[name])).versions]


def _group(name: str, members: list[ResourceDefinition]) -> Group:
    by_version: dict[str, list[tuple[ResourceDefinition, Version]]] = {}
    for definition in sorted(members, key=lambda member: member.plural):
        for version in definition.versions:
            if version.served:
                by_version.setdefault(version.name, []).append((definition, version))
    ordered = sorted(sorted(by_version), key=version_priority, reverse=True)
    return Group(name, tuple((version, tuple(by_version[version])) for version in ordered))


def version_priority(name: str) -> tuple[int, int, int]:
    """Return what versions are compared by: releases before betas before alphas, then the higher number; other names come last."""
    match = _KUBERNETES_VERSION.match(name)
    if match is None:
        return (-1, 0, 0)
    return (_STAGES[match[2]], int(match[1]), int(match[3] or 0))
