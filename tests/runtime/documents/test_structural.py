"""What CRDs are refused for; the expected sentences were recorded from kube-apiserver 1.36."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from capelin.runtime.documents.structural import check_structural
from tests.apiserver.schemas import CRDS, TEXT, fields, list_of, map_of, spec

INT_OR_STRING: dict[str, Any] = {"x-kubernetes-int-or-string": True}
EMBEDDED: dict[str, Any] = {"type": "object", "x-kubernetes-embedded-resource": True}


def complaints(schema: dict[str, Any]) -> list[str]:
    return [f"{cause.field}: {cause.message}" for cause in check_structural(schema, ("schema",))]


def rules(*found: dict[str, Any]) -> dict[str, Any]:
    return {"x-kubernetes-validations": list(found)}


ROOTS: list[tuple[str, dict[str, Any], str]] = [
    ("no type at the root", {"properties": {}}, "schema.type: Required value: must not be empty at the root"),
    ("list at the root", list_of(TEXT), 'schema.type: Invalid value: "array": must be object at the root'),
    ("map at the root", map_of(TEXT), "schema.additionalProperties: Forbidden: must not be used at the root"),
    ("nullable root", {"type": "object", "nullable": True}, "schema.nullable: Forbidden: nullable cannot be true at the root"),
    (
        "metadata with labels",
        fields(metadata=fields(labels={"type": "object"})),
        "schema.properties[metadata]: Forbidden: must not specify anything other than name and generateName",
    ),
    ("default of metadata", fields(metadata={"type": "object", "default": {}}), "must not be set in top-level metadata"),
    ("kind that is no string", fields(kind={"type": "integer"}), 'schema.properties[kind].type: Invalid value: "integer": must be string'),
    (
        "junctor over an unspecified field",
        {**fields(a=TEXT), "anyOf": [{"properties": {"b": {"minLength": 1}}}]},
        "schema.properties[b]: Required value: because it is defined in schema.anyOf[0].properties[b]",
    ),
]

FIELDS: list[tuple[str, dict[str, Any], str]] = [
    ("no type", {}, ".type: Required value: must not be empty for specified object fields"),
    ("list without items", {"type": "array"}, ".items: Required value: must be specified"),
    ("items without type", {"type": "array", "items": {}}, ".items.type: Required value: must not be empty for specified array items"),
    ("unknown type", {"type": "foo"}, '.type: Unsupported value: "foo"'),
    ("null type", {"type": "null"}, ".type: Forbidden: type cannot be set to null, use nullable as an alternative"),
    ("reference", {**TEXT, "$ref": "#/x"}, ".$ref: Forbidden: $ref is not supported"),
    ("uniqueItems", {**list_of(TEXT), "uniqueItems": True}, ".uniqueItems: Forbidden: uniqueItems cannot be set to true"),
    (
        "fields and a map",
        {**fields(x=TEXT), "additionalProperties": TEXT},
        ".additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
    ),
    (
        "preserve is false",
        {"type": "object", "x-kubernetes-preserve-unknown-fields": False},
        ".x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined",
    ),
    (
        "int or string that is preserved",
        {**INT_OR_STRING, "x-kubernetes-preserve-unknown-fields": True},
        "must be false if x-kubernetes-int-or-string is true",
    ),
    ("type in a junctor", {**TEXT, "anyOf": [{"type": "string"}]}, ".anyOf[0].type: Forbidden: must be empty to be structural"),
    ("default in a junctor", {**TEXT, "allOf": [{"default": "x"}]}, ".allOf[0].default: Forbidden: must be undefined to be structural"),
    (
        "rule in a junctor",
        {**TEXT, "not": rules({"rule": "true"})},
        ".not.x-kubernetes-validations: Forbidden: must be empty to be structural",
    ),
    ("embedded without fields", EMBEDDED, ".properties: Required value: must not be empty if x-kubernetes-embedded-resource is true"),
    (
        "embedded map",
        {**EMBEDDED, "additionalProperties": TEXT},
        ".additionalProperties: Forbidden: must not be used if x-kubernetes-embedded",
    ),
    ("bad pattern", {**TEXT, "pattern": "["}, '.pattern: Invalid value: "[": must be a valid regular expression'),
    ("lookahead", {**TEXT, "pattern": "(?=a)"}, ".pattern: Invalid value"),
    (
        "unknown list type",
        list_of(TEXT, "foo"),
        '.x-kubernetes-list-type: Unsupported value: "foo": supported values: "atomic", "set", "map"',
    ),
    (
        "list type of a string",
        {**TEXT, "x-kubernetes-list-type": "set"},
        '.type: Invalid value: "string": must be array if x-kubernetes-list-type',
    ),
    ("list map without keys", list_of(fields(k=TEXT), "map"), ".x-kubernetes-list-map-keys: Required value: must not be empty"),
    ("list map by an unknown key", list_of(fields(k=TEXT), "map", "z"), "entries must all be names of item properties"),
    ("list map by an optional key", list_of(fields(k=TEXT), "map", "k"), "so it must have a default or be a required property"),
    ("list map of strings", list_of(TEXT, "map", "k"), '.items.type: Invalid value: "string": must be object if parent array\'s'),
    (
        "keys without list map",
        {**list_of(TEXT), "x-kubernetes-list-map-keys": ["k"]},
        "must be map if x-kubernetes-list-map-keys is non-empty",
    ),
    ("set of objects", list_of(fields(k=TEXT), "set"), "must be atomic as item of a list with x-kubernetes-list-type=set"),
    (
        "set of lists that merge",
        list_of(list_of(TEXT, "set"), "set"),
        '.items.x-kubernetes-list-type: Invalid value: "set": must be atomic',
    ),
    ("set of nullable items", list_of({**TEXT, "nullable": True}, "set"), ".items.nullable: Forbidden: cannot be nullable when"),
    (
        "list map of nullable items",
        list_of({**fields(k=TEXT), "required": ["k"], "nullable": True}, "map", "k"),
        ".items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is map",
    ),
    (
        "list map by a nullable key",
        list_of({**fields(k={**TEXT, "nullable": True}), "required": ["k"]}, "map", "k"),
        "this property is in x-kubernetes-list-map-keys, so it cannot be nullable",
    ),
    (
        "list map by an object",
        list_of({**fields(k={"type": "object"}), "required": ["k"]}, "map", "k"),
        "must be a scalar type if parent array's x-kubernetes-list-type is map",
    ),
    (
        "list map by one key twice",
        list_of({**fields(k=TEXT), "required": ["k"]}, "map", "k", "k"),
        '.x-kubernetes-list-map-keys: Invalid value: ["k","k"]: must not contain duplicate entries',
    ),
    (
        "list type without type",
        {"x-kubernetes-list-type": "set", "x-kubernetes-preserve-unknown-fields": True},
        ".type: Required value: must be array if",
    ),
    (
        "embedded string",
        {**TEXT, "x-kubernetes-embedded-resource": True},
        '.type: Invalid value: "string": must be object if x-kubernetes-embedded',
    ),
    (
        "embedded without type",
        {"x-kubernetes-embedded-resource": True},
        ".type: Required value: must be object if x-kubernetes-embedded-resource is true",
    ),
    (
        "embedded int or string",
        {**INT_OR_STRING, "x-kubernetes-embedded-resource": True},
        ".x-kubernetes-embedded-resource: Invalid value: true",
    ),
    ("items that are a list", {"type": "array", "items": [TEXT]}, ".items: Forbidden: items must be a schema object and not an array"),
    (
        "junctor over metadata",
        {**fields(metadata={"type": "object"}), "not": {"properties": {"metadata": {}}}},
        ".not.properties[metadata]: Forbidden",
    ),
    (
        "type below a junctor",
        {**fields(x=list_of(TEXT)), "anyOf": [{"properties": {"x": {"items": {"type": "string"}}}}]},
        ".anyOf[0].properties[x].items.type: Forbidden: must be empty to be structural",
    ),
    ("bad pattern in a junctor", {**TEXT, "allOf": [{"pattern": "["}]}, '.allOf[0].pattern: Invalid value: "["'),
    ("blank message", {**TEXT, **rules({"rule": "true", "message": " "})}, '.message: Invalid value: " ": must be non-empty if specified'),
    (
        "message of two lines",
        {**TEXT, **rules({"rule": "true", "message": "a\nb"})},
        '.message: Invalid value: "a\\nb": must not contain line breaks',
    ),
    (
        "blank message expression",
        {**TEXT, **rules({"rule": "true", "messageExpression": " "})},
        "messageExpression must be non-empty if specified",
    ),
    (
        "path that is none",
        {**fields(x=TEXT), **rules({"rule": "true", "fieldPath": "x"})},
        '.fieldPath: Invalid value: "x": must be a valid path',
    ),
    ("unknown map type", {"type": "object", "x-kubernetes-map-type": "foo"}, '.x-kubernetes-map-type: Unsupported value: "foo"'),
    ("default of the wrong type", {"type": "integer", "default": "x"}, '.default: Invalid value: "string":'),
    ("default out of bounds", {"type": "integer", "minimum": 3, "default": 1}, ".default: Invalid value: 1:"),
    (
        "default with unknown fields",
        {**fields(x=TEXT), "default": {"y": 1}},
        '.default: Invalid value: {"y":1}: must not have unknown fields',
    ),
    ("empty rule", {**TEXT, **rules({"rule": " "})}, ".x-kubernetes-validations[0].rule: Required value: rule is not specified"),
    ("rule that does not compile", {**TEXT, **rules({"rule": "self == 1"})}, ".x-kubernetes-validations[0].rule: Invalid value"),
    (
        "message that is no text",
        {**TEXT, **rules({"rule": "true", "messageExpression": "1"})},
        "messageExpression must evaluate to a string",
    ),
    ("unknown reason", {**TEXT, **rules({"rule": "true", "reason": "Foo"})}, '.reason: Unsupported value: "Foo"'),
    (
        "path to nowhere",
        {**fields(x=TEXT), **rules({"rule": "true", "fieldPath": ".y"})},
        '.fieldPath: Invalid value: ".y": must be a valid path',
    ),
    ("two lines without message", {**TEXT, **rules({"rule": "self ==\n'a'"})}, "message must be specified if rule contains line breaks"),
    (
        "old value of an item without identity",
        {**list_of({**TEXT, "maxLength": 9, **rules({"rule": "self == oldSelf"})}), "maxItems": 9},
        "oldSelf cannot be used on the uncorrelatable portion of the schema within schema.properties[spec].properties[f]",
    ),
    (
        "optional old value that is not used",
        {**TEXT, **rules({"rule": "true", "optionalOldSelf": True})},
        "may not be set if oldSelf is not used in rule",
    ),
]


@pytest.mark.parametrize(("schema", "want"), [case[1:] for case in ROOTS], ids=[case[0] for case in ROOTS])
def test_what_a_root_may_not_say_is_told(schema: dict[str, Any], want: str) -> None:
    assert any(want in complaint for complaint in complaints(schema))


@pytest.mark.parametrize(("schema", "want"), [case[1:] for case in FIELDS], ids=[case[0] for case in FIELDS])
def test_what_a_field_may_not_say_is_told_with_its_place(schema: dict[str, Any], want: str) -> None:
    found = complaints(spec(f=schema))

    assert any(want in complaint for complaint in found)
    assert all(complaint.startswith("schema.properties[spec].properties[f]") for complaint in found)


@pytest.mark.parametrize(
    "schema",
    [
        {**INT_OR_STRING, "anyOf": [{"type": "integer"}, {"type": "string"}]},
        {**INT_OR_STRING, "allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"pattern": "a"}]},
        {**EMBEDDED, "x-kubernetes-preserve-unknown-fields": True},
        {"type": "object", "additionalProperties": True},
        list_of({**fields(k=TEXT), "required": ["k"]}, "map", "k"),
        {**fields(x=TEXT, y=TEXT), "oneOf": [{"required": ["x"]}, {"required": ["y"]}]},
        {**TEXT, "pattern": "(?i)a\\z"},
    ],
)
def test_structural_constructs_are_accepted(schema: dict[str, Any]) -> None:
    assert complaints(spec(f=schema)) == []


def test_the_name_in_metadata_may_be_constrained() -> None:
    assert complaints(fields(metadata=fields(name={**TEXT, "pattern": "^a"}))) == []


@pytest.mark.parametrize("name", sorted(path.stem for path in CRDS.glob("*.yaml")))
def test_our_own_crds_are_structural(name: str) -> None:
    crd = yaml.load((CRDS / f"{name}.yaml").read_text(), yaml.CSafeLoader)

    got = [check_structural(version["schema"]["openAPIV3Schema"]) for version in crd["spec"]["versions"]]

    assert got == [[]] * len(got)


@pytest.mark.parametrize(
    ("schema", "want"),
    [
        ("text", 'schema: Invalid value: "string": must be of type object'),
        ({"properties": []}, 'schema.properties: Invalid value: "array": must be of type object'),
        ({"properties": {"a": 1}}, 'schema.properties[a]: Invalid value: "integer": must be of type object'),
        ({"required": [1]}, 'schema.required[0]: Invalid value: "integer": must be of type string'),
        ({"anyOf": {}}, 'schema.anyOf: Invalid value: "object": must be of type array'),
        ({"x-kubernetes-validations": ["a"]}, 'schema.x-kubernetes-validations[0]: Invalid value: "string": must be of type object'),
        (
            {"x-kubernetes-validations": [{"rule": 1}]},
            'schema.x-kubernetes-validations[0].rule: Invalid value: "integer": must be of type string',
        ),
    ],
)
def test_what_is_no_schema_is_told_before_anything_else(schema: Any, want: str) -> None:
    assert complaints(schema) == [want]


def test_keywords_that_are_null_count_as_absent() -> None:
    nothing = {"type": "object", "properties": {"f": {**TEXT, "minLength": None, "anyOf": None}}, "items": None, "required": None}

    assert complaints(nothing) == []


def test_bounds_that_make_no_sense_are_told() -> None:
    (complaint,) = complaints(spec(f={**TEXT, "minLength": -1}))

    assert complaint.startswith("schema: Invalid value: cannot be used: -1 is less than the minimum of 0")
