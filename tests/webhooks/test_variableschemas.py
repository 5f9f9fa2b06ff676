"""Schemas of variables: their defaults, and what they say of values."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.classvariables import JSONSchemaProps
from capelin.webhooks.variableschemas import ABSENT, Misfit, compiled, compiled_of

PORT = {"type": "integer", "minimum": 1, "maximum": 65535, "default": 80}
SERVER = {
    "type": "object",
    "required": ["host"],
    "properties": {
        "host": {"type": "string", "maxLength": 5},
        "port": PORT,
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "inner": {"type": "object", "properties": {"size": {"type": "integer", "default": 1}}},
    },
}
FREE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


@pytest.mark.parametrize(
    ("schema", "value", "want"),
    [
        pytest.param(PORT, ABSENT, 80, id="an absent value gets the default"),
        pytest.param(PORT, None, 80, id="null gets the default"),
        pytest.param(PORT, 443, 443, id="a value stays"),
        pytest.param({"type": "string"}, None, None, id="null stays where there is no default"),
        pytest.param(SERVER, {"host": "a"}, {"host": "a", "port": 80}, id="fields of an object get theirs"),
        pytest.param(SERVER, {"host": "a", "port": None}, {"host": "a", "port": 80}, id="null fields get theirs"),
        pytest.param(SERVER, {"host": None}, {"host": None, "port": 80}, id="null fields without a default stay"),
        pytest.param(SERVER, {"inner": {}}, {"inner": {"size": 1}, "port": 80}, id="objects in objects get theirs"),
        pytest.param({"type": "array", "items": SERVER}, [{}], [{"port": 80}], id="objects in lists get theirs"),
        pytest.param(SERVER, "text", "text", id="a value of another type stays"),
    ],
)
def test_defaults_are_filled_in(schema: dict[str, Any], value: Any, want: Any) -> None:
    assert compiled(schema).default(value) == want


def test_without_a_default_an_absent_value_stays_absent() -> None:
    assert compiled(SERVER).default() is ABSENT


def test_defaulting_leaves_its_argument_alone() -> None:
    value: dict[str, Any] = {"host": None, "inner": {}}

    compiled(SERVER).default(value)

    assert value == {"host": None, "inner": {}}


@pytest.mark.parametrize(
    ("schema", "value", "field", "found", "allowed"),
    [
        (PORT, "80", "value", "'80'", "an integer from 1 to 65535"),
        (PORT, 10**30, "value", str(10**30), "an integer from 1 to 65535"),
        (PORT, None, "value", "null", "an integer from 1 to 65535"),
        (SERVER, [1], "value", "a list of 1 entry", "an object"),
        (SERVER, {"host": "longer"}, "value.host", "'longer'", "text of at most 5 characters"),
        (SERVER, {}, "value.host", "nothing", "text of at most 5 characters"),
        (SERVER, {"host": "a", "port": 0}, "value.port", "0", "an integer from 1 to 65535"),
        (SERVER, {"host": "a", "labels": {"b": 1}}, "value.labels.b", "1", "text"),
        (SERVER, {"host": "a", "user": 1}, "value.user", "a field that the schema does not have", "host, inner, labels, port"),
        ({"type": "string", "enum": ["a", "b", "c"]}, "d", "value", "'d'", "'a', 'b' or 'c'"),
        ({"type": "string", "enum": []}, "d", "value", "'d'", "nothing at all"),
        ({"type": "string", "pattern": "^a+$"}, "b", "value", "'b'", "text in which '^a+$' is found"),
        ({"type": "string", "format": "ipv4"}, "b", "value", "'b'", "text in the format ipv4"),
        ({"type": "array", "items": PORT}, [1, 2, 0], "value[2]", "0", "an integer from 1 to 65535"),
        (
            {"type": "integer", "anyOf": [{"maximum": 3}, {"minimum": 7}]},
            5,
            "value",
            "5",
            "an integer and either of at most 3 or of at least 7",
        ),
        ({"x-kubernetes-int-or-string": True}, True, "value", "true", "an integer or text"),
    ],
)
def test_a_value_that_does_not_fit_is_told_with_its_place(schema: dict[str, Any], value: Any, field: str, found: str, allowed: str) -> None:
    (misfit,) = compiled(schema).validate(value, "value")

    assert (misfit.field, misfit.found, misfit.allowed) == (field, found, allowed)


@pytest.mark.parametrize(
    ("schema", "value"),
    [(PORT, 80), (SERVER, {"host": "a", "labels": {"any": "thing"}}), (FREE, {"any": {"thing": [1]}}), ({"type": "number"}, 1)],
)
def test_a_value_that_fits_is_not_told_of(schema: dict[str, Any], value: Any) -> None:
    assert compiled(schema).validate(value, "value") == []


def test_everything_wrong_is_told_at_once() -> None:
    misfits = compiled(SERVER).validate({"port": 0, "user": 1}, "value")

    assert {misfit.field for misfit in misfits} == {"value.host", "value.port", "value.user"}


def test_a_rule_speaks_with_its_message() -> None:
    rule = {"rule": "self.port != 81", "message": "port 81 is taken", "fieldPath": ".port", "reason": "FieldValueForbidden"}
    schema = compiled(SERVER | {"x-kubernetes-validations": [rule]})

    (misfit,) = schema.validate({"host": "a", "port": 81}, "value")

    want = "a value that breaks a rule of the class", "what the class demands: port 81 is taken"
    assert misfit == Misfit("value.port", *want, reason="FieldValueForbidden")


def test_a_rule_without_a_message_is_shown_itself() -> None:
    schema = compiled({"type": "string", "x-kubernetes-validations": [{"rule": "self.startsWith('a')"}]})

    (misfit,) = schema.validate("b: c", "value")

    assert (misfit.found, misfit.allowed) == ('"b: c"', "a value for which self.startsWith('a') is true")


def test_a_rule_about_changes_compares_with_what_was_there() -> None:
    schema = compiled({"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "stays"}]})

    assert schema.validate("new", "value") == []
    assert schema.validate("same", "value", old="same") == []
    assert [misfit.allowed for misfit in schema.validate("new", "value", old="old")] == ["what the class demands: stays"]


def test_keywords_that_classes_do_not_have_mean_nothing() -> None:
    schema = compiled({"type": "object", "properties": {"host": {"type": "string", "nullable": True}}})

    (misfit,) = schema.validate({"host": None}, "value")

    assert misfit.field == "value.host"


@pytest.mark.parametrize(
    ("schema", "complaint"),
    [
        pytest.param({"type": 5}, "type", id="no schema"),
        pytest.param({"type": "string", "minLength": -1}, "minLength", id="a bound that makes no sense"),
        pytest.param({"type": "string", "x-kubernetes-validations": [{"rule": "self +"}]}, "compilation failed", id="a rule that is none"),
        pytest.param({"type": "string", "x-kubernetes-validations": [{"message": "no"}]}, "not specified", id="a rule of nothing"),
        pytest.param({"type": "string", "x-kubernetes-validations": [{"rule": None}]}, "not specified", id="a rule of null"),
    ],
)
def test_what_is_no_schema_cannot_be_compiled(schema: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        compiled(schema)


def test_a_schema_of_too_many_levels_cannot_be_compiled() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(400):
        deep = {"type": "array", "items": deep}

    with pytest.raises(ValueError, match="more than 128 levels"):
        compiled(deep)


def test_a_schema_is_compiled_once() -> None:
    schemas = [JSONSchemaProps.model_validate(SERVER) for _ in range(2)]

    assert compiled_of(schemas[0]) is compiled_of(schemas[1])
    assert compiled(SERVER) is compiled(dict(SERVER))


def test_a_schema_that_has_been_read_says_what_was_written() -> None:
    schema = compiled_of(JSONSchemaProps.model_validate(SERVER | {"default": {"host": "a"}}))

    assert schema.default() == {"host": "a", "port": 80}
    assert [misfit.field for misfit in schema.validate({"host": 1, "port": 0}, "value")] == ["value.host", "value.port"]
