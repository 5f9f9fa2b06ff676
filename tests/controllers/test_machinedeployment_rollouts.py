"""The standard's own rollouts, step by step: its recorded simulations against our planner.

A recording tells what the MachineDeployment controller decided and what every MachineSet then looked like. The simulation below repeats it
with our decisions, writes its own recording and compares the two line by line. Users who delete Machines (OnDelete) are part of the input.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from capelin.api.labels import CLUSTER_NAME_LABEL
from capelin.api.machine import Machine, MachineStatus, NodeReference
from capelin.api.machinedeployment import ON_DELETE, REVISION_ANNOTATION, ROLLING_UPDATE, MachineDeployment
from capelin.api.machineset import DISABLE_MACHINE_CREATE_ANNOTATION, MachineSet, MachineSetStatus
from capelin.controllers.machinedeployment.desired import next_revision, steering_annotations
from capelin.controllers.machinedeployment.plan import Scale, plan_rollout
from capelin.controllers.machineset.plan import plan_scale
from tests import build

ROLLOUTS = 7
ITERATIONS = 49
"""How many passes of the MachineDeployment controller the recordings hold: fewer would mean that the parser lost some."""


def recordings() -> list[Path]:
    place = os.environ.get("CAPELIN_REFERENCE")
    if not place:
        pytest.skip("CAPELIN_REFERENCE is not set: it names the folder with the recorded rollouts")
    return sorted(Path(place, "rollouts").glob("*.log"))


def test_every_recorded_rollout_is_repeated_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    found = recordings()
    iterations = 0

    for path in found:
        recording = Recording.parse(path.read_text())
        assert list(Simulation(recording).run()) == recording.lines, path.name
        iterations += recording.iterations

    with capsys.disabled():
        print(f"\nrollouts compared with the standard's: {len(found)} of {ROLLOUTS}, {iterations} of {ITERATIONS} iterations")  # noqa: T201 - the figure is the result
    assert (len(found), iterations) == (ROLLOUTS, ITERATIONS)


@dataclass
class Recording:
    """A recorded rollout: its input, and the lines that a repetition has to write."""

    desired: int
    strategy: str
    max_surge: int
    max_unavailable: int
    initial: dict[str, list[str]]  # names of Machines by MachineSet
    current: str  # the MachineSet that equals the template from the start, or an empty name
    deletions: dict[int, str]  # the Machine that a user deletes, by iteration
    iterations: int
    lines: list[str]

    @classmethod
    def parse(cls, text: str) -> Recording:
        lines = [line.strip() for line in text.splitlines()[2:]]
        start = next(index for index, line in enumerate(lines) if line.startswith("[Test] Rollout"))
        title, opening = lines[start], lines[1:start]
        rolling = re.search(r"MaxSurge=(\d+), MaxUnavailable=(\d+)", title)
        initial = {m[1]: m[2].split(",") for m in (re.match(r"(ms\d+): .*\((.*)\)", line) for line in opening) if m}
        created = any(line.startswith("- MachineSet ") for line in lines)
        users = [re.match(r"\[User\] Iteration (\d+), Deleting machine (\w+)", line) for line in lines]
        return cls(
            desired=int(opening[0].split("/")[1].split()[0]),
            strategy=ROLLING_UPDATE if rolling else ON_DELETE,
            max_surge=int(rolling[1]) if rolling else 0,
            max_unavailable=int(rolling[2]) if rolling else 0,
            initial=initial,
            current="" if created else max(initial),
            deletions={int(m[1]): m[2] for m in users if m},
            iterations=sum(line.startswith("[MD controller] Iteration") for line in lines),
            lines=[line for line in lines if not line.startswith(("[User]", "[M controller]"))],
        )


@dataclass
class Simulation:
    """A MachineDeployment with its MachineSets, driven as the recording was."""

    recording: Recording
    sets: dict[str, MachineSet] = field(default_factory=dict)
    machines: dict[str, list[str]] = field(default_factory=dict)
    totals: tuple[int, int, int] = (0, 0, 0)  # replicas, available, up to date: the deployment's status
    last_machine: int = 0

    def run(self) -> Iterator[str]:
        self._set_up()
        yield "[Test] Initial state"
        yield from self._state()
        bounds = f"MaxSurge={self.recording.max_surge}, MaxUnavailable={self.recording.max_unavailable}"
        yield f"[Test] Rollout {self._initial_count} replicas, {bounds if self._is_rolling else 'onDeleteStrategy'}"
        for iteration in range(1, self.recording.iterations + 1):
            yield f"[MD controller] Iteration {iteration}, Reconcile md"
            yield from self._reconcile_deployment()
            for name in sorted(self.sets):
                yield f"[MS controller] Iteration {iteration}, Reconcile {self._line(name)}"
                yield from self._reconcile_set(name)
            if iteration in self.recording.deletions:
                for names in self.machines.values():
                    names[:] = [name for name in names if name != self.recording.deletions[iteration]]
        yield "[Test] Final state"
        yield from self._state()

    def _set_up(self) -> None:
        for name, machines in self.recording.initial.items():
            self.sets[name] = build.machineset(name, replicas=len(machines))
            self.machines[name] = list(machines)
            self._observe(name, current="")
        self.current = self.recording.current
        self.last_machine = max(int(name[1:]) for names in self.machines.values() for name in names)
        self.totals = (self.recording.desired, self.recording.desired, 0)

    @property
    def _is_rolling(self) -> bool:
        return self.recording.strategy == ROLLING_UPDATE

    @property
    def _initial_count(self) -> int:
        return sum(len(names) for names in self.recording.initial.values())

    @property
    def _deployment(self) -> MachineDeployment:
        return build.machinedeployment(
            replicas=self.recording.desired,
            strategy=self.recording.strategy,
            max_surge=self.recording.max_surge,
            max_unavailable=self.recording.max_unavailable,
        )

    def _reconcile_deployment(self) -> Iterator[str]:
        self.totals = self._sum()
        created = not self.current
        if created:
            self.current = f"ms{len(self.sets) + 1}"
            self.sets[self.current] = build.machineset(self.current, replicas=0)
            self.machines[self.current] = []
            self._observe(self.current)
        old = [machine_set for name, machine_set in self.sets.items() if name != self.current]
        scales = plan_rollout(self._deployment, self.sets[self.current], old)
        revision = next_revision(self.sets[self.current], old)
        yield "[MD controller] - Result of rollout planner"
        yield self._deployment_line()
        for name in sorted(self.sets):
            yield from self._steer(name, scales.get(name), revision, created=created and name == self.current)

    def _steer(self, name: str, scale: Scale | None, revision: int, *, created: bool) -> Iterator[str]:
        """Tell a set what the plan says, and record the difference as the standard does."""
        machine_set, is_current = self.sets[name], name == self.current
        wanted = steering_annotations(self._deployment, revision if is_current else None)
        shown = [REVISION_ANNOTATION, DISABLE_MACHINE_CREATE_ANNOTATION]
        found = machine_set.metadata.annotations or {}
        diff = [f"{key}: {wanted[key]}" for key in shown if key in wanted and wanted[key] != found.get(key)]
        took_over = is_current and not created and REVISION_ANNOTATION not in found
        machine_set.metadata.annotations = {**found, **wanted}
        before = machine_set.spec.replicas
        machine_set.spec.replicas = scale.after if scale else before
        yield self._line(name, before=None if created else before)
        if created:
            yield f"- MachineSet {name} created, it is now the current MachineSet"
        if scale:
            yield f"- {scale.describe('current' if is_current else 'old')}"
            yield f"- Reason: {'this is now the current MachineSet, ' if took_over else ''}{scale.reason}"
            diff = [f"replicas {scale.after}", *diff]
        elif diff and not created:
            yield f"- Updated {'current' if is_current else 'old'} MachineSet {name}"
        if diff and not created:
            yield f"- Diff: {','.join(diff)}"

    def _reconcile_set(self, name: str) -> Iterator[str]:
        machine_set, names = self.sets[name], self.machines[name]
        step = plan_scale(machine_set, [_machine(machine) for machine in names])
        annotations = machine_set.metadata.annotations or {}
        create = 0 if annotations.get(DISABLE_MACHINE_CREATE_ANNOTATION) == "true" else step.create
        made = [f"m{self.last_machine + number}" for number in range(1, create + 1)]
        gone = [machine.metadata.name for machine in step.delete]
        self.last_machine += create
        names[:] = [machine for machine in names if machine not in gone] + made
        self._observe(name)
        size = f"{len(names)}/{machine_set.spec.replicas} replicas"
        if made:
            yield f"[MS controller] - {name} scale up to {size} ({','.join(made)} created)"
        if gone:
            yield f"[MS controller] - {name} scale down to {size} ({','.join(gone)} deleted)"

    def _observe(self, name: str, current: str | None = None) -> None:
        """Write the status of a set whose Machines are available as soon as they exist."""
        count = len(self.machines[name])
        up_to_date = count if name == (self.current if current is None else current) else 0
        self.sets[name].status = MachineSetStatus(replicas=count, available_replicas=count, up_to_date_replicas=up_to_date)

    def _sum(self) -> tuple[int, int, int]:
        statuses = [machine_set.status or MachineSetStatus() for machine_set in self.sets.values()]
        # The recordings of OnDelete never count the deployment's own up-to-date replicas.
        up_to_date = sum(s.up_to_date_replicas or 0 for s in statuses) if self._is_rolling else 0
        return sum(s.replicas or 0 for s in statuses), sum(s.available_replicas or 0 for s in statuses), up_to_date

    def _state(self) -> Iterator[str]:
        yield self._deployment_line().removeprefix("md: ")
        for name in sorted(self.sets):
            yield self._line(name)

    def _deployment_line(self) -> str:
        replicas, available, up_to_date = self.totals
        return f"md: md: {replicas}/{self.recording.desired} replicas, {available} available, {up_to_date} upToDate"

    def _line(self, name: str, before: int | None = None) -> str:
        machine_set = self.sets[name]
        status = machine_set.status or MachineSetStatus()
        size = f"{status.replicas}/{machine_set.spec.replicas}"
        if before is not None and before != machine_set.spec.replicas:
            size = f"from {status.replicas}/{before} to {size}"
        counts = f"{status.available_replicas} available, {status.up_to_date_replicas} upToDate"
        return f"{name}: {size} replicas, {counts} ({','.join(self.machines[name])})"


def _machine(name: str) -> Machine:
    return build.machine(name, labels={CLUSTER_NAME_LABEL: build.CLUSTER}, status=MachineStatus(node_ref=NodeReference(name=name)))
