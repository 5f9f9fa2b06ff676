"""Variables of a ClusterClass: what a cluster may set, and the schema its values must fit."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from capelin.api.markers import ATOMIC_LIST, Default, Enum, Items, Length, MapList, MaxItems, Shape
from capelin.api.meta import Model
from capelin.api.scalars import AnyValue, Int64

INLINE = "inline"
"""Where a variable comes from that the class itself defines, as `status.variables[].definitions[].from` says it."""

BUILTIN = "builtin"
"""The name under which patches read what a cluster itself tells; no variable may have it."""

FIELD_VALUE_INVALID = "FieldValueInvalid"
"""The reason of a rule that names none."""


class ValidationRule(Model):
    """A CEL expression that values must satisfy."""

    rule: Annotated[str, Length(1, 4096)]
    """rule is the expression; it must be true, and finds the value under self."""
    field_path: Annotated[str, Length(1, 512)] | None = None
    """fieldPath is the part of the value that an error points at, such as .spec.size; the value itself unless set."""
    message: Annotated[str, Length(1, 512)] | None = None
    """message is what the user is told when the rule is broken; the rule itself unless set."""
    message_expression: Annotated[str, Length(1, 1024)] | None = None
    """messageExpression is a CEL expression that returns the message; it wins over message."""
    reason: (
        Annotated[
            str,
            Enum("FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired", "FieldValueDuplicate"),
            Default(FIELD_VALUE_INVALID),
        ]
        | None
    ) = None
    """reason is what kind of error a broken rule is, for programs; FieldValueInvalid unless set."""


class VariableMetadata(Model):
    """Labels and annotations of a variable."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    annotations: dict[str, str] | None = None
    """annotations are for tools that show or fill in the variable; nothing here reads them."""
    labels: dict[str, str] | None = None
    """labels are for tools that group or choose variables; nothing here reads them."""


class JSONSchemaProps(Model):
    """A schema. Where one schema holds another, the inner one is written in the same way."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    additional_properties: AnyValue = None
    """additionalProperties is the schema of a map's values; the keys are free. It excludes properties."""
    all_of: AnyValue = None
    """allOf lists schemas that must all fit."""
    any_of: AnyValue = None
    """anyOf lists schemas of which at least one must fit."""
    default: AnyValue = None
    """default is the value that is filled in where there is none; it must fit the schema."""
    description: Annotated[str, Length(1, 4096)] | None = None
    """description tells people what the value is for."""
    enum: Annotated[list[AnyValue], MaxItems(100), ATOMIC_LIST] | None = None
    """enum lists the values that are allowed."""
    example: AnyValue = None
    """example is a value to show to people."""
    exclusive_maximum: bool | None = None
    """exclusiveMaximum makes maximum itself too high."""
    exclusive_minimum: bool | None = None
    """exclusiveMinimum makes minimum itself too low."""
    format: Annotated[str, Length(1, 32)] | None = None
    """format is a form that strings must have, such as date-time, ipv4 or cidr; one that is not known is passed over."""
    items: AnyValue = None
    """items is the schema of a list's entries."""
    max_items: Int64 | None = None
    """maxItems is how many entries a list may have."""
    max_length: Int64 | None = None
    """maxLength is how many characters a string may have."""
    max_properties: Int64 | None = None
    """maxProperties is how many keys an object or map may have."""
    maximum: Int64 | None = None
    """maximum is the highest number that is allowed, or with exclusiveMaximum the lowest that is too high."""
    min_items: Int64 | None = None
    """minItems is how many entries a list must have."""
    min_length: Int64 | None = None
    """minLength is how many characters a string must have."""
    min_properties: Int64 | None = None
    """minProperties is how many keys an object or map must have."""
    minimum: Int64 | None = None
    """minimum is the lowest number that is allowed, or with exclusiveMinimum the highest that is too low."""
    not_: AnyValue = Field(default=None, alias="not")
    """not is a schema that must not fit."""
    one_of: AnyValue = None
    """oneOf lists schemas of which exactly one must fit."""
    pattern: Annotated[str, Length(1, 512)] | None = None
    """pattern is a regular expression that must be found in strings."""
    properties: AnyValue = None
    """properties are the schemas of an object's fields, by name. It excludes additionalProperties."""
    required: Annotated[list[Annotated[str, Length(1, 256)]], Items(1, 1000), ATOMIC_LIST] | None = None
    """required lists the fields that must be there."""
    type: Annotated[str, Enum("object", "array", "string", "integer", "number", "boolean")] | None = None
    """type is object, array, string, integer, number or boolean."""
    unique_items: bool | None = None
    """uniqueItems makes equal entries of a list an error."""
    x_kubernetes_int_or_string: bool | None = Field(default=None, alias="x-kubernetes-int-or-string")
    """x-kubernetes-int-or-string allows an integer as well as a string; type must then be absent."""
    x_kubernetes_preserve_unknown_fields: bool | None = Field(default=None, alias="x-kubernetes-preserve-unknown-fields")
    """x-kubernetes-preserve-unknown-fields keeps fields of an object that properties does not name; without it they are an error."""
    x_kubernetes_validations: Annotated[list[ValidationRule], Items(1, 100), MapList("rule")] | None = Field(
        default=None, alias="x-kubernetes-validations"
    )
    """x-kubernetes-validations are rules in CEL that the value must satisfy."""
    x_metadata: VariableMetadata | None = Field(default=None, alias="x-metadata")
    """x-metadata are labels and annotations of the variable, or of the field this schema is about."""


class VariableSchema(Model):
    """The schema a variable's values must fit."""

    open_api_v3_schema: JSONSchemaProps = Field(alias="openAPIV3Schema")
    """openAPIV3Schema is the schema, in the dialect of OpenAPI that CustomResourceDefinitions use."""


class ClassVariable(Model):
    """A variable that clusters of the class may set."""

    name: Annotated[str, Length(1, 256)]
    """name is the name of the variable. It must be unique in the class, without dots, and not builtin."""
    required: bool
    """required makes every cluster set the variable, unless the schema has a default at its root."""
    schema_: VariableSchema = Field(alias="schema")
    """schema is what values must fit."""
    deprecated_v1_beta1_metadata: VariableMetadata | None = None
    """deprecatedV1Beta1Metadata are the labels and annotations that v1beta1 had here; x-metadata of the schema replaces them."""


class VariableDefinition(Model):
    """One definition of a variable, with its origin."""

    from_: Annotated[str, Length(1, 256)] = Field(alias="from")
    """from is inline for a variable of the class itself, else the name of the patch whose extension told of it."""
    required: bool
    """required makes every cluster set the variable, unless the schema has a default at its root."""
    schema_: VariableSchema = Field(alias="schema")
    """schema is what values must fit."""
    deprecated_v1_beta1_metadata: VariableMetadata | None = None
    """deprecatedV1Beta1Metadata are the labels and annotations that v1beta1 had here; x-metadata of the schema replaces them."""


class VariableStatus(Model):
    """A variable with all its definitions."""

    definitions: Annotated[list[VariableDefinition], Items(1, 100), ATOMIC_LIST]
    """definitions has one entry for each place the variable comes from."""
    name: Annotated[str, Length(1, 256)]
    """name is the name of the variable."""
    definitions_conflict: bool | None = None
    """definitionsConflict is true when the definitions differ."""
