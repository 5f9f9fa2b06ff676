"""Machines: how many there are, whose they are, and what never changes about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from capelin.runtime.codec import Document
from capelin.simulation.invariants.invariant import Change, Invariant

MACHINES = "machines.cluster.x-k8s.io"
MACHINE_SETS = "machinesets.cluster.x-k8s.io"
MACHINE_DEPLOYMENTS = "machinedeployments.cluster.x-k8s.io"


def _at(document: Document | None, *path: str) -> Any:
    found: Any = document
    for step in path:
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _controller(document: Document) -> str:
    owners = _at(document, "metadata", "ownerReferences") or ()
    return next((str(owner["uid"]) for owner in owners if owner.get("controller")), "")


class WrittenOnce(Invariant):
    """What a Machine is bound to stays: its computer, and the data it was started with."""

    id = "I6"
    watches = frozenset({MACHINES})

    def broken(self, change: Change) -> Iterator[str]:
        for path in (("spec", "providerID"), ("spec", "bootstrap", "dataSecretName")):
            old, new = _at(change.old, *path), _at(change.new, *path)
            if change.new is not None and old is not None and old != new:
                yield f"Machine {change.name}: {'.'.join(path)} was {old!r} and is {new!r}"


class NoMoreThanWanted(Invariant):
    """A MachineSet never makes a Machine beyond its number of replicas, however old what it sees is."""

    id = "I11"
    watches = frozenset({MACHINES})

    def broken(self, change: Change) -> Iterator[str]:
        if change.event.type != "ADDED" or change.new is None:
            return
        owner = _controller(change.new)
        for machineset in change.others(MACHINE_SETS):
            if machineset["metadata"]["uid"] == owner:
                living = [m for m in change.others(MACHINES) if _controller(m) == owner and not m["metadata"].get("deletionTimestamp")]
                wanted = _at(machineset, "spec", "replicas") or 0
                if len(living) > wanted:
                    yield f"MachineSet {machineset['metadata']['name']}: {len(living)} Machines live, {wanted} are wanted"


class NobodyTakesAnothersMachine(Invariant):
    """A Machine that has a controller keeps it."""

    id = "I13"
    watches = frozenset({MACHINES})

    def broken(self, change: Change) -> Iterator[str]:
        if change.old is None or change.new is None:
            return
        old, new = _controller(change.old), _controller(change.new)
        if old and new and old != new:
            yield f"Machine {change.name}: its controller was {old} and is {new}"


class SurgeIsBounded(Invariant):
    """A MachineDeployment never has more Machines than its replicas and what it may surge."""

    id = "I16"
    watches = frozenset({MACHINES})

    def broken(self, change: Change) -> Iterator[str]:
        if change.event.type != "ADDED" or change.new is None:
            return
        name = _at(change.new, "metadata", "labels", "cluster.x-k8s.io/deployment-name")
        for deployment in change.others(MACHINE_DEPLOYMENTS):
            if deployment["metadata"]["name"] == name:
                living = [m for m in change.others(MACHINES) if _is_of(m, str(name))]
                surge = _at(deployment, "spec", "rollout", "strategy", "rollingUpdate", "maxSurge")
                bound = (_at(deployment, "spec", "replicas") or 0) + (surge if isinstance(surge, int) else 1)
                if len(living) > bound:
                    yield f"MachineDeployment {name}: {len(living)} Machines live, at most {bound} may"


def _is_of(machine: Document, deployment: str) -> bool:
    labels = _at(machine, "metadata", "labels") or {}
    return labels.get("cluster.x-k8s.io/deployment-name") == deployment and not machine["metadata"].get("deletionTimestamp")
