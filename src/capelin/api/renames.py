"""What became of the fields of v1beta1 in v1beta2: data, and the function that finds them in a document.

A place is a path with `[]` for any item of a list. An entry holds for everything below its place, unless that has an entry of its own;
fields without an entry are the same in both versions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from capelin.api.durations import parse_duration

SECONDS: Final = "a number of seconds"
ARGUMENTS: Final = "a list of objects with name and value"
ZONES: Final = "a list of objects with name and what was below it"
GROUP: Final = "the group without the version"

_INDEX: Final = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Rename:
    """What became of the field at a place: the place where it is now, and the form in which, when that is another one. `gone` says why
    there is nothing like it any more."""

    old: str
    new: str = ""
    form: str = ""
    gone: str = ""


@dataclass(frozen=True, slots=True)
class Renamed:
    """A field of a document that is something else in v1beta2; `told` completes the sentence that begins with the field."""

    field: str
    told: str


def renamed_fields(document: Mapping[str, Any]) -> list[Renamed]:
    """Return every field of a v1beta1 document that v1beta2 has elsewhere, in another form or not at all, in the document's order."""
    entries = {entry.old: entry for entry in TABLE.get(str(document.get("kind")), ())}
    return list(_found(document.get("spec"), "spec", "spec", entries)) if entries else []


def _found(value: Any, place: str, field: str, entries: Mapping[str, Rename]) -> Iterator[Renamed]:
    entry = entries.get(place)
    if entry is not None:
        yield Renamed(field, _told(entry, field, value))
        if entry.gone or entry.form:
            return  # what is below it has been told of
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _found(item, f"{place}[]", f"{field}[{index}]", entries)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _found(inner, f"{place}.{name}", f"{field}.{name}", entries)


def _told(entry: Rename, field: str, value: Any) -> str:
    if entry.gone:
        return f"is not in v1beta2: {entry.gone}"
    if entry.new == entry.old:
        return f"is {entry.form} in v1beta2"
    now = entry.new
    for index in _INDEX.findall(field):
        now = now.replace("[]", index, 1)
    return f"is {now} in v1beta2{f', {entry.form}{_example(entry, value)}' if entry.form else ''}"


def _example(entry: Rename, value: Any) -> str:
    if not isinstance(value, str):
        return ""
    if entry.form == GROUP:
        return f" ({value} → {value.rpartition('/')[0]})" if "/" in value else ""
    if entry.form != SECONDS:
        return ""
    try:
        return f" ({value} → {int(parse_duration(value).total_seconds())})"
    except ValueError:
        return ""


# -- what the kinds have in common ----------------------------------------------------------------------------------------------------

_TIMEOUTS: Final = ("nodeDrainTimeout", "nodeVolumeDetachTimeout", "nodeDeletionTimeout")
_UNUSED: Final = ("fieldPath", "namespace", "resourceVersion", "uid")
_NEVER_USED: Final = "it never did anything"
_TOLD_BY_OBJECTS: Final = "it is taken from the Cluster and the Machine"
_KUBEADM_FILE: Final = "the version of kubeadm's file is chosen by the Kubernetes version"


def _renamed(pairs: Mapping[str, str], old: str, new: str | None = None, form: str = "") -> Iterator[Rename]:
    """Yield entries for fields below a place; `new` is where that is now, when it is elsewhere."""
    for before, after in pairs.items():
        yield Rename(f"{old}.{before}", f"{old if new is None else new}.{after}", form)


def _timeouts(old: str, new: str | None = None) -> Iterator[Rename]:
    """The bounds of deleting a Machine."""
    yield from _renamed({name: f"deletion.{name}Seconds" for name in _TIMEOUTS}, old, new, SECONDS)


def _reference(old: str, new: str | None = None) -> Iterator[Rename]:
    """A reference to an object of a provider, in the same namespace and of whichever version it has."""
    yield Rename(f"{old}.apiVersion", f"{old if new is None else new}.apiGroup", GROUP)
    yield from _without_unused(old)


def _without_unused(old: str) -> Iterator[Rename]:
    for name in _UNUSED:
        reason = "the object is in the same namespace" if name == "namespace" else _NEVER_USED
        yield Rename(f"{old}.{name}", gone=reason)


def _template_reference(old: str, new: str) -> Iterator[Rename]:
    yield Rename(old, new)
    yield from _without_unused(old)


def _health(old: str, checks: str, remediation: str) -> Iterator[Rename]:
    """What makes Machines unhealthy, and what follows."""
    trigger = f"{remediation}.triggerIf"
    yield Rename(f"{old}.maxUnhealthy", f"{trigger}.unhealthyLessThanOrEqualTo")
    yield Rename(f"{old}.unhealthyRange", f"{trigger}.unhealthyInRange")
    yield Rename(f"{old}.nodeStartupTimeout", f"{checks}.nodeStartupTimeoutSeconds", SECONDS)
    for before, after in (("unhealthyConditions", "unhealthyNodeConditions"), ("unhealthyMachineConditions", "unhealthyMachineConditions")):
        yield Rename(f"{old}.{before}", f"{checks}.{after}")
        yield Rename(f"{old}.{before}[].timeout", f"{checks}.{after}[].timeoutSeconds", SECONDS)
    yield from _template_reference(f"{old}.remediationTemplate", f"{remediation}.templateRef")


