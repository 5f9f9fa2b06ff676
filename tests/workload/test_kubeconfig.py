"""The administrator's kubeconfig."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
import yaml
from cryptography.x509.oid import NameOID

from capelin.api.cluster import APIEndpoint
from capelin.api.meta import ObjectKey
from capelin.workload.credentials import AddressPolicy, load_kubeconfig
from capelin.workload.kubeconfig import (
    admin_kubeconfig,
    client_certificate,
    kubeconfig_secret,
    needs_renewal,
    renews_after,
    server_url,
)
from capelin.workload.pki import authority
from tests import build
from tests.fakes import NOW, FakeKeys

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
    assert renews_after(text, now=NOW) is None


async def test_secret_holds_it_under_value() -> None:
    secret = kubeconfig_secret(ObjectKey("default", "demo"), b"text", build.owner(build.cluster(), controller=False))

    assert secret.key == ObjectKey("default", "demo-kubeconfig")
    assert secret.data == {"value": base64.b64encode(b"text").decode()}


def test_ipv6_hosts_stand_in_brackets() -> None:
    assert server_url(APIEndpoint(host="fd00::1", port=6443)) == "https://[fd00::1]:6443"
