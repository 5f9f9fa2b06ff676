"""What control planes that kubeadm sets up, and templates of them, have in common: rollout, certificates, etcd, images, timeouts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from capelin.api.coredns import parsed_tag
from capelin.api.kubeadm import ClusterConfiguration, InitConfiguration, JoinConfiguration
from capelin.api.kubeadmconfig import KubeadmConfigSpec
from capelin.api.kubeadmcontrolplane import ControlPlaneRollout
from capelin.api.refusals import FORBIDDEN, Refusal, Rule
from capelin.webhooks.admission import Notice
from capelin.webhooks.rules.quoting import quoted

MAX_SURGE_IS_NONE_OR_ONE = Rule(
    "max_surge_is_none_or_one",
    "maxSurge is 0 or 1: a control plane is changed one Machine at a time. A percentage or any other word counts as 0.",
)
NO_SURGE_NEEDS_THREE = Rule(
    "no_surge_needs_three",
    "Where maxSurge is 0 there are at least three Machines: one is deleted before its successor is there, and etcd must outlive that.",
)
CERTIFICATES_END_BEFORE_THEIR_AUTHORITY = Rule(
    "certificates_end_before_their_authority", "Certificates are not valid for longer than the authority that signs them."
)
ROLLOUT_PRECEDES_EXPIRY = Rule(
    "rollout_precedes_expiry",
    "Machines are replaced before their certificates end, but not before they were made: the days before the end are fewer than the days "
    "of validity.",
)
ETCD_IS_LOCAL_OR_EXTERNAL = Rule("etcd_is_local_or_external", "etcd runs on the Machines or elsewhere, not both.")
IMAGE_TAGS_ARE_TAGS = Rule("image_tags_are_tags", "Image tags have letters, digits, dashes, underscores and dots only.")
DNS_IMAGE_TAG_IS_VERSION = Rule(
    "dns_image_tag_is_version",
    "The tag of the CoreDNS image names its version: the configuration of CoreDNS is carried over from version to version.",
)
TIMEOUTS_ARE_EQUAL = Rule(
    "timeouts_are_equal",
    "initConfiguration and joinConfiguration wait equally long for the components of a control plane: v1beta1 has one field for both.",
)

CONTROL_PLANE_RULES: Final = (
    MAX_SURGE_IS_NONE_OR_ONE,
    CERTIFICATES_END_BEFORE_THEIR_AUTHORITY,
    ROLLOUT_PRECEDES_EXPIRY,
    ETCD_IS_LOCAL_OR_EXTERNAL,
    IMAGE_TAGS_ARE_TAGS,
    DNS_IMAGE_TAG_IS_VERSION,
    TIMEOUTS_ARE_EQUAL,
)

CA_VALIDITY_DAYS: Final = 3650
"""How long authorities are valid when the spec says nothing."""

_NUMBER: Final = re.compile(r"([+-]?)0*([0-9]+)")
_NO_TAG: Final = re.compile(r"[^-a-zA-Z0-9_.]")
_TAG: Final = "letters, digits, dashes, underscores and dots"


def rollout_refusals(
    field: str, rollout: ControlPlaneRollout | None, config: KubeadmConfigSpec | None, replicas: int | None = None
) -> Iterator[Refusal]:
    """Yield what is wrong with the rollout below `field`, which nobody has looked at unless there is a strategy.

    `replicas` is None for a template, which does not know how many there will be.
    """
    if rollout is None or rollout.strategy is None:
        return
    rolling = rollout.strategy.rolling_update
    yield from _surge_refusals(f"{field}.rollout.strategy.rollingUpdate", rolling.max_surge if rolling else None, replicas)
    cluster = (config.cluster_configuration if config else None) or ClusterConfiguration()
    valid = cluster.certificate_validity_period_days
    if valid is None:
        return
    authority = cluster.ca_certificate_validity_period_days or CA_VALIDITY_DAYS
    if valid > authority:
        days = f"{field}.kubeadmConfigSpec.clusterConfiguration.certificateValidityPeriodDays"
        allowed = f"at most {authority}, which is how long the authorities are valid"
        yield CERTIFICATES_END_BEFORE_THEIR_AUTHORITY.broken(days, str(valid), allowed)
    before = rollout.before.certificates_expiry_days if rollout.before else None
    if before is not None and before >= valid:
        allowed = f"less than {valid}, which is how long certificates are valid"
        yield ROLLOUT_PRECEDES_EXPIRY.broken(f"{field}.rollout.before.certificatesExpiryDays", str(before), allowed)


def _surge_refusals(field: str, surge: int | str | None, replicas: int | None) -> Iterator[Refusal]:
    if surge is None:
        return
    number = as_number(surge)
    if number not in (0, 1):
        yield MAX_SURGE_IS_NONE_OR_ONE.broken(f"{field}.maxSurge", quoted(surge), "0 or 1")
    elif number == 0 and replicas is not None and replicas < 3:
        found = f"{quoted(surge)} with {replicas} replicas"
        allowed = "1, or at least 3 replicas: with fewer no Machine can go before its successor is there"
        yield NO_SURGE_NEEDS_THREE.broken(f"{field}.maxSurge", found, allowed)


def as_number(value: int | str) -> int:
    """Return the number that an int-or-string counts as; text that is no number, a percentage too, counts as 0."""
    if isinstance(value, int):
        return value
    found = _NUMBER.fullmatch(value)
    if found is None:
        return 0
    sign, digits = found.groups()
    return int(f"{sign}{digits[:18]}")  # as good as any number that large, and cheap to read whatever was sent


def rollout_notices(field: str, rollout: ControlPlaneRollout | None) -> Iterator[Notice]:
    """Yield what to warn of in the rollout below `field`."""
    strategy = rollout.strategy if rollout else None
    surge = strategy.rolling_update.max_surge if strategy and strategy.rolling_update else None
    if isinstance(surge, str) and as_number(surge) == 0 and not _NUMBER.fullmatch(surge):
        yield Notice(f"{field}.rollout.strategy.rollingUpdate.maxSurge: {quoted(surge)} counts as 0: write 0 or 1")


def cluster_configuration_refusals(field: str, cluster: ClusterConfiguration | None) -> Iterator[Refusal]:
    """Yield what is wrong with the images and the etcd of the cluster configuration at `field`."""
    if cluster is None:
        return
    dns = cluster.dns.image_tag if cluster.dns else None
    if dns is not None:
        yield from _tag_refusals(f"{field}.dns.imageTag", dns)
        if not is_version_tag(dns) and not _NO_TAG.search(dns):
            allowed = "a tag that names a version, such as v1.12.1"
            yield DNS_IMAGE_TAG_IS_VERSION.broken(f"{field}.dns.imageTag", quoted(dns), allowed)
    local = cluster.etcd.local if cluster.etcd else None
    if local is not None and local.image_tag is not None:
        yield from _tag_refusals(f"{field}.etcd.local.imageTag", local.image_tag)
    if local is not None and cluster.etcd and cluster.etcd.external is not None:
        yield ETCD_IS_LOCAL_OR_EXTERNAL.broken(f"{field}.etcd.local", "local beside external", "one of them", reason=FORBIDDEN)


def is_version_tag(tag: str) -> bool:
    """Tell whether an image tag names a version."""
    try:
        parsed_tag(tag)
    except ValueError:
        return False
    return True


def _tag_refusals(field: str, tag: str) -> Iterator[Refusal]:
    if _NO_TAG.search(tag):
        yield IMAGE_TAGS_ARE_TAGS.broken(field, quoted(tag), _TAG)


def timeout_refusals(field: str, config: KubeadmConfigSpec | None) -> Iterator[Refusal]:
    """Yield what is wrong with the timeouts of the settings for kubeadm at `field`."""
    if config is None:
        return
    init, join = _component_timeout(config.init_configuration), _component_timeout(config.join_configuration)
    if init != join:
        for own, found, other, wanted in (("init", init, "join", join), ("join", join, "init", init)):
            place = f"{field}.{own}Configuration.timeouts.controlPlaneComponentHealthCheckSeconds"
            allowed = f"the same as in {other}Configuration, where it is {_shown(wanted)}"
            yield TIMEOUTS_ARE_EQUAL.broken(place, _shown(found), allowed)


def _component_timeout(configuration: InitConfiguration | JoinConfiguration | None) -> int | None:
    timeouts = configuration.timeouts if configuration else None
    return timeouts.control_plane_component_health_check_seconds if timeouts else None


def _shown(seconds: int | None) -> str:
    return "absent" if seconds is None else str(seconds)
