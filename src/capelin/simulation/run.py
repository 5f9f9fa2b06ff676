"""One run: a seed, a workload and what goes wrong, to what came of it."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from capelin.apiserver.storage.store import Event
from capelin.runtime.codec import Document
from capelin.simulation.faults import Drawn, Fault, Listed, Plan
from capelin.simulation.invariants.catalogue import INVARIANTS
from capelin.simulation.invariants.invariant import Change, Violation
from capelin.simulation.loop import Spinning, Stuck, VirtualLoop
from capelin.simulation.process import adopt_tasks
from capelin.simulation.seams import Chance
from capelin.simulation.workloads import WORKLOADS, NeverSettled, Workload
from capelin.simulation.world import World, running

PROFILES: Final[Mapping[str, Mapping[Fault, float]]] = {
    "calm": {},
    "gate": dict.fromkeys(Fault, 0.01),
    "crashes": {Fault.CRASH_BEFORE: 0.02, Fault.CRASH_AFTER_EFFECT: 0.02, Fault.CRASH_AFTER_REPLY: 0.02},
}
"""With which probability each call goes wrong, by name."""


SETTLES: Final = "I50"
"""The rule of the end: everything comes to where the user wants it, and a run does not get stuck on the way."""

SURVIVES: Final = "a manager ended"
"""The rule of processes: nothing that an API server answers ends a manager."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is run. `faults` lists faults by calls; without it they are drawn by the profile."""

    seed: int
    workload: str = "create-delete"
    profile: str = "gate"
    faults: Mapping[int, Fault] | None = None

    @property
    def plan(self) -> Plan:
        """Who decides what goes wrong."""
        if self.faults is not None:
            return Listed(self.faults)
        return Drawn(Chance(self.seed, "faults"), PROFILES[self.profile])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run. `digest` is the same for two runs of one schedule, and for no two runs that differ."""

    schedule: Schedule
    violations: Sequence[Violation]
    faults: Mapping[int, Fault]
    story: Sequence[str]
    digest: str
    calls: int
    deaths: int
    steps: int
    virtual_seconds: float


def run(schedule: Schedule, manifests: list[Document], *, workloads: Mapping[str, Workload] = WORKLOADS) -> Outcome:
    """Run a schedule in a loop of its own. `manifests` are the objects of the cluster that the workload is about."""
    act = workloads[schedule.workload].act
    plan = schedule.plan
    world, violations = World(schedule.seed, plan), list[Violation]()
    world.observers.append(_Checks(world, violations).observe)
    loop = VirtualLoop(Chance(schedule.seed, "order"))
    adopt_tasks(loop)
    gc.disable()  # it would end what nobody closed at moments that depend on what this process did before: runs would not repeat
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # what a dying process was about to start is never awaited
        try:
            loop.run_until_complete(_lived(world, partial(act, world, manifests)))
        except (NeverSettled, Spinning, Stuck) as error:
            violations.append(Violation(SETTLES, loop.time(), str(error)))
        finally:
            loop.close()
            gc.collect()
            gc.enable()
    violations += [Violation(SURVIVES, at, message) for at, message in world.failures]
    given = plan.given if isinstance(plan, Drawn) else schedule.faults or {}
    story = world.story
    return Outcome(schedule, violations, given, story.lines, story.digest, story.calls, world.deaths, loop.steps, loop.time())


async def _lived(world: World, act: Callable[[], Awaitable[None]]) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)  # of the dead, nobody asks
    async with running(world):
        await act()


class _Checks:
    """Asks every invariant about every change that can break it."""

    def __init__(self, world: World, violations: list[Violation]) -> None:
        self._world, self._violations = world, violations
        self._by_resource = {resource: [kind() for kind in INVARIANTS if resource in kind.watches] for resource in _watched()}

    def observe(self, event: Event) -> None:
        checks = self._by_resource.get(event.resource)
        if not checks:
            return
        change = Change(event, self._world.store)
        for invariant in checks:
            for message in invariant.broken(change):
                violation = Violation(invariant.id, self._world.clock.monotonic(), message)
                self._violations.append(violation)
                self._world.story.told(f"VIOLATION {violation}")


def _watched() -> frozenset[str]:
    return frozenset(resource for kind in INVARIANTS for resource in kind.watches)
