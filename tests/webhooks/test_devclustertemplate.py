"""What is allowed of DevClusterTemplates."""

from __future__ import annotations

import pytest

from capelin.api.behavior import BEHAVIOR_ANNOTATION
from capelin.api.devcluster import DevClusterBackend, DevClusterSpec, DevClusterTemplate
from capelin.api.labels import TOPOLOGY_DRY_RUN_ANNOTATION
from capelin.api.meta import TemplateMetadata
from capelin.webhooks.devclustertemplate import WEBHOOK
from capelin.webhooks.rules.devbackends import FAILURE_DOMAINS_ARE_SORTED
from capelin.webhooks.rules.immutability import TEMPLATE_SPEC_STAYS
from capelin.webhooks.rules.metadata import TEMPLATE_ANNOTATIONS_ARE_VALID, TEMPLATE_LABELS_ARE_VALID
from tests.webhooks.asking import accepted, defaulted, fields, notices, refused
from tests.webhooks.cases import INVALID_ANNOTATIONS, INVALID_LABELS, VALID_LABELS
from tests.webhooks.devspecs import IN_MEMORY_CLUSTER, devclustertemplate, docker_cluster


def test_defaults_are_those_of_the_api() -> None:
    got = defaulted(WEBHOOK, devclustertemplate(DevClusterSpec(backend=DevClusterBackend())))

    assert got.spec.template.spec.control_plane_endpoint.port == 6443


def test_failure_domains_are_sorted_accepts_the_order_of_names() -> None:
    accepted(WEBHOOK, devclustertemplate(docker_cluster("a", "b")))


def test_failure_domains_are_sorted_refuses_another_order() -> None:
    refusals = refused(FAILURE_DOMAINS_ARE_SORTED, WEBHOOK, devclustertemplate(docker_cluster("b", "a")))

    assert fields(refusals) == ["spec.template.spec.backend.docker.failureDomains[1].name"]


def test_template_labels_are_valid_accepts_labels_of_kubernetes() -> None:
    accepted(WEBHOOK, devclustertemplate(made=TemplateMetadata(labels=VALID_LABELS)))


def test_template_labels_are_valid_accepts_any_once_the_template_is_stored() -> None:
    accepted(WEBHOOK, devclustertemplate(made=TemplateMetadata(labels={"a/b/c": ""})), devclustertemplate())


@pytest.mark.parametrize(("labels", "end"), INVALID_LABELS)
def test_template_labels_are_valid_refuses_what_no_object_may_carry(labels: dict[str, str], end: str) -> None:
    refusals = refused(TEMPLATE_LABELS_ARE_VALID, WEBHOOK, devclustertemplate(made=TemplateMetadata(labels=labels)))

    assert fields(refusals) == [f"spec.template.metadata{end}"]


def test_template_annotations_are_valid_accepts_capitals_before_the_slash() -> None:
    accepted(WEBHOOK, devclustertemplate(made=TemplateMetadata(annotations={"Example.com/note": "x y"})))


@pytest.mark.parametrize(("annotations", "end"), INVALID_ANNOTATIONS)
def test_template_annotations_are_valid_refuses_what_no_object_may_carry(annotations: dict[str, str], end: str) -> None:
    refusals = refused(TEMPLATE_ANNOTATIONS_ARE_VALID, WEBHOOK, devclustertemplate(made=TemplateMetadata(annotations=annotations)))

    assert fields(refusals) == [f"spec.template.metadata{end}"]


def test_template_spec_stays_accepts_other_labels_and_defaults_that_were_not_stored() -> None:
    bare = devclustertemplate(DevClusterSpec(backend=DevClusterBackend()))

    accepted(WEBHOOK, devclustertemplate(labels={"team": "blue"}), devclustertemplate())
    accepted(WEBHOOK, defaulted(WEBHOOK, bare), bare)


def test_template_spec_stays_refuses_another_backend() -> None:
    refusals = refused(TEMPLATE_SPEC_STAYS, WEBHOOK, devclustertemplate(docker_cluster()), devclustertemplate(IN_MEMORY_CLUSTER))

    assert fields(refusals) == ["spec.template.spec"]
    assert "backend.inMemory" in refusals[0].found


def test_template_spec_stays_refuses_the_dry_run_of_a_topology_too() -> None:
    trial = devclustertemplate(docker_cluster(), annotations={TOPOLOGY_DRY_RUN_ANNOTATION: ""})

    refused(TEMPLATE_SPEC_STAYS, WEBHOOK, trial, devclustertemplate(), dry_run=True)


def test_template_spec_stays_refuses_a_template_that_is_emptied() -> None:
    refused(TEMPLATE_SPEC_STAYS, WEBHOOK, DevClusterTemplate(), devclustertemplate())


def test_containers_and_behaviors_without_effect_are_warned_of() -> None:
    wrong = devclustertemplate(docker_cluster(), TemplateMetadata(annotations={BEHAVIOR_ANNOTATION: "{"}))

    got = notices(WEBHOOK, wrong)

    assert [notice.split(":")[0] for notice in got] == ["spec.template.spec.backend.docker", BEHAVIOR_ANNOTATION]
