from __future__ import annotations

from typing import Any

import pytest

from capelin.api import contract


def infrastructure(**fields: Any) -> dict[str, Any]:
    return {"kind": "AcmeMachine", "metadata": {"namespace": "default", "name": "m"}, **fields}


@pytest.mark.parametrize(
    ("status", "want"),
    [
        pytest.param({"initialization": {"provisioned": True}}, True, id="v1beta2"),
        pytest.param({"ready": True}, True, id="v1beta1"),
        pytest.param({"initialization": {"provisioned": False}}, False, id="not yet"),
        pytest.param({"initialization": None}, False, id="null"),
        pytest.param({}, False, id="nothing reported"),
    ],
)
def test_infrastructure_is_provisioned_when_either_contract_says_so(status: dict[str, Any], want: bool) -> None:
    assert contract.is_provisioned(infrastructure(status=status)) is want


def test_a_field_of_the_wrong_type_names_object_field_found_and_allowed() -> None:
    document = infrastructure(status={"initialization": {"provisioned": "yes"}})

    with pytest.raises(contract.ContractViolation) as violation:
        contract.is_provisioned(document)

    assert str(violation.value) == "AcmeMachine default/m: status.initialization.provisioned: found str, allowed is a boolean"


def test_a_scalar_where_an_object_belongs_is_a_violation() -> None:
    with pytest.raises(contract.ContractViolation, match=r"status: found str, allowed is an object"):
        contract.provider_id(infrastructure(spec={"providerID": "x"})), contract.is_provisioned(infrastructure(status="ready"))


def test_true_is_no_integer() -> None:
    document = infrastructure(spec={"controlPlaneEndpoint": {"host": "a", "port": True}})

    with pytest.raises(contract.ContractViolation, match="allowed is an integer"):
        contract.control_plane_endpoint(document)


def test_an_endpoint_is_none_until_both_halves_are_known() -> None:
    half = infrastructure(spec={"controlPlaneEndpoint": {"host": "10.0.0.1"}})
    whole = infrastructure(spec={"controlPlaneEndpoint": {"host": "10.0.0.1", "port": 6443}})

    assert contract.control_plane_endpoint(half) is None
    assert contract.control_plane_endpoint(whole) == contract.Endpoint("10.0.0.1", 6443)


@pytest.mark.parametrize(
    "found",
    [
        pytest.param([{"name": "b"}, {"name": "a", "controlPlane": True}], id="a list (v1beta2)"),
        pytest.param({"b": {}, "a": {"controlPlane": True}}, id="a map (v1beta1)"),
    ],
)
def test_failure_domains_come_by_name_in_either_shape(found: Any) -> None:
    got = contract.failure_domains(infrastructure(status={"failureDomains": found}))

    assert got == [{"name": "a", "controlPlane": True}, {"name": "b"}]


@pytest.mark.parametrize(
    "found",
    [
        pytest.param("a", id="a string"),
        pytest.param([{"controlPlane": True}], id="one without a name"),
        pytest.param([{"name": "a", "controlPlane": "maybe"}], id="a controlPlane that is no boolean"),
        pytest.param([{"name": "a", "attributes": {"rack": 7}}], id="an attribute that is no string"),
        pytest.param({"a": "yes"}, id="a map of strings"),
    ],
)
def test_malformed_failure_domains_are_a_violation(found: Any) -> None:
    with pytest.raises(contract.ContractViolation, match=r"status\.failureDomains"):
        contract.failure_domains(infrastructure(status={"failureDomains": found}))


def test_the_machines_own_failure_domain_is_read_from_status_then_spec() -> None:
    assert contract.failure_domain(infrastructure(status={"failureDomain": "a"}, spec={"failureDomain": "b"})) == "a"
    assert contract.failure_domain(infrastructure(spec={"failureDomain": "b"})) == "b"


def test_a_condition_without_a_reason_gets_one() -> None:
    conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]

    got = contract.condition(infrastructure(status={"conditions": conditions}), "Ready")

    assert got is not None
    assert (got.status, got.reason) == ("True", contract.NO_REASON)


@pytest.mark.parametrize("conditions", [["Ready"], [{"type": "Ready"}], [{"type": "Ready", "status": "maybe"}], {"Ready": True}])
def test_malformed_conditions_are_a_violation(conditions: Any) -> None:
    with pytest.raises(contract.ContractViolation, match=r"status\.conditions"):
        contract.conditions(infrastructure(status={"conditions": conditions}))


def test_addresses_keep_their_order_and_lose_what_is_not_in_the_contract() -> None:
    found = [{"type": "InternalIP", "address": "10.0.0.2", "extra": 1}, {"type": "Hostname", "address": "m"}]

    got = contract.addresses(infrastructure(status={"addresses": found}))

    assert got == [{"type": "InternalIP", "address": "10.0.0.2"}, {"type": "Hostname", "address": "m"}]


def test_a_control_plane_without_replicas_has_no_counters() -> None:
    assert contract.counters({"kind": "Hosted"}) == contract.Counters()


def test_versions_fall_back_to_the_single_one() -> None:
    assert contract.versions({"status": {"version": "v1.34.0"}}) == [{"version": "v1.34.0"}]
    assert contract.versions({"status": {"versions": [{"version": "v1.34.0", "replicas": 3}]}}) == [{"version": "v1.34.0", "replicas": 3}]


def test_a_version_whose_replicas_are_no_number_is_a_violation() -> None:
    with pytest.raises(contract.ContractViolation, match=r"status\.versions"):
        contract.versions({"status": {"versions": [{"version": "v1.34.0", "replicas": "three"}]}})
