"""Webhooks are asked about what is not stored itself, too: evictions, questions about access, finalizers of Namespaces."""

from __future__ import annotations

from tests.apiserver.admission.conftest import World
from tests.apiserver.admission.webhooks import denying, rule
from tests.apiserver.api import NAMESPACES

PODS = "/api/v1/namespaces/default/pods"
EVICTION = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}


async def test_an_eviction_that_is_refused_leaves_the_pod(world: World) -> None:
    await world.have(PODS, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
    await world.validating("/a", denying("stay"), rules=[rule("pods/eviction")])

    got = await world.create(f"{PODS}/p/eviction", EVICTION)

    (about,) = [about for _, about in world.webhooks.asked]
    assert got.message.endswith("denied the request: stay")
    assert (about["kind"]["kind"], about["subResource"], about["name"], about["operation"]) == ("Eviction", "eviction", "p", "CREATE")
    assert (await world.get(f"{PODS}/p")).status == 200


async def test_a_question_about_access_can_be_refused(world: World) -> None:
    await world.validating("/a", denying("ask elsewhere"), rules=[rule("subjectaccessreviews")])
    spec = {"user": "x", "nonResourceAttributes": {"path": "/x", "verb": "get"}}

    got = await world.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec})

    assert got.message.endswith("denied the request: ask elsewhere")
    assert world.webhooks.asked[0][1]["object"]["spec"] == spec


async def test_finalizers_of_a_namespace_can_be_kept(world: World) -> None:
    await world.have(NAMESPACES, {"metadata": {"name": "n"}})
    await world.validating("/a", denying("not yet"), rules=[rule("namespaces/finalize")])

    got = await world.update(f"{NAMESPACES}/n/finalize", {"metadata": {"name": "n"}, "spec": {"finalizers": []}})

    assert got.message.endswith("denied the request: not yet")
    assert (await world.get(f"{NAMESPACES}/n")).body["spec"]["finalizers"] == ["kubernetes"]
