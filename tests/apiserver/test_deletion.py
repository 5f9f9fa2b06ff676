"""Deletion: preconditions, propagation, garbage collection."""

import pytest

from tests.apiserver.api import CONFIG_MAPS, NAMESPACES, WIDGETS, Api, config_map, owner, widget

HOLD = "example.com/hold"


async def _names(api: Api) -> list[str]:
    await api.rest()
    return (await api.get(CONFIG_MAPS)).names


async def test_a_deleted_object_is_gone_and_the_answer_says_which(api: Api) -> None:
    stored = await api.have(CONFIG_MAPS, config_map("a"))

    got = await api.delete(f"{CONFIG_MAPS}/a")

    assert (got.status, got.body["status"]) == (200, "Success")
    assert got.body["details"] == {"name": "a", "kind": "configmaps", "uid": stored["metadata"]["uid"]}
    assert (await api.delete(f"{CONFIG_MAPS}/a")).status == 404


@pytest.mark.parametrize("precondition", [{"uid": "other"}, {"resourceVersion": "1"}], ids=["another UID", "an old state"])
async def test_a_failed_precondition_deletes_nothing(api: Api, precondition: dict[str, str]) -> None:
    await api.have(CONFIG_MAPS, config_map("a"))

    got = await api.delete(f"{CONFIG_MAPS}/a", {"preconditions": precondition})

    assert (got.status, got.body["reason"]) == (409, "Conflict")
    assert "in the precondition" in got.message
    assert (await api.get(f"{CONFIG_MAPS}/a")).status == 200


async def test_a_second_deletion_of_a_held_object_writes_nothing(api: Api) -> None:
    await api.have(CONFIG_MAPS, config_map("a", finalizers=[HOLD]))
    await api.delete(f"{CONFIG_MAPS}/a")
    before = api.server.store.revision

    again = await api.delete(f"{CONFIG_MAPS}/a")

    assert again.body["metadata"]["deletionTimestamp"]
    assert api.server.store.revision == before


@pytest.mark.parametrize(
    "body",
    [{"propagationPolicy": "Sometimes"}, {"propagationPolicy": "Orphan", "orphanDependents": True}, {"dryRun": ["Some"]}],
    ids=["unknown policy", "two policies", "unknown dry run"],
)
async def test_delete_options_without_sense_are_refused(api: Api, body: dict[str, object]) -> None:
    await api.have(CONFIG_MAPS, config_map("a"))

    assert (await api.delete(f"{CONFIG_MAPS}/a", body)).status == 400
    assert (await api.get(f"{CONFIG_MAPS}/a")).status == 200


async def test_dependents_go_after_their_owner(api: Api) -> None:
    parent = await api.have(CONFIG_MAPS, config_map("parent"))
    child = await api.have(CONFIG_MAPS, config_map("child", ownerReferences=[owner(parent)]))
    await api.have(CONFIG_MAPS, config_map("grandchild", ownerReferences=[owner(child)]))

    await api.delete(f"{CONFIG_MAPS}/parent", {"propagationPolicy": "Background"})

    assert await _names(api) == []


async def test_a_dependent_lives_while_one_owner_does_and_forgets_the_other(api: Api) -> None:
    one, two = await api.have(CONFIG_MAPS, config_map("one")), await api.have(CONFIG_MAPS, config_map("two"))
    await api.have(CONFIG_MAPS, config_map("child", ownerReferences=[owner(one), owner(two)]))

    await api.delete(f"{CONFIG_MAPS}/one")

    assert await _names(api) == ["child", "two"]
    child = await api.get(f"{CONFIG_MAPS}/child")
    assert [reference["name"] for reference in child.body["metadata"]["ownerReferences"]] == ["two"]


async def test_an_object_born_with_an_absent_owner_is_collected(api: Api) -> None:
    parent = await api.have(CONFIG_MAPS, config_map("parent"))
    await api.delete(f"{CONFIG_MAPS}/parent")
    await api.have(CONFIG_MAPS, config_map("parent"))  # a namesake

    await api.have(CONFIG_MAPS, config_map("child", ownerReferences=[owner(parent)]))

    assert await _names(api) == ["parent"]


