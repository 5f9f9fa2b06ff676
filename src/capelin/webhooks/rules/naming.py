"""Templates for the names of Machines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from capelin.api.grouprules import NAMES_ARE_RANDOM
from capelin.api.refusals import Refusal, Rule
from capelin.webhooks.rules.quoting import quoted

MACHINE_NAMING_RULES: Final[tuple[Rule, ...]] = ()

_RANDOM: Final = "{{ .random }}"
"""Looked for as it stands, with these blanks: the standard takes no other spelling."""


def machine_naming_refusals(field: str, template: str | None) -> Iterator[Refusal]:
    """Yield what is wrong with the template at `field` of the names of a group's Machines."""
    if template is None:
        return
    if _RANDOM not in template:
        yield NAMES_ARE_RANDOM.broken(field, quoted(template), f"a template that contains {_RANDOM}: names must differ")
