"""The networks of a cluster."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from itertools import product
from typing import Final

from capelin.api.cluster import ClusterNetwork, NetworkRanges
from capelin.api.refusals import Refusal, Rule
from capelin.webhooks.admission import Notice
from capelin.webhooks.rules.quoting import quoted

CIDR_BLOCKS_ARE_RANGES = Rule("cidr_blocks_are_ranges", "The blocks of a network are address ranges in CIDR notation.")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_EXAMPLES: Final = "an address range in CIDR notation, such as 10.244.0.0/16 or fd00:10:244::/56"
_MOST: Final = 2
"""Blocks that Kubernetes takes for Pods, and for Services: one of each family."""


def network_refusals(field: str, network: ClusterNetwork | None) -> Iterator[Refusal]:
    """Yield what is wrong with the networks at `field`."""
    for name, ranges in _named(network):
        for index, block in enumerate(ranges.cidr_blocks):
            if parsed(block) is None:
                yield CIDR_BLOCKS_ARE_RANGES.broken(f"{field}.{name}.cidrBlocks[{index}]", quoted(block), _EXAMPLES)


def network_notices(field: str, network: ClusterNetwork | None) -> Iterator[Notice]:
    """Yield what to warn of in the networks at `field`: what can be written here, and no Kubernetes starts with."""
    known: dict[str, list[Network]] = {}
    for name, ranges in _named(network):
        blocks = [found for block in ranges.cidr_blocks[: _MOST + 1] if (found := parsed(block)) is not None]
        if len(ranges.cidr_blocks) > _MOST or len({block.version for block in blocks}) < len(blocks):
            yield Notice(f"{field}.{name}.cidrBlocks: Kubernetes takes one range, or one of IPv4 and one of IPv6: leave out the others")
        known[name] = blocks
    for pods, services in product(known.get("pods", ()), known.get("services", ())):
        if pods.version == services.version and pods.overlaps(services):
            told = f"{pods} for Pods and {services} for Services have addresses in common, which cannot be reached: separate them"
            yield Notice(f"{field}: {told}")


def parsed(text: str) -> Network | None:
    """Return the range that `text` spells, whose host bits may be set; None when it spells none."""
    address, _, length = text.partition("/")
    if not (length.isascii() and length.isdigit()) or "%" in address:  # no netmasks and no zones, which the library would read
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _named(network: ClusterNetwork | None) -> Iterator[tuple[str, NetworkRanges]]:
    if network is None:
        return
    for name, ranges in (("pods", network.pods), ("services", network.services)):
        if ranges is not None:
            yield name, ranges
