from __future__ import annotations

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs


@pytest.fixture(autouse=True)
def without_logs() -> Iterator[None]:
    """Print no logs: managers that die say much about it."""
    with capture_logs():
        yield
