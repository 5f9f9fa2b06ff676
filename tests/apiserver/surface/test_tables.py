"""Tables of built-in and custom resources."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from capelin.apiserver import builtin
from capelin.apiserver.registry import PrinterColumn, ResourceDefinition, Version
from capelin.apiserver.surface import tables
from capelin.runtime.errors import BadRequest

NOW = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
A_DAY_AGO = "2026-01-01T12:00:00Z"


def row(plural: str, document: dict[str, Any], group: str = "") -> dict[str, Any]:
    """Return the cells of a built-in object by column name."""
    definition = builtin.catalog().definitions[group, plural]
    shown = tables.columns(definition, definition.storage_version)
    table = tables.to_table(shown, [document], now=NOW, metadata={})
    names = [column["name"] for column in table["columnDefinitions"]]
    return dict(zip(names, table["rows"][0]["cells"], strict=True))


def custom(*columns: PrinterColumn) -> tuple[PrinterColumn, ...]:
    """Return the columns of a custom resource that declares these."""
    version = Version("v1", columns=columns)
    definition = ResourceDefinition("example.com", "widgets", "widget", "Widget", "WidgetList", (version,), builtin=False)
    return tables.columns(definition, version)


def cells(document: dict[str, Any], *columns: PrinterColumn) -> list[Any]:
    """Return the cells of a custom object, its name left out."""
    found: list[Any] = tables.to_table(custom(*columns), [document], now=NOW, metadata={})["rows"][0]["cells"]
    return found[1:]


def pod(**status: Any) -> dict[str, Any]:
    """Return a Pod of one container and one sidecar-less init container, with this status."""
    spec = {"containers": [{"name": "main"}], "initContainers": [{"name": "init"}]}
    return {"metadata": {"name": "web", "creationTimestamp": A_DAY_AGO}, "spec": spec, "status": status}


def container(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the status of a container."""
    return {"name": "main", "state": state, **more}


ENDED_WELL = {"name": "init", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}


def test_node_shows_readiness_roles_and_addresses() -> None:
    node = {
        "metadata": {"name": "n1", "creationTimestamp": A_DAY_AGO, "labels": {"node-role.kubernetes.io/control-plane": ""}},
        "spec": {"unschedulable": True},
        "status": {
            "conditions": [{"type": "Ready", "status": "False"}],
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
            "nodeInfo": {"kubeletVersion": "v1.36.0", "kernelVersion": "6.1", "architecture": "amd64"},
        },
    }

    got = row("nodes", node)

    assert got["Status"] == "NotReady,SchedulingDisabled"
    assert got["Roles"] == "control-plane"
    assert got["Age"] == "24h"
    assert got["Version"] == "v1.36.0"
    assert (got["Internal-IP"], got["External-IP"], got["OS-Image"]) == ("10.0.0.1", "<none>", "<unknown>")
    assert got["Kernel-Version"] == "6.1 (amd64)"


@pytest.mark.parametrize(
    ("status", "want"),
    [
        pytest.param({"phase": "Pending"}, ("0/1", "Pending", "0"), id="waiting for a node"),
        pytest.param(
            {"phase": "Pending", "initContainerStatuses": [{"name": "init", "state": {"running": {}}, "restartCount": 2}]},
            ("0/1", "Init:0/1", "2"),
            id="the init container runs",
        ),
        pytest.param(
            {"phase": "Pending", "initContainerStatuses": [{"name": "init", "state": {"terminated": {"exitCode": 3}}}]},
            ("0/1", "Init:ExitCode:3", "0"),
            id="the init container failed",
        ),
        pytest.param(
            {
                "phase": "Running",
                "initContainerStatuses": [ENDED_WELL],
                "containerStatuses": [container({"running": {}}, ready=True)],
            },
            ("1/1", "Running", "0"),
            id="runs",
        ),
        pytest.param(
            {
                "phase": "Running",
                "initContainerStatuses": [ENDED_WELL],
                "containerStatuses": [
                    container(
                        {"waiting": {"reason": "CrashLoopBackOff"}},
                        restartCount=3,
                        lastState={"terminated": {"exitCode": 1, "finishedAt": "2026-01-02T11:55:00Z"}},
                    )
                ],
            },
            ("0/1", "CrashLoopBackOff", "3 (5m ago)"),
            id="crashes again and again",
        ),
        pytest.param(
            {"phase": "Succeeded", "containerStatuses": [container({"terminated": {"exitCode": 0, "reason": "Completed"}})]},
            ("0/1", "Completed", "0"),
            id="has completed",
        ),
        pytest.param(
            {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]},
            ("0/1", "SchedulingGated", "0"),
            id="is held back by a gate",
        ),
    ],
)
def test_pod_says_in_one_word_what_it_does(status: dict[str, Any], want: tuple[str, str, str]) -> None:
    got = row("pods", pod(**status))

    assert (got["Ready"], got["Status"], got["Restarts"]) == want


