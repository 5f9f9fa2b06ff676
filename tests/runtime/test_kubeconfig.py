import base64
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from capelin.runtime import errors
from capelin.runtime.http import Address
from capelin.runtime.kubeconfig import Access, KubeconfigError, default_paths, in_cluster, load
from capelin.runtime.logins import REREAD_AFTER, Login
from tests.fakes import FakeClock


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def written(
    folder: Path, *, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None, name: str = "config", **more: Any
) -> Path:
    """Write a kubeconfig with one context `c` and return its path."""
    document = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": "https://host:6443"} | (cluster or {})}],
        "users": [{"name": "u", "user": user or {}}],
    }
    path = folder / name
    path.write_text(yaml.safe_dump(document | more))
    return path


async def login(access: Access) -> Login:
    return await access.logins.current()


async def test_everything_inline(tmp_path: Path) -> None:
    cluster = {
        "certificate-authority-data": encoded("CA"),
        "tls-server-name": "name",
        "proxy-url": "http://proxy:3128",
        "insecure-skip-tls-verify": True,
    }
    user = {"client-certificate-data": encoded("CERT"), "client-key-data": encoded("KEY"), "token": "t"}

    got = load([written(tmp_path, cluster=cluster, user=user)], FakeClock())

    assert got.address == Address("https://host:6443", b"CA", "name", "http://proxy:3128", insecure=True)
    assert await login(got) == Login("Bearer t", b"CERT", b"KEY")
    assert (got.context, got.namespace) == ("c", "default")


async def test_files_are_relative_to_the_kubeconfig_and_read_again(tmp_path: Path) -> None:
    for name in ("ca", "cert", "key", "token"):
        (tmp_path / name).write_text(f"{name} 1")
    clock = FakeClock()
    user = {"client-certificate": "cert", "client-key": "key", "tokenFile": "token"}
    got = load([written(tmp_path, cluster={"certificate-authority": "ca"}, user=user)], clock)
    assert got.address.certificate_authority == b"ca 1"
    assert await login(got) == Login("Bearer token 1", b"cert 1", b"key 1")

    (tmp_path / "token").write_text("token 2")
    assert (await login(got)).authorization == "Bearer token 1"
    await clock.advance(REREAD_AFTER)

    assert (await login(got)).authorization == "Bearer token 2"


async def test_a_refused_token_file_is_read_at_once(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("1")
    got = load([written(tmp_path, user={"tokenFile": "token"})], FakeClock())
    refused = await login(got)
    (tmp_path / "token").write_text("2")

    assert (await got.logins.renew(refused)).authorization == "Bearer 2"


async def test_a_token_file_that_is_gone_means_that_nobody_can_be_reached(tmp_path: Path) -> None:
    got = load([written(tmp_path, user={"tokenFile": "token"})], FakeClock())

    with pytest.raises(errors.Unreachable):
        await login(got)


async def test_of_entries_with_one_name_the_first_file_counts(tmp_path: Path) -> None:
    first = written(tmp_path, user={"token": "first"}, name="1")
    second = written(tmp_path, user={"token": "second"}, name="2", contexts=[{"name": "other", "context": {"cluster": "k", "user": "u"}}])

    assert (await login(load([first, second], FakeClock()))).authorization == "Bearer first"
    assert load([first, second], FakeClock(), context="other").context == "other"


async def test_a_name_and_password_are_sent_as_such(tmp_path: Path) -> None:
    got = load([written(tmp_path, user={"username": "ada", "password": "pw"})], FakeClock())

    assert (await login(got)).authorization == "Basic " + encoded("ada:pw")


@pytest.mark.slow
async def test_a_plugin_is_run_for_a_login_and_again_when_it_is_refused(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    plugin.write_text(f"""#!{sys.executable}
import json, pathlib
count = pathlib.Path({str(tmp_path / "count")!r})
count.write_text(str(int(count.read_text()) + 1) if count.exists() else "1")
status = {{"token": "t" + count.read_text()}}
print(json.dumps({{"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": status}}))
""")
    plugin.chmod(0o755)
    exec_ = {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin", "interactiveMode": "Never"}
    got = load([written(tmp_path, user={"exec": exec_})], FakeClock())

    first = await login(got)
    assert await login(got) == first
    assert first.authorization == "Bearer t1"
    assert (await got.logins.renew(first)).authorization == "Bearer t2"


@pytest.mark.slow
async def test_a_plugin_that_fails_means_that_nobody_can_be_reached(tmp_path: Path) -> None:
    exec_ = {"apiVersion": "client.authentication.k8s.io/v1", "command": "/does/not/exist"}

    with pytest.raises(errors.Unreachable):
        await login(load([written(tmp_path, user={"exec": exec_})], FakeClock()))


@pytest.mark.slow
async def test_an_oidc_token_that_is_valid_is_used(tmp_path: Path) -> None:
    claims = base64.urlsafe_b64encode(b'{"exp":99999999999}').decode().rstrip("=")
    provider = {"name": "oidc", "config": {"id-token": f"e30.{claims}.sig", "idp-issuer-url": "https://issuer"}}
    got = load([written(tmp_path, user={"auth-provider": provider})], FakeClock())

    assert (await login(got)).authorization == f"Bearer e30.{claims}.sig"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("[]", id="a list"),
        pytest.param("{", id="no YAML"),
        pytest.param("current-context: x", id="an unknown context"),
        pytest.param("current-context: x\ncontexts: [{name: x, context: {cluster: k}}]", id="an unknown cluster"),
        pytest.param(
            "current-context: x\ncontexts: [{name: x, context: {cluster: k}}]\nclusters: [{name: k, cluster: {server: 'ftp://x'}}]",
            id="a server of another kind",
        ),
        pytest.param(
            "current-context: x\ncontexts: [{name: x, context: {cluster: k}}]\n"
            "clusters: [{name: k, cluster: {server: 'https://x', certificate-authority-data: '%'}}]",
            id="data that is not base64",
        ),
        pytest.param(
            "current-context: x\ncontexts: [{name: x, context: {cluster: k}}]\n"
            "clusters: [{name: k, cluster: {server: 'https://x', certificate-authority: nowhere}}]",
            id="a file that is not there",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").write_text(text)

    with pytest.raises(KubeconfigError):
        load([tmp_path / "config"], FakeClock())


def test_the_default_files_are_kubectls() -> None:
    assert default_paths({"KUBECONFIG": "/a:/b", "HOME": "/h"}) == [Path("/a"), Path("/b")]
    assert default_paths({"HOME": "/h"}) == [Path("/h/.kube/config")]


async def test_in_a_pod_the_service_account_is_used(tmp_path: Path) -> None:
    for name in ("token", "ca.crt", "namespace"):
        (tmp_path / name).write_text(name)
    environment = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}

    got = in_cluster(environment, FakeClock(), account=tmp_path)

    assert (got.address, got.namespace) == (Address("https://[fd00::1]:443", b"ca.crt"), "namespace")
    assert await login(got) == Login("Bearer token")


def test_elsewhere_there_is_no_service_account(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError):
        in_cluster({}, FakeClock(), account=tmp_path)
