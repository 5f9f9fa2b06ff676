"""Metrics, logs, traces and health: what the outside sees of a process."""

import asyncio
import gc
import io
import logging
from collections.abc import Iterator
from datetime import timedelta

import aiohttp
import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from capelin.runtime import codec, errors
from capelin.runtime.health import HealthServer
from capelin.runtime.logs import configure
from capelin.runtime.metered import MeteredHandler
from capelin.runtime.metrics import LAG_INTERVAL, Metrics, gc_measured, measure_loop_lag
from capelin.runtime.queue import WorkQueue
from capelin.runtime.tracing import NoTracing, TracedHandler, open_telemetry
from capelin.runtime.transport import Request, Response
from tests.fakes import FakeClock, FakeThreads, settle
from tests.runtime.ships import KEY


class Answering:
    """A handler that answers 200, or raises."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure

    async def send(self, request: Request) -> Response:
        if self.failure is not None:
            raise self.failure
        return Response(200)


async def test_metrics_have_the_names_dashboards_expect() -> None:
    metrics = Metrics()
    metrics.controller("ship", 3)
    queue = WorkQueue(FakeClock(), metrics.queue("ship"))
    queue.add(KEY)

    text = metrics.text().decode()

    for line in (
        'controller_runtime_reconcile_total{controller="ship",result="success"} 0.0',
        'controller_runtime_reconcile_errors_total{controller="ship"} 0.0',
        'controller_runtime_max_concurrent_reconciles{controller="ship"} 3.0',
        'controller_runtime_reconcile_time_seconds_count{controller="ship"} 0.0',
        'controller_runtime_active_workers{controller="ship"} 0.0',
        'workqueue_depth{controller="ship",name="ship"} 1.0',
        'workqueue_adds_total{controller="ship",name="ship"} 1.0',
        'workqueue_retries_total{controller="ship",name="ship"} 0.0',
    ):
        assert line in text


async def test_work_under_way_is_measured_when_asked_for() -> None:
    clock, metrics = FakeClock(), Metrics()
    queue = WorkQueue(clock, metrics.queue("ship"))
    metrics.measure_work("ship", queue, clock)
    queue.add(KEY)
    await queue.get()
    await clock.advance(timedelta(seconds=4))

    labels = {"name": "ship", "controller": "ship"}
    assert metrics.registry.get_sample_value("workqueue_longest_running_processor_seconds", labels) == 4
    assert metrics.registry.get_sample_value("workqueue_unfinished_work_seconds", labels) == 4


async def test_requests_are_counted_by_method_and_answer() -> None:
    metrics = Metrics()
    await MeteredHandler(Answering(), metrics, "host").send(Request("GET", "/x"))
    with pytest.raises(errors.Unreachable):
        await MeteredHandler(Answering(errors.Unreachable("no")), metrics, "host").send(Request("GET", "/x"))

    for code in ("200", "<error>"):
        labels = {"code": code, "host": "host", "method": "GET"}
        assert metrics.registry.get_sample_value("rest_client_requests_total", labels) == 1


async def test_a_late_event_loop_is_seen() -> None:
    clock, metrics = FakeClock(), Metrics()
    task = asyncio.ensure_future(measure_loop_lag(metrics, clock))
    await settle()
    clock.elapsed += LAG_INTERVAL.total_seconds() + 2
    await clock.advance(timedelta())
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert metrics.registry.get_sample_value("capelin_event_loop_lag_seconds") == 2


def test_garbage_collections_are_measured_while_asked_for() -> None:
    metrics = Metrics()
    with gc_measured(metrics, FakeClock()):
        gc.collect()
    seen = metrics.registry.get_sample_value("capelin_gc_pause_seconds_count")
    gc.collect()

    assert seen is not None
    assert seen >= 1
    assert metrics.registry.get_sample_value("capelin_gc_pause_seconds_count") == seen


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level, stream = root.handlers, root.level, io.StringIO()
    configure(FakeClock(), stream=stream)
    yield stream
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level


def test_logs_are_json_lines_with_what_the_context_knows(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(controller="ship"):
        structlog.get_logger().info("Mooring", berth="a", key=KEY)

    assert codec.decode(lines.getvalue()) == {
        "ts": "2026-01-02T03:04:05.000+00:00",
        "level": "info",
        "msg": "Mooring",
        "controller": "ship",
        "berth": "a",
        "key": "default/ada",
    }


def test_a_failure_is_logged_with_its_traceback(lines: io.StringIO) -> None:
    structlog.get_logger().error("Reconcile failed", exc_info=KeyError("storm"))

    assert "storm" in codec.decode(lines.getvalue())["exception"]


def test_what_is_below_the_level_is_not_logged(lines: io.StringIO) -> None:
    structlog.get_logger().debug("Whispering")

    assert lines.getvalue() == ""


def test_warnings_of_libraries_are_lines_like_ours(lines: io.StringIO) -> None:
    logging.getLogger("library").warning("careful %s", "now")

    got = codec.decode(lines.getvalue())
    assert (got["msg"], got["logger"], got["level"]) == ("careful now", "library", "warning")


async def test_an_api_call_is_a_span_within_the_reconcile() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing = open_telemetry(provider)

    with tracing.span("reconcile ship", {}):
        await TracedHandler(Answering(), tracing).send(Request("GET", "/apis/example.org/v1/namespaces/default/ships/ada/status"))

    call, reconcile = exporter.get_finished_spans()
    assert call.name == "GET /apis/example.org/v1/namespaces/{}/ships/{}/status"
    assert call.parent is not None
    assert reconcile.context is not None
    assert call.parent.span_id == reconcile.context.span_id


def test_without_tracing_a_span_is_nothing() -> None:
    with NoTracing().span("x", {}) as span:
        assert span is None


async def test_health_readiness_and_metrics_are_served() -> None:
    ready = False
    server = HealthServer("127.0.0.1", 0, lambda: ready, Metrics(), FakeThreads())
    running = asyncio.ensure_future(server.run())
    while server.address is None:
        await settle(1)
    url = f"http://127.0.0.1:{server.address[1]}"

    async def status(path: str) -> int:
        async with session.get(url + path) as response:
            return response.status

    async with aiohttp.ClientSession() as session:
        assert (await status("/healthz"), await status("/readyz")) == (200, 503)
        ready = True
        assert await status("/readyz") == 200
        async with session.get(url + "/metrics") as response:
            assert "capelin_event_loop_lag_seconds" in await response.text()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
