"""Ports of this host for the endpoints of simulated clusters."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, Protocol

from capelin.runtime.seams import Random

RANGE: Final = range(20_000, 30_000)
"""Below the ports that systems give to outgoing connections, one of which could otherwise sit on ours when it is to be opened."""

REMEMBERED: Final = 256
"""How many ports are not given twice even if nobody has stored or opened them yet: more than are ever chosen at one time."""


class Ports(Protocol):
    """Knows which ports nobody listens on."""

    def free(self, host: str, avoiding: Collection[int]) -> int:
        """Return a port nobody listens on and that is not among `avoiding`.

        Raises:
            OSError: there is none.
        """

    def is_free(self, host: str, port: int) -> bool:
        """Tell whether `host:port` could be listened on now."""


@dataclass(frozen=True, slots=True)
class SystemPorts:
    """Asks the operating system. It begins at a random port of those it gives, so that two programs on one host rarely choose the same."""

    random: Random
    among: range = RANGE
    _given: deque[int] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def free(self, host: str, avoiding: Collection[int]) -> int:
        """Return a port nobody listens on; see `Ports`."""
        start = int(self.random.random() * len(self.among))
        candidates: tuple[int, ...] = (*self.among[start:], *self.among[:start])
        for port in candidates:
            if port not in avoiding and port not in self._given and self.is_free(host, port):
                self._given.append(port)
                return port
        raise OSError(f"no port of {host} between {self.among.start} and {self.among.stop - 1} is free")

    def is_free(self, host: str, port: int) -> bool:
        """Tell whether it could be listened on now; see `Ports`."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            socket.create_server((host, port), family=family).close()
        except OSError:
            return False
        return True
