"""Ports of this host for the endpoints of simulated clusters."""

from __future__ import annotations

import socket
from collections.abc import Collection
from typing import Final, Protocol

ATTEMPTS: Final = 64
"""How many ports are drawn before giving up; the operating system repeats itself only when nearly all are taken."""


class Ports(Protocol):
    """Knows which ports nobody listens on."""

    def free(self, host: str, avoiding: Collection[int]) -> int:
        """Return a port nobody listens on and that is not among `avoiding`.

        Raises:
            OSError: there is none.
        """

    def is_free(self, host: str, port: int) -> bool:
        """Tell whether `host:port` could be listened on now."""


class SystemPorts:
    """Asks the operating system."""

    def free(self, host: str, avoiding: Collection[int]) -> int:
        for _ in range(ATTEMPTS):
            with socket.create_server((host, 0)) as server:
                port = int(server.getsockname()[1])
            if port not in avoiding:
                return port
        raise OSError(f"no port of {host} is free")

    def is_free(self, host: str, port: int) -> bool:
        try:
            socket.create_server((host, port)).close()
        except (OSError, OverflowError):
            return False
        return True
