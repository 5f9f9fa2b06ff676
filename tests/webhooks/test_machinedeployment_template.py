"""What is allowed of the templates of MachineDeployments, and of what their selectors say."""

from __future__ import annotations

import pytest

from capelin.api.labels import CONTROL_PLANE_TAINT
from capelin.api.machine import Bootstrap
from capelin.api.machineset import SKIP_PREFLIGHT_CHECKS_ANNOTATION
from capelin.api.meta import LabelSelector, TemplateMetadata
from capelin.api.refusals import VERSION_IS_SEMANTIC
from capelin.webhooks.machinedeployment import WEBHOOK
from capelin.webhooks.rules.bootstrap import HAS_BOOTSTRAP
from capelin.webhooks.rules.groups import PREFLIGHT_CHECKS_EXIST
from capelin.webhooks.rules.metadata import TEMPLATE_ANNOTATIONS_ARE_VALID, TEMPLATE_LABELS_ARE_VALID
from capelin.webhooks.rules.selectors import SELECTOR_IS_VALID
from capelin.webhooks.rules.taints import CONTROL_PLANE_TAINT_IS_FOR_CONTROL_PLANES, TAINTS_ARE_NOT_RESERVED
from tests import build
from tests.webhooks.asking import accepted, fields, refused
from tests.webhooks.cases import (
    FREE_TAINTS,
    INVALID_ANNOTATIONS,
    INVALID_LABELS,
    NO_VERSIONS,
    READABLE_SELECTORS,
    RESERVED_TAINTS,
    UNREADABLE_SELECTORS,
    VALID_LABELS,
    of_role,
    taint,
    template,
)


@pytest.mark.parametrize("selector", READABLE_SELECTORS)
def test_selector_is_valid_accepts_known_operators(selector: LabelSelector) -> None:
    accepted(WEBHOOK, build.machinedeployment(spec={"selector": selector}, template=template()))


@pytest.mark.parametrize(("selector", "end"), UNREADABLE_SELECTORS)
def test_selector_is_valid_refuses_what_matches_no_label(selector: LabelSelector, end: str) -> None:
    refusals = refused(SELECTOR_IS_VALID, WEBHOOK, build.machinedeployment(spec={"selector": selector}, template=template()))

    assert fields(refusals) == [f"spec.selector{end}"]


@pytest.mark.parametrize("version", [None, "v1.34.0", "v1.34.0-rc.1", "v1.34.0+vendor.1"])
def test_version_is_semantic_accepts_versions_and_none(version: str | None) -> None:
    accepted(WEBHOOK, build.machinedeployment(spec=of_role(template(version=version))))


@pytest.mark.parametrize("version", NO_VERSIONS)
def test_version_is_semantic_refuses_what_is_no_version(version: str) -> None:
    refusals = refused(VERSION_IS_SEMANTIC, WEBHOOK, build.machinedeployment(spec=of_role(template(version=version))))

    assert fields(refusals) == ["spec.template.spec.version"]


def test_has_bootstrap_accepts_a_configuration_or_data() -> None:
    data = Bootstrap(data_secret_name="data")

    accepted(WEBHOOK, build.machinedeployment(spec=of_role(template())))
    accepted(WEBHOOK, build.machinedeployment(spec=of_role(template(bootstrap=data))))


def test_has_bootstrap_refuses_a_template_with_neither() -> None:
    refusals = refused(HAS_BOOTSTRAP, WEBHOOK, build.machinedeployment(spec=of_role(template(bootstrap=Bootstrap()))))

    assert fields(refusals) == ["spec.template.spec.bootstrap"]


@pytest.mark.parametrize("key", FREE_TAINTS)
def test_taints_are_not_reserved_accepts_keys_of_users(key: str) -> None:
    accepted(WEBHOOK, build.machinedeployment(spec=of_role(template(taints=[taint(key)]))))


@pytest.mark.parametrize("key", RESERVED_TAINTS)
def test_taints_are_not_reserved_refuses_keys_that_others_set(key: str) -> None:
    tainted = template(taints=[taint("example.com/gpu"), taint(key)])

    refusals = refused(TAINTS_ARE_NOT_RESERVED, WEBHOOK, build.machinedeployment(spec=of_role(tainted)))

    assert fields(refusals) == ["spec.template.spec.taints[1].key"]


def test_control_plane_taint_is_for_control_planes_accepts_other_taints() -> None:
    accepted(WEBHOOK, build.machinedeployment(spec=of_role(template(taints=[taint("example.com/gpu")]))))


def test_control_plane_taint_is_for_control_planes_refuses_it_on_workers() -> None:
    tainted = template(taints=[taint(CONTROL_PLANE_TAINT)])

    refusals = refused(CONTROL_PLANE_TAINT_IS_FOR_CONTROL_PLANES, WEBHOOK, build.machinedeployment(spec=of_role(tainted)))

    assert fields(refusals) == ["spec.template.spec.taints[0].key"]


def test_template_labels_are_valid_accepts_labels_of_kubernetes() -> None:
    accepted(WEBHOOK, build.machinedeployment(spec=of_role(template(TemplateMetadata(labels=VALID_LABELS)))))


@pytest.mark.parametrize(("labels", "end"), INVALID_LABELS)
def test_template_labels_are_valid_refuses_what_no_object_may_carry(labels: dict[str, str], end: str) -> None:
    labelled = template(TemplateMetadata(labels=labels))

    refusals = refused(TEMPLATE_LABELS_ARE_VALID, WEBHOOK, build.machinedeployment(spec=of_role(labelled)))

    assert fields(refusals) == [f"spec.template.metadata{end}"]


def test_template_annotations_are_valid_accepts_capitals_before_the_slash() -> None:
    accepted(WEBHOOK, build.machinedeployment(spec=of_role(template(TemplateMetadata(annotations={"Example.com/note": "x y"})))))


@pytest.mark.parametrize(("annotations", "end"), INVALID_ANNOTATIONS)
def test_template_annotations_are_valid_refuses_what_no_object_may_carry(annotations: dict[str, str], end: str) -> None:
    annotated = template(TemplateMetadata(annotations=annotations))

    refusals = refused(TEMPLATE_ANNOTATIONS_ARE_VALID, WEBHOOK, build.machinedeployment(spec=of_role(annotated)))

    assert fields(refusals) == [f"spec.template.metadata{end}"]


@pytest.mark.parametrize(
    "skipped", ["All", "KubeadmVersionSkew,KubernetesVersionSkew", " ControlPlaneIsStable , ControlPlaneVersionSkew", ""]
)
def test_preflight_checks_exist_accepts_known_names(skipped: str) -> None:
    accepted(WEBHOOK, build.machinedeployment(annotations={SKIP_PREFLIGHT_CHECKS_ANNOTATION: skipped}))


@pytest.mark.parametrize(("skipped", "found"), [("all", "'all'"), ("All,Weather", "'Weather'"), ("All,", "''"), ("a,b", "'a, b'")])
def test_preflight_checks_exist_refuses_unknown_names(skipped: str, found: str) -> None:
    refusals = refused(PREFLIGHT_CHECKS_EXIST, WEBHOOK, build.machinedeployment(annotations={SKIP_PREFLIGHT_CHECKS_ANNOTATION: skipped}))

    assert fields(refusals) == [f"metadata.annotations[{SKIP_PREFLIGHT_CHECKS_ANNOTATION}]"]
    assert refusals[0].found == found
