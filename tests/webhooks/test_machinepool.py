"""What is allowed of MachinePools."""

from __future__ import annotations

import pytest

from capelin.api.grouprules import AUTOSCALER_BOUNDS_ARE_NUMBERS, REPLICAS_ARE_NOT_NEGATIVE, TEMPLATE_HAS_SAME_CLUSTER
from capelin.api.labels import AUTOSCALER_MAX_SIZE_ANNOTATION, AUTOSCALER_MIN_SIZE_ANNOTATION
from capelin.api.machine import Bootstrap
from capelin.api.meta import TemplateMetadata
from capelin.api.refusals import VERSION_IS_SEMANTIC
from capelin.webhooks.machinepool import POOL_HAS_NO_TAINTS, WEBHOOK
from capelin.webhooks.rules.bootstrap import HAS_BOOTSTRAP
from capelin.webhooks.rules.cluster import CLUSTER_NAME_STAYS
from capelin.webhooks.rules.metadata import TEMPLATE_ANNOTATIONS_ARE_VALID, TEMPLATE_LABELS_ARE_VALID
from tests.buildclasses import machinepool
from tests.webhooks.asking import accepted, defaulted, fields, notices, refused
from tests.webhooks.cases import INVALID_ANNOTATIONS, INVALID_LABELS, NO_VERSIONS, VALID_LABELS, taint, template

BOUNDS = {AUTOSCALER_MIN_SIZE_ANNOTATION: "2", AUTOSCALER_MAX_SIZE_ANNOTATION: "5"}


def test_defaults_are_those_of_the_api() -> None:
    got = defaulted(WEBHOOK, machinepool(replicas=None, template=template(version="1.34.0")))

    assert got.spec.replicas == 1
    assert got.spec.template.spec.version == "v1.34.0"
    assert got.spec.template.spec.deletion.node_deletion_timeout_seconds == 10


@pytest.mark.parametrize(("before", "want"), [(1, 2), (4, 4), (9, 5)])
def test_replicas_that_are_left_out_stay_within_the_bounds_of_the_autoscaler(before: int, want: int) -> None:
    got = defaulted(WEBHOOK, machinepool(replicas=None, annotations=BOUNDS), machinepool(replicas=before))

    assert got.spec.replicas == want


def test_autoscaler_bounds_are_numbers_accepts_whole_numbers() -> None:
    accepted(WEBHOOK, machinepool(annotations=BOUNDS))


@pytest.mark.parametrize("bound", ["few", "", "-1", "1.5", "\u0663"])
def test_autoscaler_bounds_are_numbers_refuses_the_rest(bound: str) -> None:
    refusals = refused(AUTOSCALER_BOUNDS_ARE_NUMBERS, WEBHOOK, machinepool(annotations=BOUNDS | {AUTOSCALER_MIN_SIZE_ANNOTATION: bound}))

    assert fields(refusals) == [f"metadata.annotations[{AUTOSCALER_MIN_SIZE_ANNOTATION}]"]


def test_template_has_same_cluster_accepts_the_cluster_of_the_pool() -> None:
    accepted(WEBHOOK, machinepool(cluster_name="other"))


def test_template_has_same_cluster_refuses_machines_of_another_cluster() -> None:
    refusals = refused(TEMPLATE_HAS_SAME_CLUSTER, WEBHOOK, machinepool(template=template(cluster_name="other")))

    assert fields(refusals) == ["spec.template.spec.clusterName"]


@pytest.mark.parametrize("replicas", [0, 1, 2**31 - 1])
def test_replicas_are_not_negative_accepts_any_number(replicas: int) -> None:
    accepted(WEBHOOK, machinepool(replicas=replicas))


def test_replicas_are_not_negative_refuses_fewer_than_none() -> None:
    refusals = refused(REPLICAS_ARE_NOT_NEGATIVE, WEBHOOK, machinepool(replicas=-1))

    assert fields(refusals) == ["spec.replicas"]


def test_more_machines_than_a_cluster_can_have_are_warned_of() -> None:
    assert notices(WEBHOOK, machinepool(replicas=5000)) == []
    assert len(notices(WEBHOOK, machinepool(replicas=5001))) == 1


def test_has_bootstrap_accepts_a_configuration_or_data() -> None:
    accepted(WEBHOOK, machinepool())
    accepted(WEBHOOK, machinepool(template=template(bootstrap=Bootstrap(data_secret_name="data"))))


def test_has_bootstrap_refuses_a_pool_with_neither() -> None:
    refusals = refused(HAS_BOOTSTRAP, WEBHOOK, machinepool(template=template(bootstrap=Bootstrap())))

    assert fields(refusals) == ["spec.template.spec.bootstrap"]


@pytest.mark.parametrize("version", [None, "v1.34.0", "v1.34.0-rc.1"])
def test_version_is_semantic_accepts_versions_and_none(version: str | None) -> None:
    accepted(WEBHOOK, machinepool(template=template(version=version)))


@pytest.mark.parametrize("version", NO_VERSIONS)
def test_version_is_semantic_refuses_what_is_no_version(version: str) -> None:
    refusals = refused(VERSION_IS_SEMANTIC, WEBHOOK, machinepool(template=template(version=version)))

    assert fields(refusals) == ["spec.template.spec.version"]


def test_pool_has_no_taints_accepts_none() -> None:
    accepted(WEBHOOK, machinepool(template=template(taints=None)))


def test_pool_has_no_taints_refuses_any() -> None:
    refusals = refused(POOL_HAS_NO_TAINTS, WEBHOOK, machinepool(template=template(taints=[taint("example.com/gpu")])))

    assert fields(refusals) == ["spec.template.spec.taints"]


def test_template_labels_are_valid_accepts_labels_of_kubernetes() -> None:
    accepted(WEBHOOK, machinepool(template=template(TemplateMetadata(labels=VALID_LABELS))))


@pytest.mark.parametrize(("labels", "end"), INVALID_LABELS)
def test_template_labels_are_valid_refuses_what_no_object_may_carry(labels: dict[str, str], end: str) -> None:
    labelled = template(TemplateMetadata(labels=labels))

    refusals = refused(TEMPLATE_LABELS_ARE_VALID, WEBHOOK, machinepool(template=labelled))

    assert fields(refusals) == [f"spec.template.metadata{end}"]


def test_template_annotations_are_valid_accepts_capitals_before_the_slash() -> None:
    accepted(WEBHOOK, machinepool(template=template(TemplateMetadata(annotations={"Example.com/note": "x y"}))))


@pytest.mark.parametrize(("annotations", "end"), INVALID_ANNOTATIONS)
def test_template_annotations_are_valid_refuses_what_no_object_may_carry(annotations: dict[str, str], end: str) -> None:
    annotated = template(TemplateMetadata(annotations=annotations))

    refusals = refused(TEMPLATE_ANNOTATIONS_ARE_VALID, WEBHOOK, machinepool(template=annotated))

    assert fields(refusals) == [f"spec.template.metadata{end}"]


def test_cluster_name_stays_accepts_other_changes() -> None:
    accepted(WEBHOOK, machinepool(replicas=5), machinepool())


def test_cluster_name_stays_refuses_another_cluster() -> None:
    refusals = refused(CLUSTER_NAME_STAYS, WEBHOOK, machinepool(cluster_name="other"), machinepool())

    assert fields(refusals) == ["spec.clusterName"]
