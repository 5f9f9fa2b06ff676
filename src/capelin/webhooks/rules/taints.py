"""Taints that Machines put on their Nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from capelin.api.labels import CONTROL_PLANE_TAINT, OUTDATED_REVISION_TAINT, UNINITIALIZED_TAINT
from capelin.api.machine import MachineTaint
from capelin.api.refusals import FORBIDDEN, Refusal, Rule

TAINTS_ARE_NOT_RESERVED = Rule(
    "taints_are_not_reserved",
    "Machines put no taints on their Nodes that Cluster API, Kubernetes or a cloud sets and removes by itself: each would undo the other.",
)
CONTROL_PLANE_TAINT_IS_FOR_CONTROL_PLANES = Rule(
    "control_plane_taint_is_for_control_planes", "Only Machines of a control plane put the control plane's taint on their Nodes."
)

WORKER_TAINT_RULES: Final = (TAINTS_ARE_NOT_RESERVED, CONTROL_PLANE_TAINT_IS_FOR_CONTROL_PLANES)

_OUT_OF_SERVICE: Final = "node.kubernetes.io/out-of-service"
"""The one taint with this prefix that people set: it tells that a Node has been shut down for good."""

_RESERVED: Final = {
    UNINITIALIZED_TAINT: "Cluster API sets and removes this one",
    OUTDATED_REVISION_TAINT: "Cluster API sets and removes this one",
    "node-role.kubernetes.io/master": "Kubernetes gave it up in 1.24 for node-role.kubernetes.io/control-plane",
}
_RESERVED_PREFIXES: Final = {
    "node.kubernetes.io/": f"Kubernetes sets and removes those, except {_OUT_OF_SERVICE}",
    "node.cloudprovider.kubernetes.io/": "the cloud's controllers set and remove those",
}


def taint_refusals(field: str, taints: Iterable[MachineTaint] | None) -> Iterator[Refusal]:
    """Yield what is wrong with the taints at `field`."""
    for index, taint in enumerate(taints or ()):
        if reason := _reserved(taint.key):
            allowed = f"a taint that nothing else manages: {reason}"
            yield TAINTS_ARE_NOT_RESERVED.broken(f"{field}[{index}].key", repr(taint.key), allowed, reason=FORBIDDEN)


def worker_taint_refusals(field: str, taints: Iterable[MachineTaint] | None) -> Iterator[Refusal]:
    """Yield what is wrong with the taints at `field`, of Machines that are not of a control plane."""
    yield from taint_refusals(field, taints)
    for index, taint in enumerate(taints or ()):
        if taint.key == CONTROL_PLANE_TAINT:
            allowed = "that taint on control-plane Machines only"
            yield CONTROL_PLANE_TAINT_IS_FOR_CONTROL_PLANES.broken(f"{field}[{index}].key", repr(taint.key), allowed, reason=FORBIDDEN)


def _reserved(key: str) -> str:
    """Return why nobody may set the taint; empty when anybody may."""
    if key == _OUT_OF_SERVICE:
        return ""
    return _RESERVED.get(key) or next((why for prefix, why in _RESERVED_PREFIXES.items() if key.startswith(prefix)), "")
