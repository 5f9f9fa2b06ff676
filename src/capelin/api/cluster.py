"""Cluster: a Kubernetes cluster, with everything that belongs to it."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.machine import ReadinessGate, VersionCount
from capelin.api.markers import ATOMIC_LIST, Enum, Items, Length, MapList, Minimum, Shape
from capelin.api.meta import Conditions, Model, Object, Resource
from capelin.api.references import ContractReference
from capelin.api.scalars import Int32, Int64, Port
from capelin.api.topology import Topology
from capelin.api.v1beta1 import DeprecatedStatus


class NetworkRanges(Model):
    """Address ranges of a network of the cluster."""

    cidr_blocks: Annotated[list[Annotated[str, Length(1, 43)]], Items(1, 100), ATOMIC_LIST]


class ClusterNetwork(Model):
    """The networks of a cluster."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    api_server_port: Port | None = None
    pods: NetworkRanges | None = None
    service_domain: Annotated[str, Length(1, 253)] | None = None
    services: NetworkRanges | None = None


class APIEndpoint(Model):
    """Where the API server of a cluster is reached."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    host: Annotated[str, Length(1, 512)] | None = None
    port: Port | None = None


class ClusterSpec(Model):
    """The cluster that is wanted."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    availability_gates: Annotated[list[ReadinessGate], Items(1, 32), MapList("conditionType")] | None = None
    cluster_network: ClusterNetwork | None = None
    control_plane_endpoint: APIEndpoint | None = None
    control_plane_ref: ContractReference | None = None
    infrastructure_ref: ContractReference | None = None
    paused: bool | None = None
    topology: Topology | None = None


class UpgradeStep(Model):
    """One version on the way of an upgrade."""

    version: Annotated[str, Length(1, 256)]


class ReplicaCounts(Model):
    """How many Machines of one part of a cluster there are, and how far they are."""

    available_replicas: Int32 | None = None
    desired_replicas: Int32 | None = None
    ready_replicas: Int32 | None = None
    replicas: Int32 | None = None
    up_to_date_replicas: Int32 | None = None
    upgrade_plan: Annotated[list[UpgradeStep], Items(1, 32), ATOMIC_LIST] | None = None
    versions: Annotated[list[VersionCount], Items(1, 32), ATOMIC_LIST] | None = None


class FailureDomain(Model):
    """A place whose machines fail together, such as a zone."""

    name: Annotated[str, Length(1, 256)]
    attributes: dict[str, str] | None = None
    control_plane: bool | None = None


class ClusterInitialization(Model):
    """Milestones of a new cluster; once true they stay true."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    control_plane_initialized: bool | None = None
    infrastructure_provisioned: bool | None = None


class ClusterStatus(Model):
    """What is known about a cluster."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    conditions: Conditions | None = None
    control_plane: ReplicaCounts | None = None
    deprecated: DeprecatedStatus | None = None
    failure_domains: Annotated[list[FailureDomain], Items(1, 100), MapList("name")] | None = None
    initialization: ClusterInitialization | None = None
    observed_generation: Annotated[Int64, Minimum(1)] | None = None
    phase: Annotated[str, Enum("Pending", "Provisioning", "Provisioned", "Deleting", "Failed", "Unknown")] | None = None
    workers: ReplicaCounts | None = None


class Cluster(Object):
    """A Kubernetes cluster, with everything that belongs to it."""

    resource: ClassVar = Resource("cluster.x-k8s.io", "v1beta2", "clusters", "Cluster")

    spec: ClusterSpec
    status: ClusterStatus | None = None
