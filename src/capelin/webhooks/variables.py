"""Values of variables in a topology: what the class defines, and whether they fit.

A class defines variables itself (inline), or has extensions that do; what those say stands in the status of the class, once its controller
has asked them. Until then, values of variables that are not known are let through, with a warning: nobody waits here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from capelin.api.classvariables import ClassVariable, VariableDefinition
from capelin.api.clusterclass import VARIABLES_READY_CONDITION, ClusterClass
from capelin.api.meta import find_condition
from capelin.api.refusals import NOT_SUPPORTED, REQUIRED, Refusal, Rule
from capelin.api.topology import (
    MachineDeploymentTopology,
    MachinePoolTopology,
    Topology,
    Variable,
    VariableOverrides,
    WorkersTopology,
)
from capelin.webhooks.admission import Finding, Notice
from capelin.webhooks.rules.quoting import quoted
from capelin.webhooks.topology import CONTROL_PLANE, DEPLOYMENTS, POOLS
from capelin.webhooks.variableschemas import ABSENT, VariableSchema, compiled_of

VARIABLES_ARE_DEFINED = Rule("variables_are_defined", "A topology sets variables that its class defines.")
REQUIRED_VARIABLES_ARE_SET = Rule(
    "required_variables_are_set", "A topology sets every variable that its class requires; one with a default is set by itself."
)
VARIABLE_VALUES_FIT = Rule("variable_values_fit", "The value of a variable fits the schema of its definition, rules in CEL included.")
VARIABLE_SCHEMAS_ARE_USABLE = Rule(
    "variable_schemas_are_usable",
    "The schema of a variable that is set can be compared with values: an unusable one is mended in the class.",
)

VARIABLE_RULES: Final = (VARIABLES_ARE_DEFINED, REQUIRED_VARIABLES_ARE_SET, VARIABLE_VALUES_FIT, VARIABLE_SCHEMAS_ARE_USABLE)

FIELD: Final = "spec.topology.variables"

_SHOWN: Final = 10
"""Variables that a refusal of an unknown one names; further ones are counted."""

_Worker = MachineDeploymentTopology | MachinePoolTopology


@dataclass(frozen=True, slots=True)
class Definitions:
    """What a class defines, by name and in its order. `complete` is false as long as extensions may define more."""

    owner: str
    known: Mapping[str, ClassVariable | VariableDefinition]
    complete: bool

    def schema(self, name: str) -> VariableSchema:
        """Return the schema of a variable.

        Raises:
            ValueError: it is none that values could be compared with.
        """
        return compiled_of(self.known[name].schema_.open_api_v3_schema)


def definitions_of(clusterclass: ClusterClass) -> Definitions:
    """Return what a class defines, as far as it is known. The first definition of a name is taken."""
    known: dict[str, ClassVariable | VariableDefinition] = {}
    for inline in clusterclass.spec.variables or ():
        known.setdefault(inline.name, inline)
    patches = clusterclass.spec.patches or ()
    if not any(patch.external and patch.external.discover_variables_extension for patch in patches):
        return Definitions(clusterclass.metadata.name, known, complete=True)
    if not _is_current(clusterclass) or clusterclass.status is None:
        return Definitions(clusterclass.metadata.name, known, complete=False)
    for variable in clusterclass.status.variables or ():
        for definition in variable.definitions[:1]:
            known.setdefault(variable.name, definition)
    return Definitions(clusterclass.metadata.name, known, complete=True)


def _is_current(clusterclass: ClusterClass) -> bool:
    """Tell whether the status of a class is about its spec, and all its extensions have told their variables."""
    status = clusterclass.status
    ready = find_condition(status.conditions if status else None, VARIABLES_READY_CONDITION)
    return (
        status is not None
        and status.observed_generation == clusterclass.metadata.generation
        and ready is not None
        and ready.status != "False"
    )


def variable_findings(topology: Topology, old: Topology | None, definitions: Definitions) -> Iterator[Finding]:
    """Yield what is wrong with the values of a topology. `old`, the topology before, is for rules about changes."""
    if not definitions.complete:
        told = f"variables that extensions of ClusterClass {definitions.owner} define are not known yet, and were not checked"
        yield Notice(f"{FIELD}: {told}: its condition {VARIABLES_READY_CONDITION} tells why")
    yield from _missing(topology.variables or (), definitions)
    for field, values, before in _places(topology, old):
        yield from _misfits(field, values, _values(before), definitions)


def values_of(topology: Topology) -> Iterator[tuple[str, Sequence[Variable]]]:
    """Yield where values stand in a topology, and those."""
    for field, values, _ in _places(topology, None):
        yield field, values


def _places(topology: Topology, old: Topology | None) -> Iterator[tuple[str, Sequence[Variable], Sequence[Variable]]]:
    """Yield where values stand, those, and those that stood there before."""
    yield FIELD, topology.variables or (), (old.variables if old else None) or ()
    control_plane, before = topology.control_plane, old.control_plane if old else None
    if control_plane is not None:
        field = f"{CONTROL_PLANE}.variables.overrides"
        yield field, _overrides(control_plane.variables), _overrides(before.variables if before else None)
    workers, previous = topology.workers or WorkersTopology(), (old.workers if old else None) or WorkersTopology()
    yield from _group_places(DEPLOYMENTS, workers.machine_deployments or (), previous.machine_deployments or ())
    yield from _group_places(POOLS, workers.machine_pools or (), previous.machine_pools or ())


def _group_places(
    field: str, groups: Sequence[_Worker], previous: Sequence[_Worker]
) -> Iterator[tuple[str, Sequence[Variable], Sequence[Variable]]]:
    before = {group.name: group for group in previous}
    for index, group in enumerate(groups):
        if group.variables is not None:
            old = before.get(group.name)
            yield f"{field}[{index}].variables.overrides", _overrides(group.variables), _overrides(old.variables if old else None)


def _overrides(variables: VariableOverrides | None) -> Sequence[Variable]:
    return (variables.overrides if variables else None) or ()


def _values(variables: Sequence[Variable]) -> Mapping[str, Any]:
    return {variable.name: variable.value for variable in variables}


def _missing(variables: Sequence[Variable], definitions: Definitions) -> Iterator[Refusal]:
    present = {variable.name for variable in variables}
    for name, definition in definitions.known.items():
        if definition.required and name not in present:
            allowed = f"a value for it, which ClusterClass {definitions.owner} requires"
            yield REQUIRED_VARIABLES_ARE_SET.broken(FIELD, f"no variable {quoted(name)}", allowed, reason=REQUIRED)


def _misfits(field: str, variables: Sequence[Variable], old: Mapping[str, Any], definitions: Definitions) -> Iterator[Refusal]:
    for index, variable in enumerate(variables):
        place = f"{field}[{index}]"
        if variable.name not in definitions.known:
            if definitions.complete:
                allowed = f"a variable of ClusterClass {definitions.owner}, which has {_named(definitions)}"
                yield VARIABLES_ARE_DEFINED.broken(f"{place}.name", quoted(variable.name), allowed, reason=NOT_SUPPORTED)
            continue
        try:
            schema = definitions.schema(variable.name)
            misfits = schema.validate(variable.value, f"{place}.value", old.get(variable.name, ABSENT))
        except ValueError as error:
            if old.get(variable.name, ABSENT) == variable.value:
                continue  # the same refusal before and after a change of the value would never be told
            found = f"a value where the schema in ClusterClass {definitions.owner} cannot be used: {error}"
            yield VARIABLE_SCHEMAS_ARE_USABLE.broken(f"{place}.value", found, "no value, until the class is mended")
            continue
        yield from (misfit.under(VARIABLE_VALUES_FIT, variable.name) for misfit in misfits)


def _named(definitions: Definitions) -> str:
    names = list(definitions.known)
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return ", ".join([*map(quoted, names[:_SHOWN]), *more]) or "none"
