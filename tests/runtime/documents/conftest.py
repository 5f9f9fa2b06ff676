"""The API server in memory, which the side-by-side tests of the document functions ask as well."""

from tests.apiserver.conftest import api

__all__ = ["api"]
