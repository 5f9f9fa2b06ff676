"""What kubeadm is told: the cluster, the first Machine, every further Machine."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.core import EnvVar, Taint
from capelin.api.markers import ATOMIC_LIST, Enum, Format, Items, Length, MapList, Minimum, Range, Rule, Shape
from capelin.api.meta import Model, Time
from capelin.api.scalars import Int32, NonNegative


class Argument(Model):
    """A command-line flag and its value."""

    name: Annotated[str, Length(1, 256)]
    value: Annotated[str, Length(0, 1024)]


_UNIQUE_NAMES = "self.all(x, self.exists_one(y, x.name == y.name))"

ExtraArgs = Annotated[list[Argument], Items(1, 100), MapList("name", "value"), Rule(_UNIQUE_NAMES, "extraArgs name must be unique")]
KubeletExtraArgs = Annotated[
    list[Argument], Items(1, 100), MapList("name", "value"), Rule(_UNIQUE_NAMES, "kubeletExtraArgs name must be unique")
]


class HostPathMount(Model):
    """A path of the host that a component sees."""

    host_path: Annotated[str, Length(1, 512)]
    mount_path: Annotated[str, Length(1, 512)]
    name: Annotated[str, Length(1, 512)]
    path_type: str | None = None
    read_only: bool | None = None


class APIServerConfiguration(Model):
    """Settings of kube-apiserver."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    cert_sans: Annotated[list[Annotated[str, Length(1, 253)]], Items(1, 100), ATOMIC_LIST] | None = None
    extra_args: ExtraArgs | None = None
    extra_envs: Annotated[list[EnvVar], Items(1, 100), ATOMIC_LIST] | None = None
    extra_volumes: Annotated[list[HostPathMount], Items(1, 100), ATOMIC_LIST] | None = None


class ComponentConfiguration(Model):
    """Settings of a control-plane component."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    extra_args: ExtraArgs | None = None
    extra_envs: Annotated[list[EnvVar], Items(1, 100), ATOMIC_LIST] | None = None
    extra_volumes: Annotated[list[HostPathMount], Items(1, 100), ATOMIC_LIST] | None = None


class DNSConfiguration(Model):
    """The image of the cluster's DNS server."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    image_repository: Annotated[str, Length(1, 512)] | None = None
    image_tag: Annotated[str, Length(1, 256)] | None = None


class ExternalEtcd(Model):
    """An etcd cluster that exists already."""

    ca_file: Annotated[str, Length(1, 512)]
    cert_file: Annotated[str, Length(1, 512)]
    endpoints: Annotated[list[Annotated[str, Length(1, 512)]], Items(1, 50), ATOMIC_LIST]
    key_file: Annotated[str, Length(1, 512)]


class LocalEtcd(Model):
    """An etcd member on every control-plane Machine."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    data_dir: Annotated[str, Length(1, 512)] | None = None
    extra_args: ExtraArgs | None = None
    extra_envs: Annotated[list[EnvVar], Items(1, 100), ATOMIC_LIST] | None = None
    image_repository: Annotated[str, Length(1, 512)] | None = None
    image_tag: Annotated[str, Length(1, 256)] | None = None
    peer_cert_sans: Annotated[list[Annotated[str, Length(1, 253)]], Items(1, 100), ATOMIC_LIST] | None = None
    server_cert_sans: Annotated[list[Annotated[str, Length(1, 253)]], Items(1, 100), ATOMIC_LIST] | None = None


class EtcdConfiguration(Model):
    """The cluster's etcd; `local` or `external`."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    external: ExternalEtcd | None = None
    local: LocalEtcd | None = None


class ClusterConfiguration(Model):
    """Settings of the whole control plane."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    api_server: APIServerConfiguration | None = None
    ca_certificate_validity_period_days: Annotated[Int32, Range(1, 36500)] | None = None
    certificate_validity_period_days: Annotated[Int32, Range(1, 1095)] | None = None
    certificates_dir: Annotated[str, Length(1, 512)] | None = None
    control_plane_endpoint: Annotated[str, Length(1, 512)] | None = None
    controller_manager: ComponentConfiguration | None = None
    dns: DNSConfiguration | None = None
    encryption_algorithm: Annotated[str, Enum("ECDSA-P256", "ECDSA-P384", "RSA-2048", "RSA-3072", "RSA-4096")] | None = None
    etcd: EtcdConfiguration | None = None
    feature_gates: dict[str, bool] | None = None
    image_repository: Annotated[str, Length(1, 512)] | None = None
    scheduler: ComponentConfiguration | None = None


class BootstrapToken(Model):
    """A token that lets new Nodes join."""

    token: Annotated[str, Length(1, 23)]
    description: Annotated[str, Length(1, 512)] | None = None
    expires: Time | None = None
    groups: Annotated[list[Annotated[str, Length(1, 256)]], Items(1, 100), ATOMIC_LIST] | None = None
    ttl_seconds: NonNegative | None = None
    usages: Annotated[list[Annotated[str, Length(1, 256)]], Items(1, 100), ATOMIC_LIST] | None = None


class LocalAPIEndpoint(Model):
    """Where the API server on this Machine listens."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    advertise_address: Annotated[str, Length(1, 39)] | None = None
    bind_port: Annotated[Int32, Minimum(1)] | None = None


