"""Values of variables that a topology leaves out, or leaves incomplete, and that its class has defaults for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from capelin.api.topology import MachineDeploymentTopology, MachinePoolTopology, Topology, Variable, VariableOverrides
from capelin.webhooks.variables import Definitions
from capelin.webhooks.variableschemas import ABSENT

W = TypeVar("W", MachineDeploymentTopology, MachinePoolTopology)


def default_variables(topology: Topology, definitions: Definitions) -> Topology:
    """Return the topology with the values that its class has defaults for: missing ones of the cluster, and what is missing in values."""
    values = _defaulted(topology.variables, definitions)
    present = {variable.name for variable in topology.variables or ()}
    for name in definitions.known:
        if name not in present and (value := _default(definitions, name, ABSENT)) is not ABSENT:
            values.append(Variable(name=name, value=value))
    changes: dict[str, Any] = {"variables": values} if values else {}
    if topology.control_plane is not None:
        overrides = _with_overrides(topology.control_plane.variables, definitions)
        changes["control_plane"] = topology.control_plane.model_copy(update=overrides)
    if topology.workers is not None:
        workers: dict[str, Any] = {}
        if topology.workers.machine_deployments:
            workers["machine_deployments"] = _default_groups(topology.workers.machine_deployments, definitions)
        if topology.workers.machine_pools:
            workers["machine_pools"] = _default_groups(topology.workers.machine_pools, definitions)
        changes["workers"] = topology.workers.model_copy(update=workers)
    return topology.model_copy(update=changes)


def _default_groups(groups: Sequence[W], definitions: Definitions) -> list[W]:
    return [group.model_copy(update=_with_overrides(group.variables, definitions)) for group in groups]


def _with_overrides(variables: VariableOverrides | None, definitions: Definitions) -> dict[str, Any]:
    if variables is None or not variables.overrides:
        return {}
    return {"variables": variables.model_copy(update={"overrides": _defaulted(variables.overrides, definitions)})}


def _defaulted(variables: Sequence[Variable] | None, definitions: Definitions) -> list[Variable]:
    found = []
    for variable in variables or ():
        value = _default(definitions, variable.name, variable.value)
        found.append(variable if value is variable.value else variable.model_copy(update={"value": value}))
    return found


def _default(definitions: Definitions, name: str, value: Any) -> Any:
    """Return a value with its defaults; itself where the class does not know the variable, or has no usable schema for it."""
    if name not in definitions.known:
        return value
    try:
        return definitions.schema(name).default(value)
    except ValueError:
        return value  # told of by `variable_findings`
