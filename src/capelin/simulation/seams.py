"""The seams of a simulated process: time that is virtual, chance that is drawn, keys that are computed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""When every run begins."""

_ALGORITHMS: Final = ("ECDSA-P256", "ECDSA-P384", "RSA-2048", "RSA-3072", "RSA-4096")


class Chance:
    """A stream of draws that depends on the seed and the purpose alone: what one purpose draws changes nothing for another."""

    def __init__(self, seed: int, *purpose: object) -> None:
        self._generator = random.Random("/".join(map(str, (seed, *purpose))))  # noqa: S311 - repeatable on purpose

    def random(self) -> float:
        """Return a number in [0, 1)."""
        return self._generator.random()

    def randrange(self, stop: int, /) -> int:
        """Return a number from 0 up to, but not including, `stop`."""
        return self._generator.randrange(stop)

    def between(self, low: float, high: float) -> float:
        """Return a number between both bounds."""
        return self._generator.uniform(low, high)

    def token(self, length: int, alphabet: str) -> str:
        """Return `length` characters of `alphabet`."""
        return "".join(self._generator.choices(alphabet, k=length))

    def uid(self) -> str:
        """Return an identifier of the form of RFC 4122, version 4."""
        digits = f"{self._generator.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


@dataclass(slots=True)
class VirtualClock:
    """The loop's time. `skew` moves what the wall clock shows, and nothing that is measured."""

    skew: timedelta = timedelta()

    def now(self) -> datetime:
        """Return the wall-clock time."""
        return START + timedelta(seconds=self.monotonic()) + self.skew

    def monotonic(self) -> float:
        """Return the seconds since the run began."""
        return asyncio.get_running_loop().time()

    async def sleep(self, delay: timedelta) -> None:
        """Return after `delay` of virtual time; after one turn when it is not positive."""
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        handle = loop.call_later(max(0.0, delay.total_seconds()), _wake, woken)
        try:
            await woken
        finally:
            handle.cancel()


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


@dataclass(slots=True)
class ComputedKeys:
    """Private keys by their number: making real ones takes longer than a whole run. All are of one kind; nobody is kept out by them."""

    made: int = 0

    async def generate(self, algorithm: str) -> bytes:
        """Return a private key as PKCS #8 PEM.

        Raises:
            ValueError: there is no such algorithm.
        """
        if algorithm not in _ALGORITHMS:
            raise ValueError(f"algorithm: found {algorithm!r}, allowed are {', '.join(_ALGORITHMS)}")
        self.made += 1
        return _key(self.made)


@lru_cache(maxsize=4096)
def _key(number: int) -> bytes:
    key = ec.derive_private_key(number, ec.SECP256R1())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


@dataclass(slots=True)
class CountedPorts:
    """Ports of a host on which nobody else listens."""

    last: int = 20_000

    def free(self, host: str, avoiding: Collection[int]) -> int:  # noqa: ARG002 - there is one host
        """Return a port that nobody has been given."""
        self.last = next(port for port in range(self.last + 1, 65_536) if port not in avoiding)
        return self.last

    def is_free(self, host: str, port: int) -> bool:  # noqa: ARG002 - nobody else is there
        """Return True."""
        return True
