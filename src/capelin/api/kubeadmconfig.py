"""KubeadmConfig: how a Machine becomes a Node with kubeadm."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.kubeadm import ClusterConfiguration, InitConfiguration, JoinConfiguration
from capelin.api.markers import ATOMIC_LIST, Enum, Items, Length, MaxItems, Minimum, Range, Rule, Shape
from capelin.api.meta import Conditions, Model, Object, Resource, TemplateMetadata
from capelin.api.presentation import AGE_COLUMN, CLUSTER_COLUMN, PAUSED_COLUMN, Column, Presentation
from capelin.api.scalars import Int32, Int64
from capelin.api.v1beta1 import V1Beta1Condition

# Condition types of a KubeadmConfig.
DATA_SECRET_AVAILABLE_CONDITION = "DataSecretAvailable"  # noqa: S105  # a condition type
CERTIFICATES_AVAILABLE_CONDITION = "CertificatesAvailable"

# What `spec.format` may say.
FORMAT_CLOUD_CONFIG = "cloud-config"
FORMAT_IGNITION = "ignition"


class Filesystem(Model):
    """A file system to make."""

    device: Annotated[str, Length(1, 256)]
    filesystem: Annotated[str, Length(1, 128)]
    extra_opts: Annotated[list[Annotated[str, Length(1, 256)]], MaxItems(100), ATOMIC_LIST] | None = None
    label: Annotated[str, Length(1, 512)] | None = None
    overwrite: bool | None = None
    partition: Annotated[str, Length(1, 128)] | None = None
    replace_fs: Annotated[str, Length(1, 128)] | None = None


class PartitionShare(Model):
    """One partition, as a share of the disk."""

    percentage: Annotated[Int32, Range(1, 100)]
    partition_type: (
        Annotated[
            str,
            Length(1, 36),
            Rule(
                "self.matches('^(Linux|LinuxSwap|LinuxRAID|LVM|Fat32|NTFS|LinuxExtended|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$')",
                "partitionType must be one of Linux, LinuxSwap, LinuxRAID, LVM, Fat32, NTFS, LinuxExtended or a full GPT partition GUID",
            ),
        ]
        | None
    ) = None


class Partition(Model):
    """How a disk is partitioned."""

    shape: ClassVar[Shape] = Shape(
        rules=(
            Rule(
                "[has(self.layout),has(self.diskLayout)].filter(x,x==true).size() == 1",
                "exactly one of the fields in [layout diskLayout] must be set",
            ),
        )
    )

    device: Annotated[str, Length(1, 256)]
    disk_layout: Annotated[list[PartitionShare], Items(1, 100), ATOMIC_LIST] | None = None
    layout: bool | None = None
    overwrite: bool | None = None
    table_type: Annotated[str, Enum("mbr", "gpt")] | None = None


class DiskSetup(Model):
    """Disks to partition and file systems to make before kubeadm runs."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    filesystems: Annotated[list[Filesystem], MaxItems(100), ATOMIC_LIST] | None = None
    partitions: Annotated[list[Partition], MaxItems(100), ATOMIC_LIST] | None = None


class SecretKey(Model):
    """One key of a Secret in the same namespace."""

    key: Annotated[str, Length(1, 256)]
    name: Annotated[str, Length(1, 253)]


class SecretSource(Model):
    """Content that comes from a Secret."""

    secret: SecretKey


class File(Model):
    """A file to write before kubeadm runs."""

    path: Annotated[str, Length(1, 512)]
    append: bool | None = None
    content: Annotated[str, Length(1, 10240)] | None = None
    content_format: Annotated[str, Enum("Raw", "Template")] | None = None
    content_from: SecretSource | None = None
    encoding: Annotated[str, Enum("base64", "gzip", "gzip+base64")] | None = None
    owner: Annotated[str, Length(1, 256)] | None = None
    permissions: Annotated[str, Length(1, 16)] | None = None


class ContainerLinuxConfig(Model):
    """Container Linux Config that becomes part of the Ignition data."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    additional_config: Annotated[str, Length(1, 32768)] | None = None
    strict: bool | None = None


class Ignition(Model):
    """Settings for the Ignition format."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    container_linux_config: ContainerLinuxConfig | None = None


