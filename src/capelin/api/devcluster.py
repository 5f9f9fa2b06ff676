"""DevCluster: infrastructure of a cluster for development and tests."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from capelin.api.cluster import APIEndpoint, FailureDomain
from capelin.api.core import LocalObjectReference
from capelin.api.markers import Items, MapList
from capelin.api.meta import Conditions, Model, Object, Resource, TemplateMetadata
from capelin.api.presentation import AGE_COLUMN, CLUSTER_COLUMN, Presentation
from capelin.api.references import Provisioned
from capelin.api.v1beta1 import DeprecatedConditions

DEVCLUSTER_FINALIZER = "devcluster.infrastructure.cluster.x-k8s.io"
"""Kept until everything that simulates the cluster is gone."""

LOAD_BALANCER_AVAILABLE_CONDITION = "LoadBalancerAvailable"
"""The endpoint of the cluster's API servers is ours: it is served as soon as a machine runs one."""

LOAD_BALANCER_AVAILABLE_REASON = "LoadBalancerAvailable"

PORT_TAKEN_REASON = "PortTaken"
"""Something else listens on the port of the endpoint, which is never exchanged for another."""

WAITING_FOR_CLUSTER_REASON = "WaitingForCluster"
"""No Cluster owns the DevCluster yet."""


class DockerLoadBalancer(Model):
    """The load balancer container in front of the API servers."""

    custom_ha_proxy_config_template_ref: LocalObjectReference | None = Field(default=None, alias="customHAProxyConfigTemplateRef")
    """customHAProxyConfigTemplateRef names a ConfigMap with a template of the load balancer's configuration."""
    image_repository: str | None = None
    """imageRepository is the registry the load balancer's image is pulled from."""
    image_tag: str | None = None
    """imageTag is the tag of the load balancer's image."""


class DockerClusterBackend(Model):
    """A cluster whose machines are containers."""

    failure_domains: Annotated[list[FailureDomain], Items(1, 100), MapList("name")] | None = None
    """failureDomains are the failure domains the provider pretends to have."""
    load_balancer: DockerLoadBalancer | None = None
    """loadBalancer configures the load balancer in front of the API servers."""


class InMemoryClusterBackend(Model):
    """A cluster that is simulated; there is nothing to set."""


class DevClusterBackend(Model):
    """What stands in for a cloud; exactly one is set."""

    docker: DockerClusterBackend | None = None
    """docker asks for containers as machines. Capelin's provider implements inMemory only."""
    in_memory: InMemoryClusterBackend | None = None
    """inMemory simulates the cluster: its API server is real, its machines are not."""


class DevClusterSpec(Model):
    """The cluster infrastructure that is wanted."""

    backend: DevClusterBackend
    """backend chooses what stands in for a cloud."""
    control_plane_endpoint: APIEndpoint | None = None
    """controlPlaneEndpoint is where the cluster's API server is reached. The provider chooses it unless you set it."""


class DevClusterStatus(Model):
    """What is known about a DevCluster."""

    conditions: Conditions | None = None
    """conditions are observations about the infrastructure, one per type."""
    deprecated: DeprecatedConditions | None = None
    """deprecated keeps what v1beta1 reported."""
    failure_domains: Annotated[list[FailureDomain], Items(1, 100), MapList("name")] | None = None
    """failureDomains are the places machines can be put in."""
    initialization: Provisioned | None = None
    """initialization records the milestones of the infrastructure's creation."""


class DevCluster(Object):
    """Infrastructure of a cluster for development and tests."""

    resource: ClassVar = Resource("infrastructure.cluster.x-k8s.io", "v1beta2", "devclusters", "DevCluster")
    presentation: ClassVar = Presentation(
        provider="infrastructure-dev",
        columns=(
            CLUSTER_COLUMN,
            AGE_COLUMN,
        ),
    )

    spec: DevClusterSpec | None = None
    """spec describes the infrastructure that is wanted."""
    status: DevClusterStatus | None = None
    """status reports what is known about the infrastructure; controllers write it."""


class DevClusterTemplateResource(Model):
    """What DevClusters made from the template look like."""

    spec: DevClusterSpec
    """spec describes each DevCluster."""
    metadata: TemplateMetadata | None = None
    """metadata is added to each DevCluster."""


class DevClusterTemplateSpec(Model):
    """The template of DevClusters."""

    template: DevClusterTemplateResource
    """template is what DevClusters are made from."""


class DevClusterTemplate(Object):
    """What DevClusters are made from."""

    resource: ClassVar = Resource("infrastructure.cluster.x-k8s.io", "v1beta2", "devclustertemplates", "DevClusterTemplate")
    presentation: ClassVar = Presentation(
        provider="infrastructure-dev",
        columns=(AGE_COLUMN,),
        status=False,
    )

    spec: DevClusterTemplateSpec | None = None
    """spec holds the template."""
