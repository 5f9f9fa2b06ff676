"""Where bootstrap data comes from."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.machine import Bootstrap
from capelin.api.refusals import REQUIRED, Refusal, Rule

HAS_BOOTSTRAP = Rule("has_bootstrap", "A Machine has a bootstrap configuration or bootstrap data, unless a pool brings both.")


def bootstrap_refusals(field: str, bootstrap: Bootstrap) -> Iterator[Refusal]:
    """Yield what is wrong with a bootstrap that names no source of data."""
    if bootstrap.config_ref is None and bootstrap.data_secret_name is None:
        yield HAS_BOOTSTRAP.broken(field, "neither configRef nor dataSecretName", "one of them", reason=REQUIRED)
