"""Fixtures for tests of the engine."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep logs out of the output; formatting tracebacks takes longer than most tests."""
    with capture_logs():
        yield
