"""What one pass over a KubeadmConfig observes, and who fills it in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from capelin.api.cluster import Cluster
from capelin.api.conditions import Verdict
from capelin.api.kubeadm import ClusterConfiguration, InitConfiguration, JoinConfiguration
from capelin.api.kubeadmconfig import KubeadmConfig, KubeadmConfigInitialization, KubeadmConfigSpec, KubeadmConfigStatus
from capelin.api.labels import CONTROL_PLANE_LABEL
from capelin.api.machine import Machine
from capelin.api.meta import ObjectKey
from capelin.runtime.client import Client


class WorkloadClusters(Protocol):
    """The connections to the workload clusters."""

    async def client(self, cluster: ObjectKey) -> Client:
        """Return a client; raises Unreachable while there is no connection."""


@dataclass(slots=True)
class Scope:
    """What one pass observed. A verdict is None until the pass has come to it; what is reported already then stays."""

    config: KubeadmConfig
    machine: Machine
    cluster: Cluster
    data: Verdict | None = None  # set by _reconcile_data, when the data is not there or has just been made
    certificates: Verdict | None = None  # set by _reconcile_data, once it has looked
    is_silent: bool = False  # set by _reconcile_data: there is nothing to tell (yet)

    @property
    def spec(self) -> KubeadmConfigSpec:
        """The spec, empty when there is none."""
        return self.config.spec or KubeadmConfigSpec()

    @property
    def status(self) -> KubeadmConfigStatus:
        """The status, made when there is none."""
        if self.config.status is None:
            self.config.status = KubeadmConfigStatus()
        return self.config.status

    @property
    def cluster_configuration(self) -> ClusterConfiguration:
        """What the spec says about the control plane."""
        return self.spec.cluster_configuration or ClusterConfiguration()

    @property
    def init_configuration(self) -> InitConfiguration:
        """What the spec says about the first machine."""
        return self.spec.init_configuration or InitConfiguration()

    @property
    def join_configuration(self) -> JoinConfiguration:
        """What the spec says about every other machine."""
        return self.spec.join_configuration or JoinConfiguration()

    @property
    def is_control_plane(self) -> bool:
        """True when the machine runs a control plane; only the presence of the label counts."""
        return CONTROL_PLANE_LABEL in (self.machine.metadata.labels or {})

    @property
    def is_ending(self) -> bool:
        """True when the machine or its configuration has been told to go."""
        return any(obj.metadata.deletion_timestamp is not None for obj in (self.config, self.machine))

    def take_data(self, secret_name: str) -> None:
        """Report that the data Secret is there."""
        self.status.data_secret_name = secret_name
        if self.status.initialization is None:
            self.status.initialization = KubeadmConfigInitialization()
        self.status.initialization.data_secret_created = True
