"""Patches of a ClusterClass: their names, when they apply, and which templates they choose. `patchsteps` looks at what they do there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from capelin.api.classpatches import ClassPatch, ExternalPatch, PatchSelector, WorkerClassNames
from capelin.api.classvariables import INLINE
from capelin.api.clusterclass import ClusterClassSpec, MachineDeploymentClass, MachinePoolClass, WorkersClass
from capelin.api.references import TemplateReference
from capelin.api.refusals import DUPLICATE, FORBIDDEN, NOT_SUPPORTED, REQUIRED, Refusal, Rule
from capelin.webhooks.admission import Finding
from capelin.webhooks.patchsteps import STEP_RULES, step_findings
from capelin.webhooks.patchtemplates import TEMPLATES_ARE_READABLE, Readable, template_findings
from capelin.webhooks.rules.quoting import quoted

PATCH_NAMES_ARE_UNIQUE = Rule("patch_names_are_unique", "No two patches of a class have the same name.")
PATCH_NAMES_ARE_NOT_INLINE = Rule(
    "patch_names_are_not_inline",
    f"No patch is named `{INLINE}`, which stands for the class itself where it is told who defines a variable.",
)
PATCHES_ARE_INLINE_OR_EXTERNAL = Rule(
    "patches_are_inline_or_external", "A patch either has definitions or is external: the class says what changes, or an extension does."
)
EXTERNAL_PATCHES_DO_SOMETHING = Rule(
    "external_patches_do_something", "An external patch names an extension that changes templates, or one that judges the result."
)
SELECTORS_CHOOSE = Rule("selectors_choose", "The selector of a patch names at least one place in the class whose templates are patched.")
SELECTORS_MATCH = Rule(
    "selectors_match", "In every place that the selector of a patch names there is a template of its kind and API version."
)
CLASS_NAMES_ARE_PATTERNS = Rule(
    "class_names_are_patterns", "The name of a worker class in a selector has one `*` at most, at its beginning or its end."
)

PATCH_RULES: Final = (
    PATCH_NAMES_ARE_UNIQUE,
    PATCH_NAMES_ARE_NOT_INLINE,
    PATCHES_ARE_INLINE_OR_EXTERNAL,
    EXTERNAL_PATCHES_DO_SOMETHING,
    SELECTORS_CHOOSE,
    SELECTORS_MATCH,
    CLASS_NAMES_ARE_PATTERNS,
    TEMPLATES_ARE_READABLE,
    *STEP_RULES,
)

PATCHES: Final = "spec.patches"

_ANY: Final = "*"
_SHOWN: Final = 5
"""Templates that a refusal names; further ones are counted."""


def patch_findings(spec: ClusterClassSpec) -> Iterator[Finding]:
    """Yield what is wrong with the patches of a class."""
    seen: set[str] = set()
    readable = Readable.of(spec)
    for index, patch in enumerate(spec.patches or ()):
        place = f"{PATCHES}[{index}]"
        yield from _name_refusals(f"{place}.name", patch.name, seen)
        seen.add(patch.name)
        yield from template_findings(f"{place}.enabledIf", patch.enabled_if, readable)
        yield from _source_refusals(place, patch)
        for position, definition in enumerate(patch.definitions or ()):
            inside = f"{place}.definitions[{position}]"
            yield from _selector_refusals(f"{inside}.selector", definition.selector, spec)
            for number, step in enumerate(definition.json_patches):
                yield from step_findings(f"{inside}.jsonPatches[{number}]", step, readable)


def _name_refusals(field: str, name: str, seen: Collection[str]) -> Iterator[Refusal]:
    if name in seen:
        yield PATCH_NAMES_ARE_UNIQUE.broken(field, quoted(name), "a name that no patch before has", reason=DUPLICATE)
    if name == INLINE:
        yield PATCH_NAMES_ARE_NOT_INLINE.broken(field, quoted(name), "another name: this one stands for the class itself")


def _source_refusals(place: str, patch: ClassPatch) -> Iterator[Refusal]:
    if patch.definitions is None and patch.external is None:
        yield PATCHES_ARE_INLINE_OR_EXTERNAL.broken(place, "neither definitions nor external", "one of them", reason=REQUIRED)
    elif patch.definitions is not None and patch.external is not None:
        yield PATCHES_ARE_INLINE_OR_EXTERNAL.broken(place, "both definitions and external", "one of them", reason=FORBIDDEN)
    if patch.external is not None:
        yield from _external_refusals(f"{place}.external", patch.external)


def _external_refusals(field: str, external: ExternalPatch) -> Iterator[Refusal]:
    if external.generate_patches_extension is None and external.validate_topology_extension is None:
        found = "neither generatePatchesExtension nor validateTopologyExtension"
        yield EXTERNAL_PATCHES_DO_SOMETHING.broken(field, found, "at least one of them", reason=REQUIRED)


def _selector_refusals(field: str, selector: PatchSelector, spec: ClusterClassSpec) -> Iterator[Refusal]:
    targets, workers, machines = selector.match_resources, spec.workers or WorkersClass(), spec.control_plane.machine_infrastructure
    deployments, pools = _names(targets.machine_deployment_class), _names(targets.machine_pool_class)
    place = f"{field}.matchResources"
    if not (targets.control_plane or targets.infrastructure_cluster or deployments or pools):
        allowed = "at least one of controlPlane, infrastructureCluster, machineDeploymentClass and machinePoolClass"
        yield SELECTORS_CHOOSE.broken(place, "no place in the class", allowed, reason=REQUIRED)
    if targets.infrastructure_cluster:
        yield from _match_refusals(f"{place}.infrastructureCluster", selector, [spec.infrastructure.template_ref])
    if targets.control_plane:
        there = [spec.control_plane.template_ref, *([machines.template_ref] if machines else ())]
        yield from _match_refusals(f"{place}.controlPlane", selector, there)
    yield from _worker_refusals(f"{place}.machineDeploymentClass", deployments, selector, workers.machine_deployments or ())
    yield from _worker_refusals(f"{place}.machinePoolClass", pools, selector, workers.machine_pools or ())


def _names(classes: WorkerClassNames | None) -> list[str]:
    return (classes.names if classes else None) or []


def _worker_refusals(
    place: str, names: Iterable[str], selector: PatchSelector, classes: Collection[MachineDeploymentClass | MachinePoolClass]
) -> Iterator[Refusal]:
    for index, name in enumerate(names):
        field = f"{place}.names[{index}]"
        if name.count(_ANY) > 1 or _ANY in name[1:-1]:
            yield CLASS_NAMES_ARE_PATTERNS.broken(
                field, quoted(name), f"the name of a class, with one {_ANY} at its beginning or end or none"
            )
            continue
        chosen = [found for found in classes if _is_chosen(found.class_, name)]
        if not chosen:
            known = _listed([quoted(found.class_) for found in classes])
            yield SELECTORS_MATCH.broken(field, quoted(name), f"a worker class that there is: {known}", reason=NOT_SUPPORTED)
        else:
            there = [part.template_ref for found in chosen for part in (found.bootstrap, found.infrastructure)]
            yield from _match_refusals(field, selector, there)


def _is_chosen(name: str, pattern: str) -> bool:
    if pattern.startswith(_ANY):
        return name.endswith(pattern[1:])
    return name.startswith(pattern[:-1]) if pattern.endswith(_ANY) else name == pattern


def _match_refusals(field: str, selector: PatchSelector, there: Collection[TemplateReference]) -> Iterator[Refusal]:
    if not any(found.kind == selector.kind and found.api_version == selector.api_version for found in there):
        known = dict.fromkeys(f"{found.kind} of {found.api_version}" for found in there)
        found = f"a selector of {selector.kind} of {selector.api_version}"
        yield SELECTORS_MATCH.broken(field, found, f"a template that is there: {_listed(list(known))}", reason=NOT_SUPPORTED)


def _listed(names: list[str]) -> str:
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return ", ".join([*names[:_SHOWN], *more]) or "none"
