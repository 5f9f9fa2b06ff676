"""What a pass observed, as conditions, counters and phase of the Cluster. Pure: the same scope and time give the same status."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from capelin.api import contract
from capelin.api.cluster import (
    CONTROL_PLANE_AVAILABLE_CONDITION,
    CONTROL_PLANE_INITIALIZED_CONDITION,
    CONTROL_PLANE_MACHINES_READY_CONDITION,
    CONTROL_PLANE_MACHINES_UP_TO_DATE_CONDITION,
    INITIALIZED_REASON,
    NO_WORKERS_REASON,
    NOT_INITIALIZED_REASON,
    PHASE_DELETING,
    PHASE_PENDING,
    PHASE_PROVISIONED,
    PHASE_PROVISIONING,
    PROBE_FAILED_REASON,
    PROBE_SUCCEEDED_REASON,
    REMOTE_CONNECTION_PROBE_CONDITION,
    TOPOLOGY_RECONCILED_CONDITION,
    WORKER_MACHINES_READY_CONDITION,
    WORKER_MACHINES_UP_TO_DATE_CONDITION,
    WORKERS_AVAILABLE_CONDITION,
    Cluster,
)
from capelin.api.conditions import Reasons, Report, Verdict, aggregate, summary
from capelin.api.machinegroup import (
    machines_ready,
    machines_remediating,
    machines_up_to_date,
    report_machine,
)
from capelin.api.meta import Condition, Unstructured, find_condition, set_condition
from capelin.api.reasons import (
    AVAILABLE_CONDITION,
    AVAILABLE_REASON,
    AVAILABLE_UNKNOWN_REASON,
    DELETING_CONDITION,
    INFRASTRUCTURE_READY_CONDITION,
    INTERNAL_ERROR_REASON,
    INVALID_CONDITION_REPORTED_REASON,
    NOT_AVAILABLE_REASON,
    NOT_DELETING_REASON,
    NOT_READY_REASON,
    NOT_ROLLING_OUT_REASON,
    NOT_SCALING_DOWN_REASON,
    NOT_SCALING_UP_REASON,
    OBJECT_DELETED_REASON,
    OBJECT_DOES_NOT_EXIST_REASON,
    PAUSED_CONDITION,
    READY_CONDITION,
    READY_REASON,
    REMEDIATING_CONDITION,
    ROLLING_OUT_CONDITION,
    ROLLING_OUT_REASON,
    ROLLING_OUT_UNKNOWN_REASON,
    SCALING_DOWN_CONDITION,
    SCALING_DOWN_REASON,
    SCALING_DOWN_UNKNOWN_REASON,
    SCALING_UP_CONDITION,
    SCALING_UP_REASON,
    SCALING_UP_UNKNOWN_REASON,
)
from capelin.controllers.cluster.counters import set_counters
from capelin.controllers.cluster.scope import Descendant, Descendants, Milestones, Scope, has_endpoint, is_initialized, is_provisioned
from capelin.runtime.external import Seen
from capelin.workload.connections import PROBE_GRACE

OWNED_CONDITIONS: Final = (
    AVAILABLE_CONDITION,
    REMOTE_CONNECTION_PROBE_CONDITION,
    INFRASTRUCTURE_READY_CONDITION,
    CONTROL_PLANE_INITIALIZED_CONDITION,
    CONTROL_PLANE_AVAILABLE_CONDITION,
    CONTROL_PLANE_MACHINES_READY_CONDITION,
    CONTROL_PLANE_MACHINES_UP_TO_DATE_CONDITION,
    WORKERS_AVAILABLE_CONDITION,
    WORKER_MACHINES_READY_CONDITION,
    WORKER_MACHINES_UP_TO_DATE_CONDITION,
    ROLLING_OUT_CONDITION,
    SCALING_UP_CONDITION,
    SCALING_DOWN_CONDITION,
    REMEDIATING_CONDITION,
    DELETING_CONDITION,
    PAUSED_CONDITION,
)
"""The conditions that this controller writes."""

PATIENCE: Final = timedelta(seconds=10)
"""How old a Cluster is before its status tells more than its milestones: its parts come to be all at once, and every step of each would be
a write of the Cluster."""

_TRENDS: Final = {
    ROLLING_OUT_CONDITION: Reasons(ROLLING_OUT_REASON, ROLLING_OUT_UNKNOWN_REASON, NOT_ROLLING_OUT_REASON),
    SCALING_UP_CONDITION: Reasons(SCALING_UP_REASON, SCALING_UP_UNKNOWN_REASON, NOT_SCALING_UP_REASON),
    SCALING_DOWN_CONDITION: Reasons(SCALING_DOWN_REASON, SCALING_DOWN_UNKNOWN_REASON, NOT_SCALING_DOWN_REASON),
}
_AVAILABLE: Final = Reasons(NOT_AVAILABLE_REASON, AVAILABLE_UNKNOWN_REASON, AVAILABLE_REASON)
_UNLISTED: Final = Verdict("Unknown", INTERNAL_ERROR_REASON, "What belongs to the Cluster could not be listed")


def set_status(scope: Scope, *, now: datetime) -> None:
    """Bring conditions, counters and phase of the Cluster in line with what was observed; complete on every exit of a pass."""
    initialized = initialized_verdict(scope)
    if initialized.status == "True":
        scope.initialization.control_plane_initialized = True
    verdicts: dict[str, Verdict | None] = {
        INFRASTRUCTURE_READY_CONDITION: infrastructure_verdict(scope),
        CONTROL_PLANE_INITIALIZED_CONDITION: initialized,
        CONTROL_PLANE_AVAILABLE_CONDITION: control_plane_verdict(scope),
        REMOTE_CONNECTION_PROBE_CONDITION: probe_verdict(scope),
        **descendant_verdicts(scope, now),
        DELETING_CONDITION: deleting_verdict(scope),
    }
    for type_, verdict in verdicts.items():
        _set(scope, type_, verdict, now)
    _set(scope, AVAILABLE_CONDITION, available_verdict(scope), now)
    set_counters(scope)
    scope.status.phase = phase_of(scope.cluster)
    if scope.status.initialization is not None and not scope.status.initialization.wire():
        scope.status.initialization = None


def silent_for(scope: Scope, *, now: datetime) -> timedelta | None:
    """Return how much longer the status of a new Cluster is kept back, None when it is to be stored.

    Kept back is only how its parts come to be; milestones, problems, a deletion, or a pause that is over are told at once.
    """
    is_plain = not (scope.is_deleting or scope.was_paused or scope.infrastructure_problem or scope.control_plane_problem)
    created = scope.cluster.metadata.creation_timestamp
    if not is_plain or created is None or Milestones.of(scope.cluster) != scope.had_reached:
        return None
    left = created + PATIENCE - now
    return left if timedelta() < left <= PATIENCE else None  # more: the server's clock is ahead of ours


def _set(scope: Scope, type_: str, verdict: Verdict | None, now: datetime) -> None:
    """Set a condition; None leaves it as it is."""
    if verdict is not None:
        condition = verdict.condition(type_, now=now, generation=scope.cluster.metadata.generation)
        scope.status.conditions = set_condition(scope.status.conditions, condition)


# -- infrastructure and control plane --------------------------------------------------------------------------------------------------


def infrastructure_verdict(scope: Scope) -> Verdict:
    """Return whether the infrastructure is ready."""
    reference = scope.cluster.spec.infrastructure_ref
    existed = is_provisioned(scope.cluster)
    if reference is None:
        return Verdict("True", READY_REASON) if scope.cluster.spec.topology is None else _waiting_for_topology(scope)
    if isinstance(scope.infrastructure, Unstructured) and not scope.infrastructure_problem:
        fallback = Reasons(NOT_READY_REASON, NOT_READY_REASON, READY_REASON)
        return _mirrored(scope.infrastructure, READY_CONDITION, reference.kind, fallback, existed=existed)
    return _missing(scope, scope.infrastructure, reference.kind, scope.infrastructure_problem, existed=existed)


def control_plane_verdict(scope: Scope) -> Verdict:
    """Return whether the control plane serves: as its object says, or as its Machines do when there is no such object."""
    reference = scope.cluster.spec.control_plane_ref
    existed = is_initialized(scope.cluster)
    if reference is None:
        return _waiting_for_topology(scope) if scope.cluster.spec.topology is not None else _control_plane_of_machines(scope)
    if isinstance(scope.control_plane, Unstructured) and not scope.control_plane_problem:
        return _mirrored(scope.control_plane, AVAILABLE_CONDITION, reference.kind, _AVAILABLE, existed=existed)
    return _missing(scope, scope.control_plane, reference.kind, scope.control_plane_problem, existed=existed)


def _control_plane_of_machines(scope: Scope) -> Verdict:
    if scope.descendants is None:
        return _UNLISTED
    machines = scope.descendants.control_plane_machines
    if not machines:
        reason = OBJECT_DELETED_REASON if is_initialized(scope.cluster) else OBJECT_DOES_NOT_EXIST_REASON
        return Verdict("Unknown", reason, "There is no control-plane Machine")
    return aggregate(map(report_machine, machines), AVAILABLE_CONDITION, reasons=_AVAILABLE)


def initialized_verdict(scope: Scope) -> Verdict:
    """Return whether the control plane has answered once; what was true stays true."""
    if is_initialized(scope.cluster):
        return Verdict("True", INITIALIZED_REASON)
    reference = scope.cluster.spec.control_plane_ref
    if reference is None:
        return _waiting_for_topology(scope) if scope.cluster.spec.topology is not None else _initialized_by_machines(scope)
    if not isinstance(scope.control_plane, Unstructured):
        return _missing(scope, scope.control_plane, reference.kind, scope.control_plane_problem, existed=False)
    try:
        if contract.is_control_plane_initialized(scope.control_plane.document):
            return Verdict("True", INITIALIZED_REASON)
    except contract.ContractViolation as error:
        return Verdict("Unknown", INTERNAL_ERROR_REASON, str(error))
    return Verdict("False", NOT_INITIALIZED_REASON, f"Waiting for {reference.kind} to report controlPlaneInitialized")


def _initialized_by_machines(scope: Scope) -> Verdict:
    if scope.descendants is None:
        return _UNLISTED
    if any(m.status is not None and m.status.node_ref is not None for m in scope.descendants.control_plane_machines):
        return Verdict("True", INITIALIZED_REASON)
    return Verdict("False", NOT_INITIALIZED_REASON, "Waiting for the first control plane Machine to have status.nodeRef set")


def _mirrored(found: Unstructured, type_: str, kind: str, reasons: Reasons, *, existed: bool) -> Verdict:
    """Return the object's own condition; without one, whether it has reached its milestone."""
    try:
        condition = contract.condition(found.document, type_)
    except contract.ContractViolation as error:
        return Verdict("Unknown", INVALID_CONDITION_REPORTED_REASON, str(error))
    if condition is not None:
        reason = reasons.info if condition.reason == contract.NO_REASON and condition.status == "True" else condition.reason
        return Verdict(condition.status, reason, condition.message)
    if existed:
        return Verdict("True", reasons.info)
    return Verdict("False", reasons.issue, f"{kind} is not ready yet and has no {type_} condition that says why")


