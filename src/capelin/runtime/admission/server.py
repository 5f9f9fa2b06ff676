"""Serve the webhooks: with the right certificate on every replica, and known to API servers by the one that leads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog

from capelin.runtime import errors
from capelin.runtime.admission.certificates import Terms, is_valid
from capelin.runtime.admission.configurations import Configurations
from capelin.runtime.admission.keeping import Shown, Source
from capelin.runtime.deadlines import within
from capelin.runtime.pki import CertificateError
from capelin.runtime.seams import Clock
from capelin.runtime.transport import Endpoints, Handler, ServingIdentity

RETRY_AFTER: Final = timedelta(seconds=2)
"""After a pass that failed: until one succeeds nothing is served, or what is served grows old."""

PASS_TIMEOUT: Final = timedelta(seconds=30)
"""One pass may take so long, far less than a bundle takes to settle: what a pass has read is never written long after."""

_log: Any = structlog.get_logger(__name__)


@dataclass(slots=True)
class AdmissionServer:
    """Serves `handler` on `host:port`. `run` on every replica from the start; `publish` before this one works as the leader.

    `configurations` are None when they are not ours to write. `client_authority` (PEM) signs who may log in; when it is empty nobody is
    asked to: an API server that logs in with a certificate of its own is still welcome.
    """

    handler: Handler
    host: str
    port: int
    endpoints: Endpoints
    source: Source
    configurations: Configurations | None
    leading: Callable[[], bool]
    clock: Clock
    client_authority: bytes = b""
    terms: Terms = field(default_factory=Terms)
    _shown: Shown | None = None
    _looked_at: float = 0.0
    _passing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def ready(self) -> bool:
        """True while a certificate is shown that is valid and that we know to be the one to show."""
        if self._shown is None or self.clock.monotonic() - self._looked_at > self.terms.fresh.total_seconds():
            return False
        return is_valid(self._shown.pair.certificate, self.clock.now())

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            OSError: the address cannot be taken.
        """
        try:
            while True:
                succeeded = await self._attempt(publishing=self.leading())
                await self.clock.sleep(self.terms.look_again if succeeded else RETRY_AFTER)
        finally:
            self._shown = None
            await self.endpoints.close(self.host, self.port)

    async def publish(self) -> None:
        """Return once API servers are told to ask us; tries until that has worked.

        Raises:
            OSError: the address cannot be taken.
        """
        while not await self._attempt(publishing=True):
            await self.clock.sleep(RETRY_AFTER)

    async def _attempt(self, *, publishing: bool) -> bool:
        try:
            async with self._passing:
                await within(self.clock, PASS_TIMEOUT, self._pass(publishing=publishing))
        except (errors.ApiError, CertificateError, TimeoutError) as error:
            return self._failed(error, publishing=publishing)
        except OSError as error:
            if self._shown is None:
                raise
            # The address is ours: it is the new certificate that cannot be shown, and the one that is shown lives on meanwhile.
            return self._failed(error, publishing=publishing)
        return True

    def _failed(self, error: Exception, *, publishing: bool) -> bool:
        _log.warning("Could not look after the webhooks' certificate", error=str(error), publishing=publishing)
        return False

    async def _pass(self, *, publishing: bool) -> None:
        """Look at what is kept, show it, and publish it, in this order.

        What is published was read before what is kept: a write of ours that is based on an older Secret meets a newer configuration and
        is refused as a conflict.
        """
        configurations = self.configurations if publishing else None
        begun = self.clock.monotonic()
        if configurations is None:
            await self._show(await self.source.look(None), begun)
            return
        published = await configurations.read()
        shown = await self.source.look(lambda bundle: configurations.carry(published, bundle))
        await self._show(shown, begun)
        if shown.bundle is not None:
            await configurations.write(published, shown.bundle)

    async def _show(self, shown: Shown, looked_at: float) -> None:
        if shown != self._shown:
            identity = ServingIdentity(shown.pair.certificate, shown.pair.key, self.client_authority)
            await self.endpoints.open(self.host, self.port, self.handler, identity)
            _log.info("Serving webhooks", address=f"{self.host}:{self.port}")
        self._shown, self._looked_at = shown, looked_at
