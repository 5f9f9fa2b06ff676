"""Fixtures and settings for tests of every tier."""

from hypothesis import settings

from tests.integration.realserver import real_server

__all__ = ["real_server"]

# A machine that is busy with something else makes an example slow, not wrong.
settings.register_profile("capelin", deadline=None)
settings.load_profile("capelin")
