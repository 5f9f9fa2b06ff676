"""What one pass over a DevCluster observes, and who fills it in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

from capelin.api.behavior import APIBehavior, ClusterBehavior
from capelin.api.cluster import APIEndpoint, Cluster
from capelin.api.devcluster import DevCluster, DevClusterStatus
from capelin.api.meta import OwnerReference
from capelin.cloud.inmemory.orders import Site


class Cloud(Protocol):
    """The part of the simulated cloud that serves clusters."""

    async def provide(self, site: Site, behavior: APIBehavior) -> None:
        """Have the cluster there; raises OSError when its endpoint cannot be opened."""

    def is_serving(self, cluster_uid: str) -> bool:
        """Tell whether the cluster's endpoint is open."""

    async def withdraw(self, cluster_uid: str) -> None:
        """Have nothing of the cluster any more; raises OSError when its objects could not be forgotten."""


class Ports(Protocol):
    """Knows which ports of this host nobody listens on."""

    def free(self, host: str, avoiding: Collection[int]) -> int:
        """Return one; raises OSError when there is none."""

    def is_free(self, host: str, port: int) -> bool:
        """Tell whether it is one."""


class SpecRefused(ValueError):
    """The spec asks for what this provider does not offer; the message names field, found and allowed."""


@dataclass(slots=True)
class Scope:
    """What one pass observed."""

    devcluster: DevCluster
    cluster: Cluster | None  # None: none owns it yet, or it is gone
    behavior: ClusterBehavior = field(default_factory=ClusterBehavior)  # set by reconcile_behavior
    behavior_problem: str = ""
    endpoint: APIEndpoint | None = None  # set by reconcile_endpoint, once it is stored
    refusal: str = ""  # set by reconcile_endpoint: what is wrong with the spec
    taken: str = ""  # set by reconcile_serving: why the endpoint cannot be ours
    is_ours: bool = False  # set by reconcile_serving: the endpoint is open, or can be

    @property
    def owner(self) -> OwnerReference | None:
        """The Cluster that the DevCluster belongs to; known even when the Cluster itself is gone."""
        return cluster_owner(self.devcluster)

    @property
    def status(self) -> DevClusterStatus:
        """The status, made when there is none."""
        if self.devcluster.status is None:
            self.devcluster.status = DevClusterStatus()
        return self.devcluster.status


def cluster_owner(devcluster: DevCluster) -> OwnerReference | None:
    """Return the reference to the Cluster that owns the DevCluster."""
    kind, group = Cluster.resource.kind, Cluster.resource.group
    return next((o for o in devcluster.metadata.owner_references or () if o.kind == kind and o.group == group), None)
