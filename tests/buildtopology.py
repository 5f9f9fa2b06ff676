"""Topologies for tests, in the manner of `tests.build`: they fit the classes of `tests.buildclasses`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from capelin.api.topology import (
    ClusterClassReference,
    ControlPlaneTopology,
    MachineDeploymentTopology,
    MachinePoolTopology,
    Topology,
    Variable,
    VariableOverrides,
    WorkersTopology,
)
from tests.build import VERSION
from tests.buildclasses import CLASS


def variables(values: Mapping[str, Any]) -> list[Variable] | None:
    """Return values of variables, by name."""
    return [Variable(name=name, value=value) for name, value in values.items()] or None


def overrides(values: Mapping[str, Any]) -> VariableOverrides | None:
    """Return values of variables for one part of a cluster, by name."""
    return VariableOverrides(overrides=variables(values)) if values else None


def deployment_topology(name: str = "workers", *, values: Mapping[str, Any] | None = None, **fields: Any) -> MachineDeploymentTopology:
    """Return one MachineDeployment of a topology; `fields` overrides any field."""
    defaults: dict[str, Any] = {"class_": "worker", "name": name, "variables": overrides(values or {})}
    return MachineDeploymentTopology(**(defaults | fields))


def pool_topology(name: str = "pool", *, values: Mapping[str, Any] | None = None, **fields: Any) -> MachinePoolTopology:
    """Return one MachinePool of a topology; `fields` overrides any field."""
    defaults: dict[str, Any] = {"class_": "pool", "name": name, "variables": overrides(values or {})}
    return MachinePoolTopology(**(defaults | fields))


def topology(
    version: str = VERSION,
    *,
    class_name: str = CLASS,
    values: Mapping[str, Any] | None = None,
    control_plane: ControlPlaneTopology | None = None,
    deployments: Sequence[MachineDeploymentTopology] = (),
    pools: Sequence[MachinePoolTopology] = (),
) -> Topology:
    """Return a topology of a class; `values` are those of its variables, by name."""
    workers = WorkersTopology(machine_deployments=list(deployments) or None, machine_pools=list(pools) or None)
    return Topology(
        class_ref=ClusterClassReference(name=class_name),
        version=version,
        control_plane=control_plane,
        variables=variables(values or {}),
        workers=workers if deployments or pools else None,
    )
