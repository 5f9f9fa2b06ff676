"""What kubeadm is told: the cluster, the first Machine, every further Machine."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.core import Taint
from capelin.api.environment import EnvVar
from capelin.api.markers import ATOMIC_LIST, Enum, Format, Items, Length, MapList, Minimum, Range, Rule, Shape
from capelin.api.meta import Model, Time
from capelin.api.scalars import Int32, NonNegative


class Argument(Model):
    """A command-line flag and its value."""

    name: Annotated[str, Length(1, 256)]
    """name is the flag without its leading dashes."""
    value: Annotated[str, Length(0, 1024)]
    """value is the value of the flag; it may be empty."""


_UNIQUE_NAMES = "self.all(x, self.exists_one(y, x.name == y.name))"

ExtraArgs = Annotated[list[Argument], Items(1, 100), MapList("name", "value"), Rule(_UNIQUE_NAMES, "extraArgs name must be unique")]
KubeletExtraArgs = Annotated[
    list[Argument], Items(1, 100), MapList("name", "value"), Rule(_UNIQUE_NAMES, "kubeletExtraArgs name must be unique")
]


class HostPathMount(Model):
    """A path of the host that a component sees."""

    host_path: Annotated[str, Length(1, 512)]
    """hostPath is the path on the host."""
    mount_path: Annotated[str, Length(1, 512)]
    """mountPath is the path inside the component's Pod."""
    name: Annotated[str, Length(1, 512)]
    """name is the name of the volume."""
    path_type: str | None = None
    """pathType is what the path must be, such as File or DirectoryOrCreate."""
    read_only: bool | None = None
    """readOnly keeps the component from writing to the path."""


class APIServerConfiguration(Model):
    """Settings of kube-apiserver."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    cert_sans: Annotated[list[Annotated[str, Length(1, 253)]], Items(1, 100), ATOMIC_LIST] | None = None
    """certSANs are further names and addresses the API server's certificate is valid for."""
    extra_args: ExtraArgs | None = None
    """extraArgs are further flags of the component. A flag that is given twice must be given in one entry."""
    extra_envs: Annotated[list[EnvVar], Items(1, 100), ATOMIC_LIST] | None = None
    """extraEnvs are environment variables of the component."""
    extra_volumes: Annotated[list[HostPathMount], Items(1, 100), ATOMIC_LIST] | None = None
    """extraVolumes are paths of the host the component sees."""


class ComponentConfiguration(Model):
    """Settings of a control-plane component."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    extra_args: ExtraArgs | None = None
    """extraArgs are further flags of the component. A flag that is given twice must be given in one entry."""
    extra_envs: Annotated[list[EnvVar], Items(1, 100), ATOMIC_LIST] | None = None
    """extraEnvs are environment variables of the component."""
    extra_volumes: Annotated[list[HostPathMount], Items(1, 100), ATOMIC_LIST] | None = None
    """extraVolumes are paths of the host the component sees."""


class DNSConfiguration(Model):
    """The image of the cluster's DNS server."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    image_repository: Annotated[str, Length(1, 512)] | None = None
    """imageRepository is the registry the image is pulled from; that of the cluster unless set."""
    image_tag: Annotated[str, Length(1, 256)] | None = None
    """imageTag is the tag of the image; kubeadm's choice unless set."""


class ExternalEtcd(Model):
    """An etcd cluster that exists already."""

    ca_file: Annotated[str, Length(1, 512)]
    """caFile is the path of the authority the etcd servers are trusted by."""
    cert_file: Annotated[str, Length(1, 512)]
    """certFile is the path of the certificate the API server shows to etcd."""
    endpoints: Annotated[list[Annotated[str, Length(1, 512)]], Items(1, 50), ATOMIC_LIST]
    """endpoints are the addresses of the etcd members."""
    key_file: Annotated[str, Length(1, 512)]
    """keyFile is the path of the key of that certificate."""


