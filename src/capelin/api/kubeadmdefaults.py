"""What the standard fills in on kubeadm's kinds, as pure functions in the manner of `capelin.api.defaults`.

A KubeadmControlPlaneTemplate is stored as it was sent: its spec cannot change, so a default that came later would keep every older
template from being saved again.
"""

from __future__ import annotations

from typing import TypeVar

from capelin.api.defaults import prefixed_version
from capelin.api.kubeadm import Discovery, InitConfiguration, JoinConfiguration, NodeRegistration
from capelin.api.kubeadmconfig import (
    FORMAT_CLOUD_CONFIG,
    KubeadmConfigSpec,
    KubeadmConfigTemplate,
    KubeadmConfigTemplateResource,
    KubeadmConfigTemplateSpec,
)
from capelin.api.kubeadmcontrolplane import (
    ROLLING_UPDATE,
    ControlPlaneRollingUpdate,
    ControlPlaneRollout,
    ControlPlaneRolloutBefore,
    ControlPlaneRolloutStrategy,
    KubeadmControlPlane,
)

MAX_SURGE = 1
"""How many Machines may be too many when the spec says nothing: etcd then never has fewer members than before."""

IMAGE_PULL_POLICY = "IfNotPresent"
"""What kubeadm does by itself, and what earlier versions of the standard wrote out."""

EXEC_API_VERSION = "client.authentication.k8s.io/v1"
"""In which version a credential program answers when nothing is said."""

C = TypeVar("C", InitConfiguration, JoinConfiguration)


def default_kubeadmcontrolplane(control_plane: KubeadmControlPlane) -> KubeadmControlPlane:
    """Return the control plane with replicas and rollout strategy filled in and its version spelled `v1.2.3`.

    There is one type of strategy, which replaces whatever was sent.
    """
    spec = control_plane.spec
    changes = {
        "replicas": 1 if spec.replicas is None else spec.replicas,
        "version": prefixed_version(spec.version),
        "rollout": _rollout(spec.rollout),
    }
    return control_plane.model_copy(update={"spec": spec.model_copy(update=changes)})


def default_kubeadmconfigtemplate(template: KubeadmConfigTemplate) -> KubeadmConfigTemplate:
    """Return the template with what earlier versions of the standard filled in; for dry runs of a topology only.

    A topology compares what it wants with what is stored. An older template has these values written out, and without them in what is
    wanted the difference would roll every Machine. Templates that are really stored are stored as they were sent.
    """
    spec = template.spec or KubeadmConfigTemplateSpec(template=KubeadmConfigTemplateResource())
    config = written_out(spec.template.spec or KubeadmConfigSpec())
    resource = spec.template.model_copy(update={"spec": config})
    return template.model_copy(update={"spec": spec.model_copy(update={"template": resource})})


def written_out(config: KubeadmConfigSpec) -> KubeadmConfigSpec:
    """Return settings for kubeadm with what earlier versions of the standard filled in, so that older ones can be compared with newer."""
    join = _with_pull_policy(config.join_configuration or JoinConfiguration())
    changes = {
        "format": config.format or FORMAT_CLOUD_CONFIG,
        "init_configuration": _with_pull_policy(config.init_configuration or InitConfiguration()),
        "join_configuration": join.model_copy(update={"discovery": _with_exec_version(join.discovery)}),
    }
    return config.model_copy(update=changes)


def _rollout(rollout: ControlPlaneRollout | None) -> ControlPlaneRollout:
    rollout = rollout or ControlPlaneRollout()
    if rollout.after is None and rollout.strategy is None and rollout.before == ControlPlaneRolloutBefore():
        rollout = ControlPlaneRollout()  # an empty object alone says nothing, and is taken for nothing, as the standard does
    strategy = rollout.strategy or ControlPlaneRolloutStrategy(type=ROLLING_UPDATE)
    rolling = strategy.rolling_update or ControlPlaneRollingUpdate()
    rolling = rolling.model_copy(update={"max_surge": MAX_SURGE if rolling.max_surge is None else rolling.max_surge})
    strategy = strategy.model_copy(update={"type": ROLLING_UPDATE, "rolling_update": rolling})
    return rollout.model_copy(update={"strategy": strategy})


def _with_pull_policy(configuration: C) -> C:
    node = configuration.node_registration or NodeRegistration()
    node = node.model_copy(update={"image_pull_policy": node.image_pull_policy or IMAGE_PULL_POLICY})
    return configuration.model_copy(update={"node_registration": node})


def _with_exec_version(discovery: Discovery | None) -> Discovery | None:
    file = discovery and discovery.file
    kube_config = file and file.kube_config
    program = kube_config and kube_config.user.exec
    if not (discovery and file and kube_config and program) or program.api_version:
        return discovery
    user = kube_config.user.model_copy(update={"exec": program.model_copy(update={"api_version": EXEC_API_VERSION})})
    file = file.model_copy(update={"kube_config": kube_config.model_copy(update={"user": user})})
    return discovery.model_copy(update={"file": file})
