"""Names of children that every attempt computes alike.

A child's name is a function of its owner's UID and its ordinal, so a create that is repeated after a crash meets its own first attempt
instead of making a second object.
"""

from __future__ import annotations

import hashlib

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""What the API server draws generated names from: no vowels (no words), no look-alikes."""

_SUFFIX_LENGTH = 5
_SUFFIXES = len(_ALPHABET) ** _SUFFIX_LENGTH


def child_name(prefix: str, owner_uid: str, ordinal: int, *, limit: int = 63) -> str:
    """Return `prefix`, a hyphen and five characters that depend on the owner's UID and the ordinal; at most `limit` characters.

    Ordinals below 14 348 907 of one owner never share a name; a long prefix is cut.
    """
    return f"{prefix[: limit - _SUFFIX_LENGTH - 1].rstrip('-.')}-{_suffix(owner_uid, ordinal)}"


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
