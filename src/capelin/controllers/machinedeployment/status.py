"""What a pass observed, as counters, phase and conditions of the MachineDeployment. Pure: the same scope and time give the same status."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from capelin.api.conditions import Verdict, plural
from capelin.api.machine import Machine
from capelin.api.machinedeployment import (
    PHASE_RUNNING,
    PHASE_SCALING_DOWN,
    PHASE_SCALING_UP,
    PHASE_UNKNOWN,
    MachineDeployment,
    MachineDeploymentStatus,
)
from capelin.api.machinegroup import machine_versions, machines_ready, machines_remediating, machines_up_to_date, stale_deletions
from capelin.api.machineset import MachineSet, MachineSetStatus
from capelin.api.meta import find_condition, selector_string, set_condition
from capelin.api.pause import paused_condition
from capelin.api.reasons import (
    AVAILABLE_CONDITION,
    AVAILABLE_REASON,
    DELETING_CONDITION,
    DELETING_REASON,
    DELETION_COMPLETED_REASON,
    INTERNAL_ERROR_REASON,
    MACHINES_READY_CONDITION,
    MACHINES_UP_TO_DATE_CONDITION,
    NOT_AVAILABLE_REASON,
    NOT_DELETING_REASON,
    NOT_ROLLING_OUT_REASON,
    NOT_SCALING_DOWN_REASON,
    NOT_SCALING_UP_REASON,
    PAUSED_CONDITION,
    REMEDIATING_CONDITION,
    ROLLING_OUT_CONDITION,
    ROLLING_OUT_REASON,
    SCALING_DOWN_CONDITION,
    SCALING_DOWN_REASON,
    SCALING_UP_CONDITION,
    SCALING_UP_REASON,
    UP_TO_DATE_CONDITION,
)
from capelin.controllers.machinedeployment.plan import rollout_bounds
from capelin.controllers.machinedeployment.scope import Scope
from capelin.runtime.external import Seen

OWNED_CONDITIONS = (
    AVAILABLE_CONDITION,
    MACHINES_READY_CONDITION,
    MACHINES_UP_TO_DATE_CONDITION,
    ROLLING_OUT_CONDITION,
    SCALING_UP_CONDITION,
    SCALING_DOWN_CONDITION,
    REMEDIATING_CONDITION,
    DELETING_CONDITION,
    PAUSED_CONDITION,
)

PATIENCE: Final = timedelta(seconds=10)
"""How old a deployment is before its status follows every step of its Machines, most of which come at once."""


def set_status(scope: Scope, *, now: datetime) -> None:
    """Bring counters, phase and conditions in line with what was observed; complete on every exit of a pass.

    Counters keep their last values while the MachineSets are unknown.
    """
    deployment, status = scope.deployment, scope.status
    status.selector = selector_string(deployment.spec.selector)
    if not isinstance(scope.machinesets, Seen):
        _count(scope, scope.machinesets)
    status.phase = _phase(scope)
    for type_, verdict in _verdicts(scope, now).items():
        condition = verdict.condition(type_, now=now, generation=deployment.metadata.generation)
        status.conditions = set_condition(status.conditions, condition)
    set_paused_condition(scope, now=now)


def silent_for(scope: Scope, told: MachineDeploymentStatus | None, *, now: datetime) -> timedelta | None:
    """Return how much longer the status of a new deployment stays as it was `told`, None when it is to be stored.

    A new deployment says that it is scaling up, then that it is available; the steps between are kept back.
    """
    created = scope.deployment.metadata.creation_timestamp
    if scope.is_deleting or scope.blockers or scope.problem or scope.missing or created is None or told is None:
        return None
    if told.observed_generation != scope.deployment.metadata.generation or _standing(told) != _standing(scope.status):
        return None
    left = created + PATIENCE - now
    return left if timedelta() < left <= PATIENCE else None  # more: the server's clock is ahead of ours


def _standing(status: MachineDeploymentStatus) -> list[str | None]:
    """Return what may be waited for: that it is available, paused, or blocked."""
    types = (AVAILABLE_CONDITION, PAUSED_CONDITION)
    return [found.status if (found := find_condition(status.conditions, type_)) else None for type_ in types]


def set_paused_condition(scope: Scope, *, now: datetime) -> None:
    """Say whether the deployment is paused, and by what."""
    condition = paused_condition(scope.cluster, scope.deployment, now=now)
    if scope.deployment.spec.paused and condition.status == "False":
        update = {"status": "True", "reason": "Paused", "message": "MachineDeployment spec.paused is set to true"}
        condition = condition.model_copy(update=update)
    scope.status.conditions = set_condition(scope.status.conditions, condition)


def _count(scope: Scope, machinesets: Iterable[MachineSet]) -> None:
    counted = [machineset.status or MachineSetStatus() for machineset in machinesets]
    status = scope.status
    status.replicas = sum(s.replicas or 0 for s in counted)
    status.ready_replicas = sum(s.ready_replicas or 0 for s in counted)
    status.available_replicas = sum(s.available_replicas or 0 for s in counted)
    status.up_to_date_replicas = sum(s.up_to_date_replicas or 0 for s in counted)
    status.versions = machine_versions(scope.machines) or None


def _phase(scope: Scope) -> str:
    if isinstance(scope.machinesets, Seen):
        return PHASE_UNKNOWN
    ready, desired = scope.status.ready_replicas or 0, _desired(scope)
    if ready == desired:
        return PHASE_RUNNING
    return PHASE_SCALING_UP if ready < desired else PHASE_SCALING_DOWN


def _desired(scope: Scope) -> int:
    return 0 if scope.is_deleting else scope.deployment.spec.replicas or 0


def _verdicts(scope: Scope, now: datetime) -> dict[str, Verdict]:
    if isinstance(scope.machinesets, Seen):
        unknown = Verdict("Unknown", INTERNAL_ERROR_REASON, scope.problem or "The MachineSets could not be read")
        deleting = unknown if scope.is_deleting else Verdict("False", NOT_DELETING_REASON)
        return {**dict.fromkeys(OWNED_CONDITIONS[:-2], unknown), DELETING_CONDITION: deleting}
    return {
        AVAILABLE_CONDITION: _available(scope.deployment),
        MACHINES_READY_CONDITION: machines_ready(scope.machines),
        MACHINES_UP_TO_DATE_CONDITION: machines_up_to_date(scope.machines, now=now),
        ROLLING_OUT_CONDITION: _rolling_out(scope.machines),
        SCALING_UP_CONDITION: _scaling_up(scope),
        SCALING_DOWN_CONDITION: _scaling_down(scope, now),
        REMEDIATING_CONDITION: machines_remediating(scope.machines, owner_kind=scope.deployment.resource.kind),
        DELETING_CONDITION: _deleting(scope, scope.machinesets, now),
    }


def _available(deployment: MachineDeployment) -> Verdict:
    try:
        bounds = rollout_bounds(deployment)
    except ValueError as error:
        return Verdict("Unknown", INTERNAL_ERROR_REASON, f"spec.rollout.strategy.rollingUpdate: {error}")
    available = (deployment.status.available_replicas if deployment.status is not None else None) or 0
    if available >= bounds.min_available:
        return Verdict("True", AVAILABLE_REASON)
    message = f"{available} available replicas, at least {bounds.min_available} required"
    if bounds.max_unavailable:
        message += (
            f" (spec.rollout.strategy.rollingUpdate.maxUnavailable is {_max_unavailable(deployment)}, spec.replicas is {bounds.desired})"
        )
    return Verdict("False", NOT_AVAILABLE_REASON, message)


def _max_unavailable(deployment: MachineDeployment) -> int | str | None:
    rollout = deployment.spec.rollout
    rolling = rollout.strategy.rolling_update if rollout is not None and rollout.strategy is not None else None
    return rolling.max_unavailable if rolling is not None else None


def _rolling_out(machines: Iterable[Machine]) -> Verdict:
    found = (find_condition(m.status.conditions if m.status is not None else None, UP_TO_DATE_CONDITION) for m in machines)
    outdated = [condition for condition in found if condition is not None and condition.status == "False"]
    if not outdated:
        return Verdict("False", NOT_ROLLING_OUT_REASON)
    reasons = {line for condition in outdated for line in condition.message.split("\n") if line}
    # A new version is what most rollouts are about: it comes first.
    ordered = sorted(reasons, key=lambda line: (not line.startswith("* Version"), line))
    lines = [f"Rolling out {len(outdated)} not up-to-date replicas", *ordered]
    return Verdict("True", ROLLING_OUT_REASON, "\n".join(lines))


def _scaling_up(scope: Scope) -> Verdict:
    current, desired = scope.status.replicas or 0, _desired(scope)
    missing = _missing_templates(scope)
    # A rollout that cannot begin is blocked too, although no replica is missing.
    reasons = [*([missing] if missing else []), *scope.blockers]
    if current >= desired:
        would_wait = reasons and not scope.is_deleting
        return Verdict("False", NOT_SCALING_UP_REASON, f"Scaling up would be blocked because{_joined(reasons)}" if would_wait else "")
    message = f"Scaling up from {current} to {desired} replicas"
    return Verdict("True", SCALING_UP_REASON, f"{message} is blocked because{_joined(reasons)}" if reasons else message)


def _joined(reasons: list[str]) -> str:
    return f" {reasons[0]}" if len(reasons) == 1 else ":\n" + "\n".join(f"* {reason}" for reason in reasons)


def _missing_templates(scope: Scope) -> str:
    kinds = [] if isinstance(scope.missing, Seen) else scope.missing
    return f"{' and '.join(kinds)} {'does' if len(kinds) == 1 else 'do'} not exist" if kinds else ""


def _scaling_down(scope: Scope, now: datetime) -> Verdict:
    current, desired = scope.status.replicas or 0, _desired(scope)
    if current <= desired:
        return Verdict("False", NOT_SCALING_DOWN_REASON)
    stale = stale_deletions(scope.machines, now=now)
    message = f"Scaling down from {current} to {desired} replicas"
    return Verdict("True", SCALING_DOWN_REASON, f"{message}\n* {stale}" if stale else message)


def _deleting(scope: Scope, machinesets: list[MachineSet], now: datetime) -> Verdict:
    if not scope.is_deleting:
        return Verdict("False", NOT_DELETING_REASON)
    if not machinesets:
        return Verdict("True", DELETION_COMPLETED_REASON)
    count, kind = (len(scope.machines), "Machine") if scope.machines else (len(machinesets), "MachineSet")
    stale = stale_deletions(scope.machines, now=now)
    return Verdict("True", DELETING_REASON, f"Deleting {count} {kind if count == 1 else plural(kind)}{f' and {stale}' if stale else ''}")
