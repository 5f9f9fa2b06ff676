"""Labels and annotations that templates give to what is made from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from capelin.api.meta import TemplateMetadata
from capelin.api.refusals import Refusal, Rule
from capelin.runtime.documents.names import label_value, qualified_name
from capelin.runtime.documents.objectmeta import ANNOTATIONS_LIMIT
from capelin.webhooks.rules.quoting import quoted

TEMPLATE_METADATA_IS_VALID = Rule(
    "template_metadata_is_valid", "Labels and annotations of a template are such as objects may carry: else nothing could be made from it."
)

LABEL_KEY: Final = (
    "at most 63 letters, digits, dashes, underscores and dots, with a letter or digit at both ends, "
    "which may follow a DNS name in lower case and a slash"
)
LABEL_VALUE: Final = "nothing, or at most 63 letters, digits, dashes, underscores and dots, with a letter or digit at both ends"


def is_key(key: str) -> bool:
    """Tell whether a label may have that key; an annotation's may also have capitals in front of the slash."""
    return not qualified_name(key)


def template_metadata_refusals(field: str, metadata: TemplateMetadata | None) -> Iterator[Refusal]:
    """Yield what keeps the labels and annotations at `field` from being carried by an object."""
    labels, annotations = (metadata.labels or {}, metadata.annotations or {}) if metadata else ({}, {})
    for key, value in labels.items():
        if not is_key(key):
            yield TEMPLATE_METADATA_IS_VALID.broken(f"{field}.labels", quoted(key), LABEL_KEY)
        if label_value(value):
            yield TEMPLATE_METADATA_IS_VALID.broken(f"{field}.labels[{key}]", quoted(value), LABEL_VALUE)
    for key in annotations:
        if not is_key(key.lower()):
            yield TEMPLATE_METADATA_IS_VALID.broken(f"{field}.annotations", quoted(key), LABEL_KEY)
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size > ANNOTATIONS_LIMIT:
        yield TEMPLATE_METADATA_IS_VALID.broken(f"{field}.annotations", f"{size} bytes", f"at most {ANNOTATIONS_LIMIT} bytes in all")
