"""Logs as JSON lines: one event per line, with what the context knows (controller, object, reconcileID)."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from datetime import UTC
from typing import Any, TextIO

import structlog

from capelin.runtime import codec
from capelin.runtime.seams import Clock


def configure(clock: Clock, *, level: str = "info", stream: TextIO | None = None) -> None:
    """Send the logs of this process, libraries' warnings included, to `stream` (by default standard error).

    Raises:
        KeyError: `level` is none of debug, info, warning, error.
    """
    threshold = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}[level]
    target = stream or sys.stderr

    def timestamped(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ARG001 - structlog's shape
        return {"ts": clock.now().astimezone(UTC).isoformat(timespec="milliseconds"), **event}

    shared = (
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        timestamped,
        structlog.processors.EventRenamer("msg"),
        structlog.processors.JSONRenderer(serializer=_serialize),
    )
    structlog.configure(
        processors=shared,
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(target),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [_Forward()]
    root.setLevel(max(threshold, logging.WARNING))


def _serialize(event: Any, **_: Any) -> str:
    return codec.encode({name: value if isinstance(value, _PLAIN) else str(value) for name, value in event.items()}).decode()


_PLAIN = (str, int, float, bool, list, dict, tuple, type(None))


class _Forward(logging.Handler):
    """Gives the standard library's log records to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record under its logger's name."""
        structlog.get_logger().log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)
