"""What is allowed of DevClusterTemplates."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.behavior import ClusterBehavior
from capelin.api.devcluster import DevClusterSpec, DevClusterTemplate
from capelin.api.devdefaults import default_devclustertemplate
from capelin.api.meta import TemplateMetadata
from capelin.webhooks.admission import Admission, Finding, Webhook
from capelin.webhooks.rules.devbackends import FAILURE_DOMAINS_ARE_SORTED, backend_notices, behavior_notices, devcluster_refusals
from capelin.webhooks.rules.immutability import TEMPLATE_SPEC_STAYS, template_spec_refusals
from capelin.webhooks.rules.metadata import METADATA_RULES, metadata_refusals

RULES = (FAILURE_DOMAINS_ARE_SORTED, *METADATA_RULES, TEMPLATE_SPEC_STAYS)

DevClusterTemplateAdmission = Admission[DevClusterTemplate, None]


def default(template: DevClusterTemplate, request: DevClusterTemplateAdmission) -> DevClusterTemplate:  # noqa: ARG001 - the shape of a webhook
    """Return the template with what the standard fills in."""
    return default_devclustertemplate(template)


def validate(request: DevClusterTemplateAdmission) -> Iterator[Finding]:
    """Yield what is wrong with a new DevClusterTemplate, or with a change of one; metadata may change to anything, as in the standard."""
    spec, metadata = _made(request.new)
    if request.old is None:
        yield from devcluster_refusals("spec.template.spec", spec)
        yield from metadata_refusals("spec.template.metadata", metadata)
    else:
        after, before = default_devclustertemplate(request.new), default_devclustertemplate(request.old)
        yield from template_spec_refusals(_made(after)[0], _made(before)[0])
    yield from backend_notices("spec.template.spec", spec)
    yield from behavior_notices(ClusterBehavior, metadata.annotations if metadata else None)


def _made(template: DevClusterTemplate) -> tuple[DevClusterSpec | None, TemplateMetadata | None]:
    """Return the spec and the metadata of what the template makes."""
    resource = template.spec.template if template.spec else None
    return (resource.spec, resource.metadata) if resource else (None, None)


WEBHOOK = Webhook(DevClusterTemplate, validate, RULES, default)
