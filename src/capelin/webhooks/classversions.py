"""How clusters of a ClusterClass are upgraded: the Kubernetes versions they may have, and who plans the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from capelin.api.clusterclass import ClassUpgrade, ClusterClassSpec
from capelin.api.refusals import Refusal, Rule
from capelin.api.versions import Version, parse_version
from capelin.webhooks.admission import Finding, Notice
from capelin.webhooks.rules.quoting import quoted

OFFERED_VERSIONS_ARE_VERSIONS = Rule(
    "offered_versions_are_versions", "The Kubernetes versions of a class are versions; minor and patch version may be left out."
)
OFFERED_VERSIONS_ASCEND = Rule(
    "offered_versions_ascend", "The Kubernetes versions of a class stand in ascending order: upgrades go from one to the next."
)
OFFERED_VERSIONS_SKIP_NO_MINOR = Rule(
    "offered_versions_skip_no_minor",
    "Of every minor version between the first and the last Kubernetes version of a class there is one: upgrades go through each.",
)

OFFER_RULES: Final = (OFFERED_VERSIONS_ARE_VERSIONS, OFFERED_VERSIONS_ASCEND, OFFERED_VERSIONS_SKIP_NO_MINOR)

VERSIONS: Final = "spec.kubernetesVersions"


def upgrade_findings(spec: ClusterClassSpec) -> Iterator[Finding]:
    """Yield what is wrong with the versions that a class offers, and with what it says of upgrades."""
    yield from _order_refusals(spec.kubernetes_versions or ())
    yield from _spelling_notices(spec.kubernetes_versions or ())
    yield from _plan_notices(spec.upgrade)


def tolerant_version(text: str) -> Version:
    """Return the version that `text` spells. There may be blanks around it and zeros before a number, and parts may be left out.

    Raises:
        ValueError: it is no version.
    """
    parts = [_without_zeros(part) for part in text.strip().removeprefix("v").split(".", 2)]
    if len(parts) < 3 and ("-" in parts[-1] or "+" in parts[-1]):
        raise ValueError(f"found version {text!r}, allowed is one with a patch version before the rest")
    return parse_version(".".join([*parts, "0", "0"][: max(3, len(parts))]))


def _without_zeros(part: str) -> str:
    if len(part) < 2:
        return part
    bare = part.lstrip("0")
    return bare if bare[:1].isdecimal() else f"0{bare}"


def _order_refusals(versions: Sequence[str]) -> Iterator[Refusal]:
    previous, before = None, ""
    for index, text in enumerate(versions):
        field = f"{VERSIONS}[{index}]"
        try:
            version = tolerant_version(text)
        except ValueError:
            yield OFFERED_VERSIONS_ARE_VERSIONS.broken(field, quoted(text), "a version, such as v1.34.0")
            previous = None  # what follows cannot be compared
            continue
        if previous is not None and version <= previous:
            yield OFFERED_VERSIONS_ASCEND.broken(field, quoted(text), f"a version above {before}, which stands before it")
            continue
        if previous is not None and version.release > (previous.major, previous.minor + 1):
            allowed = f"v{previous.major}.{previous.minor + 1} at most, since {before} stands before it"
            yield OFFERED_VERSIONS_SKIP_NO_MINOR.broken(field, quoted(text), allowed)
        previous, before = version, quoted(text)


def _spelling_notices(versions: Sequence[str]) -> Iterator[Notice]:
    for index, text in enumerate(versions):
        try:
            wanted = f"v{str(tolerant_version(text)).removeprefix('v')}"
        except ValueError:
            continue  # told of as no version at all
        if text != wanted:
            yield Notice(f"{VERSIONS}[{index}]: no cluster can have {quoted(text)}, since versions of clusters are in full: write {wanted}")


def _plan_notices(upgrade: ClassUpgrade | None) -> Iterator[Notice]:
    handler = upgrade.external.generate_upgrade_plan_extension if upgrade and upgrade.external else None
    if handler is not None and "." not in handler.strip("."):
        told = f"{quoted(handler)} names no handler, and upgrades would wait for it"
        yield Notice(f"spec.upgrade.external.generateUpgradePlanExtension: {told}: write <handler>.<ExtensionConfig>")
