from datetime import UTC, datetime

import pytest

from capelin.api.conditions import Priority, Reasons, Report, aggregate, priority, summary
from capelin.api.meta import Condition

NOW = datetime(2026, 1, 2, tzinfo=UTC)
READY = Reasons("NotReady", "ReadyUnknown", "Ready")


def condition(type_: str, status: str, message: str = "", reason: str = "Because") -> Condition:
    return Condition(type=type_, status=status, last_transition_time=NOW, reason=reason, message=message)  # type: ignore[arg-type]


def report(name: str, status: str = "True", message: str = "", *, kind: str = "Machine", control_plane: bool = False) -> Report:
    return Report(kind, name, (condition("Ready", status, message),), control_plane)


@pytest.mark.parametrize(
    ("type_", "status", "want"),
    [
        pytest.param("Ready", "True", Priority.INFO, id="true is normal"),
        pytest.param("Ready", "False", Priority.ISSUE, id="false is abnormal"),
        pytest.param("Deleting", "True", Priority.ISSUE, id="true is abnormal for a negative condition"),
        pytest.param("Deleting", "False", Priority.INFO, id="false is normal for a negative condition"),
        pytest.param("Deleting", "Unknown", Priority.UNKNOWN, id="unknown is unknown whatever the polarity"),
    ],
)
def test_priority_depends_on_polarity(type_: str, status: str, want: Priority) -> None:
    assert priority(condition(type_, status), negative={"Deleting"}) is want


def test_summary_lists_what_is_wrong_in_the_order_of_the_types_and_drops_info() -> None:
    conditions = [condition("B", "Unknown", "cannot say"), condition("C", "True", "fine"), condition("A", "False", reason="Broken")]

    got = summary(conditions, ["C", "A", "B"], reasons=READY)

    assert (got.status, got.reason, got.message) == ("False", "NotReady", "* A: Broken\n* B: cannot say")


def test_summary_of_normal_conditions_is_true_and_keeps_their_messages() -> None:
    got = summary(
        [condition("A", "True"), condition("B", "True", "warm"), condition("Deleting", "False")], ["A", "B"], negative={"Deleting"}
    )

    assert (got.status, got.reason, got.message) == ("True", "InfoReported", "* B: warm")


def test_summary_counts_a_missing_condition_as_unknown() -> None:
    got = summary([condition("A", "True")], ["A", "B"])

    assert (got.status, got.reason, got.message) == ("Unknown", "UnknownReported", "* B: Condition B not yet reported")


def test_summary_leaves_out_an_optional_condition_that_is_missing() -> None:
    assert summary([condition("A", "True")], ["A", "B"], optional={"B"}).status == "True"


def test_summary_indents_messages_of_several_lines_and_of_bullets() -> None:
    got = summary([condition("A", "False", "one\ntwo"), condition("B", "False", "* three")], ["A", "B"])

    assert got.message == "* A:\n  one\n  two\n* B:\n  * three"


def test_summary_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to merge"):
        summary([], [])


def test_aggregate_groups_objects_by_message_and_names_three_of_them() -> None:
    reports = [report(f"m{n}", "False", "down") for n in (5, 3, 1, 2, 4)] + [report("ok")]

    got = aggregate(reports, "Ready", reasons=READY)

    assert (got.status, got.reason, got.message) == ("False", "NotReady", "* Machines m1, m2, m3, ... (2 more): down")


def test_aggregate_shows_three_messages_and_counts_the_rest_by_priority() -> None:
    reports = [report(f"m{n}", "False", f"issue {n}") for n in range(1, 6)] + [
        report("m6", "Unknown", "what"),
        report("m7", "Unknown", "who"),
    ]

    got = aggregate(reports, "Ready")

    assert got.message.split("\n") == [
        "* Machine m1: issue 1",
        "* Machine m2: issue 2",
        "* Machine m3: issue 3",
        "And 2 Machines with other issues",
        "And 2 Machines with unknown status",
    ]


def test_aggregate_puts_the_control_plane_before_issues_and_issues_before_what_most_report() -> None:
    reports = [
        report("w1", "Unknown", "no news"),
        report("w2", "Unknown", "no news"),
        report("w3", "False", "broken"),
        report("cp", "Unknown", "starting", control_plane=True),
    ]

    got = aggregate(reports, "Ready")

    assert got.message.split("\n") == ["* Machine cp: starting", "* Machine w3: broken", "* Machines w1, w2: no news"]
    assert got.status == "False"


def test_aggregate_names_control_plane_machines_first_within_a_message() -> None:
    reports = [report(name, "False", "down") for name in ("a", "b", "c")] + [report("z", "False", "down", control_plane=True)]

    assert aggregate(reports, "Ready").message == "* Machines z, a, b, ... (1 more): down"


def test_aggregate_of_healthy_objects_mentions_only_those_with_something_to_say() -> None:
    got = aggregate([report("a"), report("b", message="warm")], "Ready", reasons=READY)

    assert (got.status, got.reason, got.message) == ("True", "Ready", "* Machine b: warm")


def test_aggregate_counts_an_object_without_the_condition_as_unknown() -> None:
    got = aggregate([Report("Machine", "m1")], "Ready")

    assert (got.status, got.message) == ("Unknown", "* Machine m1: Condition Ready not yet reported")


def test_aggregate_of_a_negative_condition_is_true_when_one_is() -> None:
    reports = [
        Report("MachineDeployment", "md1", (condition("RollingOut", "True", "Rolling out 1"),)),
        Report("KubeadmControlPlane", "cp", (condition("RollingOut", "False"),)),
    ]

    got = aggregate(reports, "RollingOut", negative=True, reasons=Reasons("RollingOut", "RollingOutUnknown", "NotRollingOut"))

    assert (got.status, got.reason, got.message) == ("True", "RollingOut", "* MachineDeployment md1: Rolling out 1")


def test_aggregate_speaks_of_kinds_in_alphabetical_order_with_shared_room() -> None:
    reports = [report(f"p{n}", "False", f"x{n}", kind="MachinePool") for n in range(3)] + [
        report(f"d{n}", "False", f"y{n}", kind="MachineDeployment") for n in range(2)
    ]

    assert aggregate(reports, "Ready").message.split("\n") == [
        "* MachineDeployment d0: y0",
        "* MachineDeployment d1: y1",
        "* MachinePool p0: x0",
        "And 2 MachinePools with other issues",
    ]


def test_verdict_becomes_a_condition_seen_now() -> None:
    got = aggregate([report("a")], "Ready", reasons=READY).condition("MachinesReady", now=NOW, generation=3)

    assert (got.type, got.status, got.reason, got.last_transition_time, got.observed_generation) == (
        "MachinesReady",
        "True",
        "Ready",
        NOW,
        3,
    )
