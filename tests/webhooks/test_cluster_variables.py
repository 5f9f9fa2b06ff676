"""Variables of a Cluster's topology: their defaults, and whether they fit the definitions of the class."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.classpatches import ClassPatch, ExternalPatch
from capelin.api.classvariables import ClassVariable, JSONSchemaProps, ValidationRule, VariableDefinition, VariableSchema, VariableStatus
from capelin.api.cluster import Cluster
from capelin.api.clusterclass import VARIABLES_READY_CONDITION, ClusterClassStatus
from capelin.api.topology import ControlPlaneTopology
from capelin.webhooks.cluster import WEBHOOK
from capelin.webhooks.clusterfacts import Facts
from capelin.webhooks.variables import (
    REQUIRED_VARIABLES_ARE_SET,
    VARIABLE_SCHEMAS_ARE_USABLE,
    VARIABLE_VALUES_FIT,
    VARIABLES_ARE_DEFINED,
)
from tests import build
from tests.buildclasses import class_variable, clusterclass, machinepool_class
from tests.buildtopology import deployment_topology, overrides, pool_topology, topology
from tests.webhooks.asking import accepted, defaulted, fields, notices, refused

PORT: dict[str, Any] = {"type": "integer", "minimum": 1, "default": 80}
SERVER = class_variable("server", type="object", properties={"host": {"type": "string"}, "port": PORT})
SIZE = class_variable("size", type="integer", default=3, maximum=9)
PLAIN = class_variable("plain")
STAYS: dict[str, Any] = {"type": "string", "x_kubernetes_validations": [ValidationRule(rule="self == oldSelf")]}
EXTENSION = ClassPatch(name="ext", external=ExternalPatch(discover_variables_extension="variables.extension"))


def known(*variables: ClassVariable, **fields_: Any) -> Facts:
    """Return a class that defines these variables."""
    return Facts(clusterclass(variables=variables, pools=[machinepool_class()], **fields_))


LONG: dict[str, Any] = {"type": "string", "minLength": 20, "x-kubernetes-validations": [{"rule": "self != 'a'"}]}
STANDARD = known(SIZE, SERVER, PLAIN)


def cluster(values: dict[str, Any] | None = None, **parts: Any) -> Cluster:
    return build.cluster(topology=topology(values=values, **parts))


def everywhere(values: dict[str, Any]) -> Cluster:
    """Return a Cluster all of whose parts override these values."""
    return cluster(
        control_plane=ControlPlaneTopology(variables=overrides(values)),
        deployments=[deployment_topology(values=values)],
        pools=[pool_topology(values=values)],
    )


def filled(new: Cluster, facts: Facts = STANDARD) -> Any:
    return defaulted(WEBHOOK, new, facts=facts).spec.topology


def values_of(variables: Any) -> dict[str, Any]:
    return {variable.name: variable.value for variable in variables or ()}


def extended(*, generation: int = 1, ready: str = "True") -> Facts:
    """Return a class whose extension defines the variable `zone`, which its status tells."""
    schema = VariableSchema(open_api_v3_schema=JSONSchemaProps(type="string", enum=["a", "b"]))
    definition = VariableDefinition(from_="ext", required=True, schema_=schema)
    status = ClusterClassStatus(
        observed_generation=generation,
        conditions=[build.condition(VARIABLES_READY_CONDITION, ready)],
        variables=[VariableStatus(name="zone", definitions=[definition])],
    )
    return known(SIZE, patches=[EXTENSION], status=status)


def test_missing_variables_get_the_defaults_of_the_class_after_those_that_are_set() -> None:
    got = filled(cluster({"plain": "x"}))

    assert list(values_of(got.variables).items()) == [("plain", "x"), ("size", 3)]


def test_values_are_completed() -> None:
    new = cluster({"server": {"host": "a"}, "size": None})

    assert values_of(filled(new).variables) == {"server": {"host": "a", "port": 80}, "size": 3}


def test_overrides_are_completed_but_none_is_added() -> None:
    got = filled(everywhere({"server": {}}))

    for part in (got.control_plane, got.workers.machine_deployments[0], got.workers.machine_pools[0]):
        assert values_of(part.variables.overrides) == {"server": {"port": 80}}


def test_defaulting_twice_changes_nothing_more() -> None:
    once = defaulted(WEBHOOK, everywhere({"server": {}}), facts=STANDARD)

    assert defaulted(WEBHOOK, once, facts=STANDARD) == once


def test_without_its_class_a_cluster_gets_no_values() -> None:
    got = defaulted(WEBHOOK, cluster(), facts=Facts())

    assert got.spec.topology.variables is None


def test_values_that_nothing_is_known_of_stay_as_they_are() -> None:
    broken = known(class_variable("bad", type="object", properties=5))

    assert values_of(filled(cluster({"bad": {}, "unknown": None}), broken).variables) == {"bad": {}, "unknown": None}


def test_variables_are_defined_accepts_those_of_the_class() -> None:
    accepted(WEBHOOK, cluster({"size": 1, "plain": "x"}), facts=STANDARD)


def test_variables_are_defined_refuses_others_wherever_they_are_set() -> None:
    new = everywhere({"plain": "x", "unknown": 1})

    refusals = refused(VARIABLES_ARE_DEFINED, WEBHOOK, new, facts=STANDARD)

    assert fields(refusals) == [
        "spec.topology.controlPlane.variables.overrides[1].name",
        "spec.topology.workers.machineDeployments[0].variables.overrides[1].name",
        "spec.topology.workers.machinePools[0].variables.overrides[1].name",
    ]
    assert refusals[0].allowed == "a variable of ClusterClass standard, which has 'size', 'server', 'plain'"


def test_required_variables_are_set_accepts_a_value() -> None:
    accepted(WEBHOOK, cluster({"image": "x"}), facts=known(class_variable(required=True)))


def test_required_variables_are_set_refuses_all_that_are_missing_and_takes_no_override_for_one() -> None:
    facts = known(class_variable(required=True), class_variable("other", required=True), PLAIN)

    refusals = refused(REQUIRED_VARIABLES_ARE_SET, WEBHOOK, everywhere({"image": "x"}), facts=facts)

    assert fields(refusals) == ["spec.topology.variables"] * 2
    assert [refusal.found for refusal in refusals] == ["no variable 'image'", "no variable 'other'"]


@pytest.mark.parametrize("value", [{}, {"host": "a"}, {"port": 1}])
def test_variable_values_fit_accepts_what_the_schema_allows(value: Any) -> None:
    accepted(WEBHOOK, cluster({"server": value}), facts=STANDARD)
    accepted(WEBHOOK, everywhere({"server": value}), facts=STANDARD)


def test_variable_values_fit_refuses_everything_that_does_not_fit() -> None:
    new = cluster({"size": 10, "plain": 5, "server": {"port": "http", "user": 1, "host": None}})

    refusals = refused(VARIABLE_VALUES_FIT, WEBHOOK, new, facts=STANDARD)

    assert {(refusal.field, refusal.found) for refusal in refusals} == {
        ("spec.topology.variables[0].value", "10 in variable 'size'"),
        ("spec.topology.variables[1].value", "5 in variable 'plain'"),
        ("spec.topology.variables[2].value.port", "'http' in variable 'server'"),
        ("spec.topology.variables[2].value.host", "null in variable 'server'"),
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("adminPassword", "hunter2", id="a variable of that name"),
        pytest.param("admin", {"apiKey": "hunter2"}, id="a field of that name"),
        pytest.param("admin", {"tokens": ["hunter2"]}, id="an entry of a list of that name"),
    ],
)
def test_variable_values_fit_refuses_secrets_without_showing_them(name: str, value: Any) -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"apiKey": LONG, "tokens": {"type": "array", "items": LONG}}}
    facts = known(class_variable(name, **(LONG if isinstance(value, str) else schema)))

    (refusal,) = refused(VARIABLE_VALUES_FIT, WEBHOOK, cluster({name: value}), facts=facts)

    assert refusal.found == f"a text that is not shown in variable {name!r}"
    assert "hunter2" not in str(refusal)


def test_variable_values_fit_refuses_what_only_refers_to_a_secret_and_shows_it() -> None:
    (refusal,) = refused(VARIABLE_VALUES_FIT, WEBHOOK, cluster({"secretName": "x"}), facts=known(class_variable("secretName", **LONG)))

    assert refusal.found == "'x' in variable 'secretName'"


def test_variable_values_fit_refuses_changes_that_a_rule_forbids_wherever_the_value_stands() -> None:
    stays = class_variable("stays", **STAYS)
    old, new = everywhere({"stays": "a"}), everywhere({"stays": "b"})

    refusals = refused(VARIABLE_VALUES_FIT, WEBHOOK, new, old, facts=known(stays))

    assert len(refusals) == 3
    accepted(WEBHOOK, old, old, facts=known(stays))


def test_variable_schemas_are_usable_accepts_a_class_whose_bad_variable_is_not_set() -> None:
    facts = known(class_variable("bad", type="object", properties=5), PLAIN)

    accepted(WEBHOOK, cluster({"plain": "x"}), facts=facts)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": 5},
        {"type": "object", "allOf": [5]},
        {"type": "string", "minLength": -1},
    ],
)
def test_variable_schemas_are_usable_refuses_a_value_for_a_bad_one(schema: dict[str, Any]) -> None:
    variable = class_variable("bad", **JSONSchemaProps.model_validate(schema).model_dump(exclude_none=True))

    refusals = refused(VARIABLE_SCHEMAS_ARE_USABLE, WEBHOOK, cluster({"bad": "x"}), facts=known(variable))

    assert fields(refusals) == ["spec.topology.variables[0].value"]


def test_variable_schemas_are_usable_accepts_a_value_that_stays_and_refuses_another() -> None:
    facts, old = known(class_variable("bad", type="object", properties=5)), cluster({"bad": "x"})

    accepted(WEBHOOK, cluster({"bad": "x"}, deployments=[deployment_topology()]), old, facts=facts)
    refused(VARIABLE_SCHEMAS_ARE_USABLE, WEBHOOK, cluster({"bad": "y"}), old, facts=facts)


def test_variables_of_extensions_are_checked_once_the_class_tells_them() -> None:
    accepted(WEBHOOK, cluster({"zone": "a"}), facts=extended())

    refused(VARIABLE_VALUES_FIT, WEBHOOK, cluster({"zone": "c"}), facts=extended())
    refused(REQUIRED_VARIABLES_ARE_SET, WEBHOOK, cluster(), facts=extended())


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(extended(generation=2), id="a status of another generation"),
        pytest.param(extended(ready="False"), id="an extension that did not answer"),
        pytest.param(known(SIZE, patches=[EXTENSION]), id="no status"),
    ],
)
def test_until_then_unknown_variables_are_let_through_with_a_warning(facts: Facts) -> None:
    accepted(WEBHOOK, cluster({"zone": "anything", "size": 1}), facts=facts)

    (notice,) = notices(WEBHOOK, cluster({"zone": "anything"}), facts=facts)
    assert VARIABLES_READY_CONDITION in notice


def test_until_then_the_variables_of_the_class_itself_are_checked() -> None:
    refused(VARIABLE_VALUES_FIT, WEBHOOK, cluster({"size": 10}), facts=extended(ready="False"))
