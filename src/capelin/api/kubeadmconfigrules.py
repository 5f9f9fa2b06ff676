"""Rules of KubeadmConfigs, which their controller keeps as admission does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from capelin.api.kubeadmconfig import KubeadmConfig, KubeadmConfigSpec
from capelin.api.refusals import DUPLICATE, Refusal, Rule

FILE_HAS_ONE_CONTENT = Rule("file_has_one_content", "The content of a file stands in the file or in a Secret, not in both.")
FILE_PATHS_DIFFER = Rule("file_paths_differ", "No two files have the same path.")
PASSWORD_HAS_ONE_SOURCE = Rule("password_has_one_source", "The password of a user stands with the user or in a Secret, not in both.")
PARTITIONS_FIT_DISK = Rule("partitions_fit_disk", "The partitions of a disk take no more than all of it.")

KUBEADM_CONFIG_RULES = (FILE_HAS_ONE_CONTENT, FILE_PATHS_DIFFER, PASSWORD_HAS_ONE_SOURCE, PARTITIONS_FIT_DISK)


def kubeadmconfig_refusals(config: KubeadmConfig) -> list[Refusal]:
    """Return what is wrong with a KubeadmConfig."""
    spec = config.spec or KubeadmConfigSpec()
    return [*_file_refusals(spec), *_user_refusals(spec), *_disk_refusals(spec)]


def _file_refusals(spec: KubeadmConfigSpec) -> Iterator[Refusal]:
    counts = Counter(file.path for file in spec.files or ())
    for index, file in enumerate(spec.files or ()):
        if file.content is not None and file.content_from is not None:
            yield FILE_HAS_ONE_CONTENT.broken(f"spec.files[{index}]", "content and contentFrom", "one of them")
        if counts[file.path] > 1:
            yield FILE_PATHS_DIFFER.broken(f"spec.files[{index}].path", repr(file.path), "a path that no other file has", reason=DUPLICATE)


def _user_refusals(spec: KubeadmConfigSpec) -> Iterator[Refusal]:
    for index, user in enumerate(spec.users or ()):
        if user.passwd is not None and user.passwd_from is not None:
            yield PASSWORD_HAS_ONE_SOURCE.broken(f"spec.users[{index}]", "passwd and passwdFrom", "one of them")


def _disk_refusals(spec: KubeadmConfigSpec) -> Iterator[Refusal]:
    partitions = (spec.disk_setup.partitions if spec.disk_setup else None) or ()
    for index, partition in enumerate(partitions):
        total = sum(share.percentage for share in partition.disk_layout or ())
        if total > 100:
            yield PARTITIONS_FIT_DISK.broken(f"spec.diskSetup.partitions[{index}].diskLayout", f"{total} percent in all", "at most 100")
