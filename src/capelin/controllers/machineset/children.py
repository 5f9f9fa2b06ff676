"""The objects a MachineSet makes: a Machine, and from the templates its bootstrap configuration and its infrastructure. Pure.

Every object is complete at birth: finalizer, labels, owner. The Machine comes first; its two companions name it as their controller, so
nobody has to write them again before they can be used. All three share one name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from capelin.api.labels import (
    CLONED_FROM_GROUP_KIND_ANNOTATION,
    CLONED_FROM_NAME_ANNOTATION,
    CLUSTER_NAME_LABEL,
    DEPLOYMENT_NAME_LABEL,
    SET_NAME_LABEL,
    TEMPLATE_HASH_LABEL,
    as_label_value,
)
from capelin.api.machine import MACHINE_FINALIZER, Machine, MachineSpec
from capelin.api.machineset import ORDINAL_ANNOTATION, MachineSet
from capelin.api.meta import ObjectMeta, Resource, TemplateMetadata, Unstructured, owner_reference
from capelin.api.propagation import Tags, propagate
from capelin.api.references import ContractReference
from capelin.runtime.naming import child_name, templated_name

TEMPLATE_SUFFIX = "Template"
"""What the kind of a template has more than the kind of the objects made from it."""


def desired_machine(machineset: MachineSet, ordinal: int) -> Machine:
    """Return the Machine with that ordinal, which names the two companions that will be made for it."""
    name = machine_name(machineset, ordinal)
    tags = Inheritance.of(machineset).given_to(Tags(annotations={ORDINAL_ANNOTATION: str(ordinal)}))
    spec = machineset.spec.template.spec.model_copy(deep=True)
    spec.infrastructure_ref = _companion(spec.infrastructure_ref, name)
    if spec.bootstrap.config_ref is not None:
        spec.bootstrap.config_ref = _companion(spec.bootstrap.config_ref, name)
    return Machine(
        metadata=ObjectMeta(
            name=name,
            namespace=machineset.metadata.namespace,
            labels=dict(tags.labels),
            annotations=dict(tags.annotations),
            finalizers=[MACHINE_FINALIZER],
            owner_references=[owner_reference(machineset)],
        ),
        spec=spec,
    )


def desired_companion(machine: Machine, machineset: MachineSet, template: Unstructured, resource: Resource) -> Unstructured:
    """Return the bootstrap configuration or infrastructure of the Machine, of the kind `resource`, as `template` wants it."""
    source = template.document.get("spec", {}).get("template") or {}
    metadata = source.get("metadata") or {}
    cloned_from = {
        CLONED_FROM_NAME_ANNOTATION: template.key.name,
        CLONED_FROM_GROUP_KIND_ANNOTATION: f"{template.resource.kind}.{template.resource.group}",
    }
    birth = Tags(metadata.get("labels") or {}, {**(metadata.get("annotations") or {}), **cloned_from})
    document: dict[str, Any] = {
        "metadata": {
            "name": machine.metadata.name,
            "namespace": machine.metadata.namespace,
            **Inheritance.of(machineset).given_to(birth).document(),
            "ownerReferences": [owner_reference(machine).wire()],
        },
        "spec": source.get("spec") or {},
    }
    return Unstructured(resource, document)


def is_made_from(template: ContractReference | None, reference: ContractReference, machine: Machine) -> bool:
    """Tell whether `reference` names the companion that a set makes for the Machine from `template`."""
    return template is not None and reference == _companion(template, machine.metadata.name)


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What a set passes on to everything it makes: labels that nobody can take away, and the tags of its template, which may change."""

    always: Mapping[str, str]
    template: Tags

    @classmethod
    def of(cls, machineset: MachineSet) -> Inheritance:
        """Return what `machineset` passes on now."""
        from_deployment = (DEPLOYMENT_NAME_LABEL, TEMPLATE_HASH_LABEL)
        always = {
            CLUSTER_NAME_LABEL: machineset.spec.cluster_name,
            SET_NAME_LABEL: as_label_value(machineset.metadata.name),
            **{key: value for key, value in (machineset.metadata.labels or {}).items() if key in from_deployment},
        }
        metadata = machineset.spec.template.metadata or TemplateMetadata()
        labels = {key: value for key, value in (metadata.labels or {}).items() if key not in always}
        annotations = {key: value for key, value in (metadata.annotations or {}).items() if key != ORDINAL_ANNOTATION}
        return cls(always, Tags(labels, annotations))

    def given_to(self, found: Tags) -> Tags:
        """Return the labels and annotations of a Machine or companion that has `found`, brought in line."""
        tags = propagate(found, self.template)
        return Tags({**tags.labels, **self.always}, tags.annotations)


def machine_name(machineset: MachineSet, ordinal: int) -> str:
    """Return the name of the Machine with that ordinal; it never changes and no other ordinal of the set has it.

    Raises:
        ValueError: the naming template cannot be understood.
    """
    naming = machineset.spec.machine_naming
    template = naming.template if naming is not None else None
    plain = child_name(machineset.metadata.name, machineset.uid, ordinal)
    if template is None:
        return plain
    values = {"cluster.name": machineset.spec.cluster_name, "machineSet.name": machineset.metadata.name, "random": plain[-5:]}
    try:
        return templated_name(template, values)
    except ValueError as error:
        raise ValueError(f"spec.machineNaming.template: {error}") from error


def in_place_fields(template: MachineSpec) -> dict[str, Any]:
    """Return the fields of a Machine that follow the set's template while the Machine lives, by attribute."""
    return {
        "deletion": template.deletion,
        "min_ready_seconds": template.min_ready_seconds,
        "readiness_gates": template.readiness_gates,
        "taints": template.taints,
    }


def _companion(template: ContractReference, name: str) -> ContractReference:
    return ContractReference(api_group=template.api_group, kind=template.kind.removesuffix(TEMPLATE_SUFFIX), name=name)
