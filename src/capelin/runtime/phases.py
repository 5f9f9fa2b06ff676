"""Run the phases of a reconcile: all of them, whatever happens to one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from capelin.runtime.reconcile import DONE, Result

S = TypeVar("S")

Phase = Callable[[S], Awaitable[Result]]
"""One concern of a reconcile; it reads and fills the scope it is given."""


def soonest(*results: Result) -> Result:
    """Return the result with the smallest delay; `DONE` when none has one."""
    delays = [result.after for result in results if result.after is not None]
    return Result(min(delays)) if delays else DONE


async def run_phases(phases: Iterable[Phase[S]], scope: S) -> Result:
    """Run every phase in order, also after one failed, and return the smallest requeue.

    Raises:
        ExceptionGroup: the failures of all phases, raised when the last phase has run.
    """
    results: list[Result] = []
    failures: list[Exception] = []
    for phase in phases:
        try:
            results.append(await phase(scope))
        except Exception as failure:
            failures.append(failure)
    if failures:
        raise ExceptionGroup(f"{len(failures)} phases failed" if len(failures) > 1 else "a phase failed", failures)
    return soonest(*results)
