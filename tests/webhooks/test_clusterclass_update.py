"""What is allowed of changes of a ClusterClass that clusters use, and of its deletion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from capelin.api.classpatches import ClassPatch, ExternalPatch
from capelin.api.cluster import Cluster
from capelin.api.clusterclass import ClusterClass, ControlPlaneClassHealthCheck, MachineDeploymentClassHealthCheck
from capelin.api.healthchecks import HealthChecks
from capelin.api.labels import AUTOSCALER_MAX_SIZE_ANNOTATION, DELETE_FOR_MOVE_ANNOTATION
from capelin.api.meta import ObjectKey, TemplateMetadata
from capelin.api.topology import (
    ClusterClassReference,
    ControlPlaneHealthCheck,
    ControlPlaneTopology,
    MachineDeploymentHealthCheck,
    Topology,
)
from capelin.webhooks.admission import Admission
from capelin.webhooks.classcompatibility import (
    CLASS_IS_UNUSED,
    CLASS_TEMPLATES_ARE_COMPATIBLE,
    NEW_REQUIREMENTS_ARE_MET,
    USED_HEALTH_CHECKS_STAY,
    USED_VALUES_STILL_FIT,
    USED_VARIABLES_STAY,
    USED_VERSIONS_STAY,
    USED_WORKER_CLASSES_STAY,
    Facts,
    User,
    gather,
)
from capelin.webhooks.clusterclass import WEBHOOK
from capelin.webhooks.topology import REPLICAS_OR_AUTOSCALER
from tests import build
from tests.buildclasses import class_template, class_variable, clusterclass, control_plane_class, machinedeployment_class, machinepool_class
from tests.buildtopology import deployment_topology, pool_topology, topology
from tests.webhooks.asking import NothingThere, accepted, denied, fields, refused

CHECKS = HealthChecks(node_startup_timeout_seconds=60)
CHECKED = control_plane_class(health_check=ControlPlaneClassHealthCheck(checks=CHECKS))
CHECKED_WORKER = machinedeployment_class(health_check=MachineDeploymentClassHealthCheck(checks=CHECKS))
ON = MachineDeploymentHealthCheck(enabled=True)


class ClustersThere(NothingThere):
    """Lookups that find Clusters, and count how often they are asked."""

    def __init__(self, *clusters: Cluster) -> None:
        self.clusters, self.asked = list(clusters), 0

    async def list(self, kind: Any, *, namespace: str = "") -> list[Any]:
        self.asked += 1
        return [cluster for cluster in self.clusters if namespace in ("", cluster.metadata.namespace)]


def used(*topologies: Topology) -> dict[str, Any]:
    """Return the facts that clusters of these topologies use the class."""
    return {"facts": Facts(tuple(User(ObjectKey("default", f"demo-{index}"), found) for index, found in enumerate(topologies)))}


def with_variables(*variables: Any) -> ClusterClass:
    return clusterclass(variables=variables)


def test_class_templates_are_compatible_accepts_other_templates_of_the_same_kind() -> None:
    new = clusterclass(
        control_plane=control_plane_class(machine_infrastructure=class_template("DevMachineTemplate", "other")),
        deployments=[machinedeployment_class(bootstrap=class_template("OtherConfigTemplate")), machinedeployment_class("new")],
    )

    accepted(WEBHOOK, new, clusterclass(), **used(topology()))


@pytest.mark.parametrize(
    ("new", "field"),
    [
        pytest.param(
            clusterclass(control_plane=control_plane_class(machine_infrastructure=None)),
            "spec.controlPlane.machineInfrastructure.templateRef",
            id="machineInfrastructure removed",
        ),
        pytest.param(
            clusterclass(deployments=[machinedeployment_class(infrastructure=class_template("OtherTemplate"))]),
            "spec.workers.machineDeployments[0].infrastructure.templateRef",
            id="other infrastructure of workers",
        ),
    ],
)
def test_class_templates_are_compatible_refuses_other_kinds(new: ClusterClass, field: str) -> None:
    assert fields(refused(CLASS_TEMPLATES_ARE_COMPATIBLE, WEBHOOK, new, clusterclass(), **used())) == [field]


def test_class_templates_are_compatible_refuses_a_new_machine_infrastructure() -> None:
    old = clusterclass(control_plane=control_plane_class(machine_infrastructure=None))

    assert refused(CLASS_TEMPLATES_ARE_COMPATIBLE, WEBHOOK, clusterclass(), old, **used())[0].allowed.startswith("nothing")


GROUPS: Any = {"deployments": [machinedeployment_class(), machinedeployment_class("gpu")], "pools": [machinepool_class("pool")]}


def test_used_worker_classes_stay_accepts_the_removal_of_unused_ones() -> None:
    users = used(topology(deployments=[deployment_topology()]), topology())

    accepted(WEBHOOK, clusterclass(), clusterclass(**GROUPS), **users)


def test_used_worker_classes_stay_refuses_the_removal_of_used_ones() -> None:
    using = topology(deployments=[deployment_topology(class_="gpu")], pools=[pool_topology()])

    refusals = refused(USED_WORKER_CLASSES_STAY, WEBHOOK, clusterclass(), clusterclass(**GROUPS), **used(topology(), *[using] * 5))

    assert fields(refusals) == ["spec.workers.machineDeployments", "spec.workers.machinePools"]
    assert refusals[0].found == "no class 'gpu'"
    assert refusals[0].allowed.endswith("5 Clusters: default/demo-1, default/demo-2, default/demo-3, 2 more")


@pytest.mark.parametrize(
    "check", [None, MachineDeploymentHealthCheck(enabled=False), MachineDeploymentHealthCheck(enabled=True, checks=CHECKS)]
)
def test_used_health_checks_stay_accepts_removal_where_clusters_need_none(check: MachineDeploymentHealthCheck | None) -> None:
    users = used(topology(deployments=[deployment_topology(health_check=check)]))

    accepted(WEBHOOK, clusterclass(), clusterclass(control_plane=CHECKED, deployments=[CHECKED_WORKER]), **users)


def test_used_health_checks_stay_refuses_removal_where_clusters_rely_on_them() -> None:
    control_plane = ControlPlaneTopology(health_check=ControlPlaneHealthCheck(enabled=True))
    users = used(topology(control_plane=control_plane, deployments=[deployment_topology(health_check=ON)]))
    old = clusterclass(control_plane=CHECKED, deployments=[CHECKED_WORKER])

    refusals = refused(USED_HEALTH_CHECKS_STAY, WEBHOOK, clusterclass(), old, **users)

    assert fields(refusals) == ["spec.controlPlane.healthCheck", "spec.workers.machineDeployments[0].healthCheck"]


def offering(*versions: str) -> ClusterClass:
    return clusterclass(spec={"kubernetes_versions": list(versions) or None})


@pytest.mark.parametrize("versions", [(), ("v1.34.0",), ("v1.34.0", "v1.35.0")])
def test_used_versions_stay_accepts_lists_with_those_in_use(versions: Sequence[str]) -> None:
    accepted(WEBHOOK, offering(*versions), offering("v1.33.0", "v1.34.0"), **used(topology("v1.34.0")))


def test_used_versions_stay_refuses_lists_without() -> None:
    refusals = refused(USED_VERSIONS_STAY, WEBHOOK, offering("v1.34.0"), offering("v1.33.0", "v1.34.0"), **used(topology("v1.33.0")))

    assert fields(refusals) == ["spec.kubernetesVersions"]


def test_used_variables_stay_accepts_the_removal_of_unused_ones() -> None:
    old = with_variables(class_variable("image"), class_variable("zone"))

    accepted(WEBHOOK, with_variables(class_variable("image")), old, **used(topology(values={"image": "x"})))


def test_used_variables_stay_accepts_removal_where_an_extension_may_define_them() -> None:
    discovering = ClassPatch(name="external", external=ExternalPatch(generate_patches_extension="g.e", discover_variables_extension="d.e"))

    accepted(WEBHOOK, clusterclass(patches=[discovering]), with_variables(class_variable()), **used(topology(values={"image": "x"})))


@pytest.mark.parametrize(
    "using",
    [
        pytest.param(topology(values={"image": "x"}), id="by the cluster"),
        pytest.param(topology(deployments=[deployment_topology(values={"image": "x"})]), id="by workers"),
    ],
)
def test_used_variables_stay_refuses_the_removal_of_used_ones(using: Topology) -> None:
    assert fields(refused(USED_VARIABLES_STAY, WEBHOOK, clusterclass(), with_variables(class_variable()), **used(using))) == [
        "spec.variables"
    ]


SIZE = class_variable("size", type="integer")


def test_used_values_still_fit_accepts_schemas_that_allow_them() -> None:
    users = used(topology(values={"size": 3}), topology(deployments=[deployment_topology(values={"size": 5})]), topology())

    accepted(WEBHOOK, with_variables(class_variable("size", type="integer", maximum=5)), with_variables(SIZE), **users)


def test_used_values_still_fit_accepts_another_type_of_what_nobody_sets() -> None:
    accepted(WEBHOOK, with_variables(class_variable("size")), with_variables(SIZE), **used(topology()))


@pytest.mark.parametrize("changed", [class_variable("size"), class_variable("size", type="integer", minimum=4)], ids=["type", "bound"])
@pytest.mark.parametrize(
    ("using", "place"),
    [
        (topology(values={"size": 3}), "spec.topology.variables[0].value"),
        (
            topology(deployments=[deployment_topology(values={"size": 3})]),
            "spec.topology.workers.machineDeployments[0].variables.overrides[0].value",
        ),
    ],
    ids=["of the cluster", "of workers"],
)
def test_used_values_still_fit_refuses_schemas_that_do_not_allow_them(changed: Any, using: Topology, place: str) -> None:
    (refusal,) = refused(USED_VALUES_STILL_FIT, WEBHOOK, with_variables(changed), with_variables(SIZE), **used(topology(), using))

    assert refusal.field == "spec.variables[0].schema.openAPIV3Schema"
    assert f"only at {place} of Cluster default/demo-1" in refusal.allowed
    assert "3" not in f"{refusal.found} {refusal.allowed}"


@pytest.mark.parametrize(
    ("variable", "using"),
    [
        pytest.param(class_variable(required=True), topology(values={"image": "x"}), id="set"),
        pytest.param(class_variable(required=True, type="string", default="x"), topology(), id="with a default"),
        pytest.param(class_variable(), topology(), id="not required"),
    ],
)
def test_new_requirements_are_met_accepts_what_clusters_have(variable: Any, using: Topology) -> None:
    accepted(WEBHOOK, with_variables(variable), with_variables(class_variable()), **used(using))


def test_new_requirements_are_met_refuses_what_a_cluster_lacks() -> None:
    using = topology(deployments=[deployment_topology(values={"image": "x"})])

    refusals = refused(NEW_REQUIREMENTS_ARE_MET, WEBHOOK, with_variables(class_variable(required=True)), clusterclass(), **used(using))

    assert fields(refusals) == ["spec.variables[0].required"]


SCALED = machinedeployment_class(metadata=TemplateMetadata(annotations={AUTOSCALER_MAX_SIZE_ANNOTATION: "5"}))


def test_replicas_or_autoscaler_accepts_annotations_where_nobody_states_replicas() -> None:
    users = used(topology(deployments=[deployment_topology(), deployment_topology("other", class_="other", replicas=3)]))
    old = clusterclass(deployments=[machinedeployment_class(), machinedeployment_class("other")])

    accepted(WEBHOOK, clusterclass(deployments=[SCALED, machinedeployment_class("other")]), old, **users)


def test_replicas_or_autoscaler_refuses_annotations_beside_replicas() -> None:
    users = used(topology(deployments=[deployment_topology(replicas=3)]))

    refusals = refused(REPLICAS_OR_AUTOSCALER, WEBHOOK, clusterclass(deployments=[SCALED]), clusterclass(), **users)

    assert fields(refusals) == ["spec.workers.machineDeployments[0].metadata.annotations"]


def test_class_is_unused_accepts_the_deletion_of_a_class_without_clusters() -> None:
    accepted(WEBHOOK, clusterclass(), deleted=True, **used())


def test_class_is_unused_accepts_the_deletion_after_a_move() -> None:
    accepted(WEBHOOK, clusterclass(annotations={DELETE_FOR_MOVE_ANNOTATION: ""}), deleted=True, **used(topology()))


def test_class_is_unused_refuses_the_deletion_of_a_class_with_clusters() -> None:
    told = denied(CLASS_IS_UNUSED, WEBHOOK, clusterclass(), deleted=True, **used(*[topology()] * 4))

    assert told == (
        "ClusterClass default/standard cannot be deleted while it is used by 4 Clusters: "
        "default/demo-0, default/demo-1, default/demo-2, 1 more"
    )


async def test_users_are_the_clusters_of_all_namespaces_whose_topology_names_the_class() -> None:
    elsewhere = topology()
    elsewhere = elsewhere.model_copy(update={"class_ref": ClusterClassReference(name="standard", namespace="default")})
    clusters = ClustersThere(
        build.cluster("own", topology=topology()),
        build.cluster("none"),
        build.cluster("other", topology=topology(class_name="other")),
        build.cluster("far", topology=elsewhere, namespace="teams"),
        build.cluster("far-own", topology=topology(), namespace="teams"),
    )

    facts = await gather(Admission("DELETE", clusterclass(), None, None), clusters)

    assert [str(user.key) for user in facts.users] == ["default/own", "teams/far"]


@pytest.mark.parametrize(
    ("new", "asked"),
    [(clusterclass(), 0), (clusterclass(labels={"team": "blue"}), 0), (with_variables(SIZE), 1), (clusterclass(deployments=[SCALED]), 1)],
)
async def test_clusters_are_read_only_when_a_change_may_concern_them(new: ClusterClass, asked: int) -> None:
    clusters = ClustersThere(build.cluster(topology=topology()))

    await gather(Admission("UPDATE", new, clusterclass(), None), clusters)

    assert clusters.asked == asked


async def test_no_cluster_is_read_for_a_new_class() -> None:
    clusters = ClustersThere()

    assert await gather(Admission("CREATE", clusterclass(), None, None), clusters) == Facts()
    assert clusters.asked == 0