class LocalEtcd(Model):
    """An etcd member on every control-plane Machine."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    data_dir: Annotated[str, Length(1, 512)] | None = None
    """dataDir is where etcd keeps its data; /var/lib/etcd unless set."""
    extra_args: ExtraArgs | None = None
    """extraArgs are further flags of etcd."""
    extra_envs: Annotated[list[EnvVar], Items(1, 100), ATOMIC_LIST] | None = None
    """extraEnvs are environment variables of etcd."""
    image_repository: Annotated[str, Length(1, 512)] | None = None
    """imageRepository is the registry the image is pulled from; that of the cluster unless set."""
    image_tag: Annotated[str, Length(1, 256)] | None = None
    """imageTag is the tag of the image; kubeadm's choice unless set."""
    peer_cert_sans: Annotated[list[Annotated[str, Length(1, 253)]], Items(1, 100), ATOMIC_LIST] | None = None
    """peerCertSANs are further names and addresses the certificate between members is valid for."""
    server_cert_sans: Annotated[list[Annotated[str, Length(1, 253)]], Items(1, 100), ATOMIC_LIST] | None = None
    """serverCertSANs are further names and addresses the certificate for clients is valid for."""


class EtcdConfiguration(Model):
    """The cluster's etcd; `local` or `external`."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    external: ExternalEtcd | None = None
    """external names an etcd cluster that exists already; not together with local."""
    local: LocalEtcd | None = None
    """local runs an etcd member on every control-plane Machine; not together with external."""


class ClusterConfiguration(Model):
    """Settings of the whole control plane."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    api_server: APIServerConfiguration | None = None
    """apiServer configures kube-apiserver."""
    ca_certificate_validity_period_days: Annotated[Int32, Range(1, 36500)] | None = None
    """caCertificateValidityPeriodDays is how long the cluster's certificate authorities are valid; 3650 unless set."""
    certificate_validity_period_days: Annotated[Int32, Range(1, 1095)] | None = None
    """certificateValidityPeriodDays is how long the certificates of the control plane's components are valid; 365 unless set."""
    certificates_dir: Annotated[str, Length(1, 512)] | None = None
    """certificatesDir is where certificates are kept on the Machine; /etc/kubernetes/pki unless set."""
    control_plane_endpoint: Annotated[str, Length(1, 512)] | None = None
    """controlPlaneEndpoint is the stable name or address, with an optional port, of the control plane. It is taken from the Cluster unless
    set."""
    controller_manager: ComponentConfiguration | None = None
    """controllerManager configures kube-controller-manager."""
    dns: DNSConfiguration | None = None
    """dns configures the cluster's DNS server."""
    encryption_algorithm: Annotated[str, Enum("ECDSA-P256", "ECDSA-P384", "RSA-2048", "RSA-3072", "RSA-4096")] | None = None
    """encryptionAlgorithm is the kind of key the cluster's certificates use. Unless set, the authorities use ECDSA-P256, and what kubeadm
    makes on the Machine RSA-2048."""
    etcd: EtcdConfiguration | None = None
    """etcd configures etcd: on the Machine or elsewhere."""
    feature_gates: dict[str, bool] | None = None
    """featureGates turn features of kubeadm on or off, by name."""
    image_repository: Annotated[str, Length(1, 512)] | None = None
    """imageRepository is the registry images are pulled from; registry.k8s.io unless set."""
    scheduler: ComponentConfiguration | None = None
    """scheduler configures kube-scheduler."""


class BootstrapToken(Model):
    """A token that lets new Nodes join."""

    token: Annotated[str, Length(1, 23)]
    """token is the token itself, as id.secret."""
    description: Annotated[str, Length(1, 512)] | None = None
    """description says what the token is for."""
    expires: Time | None = None
    """expires is when the token ends; not together with ttlSeconds."""
    groups: Annotated[list[Annotated[str, Length(1, 256)]], Items(1, 100), ATOMIC_LIST] | None = None
    """groups are the groups whoever uses the token belongs to."""
    ttl_seconds: NonNegative | None = None
    """ttlSeconds is how long the token is valid; not together with expires."""
    usages: Annotated[list[Annotated[str, Length(1, 256)]], Items(1, 100), ATOMIC_LIST] | None = None
    """usages are what the token may be used for."""


