"""Variables of a ClusterClass: their names, and whether their schemas are ones that values can be compared with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from capelin.api.classvariables import BUILTIN, ClassVariable, JSONSchemaProps, VariableMetadata
from capelin.api.meta import TemplateMetadata
from capelin.api.refusals import DUPLICATE, FORBIDDEN, INVALID, NOT_SUPPORTED, REQUIRED, Refusal, Rule
from capelin.runtime import codec
from capelin.runtime.codec import Document
from capelin.runtime.documents import causes
from capelin.runtime.documents.causes import Key, Path
from capelin.runtime.documents.celcost import places
from capelin.runtime.documents.structural import check_structural_value, nodes
from capelin.runtime.documents.validation import Validator
from capelin.runtime.errors import Cause
from capelin.webhooks.admission import Finding, Notice
from capelin.webhooks.rules.metadata import metadata_refusals
from capelin.webhooks.rules.quoting import quoted
from capelin.webhooks.variableschemas import compiled, in_dialect

VARIABLE_NAMES_ARE_UNIQUE = Rule("variable_names_are_unique", "No two variables of a class have the same name.")
VARIABLE_NAMES_CAN_BE_READ = Rule(
    "variable_names_can_be_read",
    f"A variable is not named `{BUILTIN}`, where patches read what a cluster itself tells, and has no dot in its name, where patches read "
    "a field of a variable.",
)
SCHEMAS_ARE_STRUCTURAL = Rule(
    "schemas_are_structural",
    "The schema of a variable is structural, as those of CustomResourceDefinitions are: every field has a type, patterns are RE2 (matched "
    "in linear time), and what logical junctors constrain is stated outside of them.",
)
SCHEMAS_HAVE_NO_REFERENCES = Rule("schemas_have_no_references", "The schema of a variable refers to no other schema: `$ref` means nothing.")
SCHEMAS_ARE_BOUNDED = Rule(
    "schemas_are_bounded", "The schema of a variable has no more parts, and no longer lists of values, than are read."
)
SCHEMA_RULES_COMPILE = Rule(
    "schema_rules_compile", "Rules in CEL compile, and none stands at the root of a variable that is a list, where it would never apply."
)
SCHEMA_RULES_ARE_CHEAP = Rule(
    "schema_rules_are_cheap", "Rules in CEL cost little for every value that fits the schema, each alone and all of a variable together."
)
DEFAULTS_FIT = Rule("defaults_fit", "The default of a variable, or of a field of it, fits the schema.")
EXAMPLES_FIT = Rule("examples_fit", "The example of a variable, or of a field of it, fits the schema.")
ENUMS_FIT = Rule("enums_fit", "The values that an enum lists fit the rest of the schema.")

VARIABLE_RULES: Final = (
    VARIABLE_NAMES_ARE_UNIQUE,
    VARIABLE_NAMES_CAN_BE_READ,
    SCHEMAS_ARE_STRUCTURAL,
    SCHEMAS_HAVE_NO_REFERENCES,
    SCHEMAS_ARE_BOUNDED,
    SCHEMA_RULES_COMPILE,
    SCHEMA_RULES_ARE_CHEAP,
    DEFAULTS_FIT,
    EXAMPLES_FIT,
    ENUMS_FIT,
)

VARIABLES: Final = "spec.variables"

MAX_ENUM: Final = 10_000
"""Values of an enum: nobody chooses from a longer list, and every one is compared with the rest of the schema."""

MAX_PARTS: Final = 5_000
"""Schemas in the schema of one variable: what a whole CustomResourceDefinition of this size has."""

_RULES: Final = "x-kubernetes-validations"
_ABOUT_RULES: Final = (SCHEMA_RULES_COMPILE, SCHEMA_RULES_ARE_CHEAP)
_COMPILER: Final = "compilation failed: ERROR: <input>:"
"""How the compiler of CEL begins; a line and a column follow, and further lines that draw where that is."""
_STRUCTURAL: Final = "a structural schema, as CustomResourceDefinitions have"
_LONGEST: Final = 300
"""Characters of a complaint that are told; the rest of one repeats the schema."""


def variable_findings(variables: Iterable[ClassVariable]) -> Iterator[Finding]:
    """Yield what is wrong with the variables of a class."""
    seen: set[str] = set()
    for index, variable in enumerate(variables):
        place = f"{VARIABLES}[{index}]"
        yield from _name_refusals(f"{place}.name", variable.name, seen)
        seen.add(variable.name)
        yield from _metadata_refusals(f"{place}.deprecatedV1Beta1Metadata", variable.deprecated_v1_beta1_metadata)
        yield from _schema_findings(f"{place}.schema.openAPIV3Schema", variable.schema_.open_api_v3_schema, variable.name)


def _name_refusals(field: str, name: str, seen: set[str]) -> Iterator[Refusal]:
    if name in seen:
        yield VARIABLE_NAMES_ARE_UNIQUE.broken(field, quoted(name), "a name that no variable before has", reason=DUPLICATE)
    if name == BUILTIN:
        yield VARIABLE_NAMES_CAN_BE_READ.broken(field, quoted(name), "another name: patches read there what a cluster itself tells")
    if "." in name:
        yield VARIABLE_NAMES_CAN_BE_READ.broken(field, quoted(name), "a name without dots: patches read fields of a variable behind them")


def _metadata_refusals(field: str, metadata: VariableMetadata | None) -> Iterator[Refusal]:
    if metadata is not None:
        yield from metadata_refusals(field, TemplateMetadata(labels=metadata.labels, annotations=metadata.annotations))


def _schema_findings(field: str, schema: JSONSchemaProps, name: str) -> Iterator[Finding]:
    """Yield what is wrong with a schema. What makes no sense is not looked at further: that would only add noise."""
    try:
        document = schema.wire()  # which fails for what is too deep to be written
        spoken = in_dialect(document)
    except ValueError as error:
        yield SCHEMAS_ARE_STRUCTURAL.broken(field, _cut(str(error)), _STRUCTURAL)
        return
    yield from _reference_refusals(document, (field,))
    refusals = list(_bound_refusals(field, spoken)) or [*_root_refusals(field, spoken), *_structure_refusals(field, spoken)]
    yield from refusals
    if all(refusal.rule in _ABOUT_RULES for refusal in refusals):
        for at, node in nodes(_without_rules(spoken) if refusals else spoken, (field,)):
            yield from _part_findings(causes.render(at), node, name)


def _without_rules(schema: Any) -> Any:
    """Return a schema without rules in CEL at the places where there can be some."""
    if not isinstance(schema, Mapping):
        return schema
    result = {keyword: value for keyword, value in schema.items() if keyword != _RULES}
    for name in ("additionalProperties", "items"):
        if name in result:
            result[name] = _without_rules(result[name])
    if "properties" in result:
        result["properties"] = {name: _without_rules(child) for name, child in result["properties"].items()}
    return result


def _reference_refusals(schema: Any, path: Path) -> Iterator[Refusal]:
    if not isinstance(schema, Mapping):
        return
    if "$ref" in schema:
        allowed = "no reference: write the schema out"
        yield SCHEMAS_HAVE_NO_REFERENCES.broken(causes.render((*path, "$ref")), quoted(schema["$ref"]), allowed, reason=FORBIDDEN)
    for name in ("additionalProperties", "items", "not"):
        yield from _reference_refusals(schema.get(name), (*path, name))
    for name in ("allOf", "anyOf", "oneOf"):
        for index, child in enumerate(schema.get(name) or ()):
            yield from _reference_refusals(child, (*path, name, index))
    for key, child in (schema.get("properties") or {}).items():
        yield from _reference_refusals(child, (*path, "properties", Key(key)))


def _bound_refusals(field: str, schema: Document) -> Iterator[Refusal]:
    parts = 0
    for at, node in nodes(schema, (field,)):
        parts += 1
        if len(node.get("enum") or ()) > MAX_ENUM:
            yield SCHEMAS_ARE_BOUNDED.broken(f"{causes.render(at)}.enum", f"{len(node['enum'])} values", f"at most {MAX_ENUM}")
    if parts > MAX_PARTS:
        yield SCHEMAS_ARE_BOUNDED.broken(field, f"{parts} schemas in each other", f"at most {MAX_PARTS}")


def _root_refusals(field: str, schema: Document) -> Iterator[Refusal]:
    if schema.get("type") == "array" and schema.get(_RULES):
        allowed = "no rules at the root of a list: put the list into an object, or the rules at its items"
        yield SCHEMA_RULES_COMPILE.broken(f"{field}.{_RULES}", f"{len(schema[_RULES])} of them", allowed, reason=FORBIDDEN)


def _structure_refusals(field: str, schema: Document) -> Iterator[Refusal]:
    if schema.get("type") == "array":  # rules there are refused already
        schema = {name: value for name, value in schema.items() if name != _RULES}
    rules = {
        causes.render((*place.path, _RULES, index)): rule for place in places(schema, (field,)) for index, rule in enumerate(place.rules)
    }
    dear: set[str] = set()
    for cause in check_structural_value(schema, (field,)):
        rule = rules.get(cause.field.rpartition(".")[0])
        if "estimated rule cost" in cause.message or "estimated messageExpression cost" in cause.message:
            if cause.field not in dear:  # a rule that is too dear alone needs not be told to be so with others
                yield _dear(cause)
            dear.add(cause.field)
        elif rule is not None:
            yield _broken_rule(cause, rule)
        else:
            yield _unstructured(cause)


def _dear(cause: Cause) -> Refusal:
    found = cause.message.partition(": ")[2].partition(" (")[0]
    allowed = "rules that cost less: state maxItems, maxProperties and maxLength of the lists, maps and texts that they look through"
    return SCHEMA_RULES_ARE_CHEAP.broken(cause.field, f"a rule that is too dear ({found})", allowed, reason=FORBIDDEN)


def _broken_rule(cause: Cause, rule: Mapping[str, Any]) -> Refusal:
    rest = cause.message.partition(": ")[2]
    detail, *_ = rest.removeprefix(f"{codec.canonical(dict(rule)).decode()}: ").removeprefix(_COMPILER).splitlines() or [""]
    return SCHEMA_RULES_COMPILE.broken(cause.field, f"{quoted(rule.get('rule'))}, which fails: {_cut(detail)}", "a rule in CEL")


def _unstructured(cause: Cause) -> Refusal:
    """Return the refusal of what keeps a schema from being structural; the cause is worded as Kubernetes words it."""
    rest = _cut(cause.message.partition(": ")[2])
    match cause.reason:
        case causes.REQUIRED:
            return SCHEMAS_ARE_STRUCTURAL.broken(cause.field, "nothing", f"{_STRUCTURAL}: {rest}", reason=REQUIRED)
        case causes.FORBIDDEN:
            return SCHEMAS_ARE_STRUCTURAL.broken(cause.field, "this keyword", f"{_STRUCTURAL}: {rest}", reason=FORBIDDEN)
        case causes.NOT_SUPPORTED:
            return SCHEMAS_ARE_STRUCTURAL.broken(cause.field, rest, _STRUCTURAL, reason=NOT_SUPPORTED)
    return SCHEMAS_ARE_STRUCTURAL.broken(cause.field, rest, _STRUCTURAL, reason=INVALID)


def _part_findings(field: str, schema: Mapping[str, Any], name: str) -> Iterator[Finding]:
    """Yield what is wrong with the values that a part of a schema states itself, and with its labels and annotations."""
    if (metadata := schema.get("x-metadata")) is not None:
        try:
            yield from _metadata_refusals(f"{field}.x-metadata", VariableMetadata.model_validate(metadata, by_alias=True, by_name=False))
        except ValidationError:
            yield SCHEMAS_ARE_STRUCTURAL.broken(f"{field}.x-metadata", "no such object", "labels and annotations, whose values are text")
    if schema.get("default") is None and schema.get("example") is None and not schema.get("enum"):
        return
    try:
        yield from _value_findings(field, dict(schema), name)
    except ValueError as error:
        yield SCHEMAS_ARE_STRUCTURAL.broken(field, _cut(str(error)), f"{_STRUCTURAL}, with values that can be looked at")


def _value_findings(field: str, schema: Document, name: str) -> Iterator[Finding]:
    if schema.get("default") is not None:
        for misfit in compiled(schema).validate(schema["default"], f"{field}.default"):
            yield misfit.under(DEFAULTS_FIT, name)
    if schema.get("example") is not None:
        yield from _stated_findings(f"{field}.example", schema["example"], schema, name, EXAMPLES_FIT)
    rest = {keyword: value for keyword, value in schema.items() if keyword != "enum"}
    for index, value in enumerate(schema.get("enum") or ()):
        if value is not None:
            yield from _stated_findings(f"{field}.enum[{index}]", value, rest, name, ENUMS_FIT)


def _stated_findings(field: str, value: Any, schema: Document, name: str, rule: Rule) -> Iterator[Finding]:
    """Yield what is wrong with a value. As in the standard, unknown fields and rules in CEL make it a bad one, not a wrong one."""
    misfits = compiled(schema).validate(value, field)
    is_wrong = bool(misfits) and bool(Validator(schema).broken(value))
    for misfit in misfits:
        if is_wrong:
            yield misfit.under(rule, name)
        else:
            yield Notice(
                f"{misfit.field}: no cluster could have this value of {quoted(name)}: found {misfit.found}, allowed is {misfit.allowed}"
            )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
