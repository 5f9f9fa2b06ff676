"""What `capelin describe cluster` shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from capelin.api.meta import ObjectKey
from capelin.cli.describe import belongs_to, take_inventory, told_unattended
from capelin.cli.render import lines
from capelin.cli.tree import Inventory, age, build_tree
from capelin.runtime.errors import ApiError, Forbidden, NotFound
from tests import build, buildclasses
from tests.fakes import FakeClient

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
SINCE = "2026-01-01T11:59:00Z"


def made(
    kind: str, name: str, *, owner: str = "", conditions: dict[str, tuple[str, str, str]] | None = None, **fields: Any
) -> dict[str, Any]:
    """A document with conditions given as type → (status, reason, message)."""
    metadata: dict[str, Any] = {"name": name, "uid": f"uid-{name}", "labels": fields.pop("labels", {})}
    if owner:
        metadata["ownerReferences"] = [{"uid": f"uid-{owner}"}]
    if fields.pop("deleting", False):
        metadata["deletionTimestamp"] = SINCE
    found = [
        {"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": SINCE}
        for type_, (status, reason, message) in (conditions or {}).items()
    ]
    return {"kind": kind, "metadata": metadata, "spec": fields.get("spec", {}), "status": {"conditions": found, **fields.get("status", {})}}


READY = {"Ready": ("True", "Ready", ""), "Available": ("True", "Available", ""), "UpToDate": ("True", "UpToDate", "")}


def inventory(*machines: dict[str, Any]) -> Inventory:
    cluster = made(
        "Cluster",
        "blue",
        conditions={"Available": ("True", "Available", "")},
        status={"controlPlane": {"replicas": 1, "desiredReplicas": 1}, "workers": {"replicas": 2, "desiredReplicas": 2}},
    )
    deployment = made(
        "MachineDeployment", "md", conditions={"Available": ("True", "Available", "")}, spec={"replicas": 2}, status={"replicas": 2}
    )
    return Inventory(
        cluster, made("DevCluster", "blue", conditions=READY), None, [deployment], [made("MachineSet", "ms", owner="md")], machines
    )


def test_machines_stand_below_the_deployment_whose_set_owns_them() -> None:
    root = build_tree(inventory(made("Machine", "w1", owner="ms", conditions=READY)), now=NOW)

    workers = root.children[-1]
    assert workers.name == "Workers"
    assert [child.name for child in workers.children[0].children] == ["Machine/w1"]


def test_machines_in_the_same_state_share_a_line() -> None:
    root = build_tree(inventory(*(made("Machine", f"w{i}", owner="ms", conditions=READY) for i in range(3))), now=NOW)

    (line,) = root.children[-1].children[0].children
    assert (line.name, line.ready, line.message) == ("3 Machines...", "3", "See w0, w1, ...")


def test_without_grouping_every_machine_has_its_line() -> None:
    root = build_tree(inventory(*(made("Machine", f"w{i}", owner="ms", conditions=READY) for i in range(3))), now=NOW, grouping=False)

    assert [line.name for line in root.children[-1].children[0].children] == ["Machine/w0", "Machine/w1", "Machine/w2"]


def test_a_machine_that_is_not_ready_says_why() -> None:
    waiting = made("Machine", "w1", owner="ms", conditions={"Ready": ("False", "NotReady", "* NodeHealthy: Waiting")})

    (line,) = build_tree(inventory(waiting), now=NOW).children[-1].children[0].children

    assert (line.status, line.reason, line.since, line.message) == ("Ready: False", "NotReady", "60s", "* NodeHealthy: Waiting")


def test_a_condition_that_nobody_reported_is_unknown_not_absent() -> None:
    (line,) = build_tree(inventory(made("Machine", "w1", owner="ms")), now=NOW).children[-1].children[0].children

    assert line.status == "Ready: Unknown"


def test_a_machine_on_its_way_out_shows_its_deletion() -> None:
    leaving = made("Machine", "w1", owner="ms", deleting=True, conditions={"Deleting": ("True", "DrainingNode", "Drain not completed")})

    (line,) = build_tree(inventory(leaving), now=NOW).children[-1].children[0].children

    assert (line.status, line.message) == ("Deleting: True", "Drain not completed")


def test_control_plane_machines_without_a_control_plane_object_stand_below_one_line() -> None:
    machine = made("Machine", "cp", labels={"cluster.x-k8s.io/control-plane": ""}, conditions=READY)

    root = build_tree(inventory(machine), now=NOW)

    assert [(child.name, [m.name for m in child.children]) for child in root.children[1:2]] == [("ControlPlane", ["Machine/cp"])]


def test_the_plain_table_draws_the_tree_and_aligns_long_messages() -> None:
    waiting = made("Machine", "w1", owner="ms", conditions={"Ready": ("False", "NotReady", "* first\n* second")})

    printed = lines(build_tree(inventory(waiting), now=NOW), colour=False)

    width = printed[0].index("REPLICAS")
    names = [line[:width].rstrip() for line in printed[1:6]]
    assert names == [
        "Cluster/blue",
        "├─ClusterInfrastructure - DevCluster/blue",
        "└─Workers",
        "  └─MachineDeployment/md",
        "    └─Machine/w1",
    ]
    assert printed[-1].strip() == "* second"
    assert printed[-1].index("* second") == printed[-2].index("* first")
    assert "\x1b" not in "".join(printed)


def test_a_terminal_sees_colours() -> None:
    assert "\x1b[32m" in "\n".join(lines(build_tree(inventory(), now=NOW), colour=True))


def test_what_no_controller_acts_on_stands_below_a_line_of_its_own() -> None:
    cluster = made("Cluster", "blue", spec={"topology": {"version": "v1.34.0"}})
    told = told_unattended(cluster, [made("MachinePool", "pool")], ["MachinePool", "Cluster.spec.topology"])

    root = build_tree(Inventory(cluster, unattended=told), now=NOW)

    assert [(line.name, line.reason, line.message) for line in root.children[-1].children] == [
        (
            "Cluster/blue",
            "NoController",
            "spec.topology: this version of Capelin runs no controller for it: the field is stored, and nothing acts on it",
        ),
        (
            "MachinePool/pool",
            "NoController",
            "this version of Capelin runs no controller for MachinePool: the object is stored, and nothing acts on it",
        ),
    ]


def test_what_no_controller_acts_on_is_in_the_json_as_well() -> None:
    told = told_unattended(made("Cluster", "blue"), [made("MachineHealthCheck", "check")], ["MachineHealthCheck"])

    document = build_tree(Inventory(made("Cluster", "blue"), unattended=told), now=NOW).document()

    (line,) = document["children"][-1]["children"]
    assert (line["name"], line["reason"]) == ("MachineHealthCheck/check", "NoController")


def test_nothing_is_said_where_controllers_act_on_everything() -> None:
    cluster = made("Cluster", "blue", spec={"topology": {}})

    assert told_unattended(cluster, [made("MachinePool", "pool")], []) == []
    assert [child.name for child in build_tree(Inventory(cluster), now=NOW).children] == []


@pytest.mark.parametrize(
    ("fields", "want"),
    [
        pytest.param({"spec": {"clusterName": "blue"}}, True, id="named in the spec"),
        pytest.param({"labels": {"cluster.x-k8s.io/cluster-name": "blue"}}, True, id="labelled"),
        pytest.param({"spec": {"clusterName": "red"}}, False, id="of another cluster"),
        pytest.param({}, False, id="of no cluster"),
    ],
)
def test_an_object_of_the_namespace_may_belong_to_the_cluster(fields: dict[str, Any], want: bool) -> None:
    assert belongs_to(made("MachinePool", "pool", **fields), "blue") is want


def test_an_object_belongs_to_the_cluster_that_owns_it() -> None:
    pool = made("MachinePool", "pool")
    pool["metadata"]["ownerReferences"] = [{"kind": "Cluster", "name": "blue"}]

    assert (belongs_to(pool, "blue"), belongs_to(pool, "red")) == (True, False)


async def test_what_belongs_to_the_cluster_and_has_no_controller_is_found() -> None:
    client = FakeClient()
    client.seed(
        build.cluster("blue"),
        buildclasses.machinehealthcheck("ours", cluster_name="blue"),
        buildclasses.machinehealthcheck("theirs", cluster_name="red"),
    )

    found = await take_inventory(client, ObjectKey("default", "blue"), ["MachineHealthCheck"])

    assert [document["metadata"]["name"] for document, _ in found.unattended] == ["ours"]


@pytest.mark.parametrize("error", [NotFound, Forbidden], ids=["not installed", "not for this user to see"])
async def test_of_a_kind_that_cannot_be_listed_nothing_is_said(error: type[ApiError]) -> None:
    client = FakeClient(read_faults={("machinehealthchecks", ""): error("no")})
    client.seed(build.cluster("blue"))

    assert (await take_inventory(client, ObjectKey("default", "blue"), ["MachineHealthCheck"])).unattended == []


@pytest.mark.parametrize(
    ("moment", "want"),
    [
        (None, ""),
        ("2026-01-01T11:59:18Z", "42s"),
        ("2026-01-01T11:00:00Z", "60m"),
        ("2026-01-01T02:00:00Z", "10h"),
        ("2025-12-01T12:00:00Z", "31d"),
    ],
    ids=["never", "seconds", "minutes", "hours", "days"],
)
def test_ages_read_as_in_kubectl(moment: str | None, want: str) -> None:
    assert age(moment, NOW) == want
