"""Prune, default and validate; the expected sentences were recorded from kube-apiserver 1.36."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capelin.runtime.documents.schema import Schema, compile_schema
from tests.apiserver.schemas import NUMBER, TEXT, crd_schema, fields, list_of, map_of, spec, widget

FREE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
UNCHECKED = "some validation rules were not checked because the object was invalid"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("abxy", max_size=3),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "k", "x", "metadata"]), below, max_size=4),
    max_leaves=20,
)
SAMPLE = compile_schema(
    fields(
        spec=fields(
            a={**TEXT, "default": "d"},
            b=fields(x={**NUMBER, "default": 1}, k={"type": "object", "default": {}, "properties": {"a": {**TEXT, "default": "deep"}}}),
            k=list_of(fields(k=TEXT, x={**NUMBER, "default": 2}), "map", "k"),
            x=FREE,
        ),
        status=map_of(NUMBER),
    )
)


def sentences(schema: Mapping[str, Any] | Schema, document: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    compiled = schema if isinstance(schema, Schema) else compile_schema(schema)
    return [f"{cause.field}: {cause.message}" for cause in compiled.validate(document, old)]


class TestPrune:
    def test_unknown_fields_go_and_are_named(self) -> None:
        schema = compile_schema(spec(a=TEXT, l=list_of(fields(k=TEXT)), m=map_of(fields(k=TEXT))))
        document = widget({"a": "1", "b": 2, "l": [{"k": "1"}, {"z": 1}], "m": {"any": {"k": "1", "z": {}}}}, bogus=1)

        pruned, unknown = schema.prune(document)

        assert pruned == widget({"a": "1", "l": [{"k": "1"}, {}], "m": {"any": {"k": "1"}}})
        assert unknown == ["metadata.bogus", "spec.b", "spec.l[1].z", "spec.m.any.z"]

    def test_a_document_without_unknown_fields_is_returned_itself(self) -> None:
        document = widget({"a": "1"})

        assert compile_schema(spec(a=TEXT)).prune(document)[0] is document

    def test_preserved_fields_stay_and_known_ones_below_them_are_pruned(self) -> None:
        schema = compile_schema(spec(free={**FREE, "properties": {"known": fields(a=TEXT)}}))
        document = widget({"free": {"any": {"deep": 1}, "known": {"a": "1", "b": 2}}})

        pruned, unknown = schema.prune(document)

        assert pruned["spec"]["free"] == {"any": {"deep": 1}, "known": {"a": "1"}}
        assert unknown == ["spec.free.known.b"]

    def test_embedded_resources_keep_what_every_resource_has(self) -> None:
        schema = compile_schema(
            spec(template={"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": fields(a=TEXT)}})
        )
        template = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "bogus": 1}, "spec": {"a": "1", "b": 2}}

        pruned, unknown = schema.prune(widget({"template": template}))

        assert pruned["spec"]["template"] == {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"a": "1"}}
        assert unknown == ["spec.template.metadata.bogus", "spec.template.spec.b"]

    def test_a_crd_that_preserves_unknown_fields_prunes_nothing(self) -> None:
        document = widget({"b": 1})

        assert compile_schema(fields(spec=FREE), preserve_unknown=True).prune({**document, "extra": {"a": 1}})[1] == []

    @settings(max_examples=50)
    @given(json_values)
    def test_pruning_twice_is_pruning_once(self, value: Any) -> None:
        document = widget(value)

        once, _ = SAMPLE.prune(document)
        twice, unknown = SAMPLE.prune(once)

        assert twice is once
        assert unknown == []

    @settings(max_examples=50)
    @given(json_values)
    def test_pruning_leaves_its_argument_alone(self, value: Any) -> None:
        document = widget(value)
        before = deepcopy(document)

        SAMPLE.default(SAMPLE.prune(document)[0])

        assert document == before


class TestDefault:
    def test_absent_fields_get_their_default_and_defaults_inside_it(self) -> None:
        inner = {"type": "object", "default": {}, "properties": {"y": {**NUMBER, "default": 3}}}
        schema = compile_schema(spec(a={**TEXT, "default": "d"}, inner=inner, b=TEXT))

        assert schema.default(widget({"b": "1"}))["spec"] == {"b": "1", "a": "d", "inner": {"y": 3}}

    def test_nothing_is_made_up_inside_absent_objects(self) -> None:
        schema = compile_schema(spec(inner=fields(y={**NUMBER, "default": 3})))

        assert schema.default(widget({}))["spec"] == {}

    def test_null_counts_as_absent_where_it_is_not_allowed(self) -> None:
        schema = compile_schema(
            spec(a={**TEXT, "default": "d"}, b=TEXT, c={**TEXT, "nullable": True}, d={**TEXT, "nullable": True, "default": "e"})
        )

        got = schema.default(widget({"a": None, "b": None, "c": None, "d": None}))["spec"]

        assert got == {"a": "d", "c": None, "d": None}

    def test_items_and_values_of_maps_are_defaulted(self) -> None:
        item = fields(k=TEXT, v={**NUMBER, "default": 1})
        schema = compile_schema(spec(l=list_of(item), m=map_of(item)))

        got = schema.default(widget({"l": [{"k": "a"}], "m": {"x": {}, "y": None}}))["spec"]

        assert got == {"l": [{"k": "a", "v": 1}], "m": {"x": {"v": 1}}}

    def test_empty_metadata_is_left_out(self) -> None:
        document = widget({}, labels={}, creationTimestamp=None, annotations={"a": "b"})

        assert compile_schema(spec(a=TEXT)).default(document)["metadata"] == {"name": "w", "annotations": {"a": "b"}}

    def test_defaults_are_not_shared_between_documents(self) -> None:
        schema = compile_schema(spec(l={**list_of(TEXT), "default": ["a"]}))

        one, other = schema.default(widget({})), schema.default(widget({}))

        assert one["spec"]["l"] is not other["spec"]["l"]

    @settings(max_examples=50)
    @given(json_values)
    def test_defaulting_twice_is_defaulting_once(self, value: Any) -> None:
        once = SAMPLE.default(widget(value))

        assert SAMPLE.default(once) is once


RULES: list[tuple[str, dict[str, Any], Any, str]] = [
    ("wrong type", TEXT, 1, 'spec.f: Invalid value: "integer": spec.f in body must be of type string: "integer"'),
    ("null", TEXT, None, 'spec.f: Invalid value: "null": spec.f in body must be of type string: "null"'),
    ("number for integer", NUMBER, 1.5, 'spec.f: Invalid value: "number": spec.f in body must be of type integer: "number"'),
    ("boolean is no integer", NUMBER, True, 'spec.f: Invalid value: "boolean": spec.f in body must be of type integer: "boolean"'),
    (
        "int or string",
        {"x-kubernetes-int-or-string": True},
        [],
        'spec.f: Invalid value: "array": spec.f in body must be of type integer,string: "array"',
    ),
    ("minimum", {**NUMBER, "minimum": 0}, -1, "spec.f: Invalid value: -1: spec.f in body should be greater than or equal to 0"),
    ("maximum", {**NUMBER, "maximum": 5}, 6, "spec.f: Invalid value: 6: spec.f in body should be less than or equal to 5"),
    (
        "exclusive minimum",
        {**NUMBER, "minimum": 0, "exclusiveMinimum": True},
        0,
        "spec.f: Invalid value: 0: spec.f in body should be greater than 0",
    ),
    ("multiple", {**NUMBER, "multipleOf": 5}, 7, "spec.f: Invalid value: 7: spec.f in body should be a multiple of 5"),
    (
        "int32",
        {**NUMBER, "format": "int32"},
        2**31,
        "spec.f: Invalid value: 2147483648: Checked value must be of type integer with format int32 in spec.f",
    ),
    (
        "int64",
        NUMBER,
        2**63,
        "spec.f: Invalid value: 9223372036854775808: Checked value must be of type integer with format int64 in spec.f",
    ),
    ("too short", {**TEXT, "minLength": 1}, "", 'spec.f: Invalid value: "": spec.f in body should be at least 1 chars long'),
    ("too long", {**TEXT, "maxLength": 2}, "abc", "spec.f: Too long: may not be more than 2 bytes"),
    ("pattern", {**TEXT, "pattern": "^a+$"}, "b", "spec.f: Invalid value: \"b\": spec.f in body should match '^a+$'"),
    ("RE2 pattern", {**TEXT, "pattern": "^(?i)abc$"}, "x", "spec.f: Invalid value: \"x\": spec.f in body should match '^(?i)abc$'"),
    ("enum", {**TEXT, "enum": ["x", "y"]}, "z", 'spec.f: Unsupported value: "z": supported values: "x", "y"'),
    ("enum of integers", {**NUMBER, "enum": [1, 2]}, 3, 'spec.f: Unsupported value: 3: supported values: "1", "2"'),
    (
        "date-time",
        {**TEXT, "format": "date-time"},
        "soon",
        'spec.f: Invalid value: "soon": spec.f in body must be of type date-time: "soon"',
    ),
    ("too few items", {**list_of(TEXT), "minItems": 1}, [], "spec.f: Invalid value: 0: spec.f in body should have at least 1 items"),
    ("too many items", {**list_of(TEXT), "maxItems": 2}, ["a", "b", "c"], "spec.f: Too many: 3: must have at most 2 items"),
    ("item", list_of(NUMBER), [1, "a"], 'spec.f[1]: Invalid value: "string": spec.f[1] in body must be of type integer: "string"'),
    (
        "too few properties",
        {"type": "object", "minProperties": 1},
        {},
        "spec.f: Invalid value: 0: spec.f in body should have at least 1 properties",
    ),
    ("too many properties", {**map_of(NUMBER), "maxProperties": 1}, {"a": 1, "b": 2}, "spec.f: Too many: 2: must have at most 1 item"),
    (
        "value of a map",
        {**map_of(NUMBER)},
        {"a": "x"},
        'spec.f.a: Invalid value: "string": spec.f.a in body must be of type integer: "string"',
    ),
    ("required", {"type": "object", "required": ["a"]}, {}, "spec.f.a: Required value"),
    ("set", list_of(TEXT, "set"), ["a", "b", "a", "a"], 'spec.f[2]: Duplicate value: "a"'),
    (
        "map with two keys",
        list_of(fields(k=TEXT, p=TEXT), "map", "k", "p"),
        [{"k": "a", "p": "x"}, {"k": "a", "p": "y"}, {"k": "a", "p": "x"}],
        'spec.f[2]: Duplicate value: {"k":"a","p":"x"}',
    ),
    ("map without its key", list_of(fields(k=TEXT, v=TEXT), "map", "k"), [{"v": "1"}, {}], "spec.f[1]: Duplicate value: {}"),
    (
        "one of",
        {**fields(p=TEXT, q=TEXT), "oneOf": [{"required": ["p"]}, {"required": ["q"]}]},
        {"p": "1", "q": "2"},
        '<nil>: Invalid value: "": "spec.f" must validate one and only one schema (oneOf). Found 2 valid alternatives',
    ),
    (
        "not",
        {**fields(p=TEXT), "not": {"required": ["p"]}},
        {"p": "1"},
        '<nil>: Invalid value: "": "spec.f" must not validate the schema (not)',
    ),
    (
        "embedded resource",
        {**FREE, "x-kubernetes-embedded-resource": True},
        {"apiVersion": "v1"},
        "spec.f.kind: Required value",
    ),
]


class TestValidate:
    @pytest.mark.parametrize(("schema", "value", "want"), [rule[1:] for rule in RULES], ids=[rule[0] for rule in RULES])
    def test_a_broken_rule_is_told_in_the_words_of_kubernetes(self, schema: dict[str, Any], value: Any, want: str) -> None:
        assert sentences(spec(f=schema), widget({"f": value})) == [want]

    @pytest.mark.parametrize(
        ("schema", "value"),
        [
            (NUMBER, 1.0),
            ({"type": "number"}, 1),
            ({**TEXT, "nullable": True}, None),
            ({"x-kubernetes-int-or-string": True}, "a"),
            ({**TEXT, "maxLength": 2}, "éé"),
            ({**TEXT, "format": "of-our-own"}, "anything"),
            ({**TEXT, "format": "date-time"}, "2026-01-01T00:00:00.5+01:00"),
            ({**TEXT, "pattern": "(?i)ABC"}, "xabcx"),
            (list_of(NUMBER, "set"), [1, 2]),
            (list_of({}, "set"), [1, True, "1"]),
        ],
    )
    def test_what_the_schema_allows_is_accepted(self, schema: dict[str, Any], value: Any) -> None:
        assert sentences(spec(f=schema), widget({"f": value})) == []

    def test_every_broken_rule_is_told(self) -> None:
        got = sentences(spec(a={**NUMBER, "minimum": 1}, b={**TEXT, "minLength": 1}), widget({"a": 0, "b": ""}))

        assert len(got) == 2

    def test_types_of_metadata_are_checked(self) -> None:
        got = sentences(spec(a=TEXT), widget({}, labels={"a": 1}))

        assert got == ['metadata.labels.a: Invalid value: "integer": metadata.labels.a in body must be of type string: "integer"']

    def test_rules_are_not_evaluated_over_values_of_the_wrong_type(self) -> None:
        schema = spec(a={**TEXT, "x-kubernetes-validations": [{"rule": "self == 'x'"}]}, b=NUMBER)

        got = sentences(schema, widget({"a": "y", "b": "1"}))

        assert len(got) == 2
        assert UNCHECKED in got[-1]

    def test_a_hostile_pattern_is_matched_in_linear_time(self) -> None:
        assert sentences(spec(a={**TEXT, "pattern": "^(a+)+$"}), widget({"a": "a" * 5000 + "b"}))


class TestRatcheting:
    SCHEMA = spec(a={**TEXT, "minLength": 3}, l=list_of(fields(k=TEXT, v={**NUMBER, "minimum": 1}), "map", "k"), s=list_of(TEXT, "set"))

    def test_values_that_did_not_change_are_not_told_again(self) -> None:
        old = widget({"a": "x", "l": [{"k": "1", "v": 0}, {"k": "2", "v": 5}]})
        new = widget({"a": "x", "l": [{"k": "2", "v": 6}, {"k": "1", "v": 0}]})

        assert len(sentences(self.SCHEMA, new)) == 2
        assert sentences(self.SCHEMA, new, old) == []

    def test_values_that_changed_are_told(self) -> None:
        old, new = widget({"a": "x", "l": [{"k": "1", "v": 0}]}), widget({"a": "y", "l": [{"k": "1", "v": -1}]})

        assert len(sentences(self.SCHEMA, new, old)) == 2

    def test_lists_that_were_never_unique_do_not_block_updates(self) -> None:
        repeated = widget({"s": ["a", "a"]})

        assert sentences(self.SCHEMA, widget({"s": ["a", "a"], "a": "long"}), repeated) == []
        assert sentences(self.SCHEMA, repeated, widget({"s": ["a"]})) == ['spec.s[1]: Duplicate value: "a"']


def test_machines_are_validated_as_the_standard_does() -> None:
    schema = crd_schema("cluster.x-k8s.io_machines")
    machine = {
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "Machine",
        "metadata": {"name": "m", "namespace": "default", "creationTimestamp": None},
        "spec": {
            "clusterName": "c",
            "bootstrap": {"dataSecretName": "s", "typo": 1},
            "infrastructureRef": {"apiGroup": "a.b", "kind": "K", "name": "n"},
            "taints": [
                {"key": "a", "effect": "NoSchedule", "propagation": "Always"},
                {"key": "a", "effect": "NoSchedule", "propagation": "Never"},
            ],
            "deletion": {},
        },
    }

    pruned, unknown = schema.prune(machine)
    got = sentences(schema, schema.default(pruned))

    assert unknown == ["spec.bootstrap.typo"]
    assert got == [
        'spec.taints[1].propagation: Unsupported value: "Never": supported values: "Always", "OnInitialization"',
        "spec.deletion: Invalid value: 0: spec.deletion in body should have at least 1 properties",
        'spec.taints[1]: Duplicate value: {"effect":"NoSchedule","key":"a"}',
    ]
