"""The phases over what the Cluster refers to: its infrastructure and, when it has one, its control-plane object."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from capelin.api import contract
from capelin.api.cluster import APIEndpoint, FailureDomain
from capelin.api.meta import Unstructured
from capelin.controllers.cluster.scope import Scope, cluster_labels, has_endpoint
from capelin.runtime.contract import ContractError
from capelin.runtime.external import ExternalObjects, Reference, Seen
from capelin.runtime.ownership import OwnedByAnother
from capelin.runtime.reconcile import DONE, Result

REFERENCE_POLL: Final = timedelta(seconds=2)
"""How often to look for a referenced object that does not exist yet: until it names its owner, its creation wakes nobody. Looking is a
read of the cache."""

_REFUSALS = (ContractError, OwnedByAnother, contract.ContractViolation)


async def reconcile_infrastructure(external: ExternalObjects, scope: Scope) -> Result:
    """Own the infrastructure object and copy what it reports: endpoint (once), failure domains, the milestone.

    Raises:
        ContractError, OwnedByAnother, ContractViolation: the reference leads to what cannot be used.
        ApiError: nothing is known.
    """
    reference = scope.cluster.spec.infrastructure_ref
    if reference is None:
        scope.infrastructure = Seen.ABSENT
        if scope.cluster.spec.topology is None:
            scope.initialization.infrastructure_provisioned = True  # there is none to wait for
        return DONE
    try:
        found = await _observe(external, scope, reference)
        scope.infrastructure = found or Seen.ABSENT
        if found is not None and not scope.is_deleting:
            _take_endpoint(scope, found)
            domains = contract.failure_domains(found.document)
            scope.status.failure_domains = [FailureDomain.model_validate(domain) for domain in domains] or None
            if contract.is_provisioned(found.document):
                scope.initialization.infrastructure_provisioned = True
    except _REFUSALS as error:
        scope.infrastructure_problem = f"spec.infrastructureRef: {error}"
        raise
    return DONE if found is not None or scope.is_deleting else Result(REFERENCE_POLL)


async def reconcile_control_plane(external: ExternalObjects, scope: Scope) -> Result:
    """Own the control-plane object and copy its endpoint, when the infrastructure has none.

    Raises:
        ContractError, OwnedByAnother, ContractViolation: the reference leads to what cannot be used.
        ApiError: nothing is known.
    """
    reference = scope.cluster.spec.control_plane_ref
    if reference is None:
        scope.control_plane = Seen.ABSENT
        return DONE
    try:
        found = await _observe(external, scope, reference)
        scope.control_plane = found or Seen.ABSENT
        if found is not None and not scope.is_deleting:
            _take_endpoint(scope, found)
    except _REFUSALS as error:
        scope.control_plane_problem = f"spec.controlPlaneRef: {error}"
        raise
    return DONE if found is not None or scope.is_deleting else Result(REFERENCE_POLL)


async def _observe(external: ExternalObjects, scope: Scope, reference: Reference) -> Unstructured | None:
    """Return the object, owned: as a plain owner, because the user made it; as its controller only when a topology did."""
    cluster = scope.cluster
    found = await external.get(reference, cluster.key.namespace)
    if found is not None:
        await external.adopt(found, cluster, cluster_labels(cluster), controller=cluster.spec.topology is not None)
    return found


def _take_endpoint(scope: Scope, found: Unstructured) -> None:
    """Copy the endpoint; the first one stands, since certificates and kubeconfigs were made for it."""
    endpoint = contract.control_plane_endpoint(found.document)
    if endpoint is not None and not has_endpoint(scope.cluster):
        scope.cluster.spec.control_plane_endpoint = APIEndpoint(host=endpoint.host, port=endpoint.port)
