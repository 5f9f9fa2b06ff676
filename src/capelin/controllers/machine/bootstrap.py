"""The bootstrap phase: the data that will turn a computer into a Node."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from capelin.api import contract
from capelin.controllers.machine.scope import Scope, cluster_labels, is_bootstrapped
from capelin.runtime.contract import ContractError
from capelin.runtime.external import ExternalObjects, Seen
from capelin.runtime.ownership import OwnedByAnother
from capelin.runtime.reconcile import DONE, Result

REFERENCE_POLL: Final = timedelta(seconds=2)
"""How often to look for a referenced object that does not exist yet: until it names its owner, its creation wakes nobody. Looking is a
read of the cache."""


async def reconcile_bootstrap(external: ExternalObjects, scope: Scope) -> Result:
    """Own the bootstrap configuration and copy the name of its data Secret, once.

    Raises:
        ContractError, OwnedByAnother, ContractViolation: the reference leads to what cannot be used.
        ApiError: nothing is known.
    """
    try:
        return await _reconcile_bootstrap(external, scope)
    except (ContractError, OwnedByAnother, contract.ContractViolation) as error:
        scope.bootstrap_problem = f"spec.bootstrap.configRef: {error}"
        raise


async def _reconcile_bootstrap(external: ExternalObjects, scope: Scope) -> Result:
    machine = scope.machine
    reference = machine.spec.bootstrap.config_ref
    if reference is None:
        scope.bootstrap = Seen.ABSENT
        if machine.spec.bootstrap.data_secret_name:
            scope.initialization.bootstrap_data_secret_created = True
        return DONE
    found = await external.get(reference, machine.key.namespace)
    if found is None:
        scope.bootstrap = Seen.ABSENT
        return DONE if scope.is_deleting or is_bootstrapped(machine) else Result(REFERENCE_POLL)
    scope.bootstrap = found
    await external.adopt(found, machine, cluster_labels(machine), controller=True)
    if not scope.is_deleting and contract.is_data_secret_created(found.document):
        _take_data(scope, contract.data_secret_name(found.document))
    return DONE


def _take_data(scope: Scope, name: str) -> None:
    """Copy the name of the data Secret; the first one stands, since a computer may have been started with it."""
    bootstrap = scope.machine.spec.bootstrap
    if not name:
        raise ContractError("found status.initialization.dataSecretCreated without status.dataSecretName, allowed are both together")
    if not bootstrap.data_secret_name:
        bootstrap.data_secret_name = name
    scope.initialization.bootstrap_data_secret_created = True
