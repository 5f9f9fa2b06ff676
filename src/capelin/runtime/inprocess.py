"""A connection without sockets: requests go straight to a Handler, in the name of one user."""

from __future__ import annotations

from dataclasses import dataclass, replace

from capelin.runtime.transport import Handler, Request, Response, User


@dataclass(frozen=True, slots=True)
class InProcess:
    """A `Connection` to a server in the same process, whose authenticator is not asked."""

    handler: Handler
    user: User

    async def send(self, request: Request) -> Response:
        """Return the handler's answer to the request, asked by the fixed user."""
        return await self.handler.send(replace(request, user=self.user))

    async def close(self) -> None:
        """Nothing is held."""
