"""What a KubeadmConfig needs next. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from capelin.api.defaults import default_kubeadmconfig
from capelin.api.kubeadmconfig import FORMAT_IGNITION
from capelin.api.kubeadmconfigrules import kubeadmconfig_refusals
from capelin.api.machine import Machine
from capelin.api.meta import find_condition
from capelin.api.reasons import INFRASTRUCTURE_READY_CONDITION
from capelin.controllers.kubeadmconfig.lock import is_initialized
from capelin.controllers.kubeadmconfig.scope import Scope
from capelin.controllers.kubeadmconfig.tokens import TOKEN_TTL


class DataStep(Enum):
    """What the bootstrap data needs next."""

    NOTHING = "the data is there"
    RECALL = "the Machine has taken the data, and our status was lost, as in a move to another management cluster"
    WAIT_FOR_INFRASTRUCTURE = "the cluster's infrastructure is not there"
    WAIT_FOR_CONTROL_PLANE = "there is nothing to join yet"
    INIT = "it may become the first machine"
    JOIN = "it joins"


class TokenStep(Enum):
    """What the bootstrap token needs next."""

    NOTHING = "it is not ours, or lives and ends by itself"
    EXTEND = "its machine is not there yet"
    REVOKE = "its machine is in, or will never be"


def data_step(scope: Scope) -> DataStep:
    """Return what the bootstrap data needs next."""
    if has_data(scope):
        return DataStep.NOTHING
    if scope.machine.spec.bootstrap.data_secret_name:
        return DataStep.RECALL
    reached = scope.cluster.status.initialization if scope.cluster.status else None
    if not (reached and reached.infrastructure_provisioned):
        return DataStep.WAIT_FOR_INFRASTRUCTURE
    if is_initialized(scope.cluster):
        return DataStep.JOIN
    return DataStep.INIT if scope.is_control_plane else DataStep.WAIT_FOR_CONTROL_PLANE


def token_step(scope: Scope, *, now: datetime) -> TokenStep:
    """Return what the token needs next; that of the first machine, which has none, is revoked in vain."""
    if not has_data(scope) or not has_own_token(scope):
        return TokenStep.NOTHING
    status = scope.machine.status
    if scope.is_ending or (status is not None and status.node_ref is not None):
        return TokenStep.NOTHING if _has_expired(scope.machine, now) else TokenStep.REVOKE
    is_there = status is not None and status.initialization is not None and status.initialization.infrastructure_provisioned
    return TokenStep.NOTHING if is_there else TokenStep.EXTEND


def has_data(scope: Scope) -> bool:
    """Tell whether the data Secret has been made."""
    status = scope.config.status
    reached = status.initialization if status else None
    return bool(status and status.data_secret_name and reached and reached.data_secret_created)


def has_own_token(scope: Scope) -> bool:
    """Tell whether the machine joins with a token that we make: the spec brings neither a token nor a kubeconfig."""
    discovery = scope.join_configuration.discovery
    if discovery is None:
        return True
    return discovery.file is None and not (discovery.bootstrap_token and discovery.bootstrap_token.token)


def refusal(scope: Scope) -> str:
    """Return why no data can be made of the spec; empty when nothing speaks against it."""
    found = [str(problem) for problem in kubeadmconfig_refusals(default_kubeadmconfig(scope.config))]
    if scope.spec.format == FORMAT_IGNITION:
        found.append("spec.format: found ignition, allowed is cloud-config")
    if not scope.is_control_plane and scope.join_configuration.control_plane is not None:
        found.append(f"spec.joinConfiguration.controlPlane: found a value, allowed is none: Machine {scope.machine.key.name} is a worker")
    if not scope.machine.spec.version:
        found.append(f"spec.version of Machine {scope.machine.key.name}: found nothing, allowed is a Kubernetes version")
    return "; ".join(found)


def _has_expired(machine: Machine, now: datetime) -> bool:
    """Tell whether every token of the machine has ended by itself: none is extended once the infrastructure is there."""
    ready = find_condition(machine.status.conditions if machine.status else None, INFRASTRUCTURE_READY_CONDITION)
    return ready is not None and ready.status == "True" and now - ready.last_transition_time > TOKEN_TTL
