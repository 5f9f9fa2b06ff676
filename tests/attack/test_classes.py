"""A18–A20: classes whose templates, patches and schemas are made to hurt are refused, within the budgets of who reads them."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.classpatches import ClassPatch, JSONPatch, PatchValue
from capelin.api.clusterclass import ClassNaming, ClusterClass
from capelin.api.structural import schema as schema_of
from capelin.runtime.admission.reviews import ReviewRequest, answer_body, read_review
from capelin.runtime.codec import Document
from capelin.runtime.documents.schema import compile_schema
from capelin.runtime.errors import Cause
from capelin.runtime.gotemplate import TemplateError, parse
from capelin.runtime.gotemplate.bounds import MAX_OUTPUT, MAX_PARSE_DEPTH, MAX_STEPS, MAX_TEXT
from capelin.webhooks import clusterclass as webhook
from capelin.webhooks.judging import Judging
from tests.buildclasses import class_patch, class_variable, clusterclass, control_plane_class, variable_of
from tests.runtime.admission.asking import read_answer, review_body
from tests.webhooks.asking import NothingThere

SCHEMA = "spec.variables[0].schema.openAPIV3Schema"
FEW_WORDS = 1_000


async def causes(found: ClusterClass) -> list[Cause]:
    """Send a class through its schema and its webhook, as bytes; return why it is refused."""
    return await causes_of(found.wire())


async def causes_of(document: Document) -> list[Cause]:
    """Send a class as it is on the wire; return why it is refused."""
    if broken := compile_schema(schema_of(ClusterClass)).validate(document):
        return list(broken)
    asked = ReviewRequest("1", "CREATE", ClusterClass.resource, "", "default", "standard", document, None)
    judging = Judging(webhook.WEBHOOK, NothingThere())
    answer = read_answer(answer_body("1", await judging.validate(read_review(review_body(asked)))), "1")
    return list(answer.refusal.causes) if answer.refusal else []


async def fields(found: ClusterClass) -> list[str]:
    """Return which fields of a class are refused; each is told of in few words."""
    refused = await causes(found)
    assert [cause for cause in refused if len(cause.message) > FEW_WORDS] == []
    return [cause.field for cause in refused if cause.field != "<nil>"]  # which says that there was no point in looking further


def step(**fields: Any) -> ClassPatch:
    """Return a patch of one step."""
    return class_patch(steps=[JSONPatch(**({"op": "add", "path": "/spec/x"} | fields))])


def named(template: str) -> ClusterClass:
    """Return a class whose control planes are named by a template."""
    return clusterclass(control_plane=control_plane_class(naming=ClassNaming(template=template)))


NESTED = "{{if 1}}" * (MAX_PARSE_DEPTH + 1) + "x" + "{{end}}" * (MAX_PARSE_DEPTH + 1)


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("{{ range until 10000 }}{{ range until 10000 }}x{{ end }}{{ end }}", id="a range in a range"),
        pytest.param('{{ repeat 1000000000 "x" }}', id="a text of a gigabyte"),
        pytest.param('{{ range until 1000 }}{{ repeat 100000 "x" }}{{ end }}', id="many long texts"),
        pytest.param('{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}', id="a template that invokes itself"),
        pytest.param('{{ regexMatch "^(a+)+$" (repeat 100000 "a" | printf "%s!") }}{{ range until 10000 }}xxxxx{{ end }}', id="a regex"),
        pytest.param(NESTED, id="blocks in blocks"),
        pytest.param("{{ " + "(" * 400 + "1" + ")" * 400 + " }}", id="parentheses in parentheses"),
    ],
)
async def test_a18_a_name_that_costs_too_much_is_refused(template: str) -> None:
    assert await fields(named(template)) == ["spec.controlPlane.naming.template"]


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("{{ range until 1000000000 }}x{{ end }}", id="steps"),
        pytest.param('{{ repeat 1000000000 "x" }}', id="text"),
        pytest.param('{{ range until 10000 }}{{ repeat 1000 "x" }}{{ end }}', id="text in parts"),
        pytest.param("{{ range until 10000 }}{{ range until 10000 }}{{ end }}{{ end }}", id="steps without text"),
    ],
)
def test_a18_a_rendering_ends_at_a_mebibyte_or_its_last_step(template: str) -> None:
    assert (MAX_OUTPUT, MAX_STEPS) <= (1 << 20, 50_000)  # a step stands for about two microseconds

    with pytest.raises(TemplateError):
        parse(template).render({})


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(NESTED, id="blocks in blocks"),
        pytest.param("{{ " + "(" * 400 + "1" + ")" * 400 + " }}", id="parentheses in parentheses"),
        pytest.param("{{ " * 3_000, id="nothing but openings"),
        pytest.param('{{ env "PATH" }}', id="the environment"),
        pytest.param('{{ getHostByName "internal" }}', id="the network"),
        pytest.param("{{ genPrivateKey }}", id="a key"),
        pytest.param("{{ .image | call }}", id="a function that calls"),
    ],
)
async def test_a18_a_template_of_a_patch_that_reaches_too_far_is_refused(template: str) -> None:
    source = PatchValue(template=template)
    found = clusterclass(variables=[class_variable("image")], patches=[step(value_from=source)])

    assert await fields(found) == ["spec.patches[0].definitions[0].jsonPatches[0].valueFrom.template"]


async def test_a18_a_template_that_is_too_long_is_not_even_read() -> None:
    found = clusterclass(patches=[step(value_from=PatchValue(template="x" * MAX_TEXT))])

    assert await fields(found) == ["spec.patches[0].definitions[0].jsonPatches[0].valueFrom.template"]


async def test_a18_a_condition_is_held_to_the_same_bounds() -> None:
    condition = "{{ " + "(" * 60 + "1" + ")" * 60 + " }}"

    assert await fields(
        clusterclass(variables=[class_variable()], patches=[class_patch().model_copy(update={"enabled_if": condition})])
    ) == ["spec.patches[0].enabledIf"]


@pytest.mark.parametrize(
    "path",
    [
        "/metadata/namespace",
        "/metadata/name",
        "/metadata/ownerReferences/-",
        "/metadata/finalizers/0",
        "/metadata/labelsx/y",
        "/metadata",
        "/status",
        "/status/conditions/-",
        "/kind",
        "/apiVersion",
        "/",
        "spec/template",
        "//spec/template",
        "/spec",
        "/Spec/template",
        "/metadata~1labels/x",
    ],
)
@pytest.mark.parametrize("op", ["add", "replace"])
async def test_a19_a_patch_leaves_alone_what_is_not_spec_labels_or_annotations(op: str, path: str) -> None:
    assert set(await fields(clusterclass(patches=[step(op=op, path=path, value="x")]))) == {
        "spec.patches[0].definitions[0].jsonPatches[0].path"
    }


@pytest.mark.parametrize("path", ["/spec/../metadata/namespace", "/spec/template/../../status"])
async def test_a19_dots_in_a_path_lead_nowhere_else(path: str) -> None:
    assert await fields(clusterclass(patches=[step(path=path, value="x")])) == []  # names of fields below the spec, as in any JSON pointer


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        pytest.param(
            {"type": "object", "properties": {"next": {"type": "object", "$ref": "#/properties/next"}}},
            f"{SCHEMA}.properties[next].$ref",
            id="a schema that refers to itself",
        ),
        pytest.param({"type": "string", "enum": ["x"] * 1_000_000}, f"{SCHEMA}.enum", id="a million values"),
        pytest.param(
            {"type": "object", "properties": {"zone": {"type": "string", "enum": ["x"] * 1_000_000}}},
            f"{SCHEMA}.properties[zone].enum",
            id="a million values further down",
        ),
        pytest.param({"type": "object", "properties": {f"f{n}": {"type": "string"} for n in range(20_000)}}, SCHEMA, id="many fields"),
        pytest.param({"type": "string", "pattern": "^(?=(a+)+$)"}, f"{SCHEMA}.pattern", id="a pattern that looks ahead"),
        pytest.param({"type": "string", "pattern": r"^(a+)+\1$"}, f"{SCHEMA}.pattern", id="a pattern that looks back"),
        pytest.param({"type": "string", "pattern": "((a{1,100}){1,100}){1,100}"}, f"{SCHEMA}.pattern", id="a pattern that explodes"),
    ],
)
async def test_a20_a_schema_that_is_made_to_hurt_is_refused(schema: dict[str, Any], field: str) -> None:
    assert await fields(clusterclass(variables=[variable_of(schema)])) == [field]


@pytest.mark.parametrize("levels", [150, 200])
@pytest.mark.parametrize("keyword", ["properties", "items", "additionalProperties", "not", "allOf"])
async def test_a20_a_schema_that_is_too_deep_is_refused_before_it_is_walked(keyword: str, levels: int) -> None:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(levels // 2):
        inner: Any = {"properties": {"a": schema}, "allOf": [schema]}.get(keyword, {"type": "object", keyword: schema})
        schema = {"type": "object", keyword: inner}
    document = clusterclass(variables=[class_variable()]).wire()
    document["spec"]["variables"][0]["schema"]["openAPIV3Schema"] = schema

    assert [cause.field for cause in await causes_of(document)] == [SCHEMA]


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(x+x+)+y", r"(?i)^(\w+\s?)*$"])
async def test_a20_a_pattern_that_backtracks_elsewhere_is_linear_here(pattern: str) -> None:
    example = "a" * 100_000 + "!"

    (cause,) = await causes(clusterclass(variables=[variable_of({"type": "string", "pattern": pattern, "default": example})]))

    assert cause.field == f"{SCHEMA}.default"
    assert len(cause.message) < FEW_WORDS


async def test_a20_a_rule_that_would_run_for_ever_is_refused_by_its_estimate() -> None:
    names = {
        "type": "array",
        "items": {"type": "string"},
        "x-kubernetes-validations": [{"rule": "self.all(a, self.all(b, self.all(c, a != b)))"}],
    }

    found = await fields(clusterclass(variables=[variable_of({"type": "object", "properties": {"names": names}})]))

    assert found == [f"{SCHEMA}.properties[names].x-kubernetes-validations[0].rule", SCHEMA]


async def test_a20_a_thousand_bad_variables_are_told_one_by_one() -> None:
    variables = [variable_of({"type": "string", "pattern": "("}, f"v{number}") for number in range(1_000)]

    assert len(await fields(clusterclass(variables=variables))) == 1_000
