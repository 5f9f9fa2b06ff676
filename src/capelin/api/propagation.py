"""Labels and annotations that an owner passes on to the objects it made, and takes back when it has them no longer.

Others label these objects too, so what is there is no clue to what was passed on. The object itself remembers, in one annotation, which of
its keys came from its owner; keys that it always gets need not be remembered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

PROPAGATED_ANNOTATION = "capelin.dev/propagated"
"""The keys of labels and annotations that came from the owner: a JSON object with the lists `annotations` and `labels`."""

NEVER_PROPAGATED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",  # says what was applied to the owner, not to its children
        PROPAGATED_ANNOTATION,
    }
)


@dataclass(frozen=True, slots=True)
class Tags:
    """Labels and annotations."""

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, dict[str, str]]:
        """Return the tags as fields of `metadata`."""
        return {"labels": dict(self.labels), "annotations": dict(self.annotations)}


def propagate(found: Tags, wanted: Tags) -> Tags:
    """Return `found` with `wanted` passed on: set what is wanted, drop what was passed on before and is wanted no longer, keep the rest."""
    wanted = Tags(wanted.labels, {key: value for key, value in wanted.annotations.items() if key not in NEVER_PROPAGATED})
    earlier = _remembered(found.annotations.get(PROPAGATED_ANNOTATION))
    labels = {k: v for k, v in found.labels.items() if k not in earlier["labels"]} | dict(wanted.labels)
    dropped = {*earlier["annotations"], PROPAGATED_ANNOTATION}
    annotations = {k: v for k, v in found.annotations.items() if k not in dropped} | dict(wanted.annotations)
    if wanted.labels or wanted.annotations:
        annotations[PROPAGATED_ANNOTATION] = json.dumps({"annotations": sorted(wanted.annotations), "labels": sorted(wanted.labels)})
    return Tags(labels, annotations)


def _remembered(text: str | None) -> dict[str, list[str]]:
    """Read the memory; what cannot be read (somebody edited it) remembers nothing, so that nothing is removed by mistake."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        found = {}
    keys = found if isinstance(found, dict) else {}
    return {
        name: [str(key) for key in keys.get(name) or ()] if isinstance(keys.get(name), list) else [] for name in ("labels", "annotations")
    }
