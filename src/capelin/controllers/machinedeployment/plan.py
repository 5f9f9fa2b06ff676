"""How many replicas each MachineSet of a MachineDeployment should have next. Pure: sets in, decisions out.

A rollout moves replicas from the old sets to the current one, one safe step per pass. RollingUpdate never has more Machines than
`replicas + maxSurge`, and never gives up one that is needed to keep `replicas - maxUnavailable` available: every Machine it scales away
is counted as if it were an available one. OnDelete leaves old Machines alone and replaces those that users delete.

The sets speak through `spec.replicas` (what they were told) and `status` (what they have): a set that was told and has not acted yet is
pending, and what is pending is never counted twice in our favour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from capelin.api.machinedeployment import ON_DELETE, MachineDeployment
from capelin.api.machineset import MachineSet


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many Machines are wanted, and how many may be too many or missing meanwhile."""

    desired: int
    max_surge: int
    max_unavailable: int

    @property
    def min_available(self) -> int:
        """The availability that a rollout may not take away."""
        return max(self.desired - self.max_unavailable, 0)


@dataclass(frozen=True, slots=True)
class Scale:
    """The decision to scale one MachineSet, and why."""

    machine_set: str
    before: int
    after: int
    reason: str

    def describe(self, role: str) -> str:
        """Return the decision as a sentence; `role` is current or old."""
        difference = self.after - self.before
        direction = "up" if difference > 0 else "down"
        return f"Scaled {direction} {role} MachineSet {self.machine_set} from {self.before} to {self.after} replicas ({difference:+d})"


def rollout_bounds(deployment: MachineDeployment) -> Bounds:
    """Return the bounds of the deployment's strategy; OnDelete knows neither surge nor unavailability.

    Of percentages, surge is rounded up and unavailability down. Where both come out as 0 one Machine may be missing, or nothing could move.

    Raises:
        ValueError: one of them is neither a number nor a percentage.
    """
    desired = deployment.spec.replicas or 0
    rollout = deployment.spec.rollout
    strategy = rollout.strategy if rollout is not None else None
    if strategy is not None and strategy.type == ON_DELETE:
        return Bounds(desired, 0, 0)
    rolling = strategy.rolling_update if strategy is not None else None
    surge = _share(rolling.max_surge if rolling is not None and rolling.max_surge is not None else 1, desired, round_up=True)
    unavailable = _share(rolling.max_unavailable if rolling is not None and rolling.max_unavailable is not None else 0, desired)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Bounds(desired, surge, min(unavailable, desired))


def plan_rollout(deployment: MachineDeployment, current: MachineSet, old: Iterable[MachineSet]) -> dict[str, Scale]:
    """Return the next step: for each set that should be scaled, by name, the decision.

    `current` is the set that equals the deployment's template; one that is about to be created has 0 replicas.
    """
    board = _Board(rollout_bounds(deployment), current, sorted(old, key=_age))
    rollout = deployment.spec.rollout
    if rollout is not None and rollout.strategy is not None and rollout.strategy.type == ON_DELETE:
        _plan_on_delete(board)
    else:
        _plan_rolling_update(board)
    return board.scales


@dataclass(slots=True)
class _Board:
    """The sets, and the decisions made so far in this pass."""

    bounds: Bounds
    current: MachineSet
    old: Sequence[MachineSet]  # oldest first
    scales: dict[str, Scale] = field(default_factory=dict)

    @property
    def all(self) -> list[MachineSet]:
        return [*self.old, self.current]

    def intent(self, machine_set: MachineSet) -> int:
        """Return the replicas the set will have been told after this pass."""
        scale = self.scales.get(machine_set.metadata.name)
        return scale.after if scale is not None else told(machine_set)

    def scale(self, machine_set: MachineSet, after: int, reason: str) -> None:
        """Decide; a second decision on the same set extends the first and keeps both reasons."""
        name = machine_set.metadata.name
        earlier = self.scales.get(name)
        reasons = f"{earlier.reason}, {reason}" if earlier is not None else reason
        self.scales[name] = Scale(name, told(machine_set), after, reasons)

    @property
    def pending_deletions(self) -> int:
        """Machines that are going away because of what sets were told before or in this pass."""
        return sum(max(has(s) - min(told(s), self.intent(s)), 0) for s in self.all)


def told(machine_set: MachineSet) -> int:
    """Return how many replicas the set was told to have."""
    return machine_set.spec.replicas or 0


def has(machine_set: MachineSet) -> int:
    """Return how many Machines the set has, deleting ones included."""
    return (machine_set.status.replicas or 0) if machine_set.status is not None else 0


def available(machine_set: MachineSet) -> int:
    """Return how many Machines of the set are available."""
    return (machine_set.status.available_replicas or 0) if machine_set.status is not None else 0