async def test_an_owner_of_a_kind_nobody_serves_is_not_absent(api: Api) -> None:
    stranger = {"apiVersion": "unknown.io/v1", "kind": "Thing", "name": "x", "uid": "y"}

    await api.have(CONFIG_MAPS, config_map("child", ownerReferences=[stranger]))

    assert await _names(api) == ["child"]


async def test_a_cluster_scoped_owner_holds_objects_in_any_namespace(api: Api) -> None:
    space = await api.have(NAMESPACES, {"metadata": {"name": "space"}})

    await api.have(CONFIG_MAPS, config_map("child", ownerReferences=[owner(space)]))

    assert await _names(api) == ["child"]


async def test_foreground_deletion_waits_for_dependents_that_block(api: Api) -> None:
    parent = await api.have(CONFIG_MAPS, config_map("parent"))
    await api.have(CONFIG_MAPS, config_map("child", finalizers=[HOLD], ownerReferences=[owner(parent, blockOwnerDeletion=True)]))

    got = await api.delete(f"{CONFIG_MAPS}/parent", {"propagationPolicy": "Foreground"})
    assert got.status == 200
    assert await _names(api) == ["child", "parent"]
    assert (await api.get(f"{CONFIG_MAPS}/child")).body["metadata"]["deletionTimestamp"]

    await api.patch(f"{CONFIG_MAPS}/child", {"metadata": {"finalizers": None}})
    assert await _names(api) == []


async def test_foreground_deletion_does_not_wait_for_dependents_that_do_not_block(api: Api) -> None:
    parent = await api.have(CONFIG_MAPS, config_map("parent"))
    await api.have(CONFIG_MAPS, config_map("child", finalizers=[HOLD], ownerReferences=[owner(parent)]))

    await api.delete(f"{CONFIG_MAPS}/parent", {"propagationPolicy": "Foreground"})

    assert await _names(api) == ["child"]


async def test_foreground_deletion_reaches_grandchildren_first(api: Api) -> None:
    parent = await api.have(CONFIG_MAPS, config_map("parent"))
    child = await api.have(CONFIG_MAPS, config_map("child", ownerReferences=[owner(parent, blockOwnerDeletion=True)]))
    held = config_map("grandchild", finalizers=[HOLD], ownerReferences=[owner(child, blockOwnerDeletion=True)])
    await api.have(CONFIG_MAPS, held)

    await api.delete(f"{CONFIG_MAPS}/parent", {"propagationPolicy": "Foreground"})
    assert await _names(api) == ["child", "grandchild", "parent"]

    await api.patch(f"{CONFIG_MAPS}/grandchild", {"metadata": {"finalizers": None}})
    assert await _names(api) == []


async def test_orphans_stay_and_forget_their_owner(api: Api) -> None:
    parent = await api.have(CONFIG_MAPS, config_map("parent"))
    await api.have(CONFIG_MAPS, config_map("child", ownerReferences=[owner(parent)]))

    await api.delete(f"{CONFIG_MAPS}/parent", {"propagationPolicy": "Orphan"})

    assert await _names(api) == ["child"]
    assert "ownerReferences" not in (await api.get(f"{CONFIG_MAPS}/child")).body["metadata"]


async def test_a_collection_is_deleted_as_selected(api: Api) -> None:
    await api.have(CONFIG_MAPS, config_map("a", labels={"x": "y"}))
    await api.have(CONFIG_MAPS, config_map("b", labels={"x": "y"}, finalizers=[HOLD]))
    await api.have(CONFIG_MAPS, config_map("c"))

    got = await api.delete(CONFIG_MAPS, labelSelector="x=y")

    assert got.names == ["a", "b"]
    assert await _names(api) == ["b", "c"]


async def test_evicting_a_pod_deletes_it(api: Api) -> None:
    pods = "/api/v1/namespaces/default/pods"
    await api.have(pods, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})

    got = await api.create(f"{pods}/p/eviction", {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}})

    assert (got.status, got.body["status"]) == (201, "Success")
    assert (await api.get(f"{pods}/p")).status == 404


async def test_a_deletion_that_finalizers_delay_counts_as_a_new_generation(widgets: Api) -> None:
    await widgets.have(WIDGETS, widget("a", finalizers=[HOLD]))

    got = await widgets.delete(f"{WIDGETS}/a")

    assert got.body["metadata"]["generation"] == 2
