"""CoreDNS: which versions exist, which one a Kubernetes version brings, and from which to which its configuration can be carried over.

The configuration of CoreDNS, its Corefile, follows a change of version step by step: what a release dropped is taken out, what it began to
need is put in. So a step must be known for every release on the way, and there is no way back. The facts are those of the library that
kubeadm and the standard use for it, `coredns/corefile-migration` v1.0.36.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from capelin.api.versions import Version, parse_version

_PATCHES: Mapping[str, tuple[int, ...]] = {
    "1.1": (3, 4),
    "1.2": (0, 1, 2, 3, 4, 5, 6),
    "1.3": (0, 1),
    "1.4": (0,),
    "1.5": (0, 1, 2),
    "1.6": (0, 1, 2, 3, 4, 5, 6, 7, 9),
    "1.7": (0, 1),
    "1.8": (0, 3, 4, 5, 6, 7),
    "1.9": (0, 1, 2, 3, 4),
    "1.10": (0, 1),
    "1.11": (0, 1, 3, 4),
    "1.12": (0, 1, 2, 3, 4),
    "1.13": (0, 1, 2),
    "1.14": (0, 1, 2, 3, 4, 6, 7),
    "1.15": (0,),
}

KNOWN_VERSIONS: tuple[str, ...] = tuple(f"{release}.{patch}" for release, patches in _PATCHES.items() for patch in patches)
"""Every release whose changes to the Corefile are known, oldest first; each can be reached from all before it. Numbers that are left out
were never released, or only by mistake."""

SHIPPED_VERSIONS: Mapping[str, str] = {
    "1.11": "1.1.3",
    "1.12": "1.2.2",
    "1.13": "1.2.6",
    "1.14": "1.3.1",
    "1.15": "1.3.1",
    "1.16": "1.6.2",
    "1.17": "1.6.5",
    "1.18": "1.6.7",
    "1.19": "1.7.0",
    "1.20": "1.7.0",
    "1.21": "1.8.0",
    "1.22": "1.8.4",
    "1.23": "1.8.6",
    "1.24": "1.8.6",
    "1.25": "1.9.3",
    "1.26": "1.9.3",
    "1.27": "1.10.1",
    "1.28": "1.10.1",
    "1.29": "1.11.1",
    "1.30": "1.11.1",
    "1.31": "1.11.1",
    "1.32": "1.11.3",
    "1.33": "1.12.0",
    "1.34": "1.12.1",
    "1.35": "1.13.1",
    "1.36": "1.14.2",
}
"""The CoreDNS version that kubeadm deploys, by the minor version of Kubernetes, as of its first release; a patch release may bring a later
patch of CoreDNS."""


_TAG = re.compile(r"v?0*([0-9]+)(?:\.0*([0-9]+)(?:\.0*([0-9]+)([-+_].*)?)?)?")
"""Numbers with what follows the third one; its form is that of semantic versions, and checked as such."""


@dataclass(frozen=True, slots=True)
class Migration:
    """Whether a Corefile can be carried over from one version to another.

    `steps` are the releases whose changes it goes through, the last one being the target; there are none when nothing has to be done.
    `obstacle` says why it cannot be carried over; None when it can.
    """

    steps: tuple[str, ...] = ()
    obstacle: str | None = None

    @property
    def possible(self) -> bool:
        """Whether nothing stands in the way."""
        return self.obstacle is None


def shipped_version(kubernetes: Version) -> str | None:
    """Return the CoreDNS version that kubeadm of a Kubernetes version deploys; None for a version that is not known."""
    return SHIPPED_VERSIONS.get(f"{kubernetes.major}.{kubernetes.minor}")


def parsed_tag(tag: str) -> Version:
    """Return the version that an image tag names.

    Tags of vendors are read as well: a leading `v` may be missing, numbers may be missing at the end or begin with zeros, and an underscore
    stands for the plus sign, which tags cannot have.

    Raises:
        ValueError: the tag names no version.
    """
    match = _TAG.fullmatch(tag.strip())
    try:
        if match is None:
            raise ValueError("it does not begin with a number")
        major, minor, patch, rest = match.groups(default="")
        return parse_version(f"{major}.{minor or 0}.{patch or 0}{rest.replace('_', '+')}")
    except ValueError as error:
        raise ValueError(f"found image tag {tag!r}, allowed are versions such as v1.11.3 or 1.12.0-eksbuild.1") from error


def migration(old: str, new: str) -> Migration:
    """Return whether a Corefile can be carried over from the CoreDNS version of one image tag to that of another.

    Builds of one release share their Corefile: between them nothing has to be done, even if the release is not known.

    Raises:
        ValueError: a tag names no version.
    """
    before, after = _release(parsed_tag(old)), _release(parsed_tag(new))
    if before == after:
        return Migration()
    for version in (before, after):
        if version not in KNOWN_VERSIONS:
            return Migration(obstacle=f"CoreDNS {version} is not known; known are {_known_near(version)}")
    start, end = KNOWN_VERSIONS.index(before), KNOWN_VERSIONS.index(after)
    if end < start:
        return Migration(obstacle=f"CoreDNS {after} is older than {before}, and a Corefile can only be carried over to later versions")
    return Migration(KNOWN_VERSIONS[start + 1 : end + 1])


def _release(version: Version) -> str:
    return f"{version.major}.{version.minor}.{version.patch}"


def _known_near(version: str) -> str:
    """Return the known releases with the same minor version, or else the first and the last of all."""
    release = version.rpartition(".")[0]
    siblings = [f"{release}.{patch}" for patch in _PATCHES.get(release, ())]
    return ", ".join(siblings) or f"{KNOWN_VERSIONS[0]} to {KNOWN_VERSIONS[-1]}"
