"""What is allowed of KubeadmConfigs.

Nothing is filled in: the controller reads an absent format as cloud-config, and a value that admission added would make an object look
changed to whoever made it from a template.
"""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.kubeadmconfig import KubeadmConfig
from capelin.api.kubeadmconfigrules import KUBEADM_CONFIG_RULES, kubeadm_refusals
from capelin.webhooks.admission import Admission, Finding, Webhook
from capelin.webhooks.rules.kubeadm import kubeadm_notices

RULES = KUBEADM_CONFIG_RULES

KubeadmConfigAdmission = Admission[KubeadmConfig, None]


def validate(request: KubeadmConfigAdmission) -> Iterator[Finding]:
    """Yield what is wrong with a KubeadmConfig."""
    spec = request.new.spec
    yield from kubeadm_refusals("spec", spec)
    yield from kubeadm_notices("spec", spec)


WEBHOOK = Webhook(KubeadmConfig, validate, RULES)
