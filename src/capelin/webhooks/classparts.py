"""The parts of a ClusterClass, each on its own: templates, names, metadata, taints, rollouts and health checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from capelin.api.clusterclass import (
    ClassNaming,
    ClusterClassSpec,
    ControlPlaneClass,
    MachineDeploymentClass,
    MachinePoolClass,
    WorkersClass,
)
from capelin.api.grouprules import ROLLOUT_RULES
from capelin.api.labels import CONTROL_PLANE_TAINT
from capelin.api.references import TemplateReference
from capelin.api.refusals import FORBIDDEN, Refusal, Rule
from capelin.webhooks.admission import Finding, Notice
from capelin.webhooks.rules.healthchecks import (
    CHECK_RULES,
    MAX_IN_FLIGHT_IS_AMOUNT,
    check_refusals,
    max_in_flight_refusals,
    trigger_refusals,
)
from capelin.webhooks.rules.metadata import METADATA_RULES, metadata_refusals
from capelin.webhooks.rules.naming import sample_refusals
from capelin.webhooks.rules.quoting import quoted
from capelin.webhooks.rules.rollouts import strategy_refusals
from capelin.webhooks.rules.taints import TAINTS_ARE_NOT_RESERVED, taint_refusals
from capelin.webhooks.topology import HEALTH_CHECK_NEEDS_MACHINES

TEMPLATES_ARE_TEMPLATES = Rule(
    "templates_are_templates", "What a class refers to are templates, whose kinds end in Template: what clusters get is made from them."
)
CLASS_NAMES_ARE_NAMES = Rule(
    "class_names_are_names", "A template for names uses the fields there are, and makes names that Kubernetes accepts."
)

PART_RULES: Final = (
    TEMPLATES_ARE_TEMPLATES,
    CLASS_NAMES_ARE_NAMES,
    *METADATA_RULES,
    TAINTS_ARE_NOT_RESERVED,
    *ROLLOUT_RULES,
    HEALTH_CHECK_NEEDS_MACHINES,
    *CHECK_RULES,
    MAX_IN_FLIGHT_IS_AMOUNT,
)

CONTROL_PLANE: Final = "spec.controlPlane"
DEPLOYMENTS: Final = "spec.workers.machineDeployments"
POOLS: Final = "spec.workers.machinePools"

_TEMPLATE: Final = "Template"
"""How kinds of templates end; what is before it is the kind of what they make."""

_NAMES: Final[Mapping[str, str]] = {"cluster.name": "cluster", "random": "x5x5x"}
"""The fields that every name is made of, with values to try."""
_DEPLOYMENT_NAMES: Final[Mapping[str, str]] = {**_NAMES, "machineDeployment.topologyName": "mdtopology"}
_POOL_NAMES: Final[Mapping[str, str]] = {**_NAMES, "machinePool.topologyName": "mptopology"}


def templates_of(spec: ClusterClassSpec) -> Iterator[tuple[str, TemplateReference]]:
    """Yield every template of a class with the field that refers to it."""
    workers, machines = spec.workers or WorkersClass(), spec.control_plane.machine_infrastructure
    yield "spec.infrastructure.templateRef", spec.infrastructure.template_ref
    yield f"{CONTROL_PLANE}.templateRef", spec.control_plane.template_ref
    if machines is not None:
        yield f"{CONTROL_PLANE}.machineInfrastructure.templateRef", machines.template_ref
    groups: tuple[tuple[str, Sequence[MachineDeploymentClass | MachinePoolClass]], ...] = (
        (DEPLOYMENTS, workers.machine_deployments or ()),
        (POOLS, workers.machine_pools or ()),
    )
    for field, classes in groups:
        for index, found in enumerate(classes):
            yield f"{field}[{index}].bootstrap.templateRef", found.bootstrap.template_ref
            yield f"{field}[{index}].infrastructure.templateRef", found.infrastructure.template_ref


def part_findings(spec: ClusterClassSpec) -> Iterator[Finding]:
    """Yield what is wrong with the parts of a class."""
    for field, reference in templates_of(spec):
        if not reference.kind.removesuffix(_TEMPLATE) or not reference.kind.endswith(_TEMPLATE):
            allowed = f"a kind whose name ends in {_TEMPLATE}, such as {reference.kind.removesuffix(_TEMPLATE) or 'DevCluster'}{_TEMPLATE}"
            yield TEMPLATES_ARE_TEMPLATES.broken(f"{field}.kind", quoted(reference.kind), allowed)
    yield from _naming_refusals("spec.infrastructure", spec.infrastructure.naming, _NAMES)
    yield from _control_plane_refusals(spec.control_plane)
    workers = spec.workers or WorkersClass()
    for index, deployment in enumerate(workers.machine_deployments or ()):
        yield from _deployment_findings(f"{DEPLOYMENTS}[{index}]", deployment)
    for index, pool in enumerate(workers.machine_pools or ()):
        yield from _pool_findings(f"{POOLS}[{index}]", pool)


def _control_plane_refusals(part: ControlPlaneClass) -> Iterator[Refusal]:
    yield from _naming_refusals(CONTROL_PLANE, part.naming, _NAMES)
    yield from metadata_refusals(f"{CONTROL_PLANE}.metadata", part.metadata)
    yield from taint_refusals(f"{CONTROL_PLANE}.taints", part.taints)
    check, field = part.health_check, f"{CONTROL_PLANE}.healthCheck"
    if check is None:
        return
    if part.machine_infrastructure is None:
        allowed = "none, or one beside machineInfrastructure: without it the control plane does not consist of Machines"
        yield HEALTH_CHECK_NEEDS_MACHINES.broken(field, "a health check without machineInfrastructure", allowed, reason=FORBIDDEN)
    yield from check_refusals(f"{field}.checks", check.checks)
    yield from trigger_refusals(f"{field}.remediation.triggerIf", check.remediation.trigger_if if check.remediation else None)


def _deployment_findings(place: str, part: MachineDeploymentClass) -> Iterator[Finding]:
    yield from _naming_refusals(place, part.naming, _DEPLOYMENT_NAMES)
    yield from metadata_refusals(f"{place}.metadata", part.metadata)
    yield from taint_refusals(f"{place}.taints", part.taints)
    yield from strategy_refusals(f"{place}.rollout.strategy", part.rollout.strategy if part.rollout else None)
    for index, taint in enumerate(part.taints or ()):
        if taint.key == CONTROL_PLANE_TAINT:
            told = f"{quoted(taint.key)} is for control planes, and MachineDeployments are refused with it"
            yield Notice(f"{place}.taints[{index}].key: {told}: leave it out, or clusters cannot use the class {quoted(part.class_)}")
    check = part.health_check
    if check is None:
        return
    yield from check_refusals(f"{place}.healthCheck.checks", check.checks)
    if check.remediation is not None:
        yield from trigger_refusals(f"{place}.healthCheck.remediation.triggerIf", check.remediation.trigger_if)
        yield from max_in_flight_refusals(f"{place}.healthCheck.remediation", check.remediation.max_in_flight)


def _pool_findings(place: str, part: MachinePoolClass) -> Iterator[Finding]:
    yield from _naming_refusals(place, part.naming, _POOL_NAMES)
    yield from metadata_refusals(f"{place}.metadata", part.metadata)
    yield from taint_refusals(f"{place}.taints", part.taints)
    if part.taints:
        told = "nothing puts taints on the Nodes of a pool, and MachinePools are refused with them"
        yield Notice(f"{place}.taints: {told}: leave them out, or clusters cannot use the class {quoted(part.class_)}")


def _naming_refusals(place: str, naming: ClassNaming | None, sample: Mapping[str, str]) -> Iterator[Refusal]:
    yield from sample_refusals(f"{place}.naming.template", naming.template if naming else None, sample, CLASS_NAMES_ARE_NAMES)
