"""Validation rules; the expected sentences were recorded from kube-apiserver 1.36."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.runtime.documents.cel import EVALUATIONS_LIMIT, compile_rules
from capelin.runtime.documents.celevaluation import LIST_LIMIT, RuleError
from tests.apiserver.schemas import NUMBER, TEXT, crd_schema, fields, list_of, map_of, spec, widget


def with_rules(schema: dict[str, Any], *rules: str | dict[str, Any]) -> dict[str, Any]:
    return {**schema, "x-kubernetes-validations": [{"rule": rule} if isinstance(rule, str) else rule for rule in rules]}


def check(schema: dict[str, Any], value: Any, old: Any = None) -> list[str]:
    rules = compile_rules(spec(f=schema))
    assert rules is not None
    found = rules.check(widget({"f": value}), None if old is None else widget({"f": old}))
    return [f"{cause.field}: {cause.message}" for cause in found]


def holds(rule: str, value: Any, schema: dict[str, Any]) -> bool:
    return check(with_rules(schema, rule), value) == []


class TestRules:
    def test_a_schema_without_rules_costs_nothing(self) -> None:
        assert compile_rules(spec(f=TEXT)) is None

    @pytest.mark.parametrize(
        ("rule", "want"),
        [
            ({}, "spec.f: Invalid value: \"b\": failed rule: self == 'a'"),
            ({"message": " must be a "}, 'spec.f: Invalid value: "b": must be a'),
            ({"messageExpression": "self + ' is not a'"}, 'spec.f: Invalid value: "b": b is not a'),
            ({"message": "must be a", "messageExpression": "'two\\nlines'"}, 'spec.f: Invalid value: "b": must be a'),
            ({"message": "no", "reason": "FieldValueForbidden"}, "spec.f: Forbidden: no"),
            ({"message": "no", "reason": "FieldValueRequired"}, "spec.f: Required value: no"),
            ({"message": "no", "reason": "FieldValueDuplicate"}, 'spec.f: Duplicate value: "b"'),
        ],
    )
    def test_a_broken_rule_says_what_its_author_wanted(self, rule: dict[str, Any], want: str) -> None:
        assert check(with_rules(TEXT, {"rule": "self == 'a'", **rule}), "b") == [want]

    def test_the_value_of_an_object_is_not_repeated_and_the_field_can_be_pointed_at(self) -> None:
        schema = with_rules(fields(a=NUMBER, b=NUMBER), {"rule": "self.a <= self.b", "message": "at most b", "fieldPath": ".a"})

        assert check(schema, {"a": 2, "b": 1}) == ["spec.f.a: Invalid value: at most b"]

    @pytest.mark.parametrize(
        ("rule", "value", "want"),
        [
            ("10 / self.x > 0", {"x": 0}, "division by zero evaluating rule: 10 / self.x > 0"),
            ("self.y > 0", {"x": 1}, "no such key: y evaluating rule: self.y > 0"),
            ("self.x + 9223372036854775807 > 0", {"x": 1}, "integer overflow evaluating rule"),
        ],
    )
    def test_a_rule_that_cannot_be_evaluated_is_broken(self, rule: str, value: Any, want: str) -> None:
        (got,) = check(with_rules(fields(x=NUMBER, y=NUMBER), rule), value)

        assert got.startswith('spec.f: Invalid value: "object": ')
        assert want in got

    def test_rules_apply_to_items_and_values_of_maps(self) -> None:
        positive = with_rules(NUMBER, {"rule": "self > 0", "message": "positive"})

        assert check(list_of(positive), [1, 0]) == ["spec.f[1]: Invalid value: 0: positive"]
        assert check(map_of(positive), {"a": 1, "b": 0}) == ["spec.f[b]: Invalid value: 0: positive"]

    def test_rules_are_not_asked_about_absent_and_null_values(self) -> None:
        rules = compile_rules(spec(f=with_rules({**TEXT, "nullable": True}, "self == 'a'")))

        assert rules is not None
        assert rules.check(widget({"f": None})) == []
        assert rules.check(widget({})) == []

    def test_rules_at_the_root_see_only_the_names_in_metadata(self) -> None:
        rules = compile_rules(with_rules(fields(spec=fields(a=TEXT)), "self.metadata.name == self.spec.a && !has(self.metadata.labels)"))

        assert rules is not None
        assert rules.check(widget({"a": "w"}, labels={"x": "y"})) == []

    @pytest.mark.slow
    def test_a_request_does_not_evaluate_without_end(self) -> None:
        schema = list_of(with_rules(NUMBER, {"rule": "self >= 0"}))

        (got,) = check(schema, [0] * (EVALUATIONS_LIMIT + 5))

        assert "running out of cost budget" in got

    def test_one_rule_does_not_evaluate_without_end(self) -> None:
        (got,) = check(with_rules(list_of(NUMBER), "self.all(x, self.all(y, self.all(z, x + y + z >= 0)))"), list(range(100)))

        assert "actual cost limit exceeded" in got

    @pytest.mark.parametrize(
        ("rule", "value"),
        [
            ("self.map(x, x + 1).size() > 0", list(range(LIST_LIMIT + 1))),
            ("self.filter(x, x > 1).size() > 0", list(range(LIST_LIMIT + 1))),
            ("self.transformList(i, x, x + i).size() > 0", list(range(LIST_LIMIT + 1))),
        ],
    )
    def test_rules_that_make_lists_are_not_asked_about_long_ones(self, rule: str, value: Any) -> None:
        schema = with_rules(list_of(NUMBER), rule)

        assert "actual cost limit exceeded" in check(schema, value)[0]
        assert check(schema, value[1:]) == []

    @pytest.mark.slow
    def test_a_request_does_not_make_long_lists_without_end(self) -> None:
        few, many = ([list(range(LIST_LIMIT))] * count for count in (10, 100))
        schema = list_of(with_rules(list_of(NUMBER), "self.map(x, x + 1).size() > 0"))

        assert check(schema, few) == []
        assert "running out of cost budget" in check(schema, many)[0]

    def test_a_text_that_is_split_counts_as_a_list(self) -> None:
        schema = with_rules(TEXT, "self.split('').map(x, x + x).size() > 0")

        assert "actual cost limit exceeded" in check(schema, "a" * (LIST_LIMIT + 1))[0]
        assert check(schema, "a" * LIST_LIMIT) == []


class TestTwoVariables:
    """Macros over the index or key and the value."""

    @pytest.mark.parametrize(
        "rule",
        [
            "self.all(i, v, v == i + 3)",
            "self.exists(i, v, i == 1 && v == 4)",
            "self.exists_one(i, v, v > 3)",
            "self.existsOne(i, v, v > 3)",
            "self.transformList(i, v, v * i) == [0, 4]",
            "self.transformList(i, v, i > 0, v) == [4]",
            "self.exists_one(v, v == 3) && self.exists_one(i, v, 'exists_one(a, b,' != '' && v == 4)",
        ],
    )
    def test_lists_are_seen_with_their_indexes(self, rule: str) -> None:
        assert holds(rule, [3, 4], list_of(NUMBER))

    @pytest.mark.parametrize("rule", ["self.all(k, v, v == k + '!')", "self.transformList(k, v, k).size() == 2"])
    def test_maps_are_seen_with_their_keys(self, rule: str) -> None:
        assert holds(rule, {"a": "a!", "b": "b!"}, map_of(TEXT))


class TestTransitions:
    SCHEMA = with_rules(NUMBER, {"rule": "self >= oldSelf", "message": "grow only"})

    def test_transition_rules_need_an_old_value(self) -> None:
        assert check(self.SCHEMA, 1) == []
        assert check(self.SCHEMA, 1, 2) == ["spec.f: Invalid value: 1: grow only"]
        assert check(self.SCHEMA, 3, 2) == []

    def test_items_of_list_maps_are_found_by_their_keys(self) -> None:
        schema = list_of(with_rules(fields(k=TEXT, v=NUMBER), {"rule": "self.v >= oldSelf.v", "message": "grow only"}), "map", "k")
        old = [{"k": "a", "v": 1}, {"k": "b", "v": 5}]

        assert check(schema, [{"k": "b", "v": 4}, {"k": "new", "v": 0}, {"k": "a", "v": 1}], old) == ["spec.f[0]: Invalid value: grow only"]

    def test_an_optional_old_value_lets_a_rule_speak_of_creation(self) -> None:
        schema = with_rules(
            NUMBER, {"rule": "oldSelf.hasValue() ? self > oldSelf.value() : self == 1", "optionalOldSelf": True, "message": "no"}
        )

        assert check(schema, 1) == []
        assert len(check(schema, 2)) == 1
        assert check(schema, 2, 1) == []
        assert len(check(schema, 1, 1)) == 1

    def test_rules_without_old_value_are_not_told_again_of_what_did_not_change(self) -> None:
        schema = with_rules(fields(a=NUMBER), {"rule": "self.a > 0", "message": "positive"})

        assert check(schema, {"a": 0}, {"a": 0}) == []
        assert check(schema, {"a": -1}, {"a": 0}) == ["spec.f: Invalid value: positive"]


class TestUniqueness:
    """The commonest rule of the standard's CRDs is checked without CEL, with the same outcome."""

    SCHEMA = with_rules(
        {**list_of({**fields(name=TEXT), "required": ["name"]})},
        {"rule": "self.all(x, self.exists_one(y, x.name == y.name))", "message": "unique"},
    )

    @pytest.mark.parametrize(
        ("names", "want"),
        [(["a", "b"], []), (["a", "b", "a"], ["spec.f: Invalid value: unique"]), ([], [])],
        ids=["different", "repeated", "none"],
    )
    def test_names_must_be_different(self, names: list[str], want: list[str]) -> None:
        assert check(self.SCHEMA, [{"name": name} for name in names]) == want

    def test_a_thousand_items_are_no_trouble(self) -> None:
        assert check(self.SCHEMA, [{"name": str(number)} for number in range(1000)]) == []

    def test_the_rules_of_kubeadm_configurations_hold(self) -> None:
        schema = crd_schema("bootstrap.cluster.x-k8s.io_kubeadmconfigs")
        arguments = [{"name": "v", "value": "1"}, {"name": "v", "value": "2"}]
        config = {
            "apiVersion": "bootstrap.cluster.x-k8s.io/v1beta2",
            "kind": "KubeadmConfig",
            "metadata": {"name": "c", "namespace": "default"},
            "spec": {"clusterConfiguration": {"apiServer": {"extraArgs": arguments}}},
        }

        (cause,) = schema.validate(config)

        assert cause.field == "spec.clusterConfiguration.apiServer.extraArgs"
        assert cause.message == "Invalid value: extraArgs name must be unique"


