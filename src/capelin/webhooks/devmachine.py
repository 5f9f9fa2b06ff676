"""What is allowed of DevMachines."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.behavior import MachineBehavior
from capelin.api.devdefaults import default_devmachine
from capelin.api.devmachine import DevMachine, DockerMachineBackend
from capelin.api.refusals import FORBIDDEN, Rule
from capelin.webhooks.admission import Admission, Finding, Webhook
from capelin.webhooks.rules.devbackends import (
    DURATIONS_ARE_READABLE,
    backend_notices,
    behavior_notices,
    devmachine_refusals,
    jitter_notices,
)
from capelin.webhooks.rules.quoting import quoted

IMAGE_STAYS = Rule("image_stays", "The image of a container stays: the container has been started from it.")

RULES = (DURATIONS_ARE_READABLE, IMAGE_STAYS)

DevMachineAdmission = Admission[DevMachine, None]


def default(machine: DevMachine, request: DevMachineAdmission) -> DevMachine:  # noqa: ARG001 - the shape of a webhook
    """Return the machine with what the standard fills in."""
    return default_devmachine(machine)


def validate(request: DevMachineAdmission) -> Iterator[Finding]:
    """Yield what is wrong with a DevMachine, or with a change of it."""
    machine = request.new
    yield from devmachine_refusals("spec", machine.spec)
    after, before = _docker(machine), _docker(request.old)
    if after is not None and before is not None and after.custom_image != before.custom_image:
        field, allowed = "spec.backend.docker.customImage", f"what it was before, {quoted(before.custom_image or 'none')}"
        yield IMAGE_STAYS.broken(field, quoted(after.custom_image or "none"), f"{allowed}: the field cannot change", reason=FORBIDDEN)
    yield from backend_notices("spec", machine.spec)
    yield from jitter_notices("spec", machine.spec)
    yield from behavior_notices(MachineBehavior, machine.metadata.annotations)


def _docker(machine: DevMachine | None) -> DockerMachineBackend | None:
    return machine.spec.backend.docker if machine and machine.spec else None


WEBHOOK = Webhook(DevMachine, validate, RULES, default)
