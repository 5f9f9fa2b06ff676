"""Whether this is the moment to add Machines: the control plane is stable, and the versions fit. Pure.

Only a cluster with a control-plane object can be judged, and that only as far as the object reports versions. Users skip checks by name in
an annotation.
"""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api import contract
from capelin.api.cluster import Cluster
from capelin.api.kubeadmconfig import KubeadmConfigTemplate
from capelin.api.machineset import SKIP_PREFLIGHT_CHECKS_ANNOTATION, MachineSet
from capelin.api.meta import Unstructured
from capelin.api.versions import Version, minor_skew, parse_version

CONTROL_PLANE_IS_STABLE = "ControlPlaneIsStable"
KUBERNETES_VERSION_SKEW = "KubernetesVersionSkew"
KUBEADM_VERSION_SKEW = "KubeadmVersionSkew"
CONTROL_PLANE_VERSION_SKEW = "ControlPlaneVersionSkew"
ALL = "All"

MAX_KUBELET_SKEW = 3
"""How many minor versions a kubelet may be behind its API server (https://kubernetes.io/releases/version-skew-policy)."""


def preflight_failures(machineset: MachineSet, cluster: Cluster, control_plane: Unstructured) -> list[str]:
    """Return one sentence for each check that fails and is not skipped.

    Raises:
        ValueError: the control plane's fields have the wrong types, or a version is none.
    """
    skipped = skipped_checks(machineset)
    if ALL in skipped:
        return []
    failures = [
        *_stability_failures(control_plane),
        *_version_failures(machineset, cluster, control_plane),
    ]
    return [f'{text} ("{check}" preflight check failed)' for check, text in failures if check not in skipped]


def skipped_checks(machineset: MachineSet) -> set[str]:
    """Return the names of the checks that the set's annotation skips."""
    text = (machineset.metadata.annotations or {}).get(SKIP_PREFLIGHT_CHECKS_ANNOTATION, "")
    return {name.strip() for name in text.split(",") if name.strip()}


def _stability_failures(control_plane: Unstructured) -> Iterator[tuple[str, str]]:
    wanted = _wanted_version(control_plane)
    if wanted is None:
        return  # a control plane without version is somebody else's, and cannot be seen to upgrade
    name = f"{control_plane.resource.kind} {control_plane.key}"
    running = [parse_version(entry["version"]) for entry in contract.versions(control_plane.document)]
    if not running:
        yield CONTROL_PLANE_IS_STABLE, f"{name} is provisioning"
    elif min(running) < wanted:
        yield CONTROL_PLANE_IS_STABLE, f"{name} is upgrading"


def _version_failures(machineset: MachineSet, cluster: Cluster, control_plane: Unstructured) -> Iterator[tuple[str, str]]:
    theirs, spec = _wanted_version(control_plane), machineset.spec.template.spec
    if theirs is None or spec.version is None:
        return
    ours = parse_version(spec.version)
    both = f"MachineSet version {ours} and control plane version {theirs}"
    skew = minor_skew(theirs, ours)
    if ours.release > theirs.release:
        yield KUBERNETES_VERSION_SKEW, f"MachineSet version {ours} is higher than control plane version {theirs}"
    elif skew > MAX_KUBELET_SKEW:
        yield KUBERNETES_VERSION_SKEW, f"{both} are more than {MAX_KUBELET_SKEW} minor versions apart"
    bootstrap = spec.bootstrap.config_ref
    is_kubeadm = bootstrap is not None and bootstrap.kind == KubeadmConfigTemplate.resource.kind
    if is_kubeadm and skew != 0:
        yield KUBEADM_VERSION_SKEW, f"{both} differ in their minor version, and kubeadm joins only machines of its own"
    if cluster.spec.topology is not None and ours != theirs:
        yield CONTROL_PLANE_VERSION_SKEW, f"{both} differ: waiting for the topology to bring them together"


def _wanted_version(control_plane: Unstructured) -> Version | None:
    found = (control_plane.document.get("spec") or {}).get("version")
    return parse_version(found) if isinstance(found, str) and found else None
