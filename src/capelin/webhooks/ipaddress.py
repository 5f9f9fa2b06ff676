"""What is allowed of IPAddresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from capelin.api.ipaddress import IPAddress
from capelin.api.ipaddressclaim import IPAddressClaim
from capelin.api.meta import ObjectKey
from capelin.api.references import ContractReference
from capelin.api.refusals import Refusal, Rule
from capelin.webhooks.admission import Admission, Finding, Lookups, Notice, Webhook
from capelin.webhooks.rules.immutability import SPEC_STAYS, spec_refusals
from capelin.webhooks.rules.quoting import quoted

ADDRESSES_ARE_VALID = Rule("addresses_are_valid", "The address and the gateway are IPv4 or IPv6 addresses.")
PREFIX_FITS_ADDRESS = Rule("prefix_fits_address", "The prefix of an IPv4 address has at most 32 bits.")
POOL_IS_OF_CLAIM = Rule("pool_is_of_claim", "The address comes from the pool that its claim asked.")

RULES = (ADDRESSES_ARE_VALID, PREFIX_FITS_ADDRESS, POOL_IS_OF_CLAIM, SPEC_STAYS)

_BITS_OF_IPV4 = 32


@dataclass(frozen=True, slots=True)
class Facts:
    """What must be known besides the address: the pool that its claim asked; None when there is no such claim."""

    asked: ContractReference | None = None


IPAddressAdmission = Admission[IPAddress, Facts]


async def gather(request: Admission[IPAddress, None], lookups: Lookups) -> Facts:
    """Read the claim of a new address. One that is stored keeps its pool, so nothing is read for it."""
    if request.old is not None:
        return Facts()
    claim = await lookups.get(IPAddressClaim, ObjectKey(request.new.key.namespace, request.new.spec.claim_ref.name))
    return Facts(None if claim is None else claim.spec.pool_ref)


def validate(request: IPAddressAdmission) -> Iterator[Finding]:
    """Yield what is wrong with a new IPAddress, or with a change of one."""
    spec = request.new.spec
    if request.old is not None:
        yield from spec_refusals(spec, request.old.spec)
        return
    address, gateway = _parsed(spec.address), _parsed(spec.gateway)
    for field, text, found in (("spec.address", spec.address, address), ("spec.gateway", spec.gateway, gateway)):
        if text is not None and found is None:
            yield ADDRESSES_ARE_VALID.broken(field, quoted(text), "an IPv4 or IPv6 address without a prefix, such as 10.0.0.10")
    # An IPv6 address that maps an IPv4 one, `::ffff:…`, has 128 bits.
    if isinstance(address, ipaddress.IPv4Address) and spec.prefix > _BITS_OF_IPV4:
        yield PREFIX_FITS_ADDRESS.broken("spec.prefix", str(spec.prefix), f"at most {_BITS_OF_IPV4} beside an IPv4 address")
    yield from _pool_refusals(spec.pool_ref, request.facts.asked)
    if address is not None and gateway is not None and address.version != gateway.version:
        yield Notice(f"spec.gateway: an IPv{gateway.version} gateway for an IPv{address.version} address: few networks know of such routes")


def _pool_refusals(pool: ContractReference, asked: ContractReference | None) -> Iterator[Refusal]:
    if asked is not None and _names(pool) != _names(asked):
        yield POOL_IS_OF_CLAIM.broken("spec.poolRef", _told(pool), f"the pool that the claim asks, {_told(asked)}")


def _names(pool: ContractReference) -> tuple[str, str, str]:
    return pool.api_group, pool.kind, pool.name


def _told(pool: ContractReference) -> str:
    return f"{pool.kind}.{pool.api_group} {pool.name!r}"


def _parsed(text: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return None if text is None else ipaddress.ip_address(text)
    except ValueError:
        return None


WEBHOOK = Webhook(IPAddress, validate, RULES, gather=gather, reads=(IPAddressClaim,))
