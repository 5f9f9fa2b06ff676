"""What is allowed of KubeadmConfigs, and of the settings for kubeadm that other kinds carry."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.kubeadmconfig import KubeadmConfig, KubeadmConfigSpec
from capelin.api.kubeadmconfigrules import (
    DISCOVERY_HAS_ONE_CREDENTIAL,
    FILE_HAS_ONE_CONTENT,
    FILE_PATHS_DIFFER,
    IGNITION_CAN_EXPRESS_IT,
    IGNITION_NEEDS_ITS_FORMAT,
    PARTITIONS_FIT_DISK,
    PASSWORD_HAS_ONE_SOURCE,
)
from capelin.webhooks.kubeadmconfig import WEBHOOK
from tests import build
from tests.webhooks.asking import accepted, fields, notices, refused

SOURCE = {"secret": {"name": "secret", "key": "key"}}


def config(**spec: Any) -> KubeadmConfig:
    """Return a KubeadmConfig whose settings are those, as JSON."""
    return build.kubeadmconfig().model_copy(update={"spec": KubeadmConfigSpec.model_validate(spec)})


def partitioned(*percentages: int) -> KubeadmConfig:
    layout = [{"percentage": percentage} for percentage in percentages]
    return config(diskSetup={"partitions": [{"device": "/dev/sdb", "diskLayout": layout}]})


def discovering(**user: Any) -> KubeadmConfig:
    file = {"kubeConfigPath": "/etc/discovery.conf", "kubeConfig": {"user": user}}
    return config(joinConfiguration={"discovery": {"file": file}})


def test_a_configuration_without_a_spec_is_accepted() -> None:
    accepted(WEBHOOK, build.kubeadmconfig().model_copy(update={"spec": None}))


def test_file_has_one_content_accepts_either() -> None:
    accepted(WEBHOOK, config(files=[{"path": "/a", "content": "x"}, {"path": "/b", "contentFrom": SOURCE}, {"path": "/c"}]))


def test_file_has_one_content_refuses_both() -> None:
    refusals = refused(FILE_HAS_ONE_CONTENT, WEBHOOK, config(files=[{"path": "/a", "content": "hidden", "contentFrom": SOURCE}]))

    assert fields(refusals) == ["spec.files[0]"]
    assert "hidden" not in str(refusals[0])


def test_file_paths_differ_accepts_other_paths() -> None:
    accepted(WEBHOOK, config(files=[{"path": "/a"}, {"path": "/b"}]))


def test_file_paths_differ_refuses_the_same_path_again() -> None:
    refusals = refused(FILE_PATHS_DIFFER, WEBHOOK, config(files=[{"path": "/a"}, {"path": "/b"}, {"path": "/a"}]))

    assert fields(refusals) == ["spec.files[0].path", "spec.files[2].path"]


def test_password_has_one_source_accepts_either() -> None:
    accepted(WEBHOOK, config(users=[{"name": "ops", "passwd": "x"}, {"name": "dev", "passwdFrom": SOURCE}, {"name": "guest"}]))


def test_password_has_one_source_refuses_both_and_tells_no_password() -> None:
    refusals = refused(PASSWORD_HAS_ONE_SOURCE, WEBHOOK, config(users=[{"name": "ops", "passwd": "hunter2", "passwdFrom": SOURCE}]))

    assert fields(refusals) == ["spec.users[0]"]
    assert "hunter2" not in str(refusals[0])


@pytest.mark.parametrize("shares", [(100,), (60, 40), (1,)], ids=["the whole disk", "all of it in two", "a little"])
def test_partitions_fit_disk_accepts_up_to_all_of_it(shares: tuple[int, ...]) -> None:
    accepted(WEBHOOK, partitioned(*shares))


def test_partitions_fit_disk_refuses_more_than_all_of_it() -> None:
    (refusal,) = refused(PARTITIONS_FIT_DISK, WEBHOOK, partitioned(60, 41))

    assert refusal.field == "spec.diskSetup.partitions[0].diskLayout"
    assert refusal.found == "101 percent in all"


@pytest.mark.parametrize("user", [{"exec": {"command": "login"}}, {"authProvider": {"name": "corp"}}], ids=["a program", "a provider"])
def test_discovery_has_one_credential_accepts_one(user: dict[str, Any]) -> None:
    accepted(WEBHOOK, discovering(**user))


def test_discovery_has_one_credential_refuses_two() -> None:
    refusals = refused(DISCOVERY_HAS_ONE_CREDENTIAL, WEBHOOK, discovering(exec={"command": "login"}, authProvider={"name": "corp"}))

    assert fields(refusals) == ["spec.joinConfiguration.discovery.file.kubeConfig.user"]


def test_ignition_needs_its_format_accepts_settings_with_it() -> None:
    accepted(WEBHOOK, config(format="ignition", ignition={"containerLinuxConfig": {"strict": True}}))


@pytest.mark.parametrize("format_", [{}, {"format": "cloud-config"}], ids=["without a format", "with cloud-config"])
def test_ignition_needs_its_format_refuses_settings_otherwise(format_: dict[str, str]) -> None:
    refusals = refused(IGNITION_NEEDS_ITS_FORMAT, WEBHOOK, config(ignition={"containerLinuxConfig": {"strict": True}}, **format_))

    assert fields(refusals) == ["spec.format"]


UNKNOWN_TO_IGNITION: list[tuple[str, dict[str, Any]]] = [
    ("spec.bootCommands", {"bootCommands": ["true"]}),
    ("spec.users[0].inactive", {"users": [{"name": "ops", "inactive": True}]}),
    ("spec.files[0].encoding", {"files": [{"path": "/a", "encoding": "gzip"}]}),
    ("spec.files[0].encoding", {"files": [{"path": "/a", "encoding": "gzip+base64"}]}),
    ("spec.diskSetup.partitions[0].tableType", {"diskSetup": {"partitions": [{"device": "/dev/sdb", "tableType": "mbr"}]}}),
    ("spec.diskSetup.filesystems[0].replaceFS", {"diskSetup": {"filesystems": [{"device": "a", "filesystem": "b", "replaceFS": "c"}]}}),
    ("spec.diskSetup.filesystems[0].partition", {"diskSetup": {"filesystems": [{"device": "a", "filesystem": "b", "partition": "1"}]}}),
]


@pytest.mark.parametrize(("field", "spec"), UNKNOWN_TO_IGNITION)
def test_ignition_can_express_it_accepts_all_of_it_with_cloud_config(field: str, spec: dict[str, Any]) -> None:
    assert field.startswith("spec.")
    accepted(WEBHOOK, config(**spec))


@pytest.mark.parametrize(
    "spec",
    [
        {"users": [{"name": "ops", "inactive": False}]},
        {"files": [{"path": "/a", "encoding": "base64"}]},
        {"diskSetup": {"partitions": [{"device": "/dev/sdb", "tableType": "gpt"}]}},
        {"diskSetup": {"filesystems": [{"device": "a", "filesystem": "b", "label": "c"}]}},
        {"preKubeadmCommands": ["true"], "mounts": [["a", "b"]], "ntp": {"enabled": True}},
    ],
    ids=["an enabled user", "base64", "gpt", "a labelled file system", "commands, mounts and time servers"],
)
def test_ignition_can_express_it_accepts_what_ignition_knows(spec: dict[str, Any]) -> None:
    accepted(WEBHOOK, config(format="ignition", **spec))


@pytest.mark.parametrize(("field", "spec"), UNKNOWN_TO_IGNITION)
def test_ignition_can_express_it_refuses_the_rest(field: str, spec: dict[str, Any]) -> None:
    refusals = refused(IGNITION_CAN_EXPRESS_IT, WEBHOOK, config(format="ignition", **spec))

    assert fields(refusals) == [field]


@pytest.mark.parametrize("content", ["{{ .controlPlane.version }}", "{{-.controlPlane.version-}}", "plain", "left {{ open", "}} {{"])
def test_a_template_that_can_be_filled_in_is_no_reason_to_warn(content: str) -> None:
    assert notices(WEBHOOK, config(files=[{"path": "/a", "contentFormat": "Template", "content": content}])) == []


def test_a_template_that_cannot_be_filled_in_is_warned_of() -> None:
    content = "{{ .controlPlane.version }} {{ .cluster.name }}"

    (notice,) = notices(WEBHOOK, config(files=[{"path": "/a", "contentFormat": "Template", "content": content}]))

    assert notice.startswith("spec.files[0].content: '{{ .cluster.name }}' cannot be filled in")


def test_files_that_are_no_templates_may_contain_braces() -> None:
    assert notices(WEBHOOK, config(files=[{"path": "/a", "content": "{{ anything }}"}])) == []


def test_trusting_whatever_cluster_answers_is_warned_of() -> None:
    token = {"token": "abcdef.0123456789abcdef", "unsafeSkipCAVerification": True}

    (notice,) = notices(WEBHOOK, config(joinConfiguration={"discovery": {"bootstrapToken": token}}))
    with_hashes = notices(WEBHOOK, config(joinConfiguration={"discovery": {"bootstrapToken": {**token, "caCertHashes": ["sha256:a"]}}}))

    assert notice.startswith("spec.joinConfiguration.discovery.bootstrapToken.unsafeSkipCAVerification: ")
    assert "0123456789abcdef" not in notice
    assert with_hashes == []


def test_a_format_that_no_data_is_made_in_is_warned_of() -> None:
    (notice,) = notices(WEBHOOK, config(format="ignition"))

    assert notice.startswith("spec.format: ")
    assert notices(WEBHOOK, config(format="cloud-config")) == []
