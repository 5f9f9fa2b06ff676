"""What is allowed of MachineSets."""

from __future__ import annotations

import pytest

from capelin.api.grouprules import (
    AUTOSCALER_BOUNDS_ARE_NUMBERS,
    CLUSTER_LABEL_IS_CLUSTER_NAME,
    NAMES_ARE_RANDOM,
    REPLICAS_ARE_NOT_NEGATIVE,
    SELECTOR_MATCHES_TEMPLATE,
    TEMPLATE_HAS_SAME_CLUSTER,
)
from capelin.api.labels import AUTOSCALER_MAX_SIZE_ANNOTATION, AUTOSCALER_MIN_SIZE_ANNOTATION, CLUSTER_NAME_LABEL
from capelin.api.machineset import MachineNaming
from capelin.webhooks.machineset import WEBHOOK
from capelin.webhooks.rules.cluster import CLUSTER_NAME_STAYS
from capelin.webhooks.rules.naming import NAMES_ARE_NAMES
from tests import build
from tests.webhooks.asking import accepted, defaulted, fields, notices, refused
from tests.webhooks.cases import NAMINGS, NO_NAMINGS, of_role, template

BOUNDS = {AUTOSCALER_MIN_SIZE_ANNOTATION: "2", AUTOSCALER_MAX_SIZE_ANNOTATION: "5"}


def test_defaults_are_those_of_the_api() -> None:
    got = defaulted(WEBHOOK, build.machineset(replicas=None, template=template(version="1.34.0")))

    assert got.spec.replicas == 1
    assert got.spec.template.spec.version == "v1.34.0"


@pytest.mark.parametrize(("before", "want"), [(1, 2), (4, 4), (9, 5)])
def test_replicas_that_are_left_out_stay_within_the_bounds_of_the_autoscaler(before: int, want: int) -> None:
    got = defaulted(WEBHOOK, build.machineset(replicas=None, annotations=BOUNDS), build.machineset(replicas=before))

    assert got.spec.replicas == want


def test_cluster_label_is_cluster_name_accepts_the_cluster_of_the_spec() -> None:
    accepted(WEBHOOK, build.machineset())


def test_cluster_label_is_cluster_name_refuses_another_cluster() -> None:
    refusals = refused(CLUSTER_LABEL_IS_CLUSTER_NAME, WEBHOOK, build.machineset(labels={CLUSTER_NAME_LABEL: "other"}))

    assert fields(refusals) == [f"metadata.labels[{CLUSTER_NAME_LABEL}]"]


def test_template_has_same_cluster_accepts_the_cluster_of_the_group() -> None:
    accepted(WEBHOOK, build.machineset(cluster_name="other"))


def test_template_has_same_cluster_refuses_machines_of_another_cluster() -> None:
    other = template(cluster_name="other")

    refusals = refused(TEMPLATE_HAS_SAME_CLUSTER, WEBHOOK, build.machineset(spec=of_role(other)))

    assert fields(refusals) == ["spec.template.spec.clusterName"]


@pytest.mark.parametrize("replicas", [0, 1, 5000, 2**31 - 1])
def test_replicas_are_not_negative_accepts_any_number(replicas: int) -> None:
    accepted(WEBHOOK, build.machineset(replicas=replicas))


@pytest.mark.parametrize("replicas", [-1, -(2**31)])
def test_replicas_are_not_negative_refuses_fewer_than_none(replicas: int) -> None:
    refusals = refused(REPLICAS_ARE_NOT_NEGATIVE, WEBHOOK, build.machineset(replicas=replicas))

    assert fields(refusals) == ["spec.replicas"]


def test_more_machines_than_a_cluster_can_have_are_warned_of() -> None:
    assert notices(WEBHOOK, build.machineset(replicas=5000)) == []
    (notice,) = notices(WEBHOOK, build.machineset(replicas=5001))

    assert notice.startswith("spec.replicas: 5001")


def test_selector_matches_template_accepts_labels_of_the_template() -> None:
    accepted(WEBHOOK, build.machineset(spec=of_role(template())))


def test_selector_matches_template_refuses_labels_the_template_lacks() -> None:
    refusals = refused(SELECTOR_MATCHES_TEMPLATE, WEBHOOK, build.machineset(spec=of_role(template(), "gpu")))

    assert fields(refusals) == ["spec.selector"]
    assert refusals[0].found == "role=gpu"


def test_autoscaler_bounds_are_numbers_accepts_whole_numbers() -> None:
    accepted(WEBHOOK, build.machineset(annotations=BOUNDS))


def test_autoscaler_bounds_are_numbers_refuses_words() -> None:
    refusals = refused(AUTOSCALER_BOUNDS_ARE_NUMBERS, WEBHOOK, build.machineset(annotations={AUTOSCALER_MIN_SIZE_ANNOTATION: "few"}))

    assert fields(refusals) == [f"metadata.annotations[{AUTOSCALER_MIN_SIZE_ANNOTATION}]"]


@pytest.mark.parametrize("naming", ["{{ .random }}", "worker-{{ .random }}", "{{ .cluster.name }}-{{ .random }}"])
def test_names_are_random_accepts_a_random_part(naming: str) -> None:
    accepted(WEBHOOK, build.machineset(spec={"machine_naming": MachineNaming(template=naming)}))


@pytest.mark.parametrize("naming", ["worker", "{{ .machineSet.name }}", "worker-{{.random}}", "worker.random"])
def test_names_are_random_refuses_names_without_one(naming: str) -> None:
    refusals = refused(NAMES_ARE_RANDOM, WEBHOOK, build.machineset(spec={"machine_naming": MachineNaming(template=naming)}))

    assert fields(refusals) == ["spec.machineNaming.template"]


@pytest.mark.parametrize("naming", NAMINGS)
def test_names_are_names_accepts_templates_of_names(naming: str) -> None:
    accepted(WEBHOOK, build.machineset(spec={"machine_naming": MachineNaming(template=naming)}))


@pytest.mark.parametrize("naming", NO_NAMINGS)
def test_names_are_names_refuses_templates_of_other_texts(naming: str) -> None:
    refusals = refused(NAMES_ARE_NAMES, WEBHOOK, build.machineset(spec={"machine_naming": MachineNaming(template=naming)}))

    assert fields(refusals) == ["spec.machineNaming.template"]


def test_cluster_name_stays_accepts_other_changes() -> None:
    accepted(WEBHOOK, build.machineset(replicas=5), build.machineset())


def test_cluster_name_stays_refuses_another_cluster() -> None:
    refusals = refused(CLUSTER_NAME_STAYS, WEBHOOK, build.machineset(cluster_name="other"), build.machineset())

    assert fields(refusals) == ["spec.clusterName"]
