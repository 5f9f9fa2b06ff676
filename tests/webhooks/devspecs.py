"""Specs of the infrastructure for development, for tests of what is allowed of it."""

from __future__ import annotations

from typing import Any

from capelin.api.cluster import FailureDomain
from capelin.api.devcluster import (
    DevClusterBackend,
    DevClusterSpec,
    DevClusterTemplate,
    DevClusterTemplateResource,
    DevClusterTemplateSpec,
    DockerClusterBackend,
    InMemoryClusterBackend,
)
from capelin.api.devmachine import (
    DevMachineBackend,
    DevMachineSpec,
    DevMachineTemplate,
    DevMachineTemplateResource,
    DevMachineTemplateSpec,
    DockerMachineBackend,
    InMemoryMachineBackend,
    InMemoryProvisioning,
    InMemoryStep,
)
from capelin.api.meta import TemplateMetadata
from tests import build

IN_MEMORY_CLUSTER = DevClusterSpec(backend=DevClusterBackend(in_memory=InMemoryClusterBackend()))


def docker_cluster(*domains: str) -> DevClusterSpec:
    """Return the spec of a DevCluster of containers with these failure domains."""
    found = [FailureDomain(name=name) for name in domains]
    return DevClusterSpec(backend=DevClusterBackend(docker=DockerClusterBackend(failure_domains=found or None)))


def docker_machine(**docker: str) -> DevMachineSpec:
    """Return the spec of a DevMachine that is a container."""
    return DevMachineSpec(backend=DevMachineBackend(docker=DockerMachineBackend.model_validate(docker)))


def simulated_machine(duration: str = "1s", jitter: str | None = None) -> DevMachineSpec:
    """Return the spec of a simulated DevMachine whose Node takes that long."""
    step = InMemoryStep(provisioning=InMemoryProvisioning(startup_duration=duration, startup_jitter=jitter))
    return DevMachineSpec(backend=DevMachineBackend(in_memory=InMemoryMachineBackend(node=step)))


def devclustertemplate(spec: DevClusterSpec = IN_MEMORY_CLUSTER, made: TemplateMetadata | None = None, **meta: Any) -> DevClusterTemplate:
    """A template of DevClusters; `made` is the metadata it gives them."""
    resource = DevClusterTemplateResource(spec=spec, metadata=made)
    return DevClusterTemplate(metadata=build.metadata("DevClusterTemplate", "demo", **meta), spec=DevClusterTemplateSpec(template=resource))


def devmachinetemplate(spec: DevMachineSpec | None = None, made: TemplateMetadata | None = None, **meta: Any) -> DevMachineTemplate:
    """A template of DevMachines; `made` is the metadata it gives them."""
    resource = DevMachineTemplateResource(spec=spec or simulated_machine(), metadata=made)
    return DevMachineTemplate(metadata=build.metadata("DevMachineTemplate", "demo", **meta), spec=DevMachineTemplateSpec(template=resource))
