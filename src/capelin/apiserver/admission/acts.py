"""What admission is asked about: one act on one object, in the terms of the request that wants it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from capelin.apiserver.asker import Asker
from capelin.apiserver.registry import ResourceDefinition, Version
from capelin.apiserver.requests import SCALE, Target
from capelin.runtime.admission.reviews import Operation
from capelin.runtime.codec import Document

_NAMESPACES: Final = "namespaces"


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of the objects of a request: of a subresource often another one than its resource's."""

    group: str
    version: str
    name: str

    @property
    def api_version(self) -> str:
        """The `apiVersion` of such objects."""
        return f"{self.group}/{self.version}" if self.group else self.version


@dataclass(frozen=True, slots=True)
class Act:
    """One act. `name` is empty while it is not generated, and for one of a collection; `options` are as the wire has them."""

    operation: Operation
    definition: ResourceDefinition
    version: Version
    asker: Asker
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    options: Document = field(default_factory=dict)

    @classmethod
    def of(cls, operation: Operation, target: Target, asker: Asker, options: Document) -> Act:
        """Return the act that a request for `target` asks for. A Namespace counts as being inside itself."""
        name = target.name
        inside = name if target.definition.name == _NAMESPACES else target.namespace
        return cls(operation, target.definition, target.version, asker, target.subresource, inside, name, options)

    def on(self, name: str) -> Act:
        """Return the same act on the object of that name."""
        return replace(self, name=name, namespace=name if self.definition.name == _NAMESPACES else self.namespace)

    @property
    def dry_run(self) -> bool:
        """True when nothing will be stored."""
        return bool(self.options.get("dryRun"))

    def kind_in(self, version: str) -> Kind:
        """Return the type of the act's objects, for a version of its resource."""
        if self.subresource == SCALE:
            return Kind("autoscaling", "v1", "Scale")
        for found in self.version.subresources:
            if found.name == self.subresource:
                return Kind(found.group, found.version, found.kind)
        return Kind(self.definition.group, version, self.definition.kind)
