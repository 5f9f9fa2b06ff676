"""Disruption budgets, judged at the moment of an eviction: pure. No controller keeps their status, so healthy Pods are counted anew."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from capelin.api.meta import LabelSelector, selector_matches
from capelin.runtime import errors
from capelin.runtime.codec import Document

_VIOLATED = "Cannot evict pod as it would violate the pod's disruption budget."


def check_eviction(pod: Document, pods: Iterable[Document], budgets: Iterable[Document]) -> None:
    """Return when the Pod may be evicted, given all Pods and budgets of its namespace.

    Raises:
        TooManyRequests: its budget has none to spare.
        ServerError: it has several budgets, which nobody can weigh.
    """
    if not _runs(pod):
        return
    mine = [budget for budget in budgets if _covers(budget, pod)]
    if len(mine) > 1:
        raise errors.ServerError("This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.")
    for budget in mine:
        _check(pod, [other for other in pods if _runs(other) and _covers(budget, other)], budget)


def _check(pod: Document, covered: list[Document], budget: Document) -> None:
    spec = budget.get("spec") or {}
    healthy = sum(_is_healthy(other) for other in covered)
    needed = _needed(spec, len(covered))
    if not _is_healthy(pod) and (spec.get("unhealthyPodEvictionPolicy") == "AlwaysAllow" or healthy >= needed):
        return
    if healthy <= needed:
        counted = f"The disruption budget {budget['metadata']['name']} needs {needed} healthy pods and has {healthy} currently"
        raise errors.TooManyRequests(_VIOLATED, causes=(errors.Cause("", counted, "DisruptionBudget"),))


def _needed(spec: Document, expected: int) -> int:
    if spec.get("maxUnavailable") is not None:
        return max(expected - _share(spec["maxUnavailable"], expected), 0)
    return _share(spec.get("minAvailable", 1), expected)


def _share(value: Any, whole: int) -> int:
    """Return a number, or what a percentage of the whole comes to, rounded up."""
    text = str(value)
    return -(-int(text.removesuffix("%")) * whole // 100) if text.endswith("%") else int(text)


def _covers(budget: Document, pod: Document) -> bool:
    selector = (budget.get("spec") or {}).get("selector")
    if selector is None:
        return False
    rules = LabelSelector.model_validate(selector)
    return rules.is_empty or selector_matches(rules, pod["metadata"].get("labels"))  # an empty selector covers the whole namespace


def _runs(pod: Document) -> bool:
    phase = (pod.get("status") or {}).get("phase")
    return not pod["metadata"].get("deletionTimestamp") and phase not in ("Pending", "Succeeded", "Failed")


def _is_healthy(pod: Document) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(condition.get("type") == "Ready" and condition.get("status") == "True" for condition in conditions)
