"""The Kubernetes version of a topology: what it may be, and from where to where it may move."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from capelin.api.cluster import Cluster
from capelin.api.clusterclass import ClusterClass
from capelin.api.extensionconfig import PENDING_HOOKS_ANNOTATION
from capelin.api.labels import DEPLOYMENT_NAME_LABEL
from capelin.api.machine import Machine
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machinepool import MachinePool
from capelin.api.meta import Unstructured
from capelin.api.refusals import FORBIDDEN, NOT_SUPPORTED, VERSION_IS_SEMANTIC, Refusal, Rule, version_refusals
from capelin.api.topology import UNSAFE_VERSION_ANNOTATION, UPGRADE_CONCURRENCY_ANNOTATION, Topology
from capelin.api.versions import Version, parse_version
from capelin.webhooks.admission import Finding, Notice
from capelin.webhooks.clusterfacts import ClusterAdmission, Parts
from capelin.webhooks.rules.quoting import quoted

VERSION_IS_OF_CLASS = Rule("version_is_of_class", "Where the class lists Kubernetes versions, the version is one of them.")
VERSION_DOES_NOT_DECREASE = Rule(
    "version_does_not_decrease",
    "Kubernetes is not downgraded: etcd and the API server could not read what the newer version has written. A prerelease counts as its "
    "release.",
)
VERSION_SKIPS_NO_MINOR = Rule(
    "version_skips_no_minor",
    "An upgrade goes to the next minor version at most, unless the class lists versions to go through or has an extension that plans.",
)
UPGRADES_DO_NOT_OVERLAP = Rule(
    "upgrades_do_not_overlap", "The version changes only when everything has the version before: an upgrade is finished first."
)
UPGRADE_CONCURRENCY_IS_POSITIVE = Rule(
    "upgrade_concurrency_is_positive", "The annotation that says how many groups of workers are upgraded at a time has a number above 0."
)

VERSION_RULES: Final = (
    VERSION_IS_SEMANTIC,
    VERSION_IS_OF_CLASS,
    VERSION_DOES_NOT_DECREASE,
    VERSION_SKIPS_NO_MINOR,
    UPGRADES_DO_NOT_OVERLAP,
    UPGRADE_CONCURRENCY_IS_POSITIVE,
)

_FIELD: Final = "spec.topology.version"
_SHOWN: Final = 5
"""Names, or versions, that a refusal lists; further ones are counted."""
_DIGITS: Final = 18
"""Digits of a number that the standard can read."""


def version_findings(topology: Topology, request: ClusterAdmission) -> Iterator[Finding]:
    """Yield what is wrong with the version of a topology, on its own and for its class; changes are looked at by `upgrade_findings`."""
    yield from version_refusals(_FIELD, topology.version)
    clusterclass = request.facts.clusterclass
    offered = (clusterclass.spec.kubernetes_versions if clusterclass else None) or []
    if offered and topology.version not in offered:
        allowed = f"a version of its ClusterClass: {_listed(offered)}"
        yield VERSION_IS_OF_CLASS.broken(_FIELD, quoted(topology.version), allowed, reason=NOT_SUPPORTED)
    yield from _concurrency_refusals(request.new)


def _concurrency_refusals(cluster: Cluster) -> Iterator[Refusal]:
    value = (cluster.metadata.annotations or {}).get(UPGRADE_CONCURRENCY_ANNOTATION)
    if value is None:
        return
    digits = value.removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and len(digits.lstrip("0")) in range(1, _DIGITS + 1)):
        yield UPGRADE_CONCURRENCY_IS_POSITIVE.broken(
            f"metadata.annotations[{UPGRADE_CONCURRENCY_ANNOTATION}]", quoted(value), "a whole number above 0"
        )


def upgrade_findings(topology: Topology, old: Topology, clusterclass: ClusterClass, request: ClusterAdmission) -> Iterator[Finding]:
    """Yield what is wrong with the change of a version."""
    try:
        after, before = parse_version(topology.version), parse_version(old.version)
    except ValueError:
        return  # what is no version is told of elsewhere, and from what was none any one may follow
    if after == before:
        return
    if UNSAFE_VERSION_ANNOTATION in (request.new.metadata.annotations or {}):
        yield Notice(f"{_FIELD}: the change to {after} was not checked, because of the annotation {UNSAFE_VERSION_ANNOTATION}: remove it")
        return
    if _number(after) < _number(before):
        yield VERSION_DOES_NOT_DECREASE.broken(_FIELD, quoted(topology.version), f"{before} or newer", reason=FORBIDDEN)
    elif not _plans(clusterclass) and after.release > (before.major, before.minor + 1):
        allowed = f"{before.major}.{before.minor + 1} at most, since upgrades go from one minor version to the next"
        yield VERSION_SKIPS_NO_MINOR.broken(_FIELD, quoted(topology.version), allowed, reason=FORBIDDEN)
    for unfinished in _unfinished(request.new, before, request.facts.parts):
        found = f"a change from {before} to {after} while {unfinished}"
        yield UPGRADES_DO_NOT_OVERLAP.broken(_FIELD, found, "a change when everything else is complete", reason=FORBIDDEN)


def _plans(clusterclass: ClusterClass) -> bool:
    """Tell whether the class knows the versions on the way of an upgrade."""
    external = clusterclass.spec.upgrade.external if clusterclass.spec.upgrade else None
    return bool(clusterclass.spec.kubernetes_versions) or bool(external and external.generate_upgrade_plan_extension)


def _number(version: Version) -> tuple[int, int, int]:
    return version.major, version.minor, version.patch


def _unfinished(cluster: Cluster, version: Version, parts: Parts) -> Iterator[str]:
    pending = (cluster.metadata.annotations or {}).get(PENDING_HOOKS_ANNOTATION, "")
    if "AfterClusterUpgrade" in [hook.strip() for hook in pending.split(",")]:
        yield "the hook AfterClusterUpgrade of the upgrade before is still to be called"
    yield from _control_plane_unfinished(parts.control_plane, version)
    versions = _versions_by_deployment(parts.machines)
    deployments = [found.metadata.name for found in parts.deployments if not _deployment_has(found, version, versions)]
    if deployments:
        yield f"these MachineDeployments do not have {version} yet: {_listed(deployments)}"
    pools = [found.metadata.name for found in parts.pools if not _pool_has(found, version)]
    if pools:
        yield f"these MachinePools do not have {version} yet: {_listed(pools)}"


def _control_plane_unfinished(control_plane: Unstructured | None, version: Version) -> Iterator[str]:
    if control_plane is None:
        yield "there is no control plane yet"
        return
    wanted, running = (_version_in(control_plane.document, part) for part in ("spec", "status"))
    if wanted is None or not _is(wanted, version):
        yield f"the control plane is told to have {wanted or 'no version'}"
    elif not running:
        yield "the control plane is still being set up"
    elif _behind(running, version):
        yield f"the control plane still has {running}"


def _version_in(document: Mapping[str, Any], part: str) -> str | None:
    section = document.get(part)
    found = section.get("version") if isinstance(section, dict) else None
    return found if isinstance(found, str) else None


def _behind(text: str, wanted: Version) -> bool:
    """Tell whether a control plane has still to come to a version; of two builds none is known to be the newer."""
    try:
        running = parse_version(text)
    except ValueError:
        return True
    same = _number(running) == _number(wanted) and running.prerelease == wanted.prerelease
    return running.build != wanted.build if same else running < wanted


def _versions_by_deployment(machines: Iterable[Machine]) -> Mapping[str, set[str | None]]:
    found: dict[str, set[str | None]] = defaultdict(set)
    for machine in machines:
        found[(machine.metadata.labels or {}).get(DEPLOYMENT_NAME_LABEL, "")].add(machine.spec.version)
    return found


def _deployment_has(deployment: MachineDeployment, version: Version, running: Mapping[str, set[str | None]]) -> bool:
    wanted = deployment.spec.template.spec.version
    return _is(wanted, version) and running.get(deployment.metadata.name, set()) <= {wanted}


def _pool_has(pool: MachinePool, version: Version) -> bool:
    """Tell whether a pool is at a version. What its Nodes run stands in its status: admission asks no other cluster."""
    wanted = pool.spec.template.spec.version
    running = (pool.status.versions if pool.status else None) or ()
    return _is(wanted, version) and all(found.version == wanted for found in running)


def _is(text: str | None, version: Version) -> bool:
    try:
        return text is not None and parse_version(text) == version
    except ValueError:
        return False


def _listed(names: list[str]) -> str:
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return ", ".join([*map(quoted, names[:_SHOWN]), *more])
