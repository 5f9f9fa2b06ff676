"""What admission would refuse, as pure functions: controllers turn a refusal into a condition and create nothing.

They look at objects after defaulting and say nothing about what the schema refuses anyway.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from capelin.api.cluster import Cluster
from capelin.api.kubeadmconfig import KubeadmConfig, KubeadmConfigSpec
from capelin.api.labels import (
    AUTOSCALER_MAX_SIZE_ANNOTATION,
    AUTOSCALER_MIN_SIZE_ANNOTATION,
    CLUSTER_NAME_LABEL,
    CONTROL_PLANE_LABEL,
    CONTROL_PLANE_TAINT,
    POOL_NAME_LABEL,
)
from capelin.api.machine import Machine
from capelin.api.machinedeployment import ROLLING_UPDATE, MachineDeployment
from capelin.api.machineset import MachineSet
from capelin.api.meta import Object, is_label_value, selector_matches, selector_string
from capelin.api.versions import parse_version

_PERCENTAGE = re.compile(r"^[0-9]+%$")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing about an object that cannot be acted on: the field, what it says, what it may say."""

    field: str
    found: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.field}: found {self.found}, allowed is {self.allowed}"


def cluster_refusals(cluster: Cluster) -> list[Refusal]:
    """Return what is wrong with a Cluster."""
    spec = cluster.spec
    found = [] if is_label_value(cluster.metadata.name) else [_name_is_no_label_value(cluster)]
    if spec.infrastructure_ref is None and spec.control_plane_ref is None and spec.topology is None:
        found.append(Refusal("spec", "neither infrastructureRef nor controlPlaneRef nor topology", "at least one of them"))
    network = spec.cluster_network
    for name, ranges in (("pods", network and network.pods), ("services", network and network.services)):
        found += [
            Refusal(f"spec.clusterNetwork.{name}.cidrBlocks[{index}]", repr(block), "a range in CIDR notation, such as 10.244.0.0/16")
            for index, block in enumerate(ranges.cidr_blocks if ranges else ())
            if not _is_cidr(block)
        ]
    return found


def machine_refusals(machine: Machine) -> list[Refusal]:
    """Return what is wrong with a Machine."""
    labels = machine.metadata.labels or {}
    spec = machine.spec
    found = [*_version_refusals("spec.version", spec.version)]
    if not spec.bootstrap.config_ref and not spec.bootstrap.data_secret_name and POOL_NAME_LABEL not in labels:
        found.append(Refusal("spec.bootstrap", "neither configRef nor dataSecretName", "one of them"))
    if CONTROL_PLANE_LABEL not in labels and any(taint.key == CONTROL_PLANE_TAINT for taint in spec.taints or ()):
        found.append(Refusal("spec.taints", CONTROL_PLANE_TAINT, "that taint on control-plane Machines only"))
    return found


def machineset_refusals(machineset: MachineSet) -> list[Refusal]:
    """Return what is wrong with a MachineSet."""
    return list(_group_refusals(machineset))


def machinedeployment_refusals(deployment: MachineDeployment) -> list[Refusal]:
    """Return what is wrong with a MachineDeployment."""
    found = [] if is_label_value(deployment.metadata.name) else [_name_is_no_label_value(deployment)]
    return [*found, *_group_refusals(deployment), *_strategy_refusals(deployment)]


def kubeadmconfig_refusals(config: KubeadmConfig) -> list[Refusal]:
    """Return what is wrong with a KubeadmConfig."""
    spec = config.spec or KubeadmConfigSpec()
    return [*_file_refusals(spec), *_user_refusals(spec), *_disk_refusals(spec)]


def _name_is_no_label_value(obj: Object) -> Refusal:
    allowed = "at most 63 letters, digits, dashes, underscores and dots, with a letter or digit at both ends: the name becomes a label"
    return Refusal("metadata.name", repr(obj.metadata.name), allowed)


