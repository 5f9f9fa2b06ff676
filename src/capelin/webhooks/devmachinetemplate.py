"""What is allowed of DevMachineTemplates."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.behavior import MachineBehavior
from capelin.api.devdefaults import default_devmachinetemplate
from capelin.api.devmachine import DevMachineSpec, DevMachineTemplate
from capelin.api.meta import TemplateMetadata
from capelin.webhooks.admission import Admission, Finding, Webhook
from capelin.webhooks.rules.devbackends import (
    DURATIONS_ARE_READABLE,
    backend_notices,
    behavior_notices,
    devmachine_refusals,
    jitter_notices,
)
from capelin.webhooks.rules.immutability import TEMPLATE_SPEC_STAYS, template_spec_refusals
from capelin.webhooks.rules.metadata import METADATA_RULES, metadata_refusals
from capelin.webhooks.rules.topology import is_topology_dry_run

RULES = (DURATIONS_ARE_READABLE, *METADATA_RULES, TEMPLATE_SPEC_STAYS)

DevMachineTemplateAdmission = Admission[DevMachineTemplate, None]


def default(template: DevMachineTemplate, request: DevMachineTemplateAdmission) -> DevMachineTemplate:  # noqa: ARG001 - the shape of a webhook
    """Return the template with what the standard fills in."""
    return default_devmachinetemplate(template)


def validate(request: DevMachineTemplateAdmission) -> Iterator[Finding]:
    """Yield what is wrong with a DevMachineTemplate, or with a change of it; a topology may try a change out."""
    spec, metadata = _made(request.new)
    yield from devmachine_refusals("spec.template.spec", spec)
    yield from metadata_refusals("spec.template.metadata", metadata)
    if request.old is not None and not is_topology_dry_run(request):
        after, before = default_devmachinetemplate(request.new), default_devmachinetemplate(request.old)
        yield from template_spec_refusals(_made(after)[0], _made(before)[0])
    yield from backend_notices("spec.template.spec", spec)
    yield from jitter_notices("spec.template.spec", spec)
    yield from behavior_notices(MachineBehavior, metadata.annotations if metadata else None)


def _made(template: DevMachineTemplate) -> tuple[DevMachineSpec | None, TemplateMetadata | None]:
    """Return the spec and the metadata of what the template makes."""
    resource = template.spec.template if template.spec else None
    return (resource.spec, resource.metadata) if resource else (None, None)


WEBHOOK = Webhook(DevMachineTemplate, validate, RULES, default)
