"""Templates of ClusterClasses: which of them a cluster cannot follow from one class, or one state of a class, to another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from capelin.api.clusterclass import ClassTemplate, ClusterClassSpec, MachineDeploymentClass, MachinePoolClass, WorkersClass


@dataclass(frozen=True, slots=True)
class ChangedTemplate:
    """A template of another kind than before: its field in the class, and both kinds with their groups; empty for no template."""

    field: str
    old: str
    new: str


def changed_templates(old: ClusterClassSpec, new: ClusterClassSpec) -> Iterator[ChangedTemplate]:
    """Yield the templates whose kind or group differs, so that what was made from the old ones cannot become what the new ones say.

    Bootstrap templates may change: new Machines bring their own. So may versions, and worker classes that are in one of the two only.
    """
    before, after = old.workers or WorkersClass(), new.workers or WorkersClass()
    pairs = (
        ("spec.infrastructure", old.infrastructure.template_ref, new.infrastructure.template_ref),
        ("spec.controlPlane", old.control_plane.template_ref, new.control_plane.template_ref),
    )
    for field, one, other in pairs:
        yield from _changed(field, ClassTemplate(template_ref=one), ClassTemplate(template_ref=other))
    machines = old.control_plane.machine_infrastructure, new.control_plane.machine_infrastructure
    yield from _changed("spec.controlPlane.machineInfrastructure", *machines)
    yield from _workers("spec.workers.machineDeployments", before.machine_deployments or (), after.machine_deployments or ())
    yield from _workers("spec.workers.machinePools", before.machine_pools or (), after.machine_pools or ())


def _workers(
    field: str, old: Iterable[MachineDeploymentClass | MachinePoolClass], new: Iterable[MachineDeploymentClass | MachinePoolClass]
) -> Iterator[ChangedTemplate]:
    before = {found.class_: found.infrastructure for found in old}
    for index, found in enumerate(new):
        if found.class_ in before:
            yield from _changed(f"{field}[{index}].infrastructure", before[found.class_], found.infrastructure)


def _changed(field: str, old: ClassTemplate | None, new: ClassTemplate | None) -> Iterator[ChangedTemplate]:
    kinds = _kind(old), _kind(new)
    if kinds[0] != kinds[1]:
        yield ChangedTemplate(f"{field}.templateRef", *kinds)


def _kind(template: ClassTemplate | None) -> str:
    if template is None:
        return ""
    group = template.template_ref.api_version.rpartition("/")[0]
    return f"{template.template_ref.kind}.{group}"
