"""Objects for tests, in the manner of `tests.build`: control planes that kubeadm sets up, and pools of dev machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from capelin.api.devmachinepool import (
    DevMachinePool,
    DevMachinePoolBackend,
    DevMachinePoolInstance,
    DevMachinePoolSpec,
    DevMachinePoolStatus,
    DevMachinePoolTemplate,
    DevMachinePoolTemplateResource,
    DevMachinePoolTemplateSpec,
    DockerMachinePoolBackend,
)
from capelin.api.kubeadmcontrolplane import (
    ROLLING_UPDATE,
    ControlPlaneMachineSpec,
    ControlPlaneMachineTemplate,
    ControlPlaneRollingUpdate,
    ControlPlaneRollout,
    ControlPlaneRolloutBefore,
    ControlPlaneRolloutStrategy,
    KubeadmControlPlane,
    KubeadmControlPlaneSpec,
    KubeadmControlPlaneStatus,
)
from capelin.api.kubeadmcontrolplanetemplate import (
    KubeadmControlPlaneTemplate,
    KubeadmControlPlaneTemplateResource,
    KubeadmControlPlaneTemplateResourceSpec,
    KubeadmControlPlaneTemplateSpec,
)
from capelin.api.labels import CLUSTER_NAME_LABEL
from tests.build import CLUSTER, VERSION, infrastructure_ref, kubeadmconfig_spec, metadata

CONTROL_PLANE = "control-plane"


def control_plane_machine_template(infrastructure: str = CONTROL_PLANE, **spec: Any) -> ControlPlaneMachineTemplate:
    """Return what control-plane Machines are made from; `spec` overrides fields of their spec."""
    defaults: dict[str, Any] = {"infrastructure_ref": infrastructure_ref(infrastructure, "DevMachineTemplate")}
    return ControlPlaneMachineTemplate(spec=ControlPlaneMachineSpec(**(defaults | spec)))


def control_plane_rollout(
    *, max_surge: int | str = 1, after: datetime | None = None, expiry_days: int | None = None
) -> ControlPlaneRollout:
    """Return how Machines are replaced: one after the other."""
    strategy = ControlPlaneRolloutStrategy(type=ROLLING_UPDATE, rolling_update=ControlPlaneRollingUpdate(max_surge=max_surge))
    before = None if expiry_days is None else ControlPlaneRolloutBefore(certificates_expiry_days=expiry_days)
    return ControlPlaneRollout(after=after, before=before, strategy=strategy)


def kubeadmcontrolplane(
    name: str = CONTROL_PLANE,
    *,
    cluster_name: str = CLUSTER,
    replicas: int | None = 1,
    version: str = VERSION,
    rollout: ControlPlaneRollout | None = None,
    labels: Mapping[str, str] | None = None,
    spec: Mapping[str, Any] | None = None,
    status: KubeadmControlPlaneStatus | None = None,
    **meta: Any,
) -> KubeadmControlPlane:
    """A KubeadmControlPlane with its defaults filled in; `spec` overrides fields of its spec, `meta` goes to `metadata`."""
    fields: dict[str, Any] = {
        "machine_template": control_plane_machine_template(),
        "version": version,
        "kubeadm_config_spec": kubeadmconfig_spec(init=True),
        "replicas": replicas,
        "rollout": rollout or control_plane_rollout(),
    }
    return KubeadmControlPlane(
        metadata=metadata("KubeadmControlPlane", name, labels={CLUSTER_NAME_LABEL: cluster_name} | dict(labels or {}), **meta),
        spec=KubeadmControlPlaneSpec(**(fields | dict(spec or {}))),
        status=status,
    )


def kubeadmcontrolplanetemplate(
    name: str = CONTROL_PLANE, *, spec: Mapping[str, Any] | None = None, **meta: Any
) -> KubeadmControlPlaneTemplate:
    """A template of KubeadmControlPlanes; `spec` overrides fields of what they have in common."""
    fields: dict[str, Any] = {"kubeadm_config_spec": kubeadmconfig_spec(init=True)}
    resource = KubeadmControlPlaneTemplateResource(spec=KubeadmControlPlaneTemplateResourceSpec(**(fields | dict(spec or {}))))
    return KubeadmControlPlaneTemplate(
        metadata=metadata("KubeadmControlPlaneTemplate", name, **meta), spec=KubeadmControlPlaneTemplateSpec(template=resource)
    )


def devmachinepool(
    name: str = "pool",
    *,
    cluster_name: str = CLUSTER,
    instances: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    **meta: Any,
) -> DevMachinePool:
    """A DevMachinePool whose `instances`, given by name, are ready; without any it has no status yet."""
    ready = [DevMachinePoolInstance(instance_name=instance, provider_id=f"docker:////{instance}", ready=True) for instance in instances]
    return DevMachinePool(
        metadata=metadata("DevMachinePool", name, labels={CLUSTER_NAME_LABEL: cluster_name} | dict(labels or {}), **meta),
        spec=DevMachinePoolSpec(
            backend=DevMachinePoolBackend(docker=DockerMachinePoolBackend()),
            provider_id_list=[f"docker:////{instance}" for instance in instances] or None,
        ),
        status=DevMachinePoolStatus(instances=ready, ready=True, replicas=len(ready)) if ready else None,
    )


def devmachinepooltemplate(name: str = "pools", **meta: Any) -> DevMachinePoolTemplate:
    """A template of DevMachinePools."""
    resource = DevMachinePoolTemplateResource(spec=DevMachinePoolSpec(backend=DevMachinePoolBackend(docker=DockerMachinePoolBackend())))
    return DevMachinePoolTemplate(
        metadata=metadata("DevMachinePoolTemplate", name, **meta), spec=DevMachinePoolTemplateSpec(template=resource)
    )
