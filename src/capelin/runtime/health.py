"""Tell the outside how a process is: `/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from capelin.runtime.metrics import Metrics
from capelin.runtime.seams import Threads


@dataclass(slots=True)
class HealthServer:
    """Serves the state of a process over plain HTTP. `port` 0 is any free one; `address` tells which, once it is open."""

    host: str
    port: int
    is_ready: Callable[[], bool]
    metrics: Metrics
    threads: Threads
    address: tuple[str, int] | None = None

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            OSError: the address cannot be taken.
        """
        app = web.Application()
        app.add_routes([web.get("/healthz", self._healthz), web.get("/readyz", self._readyz), web.get("/metrics", self._metrics)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, self.host, self.port).start()
            self.address = runner.addresses[0][:2]
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def _readyz(self, _request: web.Request) -> web.Response:
        if self.is_ready():
            return web.Response(text="ok")
        return web.Response(status=503, text="not ready: caches are not complete, or no valid certificate is shown for webhooks")

    async def _metrics(self, _request: web.Request) -> web.Response:
        # Milliseconds of formatting, which the event loop has better uses for.
        text = await self.threads.run(self.metrics.text)
        return web.Response(body=text, headers={"content-type": "text/plain; version=0.0.4; charset=utf-8"})
