"""How conditions are merged: a summary of one object's conditions, an aggregate of one condition over many objects.

Every condition is an *issue* (abnormal for its polarity), *unknown* or *info*; the worst one decides. A condition that is expected and not
there counts as unknown. Messages name what matters most and stay short: a summary lists every issue of its one object, an aggregate the
three most important messages with up to three objects each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from capelin.api.meta import Condition, ConditionStatus, find_condition

ISSUES_REPORTED_REASON = "IssuesReported"
UNKNOWN_REPORTED_REASON = "UnknownReported"
INFO_REPORTED_REASON = "InfoReported"

MAX_MESSAGES = 3
"""How many messages an aggregate shows: more hide the first ones in a terminal."""

MAX_NAMES = 3
"""How many objects a message names: a usual control plane has three Machines, and all of them should be seen."""


class Reasons(NamedTuple):
    """The reason of a merged condition, by the worst condition that went into it."""

    issue: str = ISSUES_REPORTED_REASON
    unknown: str = UNKNOWN_REPORTED_REASON
    info: str = INFO_REPORTED_REASON


class Priority(IntEnum):
    """How much a condition matters, worst first."""

    ISSUE = 0
    UNKNOWN = 1
    INFO = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a merge found: a condition without type and time."""

    status: ConditionStatus
    reason: str
    message: str = ""

    def condition(self, type_: str, *, now: datetime, generation: int | None = None) -> Condition:
        """Return the verdict as a condition of that type, seen at `now` for the spec of `generation`."""
        return Condition(
            type=type_,
            status=self.status,
            observed_generation=generation,
            last_transition_time=now,
            reason=self.reason,
            message=self.message,
        )


@dataclass(frozen=True, slots=True)
class Report:
    """One object's contribution to an aggregate: its kind, its name and all of its conditions."""

    kind: str
    name: str
    conditions: Sequence[Condition] = field(default=())
    is_control_plane: bool = False


def priority(condition: Condition, negative: Collection[str] = ()) -> Priority:
    """Return how much `condition` matters; types in `negative` are normal when they are False."""
    if condition.status == "Unknown":
        return Priority.UNKNOWN
    is_normal = (condition.status == "False") == (condition.type in negative)
    return Priority.INFO if is_normal else Priority.ISSUE


def summary(
    conditions: Iterable[Condition] | None,
    types: Sequence[str],
    *,
    negative: Collection[str] = (),
    optional: Collection[str] = (),
    reasons: Reasons = Reasons(),  # noqa: B008 - an immutable default
) -> Verdict:
    """Merge the conditions of one object into a verdict about it.

    `types` are what is expected, in the order of relevance, which is also the order of the message. Those in `optional` are left out when
    the object does not have them.

    Raises:
        ValueError: no condition is left to merge.
    """
    found = [_expected(conditions, type_) for type_ in types if type_ not in optional or find_condition(conditions, type_)]
    worst = _worst(priority(condition, negative) for condition in found)
    lines = [
        f"* {condition.type}:{_after_colon(condition)}"
        for condition in found
        if priority(condition, negative) is not Priority.INFO or (worst is Priority.INFO and condition.message)
    ]
    return Verdict(_status(worst), reasons[worst], "\n".join(lines))


def aggregate(
    reports: Iterable[Report],
    type_: str,
    *,
    negative: bool = False,
    reasons: Reasons = Reasons(),  # noqa: B008 - an immutable default
) -> Verdict:
    """Merge the condition `type_` of many objects into a verdict of the same polarity; `negative` when False is normal.

    Raises:
        ValueError: there is no object.
    """
    polarity = (type_,) if negative else ()
    observations = [_observe(report, type_, polarity) for report in reports]
    worst = _worst(observation.priority for observation in observations)
    shown = [o for o in observations if o.priority is not Priority.INFO or (worst is Priority.INFO and o.text)]
    return Verdict(_status(worst, negative=negative), reasons[worst], "\n".join(_aggregate_lines(shown)))


