"""Metrics under the names and labels that dashboards for Kubernetes controllers expect, and two that Python needs: loop lag, GC pauses."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from capelin.runtime.queue import WorkQueue
from capelin.runtime.seams import Clock

_RECONCILE_BUCKETS = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0,
    1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
)  # fmt: skip
_QUEUE_BUCKETS = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000)
_PAUSE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)

LAG_INTERVAL: Final = timedelta(seconds=1)
"""How often the loop's lag is measured."""

RESULTS = ("success", "error", "requeue_after")


class Metrics:
    """Every metric of a process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        controller = ("controller",)
        self._reconciles = Counter("controller_runtime_reconcile", "Reconciliations", (*controller, "result"), registry=registry)
        self._errors = Counter("controller_runtime_reconcile_errors", "Reconciliations that failed", controller, registry=registry)
        self._terminal = Counter("controller_runtime_terminal_reconcile_errors", "Failures not retried", controller, registry=registry)
        self._time = Histogram(
            "controller_runtime_reconcile_time_seconds", "Duration", controller, buckets=_RECONCILE_BUCKETS, registry=registry
        )
        self._active = Gauge("controller_runtime_active_workers", "Workers at work", controller, registry=registry)
        self._workers = Gauge("controller_runtime_max_concurrent_reconciles", "Workers", controller, registry=registry)
        queue = ("name", "controller")
        self._depth = Gauge("workqueue_depth", "Keys waiting", queue, registry=registry)
        self._adds = Counter("workqueue_adds", "Keys added", queue, registry=registry)
        self._waits = Histogram("workqueue_queue_duration_seconds", "Time waiting", queue, buckets=_QUEUE_BUCKETS, registry=registry)
        self._works = Histogram("workqueue_work_duration_seconds", "Time at work", queue, buckets=_QUEUE_BUCKETS, registry=registry)
        self._retries = Counter("workqueue_retries", "Keys added again", queue, registry=registry)
        self._unfinished = Gauge("workqueue_unfinished_work_seconds", "Time at work so far, of all keys", queue, registry=registry)
        self._longest = Gauge("workqueue_longest_running_processor_seconds", "Time at work so far, longest", queue, registry=registry)
        self.requests = Counter("rest_client_requests", "Requests sent", ("code", "host", "method"), registry=registry)
        self.leading = Gauge("leader_election_master_status", "Whether this process leads", ("name",), registry=registry)
        self.loop_lag = Gauge("capelin_event_loop_lag_seconds", "How late the event loop last was", registry=registry)
        self.gc_pauses = Histogram("capelin_gc_pause_seconds", "Garbage collections", buckets=_PAUSE_BUCKETS, registry=registry)

    def controller(self, name: str, workers: int) -> ControllerMetrics:
        """Return the metrics of one controller, looked up once."""
        self._workers.labels(name).set(workers)
        return ControllerMetrics(
            results={result: self._reconciles.labels(name, result) for result in RESULTS},
            errors=self._errors.labels(name),
            terminal=self._terminal.labels(name),
            time=self._time.labels(name),
            active=self._active.labels(name),
        )

    def queue(self, name: str) -> PrometheusQueueMetrics:
        """Return the metrics of one work queue, looked up once."""
        return PrometheusQueueMetrics(
            depth=self._depth.labels(name, name),
            adds=self._adds.labels(name, name),
            waits=self._waits.labels(name, name),
            works=self._works.labels(name, name),
            retries=self._retries.labels(name, name),
        )

    def measure_work(self, name: str, queue: WorkQueue, clock: Clock) -> None:
        """Have the time that keys of `queue` are already at work computed when it is asked for."""

        def ages() -> list[float]:
            now = clock.monotonic()
            return [now - since for since in queue.working.values()]

        self._unfinished.labels(name, name).set_function(lambda: sum(ages()))
        self._longest.labels(name, name).set_function(lambda: max(ages(), default=0.0))

    def text(self) -> bytes:
        """Return everything in Prometheus' text format; takes milliseconds."""
        return generate_latest(self.registry)


@dataclass(frozen=True, slots=True)
class ControllerMetrics:
    """The metrics of one controller."""

    results: dict[str, Counter]
    errors: Counter
    terminal: Counter
    time: Histogram
    active: Gauge


@dataclass(frozen=True, slots=True)
class PrometheusQueueMetrics:
    """The `QueueMetrics` of one queue."""

    depth: Gauge
    adds: Counter
    waits: Histogram
    works: Histogram
    retries: Counter

    def added(self, depth: int) -> None:
        self.adds.inc()
        self.depth.set(depth)

    def taken(self, depth: int, waited: float) -> None:
        self.depth.set(depth)
        self.waits.observe(waited)

    def finished(self, worked: float) -> None:
        self.works.observe(worked)

    def retried(self) -> None:
        self.retries.inc()


async def measure_loop_lag(metrics: Metrics, clock: Clock) -> None:
    """Keep `loop_lag` current until cancelled."""
    while True:
        begun = clock.monotonic()
        await clock.sleep(LAG_INTERVAL)
        metrics.loop_lag.set(max(0.0, clock.monotonic() - begun - LAG_INTERVAL.total_seconds()))


@contextmanager
def gc_measured(metrics: Metrics, clock: Clock) -> Iterator[None]:
    """Measure garbage collections while the body runs."""
    watch = _collections_timed(metrics, clock)
    gc.callbacks.append(watch)
    try:
        yield
    finally:
        gc.callbacks.remove(watch)


def _collections_timed(metrics: Metrics, clock: Clock) -> Callable[[str, dict[str, Any]], None]:
    begun = 0.0

    def watch(phase: str, info: dict[str, Any]) -> None:  # noqa: ARG001 - the shape of a GC callback
        nonlocal begun
        if phase == "start":
            begun = clock.monotonic()
        else:
            metrics.gc_pauses.observe(clock.monotonic() - begun)

    return watch
