"""IPAddressClaim: asks a pool for an IP address."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.markers import Length, Shape
from capelin.api.meta import Conditions, Model, Object, Resource
from capelin.api.presentation import AGE_COLUMN, Column, Presentation
from capelin.api.references import ContractReference
from capelin.api.scalars import Subdomain
from capelin.api.v1beta1 import DeprecatedConditions

POOL_COLUMNS = (Column("Pool Name", ".spec.poolRef.name"), Column("Pool Kind", ".spec.poolRef.kind"))
"""Which pool an address comes from."""


class IPAddressClaimSpec(Model):
    """The address that is asked for."""

    pool_ref: ContractReference
    """poolRef names the pool the address is to come from, an object of an IPAM provider. It cannot change."""
    cluster_name: Annotated[str, Length(1, 63)] | None = None
    """clusterName names the Cluster the address is for; no address is given while that Cluster is paused."""


class IPAddressReference(Model):
    """The IPAddress that answers a claim."""

    name: Subdomain
    """name is the name of the IPAddress, which is in the same namespace."""


class IPAddressClaimStatus(Model):
    """What became of a claim."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    address_ref: IPAddressReference | None = None
    """addressRef names the IPAddress that was given; the IPAM provider sets it."""
    conditions: Conditions | None = None
    """conditions are observations about the claim, one per type."""
    deprecated: DeprecatedConditions | None = None
    """deprecated keeps what v1beta1 reported."""


class IPAddressClaim(Object):
    """Asks a pool for an IP address."""

    resource: ClassVar = Resource("ipam.cluster.x-k8s.io", "v1beta2", "ipaddressclaims", "IPAddressClaim")
    presentation: ClassVar = Presentation(provider="cluster-api", columns=(*POOL_COLUMNS, AGE_COLUMN))

    spec: IPAddressClaimSpec
    """spec describes the address that is asked for. It cannot change."""
    status: IPAddressClaimStatus | None = None
    """status reports what became of the claim; the IPAM provider writes it."""
