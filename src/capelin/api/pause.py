"""Pausing: a paused object is looked at, and nothing but its Paused condition is written."""

from __future__ import annotations

from datetime import datetime

from capelin.api.cluster import Cluster
from capelin.api.labels import PAUSED_ANNOTATION
from capelin.api.meta import Condition, Object, ObjectMeta
from capelin.api.reasons import NOT_PAUSED_REASON, PAUSED_CONDITION, PAUSED_REASON


def is_paused(cluster: Cluster | None, metadata: ObjectMeta) -> bool:
    """Tell whether the object with `metadata` is paused: by itself, or with the whole of its cluster."""
    return _is_cluster_paused(cluster) or _has_annotation(metadata)


def paused_condition(cluster: Cluster | None, obj: Object, *, now: datetime) -> Condition:
    """Return the Paused condition of `obj`, whose message says what pauses it."""
    causes = []
    if _is_cluster_paused(cluster):
        causes.append("Cluster spec.paused is set to true")
    if _has_annotation(obj.metadata):
        causes.append(f"{obj.resource.kind} has the {PAUSED_ANNOTATION} annotation")
    return Condition(
        type=PAUSED_CONDITION,
        status="True" if causes else "False",
        observed_generation=obj.metadata.generation,
        last_transition_time=now,
        reason=PAUSED_REASON if causes else NOT_PAUSED_REASON,
        message=", ".join(causes),
    )


def _is_cluster_paused(cluster: Cluster | None) -> bool:
    return cluster is not None and bool(cluster.spec.paused)


def _has_annotation(metadata: ObjectMeta) -> bool:
    return PAUSED_ANNOTATION in (metadata.annotations or {})