def plural(kind: str) -> str:
    """Return the plural of a kind's name, as a word in a message."""
    return f"{kind}es" if kind.endswith(("s", "x")) else f"{kind}s"


def name_objects(kind: str, names: Sequence[str]) -> str:
    """Return the objects as words in a message: `Machine a`, `Machines a, b, c, ... (2 more)`."""
    more = f", ... ({len(names) - MAX_NAMES} more)" if len(names) > MAX_NAMES else ""
    return f"{_counted_word(kind, len(names))} {', '.join(names[:MAX_NAMES])}{more}"


@dataclass(frozen=True, slots=True)
class _Observation:
    kind: str
    name: str
    is_control_plane: bool
    priority: Priority
    text: str


def _expected(conditions: Iterable[Condition] | None, type_: str) -> Condition:
    found = find_condition(conditions, type_)
    return found or Condition(
        type=type_,
        status="Unknown",
        last_transition_time=datetime.min,  # noqa: DTZ901 - never stored: only status and message go into the merge
        reason="NotYetReported",
        message=f"Condition {type_} not yet reported",
    )


def _observe(report: Report, type_: str, negative: Collection[str]) -> _Observation:
    condition = _expected(report.conditions, type_)
    found = priority(condition, negative)
    text = condition.message or ("" if found is Priority.INFO else condition.reason)
    return _Observation(report.kind, report.name, report.is_control_plane, found, text)


def _worst(priorities: Iterable[Priority]) -> Priority:
    worst = min(priorities, default=None)
    if worst is None:
        raise ValueError("nothing to merge: there is no condition")
    return worst


def _status(worst: Priority, *, negative: bool = False) -> ConditionStatus:
    match worst:
        case Priority.UNKNOWN:
            return "Unknown"
        case Priority.ISSUE:
            return "True" if negative else "False"
        case Priority.INFO:
            return "False" if negative else "True"


def _after_colon(condition: Condition) -> str:
    return _indented(condition.message or condition.reason)


def _indented(text: str) -> str:
    """Return what follows a colon: on the same line, or as a block when it has lines or bullets of its own."""
    if "\n" in text or text.startswith("* "):
        return "".join(f"\n  {line}" for line in text.split("\n"))
    return f" {text}" if text else ""


def _aggregate_lines(observations: Sequence[_Observation]) -> list[str]:
    lines: list[str] = []
    room = MAX_MESSAGES
    for kind in sorted({o.kind for o in observations}):
        by_text: dict[str, list[_Observation]] = {}
        for observation in observations:
            if observation.kind == kind:
                by_text.setdefault(observation.text, []).append(observation)
        groups = sorted(by_text.values(), key=_relevance)
        shown, others = groups[:room], groups[room:]
        lines += [_group_line(kind, group) for group in shown]
        lines += _remainder_lines(kind, others)
        room -= len(shown)
    return lines


def _relevance(group: Sequence[_Observation]) -> tuple[bool, Priority, int, list[str]]:
    """Order messages: of the control plane first, then by priority, then by how many objects say it, then by name."""
    has_control_plane = any(o.is_control_plane for o in group)
    return not has_control_plane, min(o.priority for o in group), -len(group), sorted(o.name for o in group)


def _group_line(kind: str, group: Sequence[_Observation]) -> str:
    names = [o.name for o in sorted(group, key=lambda o: (not o.is_control_plane, o.name))]
    return f"* {name_objects(kind, names)}:{_indented(group[0].text)}"


def _remainder_lines(kind: str, groups: Iterable[Sequence[_Observation]]) -> list[str]:
    names: dict[Priority, set[str]] = {}
    for group in groups:
        names.setdefault(min(o.priority for o in group), set()).update(o.name for o in group)
    return [f"And {len(names[p])} {_counted_word(kind, len(names[p]))} {_REMAINDERS[p]}" for p in Priority if p in names]


_REMAINDERS = {
    Priority.ISSUE: "with other issues",
    Priority.UNKNOWN: "with unknown status",
    Priority.INFO: "with additional info",
}


def _counted_word(kind: str, count: int) -> str:
    return kind if count == 1 else plural(kind)