class TestTypes:
    @pytest.mark.parametrize(
        ("rule", "value", "schema"),
        [
            ("self > timestamp('2020-01-01T00:00:00Z')", "2021-01-01T00:00:00Z", {**TEXT, "format": "date-time"}),
            ("self.end - self.start >= duration('1h')", {"start": "2021-01-01T00:00:00Z", "end": "2021-01-01T01:00:00Z"},
             fields(start={**TEXT, "format": "date-time"}, end={**TEXT, "format": "date-time"})),
            ("!has(self.end) || self.end > self.start", {"start": "2021-01-01T00:00:00Z"},
             fields(start={**TEXT, "format": "date-time"}, end={**TEXT, "format": "date-time"})),
            ("self.wait < duration('2m')", {"wait": "90s"}, fields(wait={**TEXT, "format": "duration"})),
            ("self == b'hi'", "aGk=", {**TEXT, "format": "byte"}),
            ("self > 1.5", 2, {"type": "number"}),
            ("self == 'a' || self == 1", 1, {"x-kubernetes-int-or-string": True}),
            ("self.a__dash__b == 1 && self.x__dot__y == 2 && self.__in__ == 3 && self.u__underscores__v == 4",
             {"a-b": 1, "x.y": 2, "in": 3, "u__v": 4}, fields(**{"a-b": NUMBER, "x.y": NUMBER, "in": NUMBER, "u__v": NUMBER})),
            ("self.all(k, self[k] > 0)", {"a": 1, "b-c": 2}, map_of(NUMBER)),
            ("self.?missing.orValue('d') == 'd'", {}, fields(missing=TEXT)),
        ],
    )  # fmt: skip
    def test_values_have_the_types_the_schema_gives_them(self, rule: str, value: Any, schema: dict[str, Any]) -> None:
        assert holds(rule, value, schema)


class TestRefusals:
    @pytest.mark.parametrize(
        ("rule", "schema", "want"),
        [
            ("self ==", TEXT, "compilation failed: ERROR: <input>:1:8: Syntax error"),
            ("foo == 1", TEXT, "undeclared reference to 'foo'"),
            ("self == 1", TEXT, "found no matching overload for '_==_' applied to '(string, int)'"),
            ("self", TEXT, "cel expression must evaluate to a bool"),
            ("self.y == 'a'", fields(x=TEXT), "compilation failed: ERROR: <input>:1:5: undefined field 'y'\n | self.y == 'a'\n | ....^"),
            ("self.transformMap(i, v, v) == {}", list_of(NUMBER), "the macro transformMap is not supported by this server"),
        ],
    )
    def test_a_rule_that_does_not_compile_is_refused(self, rule: str, schema: dict[str, Any], want: str) -> None:
        with pytest.raises(RuleError) as caught:
            compile_rules(spec(f=with_rules(schema, rule)))

        assert want in str(caught.value)

    def test_names_in_texts_are_not_taken_for_fields(self) -> None:
        assert holds("self.x == 'self.y' || \"oldSelf.z\" == 'a'", {"x": "self.y"}, fields(x=TEXT))
