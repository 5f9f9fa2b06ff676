"""Names of children that every attempt computes alike.

A child's name is a function of its owner's UID and its ordinal, so a create that is repeated after a crash meets its own first attempt
instead of making a second object.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from capelin.runtime.gotemplate import parse

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""What the API server draws generated names from: no vowels (no words), no look-alikes."""

MAX_NAME_LENGTH: Final = 63
"""Characters of a name that is also a label and a host name."""

_SUFFIX_LENGTH = 5
_SUFFIXES = len(_ALPHABET) ** _SUFFIX_LENGTH


def child_name(prefix: str, owner_uid: str, ordinal: int, *, limit: int = MAX_NAME_LENGTH) -> str:
    """Return `prefix`, a hyphen and five characters that depend on the owner's UID and the ordinal; at most `limit` characters.

    Ordinals below 14 348 907 of one owner never share a name; a long prefix is cut.
    """
    return f"{prefix[: limit - _SUFFIX_LENGTH - 1].rstrip('-.')}-{_suffix(owner_uid, ordinal)}"


def templated_name(template: str, values: Mapping[str, str]) -> str:
    """Return the name that a Go template makes of `values`, which are named by their chains of fields, such as `cluster.name`.

    `random` must be among them: of a name that is too long the beginning is kept, and the random part follows.

    Raises:
        ValueError: it is no template, fails, or reads a field that there is not.
    """
    read = parse(template)
    unknown = sorted(chain for chain in map(".".join, read.fields()) if not any(f"{name}.".startswith(f"{chain}.") for name in values))
    if unknown:
        raise ValueError(f"found {{{{ .{unknown[0]} }}}}, allowed are {', '.join(f'{{{{ .{name} }}}}' for name in values)}")
    name, random = read.render(_nested(values)), values["random"]
    return name if len(name) <= MAX_NAME_LENGTH else name[: MAX_NAME_LENGTH - len(random)] + random


def _nested(values: Mapping[str, str]) -> dict[str, Any]:
    """Return the data of a template that calls each value by its chain of fields."""
    data: dict[str, Any] = {}
    for chain, value in values.items():
        *around, last = chain.split(".")
        inside = data
        for step in around:
            inside = inside.setdefault(step, {})
        inside[last] = value
    return data


def _suffix(owner_uid: str, ordinal: int) -> str:
    """Spell `step * ordinal + start` in the alphabet: a step that is coprime to the modulus (a power of 3) repeats nothing."""
    digest = hashlib.sha256(owner_uid.encode()).digest()
    start, step = int.from_bytes(digest[:8]), int.from_bytes(digest[8:16]) * 3 + 1
    number = (start + step * ordinal) % _SUFFIXES
    digits = []
    for _ in range(_SUFFIX_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(digits)
