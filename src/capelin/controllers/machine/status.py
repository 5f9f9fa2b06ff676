"""What a pass observed, as conditions and phase of the Machine. Pure: the same scope and time give the same status."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from capelin.api import contract
from capelin.api.cluster import CONTROL_PLANE_INITIALIZED_CONDITION
from capelin.api.conditions import Reasons, Verdict, summary
from capelin.api.core import Node, NodeCondition
from capelin.api.machine import (
    BOOTSTRAP_CONFIG_READY_CONDITION,
    DATA_SECRET_PROVIDED_REASON,
    DRAINING_NODE_REASON,
    HEALTH_CHECK_SUCCEEDED_CONDITION,
    NODE_DELETED_REASON,
    NODE_DOES_NOT_EXIST_REASON,
    NODE_HEALTH_UNKNOWN_REASON,
    NODE_HEALTHY_CONDITION,
    NODE_HEALTHY_REASON,
    NODE_NOT_HEALTHY_REASON,
    NODE_NOT_READY_REASON,
    NODE_READY_CONDITION,
    NODE_READY_REASON,
    NODE_READY_UNKNOWN_REASON,
    NOT_UPDATING_REASON,
    PHASE_DELETING,
    PHASE_PENDING,
    PHASE_PROVISIONED,
    PHASE_PROVISIONING,
    PHASE_RUNNING,
    UPDATING_CONDITION,
    WAITING_FOR_MIN_READY_SECONDS_REASON,
    Machine,
)
from capelin.api.meta import Condition, Unstructured, find_condition, is_condition_true, set_condition
from capelin.api.reasons import (
    AVAILABLE_CONDITION,
    AVAILABLE_REASON,
    CONNECTION_DOWN_REASON,
    DELETING_CONDITION,
    INFRASTRUCTURE_READY_CONDITION,
    INSPECTION_FAILED_REASON,
    INTERNAL_ERROR_REASON,
    INVALID_CONDITION_REPORTED_REASON,
    NOT_DELETING_REASON,
    NOT_READY_REASON,
    OBJECT_DELETED_REASON,
    OBJECT_DOES_NOT_EXIST_REASON,
    PAUSED_CONDITION,
    READY_CONDITION,
    READY_REASON,
    READY_UNKNOWN_REASON,
)
from capelin.controllers.machine.node import REMOTE_GRACE
from capelin.controllers.machine.scope import Scope, is_bootstrapped, is_provisioned
from capelin.runtime.external import Seen

OWNED_CONDITIONS: Final = (
    AVAILABLE_CONDITION,
    READY_CONDITION,
    BOOTSTRAP_CONFIG_READY_CONDITION,
    INFRASTRUCTURE_READY_CONDITION,
    NODE_HEALTHY_CONDITION,
    NODE_READY_CONDITION,
    UPDATING_CONDITION,
    DELETING_CONDITION,
    PAUSED_CONDITION,
)
"""The conditions that this controller writes. UpToDate, HealthCheckSucceeded and those of the control plane belong to others."""

PATIENCE: Final = timedelta(seconds=10)
"""How long nothing is said of a Machine that merely waits for the next of its milestones. Most follow sooner, nobody could have read of the
wait, and a fleet would pay several writes for each Machine."""

LONG_DELETION: Final = timedelta(minutes=15)
"""After this, the summary says that the deletion takes long; before, most deletions are done and nobody needs to look."""

LONG_DRAIN: Final = timedelta(minutes=5)
"""After this long a drain (in a long deletion), the summary names what holds it."""

_PRESSURES: Final = ("MemoryPressure", "DiskPressure", "PIDPressure")
_GONE: Final = (OBJECT_DELETED_REASON, OBJECT_DOES_NOT_EXIST_REASON, NODE_DELETED_REASON, NODE_DOES_NOT_EXIST_REASON)


def set_status(scope: Scope, *, now: datetime) -> None:
    """Bring conditions and phase of the Machine in line with what was observed; complete on every exit of a pass."""
    verdicts = {
        BOOTSTRAP_CONFIG_READY_CONDITION: bootstrap_verdict(scope),
        INFRASTRUCTURE_READY_CONDITION: infrastructure_verdict(scope),
        **node_verdicts(scope),
        UPDATING_CONDITION: Verdict("False", NOT_UPDATING_REASON),
    }
    if not scope.is_deleting:
        verdicts[DELETING_CONDITION] = Verdict("False", NOT_DELETING_REASON)
    elif scope.stage is not None:
        verdicts[DELETING_CONDITION] = Verdict("True", scope.stage.reason, scope.stage.message)
    for type_, verdict in verdicts.items():
        _set(scope, type_, verdict, now)
    _set(scope, READY_CONDITION, ready_verdict(scope, now), now)
    _set(scope, AVAILABLE_CONDITION, available_verdict(scope.machine, now), now)
    _tidy(scope)
    _set_phase(scope, now)


def silent_for(scope: Scope, *, now: datetime) -> timedelta | None:
    """Return how much longer the status of a Machine on its way to its Node is kept back, None when it is to be stored.

    Only waiting is kept back, counted from the last milestone: what others act on (the spec) is stored at once, and so is every status
    that tells of a Node, a problem, a deletion, or a pause that is over.
    """
    problems = (scope.bootstrap_problem, scope.infrastructure_problem, "" if scope.is_silent else scope.node_problem)
    if scope.is_deleting or scope.status.node_ref is not None or any(problems) or scope.was_paused:
        return None
    reached = [scope.machine.metadata.creation_timestamp, *(_ready_since(o) for o in (scope.bootstrap, scope.infrastructure))]
    left = max((at for at in reached if at is not None), default=now - PATIENCE) + PATIENCE - now
    return left if timedelta() < left <= PATIENCE else None  # more: the server's clock is ahead of ours


def _ready_since(provider: Unstructured | Seen) -> datetime | None:
    try:
        found = contract.condition(provider.document, READY_CONDITION) if isinstance(provider, Unstructured) else None
    except contract.ContractViolation:
        return None
    return found.last_transition_time if found is not None and found.status == "True" else None


def _set(scope: Scope, type_: str, verdict: Verdict | None, now: datetime) -> None:
    if verdict is not None:
        condition = verdict.condition(type_, now=now, generation=scope.machine.metadata.generation)
        scope.status.conditions = set_condition(scope.status.conditions, condition)


def _tidy(scope: Scope) -> None:
    """Leave out the parts of the status that were made to be filled and were not."""
    status = scope.status
    if status.initialization is not None and not status.initialization.wire():
        status.initialization = None
    if status.deletion is not None and not status.deletion.wire():
        status.deletion = None


# -- bootstrap and infrastructure ------------------------------------------------------------------------------------------------------


def bootstrap_verdict(scope: Scope) -> Verdict:
    """Return whether the bootstrap data is ready."""
    reference = scope.machine.spec.bootstrap.config_ref
    if reference is None:
        return Verdict("True", DATA_SECRET_PROVIDED_REASON)
    return _reference_verdict(scope, scope.bootstrap, reference.kind, scope.bootstrap_problem, existed=is_bootstrapped(scope.machine))


def infrastructure_verdict(scope: Scope) -> Verdict:
    """Return whether the infrastructure is ready."""
    kind = scope.machine.spec.infrastructure_ref.kind
    return _reference_verdict(scope, scope.infrastructure, kind, scope.infrastructure_problem, existed=is_provisioned(scope.machine))


def _reference_verdict(scope: Scope, found: Unstructured | Seen, kind: str, problem: str, *, existed: bool) -> Verdict:
    if problem or found is Seen.UNKNOWN:
        return Verdict("Unknown", INTERNAL_ERROR_REASON, problem or f"{kind} could not be read")
    if isinstance(found, Unstructured):
        return _mirrored(found, kind, existed=existed)
    if not existed:
        return Verdict("False", OBJECT_DOES_NOT_EXIST_REASON, f"{kind} does not exist")
    while_alive = "" if scope.is_deleting else " while the Machine still exists"
    return Verdict("False", OBJECT_DELETED_REASON, f"{kind} has been deleted{while_alive}")


def _mirrored(found: Unstructured, kind: str, *, existed: bool) -> Verdict:
    """Return the object's own Ready condition; without one, whether it has reached its milestone."""
    try:
        ready = contract.condition(found.document, READY_CONDITION)
    except contract.ContractViolation as error:
        return Verdict("Unknown", INVALID_CONDITION_REPORTED_REASON, str(error))
    if ready is not None:
        reason = READY_REASON if ready.reason == contract.NO_REASON and ready.status == "True" else ready.reason
        return Verdict(ready.status, reason, ready.message)
    if existed:
        return Verdict("True", READY_REASON)
    return Verdict("False", NOT_READY_REASON, f"{kind} is not ready yet and has no Ready condition that says why")


