"""The settings for kubeadm in a KubeadmControlPlane keep the rules of KubeadmConfigs."""

from __future__ import annotations

from typing import Any

from capelin.api.kubeadmconfig import KubeadmConfigSpec
from capelin.api.kubeadmconfigrules import (
    DISCOVERY_HAS_ONE_CREDENTIAL,
    FILE_HAS_ONE_CONTENT,
    FILE_PATHS_DIFFER,
    IGNITION_CAN_EXPRESS_IT,
    IGNITION_NEEDS_ITS_FORMAT,
    PARTITIONS_FIT_DISK,
    PASSWORD_HAS_ONE_SOURCE,
)
from capelin.api.kubeadmcontrolplane import KubeadmControlPlane
from capelin.api.refusals import Rule
from capelin.webhooks.kubeadmcontrolplane import WEBHOOK
from tests.buildcontrolplane import kubeadmcontrolplane
from tests.webhooks.asking import accepted, fields, notices, refused
from tests.webhooks.kubeadmspecs import EXAMPLES


def configured(config: dict[str, Any]) -> KubeadmControlPlane:
    return kubeadmcontrolplane(spec={"kubeadm_config_spec": KubeadmConfigSpec.model_validate(config)})


def keeps(rule: Rule) -> None:
    accepted(WEBHOOK, configured(EXAMPLES[rule].right))


def breaks(rule: Rule) -> None:
    refusals = refused(rule, WEBHOOK, configured(EXAMPLES[rule].wrong))

    assert f"spec.kubeadmConfigSpec.{EXAMPLES[rule].field}" in fields(refusals)


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


def test_what_is_warned_of_in_a_kubeadmconfig_is_warned_of_here() -> None:
    (notice,) = notices(WEBHOOK, configured({"files": [{"path": "/a", "contentFormat": "Template", "content": "{{ .x }}"}]}))

    assert notice.startswith("spec.kubeadmConfigSpec.files[0].content: ")
