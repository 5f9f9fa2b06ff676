"""What is legal and unwise in settings for kubeadm."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.kubeadmconfig import FORMAT_IGNITION, KubeadmConfigSpec
from capelin.api.kubeadmconfigrules import CONTENT_TEMPLATE, unknown_expression
from capelin.webhooks.admission import Notice
from capelin.webhooks.rules.quoting import quoted


def kubeadm_notices(field: str, spec: KubeadmConfigSpec | None) -> Iterator[Notice]:
    """Yield what to warn of in the settings for kubeadm that stand at `field`."""
    if spec is None:
        return
    if spec.format == FORMAT_IGNITION:
        yield Notice(f"{field}.format: this version of Capelin makes no data for Ignition and no Machine would start: use cloud-config")
    for index, file in enumerate(spec.files or ()):
        unknown = unknown_expression(file.content or "") if file.content_format == CONTENT_TEMPLATE else None
        if unknown is not None:
            said = f"{quoted(unknown)} cannot be filled in and no Machine would start: use {{{{ .controlPlane.version }}}} only"
            yield Notice(f"{field}.files[{index}].content: {said}")
    discovery = spec.join_configuration.discovery if spec.join_configuration else None
    token = discovery.bootstrap_token if discovery else None
    if token is not None and token.unsafe_skip_ca_verification and not token.ca_cert_hashes:
        place = f"{field}.joinConfiguration.discovery.bootstrapToken.unsafeSkipCAVerification"
        yield Notice(f"{place}: Machines trust whatever cluster answers: leave the field out, and the hashes are filled in")
