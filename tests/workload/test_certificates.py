"""The cluster's certificates: shapes, lifetimes, and that they are made once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509.verification import PolicyBuilder, Store

from capelin.api.cluster import CLUSTER_SECRET_TYPE
from capelin.api.core import Secret
from capelin.api.kubeadm import ClusterConfiguration, EtcdConfiguration, ExternalEtcd
from capelin.api.labels import CLUSTER_NAME_LABEL
from capelin.api.meta import ObjectKey, owner_reference
from capelin.runtime import errors
from capelin.runtime.client import Write
from capelin.runtime.pki import CertificateError, KeyPair, authority, issue, load_certificate, spki_hash
from capelin.workload.certificates import (
    CertificatesMissing,
    ClusterCertificates,
    Purpose,
    certificate_secret,
    required,
    secret_key,
)
from tests import build
from tests.fakes import NOW, FakeClient, FakeClock, FakeKeys

CLUSTER = ObjectKey("default", "demo")
EXTERNAL = ClusterConfiguration(
    etcd=EtcdConfiguration(external=ExternalEtcd(endpoints=["https://10.0.0.9:2379"], ca_file="/ca", cert_file="/c", key_file="/k"))
)


def certificates(client: FakeClient) -> ClusterCertificates:
    return ClusterCertificates(client, client, FakeKeys(), FakeClock())


async def ensure(client: FakeClient, configuration: ClusterConfiguration | None = None) -> dict[Purpose, KeyPair]:
    cluster = build.cluster()
    return await certificates(client).ensure(cluster, owner_reference(cluster, controller=False), configuration)


async def test_all_four_are_made_with_the_shape_others_expect() -> None:
    client = FakeClient()

    await ensure(client)

    for name in ("demo-ca", "demo-etcd", "demo-proxy", "demo-sa"):
        secret = await client.get(Secret, ObjectKey("default", name))
        assert secret is not None
        assert secret.type == CLUSTER_SECRET_TYPE
        assert secret.metadata.labels == {CLUSTER_NAME_LABEL: "demo"}
        assert sorted(secret.data or {}) == ["tls.crt", "tls.key"]
        assert [owner.kind for owner in secret.metadata.owner_references or ()] == ["Cluster"]


async def test_authorities_live_ten_years_on_p256_unless_told_otherwise() -> None:
    found = await ensure(FakeClient())

    ca = load_certificate(found[Purpose.CA].certificate)

    assert ca.not_valid_after_utc == NOW + timedelta(days=3650)
    assert isinstance(ca.public_key(), ec.EllipticCurvePublicKey)
    assert ca.public_key().key_size == 256  # type: ignore[union-attr]


async def test_lifetime_and_algorithm_come_from_the_cluster_configuration() -> None:
    found = await ensure(FakeClient(), ClusterConfiguration(ca_certificate_validity_period_days=30, encryption_algorithm="ECDSA-P384"))

    ca = load_certificate(found[Purpose.CA].certificate)

    assert ca.not_valid_after_utc == NOW + timedelta(days=30)
    assert ca.public_key().key_size == 384  # type: ignore[union-attr]


async def test_service_account_pair_is_a_public_and_a_private_key() -> None:
    found = await ensure(FakeClient())

    assert load_pem_public_key(found[Purpose.SERVICE_ACCOUNT].certificate)


async def test_second_pass_makes_and_changes_nothing() -> None:
    client = FakeClient()
    first = await ensure(client)
    client.writes.clear()

    second = await ensure(client)

    assert second == first
    assert client.writes == []


async def test_authority_that_is_brought_along_is_used_as_it_is() -> None:
    client = FakeClient()
    own = authority("my own", await FakeKeys().generate("ECDSA-P256"), now=NOW, valid_for=timedelta(days=2))
    client.seed(build.secret("demo-ca", {"tls.crt": own.certificate, "tls.key": own.key}, type_="Opaque"))

    found = await ensure(client)

    assert found[Purpose.CA] == own
    assert (client.stored(Secret, ObjectKey("default", "demo-ca")) or {})["type"] == "Opaque"


async def test_certificates_that_a_former_cluster_left_behind_are_not_used() -> None:
    """They are collected at any moment; a cluster that had begun with them could never be joined."""
    client, former = FakeClient(), build.cluster()
    former.metadata.uid = "former"
    await certificates(client).ensure(former, owner_reference(former, controller=False), None)

    with pytest.raises(CertificatesMissing, match="demo-ca"):
        await ensure(client)

    client.objects.clear()
    assert set(await ensure(client)) == set(required(None))


async def test_a_rival_that_was_quicker_wins() -> None:
    rival = authority("rival", await FakeKeys().generate("ECDSA-P256"), now=NOW, valid_for=timedelta(days=2))
    secret = certificate_secret(CLUSTER, Purpose.CA, rival, build.owner(build.cluster(), controller=False))

    class Raced(FakeClient):
        async def write(self, write: Write) -> bytes:
            if not self.writes:
                self.seed(secret)
            return await super().write(write)

    found = await ensure(Raced())

    assert found[Purpose.CA] == rival


async def test_pass_that_dies_after_any_write_is_completed_by_the_next() -> None:
    for number in range(4):
        client = FakeClient()
        client.fail_write(number, errors.Unreachable("gone"))
        with pytest.raises(errors.Unreachable):
            await ensure(client)
        left = {name: (document["data"]) for (_, _, name), document in client.objects.items()}

        await ensure(client)

        kept = {name: document["data"] for (_, _, name), document in client.objects.items() if name in left}
        assert kept == left


async def test_external_etcd_needs_its_own_certificates() -> None:
    client = FakeClient()

    with pytest.raises(CertificatesMissing, match=r"default/demo-etcd, default/demo-apiserver-etcd-client"):
        await ensure(client, EXTERNAL)

    assert client.stored(Secret, ObjectKey("default", "demo-etcd")) is None
    assert Purpose.ETCD_CLIENT in required(EXTERNAL)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        pytest.param({"tls.key": "x"}, r"data\[tls.crt\]", id="certificate is missing"),
        pytest.param({"tls.crt": "nonsense", "tls.key": "x"}, "no certificate", id="certificate is nonsense"),
    ],
)
async def test_secret_that_cannot_be_used_is_named_and_not_replaced(values: dict[str, str], word: str) -> None:
    client = FakeClient()
    client.seed(build.secret("demo-ca", values))

    with pytest.raises(CertificateError, match=rf"default/demo-ca: .*{word}"):
        await ensure(client)

    assert client.writes == []


async def test_issued_server_certificate_is_accepted_for_its_hosts_and_no_other() -> None:
    keys = FakeKeys()
    ca = authority("kubernetes", await keys.generate("ECDSA-P256"), now=NOW, valid_for=timedelta(days=30))

    server = issue(
        ca,
        await keys.generate("ECDSA-P256"),
        common_name="kube-apiserver",
        hosts=["demo.example", "127.0.0.1"],
        usage="server",
        now=NOW,
        valid_for=timedelta(days=10),
    )

    leaf = load_certificate(server.certificate)
    trust = PolicyBuilder().store(Store([load_certificate(ca.certificate)])).time(NOW)
    assert trust.build_server_verifier(x509.DNSName("demo.example")).verify(leaf, [])
    with pytest.raises(x509.verification.VerificationError):
        trust.build_server_verifier(x509.DNSName("other.example")).verify(leaf, [])


async def test_no_certificate_outlives_its_authority() -> None:
    keys = FakeKeys()
    ca = authority("kubernetes", await keys.generate("ECDSA-P256"), now=NOW, valid_for=timedelta(days=3))

    leaf = issue(ca, await keys.generate("ECDSA-P256"), common_name="x", usage="client", now=NOW, valid_for=timedelta(days=10))

    assert load_certificate(leaf.certificate).not_valid_after_utc == NOW + timedelta(days=3)


async def test_discovery_hash_is_the_hash_of_the_public_key() -> None:
    key = await FakeKeys().generate("ECDSA-P256")

    one = authority("one", key, now=NOW, valid_for=timedelta(days=3))
    two = authority("two", key, now=NOW, valid_for=timedelta(days=5))

    assert spki_hash(one.certificate) == spki_hash(two.certificate)
    assert spki_hash(one.certificate).startswith("sha256:")
    assert len(spki_hash(one.certificate)) == len("sha256:") + 64


def test_private_keys_do_not_show_in_representations() -> None:
    assert "secret" not in repr(KeyPair(b"certificate", b"secret"))


def test_secret_names_end_in_the_purpose() -> None:
    assert secret_key(CLUSTER, Purpose.ETCD_CLIENT).name == "demo-apiserver-etcd-client"
