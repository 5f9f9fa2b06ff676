"""What a topology does differently from people."""

from __future__ import annotations

from capelin.api.labels import TOPOLOGY_DRY_RUN_ANNOTATION
from capelin.webhooks.admission import Admission, F, O


def is_topology_dry_run(request: Admission[O, F]) -> bool:
    """Tell whether a topology only asks what would change: its dry runs, unlike those of people, are marked."""
    return request.dry_run and TOPOLOGY_DRY_RUN_ANNOTATION in (request.new.metadata.annotations or {})
