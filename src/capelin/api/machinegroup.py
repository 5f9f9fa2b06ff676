"""What a group of Machines says of itself: counters, versions, and conditions that MachineSets, MachineDeployments and Clusters share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from capelin.api.conditions import Reasons, Report, Verdict, aggregate, name_objects
from capelin.api.labels import CONTROL_PLANE_LABEL
from capelin.api.machine import HEALTH_CHECK_SUCCEEDED_CONDITION, OWNER_REMEDIATED_CONDITION, Machine, VersionCount
from capelin.api.meta import find_condition, is_condition_true
from capelin.api.reasons import (
    AVAILABLE_CONDITION,
    NO_REPLICAS_REASON,
    NOT_READY_REASON,
    NOT_REMEDIATING_REASON,
    NOT_UP_TO_DATE_REASON,
    READY_CONDITION,
    READY_REASON,
    READY_UNKNOWN_REASON,
    REMEDIATING_REASON,
    UP_TO_DATE_CONDITION,
    UP_TO_DATE_REASON,
    UP_TO_DATE_UNKNOWN_REASON,
)
from capelin.api.versions import sorted_versions

YOUNG = timedelta(seconds=10)
"""For so long a new Machine may lack the UpToDate condition without being counted as unknown: its owner is about to write it."""

TOGETHER = timedelta(seconds=5)
"""Machines of a set are made one after the other; those that change by time alone within this span are reckoned in one look."""

STALE_DELETION = timedelta(minutes=15)
"""A deletion that takes longer than this is worth a word in the owner's conditions."""

MAX_VERSIONS = 100
"""How many different versions a status may list."""


@dataclass(frozen=True, slots=True)
class MachineCounts:
    """How many Machines there are, and how far they are."""

    replicas: int
    ready: int
    available: int
    up_to_date: int


def count_machines(machines: Sequence[Machine]) -> MachineCounts:
    """Count the Machines by their own conditions."""
    return MachineCounts(
        replicas=len(machines),
        ready=_count(machines, READY_CONDITION),
        available=_count(machines, AVAILABLE_CONDITION),
        up_to_date=_count(machines, UP_TO_DATE_CONDITION),
    )


def machine_versions(machines: Iterable[Machine]) -> list[VersionCount]:
    """Return the Kubernetes versions of the Machines in ascending order: what the Node reports, before that what the Machine asks for."""
    counts: dict[str, int] = {}
    for machine in machines:
        info = machine.status.node_info if machine.status is not None else None
        version = (info.kubelet_version if info is not None else None) or machine.spec.version
        if version:
            counts[version] = counts.get(version, 0) + 1
    return [VersionCount(version=version, replicas=counts[version]) for version in sorted_versions(counts)][:MAX_VERSIONS]


def machines_ready(machines: Sequence[Machine]) -> Verdict:
    """Aggregate the Machines' Ready conditions."""
    if not machines:
        return Verdict("True", NO_REPLICAS_REASON)
    return aggregate(map(report_machine, machines), READY_CONDITION, reasons=Reasons(NOT_READY_REASON, READY_UNKNOWN_REASON, READY_REASON))


def machines_up_to_date(machines: Iterable[Machine], *, now: datetime) -> Verdict:
    """Aggregate the Machines' UpToDate conditions; a Machine younger than `YOUNG` that has none does not count."""
    counted = [machine for machine in machines if _condition(machine, UP_TO_DATE_CONDITION) or not _is_young(machine, now)]
    if not counted:
        return Verdict("True", NO_REPLICAS_REASON)
    reasons = Reasons(NOT_UP_TO_DATE_REASON, UP_TO_DATE_UNKNOWN_REASON, UP_TO_DATE_REASON)
    return aggregate(map(report_machine, counted), UP_TO_DATE_CONDITION, reasons=reasons)


def machines_remediating(machines: Sequence[Machine], *, owner_kind: str) -> Verdict:
    """Tell whether unhealthy Machines are being replaced by their owner; those that are not its business are named."""
    unhealthy = [m for m in machines if _is_false(m, HEALTH_CHECK_SUCCEEDED_CONDITION)]
    marked = [m for m in unhealthy if _is_false(m, OWNER_REMEDIATED_CONDITION)]
    if marked:
        message = aggregate(map(report_machine, marked), OWNER_REMEDIATED_CONDITION).message
        return Verdict("True", REMEDIATING_REASON, message)
    message = f"{_list_machines(unhealthy)} not healthy (not to be remediated by {owner_kind})" if unhealthy else ""
    return Verdict("False", NOT_REMEDIATING_REASON, message)


def stale_deletions(machines: Iterable[Machine], *, now: datetime) -> str:
    """Return a sentence about the Machines whose deletion takes long, or an empty text."""
    stale = [m for m in machines if m.metadata.deletion_timestamp is not None and now - m.metadata.deletion_timestamp > STALE_DELETION]
    return f"{_list_machines(stale)} in deletion since more than 15m" if stale else ""


def next_reckoning(machines: Iterable[Machine], *, now: datetime) -> timedelta | None:
    """Return when the verdicts above change although no Machine does: the next one to turn stale or no longer young."""
    moments = []
    for machine in machines:
        created, deleted = machine.metadata.creation_timestamp, machine.metadata.deletion_timestamp
        if deleted is not None:
            moments.append(deleted + STALE_DELETION)
        elif created is not None and _condition(machine, UP_TO_DATE_CONDITION) is None:
            moments.append(created + YOUNG)
    coming = [moment for moment in moments if moment >= now]
    if not coming:
        return None
    together = max(moment for moment in coming if moment <= min(coming) + TOGETHER)
    return together - now + timedelta(seconds=1)  # just after it: a pass exactly at it would still find the old answer


def report_machine(machine: Machine) -> Report:
    """Return the Machine's contribution to an aggregate."""
    conditions = (machine.status.conditions if machine.status is not None else None) or ()
    return Report("Machine", machine.metadata.name, conditions, CONTROL_PLANE_LABEL in (machine.metadata.labels or {}))


def _condition(machine: Machine, type_: str) -> object:
    return find_condition(machine.status.conditions if machine.status is not None else None, type_)


def _count(machines: Iterable[Machine], type_: str) -> int:
    return sum(is_condition_true(m.status.conditions if m.status is not None else None, type_) for m in machines)


def _is_false(machine: Machine, type_: str) -> bool:
    condition = find_condition(machine.status.conditions if machine.status is not None else None, type_)
    return condition is not None and condition.status == "False"


def _is_young(machine: Machine, now: datetime) -> bool:
    created = machine.metadata.creation_timestamp
    return created is None or now - created <= YOUNG


def _list_machines(machines: Sequence[Machine]) -> str:
    """Return `Machine a is` or `Machines a, b, c, ... (2 more) are`."""
    names = sorted(machine.metadata.name for machine in machines)
    return f"{name_objects('Machine', names)} {'is' if len(names) == 1 else 'are'}"