# -- Node ------------------------------------------------------------------------------------------------------------------------------


def node_verdicts(scope: Scope) -> dict[str, Verdict]:
    """Return NodeHealthy and NodeReady. Both stay as they are (an empty answer) while a silent cluster is still believed."""
    if isinstance(scope.node, Node):
        return {NODE_READY_CONDITION: _node_ready(scope.node), NODE_HEALTHY_CONDITION: _node_healthy(scope.node)}
    verdict = _missing_node(scope)
    return {NODE_READY_CONDITION: verdict, NODE_HEALTHY_CONDITION: verdict} if verdict else {}


def _missing_node(scope: Scope) -> Verdict | None:
    machine, status = scope.machine, scope.status
    waiting = _waiting_for_cluster(scope)
    if waiting:
        return Verdict("Unknown", INSPECTION_FAILED_REASON, waiting)
    if scope.node is Seen.UNKNOWN and machine.spec.provider_id:
        return _unknown_node(scope)
    if scope.is_deleting and status.node_ref is None:
        return Verdict("Unknown", NODE_DOES_NOT_EXIST_REASON, "Node does not exist")
    if status.node_ref is not None:
        while_alive = "" if scope.is_deleting else " while the Machine still exists"
        return Verdict("False", NODE_DELETED_REASON, f"Node {status.node_ref.name} has been deleted{while_alive}")
    if machine.spec.provider_id:
        return Verdict("Unknown", INSPECTION_FAILED_REASON, f"Waiting for a Node with spec.providerID {machine.spec.provider_id} to exist")
    return Verdict("Unknown", INSPECTION_FAILED_REASON, f"Waiting for {machine.spec.infrastructure_ref.kind} to report spec.providerID")


