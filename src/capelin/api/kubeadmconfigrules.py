"""Rules of KubeadmConfigs, and of all that carries their settings; the controller of KubeadmConfigs keeps them as admission does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from capelin.api.kubeadmconfig import FORMAT_IGNITION, DiskSetup, KubeadmConfig, KubeadmConfigSpec
from capelin.api.refusals import DUPLICATE, FORBIDDEN, Refusal, Rule

FILE_HAS_ONE_CONTENT = Rule("file_has_one_content", "The content of a file stands in the file or in a Secret, not in both.")
FILE_PATHS_DIFFER = Rule("file_paths_differ", "No two files have the same path.")
PASSWORD_HAS_ONE_SOURCE = Rule("password_has_one_source", "The password of a user stands with the user or in a Secret, not in both.")
PARTITIONS_FIT_DISK = Rule("partitions_fit_disk", "The partitions of a disk take no more than all of it.")
DISCOVERY_HAS_ONE_CREDENTIAL = Rule(
    "discovery_has_one_credential",
    "A kubeconfig for discovery gets its credentials from an auth provider or from a program, not from both.",
)
IGNITION_NEEDS_ITS_FORMAT = Rule("ignition_needs_its_format", "There are settings for Ignition only where the format is ignition.")
IGNITION_CAN_EXPRESS_IT = Rule(
    "ignition_can_express_it",
    "With the format ignition only what Ignition knows is asked for: no boot commands, no disabled users, no compressed files, no "
    "partition tables but gpt, no choice of a partition or of a file system to replace.",
)

KUBEADM_CONFIG_RULES = (
    FILE_HAS_ONE_CONTENT,
    FILE_PATHS_DIFFER,
    PASSWORD_HAS_ONE_SOURCE,
    PARTITIONS_FIT_DISK,
    DISCOVERY_HAS_ONE_CREDENTIAL,
    IGNITION_NEEDS_ITS_FORMAT,
    IGNITION_CAN_EXPRESS_IT,
)

CONTENT_TEMPLATE = "Template"
"""The `contentFormat` of a file in which the control plane's version is filled in."""

_VERSION = re.compile(r"{{-?\s*\.controlPlane\.version\s*-?}}")
_WITH_IGNITION = f"with the format {FORMAT_IGNITION}"


def kubeadmconfig_refusals(config: KubeadmConfig) -> list[Refusal]:
    """Return what is wrong with a KubeadmConfig."""
    return list(kubeadm_refusals("spec", config.spec))


def kubeadm_refusals(field: str, spec: KubeadmConfigSpec | None) -> Iterator[Refusal]:
    """Yield what is wrong with the settings for kubeadm that stand at `field`."""
    if spec is None:
        return
    yield from _file_refusals(field, spec)
    yield from _user_refusals(field, spec)
    yield from _disk_refusals(field, spec)
    yield from _discovery_refusals(field, spec)
    yield from _ignition_refusals(field, spec)


def _file_refusals(field: str, spec: KubeadmConfigSpec) -> Iterator[Refusal]:
    counts = Counter(file.path for file in spec.files or ())
    for index, file in enumerate(spec.files or ()):
        if file.content is not None and file.content_from is not None:
            yield FILE_HAS_ONE_CONTENT.broken(f"{field}.files[{index}]", "content and contentFrom", "one of them")
        if counts[file.path] > 1:
            allowed = "a path that no other file has"
            yield FILE_PATHS_DIFFER.broken(f"{field}.files[{index}].path", repr(file.path), allowed, reason=DUPLICATE)


def _user_refusals(field: str, spec: KubeadmConfigSpec) -> Iterator[Refusal]:
    for index, user in enumerate(spec.users or ()):
        if user.passwd is not None and user.passwd_from is not None:
            yield PASSWORD_HAS_ONE_SOURCE.broken(f"{field}.users[{index}]", "passwd and passwdFrom", "one of them")


def _disk_refusals(field: str, spec: KubeadmConfigSpec) -> Iterator[Refusal]:
    partitions = (spec.disk_setup.partitions if spec.disk_setup else None) or ()
    for index, partition in enumerate(partitions):
        total = sum(share.percentage for share in partition.disk_layout or ())
        if total > 100:
            yield PARTITIONS_FIT_DISK.broken(f"{field}.diskSetup.partitions[{index}].diskLayout", f"{total} percent in all", "at most 100")


def _discovery_refusals(field: str, spec: KubeadmConfigSpec) -> Iterator[Refusal]:
    discovery = spec.join_configuration.discovery if spec.join_configuration else None
    kubeconfig = discovery.file.kube_config if discovery and discovery.file else None
    if kubeconfig and kubeconfig.user.auth_provider is not None and kubeconfig.user.exec is not None:
        user = f"{field}.joinConfiguration.discovery.file.kubeConfig.user"
        yield DISCOVERY_HAS_ONE_CREDENTIAL.broken(user, "authProvider and exec", "one of them")


def _ignition_refusals(field: str, spec: KubeadmConfigSpec) -> Iterator[Refusal]:
    if spec.format != FORMAT_IGNITION:
        if spec.ignition is not None:
            found = "nothing" if spec.format is None else repr(spec.format)
            yield IGNITION_NEEDS_ITS_FORMAT.broken(f"{field}.format", found, f"{FORMAT_IGNITION}, which {field}.ignition is for")
        return
    for path, found, allowed in _unknown_to_ignition(spec):
        yield IGNITION_CAN_EXPRESS_IT.broken(f"{field}.{path}", found, allowed, reason=FORBIDDEN)


def _unknown_to_ignition(spec: KubeadmConfigSpec) -> Iterator[tuple[str, str, str]]:
    """Yield what Ignition cannot do: where it stands, what is found, what is allowed."""
    if spec.boot_commands is not None:
        yield "bootCommands", "boot commands", f"none {_WITH_IGNITION}; preKubeadmCommands run with either"
    for index, user in enumerate(spec.users or ()):
        if user.inactive:
            yield f"users[{index}].inactive", "true", f"false {_WITH_IGNITION}"
    for index, file in enumerate(spec.files or ()):
        if file.encoding is not None and "gzip" in file.encoding:
            yield f"files[{index}].encoding", repr(file.encoding), f"base64 or none {_WITH_IGNITION}"
    yield from _disks_unknown_to_ignition(spec.disk_setup or DiskSetup())


def _disks_unknown_to_ignition(disks: DiskSetup) -> Iterator[tuple[str, str, str]]:
    for index, partition in enumerate(disks.partitions or ()):
        if partition.table_type not in (None, "gpt"):
            yield f"diskSetup.partitions[{index}].tableType", repr(partition.table_type), f"gpt {_WITH_IGNITION}"
    for index, filesystem in enumerate(disks.filesystems or ()):
        if filesystem.replace_fs is not None:
            yield f"diskSetup.filesystems[{index}].replaceFS", repr(filesystem.replace_fs), f"nothing {_WITH_IGNITION}"
        if filesystem.partition is not None:
            yield f"diskSetup.filesystems[{index}].partition", repr(filesystem.partition), f"nothing {_WITH_IGNITION}"


def unknown_expression(content: str) -> str | None:
    """Return the first expression in a template that is not the control plane's version, or None when all can be filled in."""
    start = content.find("{{")
    while start >= 0 and (end := content.find("}}", start + 2)) >= 0:
        if not _VERSION.fullmatch(content, start, end + 2):
            return content[start : end + 2]
        start = content.find("{{", end + 2)
    return None
