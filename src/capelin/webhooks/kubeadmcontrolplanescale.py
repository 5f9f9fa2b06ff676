"""What is allowed of the scale subresource of KubeadmControlPlanes: the number of Machines, as `kubectl scale` and autoscalers set it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from capelin.api.core import Scale
from capelin.api.kubeadmcontrolplane import KubeadmControlPlane
from capelin.runtime import errors
from capelin.webhooks.admission import Admission, Denial, Lookups, Webhook
from capelin.webhooks.kubeadmcontrolplane import REPLICAS_ARE_ODD, REPLICAS_ARE_POSITIVE, replicas_refusals

RULES = (REPLICAS_ARE_POSITIVE, REPLICAS_ARE_ODD)


@dataclass(frozen=True, slots=True)
class Facts:
    """The control plane that is scaled."""

    control_plane: KubeadmControlPlane


ScaleAdmission = Admission[Scale, Facts]


async def gather(request: Admission[Scale, None], lookups: Lookups) -> Facts:
    """Read the control plane that is scaled.

    Raises:
        NotFound: it is not there any more.
        ApiError: it could not be read.
    """
    control_plane = await lookups.get(KubeadmControlPlane, request.new.key)
    if control_plane is None:
        raise errors.NotFound(f"KubeadmControlPlane {request.new.key} does not exist")
    return Facts(control_plane)


def validate(request: ScaleAdmission) -> Iterator[Denial]:
    """Yield why a control plane cannot be scaled to a number. As in the standard, maxSurge 0 does not keep it from being scaled to one."""
    scaled = request.facts.control_plane.spec.model_copy(update={"replicas": request.new.spec.replicas})
    for refusal in replicas_refusals(scaled):
        yield Denial(str(refusal), refusal.rule)


WEBHOOK = Webhook(
    Scale, validate, RULES, gather=gather, reads=(KubeadmControlPlane,), operations=("UPDATE",), scales=KubeadmControlPlane.resource
)
