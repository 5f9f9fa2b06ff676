"""What rules are estimated to cost; the figures are those of kube-apiserver 1.36."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.runtime.documents.cel import compile_rule
from capelin.runtime.documents.celcost import Budget, places
from tests.apiserver.schemas import TEXT, fields, list_of, map_of
from tests.runtime.documents.costlyrules import COSTS, COSTS_WITH_OPTIONAL_OLD, KIT, cost


def rules(*found: dict[str, Any]) -> dict[str, Any]:
    return {"x-kubernetes-validations": list(found)}


def complaints(schema: dict[str, Any]) -> list[str]:
    budget, path = Budget(), ("schema",)
    charged = [
        cause
        for place in places(schema, path, resource=False)
        for index, rule in enumerate(place.rules)
        for cause in budget.charge(compile_rule(rule, place.schema), index, place)
    ]
    return [f"{cause.field}: {cause.message}" for cause in (*charged, *budget.overrun(path))]


@pytest.mark.parametrize(("rule", "want"), COSTS.items(), ids=COSTS)
def test_every_kind_of_rule_has_the_cost_that_the_real_server_gives_it(rule: str, want: int) -> None:
    assert cost(KIT, {"rule": rule}) == want


@pytest.mark.parametrize(("rule", "want"), COSTS_WITH_OPTIONAL_OLD.items(), ids=COSTS_WITH_OPTIONAL_OLD)
def test_what_makes_an_old_value_optional_costs_nothing(rule: str, want: int) -> None:
    assert cost(KIT, {"rule": rule, "optionalOldSelf": True}) == want


def test_a_rule_over_bounded_values_is_cheap_enough() -> None:
    schema = {**list_of({**TEXT, "maxLength": 100}), "maxItems": 100, **rules({"rule": "self.all(x, x.startsWith('a'))"})}

    got = complaints(schema)

    assert got == []


def test_a_rule_over_a_list_of_lists_without_limits_is_refused_with_the_factor_and_what_to_add() -> None:
    schema = {**list_of(TEXT), **rules({"rule": "self.all(x, self.exists(y, x == y))"})}

    got = complaints(schema)

    assert got[0] == (
        "schema.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x "
        "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)"
    )


def test_a_rule_costs_as_often_as_the_lists_and_maps_around_it_have_entries() -> None:
    item = {**TEXT, "maxLength": 10, **rules({"rule": "self.matches('^[a-z]{1,10}$')"})}
    few, many = ({**map_of({**list_of(item), "maxItems": most}), "maxProperties": 1000} for most in (10, 1000))

    assert complaints(few) == []
    assert "factor of 2.1x" in complaints(many)[0]


def test_cheap_rules_can_be_too_dear_together() -> None:
    rule = {"rule": "self.contains('a') && self.contains('b')"}
    schema = fields(**{f"f{number}": {**TEXT, "maxLength": 3_000_000, **rules(rule, rule)} for number in range(30)})

    got = complaints(schema)

    assert len(got) == 5
    assert all("contributed to estimated rule cost total exceeding cost limit" in complaint for complaint in got[:4])
    assert got[4].startswith("schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds")


def test_a_message_expression_has_a_limit_of_its_own() -> None:
    text = "self.map(x, self.map(y, x + y)[0])[0]"
    schema = {**list_of({**TEXT, "maxLength": 100}), "maxItems": 10_000, **rules({"rule": "true", "messageExpression": text})}

    got = complaints(schema)

    assert got[0].startswith("schema.x-kubernetes-validations[0].messageExpression: Forbidden: estimated messageExpression cost exceeds")


@pytest.mark.parametrize("form", ["date-time", "duration"])
def test_reading_a_time_from_json_costs_nothing(form: str) -> None:
    value = "timestamp('2020-01-01T00:00:00Z')" if form == "date-time" else "duration('1h')"
    schema = {
        **list_of({**fields(at={**TEXT, "format": form}), **rules({"rule": f"self.at > {value}"})}),
        "maxItems": 10_000_000 // 4,
    }

    got = complaints(schema)

    assert got == []
