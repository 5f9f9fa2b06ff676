"""Clusters: what stays, and in which order they go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from capelin.runtime.codec import Document
from capelin.simulation.invariants.invariant import Change, Invariant

CLUSTERS = "clusters.cluster.x-k8s.io"
BELONGINGS = (
    "machinedeployments.cluster.x-k8s.io",
    "machinesets.cluster.x-k8s.io",
    "machines.cluster.x-k8s.io",
    "devclusters.infrastructure.cluster.x-k8s.io",
)


class EndpointStays(Invariant):
    """The endpoint of a control plane never changes once it is known, and milestones are never taken back."""

    id = "I4"
    watches = frozenset({CLUSTERS})

    def broken(self, change: Change) -> Iterator[str]:
        if change.old is None or change.new is None:
            return
        old, new = _endpoint(change.old), _endpoint(change.new)
        if old and old != new:
            yield f"Cluster {change.name}: the endpoint was {old} and is {new}"
        reached, reaches = _milestones(change.old), _milestones(change.new)
        for name in sorted(reached - reaches):
            yield f"Cluster {change.name}: {name} was reached and is taken back"


GRACE: Final = timedelta(minutes=1)
"""What was under way when a Cluster was deleted may still arrive, and a cache be that far behind: an answer can take half a minute."""


class NothingIsMadeUnderADyingCluster(Invariant):
    """Nothing is created for a Cluster whose deletion everybody has had the time to see."""

    id = "I5"
    watches = frozenset({"machines.cluster.x-k8s.io", "machinesets.cluster.x-k8s.io"})

    def broken(self, change: Change) -> Iterator[str]:
        if change.event.type != "ADDED" or change.new is None:
            return
        name, created_at = change.new["spec"].get("clusterName"), change.new["metadata"]["creationTimestamp"]
        for cluster in change.others(CLUSTERS):
            deleted_at = cluster["metadata"].get("deletionTimestamp")
            if cluster["metadata"]["name"] == name and deleted_at and _between(deleted_at, created_at) > GRACE:
                yield f"{change.resource} {change.name} was created at {created_at}, and Cluster {name} deleted at {deleted_at}"


class ClusterGoesLast(Invariant):
    """A Cluster goes only after everything that belongs to it has gone."""

    id = "I1"
    watches = frozenset({CLUSTERS})

    def broken(self, change: Change) -> Iterator[str]:
        if change.event.type != "DELETED":
            return
        name = change.event.item.key[1]
        for resource in BELONGINGS:
            left = [d["metadata"]["name"] for d in change.others(resource) if _label(d) == name]
            if left:
                yield f"Cluster {change.name} is gone, and of its {resource} there are still {', '.join(left)}"


def _between(earlier: str, later: str) -> timedelta:
    return datetime.fromisoformat(later) - datetime.fromisoformat(earlier)


def _endpoint(cluster: Document) -> Any:
    return cluster["spec"].get("controlPlaneEndpoint")


def _milestones(cluster: Document) -> set[str]:
    found = ((cluster.get("status") or {}).get("initialization")) or {}
    return {name for name, value in found.items() if value is True}


def _label(document: Document) -> Any:
    return (document["metadata"].get("labels") or {}).get("cluster.x-k8s.io/cluster-name")
