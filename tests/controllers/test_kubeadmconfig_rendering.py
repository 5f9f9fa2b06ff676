"""Bootstrap data as cloud-init and kubeadm read it. Pure."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import pytest
import yaml

from capelin.api.cluster import Cluster
from capelin.api.core import Taint
from capelin.api.environment import EnvVar
from capelin.api.kubeadm import (
    APIServerConfiguration,
    Argument,
    BootstrapToken,
    ClusterConfiguration,
    DNSConfiguration,
    EtcdConfiguration,
    ExternalEtcd,
    HostPathMount,
    InitConfiguration,
    JoinConfiguration,
    JoinControlPlane,
    LocalAPIEndpoint,
    LocalEtcd,
    NodeRegistration,
    Patches,
    Timeouts,
)
from capelin.api.kubeadmconfig import (
    NTP,
    DiskSetup,
    File,
    Filesystem,
    KubeadmConfigSpec,
    Partition,
    PartitionShare,
    SecretKey,
    SecretSource,
    User,
)
from capelin.controllers.kubeadmconfig.cloudconfig import SENTINEL, HostFile, init_command, join_command, render
from capelin.controllers.kubeadmconfig.files import ContentRefused, certificate_files, passwords, spec_files
from capelin.controllers.kubeadmconfig.kubeadm_types import (
    V1BETA3,
    V1BETA4,
    Discovery,
    UnsupportedVersion,
    api_version_for,
    cluster_document,
    init_document,
    join_document,
)
from capelin.controllers.kubeadmconfig.tokens import Token, derived_token, token_secret
from capelin.controllers.kubeadmconfig.yamltext import to_yaml
from capelin.runtime.pki import KeyPair
from capelin.workload.certificates import Purpose
from tests import build

DISCOVERY = Discovery("10.0.0.1:6443", "abcdef.0123456789abcdef", ("sha256:aa",))
LEVEL = [Argument(name="v", value="4")]


def cluster(**fields: Any) -> Cluster:
    return build.cluster(endpoint=("10.0.0.1", 6443), **fields)


def user_data(spec: KubeadmConfigSpec, *files: HostFile, **passwords: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(render(spec, files, "kubeadm init", passwords))
    return found


# -- kubeadm -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "want"),
    [("v1.22.0", V1BETA3), ("v1.30.9", V1BETA3), ("v1.31.0-alpha.1", V1BETA4), ("v1.36.2+build", V1BETA4), ("1.34.0", V1BETA4)],
)
def test_api_version_follows_the_kubernetes_version(version: str, want: str) -> None:
    assert api_version_for(version) == want


@pytest.mark.parametrize("version", ["v1.21.9", "latest", ""])
def test_versions_without_an_api_are_refused(version: str) -> None:
    with pytest.raises(UnsupportedVersion):
        api_version_for(version)


FULL = ClusterConfiguration(
    api_server=APIServerConfiguration(
        cert_sans=["api.example"],
        extra_args=LEVEL,
        extra_envs=[EnvVar(name="A", value="b")],
        extra_volumes=[HostPathMount(name="audit", host_path="/a", mount_path="/b", read_only=True)],
    ),
    ca_certificate_validity_period_days=10,
    certificate_validity_period_days=2,
    encryption_algorithm="ECDSA-P256",
    dns=DNSConfiguration(image_tag="v1"),
    etcd=EtcdConfiguration(local=LocalEtcd(data_dir="/data", extra_args=LEVEL, server_cert_sans=["etcd.example"])),
    feature_gates={"EtcdLearnerMode": True},
)


def test_cluster_configuration_in_v1beta4() -> None:
    found = cluster_document(FULL, cluster(), "v1.34.0")

    assert found == {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "clusterName": "demo",
        "kubernetesVersion": "v1.34.0",
        "controlPlaneEndpoint": "10.0.0.1:6443",
        "networking": {"dnsDomain": "cluster.local", "serviceSubnet": "10.96.0.0/12", "podSubnet": "10.244.0.0/16"},
        "featureGates": {"EtcdLearnerMode": True},
        "certificateValidityPeriod": "48h",
        "caCertificateValidityPeriod": "240h",
        "encryptionAlgorithm": "ECDSA-P256",
        "dns": {"imageTag": "v1"},
        "etcd": {"local": {"dataDir": "/data", "serverCertSANs": ["etcd.example"], "extraArgs": [{"name": "v", "value": "4"}]}},
        "apiServer": {
            "extraArgs": [{"name": "v", "value": "4"}],
            "extraVolumes": [{"name": "audit", "hostPath": "/a", "mountPath": "/b", "readOnly": True}],
            "extraEnvs": [{"name": "A", "value": "b"}],
            "certSANs": ["api.example"],
        },
    }


def test_cluster_configuration_in_v1beta3_has_flags_as_a_map_and_nothing_it_does_not_know() -> None:
    timeouts = Timeouts(control_plane_component_health_check_seconds=90)

    found = cluster_document(FULL, cluster(), "v1.30.0", timeouts=timeouts)

    assert found["apiVersion"] == "kubeadm.k8s.io/v1beta3"
    assert found["apiServer"]["extraArgs"] == {"v": "4"}
    assert found["apiServer"]["timeoutForControlPlane"] == "90s"
    assert found["etcd"]["local"]["extraArgs"] == {"v": "4"}
    assert "extraEnvs" not in found["apiServer"]
    assert not {"certificateValidityPeriod", "caCertificateValidityPeriod", "encryptionAlgorithm"} & set(found)


def test_external_etcd_is_passed_on() -> None:
    external = ExternalEtcd(endpoints=["https://e:2379"], ca_file="/ca", cert_file="/c", key_file="/k")

    found = cluster_document(ClusterConfiguration(etcd=EtcdConfiguration(external=external)), cluster(), "v1.34.0")

    assert found["etcd"] == {"external": {"endpoints": ["https://e:2379"], "caFile": "/ca", "certFile": "/c", "keyFile": "/k"}}


def test_endpoint_of_the_spec_has_precedence() -> None:
    found = cluster_document(ClusterConfiguration(control_plane_endpoint="own.example:443"), cluster(), "v1.34.0")

    assert found["controlPlaneEndpoint"] == "own.example:443"


def test_init_configuration() -> None:
    configuration = InitConfiguration(
        bootstrap_tokens=[BootstrapToken(token="abcdef.0123456789abcdef", ttl_seconds=60)],
        local_api_endpoint=LocalAPIEndpoint(advertise_address="10.0.0.5", bind_port=7443),
        node_registration=NodeRegistration(kubelet_extra_args=LEVEL, taints=[], image_pull_serial=False),
        patches=Patches(directory="/patches"),
        skip_phases=["addon/kube-proxy"],
        timeouts=Timeouts(tls_bootstrap_seconds=5),
    )

    assert init_document(configuration, cluster(), V1BETA4) == {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "InitConfiguration",
        "bootstrapTokens": [{"token": "abcdef.0123456789abcdef", "ttl": "60s"}],
        "nodeRegistration": {"kubeletExtraArgs": [{"name": "v", "value": "4"}], "imagePullSerial": False, "taints": []},
        "localAPIEndpoint": {"advertiseAddress": "10.0.0.5", "bindPort": 7443},
        "skipPhases": ["addon/kube-proxy"],
        "patches": {"directory": "/patches"},
        "timeouts": {"tlsBootstrap": "5s"},
    }


@pytest.mark.parametrize(
    ("taints", "want"),
    [
        pytest.param(None, None, id="none said: kubeadm's choice"),
        pytest.param([], [], id="empty: no taint at all"),
        pytest.param([Taint(key="a", effect="NoSchedule")], [{"key": "a", "effect": "NoSchedule"}], id="said"),
    ],
)
def test_no_taints_and_empty_taints_are_different(taints: list[Taint] | None, want: object) -> None:
    found = init_document(InitConfiguration(node_registration=NodeRegistration(name="n", taints=taints)), cluster(), V1BETA4)

    assert found["nodeRegistration"].get("taints") == want


def test_join_configuration_of_a_control_plane_in_v1beta3() -> None:
    configuration = JoinConfiguration(
        control_plane=JoinControlPlane(local_api_endpoint=LocalAPIEndpoint(bind_port=7443)), timeouts=Timeouts(discovery_seconds=30)
    )

    found = join_document(configuration, cluster(), V1BETA3, discovery=DISCOVERY, control_plane=True)

    assert found["controlPlane"] == {"localAPIEndpoint": {"bindPort": 7443}}
    assert found["discovery"] == {
        "bootstrapToken": {"apiServerEndpoint": "10.0.0.1:6443", "token": "abcdef.0123456789abcdef", "caCertHashes": ["sha256:aa"]},
        "timeout": "30s",
    }
    assert "timeouts" not in found


def test_taint_of_a_new_node_is_added_once() -> None:
    taint = Taint(key="new", effect="NoSchedule")
    registration = NodeRegistration(taints=[Taint(key="own", effect="NoExecute"), taint])

    found = join_document(
        JoinConfiguration(node_registration=registration), cluster(), V1BETA4, discovery=DISCOVERY, control_plane=False, extra_taint=taint
    )

    assert [t["key"] for t in found["nodeRegistration"]["taints"]] == ["own", "new"]


# -- cloud-config ------------------------------------------------------------------------------------------------------------------------


def test_kubeadm_runs_between_the_users_commands_and_tells_of_success() -> None:
    spec = KubeadmConfigSpec(pre_kubeadm_commands=["before"], post_kubeadm_commands=["after"])

    assert user_data(spec)["runcmd"] == ["before", "kubeadm init", "after"]
    assert init_command(None) == f"kubeadm init --config /run/kubeadm/kubeadm.yaml && echo success > {SENTINEL}"
    assert join_command(5) == f"kubeadm join --config /run/kubeadm/kubeadm-join-config.yaml --v 5 && echo success > {SENTINEL}"


def test_disks_are_set_up_with_the_codes_of_their_table() -> None:
    shares = [PartitionShare(percentage=30, partition_type="LinuxSwap"), PartitionShare(percentage=70)]
    setup = DiskSetup(
        partitions=[
            Partition(device="/dev/sdb", layout=True, overwrite=True),
            Partition(device="/dev/sdc", disk_layout=shares, table_type="gpt"),
            Partition(device="/dev/sdd", disk_layout=shares),
        ],
        filesystems=[Filesystem(device="/dev/sdb", filesystem="ext4", label="data", replace_fs="ntfs", extra_opts=["-F"])],
    )

    found = user_data(KubeadmConfigSpec(disk_setup=setup))

    assert found["disk_setup"] == {
        "/dev/sdb": {"layout": True, "overwrite": True},
        "/dev/sdc": {"table_type": "gpt", "layout": [[30, "8200"], 70]},
        "/dev/sdd": {"layout": [[30, "82"], 70]},
    }
    assert found["fs_setup"] == [{"label": "data", "filesystem": "ext4", "device": "/dev/sdb", "replace_fs": "ntfs", "extra_opts": ["-F"]}]


def test_time_servers_mounts_and_users() -> None:
    spec = KubeadmConfigSpec(
        ntp=NTP(enabled=True, servers=["time.example"]),
        mounts=[["LABEL=data", "/data"]],
        users=[User(name="admin", lock_password=False, inactive=False, home_dir="/h", primary_group="g")],
    )

    found = user_data(spec, admin="$6$hash")

    assert found["ntp"] == {"enabled": True, "servers": ["time.example"]}
    assert found["mounts"] == [["LABEL=data", "/data"]]
    assert found["users"] == [
        {"name": "admin", "passwd": "$6$hash", "homedir": "/h", "inactive": False, "lock_passwd": False, "primary_group": "g"}
    ]


def test_lines_are_written_as_a_block_for_people() -> None:
    assert to_yaml({"content": "one\ntwo\n"}) == "content: |\n  one\n  two\n"


# -- files -------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("base64", base64.b64encode(b"text")),
        ("gzip", gzip.compress(b"text", mtime=0)),
        ("gzip+base64", base64.b64encode(gzip.compress(b"text", mtime=0))),
        (None, b"text"),
    ],
)
def test_encoded_content_is_passed_on_as_it_is(encoding: str | None, content: bytes) -> None:
    source = SecretSource(secret=SecretKey(name="s", key="k"))
    spec = KubeadmConfigSpec(files=[File(path="/f", content_from=source, encoding=encoding, append=True)])

    [found] = spec_files(spec, {"spec.files[0].contentFrom": content}, "")

    assert found == HostFile("/f", content, encoding=encoding or "", append=True)


def test_raw_content_keeps_what_looks_like_a_template() -> None:
    spec = KubeadmConfigSpec(files=[File(path="/f", content="{{ .controlPlane.version }}", content_format="Raw")])

    assert spec_files(spec, {}, "v1.34.0")[0].content == b"{{ .controlPlane.version }}"


def test_hash_of_a_password_that_is_no_text_is_refused() -> None:
    spec = KubeadmConfigSpec(users=[User(name="u", passwd_from=SecretSource(secret=SecretKey(name="s", key="k")))])

    assert passwords(spec, {"spec.users[0].passwdFrom": b"$6$x\n"}) == {"u": "$6$x"}
    with pytest.raises(ContentRefused, match=r"spec.users\[0\].passwdFrom"):
        passwords(spec, {"spec.users[0].passwdFrom": b"\xff"})


def test_certificates_lie_where_kubeadm_looks_and_keys_are_private() -> None:
    pair = KeyPair(b"certificate", b"key")

    found = certificate_files({Purpose.CA: pair, Purpose.SERVICE_ACCOUNT: pair, Purpose.ETCD: KeyPair(b"certificate", b"")}, "/pki/")

    assert [(file.path, file.permissions) for file in found] == [
        ("/pki/ca.crt", "0640"),
        ("/pki/ca.key", "0600"),
        ("/pki/sa.pub", "0640"),
        ("/pki/sa.key", "0600"),
        ("/pki/etcd/ca.crt", "0640"),
    ]


# -- tokens ------------------------------------------------------------------------------------------------------------------------------


def test_token_has_the_form_of_bootstrap_tokens_and_is_always_the_same() -> None:
    token = derived_token(b"secret", "uid")

    assert token == derived_token(b"secret", "uid")
    assert token != derived_token(b"other", "uid")
    assert token != derived_token(b"secret", "other")
    assert (len(token.id), len(token.secret), str(token).isalnum()) == (6, 16, False)
    assert str(token).replace(".", "").isalnum()


def test_token_does_not_show_its_secret_in_representations() -> None:
    assert "0123456789abcdef" not in repr(Token("abcdef", "0123456789abcdef"))


def test_token_secret_lets_nodes_in_and_nobody_else() -> None:
    secret = token_secret(Token("abcdef", "0123456789abcdef"), now=build.NOW)

    assert secret.key.name == "bootstrap-token-abcdef"
    assert secret.value("auth-extra-groups") == b"system:bootstrappers:kubeadm:default-node-token"
    assert secret.value("usage-bootstrap-authentication") == b"true"
    assert secret.value("expiration") == b"2026-01-01T12:15:00Z"
