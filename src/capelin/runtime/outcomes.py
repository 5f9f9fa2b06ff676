"""What a failed reconcile means for the queue."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from enum import Enum

from capelin.runtime.errors import ApiError, Conflict, TerminalError


class Failure(Enum):
    """How a failure is met."""

    QUIET = "quiet"  # somebody else wrote first: look again, tell nobody
    RETRY = "retry"
    TERMINAL = "terminal"  # no retry can help until the spec changes


def classify(error: Exception) -> Failure:
    """Return how to meet `error`; a group is met as the gravest of its errors, and retried if any of them may pass."""
    leaves = list(causes(error))
    if all(isinstance(leaf, Conflict) for leaf in leaves):
        return Failure.QUIET
    if all(isinstance(leaf, TerminalError) for leaf in leaves):
        return Failure.TERMINAL
    return Failure.RETRY


def asked_pause(error: Exception) -> timedelta:
    """Return the longest pause that a server asked for; zero when none did."""
    pauses = [leaf.retry_after for leaf in causes(error) if isinstance(leaf, ApiError) and leaf.retry_after is not None]
    return max(pauses, default=timedelta())


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors in a group, however deep; an error that is no group yields itself."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from causes(inner)
    else:
        yield error