def _waiting_for_cluster(scope: Scope) -> str:
    """Return what the Cluster still lacks before a Node can be looked for; empty when nothing."""
    cluster = scope.cluster
    if cluster is None:
        return f"Cluster {scope.machine.spec.cluster_name} does not exist"
    status = cluster.status
    if status is None or status.initialization is None or not status.initialization.infrastructure_provisioned:
        return "Waiting for Cluster status.initialization.infrastructureProvisioned to be true"
    if not is_condition_true(status.conditions, CONTROL_PLANE_INITIALIZED_CONDITION):
        return "Waiting for Cluster control plane to be initialized"
    return ""


def _unknown_node(scope: Scope) -> Verdict | None:
    """Return what is known of a Node nobody could look at: while its cluster is only silent, for a while what was known before."""
    connection = scope.connection
    if connection is None or not scope.is_silent:
        return Verdict("Unknown", INSPECTION_FAILED_REASON, scope.node_problem or "The Node could not be looked up")
    is_known = find_condition(scope.status.conditions, NODE_READY_CONDITION) is not None and scope.status.node_ref is not None
    if is_known and connection.silent_for < REMOTE_GRACE:
        return None
    at = connection.last_success_at
    return Verdict("Unknown", CONNECTION_DOWN_REASON, f"Last successful probe at {at:%Y-%m-%dT%H:%M:%SZ}" if at else scope.node_problem)


def _node_ready(node: Node) -> Verdict:
    ready = _condition(node, "Ready")
    if ready is None:
        return Verdict("Unknown", NODE_READY_UNKNOWN_REASON, "* Node.Ready: Condition not yet reported")
    message = f"* Node.Ready: {ready.message}" if ready.status != "True" and ready.message else ""
    match ready.status:
        case "True":
            return Verdict("True", NODE_READY_REASON, message)
        case "False":
            return Verdict("False", NODE_NOT_READY_REASON, message)
    return Verdict("Unknown", NODE_READY_UNKNOWN_REASON, message)


def _node_healthy(node: Node) -> Verdict:
    """Return the verdict over readiness and pressures; a message that all of them share is said once."""
    found = [(type_, _condition(node, type_)) for type_ in ("Ready", *_PRESSURES)]
    troubled = [(type_, c) for type_, c in found if c is None or c.status != ("True" if type_ == "Ready" else "False")]
    if not troubled:
        return Verdict("True", NODE_HEALTHY_REASON)
    texts = [(type_, _trouble(c)) for type_, c in troubled]
    is_same = len(texts) > 1 and len({text for _, text in texts}) == 1 and all(c is not None for _, c in troubled)
    message = f"* Node.AllConditions: {texts[0][1]}" if is_same else "\n".join(f"* Node.{type_}: {text}" for type_, text in texts)
    if any(c is not None and c.status != "Unknown" for _, c in troubled):
        return Verdict("False", NODE_NOT_HEALTHY_REASON, message)
    return Verdict("Unknown", NODE_HEALTH_UNKNOWN_REASON, message)


def _trouble(condition: NodeCondition | None) -> str:
    if condition is None:
        return "Condition not yet reported"
    return condition.message or f"Condition is {condition.status}"