def _is_cidr(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text


def _version_refusals(field: str, version: str | None) -> Iterator[Refusal]:
    if version is None:
        return
    try:
        parse_version(version)
    except ValueError:
        yield Refusal(field, repr(version), "a semantic version, such as v1.34.0")


def _group_refusals(group: MachineSet | MachineDeployment) -> Iterator[Refusal]:
    spec = group.spec
    label = (group.metadata.labels or {}).get(CLUSTER_NAME_LABEL, spec.cluster_name)
    if label != spec.cluster_name:
        yield Refusal(f"metadata.labels[{CLUSTER_NAME_LABEL}]", repr(label), f"spec.clusterName, which is {spec.cluster_name!r}")
    if spec.template.spec.cluster_name != spec.cluster_name:
        allowed = f"spec.clusterName, which is {spec.cluster_name!r}"
        yield Refusal("spec.template.spec.clusterName", repr(spec.template.spec.cluster_name), allowed)
    if spec.replicas is not None and spec.replicas < 0:
        yield Refusal("spec.replicas", str(spec.replicas), "0 or more")
    yield from _selector_refusals(group)
    yield from _autoscaler_refusals(group)
    yield from _version_refusals("spec.template.spec.version", spec.template.spec.version)
    naming = spec.machine_naming and spec.machine_naming.template
    if naming and ".random" not in naming:
        yield Refusal("spec.machineNaming.template", repr(naming), "a template that contains {{ .random }}: names must differ")


def _selector_refusals(group: MachineSet | MachineDeployment) -> Iterator[Refusal]:
    metadata = group.spec.template.metadata
    labels = (metadata.labels if metadata else None) or {}
    try:
        matches = selector_matches(group.spec.selector, labels)
    except ValueError as error:
        yield Refusal("spec.selector", str(error), "rules with In, NotIn, Exists or DoesNotExist")
        return
    if not matches:
        found = selector_string(group.spec.selector) or "an empty selector"
        yield Refusal("spec.selector", found, f"one that matches spec.template.metadata.labels, which are {labels}")


def _autoscaler_refusals(group: MachineSet | MachineDeployment) -> Iterator[Refusal]:
    annotations = group.metadata.annotations or {}
    for name in (AUTOSCALER_MIN_SIZE_ANNOTATION, AUTOSCALER_MAX_SIZE_ANNOTATION):
        value = annotations.get(name)
        if value is not None and not value.isdecimal():
            yield Refusal(f"metadata.annotations[{name}]", repr(value), "a whole number")


def _strategy_refusals(deployment: MachineDeployment) -> Iterator[Refusal]:
    rollout = deployment.spec.rollout
    strategy = rollout.strategy if rollout else None
    rolling = strategy.rolling_update if strategy else None
    if strategy is None or rolling is None:
        return
    field = "spec.rollout.strategy.rollingUpdate"
    if strategy.type != ROLLING_UPDATE:
        yield Refusal(field, f"settings beside the type {strategy.type}", f"settings with the type {ROLLING_UPDATE} only")
    for name, value in (("maxSurge", rolling.max_surge), ("maxUnavailable", rolling.max_unavailable)):
        if not _is_amount(value):
            yield Refusal(f"{field}.{name}", repr(value), "a whole number that is not negative, or a percentage such as '25%'")
    if rolling.max_surge == 0 and rolling.max_unavailable == 0:
        yield Refusal(field, "maxSurge 0 and maxUnavailable 0", "at least one of them above 0: otherwise no Machine could ever be replaced")


def _is_amount(value: int | str | None) -> bool:
    return bool(_PERCENTAGE.match(value)) if isinstance(value, str) else value is None or value >= 0


def _file_refusals(spec: KubeadmConfigSpec) -> Iterator[Refusal]:
    counts = Counter(file.path for file in spec.files or ())
    for index, file in enumerate(spec.files or ()):
        if file.content is not None and file.content_from is not None:
            yield Refusal(f"spec.files[{index}]", "content and contentFrom", "one of them")
        if counts[file.path] > 1:
            yield Refusal(f"spec.files[{index}].path", repr(file.path), "a path that no other file has")


def _user_refusals(spec: KubeadmConfigSpec) -> Iterator[Refusal]:
    for index, user in enumerate(spec.users or ()):
        if user.passwd is not None and user.passwd_from is not None:
            yield Refusal(f"spec.users[{index}]", "passwd and passwdFrom", "one of them")


def _disk_refusals(spec: KubeadmConfigSpec) -> Iterator[Refusal]:
    partitions = (spec.disk_setup.partitions if spec.disk_setup else None) or ()
    for index, partition in enumerate(partitions):
        total = sum(share.percentage for share in partition.disk_layout or ())
        if total > 100:
            yield Refusal(f"spec.diskSetup.partitions[{index}].diskLayout", f"{total} percent in all", "at most 100")
