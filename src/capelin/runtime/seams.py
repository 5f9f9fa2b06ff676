"""The seams to the world: time, randomness, keys and threads.

Everything that is not a pure function of API objects enters the program through one of the Protocols below. Production uses the `System…`
classes at the end of this module; tests and the simulator pass their own. No other module may read a clock, draw a random number, sleep or
start a thread: a lint forbids it.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> datetime:
        """Return the wall-clock time, aware, in UTC. For API fields only."""

    def monotonic(self) -> float:
        """Return seconds that never go backwards. For time-outs and measurements."""

    async def sleep(self, delay: timedelta) -> None:
        """Return after `delay` of this clock; at once (after one turn of the loop) when it is not positive."""


class Random(Protocol):
    """Draws numbers and identifiers that need not repeat."""

    def random(self) -> float:
        """Return a number in [0, 1)."""

    def token(self, length: int, alphabet: str) -> str:
        """Return `length` characters drawn independently from `alphabet`, unpredictable to an attacker."""

    def uid(self) -> str:
        """Return a fresh RFC 4122 version 4 identifier in lower case."""


class Keys(Protocol):
    """Makes private keys."""

    async def generate(self, algorithm: str) -> bytes:
        """Return a new private key as unencrypted PKCS #8 PEM.

        `algorithm` is one of ECDSA-P256, ECDSA-P384, RSA-2048, RSA-3072, RSA-4096 (the names of kubeadm's `encryptionAlgorithm`).

        Raises:
            ValueError: the algorithm is none of these.
        """


class Thread(Protocol):
    """A thread that was started and can be waited for."""

    def join(self, timeout: float | None = None) -> None: ...

    def is_alive(self) -> bool: ...


class Threads(Protocol):
    """Runs code beside the event loop."""

    def start(self, target: Callable[[], None], *, name: str) -> Thread:
        """Start `target` in a daemon thread of its own and return it."""

    async def run(self, call: Callable[[], T]) -> T:
        """Return what `call` returns, computed off the event loop."""


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, delay: timedelta) -> None:
        await asyncio.sleep(max(0.0, delay.total_seconds()))


class SystemRandom:
    """The operating system's random source for tokens, a fast generator for jitter."""

    def __init__(self) -> None:
        self._jitter = random.Random(secrets.randbits(64))  # noqa: S311 - jitter only; tokens come from `secrets`

    def random(self) -> float:
        return self._jitter.random()

    def token(self, length: int, alphabet: str) -> str:
        return "".join(secrets.choice(alphabet) for _ in range(length))

    def uid(self) -> str:
        raw = secrets.randbits(128)
        raw = (raw & ~(0xF << 76)) | (0x4 << 76)
        raw = (raw & ~(0x3 << 62)) | (0x2 << 62)
        digits = f"{raw:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class SystemThreads:
    """Operating-system threads."""

    def start(self, target: Callable[[], None], *, name: str) -> Thread:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        return thread

    async def run(self, call: Callable[[], T]) -> T:
        return await asyncio.to_thread(call)
