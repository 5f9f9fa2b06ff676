"""The same objects and CustomResourceDefinitions to the real server and to ours: what one refuses the other refuses, with the same causes.

Where we differ on purpose the case is left out: for a number out of the range of its format, and for a value of the wrong type where a
format is set, the real server names no field or a Go type; it rounds the bounds of numbers to integers; its format `hostname` refuses dots.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from tests.apiserver.api import Api
from tests.apiserver.schemas import NUMBER, TEXT, fields, list_of, map_of, spec
from tests.apiserver.sidebyside import Answer, Document, Ours, Server, comparable, connected, until_served
from tests.integration.realserver import RealServer
from tests.runtime.documents.test_structural import FIELDS, ROOTS

pytestmark = [pytest.mark.real, pytest.mark.slow]

GROUP = "side-by-side.example.com"
WIDGETS = f"/apis/{GROUP}/v1/namespaces/default/widgets"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
FREE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def rules(schema: Document, *found: Document) -> Document:
    return {**schema, "x-kubernetes-validations": list(found)}


def bounded(schema: Document) -> Document:
    """Return the schema with a limit on everything, without which the real server fears the cost of its rules."""
    limits: Document = {"string": {"maxLength": 40}, "array": {"maxItems": 5}}.get(schema.get("type", ""), {})
    if "additionalProperties" in schema:
        limits = {"maxProperties": 5}
    result = {**({} if "enum" in schema else limits), **schema}
    if "properties" in schema:
        result["properties"] = {name: bounded(child) for name, child in schema["properties"].items()}
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            result[name] = bounded(schema[name])
    return result


def text(form: str) -> Document:
    return {**TEXT, "format": form}


ITEM = rules(
    {**fields(k=TEXT, p={**TEXT, "default": "P"}, v=NUMBER), "required": ["k"]},
    {"rule": "!has(self.v) || self.v > 0", "messageExpression": "'v of ' + self.k"},
    {"rule": "!has(oldSelf.v) || !has(self.v) || self.v >= oldSelf.v", "message": "v may not shrink"},
)
KINDS: dict[str, tuple[Document, list[Any]]] = {
    "str": (TEXT, [1, None, {}, "x"]),
    "i32": ({**NUMBER, "format": "int32"}, [-5, 1.0, "1"]),
    "num": ({"type": "number", "minimum": 1.5}, [1.4, 2, "x"]),
    "mul": ({**NUMBER, "multipleOf": 5}, [7, 10]),
    "above": ({**NUMBER, "minimum": 0, "exclusiveMinimum": True}, [0, 1]),
    "len": ({**TEXT, "minLength": 2, "maxLength": 4}, ["", "a", "abcde", "éé", "ééééé"]),
    "pat": ({**TEXT, "pattern": "^(?i)abc$"}, ["ABC", "x"]),
    "en": ({**TEXT, "enum": ["x", "y"]}, ["z", 1]),
    "ios": ({"x-kubernetes-int-or-string": True}, [1, "a", 1.5, True, {}, []]),
    "flag": ({"type": "boolean"}, ["true", 0]),
    "time": (text("date-time"), ["2020-01-01T00:00:00Z", "2020-01-01", "x", "2020-01-01t00:00:00z", "2020-01-01T00:00:00.123+01:00"]),
    "ip": (text("ipv4"), ["1.2.3.4", "x", "::1"]),
    "uuid": (text("uuid"), ["x", "123e4567-e89b-12d3-a456-426614174000"]),
    "bytes": (text("byte"), ["aGk=", "a", "a!"]),
    "cidr": (text("cidr"), ["1.2.3.4/8", "1.2.3.4"]),
    "wait": (text("duration"), ["1h", "1h30m", "x", "5 ns", "1", "3 days"]),
    "other": (text("weird"), ["any"]),
    "date": (text("date"), ["2020-01-01", "x"]),
    "list": (
        {**list_of({**TEXT, "minLength": 1}), "minItems": 1, "maxItems": 2},
        [[], ["a", "b", "c"], ["a", ""], ["a", 1], "x", [None], {"a": 1}],
    ),
    "set": (list_of(TEXT, "set"), [["a", "a"], ["a", "b", "a", "a"], []]),
    "lm": (
        list_of(ITEM, "map", "k", "p"),
        [
            [{"k": "a"}, {"k": "a", "p": "P"}],
            [{"k": "a"}, {"k": "a", "p": "Q"}],
            [{"p": "x"}],
            [{"k": "a", "v": -1}],
            ["x"],
            [None],
            [{"k": "a", "z": 1}],
        ],
    ),
    "map": (
        {**map_of({**NUMBER, "minimum": 0}), "minProperties": 1, "maxProperties": 2},
        [{}, {"a": 1, "b": 2, "c": 3}, {"a": -1}, {"a": "x"}, {"a": None}],
    ),
    "free": (FREE, [{"a": {"b": [1, None]}}]),
    "any": ({"type": "object", "additionalProperties": True}, [{"a": 1}, {"a": {"b": 1}}, {"a": None}]),
    "null": ({**TEXT, "nullable": True}, [None, "x"]),
    "defaulted": ({**TEXT, "default": "q"}, [None]),
    "one": ({**fields(p=TEXT, q=TEXT), "oneOf": [{"required": ["p"]}, {"required": ["q"]}]}, [{}, {"p": "1"}, {"p": "1", "q": "2"}]),
    "some": ({**fields(p=TEXT, q=TEXT), "anyOf": [{"required": ["p"]}, {"required": ["q"]}]}, [{}, {"p": "1"}]),
    "none": ({**fields(p=TEXT), "not": {"required": ["p"]}}, [{"p": "1"}, {}]),
    "emb": (
        {**FREE, "x-kubernetes-embedded-resource": True},
        [
            {},
            {"apiVersion": "v1", "kind": "Foo", "spec": {"x": 1}},
            {"apiVersion": "v1", "kind": "Foo", "metadata": {"bogus": 1}},
            {"apiVersion": "v1", "kind": "Foo", "metadata": {"labels": {"a b": "c"}}},
            {"apiVersion": "v1", "kind": "1x"},
        ],
    ),
    "cel": (
        rules(TEXT, {"rule": "self.startsWith('a')"}, {"rule": "self.size() < 5", "reason": "FieldValueForbidden", "message": "too big"}),
        ["b", "abcdef", "zzzzzzzz"],
    ),
    "celmap": (rules(map_of(TEXT), {"rule": "self.all(k, self[k] != 'bad')", "message": "no bad"}), [{"a": "ok"}, {"a": "bad"}]),
    "celerr": (
        rules(fields(x=NUMBER, y=NUMBER), {"rule": "10 / self.x > 0"}, {"rule": "self.y > 0"}),
        [{"x": 0, "y": 1}, {"x": 1}, {"x": 1, "y": -1}],
    ),
    "quantity": (
        rules(TEXT, {"rule": "isQuantity(self) && quantity(self).isGreaterThan(quantity('1Gi'))", "message": "more"}),
        ["2Gi", "1", "zz"],
    ),
    "after": (
        rules(text("date-time"), {"rule": "self > timestamp('2020-01-01T00:00:00Z')", "message": "old"}),
        ["2019-01-01T00:00:00Z", "2021-01-01T00:00:00Z"],
    ),
    "esc": (
        rules(
            fields(**{"a-b": NUMBER, "x__y": NUMBER, "in": NUMBER}),
            {"rule": "!has(self.a__dash__b) || self.a__dash__b > 1", "message": "a-b"},
            {"rule": "!has(self.x__underscores__y) || self.x__underscores__y > 1", "message": "xy"},
            {"rule": "!has(self.__in__) || self.__in__ > 1", "message": "in"},
        ),
        [{"a-b": 1}, {"x__y": 1}, {"in": 1}, {"a-b": 2, "x__y": 2, "in": 2}],
    ),
    "lower": (rules(TEXT, {"rule": "self.matches('^[a-z]+$')", "messageExpression": "'%s is not lower'.format([self])"}), ["ABC", "abc"]),
    "inside": (
        rules(TEXT, {"rule": "isIP(self) && cidr('10.0.0.0/8').containsIP(self)", "message": "in 10/8"}),
        ["10.1.2.3", "11.1.1.1", "x"],
    ),
    "numbers": (
        rules(list_of(NUMBER), {"rule": "self.isSorted()", "message": "sorted"}, {"rule": "self.sum() < 10", "message": "sum"}),
        [[1, 2], [2, 1], [3, 4, 5], []],
    ),
    "unknown-field": ({}, [1]),
    "grow": (
        rules(
            NUMBER,
            {"rule": "!oldSelf.hasValue() || self >= oldSelf.value()", "optionalOldSelf": True, "message": "grow only"},
            {"rule": "oldSelf.hasValue() || self == 1", "optionalOldSelf": True, "message": "start at 1"},
        ),
        [1, 2],
    ),
}
UPDATES: list[tuple[Document, Document]] = [
    ({"lm": [{"k": "a", "v": 5}]}, {"lm": [{"k": "a", "v": 1}]}),
    ({"lm": [{"k": "a", "v": 5}]}, {"lm": [{"k": "b", "v": 1}]}),
    ({"grow": 1}, {"grow": 1}),
    ({"grow": 1}, {"grow": 0}),
    ({}, {"grow": 3}),
    ({"kept": "d"}, {"kept": "e"}),
    ({}, {"a": 5, "b": 2}),
]
METADATA: list[Document] = [
    {"name": "BAD"},
    {"name": "a" * 260},
    {"generateName": "Foo-"},
    {"labels": {"a": "-x"}},
    {"labels": {"a/b/c": "x", "/a": "1"}},
    {"labels": {}, "annotations": None},
    {"annotations": {"X Y": "a"}},
    {"finalizers": ["a b"]},
    {"finalizers": ["orphan", "foregroundDeletion"]},
    {"ownerReferences": [{"apiVersion": "", "kind": "", "name": "", "uid": ""}]},
    {"bogus": 1},
]
WIDGET = bounded(
    fields(
        spec=rules(
            {
                **fields(
                    need=TEXT,
                    kept={**TEXT, "default": "d"},
                    a=NUMBER,
                    b=NUMBER,
                    **{name: schema for name, (schema, _) in KINDS.items() if schema},
                ),
                "required": ["need"],
            },
            {"rule": "!has(self.a) || !has(self.b) || self.a <= self.b", "message": "a must not exceed b", "fieldPath": ".a"},
            {"rule": "self.kept == oldSelf.kept", "message": "immutable"},
        )
    )
)


def definition(name: str, schema: Document) -> Document:
    names = {"plural": f"{name}s", "singular": name, "kind": name.capitalize(), "listKind": f"{name.capitalize()}List"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    spec = {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{name}s.{GROUP}"},
        "spec": spec,
    }


@pytest.fixture(scope="module")
def theirs(real_server: RealServer) -> Iterator[Server]:
    with connected(real_server) as found:
        yield found


@pytest.fixture
async def both(theirs: Server, api: Api) -> tuple[Server, Server]:
    """The real server and ours, both with the same widgets."""
    for server in (theirs, Ours(api)):
        code, answer = await server("POST", DEFINITIONS, definition("widget", WIDGET))
        assert code in (201, 409), answer.get("message")
        await until_served(server, WIDGETS)
    return theirs, Ours(api)


async def assert_same(both: tuple[Server, Server], name: str, spec: Any, *, old: Any = None, **metadata: Any) -> None:
    """Create or update a widget on both sides and compare the answers."""
    document = {"apiVersion": f"{GROUP}/v1", "kind": "Widget", "metadata": {"name": name, "namespace": "default", **metadata}, "spec": spec}
    (code, want), (our_code, got) = [await written(server, document, old) for server in both]
    if "strict decoding error" in want.get("message", ""):
        assert (our_code, got["message"]) == (code, want["message"])
    else:
        assert comparable((our_code, got)) == comparable((code, want))


async def written(server: Server, document: Document, old: Any) -> Answer:
    if old is None:
        return await server("POST", f"{WIDGETS}?fieldValidation=Strict&fieldManager=t", document)
    code, before = await server("POST", f"{WIDGETS}?fieldManager=t", {**document, "spec": old})
    assert code == 201, before.get("message")
    path = f"{WIDGETS}/{document['metadata']['name']}"
    return await server("PUT", f"{path}?fieldValidation=Strict&fieldManager=t", {**deepcopy(before), "spec": document["spec"]})


@pytest.mark.parametrize(("field", "index"), [(name, index) for name, (_, values) in KINDS.items() for index in range(len(values))])
async def test_values(both: tuple[Server, Server], field: str, index: int) -> None:
    await assert_same(both, f"value-{field}-{index}", {"need": "x", field: KINDS[field][1][index]})


SPECS: list[Any] = [{}, None, "x", {"need": "x", "a": 5, "b": 2}, {"need": "x", "flag": "x", "a": 5, "b": 2}]


@pytest.mark.parametrize("number", range(len(SPECS)))
async def test_specs(both: tuple[Server, Server], number: int) -> None:
    await assert_same(both, f"spec-{number}", SPECS[number])


@pytest.mark.parametrize("number", range(len(UPDATES)))
async def test_updates(both: tuple[Server, Server], number: int) -> None:
    old, new = UPDATES[number]

    await assert_same(both, f"update-{number}", {"need": "x", **new}, old={"need": "x", **old})


@pytest.mark.parametrize("number", range(len(METADATA)))
async def test_metadata(both: tuple[Server, Server], number: int) -> None:
    metadata = METADATA[number]
    others = {field: value for field, value in metadata.items() if field != "name"}

    await assert_same(both, metadata.get("name", f"metadata-{number}"), {"need": "x"}, **others)


@pytest.mark.parametrize(
    "openapi", [case[1] for case in ROOTS] + [spec(f=bounded(case[1])) for case in FIELDS], ids=[case[0] for case in (*ROOTS, *FIELDS)]
)
async def test_definitions(both: tuple[Server, Server], openapi: Document) -> None:
    (code, want), (our_code, got) = [await server("POST", f"{DEFINITIONS}?dryRun=All", definition("gadget", openapi)) for server in both]

    assert (our_code, code) == (422, 422)
    assert places(got) >= places(want)


def places(answer: Document) -> set[tuple[str, str]]:
    """Return fields and reasons of the causes; the real server speaks of a schema as if it were that of all versions."""
    causes = answer["details"]["causes"]
    return {(cause["field"].replace("spec.versions[0].schema.", "spec.validation."), cause["reason"]) for cause in causes}