class LocalAPIEndpoint(Model):
    """Where the API server on this Machine listens."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    advertise_address: Annotated[str, Length(1, 39)] | None = None
    """advertiseAddress is the address this API server tells others; that of the default interface unless set."""
    bind_port: Annotated[Int32, Minimum(1)] | None = None
    """bindPort is the port this API server listens on; 6443 unless set."""


class NodeRegistration(Model):
    """How the Node registers itself."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    cri_socket: Annotated[str, Length(1, 512)] | None = None
    """criSocket is the socket of the container runtime."""
    ignore_preflight_errors: Annotated[list[Annotated[str, Length(1, 512)]], Items(1, 50), ATOMIC_LIST] | None = None
    """ignorePreflightErrors are preflight checks of kubeadm that only warn, by name."""
    image_pull_policy: Annotated[str, Enum("Always", "IfNotPresent", "Never")] | None = None
    """imagePullPolicy decides when kubeadm pulls images: Always, IfNotPresent, which is the default, or Never."""
    image_pull_serial: bool | None = None
    """imagePullSerial pulls images one after the other; true unless set."""
    kubelet_extra_args: KubeletExtraArgs | None = None
    """kubeletExtraArgs are further flags of the kubelet. A flag that is given twice must be given in one entry."""
    name: Annotated[str, Length(1, 253)] | None = None
    """name is the name of the Node; the computer's host name unless set."""
    taints: Annotated[list[Taint], Items(0, 100)] | None = None
    """taints are put on the Node when it registers. Without the field control-plane Nodes get the usual taint; an empty list gives none."""


class Patches(Model):
    """Patches of what kubeadm generates."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    directory: Annotated[str, Length(1, 512)] | None = None
    """directory is where the patches are on the Machine."""


class Timeouts(Model):
    """How long kubeadm waits."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    control_plane_component_health_check_seconds: NonNegative | None = None
    """controlPlaneComponentHealthCheckSeconds is how long to wait for a component of the control plane; 240 unless set."""
    discovery_seconds: NonNegative | None = None
    """discoverySeconds is how long to look for the cluster while joining; 300 unless set."""
    etcd_api_call_seconds: NonNegative | None = None
    """etcdAPICallSeconds is how long to wait for etcd; 120 unless set."""
    kubelet_health_check_seconds: NonNegative | None = None
    """kubeletHealthCheckSeconds is how long to wait for the kubelet; 240 unless set."""
    kubernetes_api_call_seconds: NonNegative | None = None
    """kubernetesAPICallSeconds is how long to wait for an answer of the API server; 60 unless set."""
    tls_bootstrap_seconds: NonNegative | None = None
    """tlsBootstrapSeconds is how long to wait for the kubelet's certificate; 300 unless set."""


class InitConfiguration(Model):
    """Settings of `kubeadm init`, for the first control-plane Machine."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    bootstrap_tokens: Annotated[list[BootstrapToken], Items(1, 100), ATOMIC_LIST] | None = None
    """bootstrapTokens are tokens to create with the cluster. Capelin creates those it needs by itself."""
    local_api_endpoint: LocalAPIEndpoint | None = None
    """localAPIEndpoint is where the API server on this Machine listens."""
    node_registration: NodeRegistration | None = None
    """nodeRegistration decides how the Node registers itself."""
    patches: Patches | None = None
    """patches points at patches of what kubeadm generates."""
    skip_phases: Annotated[list[Annotated[str, Length(1, 256)]], Items(1, 50), ATOMIC_LIST] | None = None
    """skipPhases are phases of kubeadm to leave out, by name."""
    timeouts: Timeouts | None = None
    """timeouts bound how long kubeadm waits."""


class JoinControlPlane(Model):
    """Settings of a further control-plane Machine."""

    local_api_endpoint: LocalAPIEndpoint | None = None
    """localAPIEndpoint is where the API server on this Machine listens."""


class BootstrapTokenDiscovery(Model):
    """Finds the cluster with a bootstrap token."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    api_server_endpoint: Annotated[str, Length(1, 512)] | None = None
    """apiServerEndpoint is the address and port of the API server."""
    ca_cert_hashes: Annotated[list[Annotated[str, Length(1, 512)]], Items(1, 100), ATOMIC_LIST] | None = None
    """caCertHashes are hashes of the public keys by which the cluster is trusted, as sha256:hex."""
    token: Annotated[str, Length(1, 512)] | None = None
    """token is the token that proves the cluster's information."""
    unsafe_skip_ca_verification: bool | None = None
    """unsafeSkipCAVerification trusts whatever cluster answers. Anyone who can intercept the connection can then impersonate it."""


