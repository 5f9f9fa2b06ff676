"""What is allowed of MachineDrainRules."""

from __future__ import annotations

import pytest

from capelin.api.machinedrainrule import DRAIN, SKIP, WAIT_COMPLETED, DrainRuleMachines, DrainRulePods
from capelin.api.meta import LabelSelector
from capelin.webhooks.machinedrainrule import ORDER_IS_FOR_DRAINING, WEBHOOK
from capelin.webhooks.rules.selectors import SELECTOR_IS_VALID
from tests.buildclasses import machinedrainrule
from tests.webhooks.asking import accepted, fields, refused
from tests.webhooks.cases import READABLE_SELECTORS, UNREADABLE_SELECTORS, selector


@pytest.mark.parametrize(("behavior", "order"), [(DRAIN, None), (DRAIN, 0), (DRAIN, -5), (SKIP, None), (WAIT_COMPLETED, None)])
def test_order_is_for_draining_accepts_an_order_there_and_none_elsewhere(behavior: str, order: int | None) -> None:
    accepted(WEBHOOK, machinedrainrule(behavior=behavior, order=order))


@pytest.mark.parametrize("behavior", [SKIP, WAIT_COMPLETED])
@pytest.mark.parametrize("order", [0, 10])
def test_order_is_for_draining_refuses_an_order_of_what_stays(behavior: str, order: int) -> None:
    refusals = refused(ORDER_IS_FOR_DRAINING, WEBHOOK, machinedrainrule(behavior=behavior, order=order))

    assert fields(refusals) == ["spec.drain.order"]


@pytest.mark.parametrize("chosen", [*READABLE_SELECTORS, pytest.param(LabelSelector(), id="everything")])
def test_selector_is_valid_accepts_known_operators(chosen: LabelSelector) -> None:
    machines, pods = DrainRuleMachines(selector=chosen), DrainRulePods(namespace_selector=chosen)

    accepted(WEBHOOK, machinedrainrule(machines=[machines], pods=[pods]))


@pytest.mark.parametrize(("chosen", "end"), UNREADABLE_SELECTORS)
def test_selector_is_valid_refuses_what_matches_no_label(chosen: LabelSelector, end: str) -> None:
    refusals = refused(SELECTOR_IS_VALID, WEBHOOK, machinedrainrule(pods=[DrainRulePods(), DrainRulePods(selector=chosen)]))

    assert fields(refusals) == [f"spec.pods[1].selector{end}"]


def test_selector_is_valid_refuses_each_of_the_four_selectors() -> None:
    wrong = selector("role", "Near")
    machines, pods = DrainRuleMachines(selector=wrong, cluster_selector=wrong), DrainRulePods(selector=wrong, namespace_selector=wrong)

    refusals = refused(SELECTOR_IS_VALID, WEBHOOK, machinedrainrule(machines=[machines], pods=[pods]))

    assert fields(refusals) == [
        f"spec.{place}.matchExpressions[0].operator"
        for place in ("machines[0].selector", "machines[0].clusterSelector", "pods[0].selector", "pods[0].namespaceSelector")
    ]
