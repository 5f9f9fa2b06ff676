"""Which Machines a MachineSet creates or deletes next, and under which names. Pure.

Names follow from ordinals. The set keeps the range of ordinals that it has reserved and may still have to use in one annotation, written
`first:next`: below `first` every ordinal is settled (its Machine was made, and may be gone), from `next` on none was ever used. Machines
are created in ascending order and one after the other, so every ordinal up to the highest that is seen was used. A create that may or may
not have taken effect is repeated under the same name and meets its own first attempt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from capelin.api.machine import DELETE_MACHINE_ANNOTATION, HEALTH_CHECK_SUCCEEDED_CONDITION, NODE_HEALTHY_CONDITION, Machine
from capelin.api.machineset import DELETION_ORDER_NEWEST, DELETION_ORDER_OLDEST, ORDINAL_ANNOTATION, MachineSet
from capelin.api.meta import find_condition
from capelin.api.reasons import AVAILABLE_CONDITION


@dataclass(frozen=True, slots=True)
class ScaleStep:
    """What follows from comparing the Machines there are with those wanted: so many more, or these fewer."""

    create: int = 0
    delete: tuple[Machine, ...] = ()


def plan_scale(machineset: MachineSet, machines: Sequence[Machine]) -> ScaleStep:
    """Return the step to `spec.replicas`. Machines that are being deleted count until they are gone: their Nodes may still run Pods."""
    difference = len(machines) - (machineset.spec.replicas or 0)
    if difference < 0:
        return ScaleStep(create=-difference)
    return ScaleStep(delete=tuple(m for m in victims(machineset, machines)[:difference] if m.metadata.deletion_timestamp is None))


def victims(machineset: MachineSet, machines: Iterable[Machine]) -> list[Machine]:
    """Return the Machines in the order in which they would have to go."""
    order = machineset.spec.deletion.order if machineset.spec.deletion is not None else None
    by_name = sorted(machines, key=lambda machine: machine.metadata.name)
    if order in (DELETION_ORDER_NEWEST, DELETION_ORDER_OLDEST):
        by_name.sort(key=_created, reverse=order == DELETION_ORDER_NEWEST)
    return sorted(by_name, key=_dispensability, reverse=True)


def _created(machine: Machine) -> float:
    created = machine.metadata.creation_timestamp
    return created.timestamp() if created is not None else 0.0


def _dispensability(machine: Machine) -> int:
    """Return how little the Machine would be missed."""
    if machine.metadata.deletion_timestamp is not None:
        return 100
    if DELETE_MACHINE_ANNOTATION in (machine.metadata.annotations or {}):
        return 80
    if not _is_healthy(machine):
        return 50
    if not _is_available(machine):
        return 40  # scaling down costs no availability while there is a Machine without
    return 0


def _is_healthy(machine: Machine) -> bool:
    status = machine.status
    if status is None or status.node_ref is None:
        return False
    found = (find_condition(status.conditions, type_) for type_ in (NODE_HEALTHY_CONDITION, HEALTH_CHECK_SUCCEEDED_CONDITION))
    return all(condition is None or condition.status != "False" for condition in found)


def _is_available(machine: Machine) -> bool:
    condition = find_condition(machine.status.conditions if machine.status is not None else None, AVAILABLE_CONDITION)
    return condition is None or condition.status == "True"


@dataclass(frozen=True, slots=True)
class Ordinals:
    """The reserved range: `first` up to, not including, `next`."""

    first: int = 0
    next: int = 0

    @classmethod
    def parse(cls, text: str | None) -> Ordinals:
        """Return the range an annotation spells; an absent one is empty.

        Raises:
            ValueError: the text is not `first:next`.
        """
        if text is None:
            return cls()
        first, separator, following = text.partition(":")
        if not (separator and first.isdecimal() and following.isdecimal() and int(first) <= int(following)):
            raise ValueError(f"found ordinals {text!r}, allowed is first:next, such as 0:3")
        return cls(int(first), int(following))

    def __str__(self) -> str:
        return f"{self.first}:{self.next}"

    def settle(self, used: Iterable[int]) -> Ordinals:
        """Return the range without what the `used` ordinals show to be settled."""
        after = max((ordinal + 1 for ordinal in used), default=0)
        return Ordinals(max(self.first, after), max(self.next, after))

    def open(self, used: Collection[int]) -> list[int]:
        """Return the reserved ordinals of which no Machine is seen and that are not settled by a later one."""
        settled = self.settle(used)
        return list(range(settled.first, settled.next))

    def reserve(self, count: int) -> Ordinals:
        """Return the range extended by `count` ordinals that were never used."""
        return replace(self, next=self.next + count)


def ordinal_of(machine: Machine) -> int | None:
    """Return the Machine's ordinal in its set; None when the set has not made it."""
    text = (machine.metadata.annotations or {}).get(ORDINAL_ANNOTATION, "")
    return int(text) if text.isdecimal() else None
