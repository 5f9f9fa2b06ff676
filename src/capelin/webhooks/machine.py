"""What is allowed of Machines."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.defaults import default_machine
from capelin.api.labels import CONTROL_PLANE_LABEL, CONTROL_PLANE_TAINT, POOL_NAME_LABEL
from capelin.api.machine import Machine
from capelin.api.refusals import FORBIDDEN, REQUIRED, VERSION_IS_SEMANTIC, Refusal, Rule, version_refusals
from capelin.webhooks.admission import Admission, Webhook
from capelin.webhooks.rules.cluster import CLUSTER_NAME_STAYS, cluster_name_refusals

HAS_BOOTSTRAP = Rule("has_bootstrap", "A Machine has a bootstrap configuration or bootstrap data, unless a pool brings both.")
CONTROL_PLANE_TAINT_IS_FOR_CONTROL_PLANES = Rule(
    "control_plane_taint_is_for_control_planes", "Only Machines of a control plane put the control plane's taint on their Nodes."
)

RULES = (VERSION_IS_SEMANTIC, HAS_BOOTSTRAP, CONTROL_PLANE_TAINT_IS_FOR_CONTROL_PLANES, CLUSTER_NAME_STAYS)

MachineAdmission = Admission[Machine, None]


def default(machine: Machine, request: MachineAdmission) -> Machine:  # noqa: ARG001 - the shape of a webhook
    """Return the Machine with what the standard fills in."""
    return default_machine(machine)


def validate(request: MachineAdmission) -> Iterator[Refusal]:
    """Yield what is wrong with a Machine, or with a change of it."""
    machine = request.new
    spec, labels = machine.spec, machine.metadata.labels or {}
    yield from version_refusals("spec.version", spec.version)
    if not spec.bootstrap.config_ref and not spec.bootstrap.data_secret_name and POOL_NAME_LABEL not in labels:
        yield HAS_BOOTSTRAP.broken("spec.bootstrap", "neither configRef nor dataSecretName", "one of them", reason=REQUIRED)
    if CONTROL_PLANE_LABEL not in labels:
        for index, taint in enumerate(spec.taints or ()):
            if taint.key == CONTROL_PLANE_TAINT:
                field, allowed = f"spec.taints[{index}].key", "that taint on control-plane Machines only"
                yield CONTROL_PLANE_TAINT_IS_FOR_CONTROL_PLANES.broken(field, repr(taint.key), allowed, reason=FORBIDDEN)
    if request.old is not None:
        yield from cluster_name_refusals(spec.cluster_name, request.old.spec.cluster_name)


WEBHOOK = Webhook(Machine, validate, RULES, default)
