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
"""The endpoint of the cluster's API servers is served."""


class DockerLoadBalancer(Model):
    """The load balancer container in front of the API servers."""

    custom_ha_proxy_config_template_ref: LocalObjectReference | None = Field(default=None, alias="customHAProxyConfigTemplateRef")
    image_repository: str | None = None
    image_tag: str | None = None


class DockerClusterBackend(Model):
    """A cluster whose machines are containers."""

    failure_domains: Annotated[list[FailureDomain], Items(1, 100), MapList("name")] | None = None
    load_balancer: DockerLoadBalancer | None = None


class InMemoryClusterBackend(Model):
    """A cluster that is simulated; there is nothing to set."""


class DevClusterBackend(Model):
    """What stands in for a cloud; exactly one is set."""

    docker: DockerClusterBackend | None = None
    in_memory: InMemoryClusterBackend | None = None


class DevClusterSpec(Model):
    """The cluster infrastructure that is wanted."""

    backend: DevClusterBackend
    control_plane_endpoint: APIEndpoint | None = None


class DevClusterStatus(Model):
    """What is known about a DevCluster."""

    conditions: Conditions | None = None
    deprecated: DeprecatedConditions | None = None
    failure_domains: Annotated[list[FailureDomain], Items(1, 100), MapList("name")] | None = None
    initialization: Provisioned | None = None


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
    status: DevClusterStatus | None = None


class DevClusterTemplateResource(Model):
    """What DevClusters made from the template look like."""

    spec: DevClusterSpec
    metadata: TemplateMetadata | None = None


class DevClusterTemplateSpec(Model):
    """The template of DevClusters."""

    template: DevClusterTemplateResource


class DevClusterTemplate(Object):
    """What DevClusters are made from."""

    resource: ClassVar = Resource("infrastructure.cluster.x-k8s.io", "v1beta2", "devclustertemplates", "DevClusterTemplate")
    presentation: ClassVar = Presentation(
        provider="infrastructure-dev",
        columns=(AGE_COLUMN,),
        status=False,
    )

    spec: DevClusterTemplateSpec | None = None
