"""What the standard fills in at admission, as pure functions: controllers read objects through them, whether or not a webhook has run.

Each returns a new object that shares with the old one what it did not change; giving its result back to it changes nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from capelin.api.cluster import Cluster
from capelin.api.clusterresourceset import APPLY_ONCE, ClusterResourceSet
from capelin.api.extensionconfig import SERVICE_PORT, ExtensionConfig
from capelin.api.healthchecks import HealthChecks
from capelin.api.kubeadmconfig import FORMAT_CLOUD_CONFIG, KubeadmConfig, KubeadmConfigSpec
from capelin.api.labels import (
    AUTOSCALER_MAX_SIZE_ANNOTATION,
    AUTOSCALER_MIN_SIZE_ANNOTATION,
    CLUSTER_NAME_LABEL,
    DEPLOYMENT_NAME_LABEL,
    SET_NAME_LABEL,
    as_label_value,
)
from capelin.api.machine import Machine, MachineDeletion, MachineSpec
from capelin.api.machinedeployment import (
    ROLLING_UPDATE,
    MachineDeployment,
    MachineDeploymentRollout,
    MachineDeploymentSpec,
    RollingUpdate,
    RolloutStrategy,
)
from capelin.api.machinehealthcheck import NODE_STARTUP_TIMEOUT_SECONDS, MachineHealthCheck
from capelin.api.machinepool import MachinePool
from capelin.api.machineset import DELETION_ORDER_RANDOM, MachineSet, MachineSetDeletion, MachineSetSpec, MachineTemplate
from capelin.api.meta import LabelSelector, Model, Object, TemplateMetadata

NODE_DELETION_TIMEOUT_SECONDS = 10
"""How long to try to delete a Node when the Machine says nothing: by then it is a left-over, not worth holding the deletion back for."""

M = TypeVar("M", bound=Model)
O = TypeVar("O", bound=Object)
G = TypeVar("G", MachineSetSpec, MachineDeploymentSpec)


def default_cluster(cluster: Cluster) -> Cluster:
    """Return the Cluster with its topology's version spelled `v1.2.3`."""
    topology = cluster.spec.topology
    if topology is None:
        return cluster
    return _with(cluster, spec=_with(cluster.spec, topology=_with(topology, version=prefixed_version(topology.version))))


def default_machine(machine: Machine) -> Machine:
    """Return the Machine with its cluster's label, its version spelled `v1.2.3` and a bound for the deletion of its Node."""
    return _labelled(_with(machine, spec=_machine_spec(machine.spec)), machine.spec.cluster_name)


def default_machineset(machineset: MachineSet, *, previous: int | None = None) -> MachineSet:
    """Return the set with replicas, selector, template labels and deletion order filled in.

    `previous` is the number of replicas before an update that leaves it out; None for a new set.
    """
    spec = _with_selector(machineset.spec, SET_NAME_LABEL, as_label_value(machineset.metadata.name))
    deletion = spec.deletion or MachineSetDeletion()
    if deletion.order is None:
        deletion = _with(deletion, order=DELETION_ORDER_RANDOM)
    spec = _with(spec, deletion=deletion, replicas=_replicas(spec.replicas, machineset, previous))
    return _labelled(_with(machineset, spec=spec), spec.cluster_name)


def default_machinedeployment(deployment: MachineDeployment, *, previous: int | None = None) -> MachineDeployment:
    """Return the deployment with replicas, selector, template labels and rollout strategy filled in.

    `previous` is the number of replicas before an update that leaves it out; None for a new deployment.
    """
    spec = _with_selector(deployment.spec, DEPLOYMENT_NAME_LABEL, deployment.metadata.name)
    spec = _with(spec, rollout=_rollout(spec.rollout), replicas=_replicas(spec.replicas, deployment, previous))
    return _labelled(_with(deployment, spec=spec), spec.cluster_name)


def default_machinepool(pool: MachinePool, *, previous: int | None = None) -> MachinePool:
    """Return the pool with its cluster's label and replicas filled in, and its template completed as a Machine is.

    `previous` is the number of replicas before an update that leaves it out; None for a new pool.
    """
    spec = pool.spec
    template = _with(spec.template, spec=_machine_spec(spec.template.spec))
    spec = _with(spec, template=template, replicas=_replicas(spec.replicas, pool, previous))
    return _labelled(_with(pool, spec=spec), spec.cluster_name)


def default_machinehealthcheck(check: MachineHealthCheck) -> MachineHealthCheck:
    """Return the check with its cluster's label and a bound for the time a Machine may take to become a Node."""
    checks = check.spec.checks or HealthChecks()
    if checks.node_startup_timeout_seconds is None:
        checks = _with(checks, node_startup_timeout_seconds=NODE_STARTUP_TIMEOUT_SECONDS)
    return _labelled(_with(check, spec=_with(check.spec, checks=checks)), check.spec.cluster_name)


