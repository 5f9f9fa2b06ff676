"""Go templates in patches: whether they can be read, and whether the variables that they read exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from capelin.api.builtins import is_builtin
from capelin.api.classvariables import BUILTIN, JSONSchemaProps
from capelin.api.clusterclass import ClusterClassSpec
from capelin.api.refusals import Rule
from capelin.runtime.gotemplate import TemplateError, parse
from capelin.webhooks.admission import Finding, Notice
from capelin.webhooks.rules.quoting import quoted

TEMPLATES_ARE_READABLE = Rule(
    "templates_are_readable",
    "Go templates of patches can be read, call only functions that return the same for the same, and stay within bounds.",
)

_SHOWN: Final = 10
"""Variables that are named; further ones are counted."""


@dataclass(frozen=True, slots=True)
class Readable:
    """What patches of a class can read: the schemas of its variables by name, and its builtin variables."""

    schemas: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, spec: ClusterClassSpec) -> Readable:
        """Return what the patches of a class can read."""
        return cls({found.name: _root(found.schema_.open_api_v3_schema) for found in spec.variables or ()})

    def has(self, chain: Sequence[str]) -> bool:
        """Tell whether there is a variable, or a field of one, at a chain of names."""
        first, *rest = chain
        if first == BUILTIN:
            return is_builtin(chain)
        return first in self.schemas and _has_field(self.schemas[first], rest)

    @property
    def named(self) -> str:
        """The variables, in words."""
        names = [quoted(name) for name in self.schemas]
        more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
        return ", ".join([*names[:_SHOWN], *more]) or "none"


def _root(schema: JSONSchemaProps) -> Mapping[str, Any]:
    """Return what a schema says of fields, as it is on the wire; inner schemas are as they were sent."""
    return {
        "type": schema.type,
        "properties": schema.properties,
        "additionalProperties": schema.additional_properties,
        "x-kubernetes-preserve-unknown-fields": schema.x_kubernetes_preserve_unknown_fields,
    }


def _has_field(schema: Any, chain: Sequence[str]) -> bool:
    """Tell whether values of a schema can have a field. What is not stated plainly counts as there."""
    for name in chain:
        if not isinstance(schema, Mapping) or schema.get("x-kubernetes-preserve-unknown-fields"):
            return True
        properties, other = schema.get("properties"), schema.get("additionalProperties")
        if isinstance(properties, Mapping) and name in properties:
            schema = properties[name]
        elif other or schema.get("type") not in ("object", "string", "integer", "number", "boolean"):
            schema = other
        else:
            return False
    return True


def template_findings(field: str, template: str | None, readable: Readable) -> Iterator[Finding]:
    """Yield what is wrong with the template at `field`. As in the standard, one that reads what there is not only gets a warning."""
    if template is None:
        return
    try:
        read = parse(template)
    except TemplateError as error:
        yield TEMPLATES_ARE_READABLE.broken(field, f"{quoted(template)}, which fails: {error}", "a Go template with functions of Sprig")
        return
    for chain in sorted(read.fields()):
        if chain and not readable.has(chain):
            known = f"the class has {readable.named}" if chain[0] != BUILTIN else "there is no such builtin variable"
            yield Notice(f"{field}: the template reads {{{{ .{'.'.join(chain)} }}}}, which is never set: {known}")
