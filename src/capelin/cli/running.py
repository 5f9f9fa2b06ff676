"""Runs a manager in this process, with everything around it: logs, metrics, health, traces, signals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

import click

from capelin import assembly
from capelin.cli.webhooks import Webhooks
from capelin.runtime.client import ApiClient
from capelin.runtime.health import HealthServer
from capelin.runtime.manager import Manager, Settings, stop_on_signals
from capelin.runtime.metered import MeteredHandler
from capelin.runtime.metrics import Metrics, gc_measured, measure_loop_lag
from capelin.runtime.seams import SystemThreads
from capelin.runtime.tracing import NoTracing, TracedHandler, Tracing, open_telemetry, otlp_provider
from capelin.runtime.transport import Handler


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a running manager shows to the outside; an empty address shows nothing."""

    health: tuple[str, int] | None = None
    metrics: tuple[str, int] | None = None
    traces: str = ""  # an OTLP/HTTP endpoint
    ratio: float = 1.0


@dataclass(slots=True)
class Running:
    """A manager over one API server, built and not yet started. `run` returns when it was stopped."""

    handler: Handler
    host: str
    seams: assembly.Seams
    settings: Settings
    controllers: Collection[str] = ()
    surroundings: Surroundings = Surroundings()
    webhooks: Webhooks | None = None
    manager: Manager = field(init=False)

    async def run(self, *, started: Callable[[], None] = lambda: None) -> None:
        """Run until SIGTERM, SIGINT or `manager.stop()`; `started` is called when the controllers are about to work.

        Raises:
            click.ClickException: an address cannot be taken, or an extra is missing.
            ExceptionGroup: leadership was lost, or a part ended by itself.
        """
        metrics, tracing, close_traces = Metrics(), *self._tracing()
        server = ApiClient(
            TracedHandler(MeteredHandler(self.handler, metrics, self.host), tracing)
            if self._traced
            else MeteredHandler(self.handler, metrics, self.host)
        )
        clock = self.seams.clock
        self.manager = Manager(server, clock, self.seams.random, self.settings, metrics, tracing)
        assembly.assemble(self.manager, self.seams, controllers=self.controllers)
        self.manager.background("loop lag", lambda: measure_loop_lag(metrics, clock))
        for address in {a for a in (self.surroundings.health, self.surroundings.metrics) if a is not None}:
            self.manager.background("health", HealthServer(*address, lambda: self.manager.ready, metrics, SystemThreads()).run)
        if self.webhooks is not None:
            self.webhooks.serve(self.manager, self.seams)
        self.manager.before_work("report", _calling(started))
        stop_on_signals(self.manager.stop)
        try:
            with gc_measured(metrics, clock):
                await self.manager.run()
        except* OSError as group:
            raise click.ClickException("; ".join(str(error) for error in _leaves(group))) from group
        finally:
            close_traces()

    @property
    def _traced(self) -> bool:
        return bool(self.surroundings.traces)

    def _tracing(self) -> tuple[Tracing, Callable[[], None]]:
        if not self._traced:
            return NoTracing(), lambda: None
        try:
            provider = otlp_provider(self.surroundings.traces, ratio=self.surroundings.ratio)
        except ModuleNotFoundError as error:
            raise click.ClickException("traces need the extra otlp: pip install 'capelin[otlp]'") from error
        return open_telemetry(provider), provider.shutdown


def _calling(call: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    async def report() -> None:
        call()

    return report


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [leaf for error in group.exceptions for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])]
