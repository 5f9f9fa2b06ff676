"""Which cluster an object belongs to."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.refusals import Refusal, Rule

CLUSTER_NAME_STAYS = Rule("cluster_name_stays", "An object belongs to the same cluster for ever.")


def cluster_name_refusals(new: str, old: str) -> Iterator[Refusal]:
    """Yield what is wrong with a change of `spec.clusterName`."""
    if new != old:
        yield CLUSTER_NAME_STAYS.broken("spec.clusterName", repr(new), f"what it was before, {old!r}: the field cannot change")
