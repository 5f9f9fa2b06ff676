"""What users of DevMachinePools are warned of; the standard refuses none."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.devmachinepool import DevMachinePool
from capelin.webhooks.admission import Admission, Notice, Webhook
from capelin.webhooks.rules.devbackends import pool_notices

DevMachinePoolAdmission = Admission[DevMachinePool, None]


def validate(request: DevMachinePoolAdmission) -> Iterator[Notice]:
    """Yield a warning of a backend that Capelin's provider does nothing with."""
    yield from pool_notices("spec", request.new.spec)


WEBHOOK = Webhook(DevMachinePool, validate, ())
