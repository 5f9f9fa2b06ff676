"""Broken rules, in the words of Kubernetes field errors.

A cause names the field by its path (`spec.taints[0].key`) and says what was found and what is allowed. Scripts and people match on these
sentences, so they are those of k8s.io/apimachinery/pkg/util/validation/field, to the letter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from capelin.runtime import codec
from capelin.runtime.errors import Cause

Path = tuple[str | int, ...]
"""Where a value stands in a document: names of fields, indexes of lists, and `Key`s of maps."""


class Key(str):
    """The key of a map, which a path shows in brackets; a field's name is shown after a dot."""

    __slots__ = ()


OMITTED: Final = object()
"""Stands for a value that a message does not show."""

INVALID = "FieldValueInvalid"
TYPE_INVALID = "FieldValueTypeInvalid"
REQUIRED = "FieldValueRequired"
DUPLICATE = "FieldValueDuplicate"
NOT_SUPPORTED = "FieldValueNotSupported"
FORBIDDEN = "FieldValueForbidden"
TOO_LONG = "FieldValueTooLong"
TOO_MANY = "FieldValueTooMany"


def render(path: Sequence[str | int]) -> str:
    """Return a path as Kubernetes prints it; the document itself is `<nil>`."""
    text = ""
    for step in path:
        if isinstance(step, int | Key):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text or "<nil>"


def quote(text: str) -> str:
    """Return `text` in double quotes, escaped as Go's `%q` does."""
    escapes = {'"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
    return '"' + "".join(escapes.get(c) or (c if c.isprintable() else _unicode_escape(c)) for c in text) + '"'


def _unicode_escape(character: str) -> str:
    number = ord(character)
    if number < 0x80:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def number(value: float) -> str:
    """Return a number as Go's `%v` prints it: floats in their shortest form, with an exponent from 1e+06 on and below 1e-04."""
    if isinstance(value, int):
        return str(value)
    shortest = Decimal(repr(value)).normalize()
    sign, digits, _ = shortest.as_tuple()
    exponent = shortest.adjusted()
    if -4 <= exponent < 6:
        return f"{shortest:f}"
    first, *rest = map(str, digits)
    return f"{'-' if sign else ''}{first}{'.' if rest else ''}{''.join(rest)}e{exponent:+03d}"


def show(value: Any) -> str:
    """Return a value as it stands in a message: strings quoted, numbers plain, the rest as JSON."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return quote(value)
        case int() | float():
            return number(value)
    return codec.canonical(value).decode()


def _sentence(kind: str, value: Any, detail: str) -> str:
    head = kind if value is OMITTED else f"{kind}: {show(value)}"
    return f"{head}: {detail}" if detail else head


def invalid(path: Sequence[str | int], value: Any, detail: str) -> Cause:
    """The value breaks the rule that `detail` states."""
    return Cause(render(path), _sentence("Invalid value", value, detail), INVALID)


def type_invalid(path: Sequence[str | int], value: Any, detail: str) -> Cause:
    """The value has another JSON type than the schema says."""
    return Cause(render(path), _sentence("Invalid value", value, detail), TYPE_INVALID)


def required(path: Sequence[str | int], detail: str = "") -> Cause:
    """The field must be there."""
    return Cause(render(path), _sentence("Required value", OMITTED, detail), REQUIRED)


def duplicate(path: Sequence[str | int], value: Any) -> Cause:
    """The value stands in the list already."""
    return Cause(render(path), _sentence("Duplicate value", value, ""), DUPLICATE)


def forbidden(path: Sequence[str | int], detail: str) -> Cause:
    """The field must not be there, or must not be changed."""
    return Cause(render(path), _sentence("Forbidden", OMITTED, detail), FORBIDDEN)


def not_supported(path: Sequence[str | int], value: Any, allowed: Iterable[str]) -> Cause:
    """The value is none of those allowed."""
    return Cause(render(path), _sentence("Unsupported value", value, "supported values: " + ", ".join(map(quote, allowed))), NOT_SUPPORTED)


def too_long(path: Sequence[str | int], limit: int) -> Cause:
    """The text has more than `limit` bytes."""
    return Cause(render(path), f"Too long: may not be more than {limit} {'byte' if limit == 1 else 'bytes'}", TOO_LONG)


def too_many(path: Sequence[str | int], found: int, limit: int) -> Cause:
    """The list or map has more than `limit` items."""
    return Cause(render(path), f"Too many: {found}: must have at most {limit} {'item' if limit == 1 else 'items'}", TOO_MANY)


def aggregate(causes: Iterable[Cause]) -> str:
    """Return one sentence for several causes, as the message of an Invalid error carries it; repeated sentences are told once."""
    sentences = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in causes))
    return sentences[0] if len(sentences) == 1 else "[" + ", ".join(sentences) + "]"
