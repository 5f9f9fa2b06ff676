"""What users of DevMachinePoolTemplates are warned of; the standard refuses none, and lets them change."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.devmachinepool import DevMachinePoolTemplate
from capelin.webhooks.admission import Admission, Notice, Webhook
from capelin.webhooks.rules.devbackends import pool_notices

DevMachinePoolTemplateAdmission = Admission[DevMachinePoolTemplate, None]


def validate(request: DevMachinePoolTemplateAdmission) -> Iterator[Notice]:
    """Yield a warning of a backend that Capelin's provider does nothing with."""
    if request.new.spec is not None:
        yield from pool_notices("spec.template.spec", request.new.spec.template.spec)


WEBHOOK = Webhook(DevMachinePoolTemplate, validate, ())
