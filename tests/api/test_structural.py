"""The compiler of structural schemas, on small types."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import pytest

from capelin.api.markers import ATOMIC_LIST, Default, Enum, Length, MapList, Marker, Range, Required, Rule, Shape, merged
from capelin.api.meta import Model
from capelin.api.scalars import AnyValue, Int32, IntOrString
from capelin.api.structural import schema


class Part(Model):
    """A part."""

    name: str
    """name tells parts apart."""


class Whole(Model):
    """A whole,
    told on two lines.
    """

    shape: ClassVar[Shape] = Shape(min_properties=1, rule=Rule("has(self.size)", "size is needed"))

    size: Annotated[Int32, Range(1, 9)]
    """size is bounded."""
    provider_id: Annotated[str, Length(1)] | None = None
    """providerID is spelled as on the wire."""
    parts: Annotated[list[Part], MapList("name")] | None = None
    """parts are merged by name."""
    words: Annotated[list[Annotated[str, Enum("a", "b")]], ATOMIC_LIST] | None = None
    """words are replaced as a whole."""
    colour: Literal["red", "blue"] | None = None
    """colour is one of two."""
    amount: IntOrString | None = None
    """amount is a number or text."""
    anything: AnyValue = None
    """anything goes."""
    message: Annotated[str, Required(), Default("-")] = ""
    """message must be there
    although reading tolerates its absence."""


class TwoThings(Model):
    """A union that no structural schema can express."""

    value: int | list[str]
    """value is two things."""


class Extended(Part):
    """A part with more to it."""

    weight: int | None = None
    """weight is in grams."""


class Float(Model):
    """A number that the API conventions avoid."""

    share: float
    """share is a fraction."""


def test_fields_carry_type_constraints_and_their_docstring() -> None:
    properties = schema(Whole)["properties"]

    assert properties["size"] == {"type": "integer", "format": "int32", "minimum": 1, "maximum": 9, "description": "size is bounded."}
    assert properties["providerID"]["minLength"] == 1
    assert properties["colour"]["enum"] == ["red", "blue"]
    assert properties["message"]["default"] == "-"


def test_lists_carry_their_merge_type_and_the_schema_of_their_items() -> None:
    properties = schema(Whole)["properties"]

    assert properties["parts"]["x-kubernetes-list-map-keys"] == ["name"]
    assert properties["parts"]["items"]["required"] == ["name"]
    assert properties["words"] == {
        "type": "array",
        "items": {"type": "string", "enum": ["a", "b"]},
        "x-kubernetes-list-type": "atomic",
        "description": "words are replaced as a whole.",
    }


def test_values_of_several_types_have_no_type_of_their_own() -> None:
    properties = schema(Whole)["properties"]

    assert properties["amount"] == {
        "x-kubernetes-int-or-string": True,
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "description": "amount is a number or text.",
    }
    assert properties["anything"] == {"x-kubernetes-preserve-unknown-fields": True, "description": "anything goes."}


def test_an_object_says_what_is_required_and_what_must_hold_as_a_whole() -> None:
    got = schema(Whole)

    assert got["required"] == ["message", "size"]
    assert got["minProperties"] == 1
    assert got["x-kubernetes-validations"] == [{"rule": "has(self.size)", "message": "size is needed"}]


def test_line_breaks_of_the_source_are_no_part_of_a_description() -> None:
    got = schema(Whole)

    assert got["description"] == "A whole, told on two lines."
    assert got["properties"]["message"]["description"] == "message must be there although reading tolerates its absence."


def test_descriptions_of_inherited_fields_are_found() -> None:
    assert schema(Extended)["properties"]["name"]["description"] == "name tells parts apart."


@pytest.mark.parametrize("unclear", [TwoThings, Float])
def test_a_type_that_has_no_structural_schema_is_refused(unclear: type[Model]) -> None:
    with pytest.raises(TypeError, match="no structural schema"):
        schema(unclear)


def test_a_schema_shares_nothing_with_the_markers_it_came_from() -> None:
    marker = Marker({"enum": ["a"]})

    merged([marker])["enum"].append("b")

    assert marker.keywords == {"enum": ["a"]}