def test_pod_that_is_being_deleted_is_terminating_whatever_its_phase() -> None:
    document = pod(phase="Running")
    document["metadata"]["deletionTimestamp"] = A_DAY_AGO

    assert row("pods", document)["Status"] == "Terminating"


def test_service_of_a_load_balancer_waits_for_its_address() -> None:
    spec = {"type": "LoadBalancer", "clusterIP": "10.96.0.7", "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}]}

    got = row("services", {"metadata": {"name": "web"}, "spec": spec})

    assert (got["Cluster-IP"], got["External-IP"], got["Port(s)"]) == ("10.96.0.7", "<pending>", "80:30080/TCP")


def test_event_of_either_form_shows_object_source_and_message() -> None:
    old_form = {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Machine", "name": "m1"},
        "message": " created \n",
        "source": {"component": "capelin"},
        "lastTimestamp": "2026-01-02T11:59:00Z",
        "count": 2,
    }
    new_form = {
        "metadata": {"name": "e"},
        "regarding": {"kind": "Machine", "name": "m1"},
        "note": "created",
        "reportingController": "capelin",
        "eventTime": "2026-01-02T11:58:00.000000Z",
        "series": {"count": 2, "lastObservedTime": "2026-01-02T11:59:00.000000Z"},
    }
    shown = ("Last Seen", "Object", "Source", "Message", "Count")

    got = [[found[name] for name in shown] for found in (row("events", old_form), row("events", new_form, group="events.k8s.io"))]

    assert got == [["60s", "machine/m1", "capelin", "created", 2]] * 2


def test_every_builtin_kind_shows_an_object_that_is_nearly_empty() -> None:
    for (group, plural), definition in builtin.catalog().definitions.items():
        assert len(row(plural, {"metadata": {"name": "x"}}, group=group)) == len(definition.storage_version.columns)


def test_custom_column_follows_its_path_into_lists_and_filters() -> None:
    document = {
        "metadata": {"name": "w", "labels": {"example.com/tier": "gold"}},
        "status": {"conditions": [{"type": "Ready", "status": "False"}, {"type": "Paused", "status": "True"}], "ports": [80, 443]},
    }

    got = cells(
        document,
        PrinterColumn("Paused", "string", '.status.conditions[?(@.type=="Paused")].status'),
        PrinterColumn("Ready", "string", ".status.conditions[?(@.type=='Ready')].status"),
        PrinterColumn("Tier", "string", r".metadata.labels.example\.com/tier"),
        PrinterColumn("Tier", "string", ".metadata.labels['example.com/tier']"),
        PrinterColumn("Port", "integer", ".status.ports[-1]"),
        PrinterColumn("First", "integer", ".status.ports[*]"),
        PrinterColumn("Missing", "string", ".status.nothing.here"),
    )

    assert got == ["True", "False", "gold", "gold", 443, 80, None]


@pytest.mark.parametrize(
    ("type_", "value", "want"),
    [
        ("string", True, "true"),
        ("string", 3, "3"),
        ("string", {"b": 1, "a": [2]}, '{"a":[2],"b":1}'),
        ("integer", 3, 3),
        ("integer", 3.7, 3),
        ("integer", "3", None),
        ("number", 3, 3.0),
        ("boolean", False, False),
        ("boolean", "false", None),
        ("date", "2026-01-02T11:59:30Z", "30s"),
        ("date", "yesterday", "<invalid>"),
        ("date", 7, None),
    ],
)
def test_custom_cell_is_of_its_columns_type(type_: str, value: Any, want: Any) -> None:
    assert cells({"spec": {"x": value}}, PrinterColumn("X", type_, ".spec.x")) == [want]


def test_custom_resource_without_columns_shows_its_age() -> None:
    assert [column.name for column in custom()] == ["Name", "Age"]


def test_column_whose_path_cannot_be_understood_stays_empty() -> None:
    assert cells({"spec": {"x": 1}}, PrinterColumn("X", "string", ".spec[")) == [None]


@pytest.mark.parametrize(
    ("policy", "want"),
    [
        ("", {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1beta1", "metadata": {"name": "w"}}),
        ("Metadata", {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1beta1", "metadata": {"name": "w"}}),
        ("Object", {"metadata": {"name": "w"}, "spec": {}}),
        ("None", None),
    ],
)
def test_row_carries_what_the_client_asked_for(policy: str, want: dict[str, Any] | None) -> None:
    table = tables.to_table(
        custom(), [{"metadata": {"name": "w"}, "spec": {}}], now=NOW, metadata={}, form="v1beta1", include_object=policy
    )

    assert table["rows"][0].get("object") == want
    assert table["apiVersion"] == "meta.k8s.io/v1beta1"


def test_unknown_include_object_is_refused() -> None:
    with pytest.raises(BadRequest):
        tables.check_include_object("Everything")


def test_later_tables_of_a_watch_leave_the_header_out() -> None:
    assert tables.to_table(custom(), [], now=NOW, metadata={}, headers=False)["columnDefinitions"] == []
