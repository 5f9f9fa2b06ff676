"""What a pass observed, as conditions of the KubeadmConfig. Pure: the same scope and time give the same status."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from capelin.api.conditions import Reasons, Verdict, summary
from capelin.api.kubeadmconfig import CERTIFICATES_AVAILABLE_CONDITION, DATA_SECRET_AVAILABLE_CONDITION
from capelin.api.meta import set_condition
from capelin.api.pause import paused_condition
from capelin.api.reasons import (
    AVAILABLE_REASON,
    INTERNAL_ERROR_REASON,
    NOT_AVAILABLE_REASON,
    NOT_READY_REASON,
    PAUSED_CONDITION,
    READY_CONDITION,
    READY_REASON,
    READY_UNKNOWN_REASON,
    WAITING_FOR_CLUSTER_INFRASTRUCTURE_READY_REASON,
    WAITING_FOR_CONTROL_PLANE_INITIALIZED_REASON,
)
from capelin.controllers.kubeadmconfig.plan import has_data
from capelin.controllers.kubeadmconfig.scope import Scope

OWNED_CONDITIONS: Final = (READY_CONDITION, DATA_SECRET_AVAILABLE_CONDITION, CERTIFICATES_AVAILABLE_CONDITION, PAUSED_CONDITION)

AVAILABLE: Final = Verdict("True", AVAILABLE_REASON)

WAITING_FOR_INFRASTRUCTURE: Final = Verdict(
    "False",
    WAITING_FOR_CLUSTER_INFRASTRUCTURE_READY_REASON,
    "Waiting for Cluster status.initialization.infrastructureProvisioned to be true",
)
WAITING_FOR_CONTROL_PLANE: Final = Verdict(
    "False", WAITING_FOR_CONTROL_PLANE_INITIALIZED_REASON, "Waiting for Cluster status.initialization.controlPlaneInitialized to be true"
)


def not_available(message: str) -> Verdict:
    """Return the verdict that something is not there, and why."""
    return Verdict("False", NOT_AVAILABLE_REASON, message)


def waiting_for_init(machine_name: str) -> Verdict:
    """Return the verdict that another machine is the first one."""
    return Verdict(
        "False", WAITING_FOR_CONTROL_PLANE_INITIALIZED_REASON, f"Waiting for Machine {machine_name} to initialize the control plane"
    )


def failed(message: str) -> Verdict:
    """Return the verdict that the attempt failed, and how; it is tried again."""
    return Verdict("Unknown", INTERNAL_ERROR_REASON, message)


def set_status(scope: Scope, *, now: datetime) -> None:
    """Set every condition; runs on every exit, so a verdict that is missing means that the pass did not come to it."""
    if scope.is_silent:
        return
    data = AVAILABLE if has_data(scope) else scope.data or failed("The bootstrap data could not be made; it is tried again")
    _set(scope, DATA_SECRET_AVAILABLE_CONDITION, data, now)
    if scope.certificates is not None:
        _set(scope, CERTIFICATES_AVAILABLE_CONDITION, scope.certificates, now)
    _set(scope, READY_CONDITION, _ready(scope), now)
    scope.status.conditions = set_condition(scope.status.conditions, paused_condition(scope.cluster, scope.config, now=now))


def _ready(scope: Scope) -> Verdict:
    return summary(
        scope.status.conditions,
        (DATA_SECRET_AVAILABLE_CONDITION, CERTIFICATES_AVAILABLE_CONDITION),
        optional=(CERTIFICATES_AVAILABLE_CONDITION,),
        reasons=Reasons(issue=NOT_READY_REASON, unknown=READY_UNKNOWN_REASON, info=READY_REASON),
    )


def _set(scope: Scope, type_: str, verdict: Verdict, now: datetime) -> None:
    condition = verdict.condition(type_, now=now, generation=scope.config.metadata.generation)
    scope.status.conditions = set_condition(scope.status.conditions, condition)
