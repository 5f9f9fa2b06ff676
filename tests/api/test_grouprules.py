"""Refusals name the field, what was found and what is allowed; objects that are fine get none."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.defaults import default_machinedeployment, default_machineset
from capelin.api.grouprules import machinedeployment_refusals, machineset_refusals
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import MachineNaming
from capelin.api.meta import LabelSelector, LabelSelectorRequirement
from capelin.api.refusals import Refusal
from tests import build


def fields(refusals: list[Refusal]) -> list[str]:
    return [refusal.field for refusal in refusals]


def test_objects_that_are_fine_are_not_refused() -> None:
    assert machineset_refusals(default_machineset(build.machineset())) == []
    assert machinedeployment_refusals(default_machinedeployment(build.machinedeployment())) == []


def test_a_selector_that_does_not_match_the_template_is_refused() -> None:
    deployment = build.machinedeployment(spec={"selector": LabelSelector(match_labels={"role": "other"})})

    (refusal,) = machinedeployment_refusals(deployment)

    assert refusal.field == "spec.selector"
    assert refusal.found == "role=other"
    assert "spec.template.metadata.labels" in str(refusal)


def test_a_selector_with_an_unknown_operator_is_refused() -> None:
    rule = LabelSelectorRequirement(key="role", operator="Near")

    refusals = machineset_refusals(build.machineset(spec={"selector": LabelSelector(match_expressions=[rule])}))

    assert fields(refusals) == ["spec.selector"]
    assert "Near" in refusals[0].found


@pytest.mark.parametrize(
    ("surge", "unavailable", "want"),
    [
        pytest.param(0, 0, ["spec.rollout.strategy.rollingUpdate"], id="both 0: nothing could ever move"),
        pytest.param("0%", "0%", [], id="percentages of 0 pass, the planner makes room for one"),
        pytest.param(1, 0, [], id="a surge is enough"),
        pytest.param(0, "50%", [], id="a gap is enough"),
        pytest.param("half", 1, ["spec.rollout.strategy.rollingUpdate.maxSurge"], id="a word is no amount"),
        pytest.param("3", 1, ["spec.rollout.strategy.rollingUpdate.maxSurge"], id="a number in quotes is no amount"),
        pytest.param(1, -1, ["spec.rollout.strategy.rollingUpdate.maxUnavailable"], id="a negative number is no amount"),
    ],
)
def test_a_rolling_update_must_be_able_to_move(surge: int | str, unavailable: int | str, want: list[str]) -> None:
    deployment = build.machinedeployment(max_surge=surge, max_unavailable=unavailable)

    assert fields(machinedeployment_refusals(deployment)) == want


def test_a_surge_of_zero_alone_is_refused_once_the_defaults_are_in() -> None:
    document = build.machinedeployment(max_surge=0).wire()
    del document["spec"]["rollout"]["strategy"]["rollingUpdate"]["maxUnavailable"]

    refusals = machinedeployment_refusals(default_machinedeployment(MachineDeployment.parse(document)))

    assert fields(refusals) == ["spec.rollout.strategy.rollingUpdate"]


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        pytest.param({"replicas": -1}, "spec.replicas", id="fewer than no Machines"),
        pytest.param({"machine_naming": MachineNaming(template="worker")}, "spec.machineNaming.template", id="names that never differ"),
        pytest.param({"cluster_name": "other"}, "metadata.labels[cluster.x-k8s.io/cluster-name]", id="a label of another cluster"),
    ],
)
def test_what_no_group_of_machines_can_be_is_refused(spec: dict[str, Any], want: str) -> None:
    assert want in fields(machineset_refusals(build.machineset(spec=spec)))


def test_a_template_of_another_cluster_is_refused() -> None:
    template = build.machine_template("workers", labels={"cluster.x-k8s.io/cluster-name": "demo"}, cluster_name="other")

    assert "spec.template.spec.clusterName" in fields(machineset_refusals(build.machineset(template=template)))


def test_a_version_that_is_none_is_refused() -> None:
    template = build.machine_template("workers", labels={}, version="latest")

    assert "spec.template.spec.version" in fields(machineset_refusals(build.machineset(template=template)))


def test_autoscaler_bounds_that_are_no_numbers_are_refused() -> None:
    annotation = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size"

    refusals = machineset_refusals(build.machineset(annotations={annotation: "few"}))

    assert fields(refusals) == [f"metadata.annotations[{annotation}]"]


def test_a_deployments_name_must_fit_into_a_label() -> None:
    assert fields(machinedeployment_refusals(build.machinedeployment("w" * 64))) == ["metadata.name"]
