"""What is allowed of templates of KubeadmConfigs."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.kubeadmconfig import (
    KubeadmConfigSpec,
    KubeadmConfigTemplate,
    KubeadmConfigTemplateResource,
)
from capelin.api.kubeadmconfigrules import (
    DISCOVERY_HAS_ONE_CREDENTIAL,
    FILE_HAS_ONE_CONTENT,
    FILE_PATHS_DIFFER,
    IGNITION_CAN_EXPRESS_IT,
    IGNITION_NEEDS_ITS_FORMAT,
    PARTITIONS_FIT_DISK,
    PASSWORD_HAS_ONE_SOURCE,
)
from capelin.api.labels import TOPOLOGY_DRY_RUN_ANNOTATION
from capelin.api.meta import TemplateMetadata
from capelin.api.refusals import Rule
from capelin.webhooks.admission import Admission
from capelin.webhooks.kubeadmconfigtemplate import WEBHOOK, default
from capelin.webhooks.rules.metadata import TEMPLATE_ANNOTATIONS_ARE_VALID, TEMPLATE_LABELS_ARE_VALID
from tests import build
from tests.webhooks.asking import accepted, fields, notices, refused
from tests.webhooks.kubeadmspecs import EXAMPLES


def template(metadata: TemplateMetadata | None = None, **spec: Any) -> KubeadmConfigTemplate:
    """Return a template with those settings, as JSON."""
    made = KubeadmConfigTemplateResource(metadata=metadata, spec=KubeadmConfigSpec.model_validate(spec) if spec else None)
    return build.kubeadmconfigtemplate(template=made)


def keeps(rule: Rule) -> None:
    accepted(WEBHOOK, template(**EXAMPLES[rule].right))


def breaks(rule: Rule) -> None:
    refusals = refused(rule, WEBHOOK, template(**EXAMPLES[rule].wrong))

    assert f"spec.template.spec.{EXAMPLES[rule].field}" in fields(refusals)


@pytest.mark.parametrize(
    ("annotations", "dry_run", "written_out"),
    [
        (None, False, False),
        ({TOPOLOGY_DRY_RUN_ANNOTATION: ""}, False, False),
        (None, True, False),
        ({TOPOLOGY_DRY_RUN_ANNOTATION: ""}, True, True),
    ],
    ids=["a write", "a marked write", "somebody's dry run", "a topology's dry run"],
)
def test_old_defaults_come_back_in_dry_runs_of_a_topology_only(
    annotations: dict[str, str] | None, dry_run: bool, written_out: bool
) -> None:
    sent = build.kubeadmconfigtemplate(annotations=annotations)

    got = default(sent, Admission("CREATE", sent, None, None, dry_run))

    assert got.spec is not None
    assert got.spec.template.spec is not None
    assert got.spec.template.spec.format == ("cloud-config" if written_out else None)


def test_a_template_may_change() -> None:
    accepted(WEBHOOK, template(preKubeadmCommands=["true"]), template(preKubeadmCommands=["false"]))


def test_an_empty_template_is_accepted() -> None:
    accepted(WEBHOOK, build.kubeadmconfigtemplate().model_copy(update={"spec": None}))
    accepted(WEBHOOK, template(TemplateMetadata(labels={"a": "b"})))


def test_what_is_warned_of_in_a_kubeadmconfig_is_warned_of_here() -> None:
    (notice,) = notices(WEBHOOK, template(files=[{"path": "/a", "contentFormat": "Template", "content": "{{ .x }}"}]))

    assert notice.startswith("spec.template.spec.files[0].content: ")


def test_file_has_one_content_accepts_either() -> None:
    keeps(FILE_HAS_ONE_CONTENT)


def test_file_has_one_content_refuses_both() -> None:
    breaks(FILE_HAS_ONE_CONTENT)


def test_file_paths_differ_accepts_other_paths() -> None:
    keeps(FILE_PATHS_DIFFER)


def test_file_paths_differ_refuses_the_same_path_again() -> None:
    breaks(FILE_PATHS_DIFFER)


def test_password_has_one_source_accepts_a_secret() -> None:
    keeps(PASSWORD_HAS_ONE_SOURCE)


def test_password_has_one_source_refuses_both() -> None:
    breaks(PASSWORD_HAS_ONE_SOURCE)


def test_partitions_fit_disk_accepts_all_of_it() -> None:
    keeps(PARTITIONS_FIT_DISK)


def test_partitions_fit_disk_refuses_more() -> None:
    breaks(PARTITIONS_FIT_DISK)


def test_discovery_has_one_credential_accepts_a_program() -> None:
    keeps(DISCOVERY_HAS_ONE_CREDENTIAL)


def test_discovery_has_one_credential_refuses_two() -> None:
    breaks(DISCOVERY_HAS_ONE_CREDENTIAL)


def test_ignition_needs_its_format_accepts_settings_with_it() -> None:
    keeps(IGNITION_NEEDS_ITS_FORMAT)


def test_ignition_needs_its_format_refuses_settings_without_it() -> None:
    breaks(IGNITION_NEEDS_ITS_FORMAT)


def test_ignition_can_express_it_accepts_boot_commands_with_cloud_config() -> None:
    keeps(IGNITION_CAN_EXPRESS_IT)


def test_ignition_can_express_it_refuses_boot_commands() -> None:
    breaks(IGNITION_CAN_EXPRESS_IT)


def test_template_labels_are_valid_accepts_labels() -> None:
    accepted(WEBHOOK, template(TemplateMetadata(labels={"example.com/team": "a", "plain": ""})))


@pytest.mark.parametrize(
    ("labels", "field"),
    [
        ({"no label": "a"}, "spec.template.metadata.labels"),
        ({"Example.com/team": "a"}, "spec.template.metadata.labels"),
        ({"team": "a b"}, "spec.template.metadata.labels[team]"),
        ({"team": "a" * 64}, "spec.template.metadata.labels[team]"),
    ],
    ids=["a blank in the key", "a domain with capitals", "a blank in the value", "a value that is too long"],
)
def test_template_labels_are_valid_refuses_others(labels: dict[str, str], field: str) -> None:
    refusals = refused(TEMPLATE_LABELS_ARE_VALID, WEBHOOK, template(TemplateMetadata(labels=labels)))

    assert fields(refusals) == [field]


def test_template_annotations_are_valid_accepts_annotations() -> None:
    accepted(WEBHOOK, template(TemplateMetadata(annotations={"Example.com/note": "any text \n at all"})))


@pytest.mark.parametrize("annotations", [{"a/b/c": ""}, {"note": "x" * 300_000}], ids=["two slashes", "more than fits"])
def test_template_annotations_are_valid_refuses_others(annotations: dict[str, str]) -> None:
    refusals = refused(TEMPLATE_ANNOTATIONS_ARE_VALID, WEBHOOK, template(TemplateMetadata(annotations=annotations)))

    assert fields(refusals) == ["spec.template.metadata.annotations"]
