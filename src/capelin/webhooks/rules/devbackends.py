"""Backends of the infrastructure for development: what of them can be read, and what of them Capelin's provider acts on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from capelin.api.behavior import B, BehaviorError, declared_behavior
from capelin.api.devcluster import DevClusterSpec
from capelin.api.devmachine import DevMachineSpec, InMemoryStep
from capelin.api.devmachinepool import DevMachinePoolSpec
from capelin.api.durations import parse_duration
from capelin.api.refusals import Refusal, Rule
from capelin.webhooks.admission import Notice
from capelin.webhooks.rules.quoting import quoted

FAILURE_DOMAINS_ARE_SORTED = Rule(
    "failure_domains_are_sorted", "The failure domains of the docker backend are in the order of their names."
)
DURATIONS_ARE_READABLE = Rule("durations_are_readable", "Durations are spelled as Kubernetes spells them, as in 1m30s.")

LARGEST_JITTER: Final = 1000
"""Times the duration of a step that its jitter may be for Capelin's provider; more is a slip of the pen."""

_LONGEST_PROBLEM: Final = 400
"""Characters of what is wrong with a behavior; API servers cut warnings too, and then what follows is lost."""

_NO_CONTAINERS: Final = "Capelin's provider starts no containers, and nothing acts on this"
_DURATION: Final = "a duration such as 1s, 200ms or 1m30s"


def devcluster_refusals(field: str, spec: DevClusterSpec | None) -> Iterator[Refusal]:
    """Yield what is wrong with the DevCluster's spec at `field`."""
    docker = spec.backend.docker if spec else None
    names = [domain.name for domain in (docker.failure_domains if docker else None) or ()]
    for index, (before, name) in enumerate(pairwise(names), start=1):
        if name < before:
            place, allowed = f"{field}.backend.docker.failureDomains[{index}].name", f"a name behind {quoted(before)} in the alphabet"
            yield FAILURE_DOMAINS_ARE_SORTED.broken(place, quoted(name), allowed)


def devmachine_refusals(field: str, spec: DevMachineSpec | None) -> Iterator[Refusal]:
    """Yield what is wrong with the DevMachine's spec at `field`."""
    if spec is None:
        return
    docker = spec.backend.docker
    if docker is not None and docker.bootstrap_timeout is not None and not _is_duration(docker.bootstrap_timeout):
        place = f"{field}.backend.docker.bootstrapTimeout"
        yield DURATIONS_ARE_READABLE.broken(place, quoted(docker.bootstrap_timeout), _DURATION)
    for name, step in _steps(spec):
        if step.provisioning is not None and not _is_duration(step.provisioning.startup_duration):
            place = f"{field}.backend.inMemory.{name}.provisioning.startupDuration"
            yield DURATIONS_ARE_READABLE.broken(place, quoted(step.provisioning.startup_duration), _DURATION)


def backend_notices(field: str, spec: DevClusterSpec | DevMachineSpec | None) -> Iterator[Notice]:
    """Yield a warning of a backend at `field` that Capelin's provider does nothing with."""
    if spec is not None and spec.backend.docker is not None and spec.backend.in_memory is None:
        yield Notice(
            f"{field}.backend.docker: Capelin's provider starts no containers, and nothing acts on this: set inMemory to simulate it"
        )


def pool_notices(field: str, spec: DevMachinePoolSpec | None) -> Iterator[Notice]:
    """Yield a warning of a pool's backend at `field`, which has no simulated kind."""
    if spec is not None and spec.backend is not None and spec.backend.docker is not None:
        yield Notice(f"{field}.backend.docker: {_NO_CONTAINERS}: use a MachineDeployment of DevMachines instead")


def jitter_notices(field: str, spec: DevMachineSpec | None) -> Iterator[Notice]:
    """Yield warnings of jitters that no machine can start with."""
    for name, step in _steps(spec) if spec else ():
        jitter = step.provisioning.startup_jitter if step.provisioning else None
        if jitter and not _is_jitter(jitter):
            place = f"{field}.backend.inMemory.{name}.provisioning.startupJitter"
            yield Notice(f"{place}: no machine can start with {quoted(jitter)}: set a fraction such as 0.2")


def behavior_notices(kind: type[B], annotations: Mapping[str, str] | None) -> Iterator[Notice]:
    """Yield a warning of a declared behavior that cannot be understood, and so has no effect."""
    try:
        declared_behavior(kind, annotations)
    except BehaviorError as error:
        problem = str(error)
        yield Notice(f"{problem[:_LONGEST_PROBLEM]}{'…' if len(problem) > _LONGEST_PROBLEM else ''}: it has no effect")


def _steps(spec: DevMachineSpec) -> Iterator[tuple[str, InMemoryStep]]:
    backend = spec.backend.in_memory
    if backend is None:
        return
    for name, step in (("vm", backend.vm), ("node", backend.node), ("apiServer", backend.api_server), ("etcd", backend.etcd)):
        if step is not None:
            yield name, step


def _is_duration(text: str) -> bool:
    try:
        parse_duration(text)
    except ValueError:
        return False
    return True


def _is_jitter(text: str) -> bool:
    try:
        return 0.0 <= float(text) <= LARGEST_JITTER
    except ValueError:
        return False
