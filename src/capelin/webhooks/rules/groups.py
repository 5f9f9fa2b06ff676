"""MachineSets, MachineDeployments and MachinePools: what their templates and numbers may be, beyond what their controllers look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from capelin.api.grouprules import NAMES_ARE_RANDOM, SELECTOR_MATCHES_TEMPLATE
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import SKIP_PREFLIGHT_CHECKS_ANNOTATION, MachineSet
from capelin.api.meta import Object
from capelin.api.refusals import NOT_SUPPORTED, Refusal, Rule
from capelin.webhooks.admission import Finding, Notice
from capelin.webhooks.rules.bootstrap import HAS_BOOTSTRAP, bootstrap_refusals
from capelin.webhooks.rules.metadata import METADATA_RULES, metadata_refusals
from capelin.webhooks.rules.naming import GROUP_SAMPLE, NAMES_ARE_NAMES, machine_naming_refusals, sample_refusals
from capelin.webhooks.rules.quoting import quoted
from capelin.webhooks.rules.selectors import SELECTOR_IS_VALID, selector_refusals
from capelin.webhooks.rules.taints import WORKER_TAINT_RULES, worker_taint_refusals

PREFLIGHT_CHECKS_EXIST = Rule("preflight_checks_exist", "The annotation that skips preflight checks names checks there are.")

TEMPLATE_RULES = (
    SELECTOR_IS_VALID,
    HAS_BOOTSTRAP,
    *WORKER_TAINT_RULES,
    *METADATA_RULES,
    NAMES_ARE_NAMES,
    PREFLIGHT_CHECKS_EXIST,
)

PREFLIGHT_CHECKS: Final = ("All", "ControlPlaneIsStable", "ControlPlaneVersionSkew", "KubeadmVersionSkew", "KubernetesVersionSkew")

MOST_NODES: Final = 5000
"""Nodes that Kubernetes is tested with in one cluster."""


def group_findings(group: MachineSet | MachineDeployment, refusals: Iterable[Refusal]) -> Iterator[Finding]:
    """Yield what is wrong with a group of Machines; `refusals` is what its controller refuses of it."""
    spec = group.spec
    unreadable = list(selector_refusals("spec.selector", spec.selector))
    yield from unreadable
    # The naming template is looked at below, as strictly as in the standard; a selector that cannot be read matches nothing anyway.
    told = {NAMES_ARE_RANDOM, SELECTOR_MATCHES_TEMPLATE} if unreadable else {NAMES_ARE_RANDOM}
    yield from (refusal for refusal in refusals if refusal.rule not in told)
    yield from bootstrap_refusals("spec.template.spec.bootstrap", spec.template.spec.bootstrap)
    yield from worker_taint_refusals("spec.template.spec.taints", spec.template.spec.taints)
    yield from metadata_refusals("spec.template.metadata", spec.template.metadata)
    naming = spec.machine_naming.template if spec.machine_naming else None
    yield from machine_naming_refusals("spec.machineNaming.template", naming)
    yield from sample_refusals("spec.machineNaming.template", naming, GROUP_SAMPLE)
    yield from preflight_refusals(group)
    yield from replicas_notices(spec.replicas)


def preflight_refusals(group: Object) -> Iterator[Refusal]:
    """Yield what is wrong with the names of the preflight checks to skip."""
    skipped = (group.metadata.annotations or {}).get(SKIP_PREFLIGHT_CHECKS_ANNOTATION)
    unknown = [name for name in (part.strip() for part in (skipped or "").split(",")) if name not in PREFLIGHT_CHECKS]
    if skipped and unknown:
        field, allowed = f"metadata.annotations[{SKIP_PREFLIGHT_CHECKS_ANNOTATION}]", f"one or more of {', '.join(PREFLIGHT_CHECKS)}"
        yield PREFLIGHT_CHECKS_EXIST.broken(field, quoted(", ".join(unknown)), allowed, reason=NOT_SUPPORTED)


def replicas_notices(replicas: int | None) -> Iterator[Notice]:
    """Yield a warning of a number of Machines that no cluster can have."""
    if replicas is not None and replicas > MOST_NODES:
        yield Notice(f"spec.replicas: {replicas} Machines are more than the {MOST_NODES} Nodes that Kubernetes supports in one cluster")