class NodeRegistration(Model):
    """How the Node registers itself."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    cri_socket: Annotated[str, Length(1, 512)] | None = None
    ignore_preflight_errors: Annotated[list[Annotated[str, Length(1, 512)]], Items(1, 50), ATOMIC_LIST] | None = None
    image_pull_policy: Annotated[str, Enum("Always", "IfNotPresent", "Never")] | None = None
    image_pull_serial: bool | None = None
    kubelet_extra_args: KubeletExtraArgs | None = None
    name: Annotated[str, Length(1, 253)] | None = None
    taints: Annotated[list[Taint], Items(0, 100)] | None = None


class Patches(Model):
    """Patches of what kubeadm generates."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    directory: Annotated[str, Length(1, 512)] | None = None


class Timeouts(Model):
    """How long kubeadm waits."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    control_plane_component_health_check_seconds: NonNegative | None = None
    discovery_seconds: NonNegative | None = None
    etcd_api_call_seconds: NonNegative | None = None
    kubelet_health_check_seconds: NonNegative | None = None
    kubernetes_api_call_seconds: NonNegative | None = None
    tls_bootstrap_seconds: NonNegative | None = None


class InitConfiguration(Model):
    """Settings of `kubeadm init`, for the first control-plane Machine."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    bootstrap_tokens: Annotated[list[BootstrapToken], Items(1, 100), ATOMIC_LIST] | None = None
    local_api_endpoint: LocalAPIEndpoint | None = None
    node_registration: NodeRegistration | None = None
    patches: Patches | None = None
    skip_phases: Annotated[list[Annotated[str, Length(1, 256)]], Items(1, 50), ATOMIC_LIST] | None = None
    timeouts: Timeouts | None = None


class JoinControlPlane(Model):
    """Settings of a further control-plane Machine."""

    local_api_endpoint: LocalAPIEndpoint | None = None


class BootstrapTokenDiscovery(Model):
    """Finds the cluster with a bootstrap token."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    api_server_endpoint: Annotated[str, Length(1, 512)] | None = None
    ca_cert_hashes: Annotated[list[Annotated[str, Length(1, 512)]], Items(1, 100), ATOMIC_LIST] | None = None
    token: Annotated[str, Length(1, 512)] | None = None
    unsafe_skip_ca_verification: bool | None = None


class KubeConfigCluster(Model):
    """The cluster in a generated kubeconfig."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    certificate_authority_data: Annotated[str, Length(1, 51200), Format("byte")] | None = None
    insecure_skip_tls_verify: bool | None = None
    proxy_url: Annotated[str, Length(1, 512)] | None = None
    server: Annotated[str, Length(1, 512)] | None = None
    tls_server_name: Annotated[str, Length(1, 512)] | None = None


class KubeConfigAuthProvider(Model):
    """Credentials from an auth provider."""

    name: Annotated[str, Length(1, 256)]
    config: dict[str, str] | None = None


class KubeConfigExecEnv(Model):
    """An environment variable of a credential program."""

    name: Annotated[str, Length(1, 512)]
    value: Annotated[str, Length(1, 512)]


class KubeConfigExec(Model):
    """Credentials from a program."""

    command: Annotated[str, Length(1, 1024)]
    api_version: Annotated[str, Length(1, 512)] | None = None
    args: Annotated[list[Annotated[str, Length(1, 512)]], Items(1, 100), ATOMIC_LIST] | None = None
    env: Annotated[list[KubeConfigExecEnv], Items(1, 100), ATOMIC_LIST] | None = None
    provide_cluster_info: bool | None = None


class KubeConfigUser(Model):
    """The user in a generated kubeconfig."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    auth_provider: KubeConfigAuthProvider | None = None
    exec: KubeConfigExec | None = None


class FileDiscoveryKubeConfig(Model):
    """A kubeconfig to generate for discovery."""

    user: KubeConfigUser
    cluster: KubeConfigCluster | None = None


class FileDiscovery(Model):
    """Finds the cluster with a kubeconfig."""

    kube_config_path: Annotated[str, Length(1, 512)]
    kube_config: FileDiscoveryKubeConfig | None = None


class Discovery(Model):
    """How a joining Machine finds and trusts the cluster."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    bootstrap_token: BootstrapTokenDiscovery | None = None
    file: FileDiscovery | None = None
    tls_bootstrap_token: Annotated[str, Length(1, 512)] | None = None


class JoinConfiguration(Model):
    """Settings of `kubeadm join`, for every Machine but the first."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    ca_cert_path: Annotated[str, Length(1, 512)] | None = None
    control_plane: JoinControlPlane | None = None
    discovery: Discovery | None = None
    node_registration: NodeRegistration | None = None
    patches: Patches | None = None
    skip_phases: Annotated[list[Annotated[str, Length(1, 256)]], Items(1, 50), ATOMIC_LIST] | None = None
    timeouts: Timeouts | None = None
