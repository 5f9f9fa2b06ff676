"""What is allowed of MachineHealthChecks."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.healthchecks import HealthChecks, Remediation, RemediationTrigger
from capelin.api.labels import CLUSTER_NAME_LABEL
from capelin.api.machinehealthcheck import MachineHealthCheck
from capelin.api.meta import LabelSelector
from capelin.webhooks.machinehealthcheck import SELECTOR_HAS_SAME_CLUSTER, WEBHOOK
from capelin.webhooks.rules.cluster import CLUSTER_NAME_STAYS
from capelin.webhooks.rules.healthchecks import STARTUP_TIMEOUT_GIVES_TIME, UNHEALTHY_LIMIT_IS_AMOUNT, UNHEALTHY_RANGE_HAS_ORDER
from capelin.webhooks.rules.selectors import SELECTOR_IS_NOT_EMPTY, SELECTOR_IS_VALID
from tests.buildclasses import machinehealthcheck
from tests.webhooks.asking import accepted, defaulted, fields, refused
from tests.webhooks.cases import AMOUNTS, NO_AMOUNTS, READABLE_SELECTORS, UNREADABLE_SELECTORS


def choosing(selector: LabelSelector) -> MachineHealthCheck:
    check = machinehealthcheck()
    return check.model_copy(update={"spec": check.spec.model_copy(update={"selector": selector})})


def triggered(**trigger: Any) -> MachineHealthCheck:
    return machinehealthcheck(remediation=Remediation(trigger_if=RemediationTrigger(**trigger)))


def test_defaults_are_those_of_the_api() -> None:
    check = machinehealthcheck()
    check.spec.checks = None

    got = defaulted(WEBHOOK, check)

    assert got.spec.checks.node_startup_timeout_seconds == 600
    assert got.metadata.labels[CLUSTER_NAME_LABEL] == "demo"


@pytest.mark.parametrize("selector", READABLE_SELECTORS)
def test_selector_is_valid_accepts_known_operators(selector: LabelSelector) -> None:
    accepted(WEBHOOK, choosing(selector))


@pytest.mark.parametrize(("selector", "end"), UNREADABLE_SELECTORS)
def test_selector_is_valid_refuses_what_matches_no_label(selector: LabelSelector, end: str) -> None:
    refusals = refused(SELECTOR_IS_VALID, WEBHOOK, choosing(selector))

    assert fields(refusals) == [f"spec.selector{end}"]


def test_selector_is_not_empty_accepts_one_with_a_label() -> None:
    accepted(WEBHOOK, machinehealthcheck(selector={"role": "worker"}))


@pytest.mark.parametrize(
    "selector", [LabelSelector(), LabelSelector(match_labels={}, match_expressions=[])], ids=["nothing", "empty parts"]
)
def test_selector_is_not_empty_refuses_one_without_rules(selector: LabelSelector) -> None:
    refusals = refused(SELECTOR_IS_NOT_EMPTY, WEBHOOK, choosing(selector))

    assert fields(refusals) == ["spec.selector"]


def test_selector_has_same_cluster_accepts_the_cluster_of_the_check() -> None:
    accepted(WEBHOOK, machinehealthcheck(selector={CLUSTER_NAME_LABEL: "demo"}))


def test_selector_has_same_cluster_refuses_machines_of_another() -> None:
    refusals = refused(SELECTOR_HAS_SAME_CLUSTER, WEBHOOK, machinehealthcheck(selector={CLUSTER_NAME_LABEL: "other"}))

    assert fields(refusals) == [f"spec.selector.matchLabels[{CLUSTER_NAME_LABEL}]"]


@pytest.mark.parametrize("seconds", [0, 30, 600, 2**31 - 1])
def test_startup_timeout_gives_time_accepts_half_a_minute_or_none(seconds: int) -> None:
    accepted(WEBHOOK, machinehealthcheck(startup=seconds))


def test_startup_timeout_gives_time_accepts_checks_that_do_not_say() -> None:
    check = machinehealthcheck()
    check.spec.checks = HealthChecks()

    accepted(WEBHOOK, check)


@pytest.mark.parametrize("seconds", [1, 29])
def test_startup_timeout_gives_time_refuses_less(seconds: int) -> None:
    refusals = refused(STARTUP_TIMEOUT_GIVES_TIME, WEBHOOK, machinehealthcheck(startup=seconds))

    assert fields(refusals) == ["spec.checks.nodeStartupTimeoutSeconds"]


@pytest.mark.parametrize("amount", AMOUNTS)
def test_unhealthy_limit_is_amount_accepts_numbers_and_percentages(amount: int | str) -> None:
    accepted(WEBHOOK, triggered(unhealthy_less_than_or_equal_to=amount))


@pytest.mark.parametrize("amount", NO_AMOUNTS)
def test_unhealthy_limit_is_amount_refuses_other_texts(amount: str) -> None:
    refusals = refused(UNHEALTHY_LIMIT_IS_AMOUNT, WEBHOOK, triggered(unhealthy_less_than_or_equal_to=amount))

    assert fields(refusals) == ["spec.remediation.triggerIf.unhealthyLessThanOrEqualTo"]


@pytest.mark.parametrize("in_range", ["[0-0]", "[3-5]", "[09-10]"])
def test_unhealthy_range_has_order_accepts_the_smaller_number_first(in_range: str) -> None:
    accepted(WEBHOOK, triggered(unhealthy_in_range=in_range))


@pytest.mark.parametrize("in_range", ["[5-3]", "[10-9]"])
def test_unhealthy_range_has_order_refuses_the_larger_number_first(in_range: str) -> None:
    refusals = refused(UNHEALTHY_RANGE_HAS_ORDER, WEBHOOK, triggered(unhealthy_in_range=in_range))

    assert fields(refusals) == ["spec.remediation.triggerIf.unhealthyInRange"]


def test_cluster_name_stays_accepts_other_changes() -> None:
    accepted(WEBHOOK, machinehealthcheck(startup=60), machinehealthcheck())


def test_cluster_name_stays_refuses_another_cluster() -> None:
    refusals = refused(CLUSTER_NAME_STAYS, WEBHOOK, machinehealthcheck(cluster_name="other"), machinehealthcheck())

    assert fields(refusals) == ["spec.clusterName"]