def default_clusterresourceset(resources: ClusterResourceSet) -> ClusterResourceSet:
    """Return the set with its strategy filled in."""
    return _with(resources, spec=_with(resources.spec, strategy=resources.spec.strategy or APPLY_ONCE))


def default_extensionconfig(config: ExtensionConfig) -> ExtensionConfig:
    """Return the extension with its Service's port and its selector filled in; the empty selector stands for every namespace."""
    client = config.spec.client_config
    if client.service is not None and client.service.port is None:
        client = _with(client, service=_with(client.service, port=SERVICE_PORT))
    selector = config.spec.namespace_selector or LabelSelector()
    return _with(config, spec=_with(config.spec, client_config=client, namespace_selector=selector))


def default_kubeadmconfig(config: KubeadmConfig) -> KubeadmConfig:
    """Return the configuration with the format of its bootstrap data filled in."""
    spec = config.spec or KubeadmConfigSpec()
    return _with(config, spec=_with(spec, format=spec.format or FORMAT_CLOUD_CONFIG))


def prefixed_version(version: str) -> str:
    """Return the version with a leading `v`; an empty one stays empty."""
    return version if not version or version.startswith("v") else f"v{version}"


def autoscaled_replicas(annotations: Mapping[str, str], previous: int | None) -> int | None:
    """Return the number of replicas the autoscaler's bounds ask for, or None when they are not both there and whole numbers.

    A new group starts at the lower bound; one that had replicas before keeps them as far as the bounds allow, so that handing the
    field over to the autoscaler moves nothing that need not move.
    """
    try:
        low = int(annotations[AUTOSCALER_MIN_SIZE_ANNOTATION])
        high = int(annotations[AUTOSCALER_MAX_SIZE_ANNOTATION])
    except (KeyError, ValueError):
        return None
    return low if previous is None else max(low, min(high, previous))


def _with(model: M, **changes: Any) -> M:
    return model.model_copy(update=changes)


def _labelled(obj: O, cluster_name: str) -> O:
    labels = {**(obj.metadata.labels or {}), CLUSTER_NAME_LABEL: cluster_name}
    return _with(obj, metadata=_with(obj.metadata, labels=labels))


def _machine_spec(spec: MachineSpec) -> MachineSpec:
    deletion = spec.deletion or MachineDeletion()
    if deletion.node_deletion_timeout_seconds is None:
        deletion = _with(deletion, node_deletion_timeout_seconds=NODE_DELETION_TIMEOUT_SECONDS)
    return _with(spec, deletion=deletion, version=None if spec.version is None else prefixed_version(spec.version))


def _with_selector(spec: G, name_label: str, name: str) -> G:
    """Without a selector the group's own name makes one; the cluster's name is part of every one, and of the template's labels."""
    own = {name_label: name} if spec.selector.is_empty else {}
    added = {**own, CLUSTER_NAME_LABEL: spec.cluster_name}
    selector: LabelSelector = _with(spec.selector, match_labels={**(spec.selector.match_labels or {}), **added})
    metadata = spec.template.metadata or TemplateMetadata()
    version = spec.template.spec.version
    template: MachineTemplate = _with(
        spec.template,
        metadata=_with(metadata, labels={**(metadata.labels or {}), **added}),
        spec=_with(spec.template.spec, version=None if version is None else prefixed_version(version)),
    )
    return _with(spec, selector=selector, template=template)


def _rollout(rollout: MachineDeploymentRollout | None) -> MachineDeploymentRollout:
    rollout = rollout or MachineDeploymentRollout()
    strategy = rollout.strategy or RolloutStrategy(type=ROLLING_UPDATE)
    strategy = _with(strategy, type=strategy.type or ROLLING_UPDATE)  # empty while the schema has not asked for one yet
    if strategy.type == ROLLING_UPDATE:
        rolling = strategy.rolling_update or RollingUpdate()
        surge = 1 if rolling.max_surge is None else rolling.max_surge
        unavailable = 0 if rolling.max_unavailable is None else rolling.max_unavailable
        strategy = _with(strategy, rolling_update=_with(rolling, max_surge=surge, max_unavailable=unavailable))
    return _with(rollout, strategy=strategy)


def _replicas(wanted: int | None, group: Object, previous: int | None) -> int:
    if wanted is not None:
        return wanted
    autoscaled = autoscaled_replicas(group.metadata.annotations or {}, previous)
    return 1 if autoscaled is None else autoscaled
