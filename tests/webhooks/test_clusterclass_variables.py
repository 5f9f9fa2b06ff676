"""What is allowed of the variables of a ClusterClass."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.classvariables import ClassVariable, VariableMetadata
from capelin.api.refusals import Refusal, Rule
from capelin.webhooks.classvariables import (
    DEFAULTS_FIT,
    ENUMS_FIT,
    EXAMPLES_FIT,
    MAX_ENUM,
    MAX_PARTS,
    SCHEMA_RULES_ARE_CHEAP,
    SCHEMA_RULES_COMPILE,
    SCHEMAS_ARE_BOUNDED,
    SCHEMAS_ARE_STRUCTURAL,
    SCHEMAS_HAVE_NO_REFERENCES,
    VARIABLE_NAMES_ARE_UNIQUE,
    VARIABLE_NAMES_CAN_BE_READ,
)
from capelin.webhooks.clusterclass import WEBHOOK
from capelin.webhooks.rules.metadata import TEMPLATE_ANNOTATIONS_ARE_VALID, TEMPLATE_LABELS_ARE_VALID
from tests.buildclasses import class_variable, clusterclass, variable_of
from tests.webhooks.asking import accepted, fields, notices, refused

SCHEMA = "spec.variables[0].schema.openAPIV3Schema"
PROXY = {"type": "object", "required": ["host"], "properties": {"host": {"type": "string"}, "port": {"type": "integer", "maximum": 65535}}}


def rule(text: str, **more: Any) -> dict[str, Any]:
    return {"rule": text, **more}


def taken(*variables: ClassVariable) -> None:
    """A class with these variables is accepted, without a warning."""
    accepted(WEBHOOK, clusterclass(variables=variables))
    assert notices(WEBHOOK, clusterclass(variables=variables)) == []


def refusals_of(broken: Rule, *variables: ClassVariable) -> list[Refusal]:
    """A class with these variables is refused by that rule alone; return what it says."""
    return refused(broken, WEBHOOK, clusterclass(variables=variables))


def ruled(*rules: dict[str, Any], **schema: Any) -> ClassVariable:
    """Return a variable with rules in CEL at its root; an object with a text unless told otherwise."""
    fields = schema or {"type": "object", "properties": {"name": {"type": "string", "maxLength": 63}}}
    return class_variable("ruled", **fields, x_kubernetes_validations=list(rules))


def test_variable_names_are_unique_accepts_different_names() -> None:
    taken(class_variable("image"), class_variable("Image"))


def test_variable_names_are_unique_refuses_a_name_again() -> None:
    refusals = refusals_of(VARIABLE_NAMES_ARE_UNIQUE, class_variable("image"), class_variable("zone"), class_variable("image"))

    assert fields(refusals) == ["spec.variables[2].name"]


@pytest.mark.parametrize("name", ["image", "builtins", "Builtin", "image-tag", "a b", "x" * 256])
def test_variable_names_can_be_read_accepts_what_patches_can_read(name: str) -> None:
    taken(class_variable(name))


@pytest.mark.parametrize("name", ["builtin", "image.tag", ".", "builtin.cluster"])
def test_variable_names_can_be_read_refuses_the_rest(name: str) -> None:
    assert fields(refusals_of(VARIABLE_NAMES_CAN_BE_READ, class_variable(name))) == ["spec.variables[0].name"]


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "string", "pattern": "^(a+)+$", "format": "hostname"}, id="text"),
        pytest.param({"x-kubernetes-int-or-string": True}, id="an integer or text"),
        pytest.param({"x-kubernetes-preserve-unknown-fields": True}, id="anything"),
        pytest.param({"type": "array", "items": {"type": "array", "items": {"type": "number"}}}, id="a list of lists"),
        pytest.param({"type": "object", "additionalProperties": {"type": "string"}}, id="a map"),
        pytest.param({"type": "object", "allOf": [{"properties": {"host": {"minLength": 3}}}]}, id="properties in a junctor only"),
        pytest.param({"type": "object", "properties": {"host": {"type": "string", "nullable": True}}}, id="a keyword that means nothing"),
        pytest.param({**PROXY, "default": {"host": "proxy"}}, id="an object with a default"),
    ],
)
def test_schemas_are_structural_accepts_what_values_can_be_compared_with(schema: dict[str, Any]) -> None:
    taken(variable_of(schema))


@pytest.mark.parametrize(
    ("schema", "end"),
    [
        pytest.param({"description": "anything?"}, ".type", id="no type"),
        pytest.param({"type": "object", "properties": {"host": {}}}, ".properties[host].type", id="no type of a field"),
        pytest.param({"type": "array"}, ".items", id="no entries of a list"),
        pytest.param({"type": "string", "pattern": "("}, ".pattern", id="no pattern"),
        pytest.param({"type": "string", "pattern": "(?=a)a"}, ".pattern", id="a pattern that looks ahead"),
        pytest.param({"type": "string", "pattern": r"(a)\1"}, ".pattern", id="a pattern that looks back"),
        pytest.param({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, ".uniqueItems", id="unique entries"),
        pytest.param({"type": "object", "properties": {"host": {"type": "text"}}}, ".properties[host].type", id="an unknown type"),
        pytest.param({"type": "object", "allOf": [{"type": "object"}]}, ".allOf[0].type", id="a type in a junctor"),
        pytest.param({**PROXY, "additionalProperties": {"type": "string"}}, ".additionalProperties", id="fields and a map"),
        pytest.param({"type": "object", "properties": {"host": "string"}}, "", id="no schema of a field"),
        pytest.param({"type": "string", "minLength": -1}, "", id="a bound that no text has"),
        pytest.param(
            {"type": "array", "items": {"type": "string", "x-metadata": {"labels": "x"}}}, ".items.x-metadata", id="labels that are none"
        ),
    ],
)
def test_schemas_are_structural_refuses_what_nothing_can_be_compared_with(schema: dict[str, Any], end: str) -> None:
    refusals = refusals_of(SCHEMAS_ARE_STRUCTURAL, variable_of(schema))

    assert fields(refusals) == [f"{SCHEMA}{end}"]


def test_schemas_have_no_references_accepts_a_field_of_that_name() -> None:
    taken(class_variable("v", type="object", properties={"$ref": {"type": "string"}}))


def test_schemas_have_no_references_refuses_them_wherever_they_stand() -> None:
    loop = {"type": "object", "properties": {"next": {"type": "object", "$ref": "#/properties/next"}}, "allOf": [{"$ref": "#"}]}

    refusals = refusals_of(SCHEMAS_HAVE_NO_REFERENCES, variable_of(loop))

    assert fields(refusals) == [f"{SCHEMA}.allOf[0].$ref", f"{SCHEMA}.properties[next].$ref"]


def test_schemas_are_bounded_accepts_long_lists_of_values() -> None:
    taken(class_variable("v", type="object", properties={"zone": {"type": "string", "enum": [f"z{n}" for n in range(1_000)]}}))


@pytest.mark.parametrize(
    ("properties", "end"),
    [
        pytest.param({"zone": {"type": "string", "enum": ["z"] * (MAX_ENUM + 1)}}, ".properties[zone].enum", id="values"),
        pytest.param({f"f{n}": {"type": "string"} for n in range(MAX_PARTS)}, "", id="fields"),
    ],
)
def test_schemas_are_bounded_refuses_what_nobody_reads(properties: dict[str, Any], end: str) -> None:
    assert fields(refusals_of(SCHEMAS_ARE_BOUNDED, class_variable("v", type="object", properties=properties))) == [f"{SCHEMA}{end}"]


@pytest.mark.parametrize(
    "variable",
    [
        pytest.param(ruled(rule("self.name.startsWith('a')", message="begins with a")), id="a rule of an object"),
        pytest.param(ruled(rule("!has(self.metadata)")), id="a field that every resource has"),
        pytest.param(ruled(rule("self.name == oldSelf.name", fieldPath=".name")), id="a rule about changes"),
        pytest.param(ruled(rule("self.size() > 3", messageExpression="'found ' + self"), type="string", max_length=63), id="text"),
        pytest.param(ruled(rule("self >= 3"), type="integer"), id="an integer"),
        pytest.param(
            class_variable("list", type="array", maxItems=5, items={"type": "integer", "x-kubernetes-validations": [rule("self > 1")]}),
            id="entries of a list",
        ),
    ],
)
def test_schema_rules_compile_accepts_rules_in_cel(variable: ClassVariable) -> None:
    taken(variable)


@pytest.mark.parametrize(
    ("variable", "end"),
    [
        pytest.param(ruled(rule("self.nam == ''")), "[0].rule", id="a field there is not"),
        pytest.param(ruled(rule("self.name ==")), "[0].rule", id="half a rule"),
        pytest.param(ruled(rule("self + 1"), type="integer"), "[0].rule", id="no answer"),
        pytest.param(ruled(rule("true"), rule("1 == 1", fieldPath=".nam")), "[1].fieldPath", id="a place there is not"),
        pytest.param(ruled(rule("true", message="two\nlines")), "[0].message", id="a message of two lines"),
        pytest.param(ruled(rule("true", messageExpression="1 + 1")), "[0].messageExpression", id="a message that is none"),
        pytest.param(ruled(rule("self.size() > 1"), type="array", items={"type": "string"}), "", id="the root of a list"),
    ],
)
def test_schema_rules_compile_refuses_what_is_no_rule(variable: ClassVariable, end: str) -> None:
    (refusal,) = refusals_of(SCHEMA_RULES_COMPILE, variable)

    assert refusal.field == f"{SCHEMA}.x-kubernetes-validations{end}"


def test_schema_rules_are_cheap_accepts_loops_over_bounded_lists() -> None:
    names = {"type": "array", "maxItems": 10, "items": {"type": "string", "maxLength": 63}}

    taken(ruled(rule("self.names.all(a, self.names.exists_one(b, a == b))"), type="object", properties={"names": names}))


def test_schema_rules_are_cheap_refuses_loops_in_loops_over_unbounded_lists() -> None:
    names = {"type": "array", "items": {"type": "string"}}
    variable = ruled(rule("self.names.all(a, self.names.all(b, a != b))"), type="object", properties={"names": names})

    refusals = refusals_of(SCHEMA_RULES_ARE_CHEAP, variable)

    assert fields(refusals) == [f"{SCHEMA}.x-kubernetes-validations[0].rule", SCHEMA]


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "string", "default": "a", "enum": ["a", "b"]}, id="one of an enum"),
        pytest.param({**PROXY, "default": {"host": "proxy", "port": 3128}}, id="an object"),
        pytest.param({"type": "boolean", "default": False}, id="false"),
        pytest.param({"type": "string", "default": ""}, id="empty text"),
    ],
)
def test_defaults_fit_accepts_values_of_the_schema(schema: dict[str, Any]) -> None:
    taken(variable_of(schema))


@pytest.mark.parametrize(
    ("schema", "end"),
    [
        pytest.param({"type": "integer", "default": "3"}, ".default", id="another type"),
        pytest.param({**PROXY, "default": {"port": 3128}}, ".default.host", id="a field that is missing"),
        pytest.param({**PROXY, "default": {"host": "x", "user": "y"}}, ".default.user", id="a field that there is not"),
        pytest.param(
            {"type": "object", "properties": {"n": {"type": "integer", "default": 1.5}}}, ".properties[n].default", id="a field's"
        ),
        pytest.param({"type": "integer", "default": 1, "x-kubernetes-validations": [rule("self > 1")]}, ".default", id="a rule in CEL"),
    ],
)
def test_defaults_fit_refuses_others(schema: dict[str, Any], end: str) -> None:
    assert fields(refusals_of(DEFAULTS_FIT, variable_of(schema))) == [f"{SCHEMA}{end}"]


def test_examples_fit_accepts_values_of_the_schema() -> None:
    taken(variable_of({**PROXY, "example": {"host": "proxy", "port": 3128}}))


def test_examples_fit_accepts_unknown_fields_and_warns_of_them() -> None:
    found = clusterclass(variables=[variable_of({**PROXY, "example": {"host": "proxy", "user": "x"}})])

    accepted(WEBHOOK, found)
    (told,) = notices(WEBHOOK, found)
    assert told.startswith(f"{SCHEMA}.example.user: ")


def test_examples_fit_refuses_others() -> None:
    refusals = refusals_of(EXAMPLES_FIT, variable_of({**PROXY, "example": {"host": 3, "port": 70_000}}))

    assert fields(refusals) == [f"{SCHEMA}.example.host", f"{SCHEMA}.example.port"]


def test_enums_fit_accepts_values_of_the_rest_of_the_schema() -> None:
    taken(class_variable("v", type="integer", minimum=2, enum=[2, 3]))


def test_enums_fit_refuses_others() -> None:
    refusals = refusals_of(ENUMS_FIT, class_variable("v", type="integer", minimum=2, enum=[2, 1, "three"]))

    assert fields(refusals) == [f"{SCHEMA}.enum[1]", f"{SCHEMA}.enum[2]"]
    assert refusals[0].allowed == "an integer of at least 2"


def labelled(**metadata: Any) -> ClassVariable:
    """Return a variable with that metadata in every place where there can be some."""
    found = VariableMetadata(**metadata)
    schema = {"type": "object", "properties": {"name": {"type": "string", "x-metadata": metadata}}, "x-metadata": metadata}
    return variable_of(schema).model_copy(update={"deprecated_v1_beta1_metadata": found})


def test_template_labels_are_valid_accepts_labels_of_variables() -> None:
    taken(labelled(labels={"example.com/team": "blue"}))


def test_template_labels_are_valid_refuses_what_is_no_label_of_a_variable() -> None:
    refusals = refusals_of(TEMPLATE_LABELS_ARE_VALID, labelled(labels={"team": "-blue"}))

    assert fields(refusals) == [
        "spec.variables[0].deprecatedV1Beta1Metadata.labels[team]",
        f"{SCHEMA}.x-metadata.labels[team]",
        f"{SCHEMA}.properties[name].x-metadata.labels[team]",
    ]


def test_template_annotations_are_valid_accepts_annotations_of_variables() -> None:
    taken(labelled(annotations={"example.com/note": "any text"}))


def test_template_annotations_are_valid_refuses_what_is_no_annotation_of_a_variable() -> None:
    refusals = refusals_of(TEMPLATE_ANNOTATIONS_ARE_VALID, labelled(annotations={"a/b/c": "x"}))

    assert len(refusals) == 3
