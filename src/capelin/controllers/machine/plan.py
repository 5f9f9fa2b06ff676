"""What a Machine's Node should carry: labels, annotations and taints, as one merge patch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from capelin.api.core import Node, Taint
from capelin.api.labels import INTERRUPTIBLE_LABEL, OUTDATED_REVISION_TAINT, UNINITIALIZED_TAINT
from capelin.api.machine import (
    NODE_ANNOTATIONS_FROM_MACHINE_ANNOTATION,
    NODE_CLUSTER_NAME_ANNOTATION,
    NODE_CLUSTER_NAMESPACE_ANNOTATION,
    NODE_LABELS_FROM_MACHINE_ANNOTATION,
    NODE_MACHINE_ANNOTATION,
    NODE_OWNER_KIND_ANNOTATION,
    NODE_OWNER_NAME_ANNOTATION,
    NODE_TAINTS_FROM_MACHINE_ANNOTATION,
    Machine,
)

LABEL_DOMAINS: Final = ("node-role.kubernetes.io", "node-restriction.kubernetes.io", "node.cluster.x-k8s.io")
"""Labels of these domains go from the Machine to its Node."""

ANNOTATION_DOMAINS: Final = ("node.cluster.x-k8s.io",)
"""Annotations of these domains go from the Machine to its Node."""

_EXACT_DOMAINS: Final = ("node-role.kubernetes.io",)  # no subdomains: roles are a closed set


def node_patch(machine: Machine, node: Node, *, interruptible: bool, outdated: bool | None) -> dict[str, Any]:
    """Return the merge patch that brings the Node up to date; empty when it is.

    What came from the Machine is noted in annotations of the Node, so that it goes again with the Machine's; whatever others put there
    stays. Taints are a list, replaced whole, so their patch carries the resourceVersion that was read. `outdated` is None when nobody
    knows whether the Machine is of an old revision.
    """
    noted = node.metadata.annotations or {}
    labels = _synced(machine.metadata.labels, LABEL_DOMAINS) | ({INTERRUPTIBLE_LABEL: ""} if interruptible else {})
    copied = _synced(machine.metadata.annotations, ANNOTATION_DOMAINS)
    always = _taint_names(machine, "Always")
    tracking = {
        NODE_LABELS_FROM_MACHINE_ANNOTATION: ",".join(sorted(labels)),
        NODE_ANNOTATIONS_FROM_MACHINE_ANNOTATION: ",".join(sorted(copied)),
        NODE_TAINTS_FROM_MACHINE_ANNOTATION: ",".join(always),
    }
    annotation_patch = _difference(noted, copied | tracking | _identity(machine), _names(noted, NODE_ANNOTATIONS_FROM_MACHINE_ANNOTATION))
    label_patch = _difference(node.metadata.labels or {}, labels, _names(noted, NODE_LABELS_FROM_MACHINE_ANNOTATION))
    patch: dict[str, Any] = {"annotations": annotation_patch, "labels": label_patch}
    metadata = {name: value for name, value in patch.items() if value}
    before = (node.spec.taints if node.spec else None) or []
    after = desired_taints(machine, node, outdated=outdated)
    if after == before:
        return {"metadata": metadata} if metadata else {}
    taints = [taint.wire() for taint in after] or None
    return {"metadata": {**metadata, "resourceVersion": node.metadata.resource_version}, "spec": {"taints": taints}}


def desired_taints(machine: Machine, node: Node, *, outdated: bool | None) -> list[Taint]:
    """Return the taints the Node should have, in the order it has them, new ones last.

    The uninitialized taint goes, since the Node is being initialised with these very labels. The Machine's taints that propagate always
    are kept there; those for initialisation are set once, on the first visit.
    """
    noted = node.metadata.annotations or {}
    is_first_visit = NODE_TAINTS_FROM_MACHINE_ANNOTATION not in noted
    wanted = {_key(t.key, t.effect): Taint(key=t.key, value=t.value, effect=t.effect) for t in _propagated(machine, is_first_visit)}
    always = set(_taint_names(machine, "Always"))
    dropped = {name for name in _names(noted, NODE_TAINTS_FROM_MACHINE_ANNOTATION) if name not in always}
    dropped.add(_key(UNINITIALIZED_TAINT, "NoSchedule"))
    if outdated:
        wanted[_key(OUTDATED_REVISION_TAINT, "PreferNoSchedule")] = Taint(key=OUTDATED_REVISION_TAINT, effect="PreferNoSchedule")
    elif outdated is False:
        dropped.add(_key(OUTDATED_REVISION_TAINT, "PreferNoSchedule"))
    kept = []
    for taint in (node.spec.taints if node.spec else None) or []:
        name = _key(taint.key, taint.effect)
        replacement = wanted.pop(name, None)
        if replacement is not None:
            kept.append(taint if taint.value == replacement.value else replacement)
        elif name not in dropped:
            kept.append(taint)
    return [*kept, *wanted.values()]


def _propagated(machine: Machine, is_first_visit: bool) -> list[Any]:
    return [t for t in machine.spec.taints or () if t.propagation == "Always" or is_first_visit]


def _taint_names(machine: Machine, propagation: str) -> list[str]:
    return sorted(_key(t.key, t.effect) for t in machine.spec.taints or () if t.propagation == propagation)


def _key(key: str, effect: str) -> str:
    return f"{key}:{effect}"


def _identity(machine: Machine) -> dict[str, str]:
    """Return the annotations that say which Machine the Node is."""
    controller = machine.metadata.controller
    found = {
        NODE_CLUSTER_NAME_ANNOTATION: machine.spec.cluster_name,
        NODE_CLUSTER_NAMESPACE_ANNOTATION: machine.key.namespace,
        NODE_MACHINE_ANNOTATION: machine.metadata.name,
    }
    if controller is not None:
        found |= {NODE_OWNER_KIND_ANNOTATION: controller.kind, NODE_OWNER_NAME_ANNOTATION: controller.name}
    return found


def _synced(found: Mapping[str, str] | None, domains: tuple[str, ...]) -> dict[str, str]:
    return {key: value for key, value in (found or {}).items() if "/" in key and _is_in(key.partition("/")[0], domains)}


def _is_in(domain: str, domains: tuple[str, ...]) -> bool:
    return domain in domains or any(domain.endswith(f".{parent}") for parent in domains if parent not in _EXACT_DOMAINS)


def _names(annotations: Mapping[str, str], key: str) -> list[str]:
    return [name for name in annotations.get(key, "").split(",") if name]


def _difference(found: Mapping[str, str], wanted: Mapping[str, str], ours: list[str]) -> dict[str, str | None]:
    """Return the merge patch of a string map: what is missing or different, and None for `ours` that are no longer wanted."""
    patch: dict[str, str | None] = {key: value for key, value in wanted.items() if found.get(key) != value}
    return patch | {key: None for key in ours if key not in wanted and key in found}
