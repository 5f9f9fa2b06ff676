from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from capelin.api.core import Node, Pod
from capelin.api.meta import ObjectKey, OwnerReference
from capelin.runtime import errors
from capelin.runtime.codec import Document
from capelin.workload.drain import AWAITED, BUDGET, FAILED, TERMINATING, DrainReport, cordon, drain, is_unreachable, plan_drain
from tests import build
from tests.fakes import FakeClient

DAEMONSET = OwnerReference(api_version="apps/v1", kind="DaemonSet", name="proxy", uid="ds", controller=True)
REPLICASET = OwnerReference(api_version="apps/v1", kind="ReplicaSet", name="web", uid="rs", controller=True)


def names(pods: tuple[Pod, ...]) -> list[str]:
    return [pod.metadata.name for pod in pods]


def evicting(client: FakeClient, *, answers: dict[str, errors.ApiError] | None = None, lingers: bool = False) -> FakeClient:
    """Make evictions work: a Pod goes at once, lingers, or is refused as `answers` say."""

    def evict(key: ObjectKey, body: Document) -> Document:
        if answers and key.name in answers:
            raise answers[key.name]
        pod = Pod.parse(client.stored(Pod, key) or {})
        client.objects.pop(("", "pods", key))
        if lingers:
            pod.metadata.deletion_timestamp = client.clock.now()
            client.seed(pod)
        return {"kind": "Status", "status": "Success"}

    client.posts["eviction"] = evict
    return client


@pytest.mark.parametrize(
    ("pod", "fate"),
    [
        pytest.param(build.pod(owners=[REPLICASET]), "evict", id="a Pod of a ReplicaSet"),
        pytest.param(build.pod(), "evict", id="a Pod nobody manages"),
        pytest.param(build.pod(phase="Succeeded", owners=[DAEMONSET]), "evict", id="a finished Pod of a DaemonSet"),
        pytest.param(build.pod(owners=[DAEMONSET]), "skipped", id="a Pod of a DaemonSet"),
        pytest.param(build.pod(annotations={"kubernetes.io/config.mirror": "x"}), "skipped", id="a static Pod"),
        pytest.param(build.pod(labels={"cluster.x-k8s.io/drain": "skip"}), "skipped", id="a Pod that asks to stay"),
        pytest.param(build.pod(labels={"cluster.x-k8s.io/drain": "wait-completed"}), "awaited", id="a Pod that ends by itself"),
        pytest.param(build.pod(deleting=True), "terminating", id="a Pod on its way"),
    ],
)
def test_each_pod_has_one_fate(pod: Pod, fate: str) -> None:
    plan = plan_drain([pod], node="worker", unreachable=False, now=build.NOW)

    got = {name: names(getattr(plan, name)) for name in ("evict", "terminating", "awaited", "skipped")}

    assert got == {name: ["pod"] if name == fate else [] for name in got}


def test_pods_of_other_nodes_and_completed_ones_that_were_awaited_are_nobodys_business() -> None:
    awaited = build.pod("done", phase="Succeeded", labels={"cluster.x-k8s.io/drain": "wait-completed"})

    plan = plan_drain(
        [build.pod("other", node_name="other"), build.pod("none", node_name=None), awaited], node="worker", unreachable=False, now=build.NOW
    )

    assert (plan.evict, plan.terminating, plan.awaited, plan.skipped) == ((), (), (), ())


def test_a_pod_that_is_being_deleted_on_an_unreachable_node_is_as_gone_as_it_can_be() -> None:
    later = build.NOW + timedelta(seconds=2)

    reachable = plan_drain([build.pod(deleting=True)], node="worker", unreachable=False, now=later)
    unreachable = plan_drain([build.pod(deleting=True)], node="worker", unreachable=True, now=later)

    assert names(reachable.terminating) == ["pod"]
    assert names(unreachable.terminating) == []


