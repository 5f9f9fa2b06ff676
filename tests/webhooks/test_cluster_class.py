"""Clusters and their classes: that there is one, and from which to which a Cluster may go."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.cluster import Cluster
from capelin.api.clusterclass import InfrastructureClass
from capelin.api.references import TemplateReference
from capelin.api.topology import UNSAFE_CLASS_NAME_ANNOTATION, Topology
from capelin.runtime.admission.reviews import ReviewRequest
from capelin.webhooks.cluster import WEBHOOK
from capelin.webhooks.clusterfacts import Facts
from capelin.webhooks.judging import Judging
from capelin.webhooks.topologyclass import (
    CLASS_EXISTS,
    PREVIOUS_CLASS_EXISTS,
    TEMPLATES_ARE_COMPATIBLE,
    TOPOLOGY_COMES_WITH_CLUSTER,
    TOPOLOGY_IS_KEPT,
)
from tests import build
from tests.buildclasses import class_template, clusterclass, control_plane_class, machinedeployment_class, machinepool_class, template_ref
from tests.buildtopology import topology
from tests.webhooks.asking import NothingThere, accepted, fields, notices, refused

STANDARD = Facts(clusterclass())


def cluster(class_name: str = "standard", **meta: Any) -> Cluster:
    return build.cluster(topology=topology(class_name=class_name), **meta)


def adopted(**meta: Any) -> Cluster:
    """Return a Cluster with a topology beside the infrastructure that it had before."""
    return build.cluster(topology=topology(), infrastructure=build.infrastructure_ref("demo", "DevCluster"), **meta)


def rebased(old: Any, new: Any) -> Facts:
    """Return what is known when a Cluster goes from one class to another."""
    return Facts(clusterclass=new, previous=old)


def test_topology_is_kept_accepts_one_that_stays() -> None:
    accepted(WEBHOOK, cluster(labels={"a": "b"}), cluster(), facts=STANDARD)


def test_topology_is_kept_refuses_its_removal() -> None:
    refusals = refused(TOPOLOGY_IS_KEPT, WEBHOOK, build.cluster(), cluster(), facts=Facts())

    assert fields(refusals) == ["spec.topology"]


def test_topology_comes_with_cluster_accepts_it_at_creation_and_with_the_annotation() -> None:
    accepted(WEBHOOK, cluster(), facts=STANDARD)
    accepted(WEBHOOK, adopted(annotations={UNSAFE_CLASS_NAME_ANNOTATION: ""}), build.cluster(), facts=STANDARD)


def test_topology_comes_with_cluster_refuses_it_later() -> None:
    refusals = refused(TOPOLOGY_COMES_WITH_CLUSTER, WEBHOOK, adopted(), build.cluster(), facts=STANDARD)

    assert fields(refusals) == ["spec.topology"]


def test_class_exists_accepts_a_new_cluster_before_its_class_and_says_so() -> None:
    accepted(WEBHOOK, cluster(), facts=Facts())

    (notice,) = notices(WEBHOOK, cluster(), facts=Facts())
    assert "ClusterClass default/standard, which does not exist" in notice


def test_class_exists_accepts_other_changes_while_it_is_gone() -> None:
    accepted(WEBHOOK, cluster(labels={"a": "b"}), cluster(), facts=Facts())


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(topology("v1.99.0"), id="another version"),
        pytest.param(topology(class_name="other"), id="another class"),
        pytest.param(topology(values={"image": "b"}), id="another value"),
    ],
)
def test_class_exists_refuses_a_change_of_the_topology_without_it(changed: Topology) -> None:
    refusals = refused(CLASS_EXISTS, WEBHOOK, build.cluster(topology=changed), cluster(), facts=Facts())

    assert fields(refusals) == ["spec.topology.classRef.name"]


async def test_a_change_that_nobody_can_check_is_refused_although_the_class_was_gone_before() -> None:
    old, new = cluster(), build.cluster(topology=topology("v1.99.0"))
    review = ReviewRequest("1", "UPDATE", Cluster.resource, namespace="default", name="demo", object=new.wire(), old=old.wire())

    answer = await Judging(WEBHOOK, NothingThere()).validate(review)

    assert answer.refusal is not None
    assert [cause.field for cause in answer.refusal.causes] == ["spec.topology.classRef.name"]


def test_previous_class_exists_accepts_a_class_to_compare_with() -> None:
    accepted(WEBHOOK, cluster("other"), cluster(), facts=rebased(clusterclass(), clusterclass("other")))


def test_previous_class_exists_refuses_when_it_is_gone() -> None:
    refusals = refused(PREVIOUS_CLASS_EXISTS, WEBHOOK, cluster("other"), cluster(), facts=rebased(None, clusterclass("other")))

    assert "default/standard, which does not exist" in refusals[0].found


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(clusterclass("other"), id="the same templates"),
        pytest.param(clusterclass("other", deployments=[machinedeployment_class("elsewhere")]), id="other worker classes"),
        pytest.param(
            clusterclass("other", deployments=[machinedeployment_class(bootstrap=class_template("OtherConfigTemplate"))]),
            id="other bootstrap templates",
        ),
        pytest.param(
            clusterclass("other", control_plane=control_plane_class(template_ref=template_ref("KubeadmControlPlaneTemplate", "new"))),
            id="templates of other names",
        ),
        pytest.param(
            clusterclass(
                "other",
                spec={
                    "infrastructure": InfrastructureClass(
                        template_ref=TemplateReference(
                            api_version="infrastructure.cluster.x-k8s.io/v1beta3", kind="DevClusterTemplate", name="new"
                        )
                    )
                },
            ),
            id="templates of other versions",
        ),
    ],
)
def test_templates_are_compatible_accepts_what_a_cluster_can_follow(other: Any) -> None:
    accepted(WEBHOOK, cluster("other"), cluster(), facts=rebased(clusterclass(), other))


@pytest.mark.parametrize(
    ("other", "place"),
    [
        (
            clusterclass("other", spec={"infrastructure": InfrastructureClass(template_ref=template_ref("AWSClusterTemplate"))}),
            "spec.infrastructure.templateRef",
        ),
        (
            clusterclass("other", control_plane=control_plane_class(template_ref=template_ref("OtherTemplate"))),
            "spec.controlPlane.templateRef",
        ),
        (
            clusterclass("other", control_plane=control_plane_class(machine_infrastructure=None)),
            "spec.controlPlane.machineInfrastructure.templateRef",
        ),
        (
            clusterclass("other", deployments=[machinedeployment_class(infrastructure=class_template("AWSMachineTemplate"))]),
            "spec.workers.machineDeployments[0].infrastructure.templateRef",
        ),
        (
            clusterclass("other", pools=[machinepool_class(infrastructure=class_template("AWSMachinePoolTemplate"))]),
            "spec.workers.machinePools[0].infrastructure.templateRef",
        ),
    ],
)
def test_templates_are_compatible_refuses_other_kinds(other: Any, place: str) -> None:
    facts = rebased(clusterclass(pools=[machinepool_class()]), other)

    (refusal,) = refused(TEMPLATES_ARE_COMPATIBLE, WEBHOOK, cluster("other"), cluster(), facts=facts)

    assert refusal.field == "spec.topology.classRef.name"
    assert refusal.found.endswith(f"at {place}")


def test_all_templates_that_differ_are_told_at_once() -> None:
    other = clusterclass(
        "other",
        control_plane=control_plane_class(template_ref=template_ref("OtherTemplate"), machine_infrastructure=None),
        deployments=[machinedeployment_class(infrastructure=class_template("AWSMachineTemplate"))],
    )

    assert len(refused(TEMPLATES_ARE_COMPATIBLE, WEBHOOK, cluster("other"), cluster(), facts=rebased(clusterclass(), other))) == 3
