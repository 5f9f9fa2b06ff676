"""cloud-config: the user data that cloud-init carries out on the machine's first boot. Pure.

The text begins with the marker of cloud-init's templates, so that `{{ ds.meta_data.local_hostname }}` and its like in the spec are filled
in on the machine. Everything below the two header lines is one YAML document from a serializer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from capelin.api.kubeadmconfig import DiskSetup, Filesystem, KubeadmConfigSpec, Partition, User
from capelin.controllers.kubeadmconfig.yamltext import to_yaml

HEADER: Final = "## template: jinja\n#cloud-config\n\n"

SENTINEL: Final = "/run/cluster-api/bootstrap-success.complete"
"""Written when kubeadm has succeeded (bootstrap contract)."""

INIT_CONFIG_PATH: Final = "/run/kubeadm/kubeadm.yaml"
JOIN_CONFIG_PATH: Final = "/run/kubeadm/kubeadm-join-config.yaml"

_PARTITION_CODES: Final = {
    "Linux": ("83", "8300"),
    "LinuxSwap": ("82", "8200"),
    "LinuxRAID": ("fd", "fd00"),
    "LVM": ("8e", "8e00"),
    "Fat32": ("0c", "0700"),
    "NTFS": ("07", "0700"),
    "LinuxExtended": ("85", "8300"),
}
"""What cloud-init calls the types of partitions: in an MBR, in a GPT."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HostFile:
    """A file on the machine; `content` is already encoded as `encoding` says, empty for none."""

    path: str
    content: bytes
    owner: str = ""
    permissions: str = ""
    encoding: str = ""
    append: bool = False


PLACEHOLDER: Final = HostFile(
    path="/run/cluster-api/placeholder",
    content=b"Makes the directory that the file which tells of success is written to.",
    owner="root:root",
    permissions="0640",
)


def init_command(verbosity: int | None) -> str:
    """Return the command that makes a control plane."""
    return _command("init", INIT_CONFIG_PATH, verbosity)


def join_command(verbosity: int | None) -> str:
    """Return the command that joins a cluster."""
    return _command("join", JOIN_CONFIG_PATH, verbosity)


def _command(verb: str, path: str, verbosity: int | None) -> str:
    level = "" if verbosity is None else f" --v {verbosity}"
    return f"kubeadm {verb} --config {path}{level} && echo success > {SENTINEL}"


def render(spec: KubeadmConfigSpec, files: Sequence[HostFile], command: str, passwords: Mapping[str, str]) -> bytes:
    """Return the user data: `files` are written, then kubeadm runs between the commands of the spec.

    `passwords` are the hashes of the users' passwords that come from Secrets, by user name.
    """
    document = {
        "write_files": [_file(file) for file in (*files, PLACEHOLDER)],
        "bootcmd": spec.boot_commands,
        "runcmd": [*(spec.pre_kubeadm_commands or ()), command, *(spec.post_kubeadm_commands or ())],
        "ntp": spec.ntp.wire() if spec.ntp else None,
        "users": [_user(user, passwords) for user in spec.users or ()],
        **_disks(spec.disk_setup),
        "mounts": spec.mounts,
    }
    return (HEADER + to_yaml({key: value for key, value in document.items() if value})).encode()


def _file(file: HostFile) -> Document:
    optional = {"owner": file.owner, "permissions": file.permissions, "encoding": file.encoding, "append": file.append}
    return {"path": file.path, **{key: value for key, value in optional.items() if value}, "content": _text(file.content)}


def _text(content: bytes) -> str | bytes:
    """Return the content as text where it is, else as the bytes that YAML marks as binary."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content


def _user(user: User, passwords: Mapping[str, str]) -> Document:
    fields = {
        "name": user.name,
        "passwd": passwords.get(user.name, user.passwd),
        "gecos": user.gecos,
        "groups": user.groups,
        "homedir": user.home_dir,
        "inactive": user.inactive,
        "lock_passwd": user.lock_password,
        "primary_group": user.primary_group,
        "shell": user.shell,
        "sudo": user.sudo,
        "ssh_authorized_keys": user.ssh_authorized_keys,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _disks(setup: DiskSetup | None) -> Document:
    if setup is None:
        return {}
    return {
        "disk_setup": {partition.device: _partition(partition) for partition in setup.partitions or ()},
        "fs_setup": [_filesystem(filesystem) for filesystem in setup.filesystems or ()],
    }


def _partition(partition: Partition) -> Document:
    table = partition.table_type or "mbr"
    layout: object = partition.layout
    if partition.disk_layout:
        layout = [
            share.percentage
            if share.partition_type is None
            else [share.percentage, _PARTITION_CODES.get(share.partition_type, (share.partition_type,) * 2)[table == "gpt"]]
            for share in partition.disk_layout
        ]
    fields = {"table_type": partition.table_type, "layout": layout, "overwrite": partition.overwrite}
    return {key: value for key, value in fields.items() if value is not None}


def _filesystem(filesystem: Filesystem) -> Document:
    fields = {
        "label": filesystem.label,
        "filesystem": filesystem.filesystem,
        "device": filesystem.device,
        "partition": filesystem.partition,
        "overwrite": filesystem.overwrite,
        "replace_fs": filesystem.replace_fs,
        "extra_opts": filesystem.extra_opts,
    }
    return {key: value for key, value in fields.items() if value is not None}