def _missing(scope: Scope, found: Unstructured | Seen, kind: str, problem: str, *, existed: bool) -> Verdict:
    if problem or found is not Seen.ABSENT:
        return Verdict("Unknown", INTERNAL_ERROR_REASON, problem or f"{kind} could not be read")
    if not existed:
        return Verdict("Unknown", OBJECT_DOES_NOT_EXIST_REASON, f"{kind} does not exist")
    while_alive = "" if scope.is_deleting else " while the Cluster still exists"
    return Verdict("Unknown", OBJECT_DELETED_REASON, f"{kind} has been deleted{while_alive}")


def _waiting_for_topology(scope: Scope) -> Verdict:
    message = "" if scope.is_deleting else "Waiting for the Cluster topology to be reconciled"
    return Verdict("Unknown", OBJECT_DOES_NOT_EXIST_REASON, message)


def probe_verdict(scope: Scope) -> Verdict | None:
    """Return whether the cluster's API server answers; for a while after it last did, what was known before stands."""
    connection = scope.connection
    is_known = find_condition(scope.status.conditions, REMOTE_CONNECTION_PROBE_CONDITION) is not None
    if connection is None:
        return None if is_known else Verdict("False", PROBE_FAILED_REASON, "Remote connection not established yet")
    if connection.is_connected and connection.silent_for < PROBE_GRACE:
        return Verdict("True", PROBE_SUCCEEDED_REASON)
    if connection.last_success_at is not None:
        if connection.silent_for < PROBE_GRACE:
            return None
        return Verdict("False", PROBE_FAILED_REASON, f"No answer since {connection.last_success_at:%Y-%m-%dT%H:%M:%SZ}")
    if is_initialized(scope.cluster) and is_known and not connection.refusal and connection.silent_for < PROBE_GRACE:
        return None  # this process has only begun to look
    return Verdict(
        "False", PROBE_FAILED_REASON, f"Remote connection not established{f': {connection.refusal}' if connection.refusal else ' yet'}"
    )


