"""The administrator's kubeconfig."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
import yaml
from cryptography.x509.oid import NameOID

from capelin.api.cluster import APIEndpoint
from capelin.api.core import Secret
from capelin.api.meta import ObjectKey
from capelin.runtime.pki import authority
from capelin.workload.certificates import ClusterCertificates, Purpose, certificate_secret
from capelin.workload.credentials import AddressPolicy, load_kubeconfig
from capelin.workload.kubeconfig import (
    Kubeconfigs,
    admin_kubeconfig,
    client_certificate,
    kubeconfig_secret,
    needs_renewal,
    server_url,
)
from tests import build
from tests.fakes import NOW, FakeClient, FakeClock, FakeKeys

SERVER = "https://cluster.example:6443"


async def kubeconfig() -> bytes:
    keys = FakeKeys()
    ca = authority("kubernetes", await keys.generate("ECDSA-P256"), now=NOW, valid_for=timedelta(days=3650))
    return admin_kubeconfig("demo", SERVER, ca, await keys.generate("ECDSA-P256"), now=NOW)


async def test_user_and_context_are_named_as_everybody_expects() -> None:
    document = yaml.safe_load(await kubeconfig())

    assert document["current-context"] == "demo-admin@demo"
    assert document["users"][0]["name"] == "demo-admin"
    assert document["clusters"][0]["cluster"]["server"] == SERVER


async def test_user_is_the_administrator_for_a_year() -> None:
    certificate = client_certificate(await kubeconfig())

    assert certificate is not None
    assert [a.value for a in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["kubernetes-admin"]
    assert [a.value for a in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] == ["system:masters"]
    assert certificate.not_valid_after_utc == NOW + timedelta(days=365)


async def test_our_own_strict_loader_takes_it() -> None:
    credentials = load_kubeconfig(await kubeconfig(), AddressPolicy(lambda address, port: False))

    assert credentials.server == SERVER
    assert credentials.client_key


@pytest.mark.parametrize(("days", "due"), [pytest.param(182, False, id="before half its life"), pytest.param(183, True, id="after it")])
async def test_it_is_renewed_at_half_of_its_life(days: int, due: bool) -> None:
    assert needs_renewal(await kubeconfig(), now=NOW + timedelta(days=days)) is due


@pytest.mark.parametrize("text", [b"", b"[", b"users: [{user: {token: x}}]", b"users: [{user: {client-certificate-data: '%'}}]", b"\xff"])
def test_kubeconfig_without_a_certificate_we_can_read_is_never_renewed(text: bytes) -> None:
    assert not needs_renewal(text, now=NOW)


async def test_secret_holds_it_under_value() -> None:
    secret = kubeconfig_secret(ObjectKey("default", "demo"), b"text", build.owner(build.cluster(), controller=False))

    assert secret.key == ObjectKey("default", "demo-kubeconfig")
    assert secret.data == {"value": base64.b64encode(b"text").decode()}


CLUSTER = build.cluster(endpoint=("127.0.0.1", 20001))
SECRET = ObjectKey("default", "demo-kubeconfig")


async def authority_secret() -> Secret:
    ca = authority("kubernetes", await FakeKeys().generate("ECDSA-P256"), now=NOW, valid_for=timedelta(days=3650))
    return certificate_secret(CLUSTER.key, Purpose.CA, ca, build.owner(CLUSTER, controller=False))


def kubeconfigs(client: FakeClient) -> Kubeconfigs:
    keys = FakeKeys()
    return Kubeconfigs(client, ClusterCertificates(client, client, keys, client.clock), keys, client.clock)


async def test_nothing_is_stored_before_there_is_an_authority() -> None:
    client = FakeClient()

    assert not await kubeconfigs(client).ensure(CLUSTER)

    assert client.writes == []


async def test_it_is_stored_once() -> None:
    client = FakeClient()
    client.seed(await authority_secret())

    assert await kubeconfigs(client).ensure(CLUSTER)
    assert await kubeconfigs(client).ensure(CLUSTER)

    assert [(write.verb, write.resource.kind) for write in client.writes] == [("create", "Secret")]


async def test_our_own_is_renewed_when_it_is_due() -> None:
    clock = FakeClock()
    client = FakeClient(clock)
    client.seed(await authority_secret())
    await kubeconfigs(client).ensure(CLUSTER)
    old = client.stored(Secret, SECRET)

    await clock.advance(timedelta(days=200))
    await kubeconfigs(client).ensure(CLUSTER)

    new = client.stored(Secret, SECRET)
    assert old is not None
    assert new is not None
    assert new["data"] != old["data"]
    assert not needs_renewal(base64.b64decode(new["data"]["value"]), now=clock.now())


async def test_a_strangers_is_left_alone() -> None:
    clock = FakeClock(at=NOW + timedelta(days=364))
    client = FakeClient(clock)
    client.seed(await authority_secret(), build.secret("demo-kubeconfig", {"value": await kubeconfig()}))

    assert await kubeconfigs(client).ensure(CLUSTER)

    assert client.writes == []


def test_ipv6_hosts_stand_in_brackets() -> None:
    assert server_url(APIEndpoint(host="fd00::1", port=6443)) == "https://[fd00::1]:6443"
