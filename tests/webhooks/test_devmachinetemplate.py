"""What is allowed of DevMachineTemplates."""

from __future__ import annotations

import pytest

from capelin.api.devmachine import DevMachineBackend, DevMachineSpec, DevMachineTemplate
from capelin.api.labels import TOPOLOGY_DRY_RUN_ANNOTATION
from capelin.api.meta import TemplateMetadata
from capelin.webhooks.devmachinetemplate import WEBHOOK
from capelin.webhooks.rules.devbackends import DURATIONS_ARE_READABLE
from capelin.webhooks.rules.immutability import TEMPLATE_SPEC_STAYS
from capelin.webhooks.rules.metadata import TEMPLATE_ANNOTATIONS_ARE_VALID, TEMPLATE_LABELS_ARE_VALID
from tests.webhooks.asking import accepted, defaulted, fields, notices, refused
from tests.webhooks.cases import INVALID_ANNOTATIONS, INVALID_LABELS, VALID_LABELS
from tests.webhooks.devspecs import devmachinetemplate, docker_machine, simulated_machine


def test_defaults_are_those_of_the_api() -> None:
    got = defaulted(WEBHOOK, devmachinetemplate(DevMachineSpec(backend=DevMachineBackend())))

    assert got.spec.template.spec.backend.docker is not None


def test_durations_are_readable_accepts_those_of_kubernetes() -> None:
    accepted(WEBHOOK, devmachinetemplate(simulated_machine("1m30s")))


def test_durations_are_readable_refuses_other_texts() -> None:
    refusals = refused(DURATIONS_ARE_READABLE, WEBHOOK, devmachinetemplate(simulated_machine("soon")))

    assert fields(refusals) == ["spec.template.spec.backend.inMemory.node.provisioning.startupDuration"]


def test_template_labels_are_valid_accepts_labels_of_kubernetes() -> None:
    accepted(WEBHOOK, devmachinetemplate(made=TemplateMetadata(labels=VALID_LABELS)))


@pytest.mark.parametrize("before", [None, devmachinetemplate()], ids=["new", "changed"])
@pytest.mark.parametrize(("labels", "end"), INVALID_LABELS)
def test_template_labels_are_valid_refuses_what_no_object_may_carry(
    labels: dict[str, str], end: str, before: DevMachineTemplate | None
) -> None:
    refusals = refused(TEMPLATE_LABELS_ARE_VALID, WEBHOOK, devmachinetemplate(made=TemplateMetadata(labels=labels)), before)

    assert fields(refusals) == [f"spec.template.metadata{end}"]


def test_template_annotations_are_valid_accepts_capitals_before_the_slash() -> None:
    accepted(WEBHOOK, devmachinetemplate(made=TemplateMetadata(annotations={"Example.com/note": "x y"})))


@pytest.mark.parametrize(("annotations", "end"), INVALID_ANNOTATIONS)
def test_template_annotations_are_valid_refuses_what_no_object_may_carry(annotations: dict[str, str], end: str) -> None:
    refusals = refused(TEMPLATE_ANNOTATIONS_ARE_VALID, WEBHOOK, devmachinetemplate(made=TemplateMetadata(annotations=annotations)))

    assert fields(refusals) == [f"spec.template.metadata{end}"]


def test_template_spec_stays_accepts_other_labels_and_defaults_that_were_not_stored() -> None:
    bare = devmachinetemplate(DevMachineSpec(backend=DevMachineBackend()))

    accepted(WEBHOOK, devmachinetemplate(labels={"team": "blue"}), devmachinetemplate())
    accepted(WEBHOOK, defaulted(WEBHOOK, bare), bare)


def test_template_spec_stays_accepts_the_dry_run_of_a_topology() -> None:
    trial = devmachinetemplate(simulated_machine("2s"), annotations={TOPOLOGY_DRY_RUN_ANNOTATION: ""})

    accepted(WEBHOOK, trial, devmachinetemplate(), dry_run=True)


def test_template_spec_stays_refuses_another_duration() -> None:
    refusals = refused(TEMPLATE_SPEC_STAYS, WEBHOOK, devmachinetemplate(simulated_machine("2s")), devmachinetemplate())

    assert fields(refusals) == ["spec.template.spec"]
    assert refusals[0].found == "a change of backend.inMemory.node.provisioning.startupDuration"


@pytest.mark.parametrize(("annotations", "dry_run"), [({}, True), ({TOPOLOGY_DRY_RUN_ANNOTATION: ""}, False)], ids=["a person's", "none"])
def test_template_spec_stays_refuses_what_is_no_dry_run_of_a_topology(annotations: dict[str, str], dry_run: bool) -> None:
    changed = devmachinetemplate(simulated_machine("2s"), annotations=annotations)

    refused(TEMPLATE_SPEC_STAYS, WEBHOOK, changed, devmachinetemplate(), dry_run=dry_run)


def test_template_spec_stays_refuses_a_template_that_is_emptied() -> None:
    refused(TEMPLATE_SPEC_STAYS, WEBHOOK, DevMachineTemplate(), devmachinetemplate())


def test_containers_and_jitters_no_machine_can_start_with_are_warned_of() -> None:
    assert len(notices(WEBHOOK, devmachinetemplate(docker_machine()))) == 1
    assert len(notices(WEBHOOK, devmachinetemplate(simulated_machine(jitter="much")))) == 1
    assert notices(WEBHOOK, devmachinetemplate()) == []
