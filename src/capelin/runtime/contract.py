"""Which API serves a kind that an object refers to, found through the kind's CustomResourceDefinition.

References carry a group and a kind, never a version. The definition is named `<plural>.<group>`, and a provider's definition says in a
label `cluster.x-k8s.io/<contract>` which of its versions follow that contract. A kind without the label is no provider's, whatever its
name, and is refused: otherwise a Cluster could name a Secret as its infrastructure, and have it deleted.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

from capelin.api.meta import ObjectKey, Resource, Unstructured
from capelin.runtime.seams import Clock

DEFINITIONS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False)
CORE_GROUP = "cluster.x-k8s.io"
CONTRACTS = ("v1beta2", "v1beta1")
"""The contracts we can follow, best first."""

REFRESH_AFTER: Final = timedelta(minutes=5)
"""How long an answer is believed: labels move only when a provider is upgraded, and an upgraded provider still serves the old version."""

_VERSION = re.compile(r"^v(\d+)(?:(alpha|beta)(\d+))?$")


class ContractError(Exception):
    """A reference names a kind that follows no contract of ours; the message says what was found and what is allowed."""


class Definitions(Protocol):
    """Reads CustomResourceDefinitions."""

    async def get(self, kind: Resource, key: ObjectKey) -> Unstructured | None: ...


@dataclass(frozen=True, slots=True)
class _Answer:
    resource: Resource
    until: float


@dataclass(slots=True)
class Contracts:
    """Resolves the kinds of providers to the API that serves them, with one read per kind and five minutes."""

    definitions: Definitions
    clock: Clock
    _answers: dict[tuple[str, str], _Answer] = field(default_factory=dict)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def resource(self, group: str, kind: str) -> Resource:
        """Return where objects of `kind` are read and written: the newest version of the best contract.

        Raises:
            ContractError: the kind is not served, or follows no contract of ours.
            ApiError: the definition could not be read.
        """
        if (known := self._known(group, kind)) is not None:
            return known
        async with self._asking:  # at a start many ask for the same
            if (known := self._known(group, kind)) is not None:
                return known
            resource = await self._look_up(group, kind)
            self._answers[group, kind] = _Answer(resource, self.clock.monotonic() + REFRESH_AFTER.total_seconds())
            return resource

    def _known(self, group: str, kind: str) -> Resource | None:
        answer = self._answers.get((group, kind))
        return answer.resource if answer is not None and self.clock.monotonic() < answer.until else None

    async def _look_up(self, group: str, kind: str) -> Resource:
        if not group.partition(".")[2] or group == CORE_GROUP:
            raise ContractError(f"found kind {kind} of the group {group or 'core'!r}, allowed are kinds of provider groups")
        plural = plural_of(kind)
        definition = await self.definitions.get(DEFINITIONS, ObjectKey("", f"{plural}.{group}"))
        if definition is None:
            raise ContractError(f"found kind {kind} of the group {group!r}, but there is no CustomResourceDefinition {plural}.{group}")
        version = contract_version(definition.metadata.labels or {})
        if version is None:
            wanted = " or ".join(f"{CORE_GROUP}/{contract}" for contract in CONTRACTS)
            raise ContractError(
                f"found kind {kind} of the group {group!r}, allowed are kinds whose CustomResourceDefinition has the label {wanted}"
            )
        return Resource(group, version, plural, kind)


def contract_version(labels: dict[str, str]) -> str | None:
    """Return the newest API version that follows the best contract the labels of a definition name; None when there is none."""
    for contract in CONTRACTS:
        served = [v for v in labels.get(f"{CORE_GROUP}/{contract}", "").split("_") if _VERSION.match(v)]
        if served:
            return max(served, key=_priority)
    return None


def _priority(version: str) -> tuple[int, int, int]:
    """Order versions as Kubernetes does: general availability before beta before alpha, then by number."""
    match = _VERSION.match(version)
    assert match is not None  # noqa: S101 - only versions that match come here
    major, stage, minor = match.groups()
    return {None: 3, "beta": 2, "alpha": 1}[stage], int(major), int(minor or 0)


def plural_of(kind: str) -> str:
    """Return the plural that names the resource of `kind`, by the rules of English that providers' kinds need."""
    word = kind.lower()
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"
