"""What can go wrong with a call, and who decides that it does.

Every call of a process to a server passes its link, which asks the plan of the run. A plan is chance drawn from the seed, or a list of
faults by the numbers of calls: the same plan gives the same run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from capelin.simulation.seams import Chance


class Fault(Enum):
    """One thing that goes wrong with one call."""

    CRASH_BEFORE = "the caller dies before it has sent the request"
    CRASH_AFTER_EFFECT = "the caller dies after the request took effect, before the answer"
    CRASH_AFTER_REPLY = "the caller dies with the answer in its hand"
    LOST_REQUEST = "the request is lost, and the caller told after a while"
    LOST_REPLY = "the request takes effect, and the answer is lost"
    CONFLICT = "409: somebody else was faster"
    THROTTLED = "429 with Retry-After"
    UNAVAILABLE = "503"
    SLOW = "the answer takes half a minute"


CRASHES = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER_EFFECT, Fault.CRASH_AFTER_REPLY)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its number among those of the run, who makes it, and to what."""

    number: int
    process: str
    server: str
    verb: str
    resource: str
    name: str

    def __str__(self) -> str:
        return f"{self.process} → {self.server}: {self.verb} {self.resource} {self.name}".rstrip()


class Plan(Protocol):
    """Decides what goes wrong."""

    def fault(self, call: Call) -> Fault | None:
        """Return what goes wrong with a call, or None."""


class NoFaults:
    """Everything goes well."""

    def fault(self, call: Call) -> Fault | None:  # noqa: ARG002 - the shape of a plan
        """Return None."""
        return None


@dataclass(frozen=True, slots=True)
class Listed:
    """Exactly these faults, by the number of the call."""

    faults: Mapping[int, Fault]

    def fault(self, call: Call) -> Fault | None:
        """Return the fault that is listed for the call."""
        return self.faults.get(call.number)


@dataclass(slots=True)
class Drawn:
    """Faults by chance: each call goes wrong with the probability of the profile. What was drawn is kept in `given`."""

    chance: Chance
    probabilities: Mapping[Fault, float]
    given: dict[int, Fault] = field(default_factory=dict)

    def fault(self, call: Call) -> Fault | None:
        """Return the fault that chance has for the call."""
        drawn = self.chance.random()
        for fault, probability in self.probabilities.items():
            if drawn < probability:
                if fault is Fault.CONFLICT and call.verb not in ("update", "patch"):
                    return None
                self.given[call.number] = fault
                return fault
            drawn -= probability
        return None
