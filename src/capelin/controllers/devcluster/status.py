"""What a pass observed, as conditions of the DevCluster. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from capelin.api.behavior import BEHAVIOR_ANNOTATION, BEHAVIOR_VALID_CONDITION, BEHAVIOR_VALID_REASON, INVALID_BEHAVIOR_REASON
from capelin.api.conditions import Reasons, Verdict, summary
from capelin.api.devcluster import (
    LOAD_BALANCER_AVAILABLE_CONDITION,
    LOAD_BALANCER_AVAILABLE_REASON,
    PORT_TAKEN_REASON,
    WAITING_FOR_CLUSTER_REASON,
)
from capelin.api.meta import set_condition
from capelin.api.reasons import (
    INTERNAL_ERROR_REASON,
    INVALID_SPEC_REASON,
    NOT_READY_REASON,
    PAUSED_CONDITION,
    READY_CONDITION,
    READY_REASON,
    READY_UNKNOWN_REASON,
)
from capelin.api.references import Provisioned
from capelin.controllers.devcluster.scope import Scope

OWNED_CONDITIONS: Final = (READY_CONDITION, LOAD_BALANCER_AVAILABLE_CONDITION, BEHAVIOR_VALID_CONDITION, PAUSED_CONDITION)


WORTH_TELLING: Final = timedelta(seconds=10)
"""How long nothing is said of a new DevCluster that waits for its Cluster, which as a rule was created with it."""


def silent_for(scope: Scope, *, now: datetime) -> timedelta | None:
    """Return how much longer nothing is said, None when it is time to."""
    metadata, status = scope.devcluster.metadata, scope.devcluster.status
    if scope.owner is not None or metadata.creation_timestamp is None or BEHAVIOR_ANNOTATION in (metadata.annotations or {}):
        return None
    left = metadata.creation_timestamp + WORTH_TELLING - now
    return left if left > timedelta() and (status is None or not status.conditions) else None


def set_status(scope: Scope, *, now: datetime) -> None:
    """Bring status and conditions in line with what was observed; complete on every exit of a pass."""
    if scope.is_ours and scope.status.initialization is None:
        scope.status.initialization = Provisioned(provisioned=True)
    _set(scope, LOAD_BALANCER_AVAILABLE_CONDITION, load_balancer_verdict(scope), now)
    _set(scope, BEHAVIOR_VALID_CONDITION, behavior_verdict(scope), now)
    reasons = Reasons(issue=NOT_READY_REASON, unknown=READY_UNKNOWN_REASON, info=READY_REASON)
    _set(scope, READY_CONDITION, summary(scope.status.conditions, (LOAD_BALANCER_AVAILABLE_CONDITION,), reasons=reasons), now)


def load_balancer_verdict(scope: Scope) -> Verdict:
    """Return whether the endpoint is ours."""
    if scope.refusal:
        return Verdict("False", INVALID_SPEC_REASON, scope.refusal)
    if scope.owner is None:
        return Verdict("False", WAITING_FOR_CLUSTER_REASON, "No Cluster owns this DevCluster yet")
    if scope.taken:
        return Verdict("False", PORT_TAKEN_REASON, scope.taken)
    if scope.is_ours:
        return Verdict("True", LOAD_BALANCER_AVAILABLE_REASON)
    return Verdict("Unknown", INTERNAL_ERROR_REASON, "The endpoint could not be looked at; the next pass tries again")


def behavior_verdict(scope: Scope) -> Verdict | None:
    """Return whether the annotation can be understood, None without one."""
    if BEHAVIOR_ANNOTATION not in (scope.devcluster.metadata.annotations or {}):
        return None
    if scope.behavior_problem:
        return Verdict("False", INVALID_BEHAVIOR_REASON, scope.behavior_problem)
    return Verdict("True", BEHAVIOR_VALID_REASON)


def _set(scope: Scope, type_: str, verdict: Verdict | None, now: datetime) -> None:
    found = scope.status.conditions
    if verdict is None:
        scope.status.conditions = [condition for condition in found or () if condition.type != type_] or None
    else:
        generation = scope.devcluster.metadata.generation
        scope.status.conditions = set_condition(found, verdict.condition(type_, now=now, generation=generation))
