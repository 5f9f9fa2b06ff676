"""Whether Machines equal what their MachineDeployment asks for.

Only what cannot be changed on a running Machine counts: its version, its bootstrap configuration, its infrastructure, its failure domain.
The comparison is by field, never by hash, so that a new field of the API or another way to write an object down rolls nothing.
Everything else (labels, annotations, taints, time-outs, readiness gates) reaches Machines in place.
"""

from __future__ import annotations

from datetime import datetime

from capelin.api.machine import Bootstrap, MachineSpec
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import MachineSet
from capelin.api.meta import Condition
from capelin.api.reasons import NOT_UP_TO_DATE_REASON, UP_TO_DATE_CONDITION, UP_TO_DATE_REASON
from capelin.api.references import ContractReference


def template_differences(found: MachineSpec, wanted: MachineSpec) -> list[str]:
    """Return one line for each difference that only a new Machine can overcome."""
    lines = []
    if found.version != wanted.version:
        lines.append(_required("Version", found.version, wanted.version))
    if found.failure_domain != wanted.failure_domain:
        lines.append(_required("Failure domain", found.failure_domain, wanted.failure_domain))
    if _reference(found.infrastructure_ref) != _reference(wanted.infrastructure_ref):
        lines.append(f"{_spelled(found.infrastructure_ref)}, {_spelled(wanted.infrastructure_ref)} required")
    if _source(found.bootstrap) != _source(wanted.bootstrap):
        lines.append(f"{_bootstrap(found.bootstrap)}, {_bootstrap(wanted.bootstrap)} required")
    return lines


def rollout_is_due(deployment: MachineDeployment, created: datetime | None, *, now: datetime) -> bool:
    """Tell whether `spec.rollout.after` has come and asks for the replacement of what was created before it."""
    after = deployment.spec.rollout.after if deployment.spec.rollout is not None else None
    return after is not None and after <= now and created is not None and created < after


def set_differences(machineset: MachineSet, deployment: MachineDeployment, *, now: datetime) -> list[str]:
    """Return one line for each reason why the Machines of the set have to be replaced; empty for the deployment's current set."""
    lines = template_differences(machineset.spec.template.spec, deployment.spec.template.spec)
    if rollout_is_due(deployment, machineset.metadata.creation_timestamp, now=now):
        lines.append("MachineDeployment spec.rollout.after has passed")
    return lines


def up_to_date_condition(machineset: MachineSet, deployment: MachineDeployment, *, now: datetime) -> Condition:
    """Return the UpToDate condition of the Machines of a set that belongs to `deployment`."""
    lines = set_differences(machineset, deployment, now=now)
    return Condition(
        type=UP_TO_DATE_CONDITION,
        status="False" if lines else "True",
        last_transition_time=now,
        reason=NOT_UP_TO_DATE_REASON if lines else UP_TO_DATE_REASON,
        message="\n".join(f"* {line}" for line in lines),
    )


def _required(what: str, found: str | None, wanted: str | None) -> str:
    return f"{what} {found or 'none'}, {wanted or 'none'} required"


def _reference(reference: ContractReference) -> tuple[str, str, str]:
    return reference.api_group, reference.kind, reference.name


def _spelled(reference: ContractReference) -> str:
    return f"{reference.kind} {reference.name}"


def _source(bootstrap: Bootstrap) -> tuple[object, ...]:
    """Return where bootstrap data comes from; with a configuration the Secret's name is an answer, not part of the question."""
    if bootstrap.config_ref is not None:
        return _reference(bootstrap.config_ref)
    return (bootstrap.data_secret_name,)


def _bootstrap(bootstrap: Bootstrap) -> str:
    if bootstrap.config_ref is not None:
        return _spelled(bootstrap.config_ref)
    return f"Bootstrap data Secret {bootstrap.data_secret_name or 'none'}"
