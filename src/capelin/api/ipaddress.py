"""IPAddress: an address a pool gave in answer to a claim."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.ipaddressclaim import POOL_COLUMNS
from capelin.api.markers import Length, Range
from capelin.api.meta import Model, Object, Resource
from capelin.api.presentation import AGE_COLUMN, Column, Presentation
from capelin.api.references import ContractReference
from capelin.api.scalars import Int32, Subdomain

PROTECT_ADDRESS_FINALIZER = "ipam.cluster.x-k8s.io/protect-address"
"""Kept by the IPAM provider while a claim uses the address."""


class IPAddressClaimReference(Model):
    """The claim an address answers."""

    name: Subdomain
    """name is the name of the IPAddressClaim, which is in the same namespace."""


class IPAddressSpec(Model):
    """The address that was given."""

    address: Annotated[str, Length(1, 39)]
    """address is the IPv4 or IPv6 address, without prefix length."""
    claim_ref: IPAddressClaimReference
    """claimRef names the claim the address answers."""
    pool_ref: ContractReference
    """poolRef names the pool the address comes from; it is the pool of the claim."""
    prefix: Annotated[Int32, Range(0, 128)]
    """prefix is the length of the network's prefix in bits, up to 32 for IPv4 and 128 for IPv6."""
    gateway: Annotated[str, Length(1, 39)] | None = None
    """gateway is the address of the network's gateway."""


class IPAddress(Object):
    """An IP address that a pool gave in answer to a claim."""

    resource: ClassVar = Resource("ipam.cluster.x-k8s.io", "v1beta2", "ipaddresses", "IPAddress")
    presentation: ClassVar = Presentation(
        provider="cluster-api",
        columns=(Column("Address", ".spec.address"), *POOL_COLUMNS, AGE_COLUMN),
        status=False,
    )

    spec: IPAddressSpec
    """spec is the address that was given. It cannot change."""