# -- Machines and what manages them ----------------------------------------------------------------------------------------------------


def descendant_verdicts(scope: Scope, now: datetime) -> dict[str, Verdict | None]:
    """Return the conditions that sum up what belongs to the Cluster."""
    found = scope.descendants
    if found is None:
        types = (CONTROL_PLANE_MACHINES_READY_CONDITION, CONTROL_PLANE_MACHINES_UP_TO_DATE_CONDITION, WORKERS_AVAILABLE_CONDITION)
        workers = (WORKER_MACHINES_READY_CONDITION, WORKER_MACHINES_UP_TO_DATE_CONDITION, REMEDIATING_CONDITION)
        return dict.fromkeys((*types, *workers, *_TRENDS), _UNLISTED)
    managed = [m for m in found.control_plane_machines if m.metadata.controller is not None]  # nobody keeps the others up to date
    return {
        CONTROL_PLANE_MACHINES_READY_CONDITION: machines_ready(found.control_plane_machines),
        CONTROL_PLANE_MACHINES_UP_TO_DATE_CONDITION: machines_up_to_date(managed, now=now),
        WORKERS_AVAILABLE_CONDITION: workers_verdict(found),
        WORKER_MACHINES_READY_CONDITION: machines_ready(found.worker_machines),
        WORKER_MACHINES_UP_TO_DATE_CONDITION: machines_up_to_date(
            [m for m in found.worker_machines if m.metadata.controller is not None], now=now
        ),
        REMEDIATING_CONDITION: machines_remediating(found.machines, owner_kind="their owner"),
        **{type_: _trend(scope, found, type_) for type_ in _TRENDS},
    }