def _health_check(around: str) -> Iterator[Rename]:
    """The check that a topology or a class has of its own."""
    old, new = f"{around}.machineHealthCheck", f"{around}.healthCheck"
    yield Rename(old, new)
    yield from _health(old, f"{new}.checks", f"{new}.remediation")


def _strategy(around: str, in_flight: str) -> Iterator[Rename]:
    """How a group of Machines is rolled; `in_flight` is where the bound of remediation is now."""
    old = f"{around}.strategy"
    yield Rename(old, f"{around}.rollout.strategy")
    yield Rename(f"{old}.rollingUpdate.deletePolicy", f"{around}.deletion.order")
    yield Rename(f"{old}.remediation", in_flight.rpartition(".")[0])
    yield Rename(f"{old}.remediation.maxInFlight", in_flight)


def _machine_spec(around: str) -> Iterator[Rename]:
    yield from _timeouts(around)
    yield from _reference(f"{around}.bootstrap.configRef")
    yield from _reference(f"{around}.infrastructureRef")


def _kubeadm(around: str) -> Iterator[Rename]:
    """How a Machine becomes a Node with kubeadm."""
    cluster, init, join = (f"{around}.{name}Configuration" for name in ("cluster", "init", "join"))
    for place in (f"{cluster}.apiServer", f"{cluster}.controllerManager", f"{cluster}.scheduler", f"{cluster}.etcd.local"):
        yield Rename(f"{place}.extraArgs", f"{place}.extraArgs", ARGUMENTS)
    for place in (f"{init}.nodeRegistration", f"{join}.nodeRegistration"):
        yield Rename(f"{place}.kubeletExtraArgs", f"{place}.kubeletExtraArgs", ARGUMENTS)
    yield Rename(
        f"{cluster}.apiServer.timeoutForControlPlane",
        f"{init}.timeouts.controlPlaneComponentHealthCheckSeconds",
        f"{SECONDS}, in {join} too",
    )
    for name in ("clusterName", "kubernetesVersion", "networking"):
        yield Rename(f"{cluster}.{name}", gone=_TOLD_BY_OBJECTS)
    for place in (cluster, init, join):
        yield Rename(f"{place}.apiVersion", gone=_KUBEADM_FILE)
        yield Rename(f"{place}.kind", gone=_KUBEADM_FILE)
    yield Rename(f"{init}.bootstrapTokens[].ttl", f"{init}.bootstrapTokens[].ttlSeconds", SECONDS)
    yield Rename(f"{join}.discovery.timeout", f"{join}.timeouts.tlsBootstrapSeconds", SECONDS)
    yield Rename(f"{around}.useExperimentalRetryJoin", gone="kubeadm tries again by itself")


def _control_plane(around: str) -> Iterator[Rename]:
    """What control planes and their templates have in common."""
    yield from _kubeadm(f"{around}.kubeadmConfigSpec")
    moved = {"machineNamingStrategy": "machineNaming", "rolloutAfter": "rollout.after", "rolloutBefore": "rollout.before"}
    yield from _renamed({**moved, "rolloutStrategy": "rollout.strategy", "remediationStrategy": "remediation"}, around)
    periods = {name: f"{name}Seconds" for name in ("retryPeriod", "minHealthyPeriod")}
    yield from _renamed(periods, f"{around}.remediationStrategy", f"{around}.remediation", SECONDS)
    yield from _timeouts(f"{around}.machineTemplate", f"{around}.machineTemplate.spec")
    yield Rename(f"{around}.machineTemplate.taints", f"{around}.machineTemplate.spec.taints")


def _class(around: str) -> Iterator[Rename]:
    """A class of workers."""
    yield from _timeouts(around)
    yield Rename(f"{around}.namingStrategy", f"{around}.naming")
    yield Rename(f"{around}.template", around)
    for part in ("bootstrap", "infrastructure"):
        yield from _template_reference(f"{around}.template.{part}.ref", f"{around}.{part}.templateRef")