def _condition(node: Node, type_: str) -> NodeCondition | None:
    found: Sequence[NodeCondition] = (node.status.conditions if node.status else None) or ()
    return next((c for c in found if c.type == type_), None)


# -- summaries -------------------------------------------------------------------------------------------------------------------------


def ready_verdict(scope: Scope, now: datetime) -> Verdict:
    """Return the summary of the Machine's conditions and readiness gates."""
    gates = scope.machine.spec.readiness_gates or []
    types = (
        DELETING_CONDITION,
        UPDATING_CONDITION,
        BOOTSTRAP_CONFIG_READY_CONDITION,
        INFRASTRUCTURE_READY_CONDITION,
        NODE_HEALTHY_CONDITION,
        HEALTH_CHECK_SUCCEEDED_CONDITION,
        *(gate.condition_type for gate in gates),
    )
    negative = {DELETING_CONDITION, UPDATING_CONDITION, *(gate.condition_type for gate in gates if gate.polarity == "Negative")}
    return summary(
        [_for_summary(c, scope, now) for c in scope.status.conditions or ()],
        types,
        negative=negative,
        optional={HEALTH_CHECK_SUCCEEDED_CONDITION},
        reasons=Reasons(NOT_READY_REASON, READY_UNKNOWN_REASON, READY_REASON),
    )


def _for_summary(condition: Condition, scope: Scope, now: datetime) -> Condition:
    """Return the condition as the summary should take it: during a deletion what is gone is no trouble, and the stage is enough."""
    if not scope.is_deleting:
        return condition
    if condition.type == DELETING_CONDITION:
        return condition.model_copy(update={"message": _deletion_summary(scope, now)})
    is_gone = condition.type in (BOOTSTRAP_CONFIG_READY_CONDITION, INFRASTRUCTURE_READY_CONDITION, NODE_HEALTHY_CONDITION)
    if is_gone and condition.reason in _GONE:
        return condition.model_copy(update={"status": "True", "message": ""})
    return condition


def _deletion_summary(scope: Scope, now: datetime) -> str:
    """Return the stage without its details, so that many Machines in the same stage say the same."""
    stage, deletion, told_at = scope.stage, scope.status.deletion, scope.machine.metadata.deletion_timestamp
    if stage is None or told_at is None:
        return "Machine deletion in progress"
    if now - told_at <= LONG_DELETION:
        return f"Machine deletion in progress, stage: {stage.reason}"
    text = f"Machine deletion in progress since more than 15m, stage: {stage.reason}"
    drained_at = deletion.node_drain_start_time if deletion else None
    is_long_drain = stage.reason == DRAINING_NODE_REASON and drained_at is not None and now - drained_at > LONG_DRAIN
    return f"{text}, delay likely due to {', '.join(stage.delays)}" if is_long_drain and stage.delays else text


def available_verdict(machine: Machine, now: datetime) -> Verdict:
    """Return whether the Machine has been ready for long enough."""
    ready = find_condition(machine.status.conditions if machine.status else None, READY_CONDITION)
    if ready is None or ready.status != "True":
        return Verdict("False", NOT_READY_REASON)
    if available_after(machine, now) > timedelta():
        return Verdict("False", WAITING_FOR_MIN_READY_SECONDS_REASON)
    return Verdict("True", AVAILABLE_REASON)


def available_after(machine: Machine, now: datetime) -> timedelta:
    """Return how long a ready Machine still has to stay ready before it is available; zero when it is, or is not ready."""
    ready = find_condition(machine.status.conditions if machine.status else None, READY_CONDITION)
    if ready is None or ready.status != "True":
        return timedelta()
    wanted = timedelta(seconds=machine.spec.min_ready_seconds or 0)
    return max(ready.last_transition_time + wanted - now, timedelta())


def _set_phase(scope: Scope, now: datetime) -> None:
    """Set the phase, and with it (and only with it) when it last changed."""
    phase = phase_of(scope.machine)
    if scope.status.phase != phase:
        scope.status.phase = phase
        scope.status.last_updated = now


def phase_of(machine: Machine) -> str:
    """Return the phase; of all that apply, the furthest."""
    status = machine.status
    if machine.metadata.deletion_timestamp is not None:
        return PHASE_DELETING
    if status is not None and status.node_ref is not None and is_provisioned(machine):
        return PHASE_RUNNING
    if machine.spec.provider_id:
        return PHASE_PROVISIONED
    return PHASE_PROVISIONING if is_bootstrapped(machine) else PHASE_PENDING
