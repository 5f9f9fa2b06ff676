"""Fixtures for tests of workload clusters."""

from tests.runtime.conftest import quiet

__all__ = ["quiet"]
