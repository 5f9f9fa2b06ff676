"""What a pass observed, as conditions and status of the DevMachine. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from capelin.api.behavior import BEHAVIOR_ANNOTATION, BEHAVIOR_VALID_CONDITION, BEHAVIOR_VALID_REASON, INVALID_BEHAVIOR_REASON
from capelin.api.conditions import Reasons, Verdict, summary
from capelin.api.devmachine import (
    APISERVER_PROVISIONED_CONDITION,
    BOOTSTRAP_FAILED_REASON,
    ETCD_PROVISIONED_CONDITION,
    NODE_PROVISIONED_CONDITION,
    VM_PROVISIONED_CONDITION,
    WAITING_FOR_APISERVER_STARTUP_REASON,
    WAITING_FOR_ETCD_STARTUP_REASON,
    WAITING_FOR_NODE_STARTUP_REASON,
    WAITING_FOR_VM_STARTUP_REASON,
)
from capelin.api.machine import MachineAddress
from capelin.api.meta import set_condition
from capelin.api.reasons import (
    INTERNAL_ERROR_REASON,
    NOT_PROVISIONED_REASON,
    NOT_READY_REASON,
    PAUSED_CONDITION,
    PROVISIONED_REASON,
    READY_CONDITION,
    READY_REASON,
    READY_UNKNOWN_REASON,
)
from capelin.api.references import Provisioned
from capelin.cloud.inmemory.orders import Progress, Stage, State, Step
from capelin.controllers.devmachine.scope import Scope

WORTH_TELLING: Final = timedelta(seconds=5)
"""What takes no longer than this is not reported by itself: it would be over before anybody had read of it, and a fleet would pay a write
for each. Only that the machine is there, for which others wait, is told at once."""

PATIENCE: Final = timedelta(seconds=10)
"""How long nothing is said of a new machine that waits for others, as a rule for the first machine of its cluster."""

TOGETHER: Final = timedelta(seconds=1)
"""That the machine is there is told together with a step that is over within this time."""

_CONDITIONS: Final = {
    Stage.VM: VM_PROVISIONED_CONDITION,
    Stage.NODE: NODE_PROVISIONED_CONDITION,
    Stage.ETCD: ETCD_PROVISIONED_CONDITION,
    Stage.API_SERVER: APISERVER_PROVISIONED_CONDITION,
}
_STARTING_REASONS: Final = {
    Stage.VM: WAITING_FOR_VM_STARTUP_REASON,
    Stage.NODE: WAITING_FOR_NODE_STARTUP_REASON,
    Stage.ETCD: WAITING_FOR_ETCD_STARTUP_REASON,
    Stage.API_SERVER: WAITING_FOR_APISERVER_STARTUP_REASON,
}

OWNED_CONDITIONS: Final = (READY_CONDITION, *_CONDITIONS.values(), BEHAVIOR_VALID_CONDITION, PAUSED_CONDITION)


def set_status(scope: Scope, *, now: datetime) -> None:
    """Bring status and conditions in line with what was observed."""
    _set(scope, BEHAVIOR_VALID_CONDITION, behavior_verdict(scope), now)
    if scope.waiting is not None:
        _set(scope, VM_PROVISIONED_CONDITION, Verdict("False", scope.waiting.reason, scope.waiting.message), now)
    elif scope.progress is not None:
        for stage, step in scope.progress.steps.items():
            _set(scope, _CONDITIONS[stage], step_verdict(stage, step), now)
        if scope.progress.is_done(Stage.VM):
            _set_provisioned(scope, scope.progress)
    _set(scope, READY_CONDITION, ready_verdict(scope), now)


def is_worth_telling(scope: Scope, *, now: datetime) -> bool:
    """Tell whether what was observed is to be reported now, rather than with what will follow in a moment."""
    if scope.waiting is not None:
        return silent_for(scope, now=now) is None
    progress = scope.progress
    if progress is None or progress.after is None or progress.after > WORTH_TELLING:
        return True
    is_news = progress.is_done(Stage.VM) and scope.status.initialization is None and progress.after > TOGETHER
    return is_news or all(step.state is not State.STARTING for step in progress.steps.values())


def silent_for(scope: Scope, *, now: datetime) -> timedelta | None:
    """Return how much longer nothing is said of a new machine that waits for others, None when it is time to."""
    metadata, status = scope.devmachine.metadata, scope.devmachine.status
    if metadata.creation_timestamp is None or BEHAVIOR_ANNOTATION in (metadata.annotations or {}):
        return None
    left = metadata.creation_timestamp + PATIENCE - now
    return left if left > timedelta() and (status is None or not status.conditions) else None


def step_verdict(stage: Stage, step: Step) -> Verdict:
    """Return the condition of one step."""
    match step.state:
        case State.DONE:
            return Verdict("True", PROVISIONED_REASON)
        case State.STARTING:
            return Verdict("False", _STARTING_REASONS[stage])
        case State.FAILED:
            return Verdict("False", BOOTSTRAP_FAILED_REASON if stage is Stage.NODE else NOT_PROVISIONED_REASON, step.message)


def ready_verdict(scope: Scope) -> Verdict:
    """Return the summary of all steps the machine goes through."""
    if scope.waiting is None and scope.progress is None:
        return Verdict("Unknown", INTERNAL_ERROR_REASON, "The machine could not be looked at; the next pass tries again")
    stages = tuple(Stage) if scope.is_control_plane else (Stage.VM, Stage.NODE)
    reasons = Reasons(issue=NOT_READY_REASON, unknown=READY_UNKNOWN_REASON, info=READY_REASON)
    found = {condition.type for condition in scope.status.conditions or ()}
    reached = [_CONDITIONS[stage] for stage in stages if stage is Stage.VM or _CONDITIONS[stage] in found or _is_up(scope)]
    return summary(scope.status.conditions, reached, reasons=reasons)


def behavior_verdict(scope: Scope) -> Verdict | None:
    """Return whether the annotation can be understood, None without one."""
    if BEHAVIOR_ANNOTATION not in (scope.devmachine.metadata.annotations or {}):
        return None
    if scope.behavior_problem:
        return Verdict("False", INVALID_BEHAVIOR_REASON, scope.behavior_problem)
    return Verdict("True", BEHAVIOR_VALID_REASON)


def _is_up(scope: Scope) -> bool:
    return scope.progress is not None and scope.progress.is_done(Stage.VM)


def _set_provisioned(scope: Scope, progress: Progress) -> None:
    scope.status.initialization = Provisioned(provisioned=True)
    addresses = (("InternalIP", progress.address), ("Hostname", scope.devmachine.metadata.name))
    scope.status.addresses = [MachineAddress(type=type_, address=address) for type_, address in addresses]
    scope.status.failure_domain = scope.machine.spec.failure_domain if scope.machine else None


def _set(scope: Scope, type_: str, verdict: Verdict | None, now: datetime) -> None:
    found = scope.status.conditions
    if verdict is None:
        scope.status.conditions = [condition for condition in found or () if condition.type != type_] or None
    else:
        generation = scope.devmachine.metadata.generation
        scope.status.conditions = set_condition(found, verdict.condition(type_, now=now, generation=generation))
