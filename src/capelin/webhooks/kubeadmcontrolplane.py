"""What is allowed of KubeadmControlPlanes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from capelin.api.coredns import migration
from capelin.api.grouprules import NAMES_ARE_RANDOM
from capelin.api.kubeadm import ClusterConfiguration, EtcdConfiguration
from capelin.api.kubeadmconfigrules import KUBEADM_CONFIG_RULES, kubeadm_refusals
from capelin.api.kubeadmcontrolplane import SKIP_COREDNS_ANNOTATION, KubeadmControlPlane, KubeadmControlPlaneSpec
from capelin.api.kubeadmdefaults import default_kubeadmcontrolplane
from capelin.api.refusals import FORBIDDEN, VERSION_IS_SEMANTIC, Refusal, Rule, version_refusals
from capelin.api.versions import Version, parse_version
from capelin.webhooks.admission import Admission, Finding, Notice, Webhook
from capelin.webhooks.mutablepaths import MutablePaths, path_refusals
from capelin.webhooks.rules.controlplane import (
    CONTROL_PLANE_RULES,
    NO_SURGE_NEEDS_THREE,
    cluster_configuration_refusals,
    is_version_tag,
    rollout_notices,
    rollout_refusals,
    timeout_refusals,
)
from capelin.webhooks.rules.kubeadm import kubeadm_notices
from capelin.webhooks.rules.metadata import METADATA_RULES, metadata_refusals
from capelin.webhooks.rules.naming import CONTROL_PLANE_SAMPLE, NAMES_ARE_NAMES, machine_naming_refusals, sample_refusals
from capelin.webhooks.rules.quoting import quoted
from capelin.webhooks.rules.taints import TAINTS_ARE_NOT_RESERVED, taint_refusals

REPLICAS_ARE_POSITIVE = Rule("replicas_are_positive", "A control plane has at least one Machine.")
REPLICAS_ARE_ODD = Rule(
    "replicas_are_odd",
    "With etcd on the Machines their number is odd: one more than an odd number outlives no more failures, and is one more that can fail.",
)
FIELDS_ARE_MUTABLE = Rule(
    "fields_are_mutable",
    "Only fields change whose change a rollout can carry out; what was fixed when the cluster was made, such as its endpoint in the "
    "settings of kubeadm or where certificates are kept, stays.",
)
ETCD_STAYS_IN_ITS_PLACE = Rule(
    "etcd_stays_in_its_place", "etcd does not move from the Machines to elsewhere or back: nothing would take the data along."
)
VERSION_SKIPS_NO_MINOR = Rule(
    "version_skips_no_minor", "The Kubernetes version goes up by no more than one minor version at a time, as kubeadm does."
)
COREDNS_CAN_FOLLOW = Rule(
    "coredns_can_follow",
    "The version of CoreDNS changes only where its configuration can be carried over, unless an annotation says to leave CoreDNS alone.",
)

RULES = (
    REPLICAS_ARE_POSITIVE,
    REPLICAS_ARE_ODD,
    VERSION_IS_SEMANTIC,
    NO_SURGE_NEEDS_THREE,
    *CONTROL_PLANE_RULES,
    NAMES_ARE_RANDOM,
    NAMES_ARE_NAMES,
    TAINTS_ARE_NOT_RESERVED,
    *METADATA_RULES,
    *KUBEADM_CONFIG_RULES,
    FIELDS_ARE_MUTABLE,
    ETCD_STAYS_IN_ITS_PLACE,
    VERSION_SKIPS_NO_MINOR,
    COREDNS_CAN_FOLLOW,
)

MUTABLE: Final = MutablePaths(
    """
    replicas
    version
    machineTemplate.metadata.*
    machineTemplate.spec.*
    machineNaming.*
    remediation.*
    rollout.*
    kubeadmConfigSpec.clusterConfiguration.apiServer.*
    kubeadmConfigSpec.clusterConfiguration.certificateValidityPeriodDays
    kubeadmConfigSpec.clusterConfiguration.controllerManager.*
    kubeadmConfigSpec.clusterConfiguration.dns.*
    kubeadmConfigSpec.clusterConfiguration.encryptionAlgorithm
    kubeadmConfigSpec.clusterConfiguration.etcd.*
    kubeadmConfigSpec.clusterConfiguration.featureGates.*
    kubeadmConfigSpec.clusterConfiguration.imageRepository
    kubeadmConfigSpec.clusterConfiguration.scheduler.*
    kubeadmConfigSpec.initConfiguration.bootstrapTokens
    kubeadmConfigSpec.initConfiguration.localAPIEndpoint.*
    kubeadmConfigSpec.initConfiguration.nodeRegistration.*
    kubeadmConfigSpec.initConfiguration.patches
    kubeadmConfigSpec.initConfiguration.patches.directory
    kubeadmConfigSpec.initConfiguration.skipPhases
    kubeadmConfigSpec.initConfiguration.timeouts.*
    kubeadmConfigSpec.joinConfiguration.caCertPath
    kubeadmConfigSpec.joinConfiguration.controlPlane.*
    kubeadmConfigSpec.joinConfiguration.discovery.*
    kubeadmConfigSpec.joinConfiguration.nodeRegistration.*
    kubeadmConfigSpec.joinConfiguration.patches
    kubeadmConfigSpec.joinConfiguration.patches.directory
    kubeadmConfigSpec.joinConfiguration.skipPhases
    kubeadmConfigSpec.joinConfiguration.timeouts.*
    kubeadmConfigSpec.bootCommands
    kubeadmConfigSpec.diskSetup.*
    kubeadmConfigSpec.files
    kubeadmConfigSpec.format
    kubeadmConfigSpec.ignition.*
    kubeadmConfigSpec.mounts
    kubeadmConfigSpec.ntp.*
    kubeadmConfigSpec.postKubeadmCommands
    kubeadmConfigSpec.preKubeadmCommands
    kubeadmConfigSpec.users
    kubeadmConfigSpec.verbosity
    """
)
"""The fields of the spec that may change, which are those of the standard."""

MOST_REPLICAS: Final = 7
"""The most members etcd is advised to have: every write waits for more than half of them."""

_CLUSTER: Final = "spec.kubeadmConfigSpec.clusterConfiguration"

KubeadmControlPlaneAdmission = Admission[KubeadmControlPlane, None]


def default(control_plane: KubeadmControlPlane, request: KubeadmControlPlaneAdmission) -> KubeadmControlPlane:  # noqa: ARG001 - the shape of a webhook
    """Return the control plane with what the standard fills in."""
    return default_kubeadmcontrolplane(control_plane)


def validate(request: KubeadmControlPlaneAdmission) -> Iterator[Finding]:
    """Yield what is wrong with a KubeadmControlPlane, or with a change of it."""
    spec = request.new.spec
    config, template = spec.kubeadm_config_spec, spec.machine_template
    yield from replicas_refusals(spec)
    yield from version_refusals("spec.version", spec.version)
    yield from rollout_refusals("spec", spec.rollout, config, spec.replicas)
    yield from cluster_configuration_refusals(_CLUSTER, config.cluster_configuration if config else None)
    yield from timeout_refusals("spec.kubeadmConfigSpec", config)
    naming = spec.machine_naming.template if spec.machine_naming else None
    yield from machine_naming_refusals("spec.machineNaming.template", naming)
    yield from sample_refusals("spec.machineNaming.template", naming, CONTROL_PLANE_SAMPLE)
    yield from metadata_refusals("spec.machineTemplate.metadata", template.metadata)
    yield from taint_refusals("spec.machineTemplate.spec.taints", template.spec.taints)
    yield from kubeadm_refusals("spec.kubeadmConfigSpec", config)
    yield from _notices(spec)
    if request.old is not None:
        yield from _update_findings(request.new, request.old)


def replicas_refusals(spec: KubeadmControlPlaneSpec) -> Iterator[Refusal]:
    """Yield what is wrong with the number of Machines."""
    if spec.replicas is None:
        return
    if spec.replicas < 1:
        yield REPLICAS_ARE_POSITIVE.broken("spec.replicas", str(spec.replicas), "1 or more", reason=FORBIDDEN)
    elif spec.replicas % 2 == 0 and not has_external_etcd(spec):
        allowed = "an odd number while etcd runs on the Machines"
        yield REPLICAS_ARE_ODD.broken("spec.replicas", str(spec.replicas), allowed, reason=FORBIDDEN)


def has_external_etcd(spec: KubeadmControlPlaneSpec) -> bool:
    """Tell whether etcd runs elsewhere than on the Machines."""
    return _etcd(spec).external is not None


def _notices(spec: KubeadmControlPlaneSpec) -> Iterator[Notice]:
    yield from rollout_notices("spec", spec.rollout)
    yield from kubeadm_notices("spec.kubeadmConfigSpec", spec.kubeadm_config_spec)
    if spec.replicas is not None and spec.replicas > MOST_REPLICAS and not has_external_etcd(spec):
        yield Notice(f"spec.replicas: {spec.replicas} members make etcd slow and no safer: use 3 or 5, at most {MOST_REPLICAS}")


def _update_findings(new: KubeadmControlPlane, old: KubeadmControlPlane) -> Iterator[Finding]:
    yield from path_refusals(FIELDS_ARE_MUTABLE, old.spec.wire(), new.spec.wire(), MUTABLE, "spec")
    if has_external_etcd(new.spec) != has_external_etcd(old.spec):
        found, before = ("external", "local") if has_external_etcd(new.spec) else ("local", "external")
        allowed = f"{before} etcd, as before: data would be lost"
        yield ETCD_STAYS_IN_ITS_PLACE.broken(f"{_CLUSTER}.etcd.external", f"{found} etcd", allowed, reason=FORBIDDEN)
    yield from _version_findings(new.spec.version, old.spec.version)
    if SKIP_COREDNS_ANNOTATION not in (new.metadata.annotations or {}):
        yield from _dns_refusals(_dns_tag(new.spec), _dns_tag(old.spec))


def _version_findings(new: str, old: str) -> Iterator[Finding]:
    after, before = _parsed(new), _parsed(old)
    if after is None or before is None:
        return  # told already, or from before there was admission
    if after.release >= (before.major, before.minor + 2):
        allowed = f"at most a patch release of v{before.major}.{before.minor + 1}: one minor version after the other"
        yield VERSION_SKIPS_NO_MINOR.broken("spec.version", f"{new!r} after {old!r}", allowed, reason=FORBIDDEN)
    elif after.release < before.release:
        yield Notice(f"spec.version: {new} is older than {old}: Kubernetes does not support the way back, and etcd may not start")


def _parsed(version: str) -> Version | None:
    try:
        return parse_version(version)
    except ValueError:
        return None


def _dns_refusals(new: str | None, old: str | None) -> Iterator[Refusal]:
    if new is None or old is None or new == old or not (is_version_tag(new) and is_version_tag(old)):
        return
    obstacle = migration(old, new).obstacle
    if obstacle is not None:
        found = f"{quoted(new)} after {quoted(old)} ({obstacle})"
        allowed = f"a version to which the configuration can be carried over, or any with the annotation {SKIP_COREDNS_ANNOTATION}"
        yield COREDNS_CAN_FOLLOW.broken(f"{_CLUSTER}.dns.imageTag", found, allowed, reason=FORBIDDEN)


def _cluster_configuration(spec: KubeadmControlPlaneSpec) -> ClusterConfiguration:
    config = spec.kubeadm_config_spec
    return (config.cluster_configuration if config else None) or ClusterConfiguration()


def _etcd(spec: KubeadmControlPlaneSpec) -> EtcdConfiguration:
    return _cluster_configuration(spec).etcd or EtcdConfiguration()


def _dns_tag(spec: KubeadmControlPlaneSpec) -> str | None:
    dns = _cluster_configuration(spec).dns
    return dns.image_tag if dns else None


WEBHOOK = Webhook(KubeadmControlPlane, validate, RULES, default)
