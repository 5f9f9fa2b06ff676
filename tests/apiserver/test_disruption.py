"""Which evictions disruption budgets allow."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.apiserver.disruption import check_eviction
from capelin.runtime import errors
from capelin.runtime.codec import Document
from tests.apiserver.api import Api

PODS = "/api/v1/namespaces/default/pods"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
APP = {"matchLabels": {"app": "web"}}


def pod(name: str, *, ready: bool = True, phase: str = "Running", app: str = "web", **meta: Any) -> Document:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "metadata": {"name": name, "labels": {"app": app}, **meta},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
        "status": {"phase": phase, "conditions": conditions},
    }


def budget(name: str = "web", *, selector: Document | None = APP, **spec: Any) -> Document:
    return {"metadata": {"name": name}, "spec": {**({"selector": selector} if selector is not None else {}), **spec}}


THREE = [pod("a"), pod("b"), pod("c")]


@pytest.mark.parametrize(
    ("spec", "allowed"),
    [
        ({"minAvailable": 2}, True),
        ({"minAvailable": 3}, False),
        ({"minAvailable": "50%"}, True),
        ({"minAvailable": "67%"}, False),
        ({"maxUnavailable": 1}, True),
        ({"maxUnavailable": 0}, False),
        ({"maxUnavailable": "1%"}, True),
        ({"maxUnavailable": 5}, True),
        ({"minAvailable": 3, "selector": None}, True),
        ({"minAvailable": 3, "selector": {}}, False),
        ({"minAvailable": 3, "selector": {"matchLabels": {"app": "db"}}}, True),
    ],
    ids=str,
)
def test_a_budget_is_a_number_or_a_share_of_what_it_covers(spec: Document, allowed: bool) -> None:
    if allowed:
        check_eviction(THREE[0], THREE, [budget(**spec)])
        return
    with pytest.raises(errors.TooManyRequests):
        check_eviction(THREE[0], THREE, [budget(**spec)])


@pytest.mark.parametrize("other", [pod("b", ready=False), pod("b", phase="Failed"), pod("b", deletionTimestamp="2026-01-01T00:00:00Z")])
def test_pods_that_do_not_serve_do_not_count(other: Document) -> None:
    with pytest.raises(errors.TooManyRequests) as told:
        check_eviction(pod("a"), [pod("a"), other], [budget(minAvailable=1)])

    assert [cause.message for cause in told.value.causes] == ["The disruption budget web needs 1 healthy pods and has 1 currently"]


@pytest.mark.parametrize(
    "mine", [pod("a", phase="Pending"), pod("a", phase="Succeeded"), pod("a", deletionTimestamp="2026-01-01T00:00:00Z")]
)
def test_a_pod_that_does_not_run_can_always_go(mine: Document) -> None:
    check_eviction(mine, [mine], [budget(minAvailable=1)])


@pytest.mark.parametrize(("policy", "healthy", "allowed"), [(None, 1, True), (None, 0, False), ("AlwaysAllow", 0, True)])
def test_a_sick_pod_can_go_while_enough_others_are_well(policy: str | None, healthy: int, allowed: bool) -> None:
    mine = pod("a", ready=False)
    pods = [mine, pod("b", ready=bool(healthy))]
    rules = [budget(minAvailable=1, unhealthyPodEvictionPolicy=policy)]
    if allowed:
        check_eviction(mine, pods, rules)
        return
    with pytest.raises(errors.TooManyRequests):
        check_eviction(mine, pods, rules)


def test_several_budgets_for_one_pod_are_a_mistake() -> None:
    with pytest.raises(errors.ServerError):
        check_eviction(THREE[0], THREE, [budget("one", minAvailable=0), budget("two", minAvailable=0)])


async def test_an_eviction_that_a_budget_forbids_leaves_the_pod(api: Api) -> None:
    await api.have(PODS, pod("a"))
    await api.patch(f"{PODS}/a/status", {"status": pod("a")["status"]})  # Pods are born without one
    await api.have(BUDGETS, budget(minAvailable=1))

    got = await api.create(f"{PODS}/a/eviction", {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "a"}})

    assert (got.status, got.body["reason"]) == (429, "TooManyRequests")
    assert got.body["details"]["causes"][0]["reason"] == "DisruptionBudget"
    assert (await api.get(f"{PODS}/a")).status == 200
