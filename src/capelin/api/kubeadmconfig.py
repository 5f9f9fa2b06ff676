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
    """device is the disk."""
    filesystem: Annotated[str, Length(1, 128)]
    """filesystem is the type of the file system, such as ext4."""
    extra_opts: Annotated[list[Annotated[str, Length(1, 256)]], MaxItems(100), ATOMIC_LIST] | None = None
    """extraOpts are further options for the program that makes it."""
    label: Annotated[str, Length(1, 512)] | None = None
    """label is the label of the file system; without it, none is set."""
    overwrite: bool | None = None
    """overwrite replaces a file system that is there already. This loses its data."""
    partition: Annotated[str, Length(1, 128)] | None = None
    """partition is the partition to use: a number, or auto, any or none."""
    replace_fs: Annotated[str, Length(1, 128)] | None = None
    """replaceFS is the type of file system that may be replaced when partition is auto or any."""


PartitionType = Annotated[
    str,
    Length(1, 36),
    Rule(
        "self.matches('^(Linux|LinuxSwap|LinuxRAID|LVM|Fat32|NTFS|LinuxExtended|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$')",
        "partitionType must be one of Linux, LinuxSwap, LinuxRAID, LVM, Fat32, NTFS, LinuxExtended or a full GPT partition GUID",
    ),
]


class PartitionShare(Model):
    """One partition, as a share of the disk."""

    percentage: Annotated[Int32, Range(1, 100)]
    """percentage is the share of the disk."""
    partition_type: PartitionType | None = None
    """partitionType is what the partition is for: one of the known names or the GUID of a GPT type."""


class Partition(Model):
    """How a disk is partitioned."""

    shape: ClassVar[Shape] = Shape(
        rule=Rule(
            "[has(self.layout),has(self.diskLayout)].filter(x,x==true).size() == 1",
            "exactly one of the fields in [layout diskLayout] must be set",
        )
    )

    device: Annotated[str, Length(1, 256)]
    """device is the disk."""
    disk_layout: Annotated[list[PartitionShare], Items(1, 100), ATOMIC_LIST] | None = None
    """diskLayout lists the partitions in order; not together with layout."""
    layout: bool | None = None
    """layout makes one partition of the whole disk when true, none when false; not together with diskLayout."""
    overwrite: bool | None = None
    """overwrite partitions the disk even if something is on it. This loses its data."""
    table_type: Annotated[str, Enum("mbr", "gpt")] | None = None
    """tableType is the kind of partition table: mbr, which is the default, or gpt."""


class DiskSetup(Model):
    """Disks to partition and file systems to make before kubeadm runs."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    filesystems: Annotated[list[Filesystem], MaxItems(100), ATOMIC_LIST] | None = None
    """filesystems are file systems to make."""
    partitions: Annotated[list[Partition], MaxItems(100), ATOMIC_LIST] | None = None
    """partitions are disks to partition."""


class SecretKey(Model):
    """One key of a Secret in the same namespace."""

    key: Annotated[str, Length(1, 256)]
    """key is the key to take."""
    name: Annotated[str, Length(1, 253)]
    """name is the name of the Secret, which is in the same namespace."""


class SecretSource(Model):
    """Content that comes from a Secret."""

    secret: SecretKey
    """secret names the Secret and the key in it."""


class File(Model):
    """A file to write before kubeadm runs."""

    path: Annotated[str, Length(1, 512)]
    """path is where the file is written."""
    append: bool | None = None
    """append adds the content to a file that is there instead of replacing it."""
    content: Annotated[str, Length(1, 10240)] | None = None
    """content is what the file contains; not together with contentFrom."""
    content_format: Annotated[str, Enum("Raw", "Template")] | None = None
    """contentFormat is Raw, which writes content as it is, or Template, which fills in the control plane's version first."""
    content_from: SecretSource | None = None
    """contentFrom takes the content from elsewhere; not together with content."""
    encoding: Annotated[str, Enum("base64", "gzip", "gzip+base64")] | None = None
    """encoding is how content is encoded: base64, gzip or gzip+base64; plain text unless set."""
    owner: Annotated[str, Length(1, 256)] | None = None
    """owner is the user and group the file belongs to, as user:group."""
    permissions: Annotated[str, Length(1, 16)] | None = None
    """permissions are the permission bits in octal, such as 0640."""


class ContainerLinuxConfig(Model):
    """Container Linux Config that becomes part of the Ignition data."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    additional_config: Annotated[str, Length(1, 32768)] | None = None
    """additionalConfig is further configuration in YAML, in the format of Container Linux Config."""
    strict: bool | None = None
    """strict refuses configuration with warnings."""


class Ignition(Model):
    """Settings for the Ignition format."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    container_linux_config: ContainerLinuxConfig | None = None
    """containerLinuxConfig is merged into the generated configuration."""


