"""Every invariant that is checked."""

from __future__ import annotations

from typing import Final

from capelin.simulation.invariants import clusters, machines
from capelin.simulation.invariants.invariant import Invariant

INVARIANTS: Final[tuple[type[Invariant], ...]] = (
    clusters.ClusterGoesLast,
    clusters.EndpointStays,
    clusters.NothingIsMadeUnderADyingCluster,
    machines.WrittenOnce,
    machines.NoMoreThanWanted,
    machines.NobodyTakesAnothersMachine,
    machines.SurgeIsBounded,
)
