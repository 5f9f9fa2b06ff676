"""Taints that Machines put on their Nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from capelin.api.labels import CONTROL_PLANE_TAINT, OUTDATED_REVISION_TAINT, UNINITIALIZED_TAINT
from capelin.api.machine import MachineTaint
from capelin.api.refusals import FORBIDDEN, Refusal, Rule
from capelin.webhooks.rules.quoting import quoted

TAINT_IS_NOT_RESERVED = Rule(
    "taint_is_not_reserved",
    "A taint is not one that Cluster API, the kubelet or a cloud sets and removes by itself, nor the one kubeadm gave up.",
)
CONTROL_PLANE_TAINT_IS_FOR_CONTROL_PLANES = Rule(
    "control_plane_taint_is_for_control_planes", "Only Machines of a control plane put the control plane's taint on their Nodes."
)

TAINT_RULES = (TAINT_IS_NOT_RESERVED, CONTROL_PLANE_TAINT_IS_FOR_CONTROL_PLANES)

_OUT_OF_SERVICE: Final = "node.kubernetes.io/out-of-service"
"""The one taint of Kubernetes' own that people set: it tells that a Node will not come back."""

_FORMER_CONTROL_PLANE_TAINT: Final = "node-role.kubernetes.io/master"


def taint_refusals(field: str, taints: Iterable[MachineTaint] | None, *, control_plane: bool) -> Iterator[Refusal]:
    """Yield what is wrong with the taints of a Machine; `control_plane` tells whether it can be one of a control plane."""
    for index, taint in enumerate(taints or ()):
        allowed = _other_than_reserved(taint.key)
        if allowed:
            yield TAINT_IS_NOT_RESERVED.broken(f"{field}[{index}].key", quoted(taint.key), allowed)
        if taint.key == CONTROL_PLANE_TAINT and not control_plane:
            yield CONTROL_PLANE_TAINT_IS_FOR_CONTROL_PLANES.broken(
                f"{field}[{index}].key", quoted(taint.key), "that taint on control-plane Machines only", reason=FORBIDDEN
            )


def _other_than_reserved(key: str) -> str:
    """Return what is allowed in the place of a key that is reserved; nothing when it is not."""
    if key in (UNINITIALIZED_TAINT, OUTDATED_REVISION_TAINT):
        return "a taint that Cluster API does not set and remove by itself"
    if key.startswith("node.kubernetes.io/") and key != _OUT_OF_SERVICE:
        return f"{_OUT_OF_SERVICE}, or a key without the prefix node.kubernetes.io/, whose taints the kubelet and its watchdog set"
    if key.startswith("node.cloudprovider.kubernetes.io/"):
        return "a key without that prefix, whose taints the cloud's controllers set"
    if key == _FORMER_CONTROL_PLANE_TAINT:
        return f"{CONTROL_PLANE_TAINT}, on control-plane Machines: the old one has meant nothing since Kubernetes 1.24"
    return ""
