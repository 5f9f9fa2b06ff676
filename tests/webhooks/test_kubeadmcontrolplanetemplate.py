"""What is allowed of templates of KubeadmControlPlanes."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.grouprules import NAMES_ARE_RANDOM
from capelin.api.kubeadmconfigrules import (
    DISCOVERY_HAS_ONE_CREDENTIAL,
    FILE_HAS_ONE_CONTENT,
    FILE_PATHS_DIFFER,
    IGNITION_CAN_EXPRESS_IT,
    IGNITION_NEEDS_ITS_FORMAT,
    PARTITIONS_FIT_DISK,
    PASSWORD_HAS_ONE_SOURCE,
)
from capelin.api.kubeadmcontrolplanetemplate import KubeadmControlPlaneTemplate, KubeadmControlPlaneTemplateSpec
from capelin.api.refusals import Rule
from capelin.webhooks.kubeadmcontrolplanetemplate import WEBHOOK
from capelin.webhooks.rules.controlplane import (
    CERTIFICATES_END_BEFORE_THEIR_AUTHORITY,
    DNS_IMAGE_TAG_IS_VERSION,
    ETCD_IS_LOCAL_OR_EXTERNAL,
    IMAGE_TAGS_ARE_TAGS,
    MAX_SURGE_IS_NONE_OR_ONE,
    ROLLOUT_PRECEDES_EXPIRY,
    TIMEOUTS_ARE_EQUAL,
)
from capelin.webhooks.rules.immutability import TEMPLATE_SPEC_STAYS
from capelin.webhooks.rules.metadata import TEMPLATE_ANNOTATIONS_ARE_VALID, TEMPLATE_LABELS_ARE_VALID
from capelin.webhooks.rules.naming import NAMES_ARE_NAMES
from capelin.webhooks.rules.taints import TAINTS_ARE_NOT_RESERVED
from tests.buildcontrolplane import kubeadmcontrolplanetemplate
from tests.webhooks.asking import accepted, fields, notices, refused
from tests.webhooks.kubeadmspecs import EXAMPLES

SPEC = "spec.template.spec"
CONFIG = f"{SPEC}.kubeadmConfigSpec"
CLUSTER = f"{CONFIG}.clusterConfiguration"
EXTERNAL = {"endpoints": ["https://etcd:2379"], "caFile": "/ca", "certFile": "/crt", "keyFile": "/key"}


def template(metadata: dict[str, Any] | None = None, **spec: Any) -> KubeadmControlPlaneTemplate:
    """Return a template of control planes with those fields, as JSON."""
    found = KubeadmControlPlaneTemplateSpec.model_validate({"template": {"metadata": metadata, "spec": spec}})
    return kubeadmcontrolplanetemplate().model_copy(update={"spec": found})


def configured(**config: Any) -> KubeadmControlPlaneTemplate:
    return template(kubeadmConfigSpec=config)


def with_cluster(rollout: dict[str, Any] | None = None, **cluster: Any) -> KubeadmControlPlaneTemplate:
    return template(kubeadmConfigSpec={"clusterConfiguration": cluster}, rollout=rollout)


def rolling(max_surge: int | str = 1, **rollout: Any) -> dict[str, Any]:
    return {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": max_surge}}, **rollout}


def keeps(rule: Rule) -> None:
    accepted(WEBHOOK, configured(**EXAMPLES[rule].right))


def breaks(rule: Rule) -> None:
    refusals = refused(rule, WEBHOOK, configured(**EXAMPLES[rule].wrong))

    assert f"{CONFIG}.{EXAMPLES[rule].field}" in fields(refusals)


def test_an_empty_template_is_accepted() -> None:
    accepted(WEBHOOK, kubeadmcontrolplanetemplate().model_copy(update={"spec": None}))
    accepted(WEBHOOK, template({"labels": {"a": "b"}}))


def test_nothing_is_filled_in() -> None:
    assert WEBHOOK.default is None


@pytest.mark.parametrize("surge", [0, 1, "50%"])
def test_max_surge_is_none_or_one_accepts_both(surge: int | str) -> None:
    accepted(WEBHOOK, template(rollout=rolling(surge)))


def test_max_surge_is_none_or_one_refuses_other_numbers() -> None:
    refusals = refused(MAX_SURGE_IS_NONE_OR_ONE, WEBHOOK, template(rollout=rolling(2)))

    assert fields(refusals) == [f"{SPEC}.rollout.strategy.rollingUpdate.maxSurge"]


@pytest.mark.parametrize("rollout", [None, {"before": {"certificatesExpiryDays": 30}}], ids=["no rollout", "no strategy"])
def test_certificates_end_before_their_authority_accepts_anything_without_a_strategy(rollout: dict[str, Any] | None) -> None:
    accepted(WEBHOOK, with_cluster(rollout, certificateValidityPeriodDays=20, caCertificateValidityPeriodDays=10))


def test_certificates_end_before_their_authority_refuses_more_days_with_a_strategy() -> None:
    sent = with_cluster(rolling(), certificateValidityPeriodDays=20, caCertificateValidityPeriodDays=10)

    refusals = refused(CERTIFICATES_END_BEFORE_THEIR_AUTHORITY, WEBHOOK, sent)

    assert fields(refusals) == [f"{CLUSTER}.certificateValidityPeriodDays"]


def test_rollout_precedes_expiry_accepts_fewer_days() -> None:
    accepted(WEBHOOK, with_cluster(rolling(before={"certificatesExpiryDays": 19}), certificateValidityPeriodDays=20))


def test_rollout_precedes_expiry_refuses_more_days() -> None:
    sent = with_cluster(rolling(before={"certificatesExpiryDays": 21}), certificateValidityPeriodDays=20)

    refusals = refused(ROLLOUT_PRECEDES_EXPIRY, WEBHOOK, sent)

    assert fields(refusals) == [f"{SPEC}.rollout.before.certificatesExpiryDays"]


def test_etcd_is_local_or_external_accepts_one() -> None:
    accepted(WEBHOOK, with_cluster(etcd={"external": EXTERNAL}))


def test_etcd_is_local_or_external_refuses_both() -> None:
    refusals = refused(ETCD_IS_LOCAL_OR_EXTERNAL, WEBHOOK, with_cluster(etcd={"external": EXTERNAL, "local": {"dataDir": "/data"}}))

    assert fields(refusals) == [f"{CLUSTER}.etcd.local"]


def test_image_tags_are_tags_accepts_tags() -> None:
    accepted(WEBHOOK, with_cluster(etcd={"local": {"imageTag": "3.6.4-0"}}))


def test_image_tags_are_tags_refuses_digests() -> None:
    refusals = refused(IMAGE_TAGS_ARE_TAGS, WEBHOOK, with_cluster(etcd={"local": {"imageTag": "3.6.4@sha256:0"}}))

    assert fields(refusals) == [f"{CLUSTER}.etcd.local.imageTag"]


def test_dns_image_tag_is_version_accepts_versions() -> None:
    accepted(WEBHOOK, with_cluster(dns={"imageTag": "v1.12.1"}))


def test_dns_image_tag_is_version_refuses_other_tags() -> None:
    refusals = refused(DNS_IMAGE_TAG_IS_VERSION, WEBHOOK, with_cluster(dns={"imageTag": "latest"}))

    assert fields(refusals) == [f"{CLUSTER}.dns.imageTag"]


def test_timeouts_are_equal_accepts_the_same_timeout_twice() -> None:
    timeouts = {"timeouts": {"controlPlaneComponentHealthCheckSeconds": 5}}

    accepted(WEBHOOK, configured(initConfiguration=timeouts, joinConfiguration=timeouts))


def test_timeouts_are_equal_refuses_one_alone() -> None:
    sent = configured(joinConfiguration={"timeouts": {"controlPlaneComponentHealthCheckSeconds": 5}})

    refusals = refused(TIMEOUTS_ARE_EQUAL, WEBHOOK, sent)

    assert len(refusals) == 2


def test_names_are_random_accepts_a_template_with_a_random_part() -> None:
    accepted(WEBHOOK, template(machineNaming={"template": "{{ .cluster.name }}-{{ .random }}"}))


def test_names_are_random_refuses_a_template_without_one() -> None:
    refusals = refused(NAMES_ARE_RANDOM, WEBHOOK, template(machineNaming={"template": "{{ .cluster.name }}"}))

    assert fields(refusals) == [f"{SPEC}.machineNaming.template"]


def test_names_are_names_accepts_templates_of_names() -> None:
    accepted(WEBHOOK, template(machineNaming={"template": "{{ .kubeadmControlPlane.name }}-{{ .random }}"}))


def test_names_are_names_refuses_templates_of_other_texts() -> None:
    refusals = refused(NAMES_ARE_NAMES, WEBHOOK, template(machineNaming={"template": "CP-{{ .random }}"}))

    assert fields(refusals) == [f"{SPEC}.machineNaming.template"]


def tainted(key: str) -> KubeadmControlPlaneTemplate:
    return template(machineTemplate={"spec": {"taints": [{"key": key, "effect": "NoSchedule", "propagation": "Always"}]}})


def test_taints_are_not_reserved_accepts_other_taints() -> None:
    accepted(WEBHOOK, tainted("example.com/gpu"))


def test_taints_are_not_reserved_refuses_those_that_others_manage() -> None:
    refusals = refused(TAINTS_ARE_NOT_RESERVED, WEBHOOK, tainted("node.kubernetes.io/unreachable"))

    assert fields(refusals) == [f"{SPEC}.machineTemplate.spec.taints[0].key"]


def test_template_labels_are_valid_accepts_labels() -> None:
    accepted(WEBHOOK, template({"labels": {"a": "b"}}, machineTemplate={"metadata": {"labels": {"a": "b"}}}))


def test_template_labels_are_valid_refuses_others_of_control_planes_and_of_machines() -> None:
    wrong = {"labels": {"a": "b c"}}

    refusals = refused(TEMPLATE_LABELS_ARE_VALID, WEBHOOK, template(wrong, machineTemplate={"metadata": wrong}))

    assert fields(refusals) == ["spec.template.metadata.labels[a]", f"{SPEC}.machineTemplate.metadata.labels[a]"]


def test_template_annotations_are_valid_accepts_annotations() -> None:
    accepted(WEBHOOK, template({"annotations": {"a": "b c"}}))


def test_template_annotations_are_valid_refuses_others() -> None:
    refusals = refused(TEMPLATE_ANNOTATIONS_ARE_VALID, WEBHOOK, template({"annotations": {"a b": "c"}}))

    assert fields(refusals) == ["spec.template.metadata.annotations"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"kubeadmConfigSpec": {"verbosity": 1, "format": "cloud-config"}}, {"kubeadmConfigSpec": {"verbosity": 1}}),
        ({"kubeadmConfigSpec": {"verbosity": 1}}, {"kubeadmConfigSpec": {"verbosity": 1, "format": "cloud-config"}}),
        ({"rollout": rolling()}, {}),
        ({"remediation": {"maxRetry": 1}}, {"remediation": {"maxRetry": 1}}),
    ],
    ids=["without a default that was written out", "with it", "without the rollout that was filled in", "the same"],
)
def test_template_spec_stays_accepts_what_means_the_same(old: dict[str, Any], new: dict[str, Any]) -> None:
    accepted(WEBHOOK, template(**new), template(**old))


def test_template_spec_stays_accepts_other_metadata_which_is_not_judged_again() -> None:
    accepted(WEBHOOK, template({"labels": {"a": "b c"}}, remediation={"maxRetry": 1}), template(remediation={"maxRetry": 1}))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({"kubeadmConfigSpec": {"verbosity": 1}}, {"kubeadmConfigSpec": {"verbosity": 2}}, "kubeadmConfigSpec.verbosity"),
        ({}, {"rollout": rolling()}, "rollout"),
        ({"rollout": rolling(0)}, {}, "rollout"),
        ({"kubeadmConfigSpec": {"format": "ignition"}}, {}, "kubeadmConfigSpec.format"),
    ],
    ids=["another value", "a rollout that comes later", "a rollout that is no default", "a format that is no default"],
)
def test_template_spec_stays_refuses_other_changes(old: dict[str, Any], new: dict[str, Any], told: str) -> None:
    (refusal,) = refused(TEMPLATE_SPEC_STAYS, WEBHOOK, template(**new), template(**old))

    assert refusal.field == SPEC
    assert told in refusal.found


def test_what_is_warned_of_in_control_planes_is_warned_of_here() -> None:
    (surge,) = notices(WEBHOOK, template(rollout=rolling("50%")))
    (content,) = notices(WEBHOOK, configured(files=[{"path": "/a", "contentFormat": "Template", "content": "{{ .x }}"}]))

    assert surge.startswith(f"{SPEC}.rollout.strategy.rollingUpdate.maxSurge: ")
    assert content.startswith(f"{CONFIG}.files[0].content: ")


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
