"""Traces: one span per reconcile, one per API call; none of it runs unless asked for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from capelin import __version__
from capelin.runtime.transport import Handler, Request, Response

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer


class Tracing(Protocol):
    """Opens spans."""

    def span(self, name: str, attributes: Mapping[str, str]) -> AbstractContextManager[Any]:
        """Return a context that is a span while it is entered; an exception that leaves it marks the span as failed."""


class NoTracing:
    """Opens no spans."""

    _nothing = nullcontext()

    def span(self, name: str, attributes: Mapping[str, str]) -> AbstractContextManager[Any]:  # noqa: ARG002 - the shape of Tracing
        """Return a context that does nothing."""
        return self._nothing


@dataclass(frozen=True, slots=True)
class OpenTelemetry:
    """Opens OpenTelemetry spans."""

    tracer: Tracer

    def span(self, name: str, attributes: Mapping[str, str]) -> AbstractContextManager[Any]:
        """Return a context that is a span, child of the one it is entered in."""
        return self.tracer.start_as_current_span(name, attributes=attributes)


def otlp_provider(endpoint: str, *, ratio: float) -> TracerProvider:
    """Return a provider that samples `ratio` of the reconciles and sends them to an OTLP collector over HTTP; shut it down at the end.

    Raises:
        ModuleNotFoundError: the extra `otlp` is not installed.
    """
    # The exporter costs 200 ms and 27 MB, so only those who trace import it; it is an extra, so types may not be there.
    exporters = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    resource = Resource.create({"service.name": "capelin", "service.version": __version__})
    provider = TracerProvider(resource=resource, sampler=ParentBased(TraceIdRatioBased(ratio)))
    provider.add_span_processor(BatchSpanProcessor(exporters.OTLPSpanExporter(endpoint=endpoint)))
    return provider


def open_telemetry(provider: TracerProvider) -> OpenTelemetry:
    """Return a `Tracing` over an OpenTelemetry provider."""
    return OpenTelemetry(provider.get_tracer("capelin", __version__))


@dataclass(frozen=True, slots=True)
class TracedHandler:
    """A Handler whose calls are spans."""

    inner: Handler
    tracing: Tracing

    async def send(self, request: Request) -> Response:
        """Return the inner handler's answer."""
        with self.tracing.span(f"{request.method} {_pattern(request.path)}", {"url.path": request.path, "http.method": request.method}):
            return await self.inner.send(request)


def _pattern(path: str) -> str:
    """Return the path without names, of which there are too many: `/api/v1/namespaces/{}/pods/{}`."""
    parts = path.split("/")
    start = 3 if path.startswith("/api/") else 4
    kept = [part if (place - start) % 2 == 0 else "{}" for place, part in enumerate(parts) if place >= start]
    return "/".join([*parts[:start], *kept])
