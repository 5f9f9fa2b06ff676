"""What is allowed of templates of KubeadmConfigs.

Unlike most templates they may change: Machines that exist keep what they were made from.
"""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.kubeadmconfig import KubeadmConfigTemplate
from capelin.api.kubeadmconfigrules import KUBEADM_CONFIG_RULES, kubeadm_refusals
from capelin.api.kubeadmdefaults import default_kubeadmconfigtemplate
from capelin.webhooks.admission import Admission, Finding, Webhook
from capelin.webhooks.rules.kubeadm import kubeadm_notices
from capelin.webhooks.rules.metadata import METADATA_RULES, metadata_refusals
from capelin.webhooks.rules.topology import is_topology_dry_run

RULES = (*KUBEADM_CONFIG_RULES, *METADATA_RULES)

KubeadmConfigTemplateAdmission = Admission[KubeadmConfigTemplate, None]


def default(template: KubeadmConfigTemplate, request: KubeadmConfigTemplateAdmission) -> KubeadmConfigTemplate:
    """Return the template as it is, or in a topology's dry run with what earlier versions of the standard wrote out."""
    return default_kubeadmconfigtemplate(template) if is_topology_dry_run(request) else template


def validate(request: KubeadmConfigTemplateAdmission) -> Iterator[Finding]:
    """Yield what is wrong with a template of KubeadmConfigs."""
    if request.new.spec is None:
        return
    template = request.new.spec.template
    yield from kubeadm_refusals("spec.template.spec", template.spec)
    yield from metadata_refusals("spec.template.metadata", template.metadata)
    yield from kubeadm_notices("spec.template.spec", template.spec)


WEBHOOK = Webhook(KubeadmConfigTemplate, validate, RULES, default)
