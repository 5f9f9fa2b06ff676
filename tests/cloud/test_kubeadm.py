"""What kubeadm is to do, read from the files it would read."""

import pytest
import yaml

from capelin.api.kubeadmconfig import KubeadmConfigSpec
from capelin.cloud.inmemory.kubeadm import INIT_PATH, JOIN_PATH, Discovery, Init, Join, Run, kubeadm_run
from capelin.cloud.inmemory.userdata import UserDataError, written_files
from capelin.controllers.kubeadmconfig import cloudconfig
from tests.cloud.world import init_files, join_files


def run(files: dict[str, bytes]) -> Run:
    return kubeadm_run(files, hostname="Worker-1")


def test_init_brings_the_configuration_of_the_cluster() -> None:
    got = run(init_files(networking={"podSubnet": "10.1.0.0/16"}))

    assert isinstance(got, Init)
    assert got.is_control_plane
    assert got.cluster_configuration["networking"] == {"podSubnet": "10.1.0.0/16"}
    assert yaml.safe_load(got.stored_configuration)["kind"] == "ClusterConfiguration"


def test_join_brings_its_discovery() -> None:
    got = run(join_files("127.0.0.1:6443", "abcdef.0123456789abcdef", ["sha256:aa"]))

    assert isinstance(got, Join)
    assert not got.is_control_plane
    assert got.discovery == Discovery("127.0.0.1:6443", "abcdef.0123456789abcdef", ("sha256:aa",))


def test_a_join_with_a_control_plane_section_is_of_the_control_plane() -> None:
    assert run(join_files("a:1", "t", [], controlPlane={})).is_control_plane


def test_the_node_is_named_after_the_machine_unless_it_is_told_otherwise() -> None:
    assert run(join_files("a:1", "t", [])).registration.name == "worker-1"
    assert run(join_files("a:1", "t", [], nodeRegistration={"name": "other"})).registration.name == "other"


@pytest.mark.parametrize(
    "flags",
    [{"node-labels": "a=b,c="}, [{"name": "node-labels", "value": "a=b,c="}]],
    ids=["v1beta3 writes flags as an object", "v1beta4 writes flags as a list"],
)
def test_labels_of_the_node_are_a_flag_of_the_kubelet(flags: object) -> None:
    got = run(join_files("a:1", "t", [], nodeRegistration={"kubeletExtraArgs": flags}))

    assert got.registration.labels == {"a": "b", "c": ""}


def test_no_taints_and_no_word_about_taints_are_different() -> None:
    taint = {"key": "k", "effect": "NoSchedule"}
    registrations: list[dict[str, object]] = [{}, {"taints": []}, {"taints": [taint]}]

    got = [run(join_files("a:1", "t", [], nodeRegistration=registration)).registration.taints for registration in registrations]

    assert got == [None, (), (taint,)]


def test_discovery_by_file_needs_the_file() -> None:
    files = join_files("a:1", "", [], discovery={"file": {"kubeConfigPath": "/etc/discovery.conf"}})

    with pytest.raises(UserDataError, match="no file is written to"):
        run(files)
    got = run({**files, "/etc/discovery.conf": b""})

    assert isinstance(got, Join)
    assert got.discovery.kubeconfig_path == "/etc/discovery.conf"


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({}, "found neither"),
        ({INIT_PATH: b"apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n"}, "no ClusterConfiguration"),
        ({INIT_PATH: b"apiVersion: v1\nkind: Pod\n"}, "another API"),
        ({INIT_PATH: b"a: ["}, "not YAML"),
        ({JOIN_PATH: b"apiVersion: kubeadm.k8s.io/v1beta4\nkind: Other\n"}, "no JoinConfiguration"),
        ({JOIN_PATH: b"apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\n"}, "neither a token nor a kubeconfig"),
        (join_files("a:1", "t", [], nodeRegistration=7), "nodeRegistration: allowed is an object"),
        (join_files("a:1", "t", [], nodeRegistration={"taints": ["x"]}), "taints: allowed is a list of taints"),
    ],
)
def test_what_kubeadm_could_not_use_is_named(files: dict[str, bytes], complaint: str) -> None:
    with pytest.raises(UserDataError, match=complaint):
        run(files)


def test_the_paths_are_those_that_the_bootstrap_provider_writes_to() -> None:
    written = [cloudconfig.HostFile(path=path, content=content) for path, content in init_files().items()]
    data = cloudconfig.render(KubeadmConfigSpec(), written, cloudconfig.init_command(None), {})

    got = kubeadm_run(written_files(data, hostname="first"), hostname="first")

    assert isinstance(got, Init)
    assert (INIT_PATH, JOIN_PATH) == (cloudconfig.INIT_CONFIG_PATH, cloudconfig.JOIN_CONFIG_PATH)
