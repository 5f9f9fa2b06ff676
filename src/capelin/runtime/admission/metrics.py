"""Metrics of webhooks, under the names that dashboards for Kubernetes controllers expect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from capelin.runtime.seams import Clock

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Up to the longest that an API server waits."""


class WebhookMetrics:
    """Counts and times the requests of every webhook, which is named by its path."""

    def __init__(self, registry: CollectorRegistry, clock: Clock) -> None:
        self._clock = clock
        webhook = ("webhook",)
        self._requests = Counter("controller_runtime_webhook_requests", "Requests answered", (*webhook, "code"), registry=registry)
        self._latency = Histogram("controller_runtime_webhook_latency_seconds", "Duration", webhook, buckets=_BUCKETS, registry=registry)
        self._in_flight = Gauge("controller_runtime_webhook_requests_in_flight", "Requests under way", webhook, registry=registry)

    @contextmanager
    def measured(self, webhook: str) -> Iterator[None]:
        """Time the body as one request."""
        begun = self._clock.monotonic()
        with self._in_flight.labels(webhook).track_inprogress():
            yield
        self._latency.labels(webhook).observe(self._clock.monotonic() - begun)

    def answered(self, webhook: str, code: int) -> None:
        """Count an answer."""
        self._requests.labels(webhook, code).inc()
