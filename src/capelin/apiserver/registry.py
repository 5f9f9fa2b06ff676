"""Which resources a server serves, and under which names.

A `ResourceDefinition` is data: the built-in kinds are written down as such, a CustomResourceDefinition is translated into one. A `Catalog`
is an immutable set of definitions that many servers share; a `Registry` is one server's view of it, with its own custom resources on top.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class PrinterColumn:
    """A column of `kubectl get`: `priority` 0 is always shown, above that only with `-o wide`."""

    name: str
    type: str  # string, integer, number, boolean, date
    json_path: str
    format: str = ""
    description: str = ""
    priority: int = 0


@dataclass(frozen=True, slots=True)
class ScalePaths:
    """Where the scale subresource reads and writes, as dotted paths such as `.spec.replicas`; the selector path may be empty."""

    spec_replicas: str
    status_replicas: str
    label_selector: str = ""


@dataclass(frozen=True, slots=True)
class Subresource:
    """A subresource beside status and scale, such as `pods/eviction`: its own kind and the verbs it takes."""

    name: str
    group: str
    version: str
    kind: str
    verbs: tuple[str, ...] = ("create",)


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """One served form of a resource. `schema` is a structural OpenAPI v3 schema; None keeps every field."""

    name: str
    schema: Mapping[str, Any] | None = None
    served: bool = True
    storage: bool = True
    status: bool = False
    scale: ScalePaths | None = None
    columns: tuple[PrinterColumn, ...] = ()
    subresources: tuple[Subresource, ...] = ()
    selectable_fields: tuple[str, ...] = ()  # dotted paths such as `spec.nodeName`; metadata.name and .namespace always are
    deprecation_warning: str = ""  # not empty: a deprecated version, and what every answer warns of


@dataclass(frozen=True, slots=True, eq=False)
class ResourceDefinition:
    """A resource and every version of it. Exactly one version is the storage version."""

    group: str
    plural: str
    singular: str
    kind: str
    list_kind: str
    versions: tuple[Version, ...]
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    tracks_generation: bool = False  # metadata.generation counts changes outside metadata and status
    creates_with_status: bool = False  # a create keeps the status it brings, as a kubelet's Node does
    builtin: bool = True  # takes strategic merge patches and protobuf bodies; not a custom resource
    stored: bool = True  # False: answers are computed and nothing is kept, as for SelfSubjectReview

    @property
    def name(self) -> str:
        """`plural.group`, or `plural` in the core group: how messages and CustomResourceDefinitions name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def storage_version(self) -> Version:
        """The version objects are stored in."""
        return next(version for version in self.versions if version.storage)

    def version(self, name: str) -> Version | None:
        """Return the served version of that name, or None."""
        return next((version for version in self.versions if version.name == name and version.served), None)

    def api_version(self, version: str) -> str:
        """Return the `apiVersion` of objects in `version`."""
        return f"{self.group}/{version}" if self.group else version


@dataclass(frozen=True, slots=True)
class Catalog:
    """An immutable set of definitions, indexed by group and plural."""

    definitions: Mapping[tuple[str, str], ResourceDefinition] = field(default_factory=dict)

    @classmethod
    def of(cls, definitions: Iterable[ResourceDefinition]) -> Catalog:
        """Return the catalog of these definitions."""
        return cls({(definition.group, definition.plural): definition for definition in definitions})


class Registry:
    """One server's resources: a shared catalog and its own custom resources."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog.definitions
        self._custom: dict[tuple[str, str], ResourceDefinition] = {}
        self.revision = 0
        """Grows with every change, so that documents derived from the registry can be cached."""

    def find(self, group: str, plural: str) -> ResourceDefinition | None:
        """Return the definition, built-in or custom, or None."""
        key = (group, plural)
        return self._catalog.get(key) or self._custom.get(key)

    def named(self, name: str) -> ResourceDefinition | None:
        """Return the definition of that name (`plural.group`), or None."""
        plural, _, group = name.partition(".")
        return self.find(group, plural)

    def find_kind(self, group: str, kind: str) -> ResourceDefinition | None:
        """Return the definition whose objects are of `kind`, or None."""
        return next((found for found in self if found.group == group and found.kind == kind), None)

    def __iter__(self) -> Iterator[ResourceDefinition]:
        yield from self._catalog.values()
        yield from self._custom.values()

    def is_builtin(self, group: str, plural: str) -> bool:
        """Tell whether the shared catalog has the resource, which custom resources cannot replace."""
        return (group, plural) in self._catalog

    def put(self, definition: ResourceDefinition) -> None:
        """Serve `definition`, in the place of an earlier one of that name."""
        self._custom[definition.group, definition.plural] = definition
        self.revision += 1

    def remove(self, group: str, plural: str) -> None:
        """Stop serving a custom resource."""
        if self._custom.pop((group, plural), None) is not None:
            self.revision += 1
