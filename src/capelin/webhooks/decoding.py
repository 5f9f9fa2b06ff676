"""Typed views of documents that a webhook is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Generic, TypeVar, Union, get_args, get_origin

from pydantic import ValidationError

from capelin.api.meta import Model, Object
from capelin.api.structural import wire_field
from capelin.runtime.codec import Document

O = TypeVar("O", bound=Object)

Place = tuple[str | int, ...]

_ZEROS: Final[Mapping[Any, Any]] = {str: "", int: 0, bool: False, float: 0, Any: None}
_ROUNDS: Final = 16
"""How deep required fields may nest in required fields that are missing; the types have six levels."""


def decoded(kind: type[O], document: Document) -> O:
    """Return the typed view of a whole object.

    Raises:
        ValidationError: a known field has the wrong type, or is missing.
    """
    return kind.model_validate(document, by_alias=True, by_name=False)


@dataclass(frozen=True, slots=True)
class Reading(Generic[O]):
    """A typed view of a document in which required fields may be missing: `zeros` are the places where their zero values stand in."""

    view: O
    zeros: tuple[Place, ...]

    def without_zeros(self, view: O) -> Document:
        """Return a view's document without the zero values that still stand in for missing fields."""
        document = view.wire()
        for place in reversed(self.zeros):
            _drop_zero(document, place)
        return document


def lenient(kind: type[O], document: Document) -> Reading[O]:
    """Return a typed view of a document whose required fields may be missing.

    Its status and managed fields are left out: defaults are about what is wanted, not about what is or who said so.

    Raises:
        ValidationError: a known field has the wrong type.
    """
    document = {name: value for name, value in document.items() if name != "status"}
    if isinstance(metadata := document.get("metadata"), dict):
        document["metadata"] = {name: value for name, value in metadata.items() if name != "managedFields"}
    zeros: list[Place] = []
    for _ in range(_ROUNDS):
        try:
            return Reading(decoded(kind, document), tuple(zeros))
        except ValidationError as error:
            missing = [found["loc"] for found in error.errors(include_url=False, include_input=False) if found["type"] == "missing"]
            if not missing:
                raise  # wrong types alone are told: what was missing beside them may get a default
            for place in missing:
                zero = _zero(kind, place)
                document = _filled(document, place, zero)
                if zero is not None:  # where any value may stand, an absent one stays absent, and every zero is somebody's
                    zeros.append(place)
    return Reading(decoded(kind, document), tuple(zeros))


def _filled(value: Any, place: Place, zero: Any) -> Any:
    """Return the value with `zero` at a place, sharing what stays the same."""
    if not place:
        return zero
    step, *rest = place
    if isinstance(step, int):
        return [*value[:step], _filled(value[step], tuple(rest), zero), *value[step + 1 :]]
    return {**value, step: _filled(value.get(step), tuple(rest), zero)}


def _drop_zero(document: Document, place: Place) -> None:
    *around, last = place
    inside: Any = document
    for step in around:
        try:
            inside = inside[step]
        except (KeyError, IndexError, TypeError):
            return  # a default replaced what was around it
    if isinstance(inside, dict) and inside.get(str(last)) in ("", 0, False, None, {}, []):
        inside.pop(str(last), None)


def _zero(kind: type[Model], place: Place) -> Any:
    """Return the zero value of the field at a place: an empty object or list, an empty text, nought."""
    annotation: Any = kind
    for step in place:
        annotation = _below(annotation, step)
    found = _plain(annotation)
    if isinstance(found, type) and issubclass(found, Model):
        return {}
    origin = get_origin(found)
    return {} if origin is dict else [] if origin is list else _ZEROS.get(found)


def _below(annotation: Any, step: str | int) -> Any:
    found = _plain(annotation)
    if isinstance(found, type) and issubclass(found, Model):
        return next(field.annotation for name, field in found.model_fields.items() if wire_field(name, field) == step)
    return get_args(found)[-1]


def _plain(annotation: Any) -> Any:
    """Return the type without its markers and without None."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, UnionType):
            annotation = _first(member for member in get_args(annotation) if member is not NoneType)
        else:
            return annotation


def _first(members: Iterable[Any]) -> Any:
    return next(iter(members))
