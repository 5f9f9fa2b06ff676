"""python -m capelin.simulation: run seeds, replay one, prove that runs repeat, and crash at every call.

run --seeds 200 [--from 0] [--workload NAME] [--profile NAME] [--jobs 2]
replay SEED [--workload NAME] [--profile NAME] [--trace]
canary --seeds 50
crash --workload NAME [--every 1] [--jobs 2]
"""

from __future__ import annotations

import argparse
import gc
import logging
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from time import perf_counter  # noqa: TID251 - how fast runs are is measured in real time
from typing import Final

import structlog

from capelin.simulation.faults import CRASHES
from capelin.simulation.run import PROFILES, Outcome, Schedule, run
from capelin.simulation.workloads import WORKLOADS, quickstart

HASH_SEED: Final = "0"
"""Sets and dictionaries of objects are in an order that depends on it; a run repeats only with the same."""

LAST_LINES: Final = 30


def main(arguments: Sequence[str]) -> int:
    """Carry out a verb, and return 1 when a run broke a rule."""
    if os.environ.get("PYTHONHASHSEED") != HASH_SEED:
        command = [sys.executable, "-m", "capelin.simulation", *arguments]
        os.execve(sys.executable, command, {**os.environ, "PYTHONHASHSEED": HASH_SEED})  # noqa: S606 - this very program
    options = _parser().parse_args(arguments)
    found: int = options.verb(options)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m capelin.simulation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--workload", choices=[*WORKLOADS, "all"], default="all", help="what users do; all takes them in turn")
    shared.add_argument("--profile", choices=list(PROFILES), default="gate", help="what goes wrong, and how often")
    shared.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    several = argparse.ArgumentParser(add_help=False)
    several.add_argument("--seeds", type=int, default=50, help="how many")
    several.add_argument("--from", dest="first", type=int, default=0, help="the first seed")
    for name, verb, parents in (("run", _run, [shared, several]), ("canary", _canary, [shared, several]), ("crash", _crash, [shared])):
        verbs.add_parser(name, parents=parents, help=(verb.__doc__ or "").splitlines()[0]).set_defaults(verb=verb)
    verbs.choices["crash"].add_argument("--every", type=int, default=1, help="crash at every n-th call only")
    replay = verbs.add_parser("replay", parents=[shared], help=(_replay.__doc__ or "").splitlines()[0])
    replay.add_argument("seed", type=int)
    replay.add_argument("--trace", action="store_true", help="print all of the story that was kept")
    replay.set_defaults(verb=_replay)
    return parser


# -- verbs --------------------------------------------------------------------------------------------------------------------------


def _run(options: argparse.Namespace) -> int:
    """Run seeds, and tell of those that broke a rule."""
    begun, failed, virtual, count = perf_counter(), 0, 0.0, 0
    for outcome in _outcomes(options.jobs, _schedules(options)):
        count, virtual = count + 1, virtual + outcome.virtual_seconds
        if outcome.violations:
            failed += 1
            _tell(outcome)
    seconds = perf_counter() - begun
    print(f"{count} schedules, {failed} broke a rule; {count / seconds:.2f} schedules/s, {virtual / seconds:.0f} times real time")  # noqa: T201
    return 1 if failed else 0


def _replay(options: argparse.Namespace) -> int:
    """Run one seed and tell its story."""
    workload = _workload(options.workload, options.seed)
    (outcome,) = _outcomes(1, [Schedule(options.seed, workload, options.profile)])
    _tell(outcome, lines=len(outcome.story) if options.trace else LAST_LINES)
    return 1 if outcome.violations else 0


def _canary(options: argparse.Namespace) -> int:
    """Run every seed twice, and tell which differ."""
    schedules = _schedules(options)
    first, second = (list(_outcomes(options.jobs, schedules)) for _ in range(2))
    differ = [one.schedule.seed for one, other in zip(first, second, strict=True) if one.digest != other.digest]
    print(f"{len(first)} seeds, twice each: {f'differ: {differ}' if differ else 'equal'}")  # noqa: T201
    return 1 if differ else 0


def _crash(options: argparse.Namespace) -> int:
    """Crash at every call of a workload, in every position, one crash a run."""
    failed = 0
    for workload in WORKLOADS if options.workload == "all" else [options.workload]:
        (calm,) = _outcomes(1, [Schedule(0, workload, "calm")])
        schedules = [Schedule(0, workload, "calm", {call: crash}) for call in range(1, calm.calls + 1, options.every) for crash in CRASHES]
        broken = [outcome for outcome in _outcomes(options.jobs, schedules) if outcome.violations]
        for outcome in broken:
            _tell(outcome)
        failed += len(broken)
        print(f"{workload}: {calm.calls} calls, {len(schedules)} crashes, {len(broken)} did not recover")  # noqa: T201
    return 1 if failed else 0


# -- runs ---------------------------------------------------------------------------------------------------------------------------


def _schedules(options: argparse.Namespace) -> list[Schedule]:
    seeds = range(options.first, options.first + options.seeds)
    return [Schedule(seed, _workload(options.workload, seed), options.profile) for seed in seeds]


def _workload(name: str, seed: int) -> str:
    return list(WORKLOADS)[seed % len(WORKLOADS)] if name == "all" else name


def _outcomes(jobs: int, schedules: Sequence[Schedule]) -> Iterator[Outcome]:
    if jobs <= 1 or len(schedules) <= 1:
        _quiet()
        yield from map(partial(run, manifests=quickstart()), schedules)
        return
    with multiprocessing.get_context("spawn").Pool(jobs, _quiet) as pool:
        yield from pool.imap(partial(run, manifests=quickstart()), schedules, chunksize=4)


def _quiet() -> None:
    gc.freeze()  # what is loaded stays: looking through it after every run takes a tenth of a run
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _tell(outcome: Outcome, *, lines: int = LAST_LINES) -> None:
    schedule = outcome.schedule
    told: list[str] = [f"seed {schedule.seed}, workload {schedule.workload}: {len(outcome.violations)} violations, {outcome.deaths} deaths"]
    told += [f"  {violation}" for violation in outcome.violations[:10]]
    told += [f"  | {line}" for line in outcome.story[-lines:]]
    told.append(
        f"  replay: python -m capelin.simulation replay {schedule.seed} --workload {schedule.workload} --profile {schedule.profile}"
    )
    print("\n".join(told), flush=True)  # noqa: T201 - a long search that is ended has told what it found
