"""What a pass observed, as counters and conditions of the MachineSet. Pure: the same scope and time give the same status."""

from __future__ import annotations

from datetime import datetime

from capelin.api.conditions import Verdict, plural
from capelin.api.machine import Machine
from capelin.api.machinegroup import (
    count_machines,
    machine_versions,
    machines_ready,
    machines_remediating,
    machines_up_to_date,
    stale_deletions,
)
from capelin.api.meta import selector_string, set_condition
from capelin.api.pause import paused_condition
from capelin.api.reasons import (
    DELETING_CONDITION,
    DELETING_REASON,
    DELETION_COMPLETED_REASON,
    INTERNAL_ERROR_REASON,
    MACHINES_READY_CONDITION,
    MACHINES_UP_TO_DATE_CONDITION,
    NOT_DELETING_REASON,
    NOT_SCALING_DOWN_REASON,
    NOT_SCALING_UP_REASON,
    PAUSED_CONDITION,
    REMEDIATING_CONDITION,
    SCALING_DOWN_CONDITION,
    SCALING_DOWN_REASON,
    SCALING_UP_CONDITION,
    SCALING_UP_REASON,
)
from capelin.controllers.machineset.scope import Scope
from capelin.runtime.external import Seen

OWNED_CONDITIONS = (
    MACHINES_READY_CONDITION,
    MACHINES_UP_TO_DATE_CONDITION,
    SCALING_UP_CONDITION,
    SCALING_DOWN_CONDITION,
    REMEDIATING_CONDITION,
    DELETING_CONDITION,
    PAUSED_CONDITION,
)


def set_status(scope: Scope, *, now: datetime) -> None:
    """Bring counters and conditions in line with what was observed; complete on every exit of a pass.

    Counters keep their last values while the Machines are unknown.
    """
    machineset, status = scope.machineset, scope.status
    status.selector = selector_string(machineset.spec.selector)
    if not isinstance(scope.machines, Seen):
        counts = count_machines(scope.machines)
        status.replicas, status.ready_replicas = counts.replicas, counts.ready
        status.available_replicas, status.up_to_date_replicas = counts.available, counts.up_to_date
        status.versions = machine_versions(scope.machines) or None
    for type_, verdict in _verdicts(scope, now).items():
        condition = verdict.condition(type_, now=now, generation=machineset.metadata.generation)
        status.conditions = set_condition(status.conditions, condition)
    set_paused_condition(scope, now=now)


def set_paused_condition(scope: Scope, *, now: datetime) -> None:
    """Say whether the set is paused, and by what."""
    condition = paused_condition(scope.cluster, scope.machineset, now=now)
    scope.status.conditions = set_condition(scope.status.conditions, condition)


def _verdicts(scope: Scope, now: datetime) -> dict[str, Verdict]:
    if isinstance(scope.machines, Seen):
        unknown = Verdict("Unknown", INTERNAL_ERROR_REASON, scope.problem or "The Machines of the set could not be read")
        known = dict.fromkeys(OWNED_CONDITIONS[:-2], unknown)
        return {**known, DELETING_CONDITION: _deleting(scope, [], now) if not scope.is_deleting else unknown}
    machines = scope.machines
    return {
        MACHINES_READY_CONDITION: machines_ready(machines),
        MACHINES_UP_TO_DATE_CONDITION: machines_up_to_date(machines, now=now),
        SCALING_UP_CONDITION: _scaling_up(scope, len(machines)),
        SCALING_DOWN_CONDITION: _scaling_down(scope, machines, now),
        REMEDIATING_CONDITION: machines_remediating(machines, owner_kind=scope.machineset.resource.kind),
        DELETING_CONDITION: _deleting(scope, machines, now),
    }


def _desired(scope: Scope) -> int:
    return 0 if scope.is_deleting else scope.machineset.spec.replicas or 0


def _scaling_up(scope: Scope, current: int) -> Verdict:
    desired = _desired(scope)
    missing = _missing_templates(scope.missing)
    if current >= desired:
        would_wait = missing and not scope.is_deleting
        return Verdict("False", NOT_SCALING_UP_REASON, f"Scaling up would be blocked because {missing}" if would_wait else "")
    message = f"Scaling up from {current} to {desired} replicas"
    reasons = [*([missing] if missing else []), *scope.blockers]
    if reasons:
        message += " is blocked because:\n" + "\n".join(f"* {reason}" for reason in reasons)
    return Verdict("True", SCALING_UP_REASON, message)


def _missing_templates(kinds: list[str]) -> str:
    if not kinds:
        return ""
    return f"{' and '.join(kinds)} {'does' if len(kinds) == 1 else 'do'} not exist"


def _scaling_down(scope: Scope, machines: list[Machine], now: datetime) -> Verdict:
    current, desired = len(machines), _desired(scope)
    if current <= desired:
        return Verdict("False", NOT_SCALING_DOWN_REASON)
    stale = stale_deletions(machines, now=now)
    message = f"Scaling down from {current} to {desired} replicas"
    return Verdict("True", SCALING_DOWN_REASON, f"{message}\n* {stale}" if stale else message)


def _deleting(scope: Scope, machines: list[Machine], now: datetime) -> Verdict:
    if not scope.is_deleting:
        return Verdict("False", NOT_DELETING_REASON)
    if not machines:
        return Verdict("True", DELETION_COMPLETED_REASON)
    stale = stale_deletions(machines, now=now)
    kind = "Machine" if len(machines) == 1 else plural("Machine")
    return Verdict("True", DELETING_REASON, f"Deleting {len(machines)} {kind}{f' and {stale}' if stale else ''}")
