"""Count the requests that leave this process."""

from __future__ import annotations

from dataclasses import dataclass

from capelin.runtime import errors
from capelin.runtime.metrics import Metrics
from capelin.runtime.transport import Handler, Request, Response


@dataclass(frozen=True, slots=True)
class MeteredHandler:
    """A Handler whose requests are counted by method and by the code of the answer (`<error>` where there was none)."""

    inner: Handler
    metrics: Metrics
    host: str

    async def send(self, request: Request) -> Response:
        """Return the inner handler's answer."""
        try:
            response = await self.inner.send(request)
        except errors.Unreachable:
            self.metrics.requests.labels("<error>", self.host, request.method).inc()
            raise
        self.metrics.requests.labels(str(response.status), self.host, request.method).inc()
        return response
