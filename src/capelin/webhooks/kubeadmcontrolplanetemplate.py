"""What is allowed of templates of KubeadmControlPlanes."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.grouprules import NAMES_ARE_RANDOM
from capelin.api.kubeadmconfig import KubeadmConfigSpec
from capelin.api.kubeadmconfigrules import KUBEADM_CONFIG_RULES, kubeadm_refusals
from capelin.api.kubeadmcontrolplane import ROLLING_UPDATE, ControlPlaneRollout
from capelin.api.kubeadmcontrolplanetemplate import (
    KubeadmControlPlaneTemplate,
    KubeadmControlPlaneTemplateResourceSpec,
    TemplatedMachineTemplate,
)
from capelin.api.kubeadmdefaults import MAX_SURGE, written_out
from capelin.webhooks.admission import Admission, Finding, Webhook
from capelin.webhooks.rules.controlplane import (
    CONTROL_PLANE_RULES,
    cluster_configuration_refusals,
    rollout_notices,
    rollout_refusals,
    timeout_refusals,
)
from capelin.webhooks.rules.immutability import TEMPLATE_SPEC_STAYS, template_spec_refusals
from capelin.webhooks.rules.kubeadm import kubeadm_notices
from capelin.webhooks.rules.metadata import METADATA_RULES, metadata_refusals
from capelin.webhooks.rules.naming import CONTROL_PLANE_SAMPLE, NAMES_ARE_NAMES, machine_naming_refusals, sample_refusals
from capelin.webhooks.rules.taints import TAINTS_ARE_NOT_RESERVED, taint_refusals

RULES = (
    *CONTROL_PLANE_RULES,
    NAMES_ARE_RANDOM,
    NAMES_ARE_NAMES,
    TAINTS_ARE_NOT_RESERVED,
    *METADATA_RULES,
    *KUBEADM_CONFIG_RULES,
    TEMPLATE_SPEC_STAYS,
)

KubeadmControlPlaneTemplateAdmission = Admission[KubeadmControlPlaneTemplate, None]


def validate(request: KubeadmControlPlaneTemplateAdmission) -> Iterator[Finding]:
    """Yield what is wrong with a template of KubeadmControlPlanes, or that a change touches what is made from it."""
    new = request.new.spec.template if request.new.spec else None
    if request.old is not None:
        old = request.old.spec.template if request.old.spec else None
        yield from template_spec_refusals(*_comparable(new.spec if new else None, old.spec if old else None))
    elif new is not None:
        yield from metadata_refusals("spec.template.metadata", new.metadata)
        yield from _spec_findings("spec.template.spec", new.spec or KubeadmControlPlaneTemplateResourceSpec())


def _spec_findings(field: str, spec: KubeadmControlPlaneTemplateResourceSpec) -> Iterator[Finding]:
    config, machines = spec.kubeadm_config_spec, spec.machine_template or TemplatedMachineTemplate()
    yield from rollout_refusals(field, spec.rollout, config)
    yield from cluster_configuration_refusals(
        f"{field}.kubeadmConfigSpec.clusterConfiguration", config.cluster_configuration if config else None
    )
    yield from timeout_refusals(f"{field}.kubeadmConfigSpec", config)
    naming = spec.machine_naming.template if spec.machine_naming else None
    yield from machine_naming_refusals(f"{field}.machineNaming.template", naming)
    yield from sample_refusals(f"{field}.machineNaming.template", naming, CONTROL_PLANE_SAMPLE)
    yield from metadata_refusals(f"{field}.machineTemplate.metadata", machines.metadata)
    yield from taint_refusals(f"{field}.machineTemplate.spec.taints", machines.spec.taints if machines.spec else None)
    yield from kubeadm_refusals(f"{field}.kubeadmConfigSpec", config)
    yield from rollout_notices(field, spec.rollout)
    yield from kubeadm_notices(f"{field}.kubeadmConfigSpec", config)


Spec = KubeadmControlPlaneTemplateResourceSpec | None


def _comparable(new: Spec, old: Spec) -> tuple[KubeadmControlPlaneTemplateResourceSpec, KubeadmControlPlaneTemplateResourceSpec]:
    """Return both specs with what earlier versions of the standard wrote out, which is no change when it is left out now."""
    after, before = _written_out(new), _written_out(old)
    strategy = before.rollout.strategy if before.rollout else None
    rolling = strategy.rolling_update if strategy else None
    was_default = strategy is not None and strategy.type == ROLLING_UPDATE and rolling is not None and rolling.max_surge == MAX_SURGE
    if was_default and (after.rollout is None or after.rollout.strategy is None):
        rollout = (after.rollout or ControlPlaneRollout()).model_copy(update={"strategy": strategy})
        after = after.model_copy(update={"rollout": rollout})
    return after, before


def _written_out(spec: Spec) -> KubeadmControlPlaneTemplateResourceSpec:
    spec = spec or KubeadmControlPlaneTemplateResourceSpec()
    return spec.model_copy(update={"kubeadm_config_spec": written_out(spec.kubeadm_config_spec or KubeadmConfigSpec())})


WEBHOOK = Webhook(KubeadmControlPlaneTemplate, validate, RULES)