def _topology(around: str) -> Iterator[Rename]:
    control_plane, workers = f"{around}.controlPlane", f"{around}.workers"
    deployments, pools = f"{workers}.machineDeployments[]", f"{workers}.machinePools[]"
    yield Rename(f"{around}.class", f"{around}.classRef.name")
    yield Rename(f"{around}.classNamespace", f"{around}.classRef.namespace")
    yield Rename(f"{around}.rolloutAfter", gone=_NEVER_USED)
    for place in (control_plane, deployments, pools):
        yield from _timeouts(place)
    for place in (control_plane, deployments):
        yield from _health_check(place)
        yield Rename(f"{place}.machineHealthCheck.enable", f"{place}.healthCheck.enabled")
    yield from _strategy(deployments, f"{deployments}.healthCheck.remediation.maxInFlight")
    overrides = [f"{place}.variables.overrides[]" for place in (control_plane, deployments, pools)]
    for place in (f"{around}.variables[]", *overrides):
        yield Rename(f"{place}.definitionFrom", gone="variables of one name have one definition")


def _clusterclass() -> Iterator[Rename]:
    control_plane, deployments, pools = "spec.controlPlane", "spec.workers.machineDeployments[]", "spec.workers.machinePools[]"
    yield from _template_reference("spec.infrastructure.ref", "spec.infrastructure.templateRef")
    yield Rename("spec.infrastructureNamingStrategy", "spec.infrastructure.naming")
    for place in (control_plane, f"{control_plane}.machineInfrastructure"):
        yield from _template_reference(f"{place}.ref", f"{place}.templateRef")
    yield from _timeouts(control_plane)
    yield Rename(f"{control_plane}.namingStrategy", f"{control_plane}.naming")
    for place in (control_plane, deployments):
        yield from _health_check(place)
    for place in (deployments, pools):
        yield from _class(place)
    yield from _strategy(deployments, f"{deployments}.healthCheck.remediation.maxInFlight")
    extensions = {"generateExtension": "generatePatchesExtension", "validateExtension": "validateTopologyExtension"}
    yield from _renamed(extensions, "spec.patches[].external")
    yield Rename("spec.variables[].metadata", "spec.variables[].deprecatedV1Beta1Metadata")


def _machinedeployment() -> Iterator[Rename]:
    yield from _machine_spec("spec.template.spec")
    yield from _strategy("spec", "spec.remediation.maxInFlight")
    moved = {"machineNamingStrategy": "machineNaming", "minReadySeconds": "template.spec.minReadySeconds", "rolloutAfter": "rollout.after"}
    yield from _renamed(moved, "spec")
    yield Rename("spec.progressDeadlineSeconds", gone=_NEVER_USED)
    yield Rename("spec.revisionHistoryLimit", gone="MachineSets without Machines are deleted")


def _machineset() -> Iterator[Rename]:
    yield from _machine_spec("spec.template.spec")
    moved = {"machineNamingStrategy": "machineNaming", "minReadySeconds": "template.spec.minReadySeconds", "deletePolicy": "deletion.order"}
    yield from _renamed(moved, "spec")


def _machinepool() -> Iterator[Rename]:
    yield from _machine_spec("spec.template.spec")
    yield Rename("spec.minReadySeconds", "spec.template.spec.minReadySeconds")


def _kubeadmcontrolplane() -> Iterator[Rename]:
    template = "spec.machineTemplate"
    yield from _control_plane("spec")
    yield Rename(f"{template}.infrastructureRef", f"{template}.spec.infrastructureRef")
    yield from _reference(f"{template}.infrastructureRef", f"{template}.spec.infrastructureRef")
    yield Rename(f"{template}.readinessGates", f"{template}.spec.readinessGates")


def _zones(around: str) -> Iterator[Rename]:
    place = f"{around}.backend.docker.failureDomains"
    yield Rename(place, place, ZONES)


def _bootstrapped(around: str) -> Iterator[Rename]:
    yield Rename(f"{around}.backend.docker.bootstrapped", gone="the status tells it")


def _cluster() -> Iterator[Rename]:
    for name in ("controlPlaneRef", "infrastructureRef"):
        yield from _reference(f"spec.{name}")
    yield from _topology("spec.topology")


TABLE: Final[Mapping[str, tuple[Rename, ...]]] = {
    "Cluster": tuple(_cluster()),
    "ClusterClass": tuple(_clusterclass()),
    "Machine": tuple(_machine_spec("spec")),
    "MachineSet": tuple(_machineset()),
    "MachineDeployment": tuple(_machinedeployment()),
    "MachinePool": tuple(_machinepool()),
    "MachineHealthCheck": tuple(_health("spec", "spec.checks", "spec.remediation")),
    "KubeadmConfig": tuple(_kubeadm("spec")),
    "KubeadmConfigTemplate": tuple(_kubeadm("spec.template.spec")),
    "KubeadmControlPlane": tuple(_kubeadmcontrolplane()),
    "KubeadmControlPlaneTemplate": tuple(_control_plane("spec.template.spec")),
    "DevCluster": tuple(_zones("spec")),
    "DevClusterTemplate": tuple(_zones("spec.template.spec")),
    "DevMachine": tuple(_bootstrapped("spec")),
    "DevMachineTemplate": tuple(_bootstrapped("spec.template.spec")),
}
"""Kind → what became of its fields. Kinds that are not here have the same fields in both versions."""
