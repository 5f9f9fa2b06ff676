"""Templates, and the bootstrap configuration and infrastructure that are made from them for every Machine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from capelin.api.machine import Machine, MachineInitialization
from capelin.api.meta import Unstructured
from capelin.api.references import ContractReference
from capelin.controllers.machineset.children import desired_companion, is_made_from
from capelin.controllers.machineset.scope import Scope
from capelin.runtime import errors
from capelin.runtime.client import Client
from capelin.runtime.contract import ContractError
from capelin.runtime.external import ExternalObjects, Seen
from capelin.runtime.ownership import adopt
from capelin.runtime.reconcile import DONE, Result

TEMPLATE_POLL: Final = timedelta(seconds=2)
"""How often to look for a template that does not exist yet: it has no owner among the sets, so its creation wakes none. Looking is a read
of the cache."""


async def reconcile_templates(external: ExternalObjects, client: Client, scope: Scope) -> Result:
    """Look the templates up; those of a set that stands alone are made to belong to its Cluster.

    Raises:
        ContractError: a reference leads to no provider's kind.
        ApiError: nothing is known.
    """
    spec = scope.machineset.spec.template.spec
    try:
        scope.infrastructure_template = await _template(external, client, scope, spec.infrastructure_ref)
        scope.bootstrap_template = Seen.ABSENT
        if spec.bootstrap.config_ref is not None:
            scope.bootstrap_template = await _template(external, client, scope, spec.bootstrap.config_ref)
    except ContractError as error:
        scope.blockers.append(str(error))
        raise
    return Result(TEMPLATE_POLL) if scope.missing else DONE


async def _template(external: ExternalObjects, client: Client, scope: Scope, reference: ContractReference) -> Unstructured | Seen:
    found = await external.get(reference, scope.machineset.key.namespace)
    if found is None:
        scope.missing.append(reference.kind)
        return Seen.ABSENT
    cluster = scope.cluster
    stands_alone = scope.machineset.metadata.controller is None
    if stands_alone and cluster is not None and cluster.metadata.deletion_timestamp is None:
        await adopt(client, found, cluster, controller=False)
    return found


async def reconcile_companions(external: ExternalObjects, client: Client, scope: Scope) -> Result:
    """Make what an interrupted pass has left unmade for the Machines there are.

    A companion that its Machine has already seen ready and that is gone now was deleted by somebody: the Machine says so, and nothing is
    made in its place.
    """
    if isinstance(scope.machines, Seen) or is_closed(scope):
        return DONE
    for machine in scope.machines:
        if machine.metadata.deletion_timestamp is None:
            for companion in companions_of(machine, scope):
                if not companion.was_ready and await external.get(companion.reference, machine.key.namespace) is None:
                    await create_companion(external, client, scope, machine, companion)
    scope.has_incomplete_machine = False
    return DONE


@dataclass(frozen=True, slots=True)
class Companion:
    """A bootstrap configuration or infrastructure that the set makes for one Machine."""

    reference: ContractReference
    template: Unstructured | Seen
    was_ready: bool  # the Machine has seen it do its work


def companions_of(machine: Machine, scope: Scope) -> list[Companion]:
    """Return what the set makes for the Machine, in the order of making; what an adopted Machine brought along is not among it."""
    template, status = scope.machineset.spec.template.spec, machine.status
    reached = (status.initialization if status is not None else None) or MachineInitialization()
    bootstrap = machine.spec.bootstrap.config_ref
    found = []
    if bootstrap is not None and is_made_from(template.bootstrap.config_ref, bootstrap, machine):
        found.append(Companion(bootstrap, scope.bootstrap_template, bool(reached.bootstrap_data_secret_created)))
    if is_made_from(template.infrastructure_ref, machine.spec.infrastructure_ref, machine):
        found.append(Companion(machine.spec.infrastructure_ref, scope.infrastructure_template, bool(reached.infrastructure_provisioned)))
    return found


async def create_companion(external: ExternalObjects, client: Client, scope: Scope, machine: Machine, companion: Companion) -> None:
    """Create one companion from its template, when that exists.

    A name that is taken is left to the Machine controller, which knows whether the object may be used.
    """
    if not isinstance(companion.template, Unstructured):
        return
    resource = await external.contracts.resource(companion.reference.api_group, companion.reference.kind)
    try:
        await client.create(desired_companion(machine, scope.machineset, companion.template, resource))
    except errors.AlreadyExists:
        return


def is_closed(scope: Scope) -> bool:
    """Tell whether nothing may be created at all: the Cluster is gone or going, or the set contradicts itself."""
    return scope.cluster is None or scope.cluster.metadata.deletion_timestamp is not None or bool(scope.blockers)
