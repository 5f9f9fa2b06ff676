"""How long to wait after the n-th failure in a row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from capelin.runtime.seams import Random


@dataclass(slots=True)
class Backoff:
    """A pause that doubles with every failure up to a limit, shortened by up to half at random so that a fleet does not march in step."""

    random: Random
    first: timedelta
    limit: timedelta
    failures: int = 0

    def next(self) -> timedelta:
        """Count a failure and return the pause after it."""
        pause = min(self.first * float(2 ** min(self.failures, 30)), self.limit)
        self.failures += 1
        return pause * (1 - self.random.random() / 2)

    def reset(self) -> None:
        """Forget the failures: something worked."""
        self.failures = 0