class NTP(Model):
    """Time synchronisation."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    enabled: bool | None = None
    servers: Annotated[list[Annotated[str, Length(1, 512)]], MaxItems(100), ATOMIC_LIST] | None = None


class User(Model):
    """A user account to create."""

    name: Annotated[str, Length(1, 256)]
    gecos: Annotated[str, Length(1, 256)] | None = None
    groups: Annotated[str, Length(1, 256)] | None = None
    home_dir: Annotated[str, Length(1, 256)] | None = None
    inactive: bool | None = None
    lock_password: bool | None = None
    passwd: Annotated[str, Length(1, 256)] | None = None
    passwd_from: SecretSource | None = None
    primary_group: Annotated[str, Length(1, 256)] | None = None
    shell: Annotated[str, Length(1, 256)] | None = None
    ssh_authorized_keys: Annotated[list[Annotated[str, Length(1, 2048)]], MaxItems(100), ATOMIC_LIST] | None = None
    sudo: Annotated[str, Length(1, 256)] | None = None


class KubeadmConfigSpec(Model):
    """How a Machine becomes a Node with kubeadm."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    boot_commands: Annotated[list[Annotated[str, Length(1, 10240)]], Items(1, 1000), ATOMIC_LIST] | None = None
    cluster_configuration: ClusterConfiguration | None = None
    disk_setup: DiskSetup | None = None
    files: Annotated[list[File], Items(1, 200), ATOMIC_LIST] | None = None
    format: Annotated[str, Enum("cloud-config", "ignition")] | None = None
    ignition: Ignition | None = None
    init_configuration: InitConfiguration | None = None
    join_configuration: JoinConfiguration | None = None
    mounts: Annotated[list[Annotated[list[Annotated[str, Length(1, 512)]], Items(1, 100)]], Items(1, 100), ATOMIC_LIST] | None = None
    ntp: NTP | None = None
    post_kubeadm_commands: Annotated[list[Annotated[str, Length(1, 10240)]], Items(1, 1000), ATOMIC_LIST] | None = None
    pre_kubeadm_commands: Annotated[list[Annotated[str, Length(1, 10240)]], Items(1, 1000), ATOMIC_LIST] | None = None
    users: Annotated[list[User], Items(1, 100), ATOMIC_LIST] | None = None
    verbosity: Int32 | None = None


class KubeadmConfigV1Beta1Status(Model):
    """Status fields of v1beta1, kept for its readers."""

    conditions: list[V1Beta1Condition] | None = None
    failure_message: Annotated[str, Length(1, 10240)] | None = None
    failure_reason: Annotated[str, Length(1, 256)] | None = None


class KubeadmConfigDeprecated(Model):
    """Status that older versions of the API had."""

    v1beta1: KubeadmConfigV1Beta1Status | None = None


class KubeadmConfigInitialization(Model):
    """Milestones of a bootstrap configuration; once true they stay true."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    data_secret_created: bool | None = None


class KubeadmConfigStatus(Model):
    """What is known about a KubeadmConfig."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    conditions: Conditions | None = None
    data_secret_name: Annotated[str, Length(1, 253)] | None = None
    deprecated: KubeadmConfigDeprecated | None = None
    initialization: KubeadmConfigInitialization | None = None
    observed_generation: Annotated[Int64, Minimum(1)] | None = None


class KubeadmConfig(Object):
    """Bootstrap data for one Machine, made with kubeadm."""

    resource: ClassVar = Resource("bootstrap.cluster.x-k8s.io", "v1beta2", "kubeadmconfigs", "KubeadmConfig")
    presentation: ClassVar = Presentation(
        provider="bootstrap-kubeadm",
        columns=(
            CLUSTER_COLUMN,
            PAUSED_COLUMN,
            Column("Data secret created", ".status.initialization.dataSecretCreated"),
            AGE_COLUMN,
        ),
    )

    spec: KubeadmConfigSpec | None = None
    status: KubeadmConfigStatus | None = None


class KubeadmConfigTemplateResource(Model):
    """What KubeadmConfigs made from the template look like."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    metadata: TemplateMetadata | None = None
    spec: KubeadmConfigSpec | None = None


class KubeadmConfigTemplateSpec(Model):
    """The template of KubeadmConfigs."""

    template: KubeadmConfigTemplateResource


class KubeadmConfigTemplate(Object):
    """What the KubeadmConfigs of equal Machines are made from."""

    resource: ClassVar = Resource("bootstrap.cluster.x-k8s.io", "v1beta2", "kubeadmconfigtemplates", "KubeadmConfigTemplate")
    presentation: ClassVar = Presentation(
        provider="bootstrap-kubeadm",
        columns=(
            Column("ClusterClass", '.metadata.ownerReferences[?(@.kind=="ClusterClass")].name'),
            Column("Cluster", '.metadata.ownerReferences[?(@.kind=="Cluster")].name'),
            AGE_COLUMN,
        ),
        status=False,
    )

    spec: KubeadmConfigTemplateSpec | None = None
