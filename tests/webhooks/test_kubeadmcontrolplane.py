"""What is allowed of KubeadmControlPlanes, whatever they were before."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.grouprules import NAMES_ARE_RANDOM
from capelin.api.kubeadmconfig import KubeadmConfigSpec
from capelin.api.kubeadmcontrolplane import ControlPlaneMachineNaming, ControlPlaneRollout, KubeadmControlPlane
from capelin.api.meta import TemplateMetadata
from capelin.api.refusals import VERSION_IS_SEMANTIC
from capelin.webhooks.kubeadmcontrolplane import REPLICAS_ARE_ODD, REPLICAS_ARE_POSITIVE, WEBHOOK
from capelin.webhooks.rules.controlplane import (
    CERTIFICATES_END_BEFORE_THEIR_AUTHORITY,
    DNS_IMAGE_TAG_IS_VERSION,
    ETCD_IS_LOCAL_OR_EXTERNAL,
    IMAGE_TAGS_ARE_TAGS,
    MAX_SURGE_IS_NONE_OR_ONE,
    NO_SURGE_NEEDS_THREE,
    ROLLOUT_PRECEDES_EXPIRY,
    TIMEOUTS_ARE_EQUAL,
)
from capelin.webhooks.rules.metadata import TEMPLATE_ANNOTATIONS_ARE_VALID, TEMPLATE_LABELS_ARE_VALID
from capelin.webhooks.rules.naming import NAMES_ARE_NAMES
from capelin.webhooks.rules.taints import TAINTS_ARE_NOT_RESERVED
from tests.buildcontrolplane import control_plane_machine_template, control_plane_rollout, kubeadmcontrolplane
from tests.webhooks.asking import accepted, defaulted, fields, notices, refused
from tests.webhooks.cases import taint

EXTERNAL: dict[str, Any] = {
    "etcd": {"external": {"endpoints": ["https://etcd:2379"], "caFile": "/ca", "certFile": "/crt", "keyFile": "/key"}}
}
CONFIG = "spec.kubeadmConfigSpec"
CLUSTER = f"{CONFIG}.clusterConfiguration"


def configured(*, replicas: int = 3, rollout: Any = None, **config: Any) -> KubeadmControlPlane:
    """Return a control plane with those settings for kubeadm, as JSON."""
    spec = {"kubeadm_config_spec": KubeadmConfigSpec.model_validate(config)}
    return kubeadmcontrolplane(replicas=replicas, rollout=rollout, spec=spec)


def with_cluster(*, replicas: int = 3, rollout: Any = None, **cluster: Any) -> KubeadmControlPlane:
    return configured(replicas=replicas, rollout=rollout, clusterConfiguration=cluster)


def templated(metadata: TemplateMetadata | None = None, **spec: Any) -> KubeadmControlPlane:
    template = control_plane_machine_template(**spec).model_copy(update={"metadata": metadata})
    return kubeadmcontrolplane(spec={"machine_template": template})


def named(template: str) -> KubeadmControlPlane:
    return kubeadmcontrolplane(spec={"machine_naming": ControlPlaneMachineNaming(template=template)})


def test_defaults_are_those_of_the_api() -> None:
    got = defaulted(WEBHOOK, kubeadmcontrolplane(replicas=None, version="1.34.0"))

    assert got.spec.replicas == 1
    assert got.spec.version == "v1.34.0"


@pytest.mark.parametrize(
    ("rollout", "kept"),
    [
        ({"before": {}}, False),
        ({"before": {}, "strategy": {"type": "RollingUpdate"}}, True),
        ({"before": {}, "after": "2026-01-01T00:00:00Z"}, True),
        ({"before": {"certificatesExpiryDays": 7}}, True),
    ],
    ids=["alone", "beside a strategy", "beside a time", "with days"],
)
def test_an_empty_before_is_taken_for_none_only_when_it_is_alone(rollout: dict[str, Any], kept: bool) -> None:
    sent = kubeadmcontrolplane(rollout=ControlPlaneRollout.model_validate(rollout))

    got = defaulted(WEBHOOK, sent).spec.rollout

    assert (got.before is not None) == kept
    assert got.strategy.rolling_update.max_surge == 1


def test_a_control_plane_with_nothing_but_its_required_fields_is_accepted() -> None:
    accepted(WEBHOOK, kubeadmcontrolplane(replicas=None, spec={"kubeadm_config_spec": None, "rollout": None}))


@pytest.mark.parametrize("replicas", [1, 3])
def test_replicas_are_positive_accepts_one_and_more(replicas: int) -> None:
    accepted(WEBHOOK, kubeadmcontrolplane(replicas=replicas))


@pytest.mark.parametrize("replicas", [0, -1, -2])
def test_replicas_are_positive_refuses_none_and_less(replicas: int) -> None:
    refusals = refused(REPLICAS_ARE_POSITIVE, WEBHOOK, kubeadmcontrolplane(replicas=replicas))

    assert fields(refusals) == ["spec.replicas"]


def test_replicas_are_odd_accepts_an_even_number_with_external_etcd() -> None:
    accepted(WEBHOOK, with_cluster(replicas=2, **EXTERNAL))


@pytest.mark.parametrize("replicas", [2, 4, 2_000_000_000])
def test_replicas_are_odd_refuses_an_even_number_with_etcd_on_the_machines(replicas: int) -> None:
    (refusal,) = refused(REPLICAS_ARE_ODD, WEBHOOK, kubeadmcontrolplane(replicas=replicas))

    assert refusal.field == "spec.replicas"
    assert refusal.found == str(replicas)


@pytest.mark.parametrize("version", ["v1.34.0", "v1.34.0-rc.1", "v1.34.0+vendor.1"])
def test_version_is_semantic_accepts_versions(version: str) -> None:
    accepted(WEBHOOK, kubeadmcontrolplane(version=version))


@pytest.mark.parametrize("version", ["latest", "v1.99", "v1.2.3.4", "v01.2.3"])
def test_version_is_semantic_refuses_what_is_no_version(version: str) -> None:
    refusals = refused(VERSION_IS_SEMANTIC, WEBHOOK, kubeadmcontrolplane(version=version))

    assert fields(refusals) == ["spec.version"]


@pytest.mark.parametrize("surge", [0, 1, "0", "1", "+1", "01", "-0", "50%", "a few"])
def test_max_surge_is_none_or_one_accepts_both_and_what_counts_as_none(surge: int | str) -> None:
    accepted(WEBHOOK, kubeadmcontrolplane(replicas=3, rollout=control_plane_rollout(max_surge=surge)))


@pytest.mark.parametrize("surge", [2, -1, "2", "-1", "1" + "0" * 5000])
def test_max_surge_is_none_or_one_refuses_other_numbers(surge: int | str) -> None:
    rollout = control_plane_rollout(max_surge=surge)

    refusals = refused(MAX_SURGE_IS_NONE_OR_ONE, WEBHOOK, kubeadmcontrolplane(replicas=3, rollout=rollout))

    assert fields(refusals) == ["spec.rollout.strategy.rollingUpdate.maxSurge"]


@pytest.mark.parametrize(("surge", "replicas"), [(0, 3), (0, 5), (1, 1)])
def test_no_surge_needs_three_accepts_three_or_a_surge(surge: int, replicas: int) -> None:
    accepted(WEBHOOK, kubeadmcontrolplane(replicas=replicas, rollout=control_plane_rollout(max_surge=surge)))


@pytest.mark.parametrize("surge", [0, "0", "50%", "a few"])
def test_no_surge_needs_three_refuses_fewer(surge: int | str) -> None:
    refusals = refused(NO_SURGE_NEEDS_THREE, WEBHOOK, kubeadmcontrolplane(replicas=1, rollout=control_plane_rollout(max_surge=surge)))

    assert fields(refusals) == ["spec.rollout.strategy.rollingUpdate.maxSurge"]


def test_a_surge_that_counts_as_none_is_warned_of() -> None:
    (notice,) = notices(WEBHOOK, kubeadmcontrolplane(replicas=3, rollout=control_plane_rollout(max_surge="50%")))

    assert notice == "spec.rollout.strategy.rollingUpdate.maxSurge: '50%' counts as 0: write 0 or 1"


def test_more_members_than_etcd_likes_are_warned_of() -> None:
    assert notices(WEBHOOK, kubeadmcontrolplane(replicas=7)) == []
    assert notices(WEBHOOK, with_cluster(replicas=9, **EXTERNAL)) == []
    assert notices(WEBHOOK, kubeadmcontrolplane(replicas=9)) == [
        "spec.replicas: 9 members make etcd slow and no safer: use 3 or 5, at most 7"
    ]


@pytest.mark.parametrize("authority", [{"caCertificateValidityPeriodDays": 100}, {}], ids=["as long", "the usual authority"])
def test_certificates_end_before_their_authority_accepts_days_within_it(authority: dict[str, int]) -> None:
    accepted(WEBHOOK, with_cluster(certificateValidityPeriodDays=100, **authority))


def test_certificates_end_before_their_authority_refuses_more_days() -> None:
    control_plane = with_cluster(certificateValidityPeriodDays=101, caCertificateValidityPeriodDays=100)

    refusals = refused(CERTIFICATES_END_BEFORE_THEIR_AUTHORITY, WEBHOOK, control_plane)

    assert fields(refusals) == [f"{CLUSTER}.certificateValidityPeriodDays"]


@pytest.mark.parametrize(
    "valid", [{"certificateValidityPeriodDays": 31}, {"certificatesDir": "/pki"}], ids=["a day more", "the usual year"]
)
def test_rollout_precedes_expiry_accepts_fewer_days_than_certificates_have(valid: dict[str, Any]) -> None:
    accepted(WEBHOOK, with_cluster(rollout=control_plane_rollout(expiry_days=30), **valid))


def test_rollout_precedes_expiry_refuses_all_the_days_certificates_have() -> None:
    control_plane = with_cluster(rollout=control_plane_rollout(expiry_days=30), certificateValidityPeriodDays=30)

    refusals = refused(ROLLOUT_PRECEDES_EXPIRY, WEBHOOK, control_plane)

    assert fields(refusals) == ["spec.rollout.before.certificatesExpiryDays"]


@pytest.mark.parametrize("etcd", [EXTERNAL, {"etcd": {"local": {"dataDir": "/data"}}}], ids=["external", "local"])
def test_etcd_is_local_or_external_accepts_one(etcd: dict[str, Any]) -> None:
    accepted(WEBHOOK, with_cluster(**etcd))


def test_etcd_is_local_or_external_refuses_both() -> None:
    both: dict[str, Any] = {"etcd": {**EXTERNAL["etcd"], "local": {"dataDir": "/data"}}}

    refusals = refused(ETCD_IS_LOCAL_OR_EXTERNAL, WEBHOOK, with_cluster(**both))

    assert fields(refusals) == [f"{CLUSTER}.etcd.local"]


def test_image_tags_are_tags_accepts_letters_digits_dashes_underscores_and_dots() -> None:
    accepted(WEBHOOK, with_cluster(dns={"imageTag": "v1.12.1_patch.1-b"}, etcd={"local": {"imageTag": "Any-tag_1.0"}}))


def test_image_tags_are_tags_refuses_other_characters() -> None:
    control_plane = with_cluster(dns={"imageTag": "v1.12.1+b"}, etcd={"local": {"imageTag": "3.5:6"}})

    refusals = refused(IMAGE_TAGS_ARE_TAGS, WEBHOOK, control_plane)

    assert fields(refusals) == [f"{CLUSTER}.dns.imageTag", f"{CLUSTER}.etcd.local.imageTag"]


@pytest.mark.parametrize("tag", ["v1.12.1", "1.12.0-eksbuild.1", "v1.11.3_patch.1", "1.12"])
def test_dns_image_tag_is_version_accepts_versions(tag: str) -> None:
    accepted(WEBHOOK, with_cluster(dns={"imageTag": tag}))


@pytest.mark.parametrize("tag", ["latest", "v1.x", "1.2.3.4"])
def test_dns_image_tag_is_version_refuses_other_tags(tag: str) -> None:
    refusals = refused(DNS_IMAGE_TAG_IS_VERSION, WEBHOOK, with_cluster(dns={"imageTag": tag}))

    assert fields(refusals) == [f"{CLUSTER}.dns.imageTag"]


@pytest.mark.parametrize("timeouts", [{"controlPlaneComponentHealthCheckSeconds": 60}, {"discoverySeconds": 5}])
def test_timeouts_are_equal_accepts_the_same_timeout_twice(timeouts: dict[str, int]) -> None:
    accepted(WEBHOOK, configured(initConfiguration={"timeouts": timeouts}, joinConfiguration={"timeouts": timeouts}))


@pytest.mark.parametrize("join", [{"timeouts": {"controlPlaneComponentHealthCheckSeconds": 0}}, {"skipPhases": ["a"]}])
def test_timeouts_are_equal_refuses_two_timeouts(join: dict[str, Any]) -> None:
    init = {"timeouts": {"controlPlaneComponentHealthCheckSeconds": 60}}

    refusals = refused(TIMEOUTS_ARE_EQUAL, WEBHOOK, configured(initConfiguration=init, joinConfiguration=join))

    places = [f"{CONFIG}.{own}Configuration.timeouts.controlPlaneComponentHealthCheckSeconds" for own in ("init", "join")]
    assert fields(refusals) == places


def test_names_are_random_accepts_a_template_with_a_random_part() -> None:
    accepted(WEBHOOK, named("{{ .cluster.name }}-{{ .random }}"))


@pytest.mark.parametrize("template", ["{{ .cluster.name }}", "{{.random}}"], ids=["no random part", "another spelling"])
def test_names_are_random_refuses_a_template_without_one(template: str) -> None:
    refusals = refused(NAMES_ARE_RANDOM, WEBHOOK, named(template))

    assert fields(refusals) == ["spec.machineNaming.template"]


@pytest.mark.parametrize(
    "template",
    [
        "{{.cluster.name}}-{{ .kubeadmControlPlane.name }}.{{ .random }}",
        "x" * 58 + "-{{ .random }}",
        "{{ with .cluster }}{{ .name }}{{ end }}-{{ .random }}",
    ],
    ids=["all fields", "more than fits", "more than fields"],
)
def test_names_are_names_accepts_templates_of_names(template: str) -> None:
    accepted(WEBHOOK, named(template))


@pytest.mark.parametrize(
    "template",
    ["{{ .machineSet.name }}-{{ .random }}", "{{ .cluster }}-{{ .random }}", "CP-{{ .random }}", "{{ .random }}-", "{{ .random }}{{ ."],
    ids=["a field of other kinds", "half a field", "capitals", "a dash at the end", "an open end"],
)
def test_names_are_names_refuses_templates_of_other_texts(template: str) -> None:
    refusals = refused(NAMES_ARE_NAMES, WEBHOOK, named(template))

    assert fields(refusals) == ["spec.machineNaming.template"]


@pytest.mark.parametrize("key", ["node-role.kubernetes.io/control-plane", "node.kubernetes.io/out-of-service", "example.com/gpu"])
def test_taints_are_not_reserved_accepts_other_taints(key: str) -> None:
    accepted(WEBHOOK, templated(taints=[taint(key)]))


@pytest.mark.parametrize(
    "key",
    [
        "node.cluster.x-k8s.io/uninitialized",
        "node.cluster.x-k8s.io/outdated-revision",
        "node.kubernetes.io/unreachable",
        "node.cloudprovider.kubernetes.io/shutdown",
        "node-role.kubernetes.io/master",
    ],
)
def test_taints_are_not_reserved_refuses_those_that_others_manage(key: str) -> None:
    refusals = refused(TAINTS_ARE_NOT_RESERVED, WEBHOOK, templated(taints=[taint(key)]))

    assert fields(refusals) == ["spec.machineTemplate.spec.taints[0].key"]


def test_template_labels_are_valid_accepts_labels() -> None:
    accepted(WEBHOOK, templated(TemplateMetadata(labels={"example.com/team": "blue"})))


def test_template_labels_are_valid_refuses_others() -> None:
    refusals = refused(TEMPLATE_LABELS_ARE_VALID, WEBHOOK, templated(TemplateMetadata(labels={"team": "a b"})))

    assert fields(refusals) == ["spec.machineTemplate.metadata.labels[team]"]


def test_template_annotations_are_valid_accepts_annotations() -> None:
    accepted(WEBHOOK, templated(TemplateMetadata(annotations={"example.com/note": "any text"})))


def test_template_annotations_are_valid_refuses_others() -> None:
    refusals = refused(TEMPLATE_ANNOTATIONS_ARE_VALID, WEBHOOK, templated(TemplateMetadata(annotations={"no key": ""})))

    assert fields(refusals) == ["spec.machineTemplate.metadata.annotations"]