class KubeConfigCluster(Model):
    """The cluster in a generated kubeconfig."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    certificate_authority_data: Annotated[str, Length(1, 51200), Format("byte")] | None = None
    """certificateAuthorityData is the authority the server is trusted by, in PEM."""
    insecure_skip_tls_verify: bool | None = None
    """insecureSkipTLSVerify trusts whatever server answers. Anyone who can intercept the connection can then impersonate it."""
    proxy_url: Annotated[str, Length(1, 512)] | None = None
    """proxyURL is the proxy to connect through."""
    server: Annotated[str, Length(1, 512)] | None = None
    """server is the URL of the API server."""
    tls_server_name: Annotated[str, Length(1, 512)] | None = None
    """tlsServerName is the name the server's certificate must be valid for, if it is not the one in server."""


class KubeConfigAuthProvider(Model):
    """Credentials from an auth provider."""

    name: Annotated[str, Length(1, 256)]
    """name is the name of the auth provider."""
    config: dict[str, str] | None = None
    """config is the configuration of the auth provider, by name."""


class KubeConfigExecEnv(Model):
    """An environment variable of a credential program."""

    name: Annotated[str, Length(1, 512)]
    """name is the name of the variable."""
    value: Annotated[str, Length(1, 512)]
    """value is the value of the variable."""


class KubeConfigExec(Model):
    """Credentials from a program."""

    command: Annotated[str, Length(1, 1024)]
    """command is the program to run."""
    api_version: Annotated[str, Length(1, 512)] | None = None
    """apiVersion is the version in which the program answers; client.authentication.k8s.io/v1 unless set."""
    args: Annotated[list[Annotated[str, Length(1, 512)]], Items(1, 100), ATOMIC_LIST] | None = None
    """args are the arguments of the program."""
    env: Annotated[list[KubeConfigExecEnv], Items(1, 100), ATOMIC_LIST] | None = None
    """env are environment variables of the program."""
    provide_cluster_info: bool | None = None
    """provideClusterInfo tells the program about the cluster."""


class KubeConfigUser(Model):
    """The user in a generated kubeconfig."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    auth_provider: KubeConfigAuthProvider | None = None
    """authProvider gets credentials from an auth provider; not together with exec."""
    exec: KubeConfigExec | None = None
    """exec gets credentials from a program; not together with authProvider."""


class FileDiscoveryKubeConfig(Model):
    """A kubeconfig to generate for discovery."""

    user: KubeConfigUser
    """user is how the Machine authenticates."""
    cluster: KubeConfigCluster | None = None
    """cluster is the cluster to connect to; taken from the Cluster unless set."""


class FileDiscovery(Model):
    """Finds the cluster with a kubeconfig."""

    kube_config_path: Annotated[str, Length(1, 512)]
    """kubeConfigPath is where the kubeconfig is on the Machine."""
    kube_config: FileDiscoveryKubeConfig | None = None
    """kubeConfig generates that kubeconfig instead of expecting it there."""


class Discovery(Model):
    """How a joining Machine finds and trusts the cluster."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    bootstrap_token: BootstrapTokenDiscovery | None = None
    """bootstrapToken finds the cluster with a token; not together with file."""
    file: FileDiscovery | None = None
    """file finds the cluster with a kubeconfig; not together with bootstrapToken."""
    tls_bootstrap_token: Annotated[str, Length(1, 512)] | None = None
    """tlsBootstrapToken is the token the kubelet asks for its certificate with; that of bootstrapToken unless set."""


class JoinConfiguration(Model):
    """Settings of `kubeadm join`, for every Machine but the first."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    ca_cert_path: Annotated[str, Length(1, 512)] | None = None
    """caCertPath is where the cluster's certificate authority is on the Machine; /etc/kubernetes/pki/ca.crt unless set."""
    control_plane: JoinControlPlane | None = None
    """controlPlane makes the Machine a further control-plane Machine."""
    discovery: Discovery | None = None
    """discovery tells how to find and trust the cluster. It is filled in with a fresh token unless set."""
    node_registration: NodeRegistration | None = None
    """nodeRegistration decides how the Node registers itself."""
    patches: Patches | None = None
    """patches points at patches of what kubeadm generates."""
    skip_phases: Annotated[list[Annotated[str, Length(1, 256)]], Items(1, 50), ATOMIC_LIST] | None = None
    """skipPhases are phases of kubeadm to leave out, by name."""
    timeouts: Timeouts | None = None
    """timeouts bound how long kubeadm waits."""
