"""Which webhooks are asked about a request."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from capelin.apiserver.admission.calling import InProcessCaller
from capelin.apiserver.server import ApiServer
from tests.apiserver.admission.conftest import World
from tests.apiserver.admission.webhooks import MUTATING, VALIDATING, Webhooks, allow, configuration, denying, hook, rule
from tests.apiserver.api import CONFIG_MAPS, CRDS, NAMESPACES, WIDGETS, Api, config_map, widget, widget_crd
from tests.fakes import FakeClock, FakeRandom, settle


async def test_nobody_is_asked_about_other_resources(world: World) -> None:
    await world.mutating("/a", allow, rules=[rule("gadgets", "widgets/status")])

    await world.have(WIDGETS, widget("w"))

    assert world.webhooks.asked == []


async def test_a_rule_may_be_about_one_scope_alone(world: World) -> None:
    await world.mutating("/cluster", allow, rules=[rule("*", scope="Cluster")])
    await world.mutating("/namespaced", allow, rules=[rule("*", scope="Namespaced")])

    await world.have(WIDGETS, widget("w"))
    await world.have(NAMESPACES, {"metadata": {"name": "n"}})

    assert world.webhooks.paths == ["/namespaced", "/cluster"]


async def test_an_object_that_a_webhook_keeps_does_not_keep_the_rest_of_its_namespace(world: World) -> None:
    await world.have(NAMESPACES, {"metadata": {"name": "n"}})
    for name in ("a", "b", "c"):
        await world.have(WIDGETS.replace("default", "n"), widget(name))
    await world.validating("/keeper", lambda about: {"allowed": about["name"] != "a"}, rules=[rule(operations=("DELETE",))])

    await world.delete(f"{NAMESPACES}/n")
    await settle()
    left = (await world.get(WIDGETS.replace("default", "n"))).names
    await world.delete(f"{VALIDATING}/keeper")
    await world.clock.advance(timedelta(seconds=1))

    assert left == ["a"]
    assert (await world.get(f"{NAMESPACES}/n")).status == 404


async def test_configurations_themselves_are_never_asked_about(world: World) -> None:
    await world.validating("/a", denying("no"), rules=[rule("*/*")])

    assert (await world.create(MUTATING, configuration("x", hook("/b")))).status == 201
    assert (await world.delete(f"{VALIDATING}/a")).status == 200
    assert world.webhooks.asked == []


async def test_a_configuration_counts_from_its_creation_until_its_deletion(world: World) -> None:
    await world.validating("/a", denying("no"))

    while_it_stands = await world.create(WIDGETS, widget("w"))
    await world.delete(f"{VALIDATING}/a")
    afterwards = await world.create(WIDGETS, widget("w"))

    assert (while_it_stands.status, afterwards.status) == (400, 201)


async def test_a_changed_configuration_counts_at_once(world: World) -> None:
    await world.validating("/a", denying("no"))
    stored = (await world.get(f"{VALIDATING}/a")).body

    await world.update(f"{VALIDATING}/a", {**stored, "webhooks": [hook("/a", rules=[rule("gadgets")])]})

    assert (await world.create(WIDGETS, widget("w"))).status == 201


async def test_a_server_that_starts_again_asks_as_before(world: World) -> None:
    await world.validating("/a", denying("no"))
    again = ApiServer(world.server.store, clock=FakeClock(), random=FakeRandom(), webhooks=InProcessCaller({"hooks.test": world.webhooks}))
    await again.start()

    got = await Api(again, world.clock).create(WIDGETS, widget("w"))
    await again.stop()

    assert got.message.endswith("denied the request: no")


@pytest.mark.parametrize(
    ("selector", "asked"),
    [({"matchLabels": {"env": "test"}}, ["/a"]), ({"matchLabels": {"env": "other"}}, []), ({}, ["/a"])],
    ids=["of this namespace", "of another namespace", "of all"],
)
async def test_namespaces_are_selected_by_their_labels(world: World, selector: dict[str, Any], asked: list[str]) -> None:
    await world.patch(f"{NAMESPACES}/default", {"metadata": {"labels": {"env": "test"}}})
    await world.mutating("/a", allow, namespaceSelector=selector)

    await world.have(WIDGETS, widget("w"))

    assert world.webhooks.paths == asked


async def test_a_namespace_is_selected_by_the_labels_it_is_to_have(world: World) -> None:
    selector = {"matchLabels": {"kubernetes.io/metadata.name": "new"}}
    await world.mutating("/a", allow, rules=[rule("namespaces")], namespaceSelector=selector)

    await world.have(NAMESPACES, {"metadata": {"name": "new"}})
    await world.have(NAMESPACES, {"metadata": {"name": "other"}})

    assert [(about["name"], about["namespace"]) for _, about in world.webhooks.asked] == [("new", "new")]


async def test_objects_are_selected_by_what_they_are_or_were(world: World) -> None:
    await world.have(WIDGETS, widget("w", labels={"a": "b"}))
    await world.mutating("/a", allow, objectSelector={"matchLabels": {"a": "b"}})

    await world.patch(f"{WIDGETS}/w", {"metadata": {"labels": None}})
    await world.patch(f"{WIDGETS}/w", {"spec": {"replicas": 7}})

    assert world.webhooks.paths == ["/a"]


@pytest.mark.parametrize(("policy", "asked"), [("Equivalent", ["v1"]), ("Exact", [])])
async def test_another_version_of_a_resource_is_equivalent_to_it(policy: str, asked: list[str]) -> None:
    webhooks, crd = Webhooks(), widget_crd()
    (v1,) = crd["spec"]["versions"]
    crd["spec"]["versions"] = [v1, {**v1, "name": "v2", "storage": False}]
    server = ApiServer.in_memory(clock=FakeClock(), random=FakeRandom(), webhooks=InProcessCaller({"hooks.test": webhooks}))
    await server.start()
    api = Api(server, FakeClock())
    await api.have(CRDS, crd)
    await api.have(MUTATING, configuration("x", hook("/a", rules=[{**rule(), "apiVersions": ["v1"]}], matchPolicy=policy)))

    await api.have(WIDGETS.replace("v1", "v2"), {**widget("w"), "apiVersion": "example.com/v2"})
    await server.stop()

    assert [about["resource"]["version"] for _, about in webhooks.asked] == asked
    assert [about["object"]["apiVersion"] for _, about in webhooks.asked] == [f"example.com/{version}" for version in asked]
    assert [about["requestResource"]["version"] for _, about in webhooks.asked] == ["v2" for _ in asked]


@pytest.mark.parametrize(
    ("expressions", "policy", "status", "asked"),
    [
        (["object.spec.size == 'small'"], "Fail", 201, 1),
        (["object.spec.size == 'large'"], "Fail", 201, 0),
        (["object.spec.nothing == 1"], "Fail", 403, 0),
        (["object.spec.nothing == 1"], "Ignore", 201, 0),
        (["object.spec.nothing == 1", "false"], "Fail", 201, 0),
        (["has(object.spec.size) && request.dryRun"], "Fail", 201, 0),
        (["request.userInfo.username == 'admin'"], "Fail", 201, 1),
    ],
)
async def test_conditions_decide_whether_a_webhook_is_asked(
    world: World, expressions: list[str], policy: str, status: int, asked: int
) -> None:
    conditions = [{"name": f"c{number}", "expression": text} for number, text in enumerate(expressions)]
    await world.mutating("/a", allow, matchConditions=conditions, failurePolicy=policy)

    got = await world.create(WIDGETS, widget("w"))

    assert (got.status, len(world.webhooks.asked)) == (status, asked)


async def test_a_condition_over_a_list_that_is_too_long_is_a_failure(world: World) -> None:
    await world.mutating("/a", allow, matchConditions=[{"name": "c", "expression": "object.spec.parts.map(p, p.name).size() > 0"}])
    parts = [{"name": f"p{number}"} for number in range(1001)]

    got = await world.create(WIDGETS, widget("w", spec={"size": "small", "parts": parts}))

    assert (got.status, "budget exceeded" in got.message) == (403, True)


async def test_the_garbage_collector_asks_under_its_own_name_and_again_after_a_refusal(world: World) -> None:
    parent = await world.have(CONFIG_MAPS, config_map("parent"))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "parent", "uid": parent["metadata"]["uid"]}
    await world.have(CONFIG_MAPS, config_map("child", ownerReferences=[reference]))
    await world.validating("/b", lambda about: {"allowed": about["name"] != "child"}, rules=[rule("configmaps")])

    await world.delete(f"{CONFIG_MAPS}/parent")
    await settle()
    await world.clock.advance(timedelta(seconds=1))

    assert (await world.get(f"{CONFIG_MAPS}/child")).status == 200
    who = [about["userInfo"]["username"] for _, about in world.webhooks.asked if about["name"] == "child"]
    assert who == ["system:serviceaccount:kube-system:generic-garbage-collector"] * 2
