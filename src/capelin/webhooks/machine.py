"""What is allowed of Machines."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.defaults import default_machine
from capelin.api.labels import CONTROL_PLANE_LABEL, POOL_NAME_LABEL
from capelin.api.machine import Machine
from capelin.api.refusals import VERSION_IS_SEMANTIC, Refusal, version_refusals
from capelin.webhooks.admission import Admission, Webhook
from capelin.webhooks.rules.bootstrap import HAS_BOOTSTRAP, bootstrap_refusals
from capelin.webhooks.rules.cluster import CLUSTER_NAME_STAYS, cluster_name_refusals
from capelin.webhooks.rules.taints import WORKER_TAINT_RULES, taint_refusals, worker_taint_refusals

RULES = (VERSION_IS_SEMANTIC, HAS_BOOTSTRAP, *WORKER_TAINT_RULES, CLUSTER_NAME_STAYS)

MachineAdmission = Admission[Machine, None]


def default(machine: Machine, request: MachineAdmission) -> Machine:  # noqa: ARG001 - the shape of a webhook
    """Return the Machine with what the standard fills in."""
    return default_machine(machine)


def validate(request: MachineAdmission) -> Iterator[Refusal]:
    """Yield what is wrong with a Machine, or with a change of it."""
    spec, labels = request.new.spec, request.new.metadata.labels or {}
    yield from version_refusals("spec.version", spec.version)
    if POOL_NAME_LABEL not in labels:
        yield from bootstrap_refusals("spec.bootstrap", spec.bootstrap)
    judged = taint_refusals if CONTROL_PLANE_LABEL in labels else worker_taint_refusals
    yield from judged("spec.taints", spec.taints)
    if request.old is not None:
        yield from cluster_name_refusals(spec.cluster_name, request.old.spec.cluster_name)


WEBHOOK = Webhook(Machine, validate, RULES, default)