def machine_count(sets: Iterable[MachineSet]) -> int:
    """Return how many Machines the sets have or will have: a set that was told more or less and has not acted counts with the larger."""
    return sum(max(told(s), has(s)) for s in sets)


def _plan_rolling_update(board: _Board) -> None:
    _scale_current(board, room=board.bounds.desired + board.bounds.max_surge - machine_count(board.all), surge=board.bounds.max_surge)
    _scale_down_old(board)
    _break_deadlock(board)


def _plan_on_delete(board: _Board) -> None:
    _scale_current(board, room=board.bounds.desired - machine_count(board.all))
    _align_old_to_their_machines(board)
    _scale_down_surplus(board)


def _scale_current(board: _Board, *, room: int, surge: int | None = None) -> None:
    desired, now = board.bounds.desired, told(board.current)
    if now > desired:
        board.scale(board.current, desired, f"{now} replicas > {desired} MachineDeployment spec.replicas")
    elif now < desired and room > 0:
        allowance = "" if surge is None else f" + {surge} maxSurge"
        reason = f"{machine_count(board.all)} current Machines < {desired} MachineDeployment spec.replicas{allowance}"
        board.scale(board.current, min(desired, now + room), reason)


def _scale_down_old(board: _Board) -> None:
    if not any(told(s) for s in board.old):
        return
    pending = board.pending_deletions
    missing_on_current = max(told(board.current) - available(board.current), 0)
    room = sum(told(s) for s in board.all) - pending - board.bounds.min_available - missing_on_current
    # What is pending may still be counted as available by a set that has not acted: it is as good as gone.
    spare = _Spare(max(room, 0), sum(available(s) for s in board.all) - pending, board.bounds.min_available)
    for machine_set in board.old:
        _give_up(board, machine_set, spare, limit=max(has(machine_set) - available(machine_set), 0))
    for machine_set in board.old:
        _give_up(board, machine_set, spare, limit=board.intent(machine_set))


@dataclass(slots=True)
class _Spare:
    """What may still be scaled down in this pass."""

    room: int
    available: int
    min_available: int


def _give_up(board: _Board, machine_set: MachineSet, spare: _Spare, *, limit: int) -> None:
    """Scale an old set down by at most `limit`, and no further than availability allows if only available Machines were to go."""
    now = board.intent(machine_set)
    extent = min(limit, now, spare.room)
    lost = 0
    if available(machine_set) > 0:
        going = max(has(machine_set) - (now - extent), 0)
        lost = min(going, max(spare.available - spare.min_available, 0))
        extent -= going - lost
    if extent <= 0:
        return
    reason = (
        f"{spare.available} available replicas > {spare.min_available} minimum available replicas"
        if lost
        else f"{max(has(machine_set) - available(machine_set), 0)} unavailable replicas"
    )
    board.scale(machine_set, now - extent, reason)
    spare.room -= extent
    spare.available -= lost


def _break_deadlock(board: _Board) -> None:
    """Drop one unavailable old replica when nothing else can move.

    Old Machines that never become available hold a rollout up for ever when nothing may be missing. Waiting helps only while something is
    on its way: a scaling in progress, or a new Machine that is not available yet.
    """
    has_unavailable = [s for s in board.old if told(s) > 0 and available(s) < has(s)]
    is_moving = any(board.intent(s) != has(s) for s in board.all)
    if not has_unavailable or is_moving or available(board.current) < has(board.current):
        return
    oldest = has_unavailable[0]
    board.scale(oldest, told(oldest) - 1, "unavailable replicas block the rollout")


def _align_old_to_their_machines(board: _Board) -> None:
    """Forget replicas of old sets whose Machines users have deleted: they come back on the current set."""
    for machine_set in board.old:
        if has(machine_set) < told(machine_set):
            board.scale(machine_set, has(machine_set), "scale down to align to existing Machines")


def _scale_down_surplus(board: _Board) -> None:
    surplus = sum(board.intent(s) for s in board.all) - board.bounds.desired
    for machine_set in board.old:
        extent = min(surplus, board.intent(machine_set))
        if extent > 0:
            total = board.bounds.desired + surplus
            reason = f"{total} replicas > {board.bounds.desired} MachineDeployment spec.replicas"
            board.scale(machine_set, board.intent(machine_set) - extent, reason)
            surplus -= extent


def _share(value: int | str, total: int, *, round_up: bool = False) -> int:
    """Return a number of Machines: `value` itself, or its percentage of `total`."""
    if isinstance(value, int):
        return value
    percents = value.removesuffix("%")
    if not percents.isdecimal():
        raise ValueError(f"found {value!r}, allowed is a whole number or a percentage")
    scaled = int(percents) * total
    return -(-scaled // 100) if round_up else scaled // 100


def _age(machine_set: MachineSet) -> tuple[str, str]:
    created = machine_set.metadata.creation_timestamp
    return (created.isoformat() if created else "9999", machine_set.metadata.name)
