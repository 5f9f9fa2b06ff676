"""What is allowed of IPAddresses."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.ipaddress import IPAddress
from capelin.api.ipaddressclaim import IPAddressClaim
from capelin.api.meta import ObjectKey
from capelin.webhooks.admission import Admission
from capelin.webhooks.ipaddress import ADDRESSES_ARE_VALID, POOL_IS_OF_CLAIM, PREFIX_FITS_ADDRESS, WEBHOOK, Facts, gather
from capelin.webhooks.rules.immutability import SPEC_STAYS
from tests.build import infrastructure_ref
from tests.buildclasses import ipaddress, ipaddressclaim
from tests.fakes import NoLookups
from tests.webhooks.asking import accepted, fields, notices, refused

NOTHING = Facts()


class Claims(NoLookups):
    """Lookups that know some claims."""

    def __init__(self, *claims: IPAddressClaim) -> None:
        self._claims = {claim.key: claim for claim in claims}

    async def get(self, kind: Any, key: ObjectKey) -> Any:
        assert kind is IPAddressClaim
        return self._claims.get(key)


@pytest.mark.parametrize("address", ["10.0.0.10", "2001:db8::1", "::ffff:10.0.0.10", "fe80::1%eth0"])
def test_addresses_are_valid_accepts_both_families(address: str) -> None:
    accepted(WEBHOOK, ipaddress(address=address, gateway=None), facts=NOTHING)


@pytest.mark.parametrize("address", ["10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1/24", " 10.0.0.1", "host", "1::2::3", "123"])
def test_addresses_are_valid_refuses_what_is_no_address(address: str) -> None:
    refusals = refused(ADDRESSES_ARE_VALID, WEBHOOK, ipaddress(address=address, gateway=address), facts=NOTHING)

    assert fields(refusals) == ["spec.address", "spec.gateway"]


@pytest.mark.parametrize(
    ("address", "prefix"),
    [("10.0.0.10", 0), ("10.0.0.10", 32), ("2001:db8::1", 128), ("::ffff:10.0.0.10", 120)],
    ids=["none", "a host", "a host of IPv6", "an IPv4 address in IPv6"],
)
def test_prefix_fits_address_accepts_what_the_family_has(address: str, prefix: int) -> None:
    accepted(WEBHOOK, ipaddress(address=address, prefix=prefix, gateway=None), facts=NOTHING)


@pytest.mark.parametrize("prefix", [33, 128])
def test_prefix_fits_address_refuses_more_bits_than_ipv4_has(prefix: int) -> None:
    refusals = refused(PREFIX_FITS_ADDRESS, WEBHOOK, ipaddress(prefix=prefix), facts=NOTHING)

    assert fields(refusals) == ["spec.prefix"]


def test_pool_is_of_claim_accepts_the_pool_that_was_asked() -> None:
    accepted(WEBHOOK, ipaddress(), facts=Facts(ipaddressclaim().spec.pool_ref))


def test_pool_is_of_claim_accepts_any_pool_without_a_claim() -> None:
    accepted(WEBHOOK, ipaddress(pool=infrastructure_ref("other", "AddressPool")), facts=NOTHING)


@pytest.mark.parametrize(("name", "kind"), [("other", "AddressPool"), ("addresses", "OtherPool")], ids=["another name", "another kind"])
def test_pool_is_of_claim_refuses_another_pool(name: str, kind: str) -> None:
    asked = ipaddressclaim().spec.pool_ref

    refusals = refused(POOL_IS_OF_CLAIM, WEBHOOK, ipaddress(pool=infrastructure_ref(name, kind)), facts=Facts(asked))

    assert fields(refusals) == ["spec.poolRef"]
    assert "AddressPool.infrastructure.cluster.x-k8s.io 'addresses'" in refusals[0].allowed


def test_spec_stays_accepts_other_labels() -> None:
    accepted(WEBHOOK, ipaddress(labels={"team": "blue"}), ipaddress(), facts=NOTHING)


def test_spec_stays_refuses_another_address() -> None:
    refusals = refused(SPEC_STAYS, WEBHOOK, ipaddress(address="10.0.0.11"), ipaddress(), facts=NOTHING)

    assert fields(refusals) == ["spec"]
    assert refusals[0].found == "a change of address"


def test_a_gateway_of_the_other_family_is_warned_of() -> None:
    (notice,) = notices(WEBHOOK, ipaddress(gateway="fe80::1"), facts=NOTHING)

    assert notice.startswith("spec.gateway: an IPv6 gateway for an IPv4 address")
    assert notices(WEBHOOK, ipaddress(), facts=NOTHING) == []


async def test_the_claim_is_looked_up_in_the_namespace_of_the_address() -> None:
    claims = Claims(ipaddressclaim(), ipaddressclaim(namespace="other", pool=infrastructure_ref("theirs", "AddressPool")))

    got = await gather(_create(ipaddress()), claims)

    assert got == Facts(ipaddressclaim().spec.pool_ref)


async def test_a_claim_that_is_missing_asks_no_pool() -> None:
    assert await gather(_create(ipaddress()), Claims()) == NOTHING


async def test_nothing_is_looked_up_for_an_address_that_is_stored() -> None:
    assert await gather(Admission("UPDATE", ipaddress(), ipaddress(), None), NoLookups()) == NOTHING


def _create(address: IPAddress) -> Admission[IPAddress, None]:
    return Admission("CREATE", address, None, None)
