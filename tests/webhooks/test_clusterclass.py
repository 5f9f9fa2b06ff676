"""What is allowed of the parts of a ClusterClass, and of the versions it offers."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.clusterclass import (
    ClassNaming,
    ClassUpgrade,
    ClusterClass,
    ControlPlaneClassHealthCheck,
    ExternalUpgrade,
    InfrastructureClass,
    MachineDeploymentClassHealthCheck,
    MachineDeploymentClassRollout,
)
from capelin.api.grouprules import AMOUNTS_ARE_NUMBERS_OR_PERCENTAGES, ROLLING_UPDATE_CAN_MOVE
from capelin.api.healthchecks import HealthChecks, Remediation, RemediationTrigger, WorkerRemediation
from capelin.api.labels import CONTROL_PLANE_TAINT
from capelin.api.machinedeployment import RollingUpdate, RolloutStrategy
from capelin.api.meta import TemplateMetadata
from capelin.webhooks.classparts import CLASS_NAMES_ARE_NAMES, TEMPLATES_ARE_TEMPLATES
from capelin.webhooks.classversions import (
    OFFERED_VERSIONS_ARE_VERSIONS,
    OFFERED_VERSIONS_ASCEND,
    OFFERED_VERSIONS_SKIP_NO_MINOR,
)
from capelin.webhooks.clusterclass import WEBHOOK
from capelin.webhooks.rules.healthchecks import (
    MAX_IN_FLIGHT_IS_AMOUNT,
    STARTUP_TIMEOUT_GIVES_TIME,
    UNHEALTHY_LIMIT_IS_AMOUNT,
    UNHEALTHY_RANGE_HAS_ORDER,
)
from capelin.webhooks.rules.metadata import TEMPLATE_ANNOTATIONS_ARE_VALID, TEMPLATE_LABELS_ARE_VALID
from capelin.webhooks.rules.taints import TAINTS_ARE_NOT_RESERVED
from capelin.webhooks.topology import HEALTH_CHECK_NEEDS_MACHINES
from tests.buildclasses import (
    class_template,
    class_variable,
    clusterclass,
    control_plane_class,
    machinedeployment_class,
    machinepool_class,
    template_ref,
)
from tests.webhooks import cases
from tests.webhooks.asking import accepted, fields, notices, refused
from tests.webhooks.cases import taint

DEPLOYMENT = "spec.workers.machineDeployments[1]"
POOL = "spec.workers.machinePools[0]"


def with_deployment(**parts: Any) -> ClusterClass:
    """Return a class whose second class of deployments has these fields."""
    return clusterclass(deployments=[machinedeployment_class(), machinedeployment_class("other", **parts)])


def with_pool(**parts: Any) -> ClusterClass:
    return clusterclass(pools=[machinepool_class(**parts)])


def with_control_plane(**parts: Any) -> ClusterClass:
    return clusterclass(control_plane=control_plane_class(**parts))


def checked(checks: HealthChecks | None = None, trigger: RemediationTrigger | None = None) -> list[tuple[ClusterClass, str]]:
    """Return classes that check the health of control planes and of workers so, with the field that does."""
    remediation = Remediation(trigger_if=trigger) if trigger else None
    of_workers = WorkerRemediation(trigger_if=trigger) if trigger else None
    return [
        (
            with_control_plane(health_check=ControlPlaneClassHealthCheck(checks=checks, remediation=remediation)),
            "spec.controlPlane.healthCheck",
        ),
        (
            with_deployment(health_check=MachineDeploymentClassHealthCheck(checks=checks, remediation=of_workers)),
            f"{DEPLOYMENT}.healthCheck",
        ),
    ]


def rolled(surge: int | str | None, unavailable: int | str | None) -> ClusterClass:
    rolling = RollingUpdate(max_surge=surge, max_unavailable=unavailable)
    strategy = RolloutStrategy(type="RollingUpdate", rolling_update=rolling)
    return with_deployment(rollout=MachineDeploymentClassRollout(strategy=strategy))


def offering(*versions: str) -> ClusterClass:
    return clusterclass(spec={"kubernetes_versions": list(versions)})


def test_templates_are_templates_accepts_every_template() -> None:
    accepted(WEBHOOK, clusterclass(pools=[machinepool_class()]))
    accepted(WEBHOOK, clusterclass(spec={"infrastructure": InfrastructureClass(template_ref=template_ref("XTemplate"))}))


@pytest.mark.parametrize("kind", ["DevMachine", "Template", "DevMachineTemplates", "devmachinetemplate"])
def test_templates_are_templates_refuses_other_kinds(kind: str) -> None:
    deployments = [machinedeployment_class(bootstrap=class_template(kind), infrastructure=class_template(kind))]
    pools = [machinepool_class(bootstrap=class_template(kind), infrastructure=class_template(kind))]
    control_plane = control_plane_class(template_ref=template_ref(kind), machine_infrastructure=class_template(kind))
    infrastructure = InfrastructureClass(template_ref=template_ref(kind))

    broken = clusterclass(control_plane=control_plane, deployments=deployments, pools=pools, spec={"infrastructure": infrastructure})

    assert fields(refused(TEMPLATES_ARE_TEMPLATES, WEBHOOK, broken)) == [
        "spec.infrastructure.templateRef.kind",
        "spec.controlPlane.templateRef.kind",
        "spec.controlPlane.machineInfrastructure.templateRef.kind",
        "spec.workers.machineDeployments[0].bootstrap.templateRef.kind",
        "spec.workers.machineDeployments[0].infrastructure.templateRef.kind",
        f"{POOL}.bootstrap.templateRef.kind",
        f"{POOL}.infrastructure.templateRef.kind",
    ]


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("{{ .cluster.name }}-{{ .random }}", id="all fields"),
        pytest.param("control-plane", id="no field"),
        pytest.param("x" * 80 + "-{{ .random }}", id="more than fits"),
    ],
)
def test_class_names_are_names_accepts_templates_that_make_names(template: str) -> None:
    naming = ClassNaming(template=template)

    accepted(WEBHOOK, with_control_plane(naming=naming))
    accepted(WEBHOOK, clusterclass(spec={"infrastructure": InfrastructureClass(template_ref=template_ref("XTemplate"), naming=naming)}))


def test_class_names_are_names_accepts_the_names_of_groups() -> None:
    accepted(WEBHOOK, with_deployment(naming=ClassNaming(template="{{ .cluster.name }}-{{ .machineDeployment.topologyName }}")))
    accepted(WEBHOOK, with_pool(naming=ClassNaming(template="{{ .machinePool.topologyName }}-{{ .random }}")))


@pytest.mark.parametrize("template", ["Worker", "{{ .cluster }}", "{{ .zone }}", "{{ .", "{{ .random }}-", "{{ now }}"])
def test_class_names_are_names_refuses_what_makes_no_name(template: str) -> None:
    naming = ClassNaming(template=template)
    infrastructure = InfrastructureClass(template_ref=template_ref("XTemplate"), naming=naming)
    deployments, pools = [machinedeployment_class(naming=naming)], [machinepool_class(naming=naming)]
    control_plane = control_plane_class(naming=naming)

    broken = clusterclass(control_plane=control_plane, deployments=deployments, pools=pools, spec={"infrastructure": infrastructure})

    assert fields(refused(CLASS_NAMES_ARE_NAMES, WEBHOOK, broken)) == [
        "spec.infrastructure.naming.template",
        "spec.controlPlane.naming.template",
        "spec.workers.machineDeployments[0].naming.template",
        f"{POOL}.naming.template",
    ]


def test_class_names_are_names_refuses_the_names_of_other_groups() -> None:
    refusals = refused(CLASS_NAMES_ARE_NAMES, WEBHOOK, with_pool(naming=ClassNaming(template="{{ .machineDeployment.topologyName }}")))

    assert "{{ .machinePool.topologyName }}" in refusals[0].allowed


def test_template_labels_are_valid_accepts_labels() -> None:
    accepted(WEBHOOK, with_control_plane(metadata=TemplateMetadata(labels=cases.VALID_LABELS)))


@pytest.mark.parametrize(("labels", "end"), cases.INVALID_LABELS)
def test_template_labels_are_valid_refuses_others(labels: dict[str, str], end: str) -> None:
    metadata = TemplateMetadata(labels=labels)
    found = clusterclass(control_plane=control_plane_class(metadata=metadata), pools=[machinepool_class(metadata=metadata)])

    assert fields(refused(TEMPLATE_LABELS_ARE_VALID, WEBHOOK, found)) == [f"spec.controlPlane.metadata{end}", f"{POOL}.metadata{end}"]


def test_template_annotations_are_valid_accepts_any_text() -> None:
    accepted(WEBHOOK, with_deployment(metadata=TemplateMetadata(annotations={"example.com/note": "any text, ü\n"})))


@pytest.mark.parametrize(("annotations", "end"), cases.INVALID_ANNOTATIONS)
def test_template_annotations_are_valid_refuses_others(annotations: dict[str, str], end: str) -> None:
    found = with_deployment(metadata=TemplateMetadata(annotations=annotations))

    assert fields(refused(TEMPLATE_ANNOTATIONS_ARE_VALID, WEBHOOK, found)) == [f"{DEPLOYMENT}.metadata{end}"]


@pytest.mark.parametrize("key", cases.FREE_TAINTS)
def test_taints_are_not_reserved_accepts_keys_of_users(key: str) -> None:
    accepted(WEBHOOK, with_control_plane(taints=[taint(key)]))
    accepted(WEBHOOK, with_deployment(taints=[taint(key)]))


@pytest.mark.parametrize("key", cases.RESERVED_TAINTS)
def test_taints_are_not_reserved_refuses_keys_that_others_set(key: str) -> None:
    taints = [taint("example.com/gpu"), taint(key)]
    deployments, pools = [machinedeployment_class(taints=taints)], [machinepool_class(taints=taints)]
    found = clusterclass(control_plane=control_plane_class(taints=taints), deployments=deployments, pools=pools)

    refusals = refused(TAINTS_ARE_NOT_RESERVED, WEBHOOK, found)

    assert fields(refusals) == [
        "spec.controlPlane.taints[1].key",
        "spec.workers.machineDeployments[0].taints[1].key",
        f"{POOL}.taints[1].key",
    ]


@pytest.mark.parametrize("amount", cases.AMOUNTS)
def test_amounts_are_numbers_or_percentages_accepts_both(amount: int | str) -> None:
    accepted(WEBHOOK, rolled(amount, "10%"))


@pytest.mark.parametrize("amount", cases.NO_AMOUNTS)
def test_amounts_are_numbers_or_percentages_refuses_the_rest(amount: str) -> None:
    refusals = refused(AMOUNTS_ARE_NUMBERS_OR_PERCENTAGES, WEBHOOK, rolled(amount, amount))

    place = f"{DEPLOYMENT}.rollout.strategy.rollingUpdate"
    assert fields(refusals) == [f"{place}.maxSurge", f"{place}.maxUnavailable"]


@pytest.mark.parametrize(("surge", "unavailable"), [(0, None), (None, 0), (0, 1), ("0%", "0%")])
def test_rolling_update_can_move_accepts_a_lone_zero(surge: int | str | None, unavailable: int | str | None) -> None:
    accepted(WEBHOOK, rolled(surge, unavailable))


def test_rolling_update_can_move_refuses_two_zeros() -> None:
    assert fields(refused(ROLLING_UPDATE_CAN_MOVE, WEBHOOK, rolled(0, 0))) == [f"{DEPLOYMENT}.rollout.strategy.rollingUpdate"]


def test_health_check_needs_machines_accepts_one_beside_machine_infrastructure() -> None:
    accepted(WEBHOOK, with_control_plane(health_check=ControlPlaneClassHealthCheck(checks=HealthChecks(node_startup_timeout_seconds=60))))


def test_health_check_needs_machines_refuses_one_without() -> None:
    check = ControlPlaneClassHealthCheck(checks=HealthChecks(node_startup_timeout_seconds=60))

    refusals = refused(HEALTH_CHECK_NEEDS_MACHINES, WEBHOOK, with_control_plane(health_check=check, machine_infrastructure=None))

    assert fields(refusals) == ["spec.controlPlane.healthCheck"]


@pytest.mark.parametrize("seconds", [0, 30, 600])
def test_startup_timeout_gives_time_accepts_none_or_half_a_minute(seconds: int) -> None:
    for found, _ in checked(HealthChecks(node_startup_timeout_seconds=seconds)):
        accepted(WEBHOOK, found)


@pytest.mark.parametrize("seconds", [1, 29])
def test_startup_timeout_gives_time_refuses_less(seconds: int) -> None:
    for found, field in checked(HealthChecks(node_startup_timeout_seconds=seconds)):
        assert fields(refused(STARTUP_TIMEOUT_GIVES_TIME, WEBHOOK, found)) == [f"{field}.checks.nodeStartupTimeoutSeconds"]


@pytest.mark.parametrize("limit", cases.AMOUNTS)
def test_unhealthy_limit_is_amount_accepts_numbers_and_percentages(limit: int | str) -> None:
    for found, _ in checked(trigger=RemediationTrigger(unhealthy_less_than_or_equal_to=limit)):
        accepted(WEBHOOK, found)


@pytest.mark.parametrize("limit", cases.NO_AMOUNTS)
def test_unhealthy_limit_is_amount_refuses_the_rest(limit: str) -> None:
    for found, field in checked(trigger=RemediationTrigger(unhealthy_less_than_or_equal_to=limit)):
        refusals = refused(UNHEALTHY_LIMIT_IS_AMOUNT, WEBHOOK, found)

        assert fields(refusals) == [f"{field}.remediation.triggerIf.unhealthyLessThanOrEqualTo"]


def test_unhealthy_range_has_order_accepts_ranges() -> None:
    for found, _ in checked(trigger=RemediationTrigger(unhealthy_in_range="[3-3]")):
        accepted(WEBHOOK, found)


def test_unhealthy_range_has_order_refuses_the_larger_number_first() -> None:
    for found, field in checked(trigger=RemediationTrigger(unhealthy_in_range="[5-3]")):
        assert fields(refused(UNHEALTHY_RANGE_HAS_ORDER, WEBHOOK, found)) == [f"{field}.remediation.triggerIf.unhealthyInRange"]


@pytest.mark.parametrize("amount", cases.AMOUNTS)
def test_max_in_flight_is_amount_accepts_numbers_and_percentages(amount: int | str) -> None:
    accepted(WEBHOOK, with_deployment(health_check=MachineDeploymentClassHealthCheck(remediation=WorkerRemediation(max_in_flight=amount))))


@pytest.mark.parametrize("amount", cases.NO_AMOUNTS)
def test_max_in_flight_is_amount_refuses_the_rest(amount: str) -> None:
    check = MachineDeploymentClassHealthCheck(remediation=WorkerRemediation(max_in_flight=amount))

    refusals = refused(MAX_IN_FLIGHT_IS_AMOUNT, WEBHOOK, with_deployment(health_check=check))

    assert fields(refusals) == [f"{DEPLOYMENT}.healthCheck.remediation.maxInFlight"]


@pytest.mark.parametrize("version", ["v1.34.0", "1.34.0", "1.34", " v1 ", "v01.034.000", "v1.34.0-rc.1", "v1.34.0+vendor.1"])
def test_offered_versions_are_versions_accepts_any_spelling(version: str) -> None:
    accepted(WEBHOOK, offering(version))


@pytest.mark.parametrize("version", ["latest", "v1.x", "1.34-rc.1", "v1.34.0.1", "v", "vv1.34.0", "1.-34.0", "v1.34.0\u0663"])
def test_offered_versions_are_versions_refuses_the_rest(version: str) -> None:
    refusals = refused(OFFERED_VERSIONS_ARE_VERSIONS, WEBHOOK, offering("v1.33.0", version, "v1.34.0"))

    assert fields(refusals) == ["spec.kubernetesVersions[1]"]


def test_offered_versions_ascend_accepts_versions_in_order() -> None:
    accepted(WEBHOOK, offering("v1.33.0", "v1.33.1", "v1.34.0-rc.1", "v1.34.0", "1.35"))


@pytest.mark.parametrize("versions", [("v1.34.1", "v1.34.0"), ("v1.34.0", "1.34"), ("v1.34.0", "v1.34.0-rc.1"), ("v2.0.0", "v1.35.0")])
def test_offered_versions_ascend_refuses_one_that_is_not_above_the_one_before(versions: tuple[str, ...]) -> None:
    refusals = refused(OFFERED_VERSIONS_ASCEND, WEBHOOK, offering(*versions))

    assert fields(refusals) == ["spec.kubernetesVersions[1]"]


def test_offered_versions_skip_no_minor_accepts_every_minor() -> None:
    accepted(WEBHOOK, offering("v1.32.0", "v1.33.4", "v1.34.9"))


@pytest.mark.parametrize("version", ["v1.35.0", "v2.0.0", "v1.36.0-alpha.1"])
def test_offered_versions_skip_no_minor_refuses_a_gap(version: str) -> None:
    refusals = refused(OFFERED_VERSIONS_SKIP_NO_MINOR, WEBHOOK, offering("v1.33.0", version))

    assert fields(refusals) == ["spec.kubernetesVersions[1]"]


def test_what_clusters_could_not_use_is_warned_of() -> None:
    upgrade = ClassUpgrade(external=ExternalUpgrade(generate_upgrade_plan_extension="planner"))
    found = clusterclass(
        deployments=[machinedeployment_class(taints=[taint(CONTROL_PLANE_TAINT)])],
        pools=[machinepool_class(taints=[taint("example.com/gpu")])],
        spec={"kubernetes_versions": ["1.34"], "upgrade": upgrade},
    )

    accepted(WEBHOOK, found)
    assert [told.partition(": ")[0] for told in notices(WEBHOOK, found)] == [
        "spec.workers.machineDeployments[0].taints[0].key",
        f"{POOL}.taints",
        "spec.kubernetesVersions[0]",
        "spec.upgrade.external.generateUpgradePlanExtension",
    ]


def test_nothing_is_said_of_a_class_that_is_fine() -> None:
    upgrade = ClassUpgrade(external=ExternalUpgrade(generate_upgrade_plan_extension="plan.planner"))

    assert notices(WEBHOOK, clusterclass(variables=[class_variable()], spec={"upgrade": upgrade})) == []
