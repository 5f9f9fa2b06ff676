"""What is allowed of ClusterResourceSets."""

from __future__ import annotations

import pytest

from capelin.api.clusterresourceset import APPLY_ONCE, RECONCILE, ClusterResourceSet
from capelin.api.meta import LabelSelector
from capelin.webhooks.clusterresourceset import SELECTOR_STAYS, STRATEGY_STAYS, WEBHOOK
from capelin.webhooks.rules.selectors import SELECTOR_IS_NOT_EMPTY, SELECTOR_IS_VALID
from tests.buildclasses import clusterresourceset
from tests.webhooks.asking import accepted, defaulted, fields, refused
from tests.webhooks.cases import READABLE_SELECTORS, UNREADABLE_SELECTORS


def choosing(selector: LabelSelector) -> ClusterResourceSet:
    resources = clusterresourceset()
    return resources.model_copy(update={"spec": resources.spec.model_copy(update={"cluster_selector": selector})})


def test_defaults_are_those_of_the_api() -> None:
    assert defaulted(WEBHOOK, clusterresourceset(strategy=None)).spec.strategy == APPLY_ONCE


@pytest.mark.parametrize("selector", READABLE_SELECTORS)
def test_selector_is_valid_accepts_known_operators(selector: LabelSelector) -> None:
    accepted(WEBHOOK, choosing(selector))


@pytest.mark.parametrize(("selector", "end"), UNREADABLE_SELECTORS)
def test_selector_is_valid_refuses_what_matches_no_label(selector: LabelSelector, end: str) -> None:
    refusals = refused(SELECTOR_IS_VALID, WEBHOOK, choosing(selector))

    assert fields(refusals) == [f"spec.clusterSelector{end}"]


def test_selector_is_not_empty_accepts_one_with_a_label() -> None:
    accepted(WEBHOOK, clusterresourceset(selector={"addons": "enabled"}))


def test_selector_is_not_empty_refuses_one_without_rules() -> None:
    refusals = refused(SELECTOR_IS_NOT_EMPTY, WEBHOOK, choosing(LabelSelector()))

    assert fields(refusals) == ["spec.clusterSelector"]


def test_selector_stays_accepts_other_resources() -> None:
    accepted(WEBHOOK, clusterresourceset(resources=[("Secret", "more")]), clusterresourceset())


def test_selector_stays_refuses_other_clusters() -> None:
    refusals = refused(SELECTOR_STAYS, WEBHOOK, clusterresourceset(selector={"addons": "some"}), clusterresourceset())

    assert fields(refusals) == ["spec.clusterSelector"]
    assert refusals[0].found == "a change of matchLabels.addons"


@pytest.mark.parametrize("before", [RECONCILE, None], ids=["the same", "none"])
def test_strategy_stays_accepts_the_same_and_a_first_one(before: str | None) -> None:
    accepted(WEBHOOK, clusterresourceset(strategy=RECONCILE), clusterresourceset(strategy=before))


@pytest.mark.parametrize(("before", "after"), [(APPLY_ONCE, RECONCILE), (RECONCILE, APPLY_ONCE), (RECONCILE, None)])
def test_strategy_stays_refuses_another(before: str, after: str | None) -> None:
    refusals = refused(STRATEGY_STAYS, WEBHOOK, clusterresourceset(strategy=after), clusterresourceset(strategy=before))

    assert fields(refusals) == ["spec.strategy"]
    assert before in refusals[0].allowed
