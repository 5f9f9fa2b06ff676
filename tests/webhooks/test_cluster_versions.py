"""The Kubernetes version of a Cluster's topology: from where to where, and when."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.clusterclass import ClassUpgrade, ClusterClass, ExternalUpgrade
from capelin.api.extensionconfig import PENDING_HOOKS_ANNOTATION
from capelin.api.kubeadmcontrolplane import KubeadmControlPlane
from capelin.api.labels import DEPLOYMENT_NAME_LABEL, TOPOLOGY_OWNED_LABEL
from capelin.api.machine import Machine, VersionCount
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machinepool import MachinePool, MachinePoolStatus
from capelin.api.meta import Unstructured
from capelin.api.refusals import VERSION_IS_SEMANTIC
from capelin.api.topology import UNSAFE_VERSION_ANNOTATION, UPGRADE_CONCURRENCY_ANNOTATION
from capelin.webhooks.cluster import WEBHOOK
from capelin.webhooks.clusterfacts import Facts, Parts
from capelin.webhooks.topologyversions import (
    UPGRADE_CONCURRENCY_IS_POSITIVE,
    UPGRADES_DO_NOT_OVERLAP,
    VERSION_DOES_NOT_DECREASE,
    VERSION_IS_OF_CLASS,
    VERSION_SKIPS_NO_MINOR,
)
from tests import build
from tests.buildclasses import clusterclass, machinepool
from tests.buildtopology import topology
from tests.webhooks.asking import accepted, defaulted, fields, notices, refused

LISTED = clusterclass(spec={"kubernetes_versions": ["v1.33.0", "v1.34.0", "v1.35.2"]})
PLANNED = clusterclass(spec={"upgrade": ClassUpgrade(external=ExternalUpgrade(generate_upgrade_plan_extension="plan.extension"))})
OWNED = {TOPOLOGY_OWNED_LABEL: ""}


def cluster(version: str = "v1.34.0", **meta: Any) -> Any:
    return build.cluster(topology=topology(version), **meta)


def control_plane(version: Any = "v1.34.0", running: Any = "v1.34.0") -> Unstructured:
    return Unstructured(KubeadmControlPlane.resource, {"spec": {"version": version}, "status": {"version": running}})


def facts(old: str = "v1.34.0", clusterclass_: ClusterClass | None = None, **parts: Any) -> Facts:
    """Return what is known of a cluster that has a version, but for `parts`."""
    return Facts(clusterclass_ or clusterclass(), parts=Parts(**{"control_plane": control_plane(old, old), **parts}))


def deployment(version: str = "v1.34.0", name: str = "workers") -> MachineDeployment:
    return build.machinedeployment(name, labels=OWNED, template=build.machine_template(name, labels={}, version=version))


def pool(version: str = "v1.34.0", running: str = "v1.34.0") -> MachinePool:
    template = build.machine_template("pool", labels={}, version=version)
    status = MachinePoolStatus(versions=[VersionCount(version=running, replicas=1)])
    return machinepool(template=template, status=status, labels=OWNED)


def machine(version: str | None = "v1.34.0", of: str = "workers") -> Machine:
    return build.machine(spec={"version": version}, labels={DEPLOYMENT_NAME_LABEL: of})


def test_a_missing_v_is_added() -> None:
    assert defaulted(WEBHOOK, cluster("1.34.0"), facts=facts()).spec.topology.version == "v1.34.0"


@pytest.mark.parametrize("version", ["v1.34.0", "v1.34.0-rc.1", "v1.34.0+vendor.1"])
def test_version_is_semantic_accepts_versions(version: str) -> None:
    accepted(WEBHOOK, cluster(version), facts=facts())


@pytest.mark.parametrize("version", ["latest", "v1.99", "v1.2.3.4", "v01.2.3", "v" + "9" * 200])
def test_version_is_semantic_refuses_what_is_no_version(version: str) -> None:
    assert fields(refused(VERSION_IS_SEMANTIC, WEBHOOK, cluster(version), facts=facts())) == ["spec.topology.version"]


def test_version_is_of_class_accepts_one_that_is_listed() -> None:
    accepted(WEBHOOK, cluster("v1.35.2"), facts=Facts(LISTED))


@pytest.mark.parametrize("version", ["v1.35.0", "v1.35.2+vendor.1"])
def test_version_is_of_class_refuses_others(version: str) -> None:
    (refusal,) = refused(VERSION_IS_OF_CLASS, WEBHOOK, cluster(version), facts=Facts(LISTED))

    assert refusal.allowed.endswith("'v1.33.0', 'v1.34.0', 'v1.35.2'")


@pytest.mark.parametrize("new", ["v1.34.2", "v1.34.3", "v1.35.0", "v1.34.2-rc.0", "v1.34.2+vendor.2"])
def test_version_does_not_decrease_accepts_newer_ones_and_prereleases_of_the_same(new: str) -> None:
    accepted(WEBHOOK, cluster(new), cluster("v1.34.2"), facts=facts("v1.34.2"))


@pytest.mark.parametrize("new", ["v1.34.1", "v1.33.9", "v0.99.0", "v1.34.1+vendor.9"])
@pytest.mark.parametrize("clusterclass_", [clusterclass(), PLANNED], ids=["any class", "a class that plans"])
def test_version_does_not_decrease_refuses_older_ones(new: str, clusterclass_: ClusterClass) -> None:
    known = facts("v1.34.2", clusterclass_)

    refusals = refused(VERSION_DOES_NOT_DECREASE, WEBHOOK, cluster(new), cluster("v1.34.2"), facts=known)

    assert refusals[0].allowed == "v1.34.2 or newer"


@pytest.mark.parametrize("new", ["v1.35.0", "v1.35.99", "v1.35.0-alpha.0"])
def test_version_skips_no_minor_accepts_the_next(new: str) -> None:
    accepted(WEBHOOK, cluster(new), cluster(), facts=facts())


def test_version_skips_no_minor_accepts_any_where_the_class_knows_the_way() -> None:
    accepted(WEBHOOK, cluster("v1.35.2"), cluster("v1.33.0"), facts=facts("v1.33.0", LISTED))
    accepted(WEBHOOK, cluster("v1.99.0"), cluster(), facts=facts(clusterclass_=PLANNED))


@pytest.mark.parametrize("new", ["v1.36.0", "v1.36.0-alpha.0", "v2.0.0"])
def test_version_skips_no_minor_refuses_others(new: str) -> None:
    assert fields(refused(VERSION_SKIPS_NO_MINOR, WEBHOOK, cluster(new), cluster(), facts=facts())) == ["spec.topology.version"]


def test_the_annotation_takes_the_checks_of_changes_away_and_is_warned_of() -> None:
    new = cluster("v1.20.0", annotations={UNSAFE_VERSION_ANNOTATION: ""})

    accepted(WEBHOOK, new, cluster(), facts=Facts(clusterclass()))
    (notice,) = notices(WEBHOOK, new, cluster(), facts=Facts(clusterclass()))
    assert UNSAFE_VERSION_ANNOTATION in notice


def test_upgrades_do_not_overlap_accepts_the_next_when_all_parts_are_there() -> None:
    known = facts(deployments=(deployment(),), pools=(pool(),), machines=(machine(), machine("v1.20.0", of="others")))

    accepted(WEBHOOK, cluster("v1.35.0"), cluster(), facts=known)


def test_upgrades_do_not_overlap_accepts_other_changes_at_any_time() -> None:
    accepted(WEBHOOK, cluster(labels={"a": "b"}), cluster(), facts=Facts(clusterclass()))


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        pytest.param({"control_plane": None}, "there is no control plane", id="without a control plane"),
        pytest.param({"control_plane": control_plane("v1.33.0")}, "told to have v1.33.0", id="control plane not told yet"),
        pytest.param({"control_plane": control_plane(5)}, "told to have no version", id="control plane without a version"),
        pytest.param({"control_plane": control_plane(running=None)}, "being set up", id="control plane not there yet"),
        pytest.param({"control_plane": control_plane(running="v1.33.0")}, "still has v1.33.0", id="control plane behind"),
        pytest.param({"control_plane": control_plane(running="v1.34.0+b")}, "still has v1.34.0+b", id="control plane of another build"),
        pytest.param({"control_plane": control_plane(running="new")}, "still has new", id="control plane of no version"),
        pytest.param({"deployments": (deployment("v1.33.0"),)}, "'workers'", id="deployment not told yet"),
        pytest.param({"deployments": (deployment(),), "machines": (machine("v1.33.0"),)}, "'workers'", id="Machine behind"),
        pytest.param({"deployments": (deployment(),), "machines": (machine(None),)}, "'workers'", id="Machine without a version"),
        pytest.param({"pools": (pool("v1.33.0"),)}, "'pool'", id="pool not told yet"),
        pytest.param({"pools": (pool(running="v1.33.0"),)}, "'pool'", id="Node of a pool behind"),
    ],
)
def test_upgrades_do_not_overlap_refuses_a_change_before_the_last_is_complete(parts: dict[str, Any], told: str) -> None:
    (refusal,) = refused(UPGRADES_DO_NOT_OVERLAP, WEBHOOK, cluster("v1.35.0"), cluster(), facts=facts(**parts))

    assert refusal.field == "spec.topology.version"
    assert told in refusal.found


def test_upgrades_do_not_overlap_refuses_a_change_while_a_hook_is_pending() -> None:
    new = cluster("v1.35.0", annotations={PENDING_HOOKS_ANNOTATION: "Other,AfterClusterUpgrade"})

    (refusal,) = refused(UPGRADES_DO_NOT_OVERLAP, WEBHOOK, new, cluster(), facts=facts())

    assert "AfterClusterUpgrade" in refusal.found


def test_everything_unfinished_is_told_at_once() -> None:
    many = tuple(deployment("v1.33.0", f"d{number}") for number in range(7))

    refusals = refused(UPGRADES_DO_NOT_OVERLAP, WEBHOOK, cluster("v1.35.0"), cluster(), facts=facts("v1.33.0", deployments=many))

    assert len(refusals) == 2
    assert refusals[1].found.endswith("'d3', 'd4', 2 more")


@pytest.mark.parametrize("value", ["1", "50", "+3", "007"])
def test_upgrade_concurrency_is_positive_accepts_numbers(value: str) -> None:
    accepted(WEBHOOK, cluster(annotations={UPGRADE_CONCURRENCY_ANNOTATION: value}), facts=facts())


@pytest.mark.parametrize("value", ["0", "-1", "", "many", "1.5", "9" * 30, "٣"])
def test_upgrade_concurrency_is_positive_refuses_the_rest(value: str) -> None:
    new = cluster(annotations={UPGRADE_CONCURRENCY_ANNOTATION: value})

    (refusal,) = refused(UPGRADE_CONCURRENCY_IS_POSITIVE, WEBHOOK, new, facts=facts())

    assert refusal.field == f"metadata.annotations[{UPGRADE_CONCURRENCY_ANNOTATION}]"
