"""Objects that change while webhooks are asked, and what the server does then."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.admission.conftest import World
from tests.apiserver.admission.webhooks import allow
from tests.apiserver.api import APPLY, WIDGETS, Answer, widget

W = f"{WIDGETS}/w"
APPLIED = widget("w", spec={"size": "small", "replicas": 5})


async def interfered(world: World, times: int, write: Any, rival: Any) -> Answer:
    """Return the answer to `write`, where `rival` writes at the first `times` questions about it."""
    left = [times]

    async def before(path: str) -> None:
        if path == "/a" and left[0] > 0:
            left[0] -= 1
            world.webhooks.before, saved = None, world.webhooks.before
            await rival(times - left[0])
            world.webhooks.before = saved

    world.webhooks.before = before
    answer: Answer = await write()
    return answer


async def annotate(world: World, number: int) -> None:
    await world.patch(W, {"metadata": {"annotations": {"rival": str(number)}}})


async def test_a_patch_that_is_overtaken_starts_over(world: World) -> None:
    await world.have(WIDGETS, widget("w"))
    await world.validating("/a", allow)

    got = await interfered(world, 2, lambda: world.patch(W, {"spec": {"replicas": 3}}), lambda number: annotate(world, number))

    assert got.status == 200
    assert (got.body["spec"]["replicas"], got.body["metadata"]["annotations"]) == (3, {"rival": "2"})


async def test_a_patch_that_is_always_overtaken_is_a_conflict_in_the_end(world: World) -> None:
    await world.have(WIDGETS, widget("w"))
    await world.validating("/a", allow)

    got = await interfered(world, 1000, lambda: world.patch(W, {"spec": {"replicas": 3}}), lambda number: annotate(world, number))

    assert (got.status, got.body["reason"]) == (409, "Conflict")
    assert len(world.webhooks.asked) < 50


async def test_an_update_of_a_state_that_has_passed_is_a_conflict(world: World) -> None:
    stored = await world.have(WIDGETS, widget("w"))
    await world.validating("/a", allow)

    got = await interfered(world, 1, lambda: world.update(W, {**stored, "spec": {"size": "large"}}), lambda number: annotate(world, number))

    assert got.status == 409
    assert (await world.get(W)).body["spec"]["size"] == "small"


async def test_a_name_that_was_taken_meanwhile_is_taken(world: World) -> None:
    await world.validating("/a", allow)

    got = await interfered(world, 1, lambda: world.create(WIDGETS, APPLIED), lambda _number: world.have(WIDGETS, widget("w")))

    assert (got.status, got.body["reason"]) == (409, "AlreadyExists")


async def test_an_apply_to_a_name_that_was_taken_meanwhile_changes_what_is_there(world: World) -> None:
    await world.validating("/a", allow)

    got = await interfered(
        world,
        1,
        lambda: world.patch(W, APPLIED, media=APPLY, fieldManager="me", force="true"),
        lambda _number: world.have(WIDGETS, widget("w", annotations={"a": "b"})),
    )

    assert (got.status, got.body["spec"]["replicas"], got.body["metadata"]["annotations"]) == (200, 5, {"a": "b"})


async def test_a_namespace_that_goes_meanwhile_takes_no_new_objects(world: World) -> None:
    await world.have("/api/v1/namespaces", {"metadata": {"name": "brief"}})
    await world.have(WIDGETS.replace("default", "brief"), widget("holder", finalizers=["a.b/c"]))
    await world.validating("/a", allow)
    there = WIDGETS.replace("default", "brief")

    got = await interfered(world, 1, lambda: world.create(there, widget("w")), lambda _number: world.delete("/api/v1/namespaces/brief"))

    assert (got.status, got.body["details"]["causes"][0]["reason"]) == (403, "NamespaceTerminating")


@pytest.mark.parametrize("change", ["annotated", "gone"])
async def test_a_deletion_looks_again_at_what_it_deletes(world: World, change: str) -> None:
    stored = await world.have(WIDGETS, widget("w"))
    await world.validating("/a", allow)
    preconditions = {"preconditions": {"resourceVersion": stored["metadata"]["resourceVersion"]}}

    got = await interfered(
        world,
        1,
        lambda: world.delete(W, preconditions),
        (lambda number: annotate(world, number)) if change == "annotated" else (lambda _number: world.delete(W)),
    )

    assert got.status == (409 if change == "annotated" else 404)