def workers_verdict(found: Descendants) -> Verdict:
    """Return whether enough workers are available, as the MachineDeployments judge it."""
    if not found.machinedeployments:
        return Verdict("True", NO_WORKERS_REASON)
    return aggregate(map(_report, found.machinedeployments), AVAILABLE_CONDITION, reasons=_AVAILABLE)


def _trend(scope: Scope, found: Descendants, type_: str) -> Verdict:
    """Return whether something rolls out or scales: of the control plane if it says so, of whatever manages workers in any case."""
    reasons = _TRENDS[type_]
    if isinstance(scope.control_plane, Seen) and scope.control_plane is Seen.UNKNOWN:
        return Verdict("Unknown", INTERNAL_ERROR_REASON, "The control plane could not be read")
    sets: Sequence[Descendant] = () if type_ == ROLLING_OUT_CONDITION else found.standalone_machinesets
    reports = [*_control_plane_report(scope, type_), *map(_report, found.machinedeployments), *map(_report, sets)]
    if not reports:
        return Verdict("False", reasons.info)
    return aggregate(reports, type_, negative=True, reasons=reasons)


def _control_plane_report(scope: Scope, type_: str) -> Iterable[Report]:
    if not isinstance(scope.control_plane, Unstructured):
        return []
    try:
        conditions = contract.conditions(scope.control_plane.document)
    except contract.ContractViolation:
        return []  # ControlPlaneAvailable tells of it
    if find_condition(conditions, type_) is None:
        return []
    return [Report(scope.control_plane.resource.kind, scope.control_plane.key.name, conditions, is_control_plane=True)]


def _report(found: Descendant) -> Report:
    conditions: Sequence[Condition] = (found.status.conditions if found.status else None) or ()
    return Report(found.resource.kind, found.metadata.name, conditions)


def deleting_verdict(scope: Scope) -> Verdict | None:
    """Return the stage of the deletion."""
    if not scope.is_deleting:
        return Verdict("False", NOT_DELETING_REASON)
    return Verdict("True", scope.stage.reason, scope.stage.message) if scope.stage else None


def available_verdict(scope: Scope) -> Verdict:
    """Return the summary of the Cluster's conditions and availability gates."""
    gates = scope.cluster.spec.availability_gates or []
    types = (
        DELETING_CONDITION,
        REMOTE_CONNECTION_PROBE_CONDITION,
        INFRASTRUCTURE_READY_CONDITION,
        CONTROL_PLANE_AVAILABLE_CONDITION,
        WORKERS_AVAILABLE_CONDITION,
        TOPOLOGY_RECONCILED_CONDITION,
        *(gate.condition_type for gate in gates),
    )
    return summary(
        [_for_summary(condition, scope) for condition in scope.status.conditions or ()],
        types,
        negative={DELETING_CONDITION, *(gate.condition_type for gate in gates if gate.polarity == "Negative")},
        optional={TOPOLOGY_RECONCILED_CONDITION} if scope.cluster.spec.topology is None else (),
        reasons=_AVAILABLE,
    )


def _for_summary(condition: Condition, scope: Scope) -> Condition:
    """Return the condition as the summary should take it: during a deletion what is gone is no trouble."""
    is_reference = condition.type in (INFRASTRUCTURE_READY_CONDITION, CONTROL_PLANE_AVAILABLE_CONDITION)
    if scope.is_deleting and is_reference and condition.reason in (OBJECT_DELETED_REASON, OBJECT_DOES_NOT_EXIST_REASON):
        return condition.model_copy(update={"status": "True", "message": ""})
    return condition


def phase_of(cluster: Cluster) -> str:
    """Return the phase; of all that apply, the furthest."""
    if cluster.metadata.deletion_timestamp is not None:
        return PHASE_DELETING
    if is_provisioned(cluster) and has_endpoint(cluster):
        return PHASE_PROVISIONED
    is_started = cluster.spec.infrastructure_ref is not None or cluster.spec.control_plane_ref is not None
    return PHASE_PROVISIONING if is_started else PHASE_PENDING
