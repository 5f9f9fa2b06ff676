"""Attacks A1–A4: a tenant writes the kubeconfig Secret that decides what the manager runs, opens, trusts and connects to."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from capelin.runtime import errors
from capelin.runtime.http import connect
from capelin.runtime.transport import Request
from capelin.workload.credentials import MAX_AUTHORITY, MAX_KUBECONFIG, AddressPolicy, KubeconfigRefused, load_kubeconfig
from capelin.workload.kubeconfig import client_certificate
from tests.workload.kubeconfigs import AUTHORITY, kubeconfig

NOWHERE = AddressPolicy(lambda host, port: False)


def load(document: Any, policy: AddressPolicy = NOWHERE) -> Any:
    return load_kubeconfig(json.dumps(document).encode(), policy)


def test_an_inline_kubeconfig_is_accepted() -> None:
    got = load(kubeconfig("https://10.0.0.1:6443", user={"token": "secret"}))

    assert (got.server, got.token, got.certificate_authority) == ("https://10.0.0.1:6443", "secret", AUTHORITY)


@pytest.mark.parametrize(
    ("user", "field"),
    [
        pytest.param({"exec": {"command": "sh", "args": ["-c", "id"]}}, "users[].user.exec", id="A1 a program"),
        pytest.param({"auth-provider": {"name": "gcp"}}, "users[].user.auth-provider", id="A1 a login plugin"),
        pytest.param({"tokenFile": "/var/run/secrets/kubernetes.io/serviceaccount/token"}, "users[].user.tokenFile", id="A2 a token file"),
        pytest.param({"client-certificate": "/etc/hosts"}, "users[].user.client-certificate", id="A2 a certificate file"),
        pytest.param({"client-key": "/root/.ssh/id_rsa"}, "users[].user.client-key", id="A2 a key file"),
        pytest.param({"username": "a", "password": "b"}, "users[].user.username", id="a password"),
        pytest.param({"as": "system:admin"}, "users[].user.as", id="impersonation"),
    ],
)
def test_a1_a2_what_a_user_may_not_ask_is_refused_by_name(user: dict[str, Any], field: str) -> None:
    with pytest.raises(KubeconfigRefused, match=f"^{re.escape(field)}:"):
        load(kubeconfig(user=user))


@pytest.mark.parametrize(
    ("cluster", "field"),
    [
        pytest.param({"certificate-authority": "/etc/ssl/certs/ca-certificates.crt"}, "certificate-authority", id="A2 an authority file"),
        pytest.param({"proxy-url": "http://attacker.example"}, "proxy-url", id="A4 a proxy"),
        pytest.param({"insecure-skip-tls-verify": True}, "insecure-skip-tls-verify", id="A4 no verification"),
        pytest.param({"tls-server-name": "kubernetes"}, "tls-server-name", id="another name"),
        pytest.param({"something-new": "x"}, "something-new", id="a field nobody knows"),
    ],
)
def test_a2_a4_what_a_cluster_may_not_ask_is_refused_by_name(cluster: dict[str, Any], field: str) -> None:
    with pytest.raises(KubeconfigRefused, match=rf"^clusters\[\]\.cluster\.{field}:"):
        load(kubeconfig(cluster=cluster))


def test_an_entry_that_is_not_the_current_one_is_judged_as_well() -> None:
    document = kubeconfig()
    document["users"].append({"name": "other", "user": {"exec": {"command": "sh"}}})

    with pytest.raises(KubeconfigRefused, match=r"users\[\]\.user\.exec"):
        load(document)


def test_a_refusal_never_repeats_what_could_be_secret() -> None:
    document = kubeconfig(user={"password": "hunter2", "token": "tok\nen"})

    with pytest.raises(KubeconfigRefused) as refusal:
        load(document)

    assert "hunter2" not in str(refusal.value)
    assert "tok" not in str(refusal.value).replace("token", "")


@pytest.mark.parametrize(
    "server",
    [
        pytest.param("https://169.254.169.254", id="A3 metadata"),
        pytest.param("https://[fe80::1]:6443", id="A3 link-local"),
        pytest.param("https://[::ffff:169.254.169.254]", id="A3 metadata mapped into IPv6"),
        pytest.param("https://[2002:7f00:1::]:6443", id="A3 loopback behind a 6to4 relay"),
        pytest.param("https://[fd00:ec2::254]", id="A3 metadata over IPv6"),
        pytest.param("https://100.100.100.200", id="A3 another cloud's metadata"),
        pytest.param("https://127.0.0.1:6443", id="A3 loopback"),
        pytest.param("https://[::1]:6443", id="A3 loopback over IPv6"),
        pytest.param("https://localhost:6443", id="A3 loopback by name"),
        pytest.param("https://api.localhost.:6443", id="A3 loopback by another name"),
        pytest.param("https://0.0.0.0:6443", id="A3 unspecified"),
        pytest.param("https://2130706433:6443", id="A3 loopback as a number"),
        pytest.param("https://127.1:6443", id="A3 loopback, short"),
        pytest.param("https://0x7f.0.0.1:6443", id="A3 loopback, hexadecimal"),
        pytest.param("https://0x7f000001", id="A3 loopback, one hexadecimal number"),
        pytest.param("https://224.0.0.1", id="A3 multicast"),
        pytest.param("http://10.0.0.1:6443", id="A3 no TLS"),
        pytest.param("file:///etc/passwd", id="A3 a file"),
        pytest.param("unix:///var/run/docker.sock", id="A3 a socket"),
        pytest.param("https://user:pass@10.0.0.1", id="credentials in the URL"),
        pytest.param("https://10.0.0.1:6443/?x=1", id="a query"),
        pytest.param("https://10.0.0.1:99999", id="no port"),
        pytest.param("https://", id="no host"),
        pytest.param("https://a b", id="a space"),
        pytest.param("https://bad_host_.example..com", id="no name"),
    ],
)
def test_a3_an_address_that_is_not_another_hosts_api_server_is_refused(server: str) -> None:
    with pytest.raises(KubeconfigRefused, match=r"clusters\[\]\.cluster\.?"):
        load(kubeconfig(server))


@pytest.mark.parametrize(
    "server", ["https://10.0.0.1", "https://[2001:db8:1::7]:6443", "https://api.demo.example.com:443/k8s/clusters/c-1"]
)
def test_an_address_of_another_host_is_accepted(server: str) -> None:
    assert load(kubeconfig(server)).server == server


def test_a3_loopback_is_allowed_for_a_cluster_that_this_program_serves_and_for_no_other_port() -> None:
    policy = AddressPolicy(lambda host, port: (host, port) == ("127.0.0.1", 20001))

    got = load(kubeconfig("https://127.0.0.1:20001"), policy)

    assert got.server == "https://127.0.0.1:20001"
    with pytest.raises(KubeconfigRefused, match="loopback"):
        load(kubeconfig("https://127.0.0.1:20002"), policy)


async def test_a3_a_name_that_resolves_to_loopback_is_refused_when_the_socket_would_be_opened() -> None:
    """The name passes the loader, as that of a rebinding DNS server would; a loader that serves everything stands for it."""
    loose = AddressPolicy(lambda host, port: True)
    credentials = load(kubeconfig("https://localhost:6443"), loose)
    connection = connect(credentials, screen=NOWHERE.screen)

    try:
        with pytest.raises(errors.Unreachable, match="loopback"):
            await connection.send(Request("POST", "/"))
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"x" * (MAX_KUBECONFIG + 1), id="A4 too large"),
        pytest.param(b"a: &x [1]\nb: *x\n", id="an alias"),
        pytest.param(b"[" * 100_000, id="too deep"),
        pytest.param(b"- " * 10_000 + b"x", id="too deep without brackets"),
        pytest.param(b"a: " + b"1" * 100_000, id="a number of a hundred thousand digits"),
        pytest.param(b"a: " + b":".join([b"1"] * 50_000), id="a number to the base of sixty"),
        pytest.param(b"a: 2001-99-99", id="a day that there is not"),
        pytest.param(b"{[1]: 2}", id="a list as a key"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
        pytest.param(b"just text", id="no object"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"clusters: 3", id="no list"),
        pytest.param(b"clusters: [3]", id="no entry"),
        pytest.param(b"current-context: none", id="no context"),
    ],
)
def test_a_document_that_is_no_kubeconfig_is_refused(data: bytes) -> None:
    with pytest.raises(KubeconfigRefused):
        load_kubeconfig(data, NOWHERE)

    assert client_certificate(data) is None


def test_a4_a_huge_authority_is_refused() -> None:
    data = base64.b64encode(b"x" * (MAX_AUTHORITY + 1)).decode()

    with pytest.raises(KubeconfigRefused, match="certificate-authority-data: found 65537 bytes"):
        load(kubeconfig(cluster={"certificate-authority-data": data}))


@pytest.mark.parametrize("authority", ["", "not base64!", base64.b64encode(b"no certificate").decode()])
def test_an_authority_that_is_none_is_refused(authority: str) -> None:
    with pytest.raises(KubeconfigRefused, match="certificate-authority-data"):
        load(kubeconfig(cluster={"certificate-authority-data": authority}))


def test_half_a_client_pair_is_refused() -> None:
    with pytest.raises(KubeconfigRefused, match="both or neither"):
        load(kubeconfig(user={"client-certificate-data": base64.b64encode(AUTHORITY).decode()}))