@pytest.mark.parametrize(("ready", "want"), [("True", False), ("False", False), ("Unknown", True)])
def test_a_node_is_unreachable_when_its_readiness_is_unknown(ready: str, want: bool) -> None:
    assert is_unreachable(build.node(ready=ready)) is want


async def test_a_node_is_cordoned_once() -> None:
    client = FakeClient()
    client.seed(build.node())
    node = await client.get(Node, ObjectKey("", "worker"))
    assert node is not None

    await cordon(client, node)
    cordoned = await client.get(Node, ObjectKey("", "worker"))
    assert cordoned is not None
    await cordon(client, cordoned)

    assert len(client.writes) == 1
    assert cordoned.spec is not None
    assert cordoned.spec.unschedulable


async def test_a_drain_is_done_in_one_pass_when_pods_go_at_once() -> None:
    client = evicting(FakeClient())
    client.seed(build.pod("a"), build.pod("b"), build.pod("c", owners=[DAEMONSET]))

    report = await drain(client, build.node(), client.clock)

    assert report.is_done
    assert [w.key.name for w in client.writes] == ["a", "b"]


async def test_a_disruption_budget_is_respected_and_told() -> None:
    refusal = errors.TooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.")
    client = evicting(FakeClient(), answers={"a": refusal})
    client.seed(build.pod("a"), build.pod("b"))

    report = await drain(client, build.node(), client.clock)

    assert report.message == f"* Pod default/a: cannot be evicted: {refusal.message}"
    assert report.delays == (BUDGET,)
    assert client.stored(Pod, ObjectKey("default", "b")) is None


async def test_what_lingers_fails_or_is_awaited_is_told_apart() -> None:
    client = evicting(FakeClient(), answers={"broken": errors.ServerError("two budgets")}, lingers=True)
    client.seed(build.pod("slow"), build.pod("broken"), build.pod("job", labels={"cluster.x-k8s.io/drain": "wait-completed"}))

    report = await drain(client, build.node(), client.clock)

    assert report.blocked == {
        (TERMINATING, "deleted, but still on the Node"): ("default/slow",),
        (FAILED, "failed to evict: two budgets"): ("default/broken",),
        (AWAITED, "waiting for completion"): ("default/job",),
    }


@pytest.mark.parametrize("answer", [errors.NotFound("gone"), errors.Conflict("another UID")])
async def test_a_pod_that_is_gone_or_replaced_is_no_failure(answer: errors.ApiError) -> None:
    client = evicting(FakeClient(), answers={"a": answer})
    client.seed(build.pod("a"))

    report = await drain(client, build.node(), client.clock)

    assert report.blocked == {(TERMINATING, "not evicted yet"): ("default/a",)}


async def test_a_lost_connection_is_not_a_report() -> None:
    client = evicting(FakeClient(), answers={"a": errors.ResultUnknown("no answer")})
    client.seed(build.pod("a"))

    with pytest.raises(errors.Unreachable):
        await drain(client, build.node(), client.clock)


async def test_the_eviction_names_the_very_pod_and_is_short_on_an_unreachable_node() -> None:
    bodies: list[Any] = []
    client = evicting(FakeClient())
    evict = client.posts["eviction"]

    def remember(key: ObjectKey, body: Document) -> Document:
        bodies.append(body["deleteOptions"])
        return evict(key, body)

    client.posts["eviction"] = remember
    client.seed(build.pod("a"))

    await drain(client, build.node(ready="Unknown"), client.clock)

    assert bodies == [{"preconditions": {"uid": "pod-a"}, "gracePeriodSeconds": 1}]


def test_a_report_names_a_few_pods_and_counts_the_rest() -> None:
    report = DrainReport({(TERMINATING, "still here"): tuple(f"ns/{n}" for n in "gfedcba")})

    assert report.message == "* Pods ns/a, ns/b, ns/c, ns/d, ns/e, ... (2 more): still here"
