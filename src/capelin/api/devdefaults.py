"""What the standard fills in on the infrastructure for development, as pure functions in the manner of `capelin.api.defaults`.

Without a backend the standard takes docker. So does this, although Capelin's provider implements inMemory only: an object must mean the
same whichever provider reads it.
"""

from __future__ import annotations

from capelin.api.cluster import APIEndpoint, FailureDomain
from capelin.api.devcluster import DevCluster, DevClusterBackend, DevClusterSpec, DevClusterTemplate, DockerClusterBackend
from capelin.api.devmachine import DevMachine, DevMachineBackend, DevMachineSpec, DevMachineTemplate, DockerMachineBackend

ENDPOINT_PORT = 6443
"""Where a cluster of containers is reached when nothing is said: the usual port of an API server."""


def default_devcluster(cluster: DevCluster) -> DevCluster:
    """Return the cluster with its backend filled in, and for docker the endpoint's port and the use of each failure domain."""
    spec = cluster.spec or DevClusterSpec(backend=DevClusterBackend())
    return cluster.model_copy(update={"spec": _cluster_spec(spec)})


def default_devclustertemplate(template: DevClusterTemplate) -> DevClusterTemplate:
    """Return the template with its spec completed as a DevCluster's is; a template of nothing stays one."""
    if template.spec is None:
        return template
    resource = template.spec.template
    resource = resource.model_copy(update={"spec": _cluster_spec(resource.spec)})
    return template.model_copy(update={"spec": template.spec.model_copy(update={"template": resource})})


def default_devmachine(machine: DevMachine) -> DevMachine:
    """Return the machine with its backend filled in."""
    spec = machine.spec or DevMachineSpec(backend=DevMachineBackend())
    return machine.model_copy(update={"spec": _machine_spec(spec)})


def default_devmachinetemplate(template: DevMachineTemplate) -> DevMachineTemplate:
    """Return the template with its spec completed as a DevMachine's is; a template of nothing stays one."""
    if template.spec is None:
        return template
    resource = template.spec.template
    resource = resource.model_copy(update={"spec": _machine_spec(resource.spec)})
    return template.model_copy(update={"spec": template.spec.model_copy(update={"template": resource})})


def _machine_spec(spec: DevMachineSpec) -> DevMachineSpec:
    backend = spec.backend
    if backend.docker is None and backend.in_memory is None:
        backend = backend.model_copy(update={"docker": DockerMachineBackend()})
    return spec.model_copy(update={"backend": backend})


def _cluster_spec(spec: DevClusterSpec) -> DevClusterSpec:
    docker = spec.backend.docker
    if docker is None and spec.backend.in_memory is not None:
        return spec
    docker = docker or DockerClusterBackend()
    if docker.failure_domains is not None:
        docker = docker.model_copy(update={"failure_domains": [_failure_domain(domain) for domain in docker.failure_domains]})
    endpoint = spec.control_plane_endpoint or APIEndpoint()
    changes = {
        "backend": spec.backend.model_copy(update={"docker": docker}),
        "control_plane_endpoint": endpoint.model_copy(update={"port": endpoint.port or ENDPOINT_PORT}),
    }
    return spec.model_copy(update=changes)


def _failure_domain(domain: FailureDomain) -> FailureDomain:
    return domain.model_copy(update={"control_plane": domain.control_plane or False})
