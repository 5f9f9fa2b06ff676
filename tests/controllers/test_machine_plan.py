from __future__ import annotations

from typing import Any

import pytest

from capelin.api.core import Node, Taint
from capelin.api.machine import Machine, MachineTaint
from capelin.controllers.machine.plan import desired_taints, node_patch
from tests import build
from tests.fakes import merged

UNINITIALIZED = Taint(key="node.cluster.x-k8s.io/uninitialized", effect="NoSchedule")
OUTDATED = Taint(key="node.cluster.x-k8s.io/outdated-revision", effect="PreferNoSchedule")
FOREIGN = Taint(key="node.kubernetes.io/unreachable", effect="NoExecute")


def machine(*taints: tuple[str, str], **meta: Any) -> Machine:
    """A Machine with taints given as (key, propagation)."""
    found = [MachineTaint(key=key, value="v", effect="NoSchedule", propagation=propagation) for key, propagation in taints]
    return build.machine(spec={"taints": found or None}, **meta)


def apply(patch: dict[str, Any], node: Node) -> Node:
    """Return the Node after the merge patch."""
    return Node.parse(merged(node.wire(), patch))


def patched(machine: Machine, node: Node, *, interruptible: bool = False, outdated: bool | None = False) -> Node:
    return apply(node_patch(machine, node, interruptible=interruptible, outdated=outdated), node)


@pytest.mark.parametrize(
    ("label", "is_synced"),
    [
        ("node-role.kubernetes.io/edge", True),
        ("sub.node-role.kubernetes.io/edge", False),
        ("node-restriction.kubernetes.io/a", True),
        ("sub.node-restriction.kubernetes.io/a", True),
        ("node.cluster.x-k8s.io/a", True),
        ("sub.node.cluster.x-k8s.io/a", True),
        ("evilnode.cluster.x-k8s.io/a", False),
        ("cluster.x-k8s.io/cluster-name", False),
        ("team", False),
    ],
)
def test_only_labels_of_the_managed_domains_reach_the_node(label: str, is_synced: bool) -> None:
    got = patched(machine(labels={label: "x"}), build.node())

    assert (label in (got.metadata.labels or {})) is is_synced


def test_a_node_that_is_up_to_date_needs_no_patch() -> None:
    wanted = machine(("a", "Always"), labels={"node.cluster.x-k8s.io/a": "x"}, annotations={"node.cluster.x-k8s.io/b": "y"})
    node = patched(wanted, build.node(taints=[UNINITIALIZED]))

    assert node_patch(wanted, node, interruptible=False, outdated=False) == {}


def test_labels_and_annotations_that_the_machine_lost_go_and_those_of_others_stay() -> None:
    before = machine(labels={"node.cluster.x-k8s.io/a": "x"}, annotations={"node.cluster.x-k8s.io/b": "y"})
    node = patched(before, build.node(labels={"node.cluster.x-k8s.io/kubelet": "own"}))

    got = patched(machine(), node)

    assert got.metadata.labels == {"node.cluster.x-k8s.io/kubelet": "own"}
    assert "node.cluster.x-k8s.io/b" not in (got.metadata.annotations or {})


def test_the_node_says_which_machine_it_is() -> None:
    got = patched(machine(owners=[build.owner(build.machineset())]), build.node())

    annotations = got.metadata.annotations or {}
    assert {key.partition("/")[2]: value for key, value in annotations.items() if not key.endswith("-from-machine")} == {
        "cluster-name": "demo",
        "cluster-namespace": "default",
        "machine": "worker",
        "owner-kind": "MachineSet",
        "owner-name": "workers-1",
    }


def test_the_uninitialized_taint_goes_with_the_first_labels_in_one_patch() -> None:
    patch = node_patch(
        machine(labels={"node.cluster.x-k8s.io/a": "x"}), build.node(taints=[UNINITIALIZED, FOREIGN]), interruptible=False, outdated=None
    )

    assert patch["metadata"]["labels"] == {"node.cluster.x-k8s.io/a": "x"}
    assert [t["key"] for t in patch["spec"]["taints"]] == [FOREIGN.key]


def test_a_patch_of_taints_carries_the_revision_it_was_made_for_and_others_do_not() -> None:
    node = build.node(taints=[UNINITIALIZED])
    node.metadata.resource_version = "7"

    with_taints = node_patch(machine(), node, interruptible=False, outdated=None)
    without = node_patch(machine(), build.node(), interruptible=False, outdated=None)

    assert with_taints["metadata"]["resourceVersion"] == "7"
    assert "resourceVersion" not in without["metadata"]


def test_taints_for_initialisation_are_set_once_and_others_always() -> None:
    wanted = machine(("once", "OnInitialization"), ("always", "Always"))
    fresh = patched(wanted, build.node())
    assert fresh.spec is not None
    fresh.spec.taints = [FOREIGN]

    got = desired_taints(wanted, fresh, outdated=None)

    assert [t.key for t in got] == [FOREIGN.key, "always"]


def test_a_taint_that_the_machine_lost_goes() -> None:
    node = patched(machine(("always", "Always")), build.node(taints=[FOREIGN]))

    assert [t.key for t in desired_taints(machine(), node, outdated=None)] == [FOREIGN.key]


def test_a_changed_value_replaces_the_taint_where_it_stands() -> None:
    node = build.node(taints=[Taint(key="always", value="old", effect="NoSchedule"), FOREIGN])

    got = desired_taints(machine(("always", "Always")), node, outdated=None)

    assert [(t.key, t.value) for t in got] == [("always", "v"), (FOREIGN.key, None)]


@pytest.mark.parametrize(
    ("outdated", "before", "after"),
    [
        pytest.param(True, [], [OUTDATED], id="an old revision is tainted"),
        pytest.param(False, [OUTDATED], [], id="the current revision is not"),
        pytest.param(None, [OUTDATED], [OUTDATED], id="what nobody knows stays"),
    ],
)
def test_nodes_of_old_revisions_are_avoided(outdated: bool | None, before: list[Taint], after: list[Taint]) -> None:
    assert desired_taints(machine(), build.node(taints=before), outdated=outdated) == after


def test_an_interruptible_machine_marks_its_node() -> None:
    marked = patched(machine(), build.node(), interruptible=True)
    unmarked = patched(machine(), marked, interruptible=False)

    assert "cluster.x-k8s.io/interruptible" in (marked.metadata.labels or {})
    assert "cluster.x-k8s.io/interruptible" not in (unmarked.metadata.labels or {})
