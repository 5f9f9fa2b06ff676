"""The infrastructure phase: the computer itself."""

from __future__ import annotations

from capelin.api import contract
from capelin.api.machine import MachineAddress
from capelin.api.meta import Unstructured
from capelin.controllers.machine.bootstrap import REFERENCE_POLL
from capelin.controllers.machine.scope import Scope, cluster_labels, is_provisioned
from capelin.runtime.contract import ContractError
from capelin.runtime.external import ExternalObjects, Seen
from capelin.runtime.ownership import OwnedByAnother
from capelin.runtime.reconcile import DONE, Result


async def reconcile_infrastructure(external: ExternalObjects, scope: Scope) -> Result:
    """Own the infrastructure object and copy what it reports: identity (once), addresses, failure domain.

    Raises:
        ContractError, OwnedByAnother, ContractViolation: the reference leads to what cannot be used.
        ApiError: nothing is known.
    """
    try:
        return await _reconcile_infrastructure(external, scope)
    except (ContractError, OwnedByAnother, contract.ContractViolation) as error:
        scope.infrastructure_problem = f"spec.infrastructureRef: {error}"
        raise


async def _reconcile_infrastructure(external: ExternalObjects, scope: Scope) -> Result:
    machine = scope.machine
    found = await external.get(machine.spec.infrastructure_ref, machine.key.namespace)
    if found is None:
        scope.infrastructure = Seen.ABSENT
        return DONE if scope.is_deleting or is_provisioned(machine) else Result(REFERENCE_POLL)
    scope.infrastructure = found
    await external.adopt(found, machine, cluster_labels(machine), controller=True)
    if not scope.is_deleting and (contract.is_provisioned(found.document) or is_provisioned(machine)):
        _take_report(scope, found)
    return DONE


def _take_report(scope: Scope, infrastructure: Unstructured) -> None:
    document = infrastructure.document
    identity = contract.provider_id(document)
    if not identity:
        if is_provisioned(scope.machine):
            return  # it was there once; what was copied then stands
        raise ContractError("found status.initialization.provisioned without spec.providerID, allowed are both together")
    _take_identity(scope, identity)
    scope.initialization.infrastructure_provisioned = True
    scope.status.addresses = [MachineAddress(type=a["type"], address=a["address"]) for a in contract.addresses(document)] or None
    scope.status.failure_domain = contract.failure_domain(document) or None


def _take_identity(scope: Scope, identity: str) -> None:
    """Copy the provider ID; it never changes, because everything done to the Machine is done to that computer."""
    spec = scope.machine.spec
    if spec.provider_id and spec.provider_id != identity:
        raise ContractError(f"found spec.providerID {identity}, allowed is {spec.provider_id}, which the Machine already has")
    spec.provider_id = identity