class NTP(Model):
    """Time synchronisation."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    enabled: bool | None = None
    """enabled turns time synchronisation on or off."""
    servers: Annotated[list[Annotated[str, Length(1, 512)]], MaxItems(100), ATOMIC_LIST] | None = None
    """servers are the time servers."""


class User(Model):
    """A user account to create."""

    name: Annotated[str, Length(1, 256)]
    """name is the name of the account."""
    gecos: Annotated[str, Length(1, 256)] | None = None
    """gecos is the full name or comment of the account."""
    groups: Annotated[str, Length(1, 256)] | None = None
    """groups are further groups, separated by commas."""
    home_dir: Annotated[str, Length(1, 256)] | None = None
    """homeDir is the home directory."""
    inactive: bool | None = None
    """inactive creates the account disabled."""
    lock_password: bool | None = None
    """lockPassword forbids logging in with a password; true unless set."""
    passwd: Annotated[str, Length(1, 256)] | None = None
    """passwd is the hash of the password; not together with passwdFrom."""
    passwd_from: SecretSource | None = None
    """passwdFrom takes the hash of the password from elsewhere; not together with passwd."""
    primary_group: Annotated[str, Length(1, 256)] | None = None
    """primaryGroup is the account's own group."""
    shell: Annotated[str, Length(1, 256)] | None = None
    """shell is the login shell."""
    ssh_authorized_keys: Annotated[list[Annotated[str, Length(1, 2048)]], MaxItems(100), ATOMIC_LIST] | None = None
    """sshAuthorizedKeys are the SSH keys that may log in."""
    sudo: Annotated[str, Length(1, 256)] | None = None
    """sudo is the rule for sudo, such as ALL=(ALL) NOPASSWD:ALL."""


class KubeadmConfigSpec(Model):
    """How a Machine becomes a Node with kubeadm."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    boot_commands: Annotated[list[Annotated[str, Length(1, 10240)]], Items(1, 1000), ATOMIC_LIST] | None = None
    """bootCommands are commands that run early in every boot, before files are written."""
    cluster_configuration: ClusterConfiguration | None = None
    """clusterConfiguration configures the control plane; used for the first control-plane Machine."""
    disk_setup: DiskSetup | None = None
    """diskSetup lists disks to partition and file systems to make."""
    files: Annotated[list[File], Items(1, 200), ATOMIC_LIST] | None = None
    """files are written before kubeadm runs."""
    format: Annotated[str, Enum("cloud-config", "ignition")] | None = None
    """format is the form of the bootstrap data: cloud-config, which is the default, or ignition."""
    ignition: Ignition | None = None
    """ignition holds settings for the ignition format."""
    init_configuration: InitConfiguration | None = None
    """initConfiguration configures kubeadm init; used for the first control-plane Machine."""
    join_configuration: JoinConfiguration | None = None
    """joinConfiguration configures kubeadm join; used for every other Machine."""
    mounts: Annotated[list[Annotated[list[Annotated[str, Length(1, 512)]], Items(1, 100)]], Items(1, 100), ATOMIC_LIST] | None = None
    """mounts are entries of the file system table, each a list of its columns."""
    ntp: NTP | None = None
    """ntp configures time synchronisation."""
    post_kubeadm_commands: Annotated[list[Annotated[str, Length(1, 10240)]], Items(1, 1000), ATOMIC_LIST] | None = None
    """postKubeadmCommands are commands that run after kubeadm."""
    pre_kubeadm_commands: Annotated[list[Annotated[str, Length(1, 10240)]], Items(1, 1000), ATOMIC_LIST] | None = None
    """preKubeadmCommands are commands that run before kubeadm."""
    users: Annotated[list[User], Items(1, 100), ATOMIC_LIST] | None = None
    """users are accounts to create."""
    verbosity: Int32 | None = None
    """verbosity is the log level of kubeadm; higher says more."""


class KubeadmConfigV1Beta1Status(Model):
    """Status fields of v1beta1, kept for its readers."""

    conditions: list[V1Beta1Condition] | None = None
    """conditions are the conditions of v1beta1."""
    failure_message: Annotated[str, Length(1, 10240)] | None = None
    """failureMessage explained a problem that needed a person's help."""
    failure_reason: Annotated[str, Length(1, 256)] | None = None
    """failureReason named a problem that needed a person's help."""


class KubeadmConfigDeprecated(Model):
    """Status that older versions of the API had."""

    v1beta1: KubeadmConfigV1Beta1Status | None = None
    """v1beta1 is what readers of v1beta1 expect. It goes away together with v1beta1."""


class KubeadmConfigInitialization(Model):
    """Milestones of a bootstrap configuration; once true they stay true."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    data_secret_created: bool | None = None
    """dataSecretCreated becomes true when the Secret with the bootstrap data exists."""


class KubeadmConfigStatus(Model):
    """What is known about a KubeadmConfig."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    conditions: Conditions | None = None
    """conditions are observations about the bootstrap data, one per type."""
    data_secret_name: Annotated[str, Length(1, 253)] | None = None
    """dataSecretName names the Secret with the bootstrap data."""
    deprecated: KubeadmConfigDeprecated | None = None
    """deprecated keeps what v1beta1 reported."""
    initialization: KubeadmConfigInitialization | None = None
    """initialization records the milestones of making the bootstrap data."""
    observed_generation: Annotated[Int64, Minimum(1)] | None = None
    """observedGeneration is the generation of the spec that this status is about."""


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
    """spec describes how the Machine becomes a Node."""
    status: KubeadmConfigStatus | None = None
    """status reports what is known about the bootstrap data; controllers write it."""


class KubeadmConfigTemplateResource(Model):
    """What KubeadmConfigs made from the template look like."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    metadata: TemplateMetadata | None = None
    """metadata is added to each KubeadmConfig."""
    spec: KubeadmConfigSpec | None = None
    """spec describes each KubeadmConfig."""


class KubeadmConfigTemplateSpec(Model):
    """The template of KubeadmConfigs."""

    template: KubeadmConfigTemplateResource
    """template is what KubeadmConfigs are made from."""


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
    """spec holds the template."""
