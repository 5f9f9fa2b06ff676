"""Which changes of KubeadmControlPlanes are allowed."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.kubeadmconfig import KubeadmConfigSpec
from capelin.api.kubeadmcontrolplane import SKIP_COREDNS_ANNOTATION, KubeadmControlPlane, KubeadmControlPlaneSpec
from capelin.webhooks.kubeadmcontrolplane import (
    COREDNS_CAN_FOLLOW,
    ETCD_STAYS_IN_ITS_PLACE,
    FIELDS_ARE_MUTABLE,
    VERSION_SKIPS_NO_MINOR,
    WEBHOOK,
)
from tests.buildcontrolplane import kubeadmcontrolplane
from tests.webhooks.asking import accepted, fields, notices, refused

CONFIG = "spec.kubeadmConfigSpec"
CLUSTER = f"{CONFIG}.clusterConfiguration"
EXTERNAL = {"external": {"endpoints": ["https://etcd:2379"], "caFile": "/ca", "certFile": "/crt", "keyFile": "/key"}}
LOCAL = {"local": {"dataDir": "/data"}}
BEFORE: dict[str, Any] = {f"{name}Configuration": {"kept": True} for name in ("cluster", "init", "join")}
"""Settings that have every configuration, for changes inside of them."""

REFERENCE = {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "DevMachineTemplate", "name": "next"}


def configured(config: dict[str, Any] | None, **meta: Any) -> KubeadmControlPlane:
    """Return a control plane with those settings for kubeadm, as JSON."""
    return kubeadmcontrolplane(spec={"kubeadm_config_spec": config and KubeadmConfigSpec.model_validate(config)}, **meta)


def with_dns(tag: str | None, **meta: Any) -> KubeadmControlPlane:
    dns = {"dns": {"imageTag": tag}} if tag else {}
    return configured({"clusterConfiguration": {"certificatesDir": "/pki", **dns}}, **meta)


def changed(spec: dict[str, Any]) -> KubeadmControlPlane:
    """Return a control plane whose spec has those fields, as JSON, instead of its own."""
    control_plane = kubeadmcontrolplane()
    found = KubeadmControlPlaneSpec.model_validate({**control_plane.spec.wire(), **spec})
    return control_plane.model_copy(update={"spec": found})


@pytest.mark.parametrize(
    "spec",
    [
        {"replicas": 3},
        {"machineTemplate": {"spec": {"infrastructureRef": REFERENCE, "taints": []}, "metadata": {"labels": {"a": "b"}}}},
        {"rollout": {"after": "2026-01-01T00:00:00Z", "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}},
        {"remediation": {"maxRetry": 3}},
        {"machineNaming": {"template": "{{ .random }}"}},
    ],
    ids=["replicas", "machines", "the rollout", "remediation", "names"],
)
def test_fields_are_mutable_accepts_changes_a_rollout_carries_out(spec: dict[str, Any]) -> None:
    accepted(WEBHOOK, changed(spec), kubeadmcontrolplane())
    accepted(WEBHOOK, kubeadmcontrolplane(), changed(spec))


@pytest.mark.parametrize(
    "config",
    [
        {"clusterConfiguration": {"apiServer": {"extraArgs": [{"name": "v", "value": "4"}]}, "scheduler": {"extraEnvs": []}}},
        {"clusterConfiguration": {"controllerManager": {"extraVolumes": []}, "featureGates": {"A": True}}},
        {"clusterConfiguration": {"dns": {"imageRepository": "r"}, "imageRepository": "r", "encryptionAlgorithm": "RSA-4096"}},
        {"clusterConfiguration": {"etcd": LOCAL, "certificateValidityPeriodDays": 90}},
        {"initConfiguration": {"bootstrapTokens": [{"token": "t"}], "localAPIEndpoint": {"bindPort": 1}, "skipPhases": ["a"]}},
        {"initConfiguration": {"nodeRegistration": {"name": "n"}, "patches": {"directory": "/p"}, "timeouts": {"discoverySeconds": 1}}},
        {"joinConfiguration": {"caCertPath": "/ca", "controlPlane": {"localAPIEndpoint": {"bindPort": 1}}, "skipPhases": ["a"]}},
        {"joinConfiguration": {"discovery": {"tlsBootstrapToken": "t"}, "patches": {"directory": "/p"}}},
        {"joinConfiguration": {"nodeRegistration": {"taints": []}, "timeouts": {"discoverySeconds": 1}}},
        {"bootCommands": ["a"], "preKubeadmCommands": ["a"], "postKubeadmCommands": ["a"], "mounts": [["a"]], "verbosity": 5},
        {"files": [{"path": "/a"}], "users": [{"name": "a"}], "ntp": {"enabled": True}, "diskSetup": {"filesystems": []}},
        {"format": "ignition", "ignition": {"containerLinuxConfig": {"strict": True}}},
    ],
)
def test_fields_are_mutable_accepts_changes_of_what_machines_are_set_up_with(config: dict[str, Any]) -> None:
    after = BEFORE | {name: BEFORE[name] | value if name.endswith("Configuration") else value for name, value in config.items()}

    accepted(WEBHOOK, configured(after), configured(BEFORE))
    accepted(WEBHOOK, configured(BEFORE), configured(after))


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        ("controlPlaneEndpoint", "a:6443", "b:6443"),
        ("certificatesDir", "/a", "/b"),
        ("caCertificateValidityPeriodDays", 100, 200),
        ("certificatesDir", None, "/b"),
        ("certificatesDir", "/a", None),
    ],
)
def test_fields_are_mutable_refuses_what_was_fixed_when_the_cluster_was_made(field: str, old: Any, new: Any) -> None:
    before, after = ({"clusterConfiguration": {"imageRepository": "r", field: value}} for value in (old, new))

    (refusal,) = refused(FIELDS_ARE_MUTABLE, WEBHOOK, configured(after), configured(before))

    assert refusal.field == f"{CLUSTER}.{field}"
    assert refusal.found == ("nothing" if new is None else repr(new))
    assert ("nothing" if old is None else repr(old)) in refusal.allowed


@pytest.mark.parametrize("name", ["clusterConfiguration", "initConfiguration", "joinConfiguration"])
def test_fields_are_mutable_refuses_to_drop_all_of_a_configuration(name: str) -> None:
    old = {"verbosity": 1, "clusterConfiguration": {"imageRepository": "r"}}
    old |= {own: {"skipPhases": ["a"]} for own in ("initConfiguration", "joinConfiguration")}

    refusals = refused(FIELDS_ARE_MUTABLE, WEBHOOK, configured({k: v for k, v in old.items() if k != name}), configured(old))

    assert fields(refusals) == [f"{CONFIG}.{name}"]


def test_fields_are_mutable_refuses_to_drop_all_settings() -> None:
    refusals = refused(FIELDS_ARE_MUTABLE, WEBHOOK, configured(None), configured({"verbosity": 1}))

    assert fields(refusals) == [CONFIG]


def test_fields_are_mutable_refuses_every_field_at_once() -> None:
    before = {"clusterConfiguration": {"certificatesDir": "/a", "controlPlaneEndpoint": "a"}}
    after = {"clusterConfiguration": {"certificatesDir": "/b", "controlPlaneEndpoint": "b"}}

    refusals = refused(FIELDS_ARE_MUTABLE, WEBHOOK, configured(after), configured(before))

    assert fields(refusals) == [f"{CLUSTER}.certificatesDir", f"{CLUSTER}.controlPlaneEndpoint"]


@pytest.mark.parametrize("etcd", [EXTERNAL, LOCAL], ids=["external", "local"])
def test_etcd_stays_in_its_place_accepts_changes_within_it(etcd: dict[str, Any]) -> None:
    old = configured({"clusterConfiguration": {"etcd": etcd}})
    (kind,) = etcd
    extra: dict[str, Any] = {"endpoints": ["https://other:2379"]} if kind == "external" else {"imageTag": "3.6.4-0"}

    accepted(WEBHOOK, configured({"clusterConfiguration": {"etcd": {kind: {**etcd[kind], **extra}}}}), old)


@pytest.mark.parametrize(("old", "new"), [(EXTERNAL, LOCAL), (LOCAL, EXTERNAL), (None, EXTERNAL)], ids=["home", "away", "from the default"])
def test_etcd_stays_in_its_place_refuses_a_move(old: dict[str, Any] | None, new: dict[str, Any]) -> None:
    before, after = (configured({"clusterConfiguration": {"imageRepository": "r", "etcd": etcd}}) for etcd in (old, new))

    refusals = refused(ETCD_STAYS_IN_ITS_PLACE, WEBHOOK, after, before)

    assert fields(refusals) == [f"{CLUSTER}.etcd.external"]


@pytest.mark.parametrize("version", ["v1.34.9", "v1.35.0", "v1.35.7", "v1.35.0-rc.1", "v1.33.0", "v1.20.0", "v0.99.0"])
def test_version_skips_no_minor_accepts_the_next_minor_and_all_before_it(version: str) -> None:
    accepted(WEBHOOK, kubeadmcontrolplane(version=version), kubeadmcontrolplane(version="v1.34.0"))


@pytest.mark.parametrize("version", ["v1.36.0", "v1.36.0-rc.1", "v1.99.0", "v2.0.0"])
def test_version_skips_no_minor_refuses_what_lies_behind(version: str) -> None:
    (refusal,) = refused(VERSION_SKIPS_NO_MINOR, WEBHOOK, kubeadmcontrolplane(version=version), kubeadmcontrolplane(version="v1.34.5"))

    assert refusal.field == "spec.version"
    assert "v1.35" in refusal.allowed


def test_the_way_back_is_warned_of() -> None:
    (notice,) = notices(WEBHOOK, kubeadmcontrolplane(version="v1.33.0"), kubeadmcontrolplane(version="v1.34.0"))
    within = notices(WEBHOOK, kubeadmcontrolplane(version="v1.34.0"), kubeadmcontrolplane(version="v1.34.1"))

    assert notice.startswith("spec.version: v1.33.0 is older than v1.34.0: ")
    assert within == []


def test_a_version_that_was_never_one_can_be_mended() -> None:
    accepted(WEBHOOK, kubeadmcontrolplane(version="v1.36.0"), kubeadmcontrolplane(version="latest"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("v1.11.1", "v1.12.1"),
        ("v1.11.3", "1.12.0-eksbuild.1"),
        ("v99.0.0", "v99.0.0_patch.1"),
        (None, "v1.12.1"),
        ("v1.12.1", None),
        ("latest", "v1.12.1"),
    ],
    ids=["a later version", "a vendor's build of one", "a build of an unknown one", "a first tag", "no tag any more", "after no version"],
)
def test_coredns_can_follow_accepts_versions_its_configuration_can_be_carried_over_to(old: str | None, new: str | None) -> None:
    accepted(WEBHOOK, with_dns(new), with_dns(old))


def test_coredns_can_follow_accepts_anything_with_the_annotation() -> None:
    accepted(WEBHOOK, with_dns("v1.6.2", annotations={SKIP_COREDNS_ANNOTATION: ""}), with_dns("v1.12.1"))


@pytest.mark.parametrize("new", ["v1.11.1", "v99.0.0"], ids=["an earlier version", "an unknown version"])
def test_coredns_can_follow_refuses_other_versions(new: str) -> None:
    (refusal,) = refused(COREDNS_CAN_FOLLOW, WEBHOOK, with_dns(new), with_dns("v1.12.1"))

    assert refusal.field == f"{CLUSTER}.dns.imageTag"
    assert new in refusal.found
