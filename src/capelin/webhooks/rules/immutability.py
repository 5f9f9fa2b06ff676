"""Specs that cannot change."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from capelin.api.meta import Model
from capelin.api.refusals import FORBIDDEN, Refusal, Rule
from capelin.runtime.documents.difference import json_patch_between

SPEC_STAYS = Rule("spec_stays", "The spec cannot change: what it asked for, or tells, has been acted on.")
TEMPLATE_SPEC_STAYS = Rule(
    "template_spec_stays", "What a template makes cannot change: objects that were made from it would no longer be what it says."
)

_SHOWN: Final = 5
"""Changed fields that a refusal names; further ones are counted."""


def spec_refusals(new: Model, old: Model) -> Iterator[Refusal]:
    """Yield what is wrong with a change of `spec`, for kinds whose spec cannot change."""
    if new != old:
        yield SPEC_STAYS.broken("spec", changes(new, old), "no change: delete the object and make another", reason=FORBIDDEN)


def template_spec_refusals(new: Model | None, old: Model | None) -> Iterator[Refusal]:
    """Yield what is wrong with a change of `spec.template.spec`, for templates that are replaced instead."""
    if new != old:
        allowed = "no change: make another template, and name that one where this one is used"
        yield TEMPLATE_SPEC_STAYS.broken("spec.template.spec", changes(new, old), allowed, reason=FORBIDDEN)


def changes(new: Model | None, old: Model | None) -> str:
    """Return which fields differ, by their paths; values are not told, since there may be secrets among them."""
    steps = json_patch_between(old.wire() if old else {}, new.wire() if new else {})
    paths = [step["path"].strip("/").replace("/", ".").replace("~1", "/").replace("~0", "~") for step in steps]
    told = [path or "everything" for path in islice(paths, _SHOWN)]
    more = [f"{len(paths) - _SHOWN} more"] if len(paths) > _SHOWN else []
    return f"a change of {', '.join([*told, *more])}"
