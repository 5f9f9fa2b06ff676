"""The scale subresource."""

import pytest

from tests.apiserver.api import WIDGETS, Api, widget


async def test_scale_shows_the_replicas_of_a_custom_resource(widgets: Api) -> None:
    stored = await widgets.have(WIDGETS, widget("a", spec={"size": "small", "replicas": 3}))
    await widgets.patch(f"{WIDGETS}/a/status", {"status": {"replicas": 2, "selector": "x=y"}})

    got = await widgets.get(f"{WIDGETS}/a/scale")

    assert (got.body["kind"], got.body["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert got.body["spec"] == {"replicas": 3}
    assert got.body["status"] == {"replicas": 2, "selector": "x=y"}
    assert got.body["metadata"]["uid"] == stored["metadata"]["uid"]


async def test_scaling_changes_the_replicas_and_nothing_else(widgets: Api) -> None:
    stored = await widgets.have(WIDGETS, widget("a"))

    got = await widgets.patch(f"{WIDGETS}/a/scale", {"spec": {"replicas": 5}})

    now = (await widgets.get(f"{WIDGETS}/a")).body
    assert got.body["spec"] == {"replicas": 5}
    assert now["spec"] == stored["spec"] | {"replicas": 5}
    assert now["metadata"]["generation"] == 2


async def test_a_whole_scale_can_be_put_back(widgets: Api) -> None:
    await widgets.have(WIDGETS, widget("a"))
    scale = (await widgets.get(f"{WIDGETS}/a/scale")).body
    await widgets.patch(f"{WIDGETS}/a", {"metadata": {"labels": {"x": "y"}}})

    stale = await widgets.update(f"{WIDGETS}/a/scale", scale | {"spec": {"replicas": 4}})
    fresh = await widgets.update(f"{WIDGETS}/a/scale", (await widgets.get(f"{WIDGETS}/a/scale")).body | {"spec": {"replicas": 4}})

    assert (stale.status, fresh.status) == (409, 200)


@pytest.mark.parametrize("replicas", [-1, 2**31, "two"], ids=["negative", "too many", "a word"])
async def test_numbers_of_replicas_that_cannot_be_are_refused(widgets: Api, replicas: object) -> None:
    await widgets.have(WIDGETS, widget("a"))

    assert (await widgets.patch(f"{WIDGETS}/a/scale", {"spec": {"replicas": replicas}})).status == 422


async def test_a_built_in_kind_shows_its_selector_as_text(widgets: Api) -> None:
    deployments = "/apis/apps/v1/namespaces/default/deployments"
    labels = {"app": "x"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    await widgets.have(deployments, {"metadata": {"name": "d"}, "spec": spec})

    assert (await widgets.get(f"{deployments}/d/scale")).body["status"]["selector"] == "app=x"


@pytest.mark.parametrize(("replicas", "status"), [(-1, 422), (0, 201)], ids=["negative", "none"])
async def test_a_negative_number_of_replicas_is_refused_on_the_object_too(widgets: Api, replicas: int, status: int) -> None:
    got = await widgets.create(WIDGETS, widget("a", spec={"size": "small", "replicas": replicas}))

    assert got.status == status
    assert status == 201 or "spec.replicas: Invalid value: -1: should be a non-negative integer" in got.body["message"]
    assert ((await widgets.get(f"{WIDGETS}/a")).status == 200) is (status == 201)
