"""Labels and annotations that a template gives to what is made from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from capelin.api.meta import TemplateMetadata
from capelin.api.refusals import Refusal, Rule
from capelin.runtime.documents.names import label_value, qualified_name
from capelin.runtime.documents.objectmeta import ANNOTATIONS_LIMIT
from capelin.webhooks.rules.quoting import quoted

TEMPLATE_LABELS_ARE_VALID = Rule(
    "template_labels_are_valid", "Labels of a template are labels that Kubernetes accepts: no object could be made with others."
)
TEMPLATE_ANNOTATIONS_ARE_VALID = Rule(
    "template_annotations_are_valid",
    "Annotations of a template are annotations that Kubernetes accepts: no object could be made with others.",
)

METADATA_RULES: Final = (TEMPLATE_LABELS_ARE_VALID, TEMPLATE_ANNOTATIONS_ARE_VALID)

_NAME: Final = "at most 63 letters, digits, dashes, underscores and dots, with a letter or digit at both ends"
LABEL_KEY: Final = f"{_NAME}, with a domain and a slash before it or without"
LABEL_VALUE: Final = f"{_NAME}, or nothing"


def metadata_refusals(field: str, metadata: TemplateMetadata | None) -> Iterator[Refusal]:
    """Yield what is wrong with the metadata at `field`."""
    if metadata is None:
        return
    for key, value in (metadata.labels or {}).items():
        if qualified_name(key):
            yield TEMPLATE_LABELS_ARE_VALID.broken(f"{field}.labels", f"the key {quoted(key)}", LABEL_KEY)
        if label_value(value):
            yield TEMPLATE_LABELS_ARE_VALID.broken(f"{field}.labels[{key}]", quoted(value), LABEL_VALUE)
    yield from _annotation_refusals(f"{field}.annotations", metadata.annotations or {})


def _annotation_refusals(field: str, annotations: Mapping[str, str]) -> Iterator[Refusal]:
    for key in annotations:
        if qualified_name(key.lower()):  # unlike a label's, the domain of an annotation may have capitals
            yield TEMPLATE_ANNOTATIONS_ARE_VALID.broken(field, f"the key {quoted(key)}", LABEL_KEY)
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size > ANNOTATIONS_LIMIT:
        allowed = f"at most {ANNOTATIONS_LIMIT} bytes of keys and values together"
        yield TEMPLATE_ANNOTATIONS_ARE_VALID.broken(field, f"{size} bytes", allowed)
