"""Scaling while a MachineDeployment is paused: no Machine changes its revision, but the number of replicas is kept. Pure.

With one active set (or none) that one follows `replicas`. With several, a rollout was paused half-way: the difference is spread over
them in proportion to their sizes.
"""

from __future__ import annotations

from collections.abc import Sequence

from capelin.api.machinedeployment import MAX_REPLICAS_ANNOTATION, ON_DELETE, MachineDeployment
from capelin.api.machineset import MachineSet
from capelin.controllers.machinedeployment.plan import Scale, available, has, rollout_bounds, told


def plan_paused(deployment: MachineDeployment, current: MachineSet | None, old: Sequence[MachineSet]) -> dict[str, Scale]:
    """Return the decisions, by the set's name. Nothing is created: `current` is None when no set equals the template."""
    everything = [*old, *([current] if current is not None else [])]
    active = [s for s in everything if told(s) > 0]
    desired = rollout_bounds(deployment).desired
    if len(active) <= 1:
        target = active[0] if active else current or max(everything, key=_newness, default=None)
        return _decisions({target.metadata.name: desired} if target is not None else {}, everything, "spec.replicas while paused")
    if current is not None and told(current) == desired and has(current) == desired and available(current) == desired:
        return _decisions({s.metadata.name: 0 for s in old}, everything, "the current MachineSet has all replicas")
    if _is_on_delete(deployment):
        return {}
    return _decisions(_spread(deployment, active), everything, "spec.replicas in proportion while paused")


def _spread(deployment: MachineDeployment, active: Sequence[MachineSet]) -> dict[str, int]:
    bounds = rollout_bounds(deployment)
    limit = bounds.desired + bounds.max_surge if bounds.desired > 0 else 0
    missing = limit - sum(map(told, active))
    # The largest goes first and takes what rounding leaves over; of equal ones newer sets grow and older ones shrink first.
    ordered = sorted(active, key=_newness, reverse=missing > 0)
    ordered.sort(key=told, reverse=True)
    sizes: dict[str, int] = {}
    left = missing
    for machineset in ordered:
        share = _share(machineset, deployment, limit)
        share = min(share, left) if missing > 0 else max(share, left)
        sizes[machineset.metadata.name] = told(machineset) + share
        left -= share
    for name, size in sizes.items():
        sizes[name] = max(size + left, 0)
        left -= sizes[name] - size
    return sizes


def _share(machineset: MachineSet, deployment: MachineDeployment, limit: int) -> int:
    """Return how many replicas the set gains or loses when the deployment goes from the size it last had to `limit`."""
    if limit == 0:
        return -told(machineset)
    text = (machineset.metadata.annotations or {}).get(MAX_REPLICAS_ANNOTATION, "")
    status = deployment.status
    earlier = int(text) if text.isdecimal() else (status.replicas if status is not None else None) or 0
    return (told(machineset) * limit * 2 + earlier) // (earlier * 2) - told(machineset) if earlier else 0


def _decisions(sizes: dict[str, int], sets: Sequence[MachineSet], reason: str) -> dict[str, Scale]:
    return {
        s.metadata.name: Scale(s.metadata.name, told(s), sizes[s.metadata.name], reason)
        for s in sets
        if s.metadata.name in sizes and sizes[s.metadata.name] != told(s)
    }


def _is_on_delete(deployment: MachineDeployment) -> bool:
    rollout = deployment.spec.rollout
    return rollout is not None and rollout.strategy is not None and rollout.strategy.type == ON_DELETE


def _newness(machineset: MachineSet) -> tuple[str, str]:
    created = machineset.metadata.creation_timestamp
    return (created.isoformat() if created is not None else "9999", machineset.metadata.name)
