"""Defaults fill in what the standard's admission fills in, keep what is there, and change nothing the second time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capelin.api.cluster import Cluster
from capelin.api.defaults import (
    autoscaled_replicas,
    default_cluster,
    default_kubeadmconfig,
    default_machine,
    default_machinedeployment,
    default_machineset,
    prefixed_version,
)
from capelin.api.kubeadmconfig import KubeadmConfig
from capelin.api.labels import AUTOSCALER_MAX_SIZE_ANNOTATION, AUTOSCALER_MIN_SIZE_ANNOTATION
from capelin.api.machine import Machine
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import MachineSet
from capelin.api.meta import Object
from tests import build

BOUNDS = {AUTOSCALER_MIN_SIZE_ANNOTATION: "2", AUTOSCALER_MAX_SIZE_ANNOTATION: "6"}

CLUSTER_LABEL = "cluster.x-k8s.io/cluster-name"
DEPLOYMENT_LABEL = "cluster.x-k8s.io/deployment-name"
SET_LABEL = "cluster.x-k8s.io/set-name"

MACHINE_SPEC = {
    "clusterName": "demo",
    "bootstrap": {"dataSecretName": "data"},
    "infrastructureRef": {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "DevMachine", "name": "worker"},
}


def bare_group(kind: type[Object], *, name: str = "workers", annotations: dict[str, str] | None = None, **spec: Any) -> Any:
    """Return a MachineSet or MachineDeployment that says as little as the schema allows."""
    return kind.parse(
        {
            "metadata": {"name": name, "annotations": annotations or {}},
            "spec": {"clusterName": "demo", "selector": {}, "template": {"spec": MACHINE_SPEC}} | spec,
        }
    )


def test_a_machine_gets_its_clusters_label_a_v_and_a_bound_for_the_nodes_deletion() -> None:
    machine = Machine.parse({"metadata": {"name": "worker"}, "spec": MACHINE_SPEC | {"version": "1.34.0"}})

    got = default_machine(machine)

    assert got.metadata.labels == {CLUSTER_LABEL: "demo"}
    assert got.spec.version == "v1.34.0"
    assert got.spec.deletion is not None
    assert got.spec.deletion.node_deletion_timeout_seconds == 10


def test_a_machines_own_bound_of_zero_is_kept() -> None:
    machine = Machine.parse({"spec": MACHINE_SPEC | {"deletion": {"nodeDeletionTimeoutSeconds": 0}}})

    got = default_machine(machine)

    assert got.spec.deletion is not None
    assert got.spec.deletion.node_deletion_timeout_seconds == 0


def test_a_deployment_without_selector_gets_one_of_its_names() -> None:
    got = default_machinedeployment(bare_group(MachineDeployment))

    want = {CLUSTER_LABEL: "demo", DEPLOYMENT_LABEL: "workers"}
    assert got.spec.selector.match_labels == want
    assert got.spec.template.metadata is not None
    assert got.spec.template.metadata.labels == want
    assert got.metadata.labels == {CLUSTER_LABEL: "demo"}


def test_a_deployment_rolls_with_one_too_many_and_none_missing() -> None:
    rollout = default_machinedeployment(bare_group(MachineDeployment)).spec.rollout

    assert rollout is not None
    assert rollout.wire() == {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}


@pytest.mark.parametrize("strategy", [{"type": ""}, {"type": "", "rollingUpdate": {"maxSurge": 2}}])
def test_a_strategy_without_type_is_a_rolling_update(strategy: dict[str, Any]) -> None:
    rollout = default_machinedeployment(bare_group(MachineDeployment, rollout={"strategy": strategy})).spec.rollout

    assert rollout is not None
    assert rollout.strategy is not None
    assert rollout.strategy.type == "RollingUpdate"
    assert rollout.strategy.rolling_update is not None
    assert rollout.strategy.rolling_update.max_unavailable == 0


def test_a_strategy_of_on_delete_gets_no_settings_of_a_rolling_update() -> None:
    deployment = bare_group(MachineDeployment, rollout={"strategy": {"type": "OnDelete"}})

    rollout = default_machinedeployment(deployment).spec.rollout

    assert rollout is not None
    assert rollout.wire() == {"strategy": {"type": "OnDelete"}}


def test_a_selector_of_the_users_keeps_its_rules_and_gains_the_cluster() -> None:
    group = bare_group(
        MachineSet,
        selector={"matchLabels": {"role": "worker"}},
        template={"metadata": {"labels": {"role": "worker"}}, "spec": MACHINE_SPEC},
    )

    got = default_machineset(group)

    assert got.spec.selector.match_labels == {"role": "worker", CLUSTER_LABEL: "demo"}
    assert got.spec.template.metadata is not None
    assert got.spec.template.metadata.labels == {"role": "worker", CLUSTER_LABEL: "demo"}


def test_a_set_without_selector_gets_one_of_its_names_and_deletes_at_random() -> None:
    got = default_machineset(bare_group(MachineSet))

    assert got.spec.selector.match_labels == {CLUSTER_LABEL: "demo", SET_LABEL: "workers"}
    assert got.spec.deletion is not None
    assert got.spec.deletion.order == "Random"


def test_a_set_whose_name_is_too_long_for_a_label_is_labelled_with_a_hash() -> None:
    got = default_machineset(bare_group(MachineSet, name="w" * 64))

    value = (got.spec.selector.match_labels or {})[SET_LABEL]
    assert value.startswith("hash_")
    assert value.endswith("_z")
    assert len(value) == 13


@pytest.mark.parametrize(("kind", "default"), [(MachineSet, default_machineset), (MachineDeployment, default_machinedeployment)])
def test_a_group_without_replicas_has_one_and_zero_stays_zero(kind: type[Object], default: Any) -> None:
    assert default(bare_group(kind)).spec.replicas == 1
    assert default(bare_group(kind, replicas=0)).spec.replicas == 0


@pytest.mark.parametrize(
    ("previous", "want"),
    [
        pytest.param(None, 2, id="a new group starts at the lower bound"),
        pytest.param(1, 2, id="below the bounds: up to the lower"),
        pytest.param(4, 4, id="within the bounds: unchanged"),
        pytest.param(9, 6, id="above the bounds: down to the upper"),
    ],
)
def test_the_autoscalers_bounds_decide_when_replicas_are_left_out(previous: int | None, want: int) -> None:
    deployment = bare_group(MachineDeployment, annotations=BOUNDS)

    assert default_machinedeployment(deployment, previous=previous).spec.replicas == want


@pytest.mark.parametrize("annotations", [{AUTOSCALER_MIN_SIZE_ANNOTATION: "2"}, BOUNDS | {AUTOSCALER_MAX_SIZE_ANNOTATION: "many"}])
def test_bounds_that_are_incomplete_or_no_numbers_decide_nothing(annotations: dict[str, str]) -> None:
    assert autoscaled_replicas(annotations, None) is None


def test_a_kubeadmconfig_makes_cloud_config_unless_told_otherwise() -> None:
    silent = default_kubeadmconfig(KubeadmConfig.parse({}))
    ignition = default_kubeadmconfig(KubeadmConfig.parse({"spec": {"format": "ignition"}}))

    assert silent.spec is not None
    assert silent.spec.format == "cloud-config"
    assert ignition.spec is not None
    assert ignition.spec.format == "ignition"


def test_a_topologys_version_gets_its_v() -> None:
    cluster = Cluster.parse({"spec": {"topology": {"classRef": {"name": "class"}, "version": "1.34.0"}}})

    topology = default_cluster(cluster).spec.topology

    assert topology is not None
    assert topology.version == "v1.34.0"


@pytest.mark.parametrize(("version", "want"), [("1.2.3", "v1.2.3"), ("v1.2.3", "v1.2.3"), ("", "")])
def test_a_version_gets_one_v(version: str, want: str) -> None:
    assert prefixed_version(version) == want


def test_defaulting_leaves_the_object_it_was_given_alone() -> None:
    deployment = bare_group(MachineDeployment)
    before = deployment.wire()

    default_machinedeployment(deployment)

    assert deployment.wire() == before


def test_defaulting_keeps_fields_it_does_not_know() -> None:
    deployment = bare_group(MachineDeployment, future={"field": None})

    assert default_machinedeployment(deployment).wire()["spec"]["future"] == {"field": None}


LABELS = st.dictionaries(st.sampled_from(["role", CLUSTER_LABEL, DEPLOYMENT_LABEL]), st.sampled_from(["", "worker", "demo"]))
AMOUNTS = st.one_of(st.none(), st.integers(0, 5), st.sampled_from(["0%", "25%"]))


@st.composite
def groups(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the document of a MachineSet or MachineDeployment, with any of what is defaulted left out."""
    spec: dict[str, Any] = {
        "clusterName": draw(st.sampled_from(["demo", "other"])),
        "selector": draw(st.sampled_from([{}, {"matchLabels": {}}, {"matchLabels": {"role": "worker"}}])),
        "template": {"spec": MACHINE_SPEC | draw(st.sampled_from([{}, {"version": "1.34.0"}, {"version": "v1.34.0"}]))},
    }
    if draw(st.booleans()):
        spec["template"]["metadata"] = {"labels": draw(LABELS)}
    if draw(st.booleans()):
        spec["replicas"] = draw(st.integers(0, 9))
    if draw(st.booleans()):
        rolling = {"maxSurge": draw(AMOUNTS), "maxUnavailable": draw(AMOUNTS)}
        spec["rollout"] = {"strategy": {"type": draw(st.sampled_from(["RollingUpdate", "OnDelete"])), "rollingUpdate": rolling}}
    annotations = draw(st.sampled_from([{}, BOUNDS]))
    return {"metadata": {"name": "workers", "labels": draw(LABELS), "annotations": annotations}, "spec": spec}


@given(groups())
def test_defaulting_a_deployment_twice_is_defaulting_it_once(document: dict[str, Any]) -> None:
    once = default_machinedeployment(MachineDeployment.parse(document))

    assert default_machinedeployment(once).wire() == once.wire()


@given(groups())
def test_defaulting_a_set_twice_is_defaulting_it_once(document: dict[str, Any]) -> None:
    once = default_machineset(MachineSet.parse(document))

    assert default_machineset(once).wire() == once.wire()


@given(version=st.sampled_from([None, "", "1.34.0", "v1.34.0"]), deletion=st.sampled_from([None, {}, {"nodeDrainTimeoutSeconds": 5}]))
def test_defaulting_a_machine_twice_is_defaulting_it_once(version: str | None, deletion: dict[str, int] | None) -> None:
    once = default_machine(Machine.parse({"spec": MACHINE_SPEC | {"version": version, "deletion": deletion}}))

    assert default_machine(once).wire() == once.wire()


def test_objects_that_say_everything_are_not_changed_by_defaults() -> None:
    deployment = build.machinedeployment()

    assert default_machinedeployment(deployment).wire() == deployment.wire()
