"""Fixtures for tests of every tier."""

from tests.integration.realserver import real_server

__all__ = ["real_server"]
