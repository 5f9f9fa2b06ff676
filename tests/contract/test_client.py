"""What every Client does alike. Controllers are tested over the fake; this is why that says something about servers."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from capelin.api.meta import Unstructured
from capelin.runtime import codec, errors
from capelin.runtime.client import Selection
from tests.contract.worlds import World
from tests.runtime.ships import SHIP, Ship

WATCH_SECONDS = 2


async def stored(world: World, name: str = "ada") -> dict[str, Any]:
    return codec.decode_document(await world.client.read(SHIP, world.key(name)))


async def created(world: World, name: str = "ada", **metadata: Any) -> Ship:
    return await world.client.create(world.ship(name, **metadata))


class TestReads:
    async def test_what_is_not_there_is_none(self, world: World) -> None:
        assert await world.client.get(Ship, world.key()) is None

    async def test_reading_what_is_not_there_is_not_found(self, world: World) -> None:
        with pytest.raises(errors.NotFound):
            await world.client.read(SHIP, world.key())

    async def test_lists_are_ordered_by_name(self, world: World) -> None:
        for name in ("c", "a", "b"):
            await created(world, name)

        assert [found.key.name for found in await world.client.list(Ship, Selection(world.namespace))] == ["a", "b", "c"]

    @pytest.mark.parametrize(
        ("selection", "want"),
        [
            pytest.param({"labels": {"fleet": "x"}}, ["a", "b"], id="exact"),
            pytest.param({"labels": {"fleet": "x", "rank": "1"}}, ["a"], id="two labels"),
            pytest.param({"label_selector": "fleet in (x,y),rank!=1"}, ["b", "c"], id="sets"),
            pytest.param({"label_selector": "!fleet"}, ["d"], id="absence"),
            pytest.param({"field_selector": "metadata.name=c"}, ["c"], id="a field"),
        ],
    )
    async def test_lists_are_selected(self, world: World, selection: dict[str, Any], want: list[str]) -> None:
        await created(world, "a", labels={"fleet": "x", "rank": "1"})
        await created(world, "b", labels={"fleet": "x", "rank": "2"})
        await created(world, "c", labels={"fleet": "y"})
        await created(world, "d")

        assert [found.key.name for found in await world.client.list(Ship, Selection(world.namespace, **selection))] == want

    async def test_lists_are_selected_by_owner(self, world: World) -> None:
        owner = await created(world, "owner")
        reference = {"apiVersion": "example.org/v1", "kind": "Ship", "name": "owner", "uid": owner.uid}
        await created(world, "child", owner_references=[reference])

        assert [found.key.name for found in await world.client.list(Ship, Selection(world.namespace, owner=owner.uid))] == ["child"]

    async def test_pages_are_of_one_revision(self, world: World) -> None:
        for name in "abcde":
            await created(world, name)
        selection = Selection(world.namespace)
        first = await world.client.page(SHIP, selection, limit=2)
        await created(world, "late")

        second = await world.client.page(SHIP, selection, limit=2, continue_token=first.continue_token)
        third = await world.client.page(SHIP, selection, limit=2, continue_token=second.continue_token)

        names = [[codec.decode(item)["metadata"]["name"] for item in page.items] for page in (first, second, third)]
        assert names[:2] == [["a", "b"], ["c", "d"]]
        assert names[2][0] == "e"
        assert first.resource_version == second.resource_version
        assert third.continue_token == ""


class TestCreates:
    async def test_the_server_fills_in_identity(self, world: World) -> None:
        got = await created(world)

        assert got.uid
        assert int(got.metadata.resource_version or 0) > 0
        assert got.metadata.generation == 1
        assert got.metadata.creation_timestamp is not None

    async def test_a_name_is_taken_once(self, world: World) -> None:
        await created(world)

        with pytest.raises(errors.AlreadyExists):
            await created(world)

    async def test_a_status_is_not_created(self, world: World) -> None:
        await created(world)

        assert "status" not in await stored(world)

    async def test_a_name_can_be_generated(self, world: World) -> None:
        wanted = world.ship("", generate_name="ship-")

        assert (await world.client.create(wanted)).key.name.startswith("ship-")

    async def test_a_dry_run_stores_nothing(self, world: World) -> None:
        got = await world.client.create(world.ship(), dry_run=True)

        assert got.spec.knots == 7
        assert await world.client.get(Ship, world.key()) is None


class TestUpdates:
    async def test_the_stored_revision_may_be_replaced(self, world: World) -> None:
        ship = await created(world)
        ship.spec.knots = 9

        got = await world.client.update(ship)

        assert got.spec.knots == 9
        assert int(got.metadata.resource_version or 0) > int(ship.metadata.resource_version or 0)

    async def test_an_older_revision_is_a_conflict(self, world: World) -> None:
        ship = await created(world)
        await world.client.patch(Ship, ship.key, {"spec": {"knots": 8}})
        ship.spec.knots = 9

        with pytest.raises(errors.Conflict):
            await world.client.update(ship)

    async def test_what_is_not_there_cannot_be_replaced(self, world: World) -> None:
        ship = await created(world)
        await world.client.delete(Ship, ship.key)

        with pytest.raises(errors.NotFound):
            await world.client.update(ship)

    async def test_an_update_that_changes_nothing_is_no_write(self, world: World) -> None:
        ship = await world.client.get(SHIP, (await created(world)).key)
        assert ship is not None

        got = await world.client.update(ship)

        assert got.metadata.resource_version == ship.metadata.resource_version

    async def test_the_generation_counts_changes_of_the_spec_alone(self, world: World) -> None:
        ship = await created(world)
        await world.client.patch(Ship, ship.key, {"metadata": {"labels": {"a": "b"}}})
        await world.client.patch(Ship, ship.key, {"status": {"berth": "b"}}, subresource="status")
        assert (await stored(world))["metadata"]["generation"] == 1

        await world.client.patch(Ship, ship.key, {"spec": {"knots": 8}})

        assert (await stored(world))["metadata"]["generation"] == 2


class TestPatches:
    async def test_a_merge_patch_sets_removes_and_replaces_lists(self, world: World) -> None:
        ship = await created(world, labels={"keep": "1", "drop": "2"})
        await world.client.patch(Ship, ship.key, {"spec": {"crew": ["ann", "bob"]}})

        got = await world.client.patch(Ship, ship.key, {"metadata": {"labels": {"drop": None}}, "spec": {"crew": ["eve"], "knots": 1}})

        assert got.metadata.labels == {"keep": "1"}
        assert (got.spec.crew, got.spec.knots) == (["eve"], 1)

    async def test_a_json_patch_adds_replaces_and_removes(self, world: World) -> None:
        ship = await created(world, labels={"a/b": "1"})

        got = await world.client.patch(
            Ship,
            ship.key,
            [
                {"op": "test", "path": "/spec/knots", "value": 7},
                {"op": "replace", "path": "/spec/knots", "value": 8},
                {"op": "add", "path": "/spec/crew", "value": ["ann"]},
                {"op": "add", "path": "/spec/crew/-", "value": "bob"},
                {"op": "remove", "path": "/metadata/labels/a~1b"},
            ],
        )

        assert (got.spec.knots, got.spec.crew, got.metadata.labels or {}) == (8, ["ann", "bob"], {})

    @pytest.mark.parametrize(
        "operation",
        [
            pytest.param({"op": "test", "path": "/spec/knots", "value": 8}, id="a test that fails"),
            pytest.param({"op": "remove", "path": "/spec/crew/0"}, id="nothing there to remove"),
        ],
    )
    async def test_a_json_patch_that_does_not_apply_is_invalid(self, world: World, operation: dict[str, Any]) -> None:
        ship = await created(world)

        with pytest.raises(errors.Invalid):
            await world.client.patch(Ship, ship.key, [operation])

    async def test_a_patch_that_changes_nothing_is_no_write(self, world: World) -> None:
        ship = await created(world)

        got = await world.client.patch(Ship, ship.key, {"spec": {"knots": 7}})

        assert got.metadata.resource_version == ship.metadata.resource_version

    async def test_a_patch_may_insist_on_a_revision(self, world: World) -> None:
        ship = await created(world)
        await world.client.patch(Ship, ship.key, {"spec": {"knots": 8}})

        with pytest.raises(errors.Conflict):
            await world.client.patch(
                Ship, ship.key, {"metadata": {"resourceVersion": ship.metadata.resource_version}, "spec": {"knots": 9}}
            )

    async def test_what_is_not_there_cannot_be_patched(self, world: World) -> None:
        with pytest.raises(errors.NotFound):
            await world.client.patch(Ship, world.key(), {"spec": {"knots": 8}})

    async def test_spec_and_status_are_written_apart(self, world: World) -> None:
        ship = await created(world)
        both = {"metadata": {"labels": {"a": "b"}}, "spec": {"knots": 8}, "status": {"berth": "b"}}

        main = await world.client.patch(Ship, ship.key, both)
        assert (main.spec.knots, main.status.berth) == (8, None)

        status = await world.client.patch(Ship, ship.key, both | {"spec": {"knots": 99}}, subresource="status")
        assert (status.spec.knots, status.status.berth) == (8, "b")


class TestDeletes:
    async def test_what_has_no_finalizer_is_gone_at_once(self, world: World) -> None:
        ship = await created(world)

        await world.client.delete(Ship, ship.key)

        assert await world.client.get(Ship, ship.key) is None

    async def test_deleting_what_is_gone_is_quiet(self, world: World) -> None:
        await world.client.delete(Ship, world.key())

    @pytest.mark.parametrize("precondition", [{"uid": "00000000-0000-4000-8000-000000000000"}, {"resource_version": "1"}])
    async def test_a_precondition_that_fails_is_a_conflict(self, world: World, precondition: dict[str, str]) -> None:
        ship = await created(world)

        with pytest.raises(errors.Conflict):
            await world.client.delete(Ship, ship.key, **precondition)

        assert await world.client.get(Ship, ship.key) is not None

    async def test_preconditions_that_hold_let_it_pass(self, world: World) -> None:
        ship = await created(world)

        await world.client.delete(Ship, ship.key, uid=ship.uid, resource_version=ship.metadata.resource_version or "")

        assert await world.client.get(Ship, ship.key) is None

    async def test_finalizers_hold_an_object_until_the_last_is_removed(self, world: World) -> None:
        ship = await created(world, finalizers=["example.org/a", "example.org/b"])
        await world.client.delete(Ship, ship.key)
        held = await stored(world)
        assert held["metadata"]["deletionTimestamp"]
        await world.client.patch(Ship, ship.key, {"metadata": {"finalizers": ["example.org/b"]}})
        assert await world.client.get(Ship, ship.key) is not None

        await world.client.patch(Ship, ship.key, {"metadata": {"finalizers": None}})

        assert await world.client.get(Ship, ship.key) is None

    async def test_deleting_again_changes_nothing(self, world: World) -> None:
        ship = await created(world, finalizers=["example.org/a"])
        await world.client.delete(Ship, ship.key)
        once = await stored(world)

        await world.client.delete(Ship, ship.key)

        assert await stored(world) == once

    async def test_no_finalizer_joins_an_object_that_is_being_deleted(self, world: World) -> None:
        ship = await created(world, finalizers=["example.org/a"])
        await world.client.delete(Ship, ship.key)

        with pytest.raises(errors.Invalid):
            await world.client.patch(Ship, ship.key, {"metadata": {"finalizers": ["example.org/a", "example.org/b"]}})

    async def test_the_name_stays_taken_while_an_object_is_being_deleted(self, world: World) -> None:
        ship = await created(world, finalizers=["example.org/a"])
        await world.client.delete(Ship, ship.key)

        with pytest.raises(errors.AlreadyExists):
            await created(world)

    async def test_a_namesake_has_another_uid(self, world: World) -> None:
        first = await created(world)
        await world.client.delete(Ship, first.key)

        assert (await created(world)).uid != first.uid


class TestApply:
    def wanted(self, world: World, **spec: Any) -> Unstructured:
        return Unstructured(SHIP, {"metadata": {"name": "ada", "namespace": world.namespace}, "spec": spec})

    async def test_what_is_not_there_is_created_and_what_is_there_updated(self, world: World) -> None:
        await world.client.apply(self.wanted(world, knots=1), manager="a")

        got = await world.client.apply(self.wanted(world, knots=2), manager="a")

        assert got.document["spec"] == {"knots": 2}

    async def test_what_is_no_longer_applied_goes(self, world: World) -> None:
        await world.client.apply(self.wanted(world, knots=1, crew=["ann"]), manager="a")

        got = await world.client.apply(self.wanted(world, knots=1), manager="a")

        assert got.document["spec"] == {"knots": 1}

    async def test_what_others_own_stays(self, world: World) -> None:
        await world.client.apply(self.wanted(world, knots=1), manager="a")
        await world.client.apply(self.wanted(world, crew=["ann"]), manager="b")

        got = await world.client.apply(self.wanted(world, knots=3), manager="a")

        assert got.document["spec"] == {"knots": 3, "crew": ["ann"]}

    async def test_another_value_for_what_others_own_is_a_conflict_unless_forced(self, world: World) -> None:
        await world.client.apply(self.wanted(world, knots=1), manager="a")
        with pytest.raises(errors.Conflict):
            await world.client.apply(self.wanted(world, knots=2), manager="b", force=False)

        got = await world.client.apply(self.wanted(world, knots=2), manager="b")

        assert got.document["spec"] == {"knots": 2}

    async def test_applying_the_same_again_is_no_write(self, world: World) -> None:
        first = await world.client.apply(self.wanted(world, knots=1), manager="a")

        again = await world.client.apply(self.wanted(world, knots=1), manager="a")

        assert again.metadata.resource_version == first.metadata.resource_version


class TestWatches:
    async def seen(self, world: World, version: str, **selection: Any) -> list[tuple[str, str, str]]:
        """Return type, name and knots of every event until the watch ends."""
        found = []
        stream = world.client.stream(SHIP, Selection(world.namespace, **selection), resource_version=version, timeout_seconds=WATCH_SECONDS)
        async with aclosing(stream) as events:  # type: ignore[type-var]  # every stream is an async generator
            ending = asyncio.ensure_future(world.end_watches())
            async for event in events:
                document = codec.decode(event.data)
                if event.type != "BOOKMARK":
                    found.append((event.type, document["metadata"]["name"], str(document["spec"]["knots"])))
            await ending
        return found

    async def revision(self, world: World) -> str:
        return (await world.client.page(SHIP, Selection(world.namespace), limit=1)).resource_version

    @pytest.mark.slow
    async def test_every_change_after_a_list_is_seen_in_order(self, world: World) -> None:
        await created(world, "before")
        version = await self.revision(world)
        ship = await created(world)
        await world.client.patch(Ship, ship.key, {"spec": {"knots": 8}})
        await world.client.patch(Ship, ship.key, {"status": {"berth": "b"}}, subresource="status")
        await world.client.delete(Ship, ship.key)

        assert await self.seen(world, version) == [
            ("ADDED", "ada", "7"),
            ("MODIFIED", "ada", "8"),
            ("MODIFIED", "ada", "8"),
            ("DELETED", "ada", "8"),
        ]

    @pytest.mark.slow
    async def test_what_leaves_a_selection_is_deleted_from_it_and_what_enters_added(self, world: World) -> None:
        ship = await created(world, labels={"fleet": "x"})
        other = await created(world, "bee", labels={"fleet": "y"})
        version = await self.revision(world)
        await world.client.patch(Ship, ship.key, {"metadata": {"labels": {"fleet": "y"}}})
        await world.client.patch(Ship, other.key, {"metadata": {"labels": {"fleet": "x"}}})

        assert await self.seen(world, version, labels={"fleet": "x"}) == [("DELETED", "ada", "7"), ("ADDED", "bee", "7")]

    async def test_a_revision_that_is_no_longer_served_is_gone(self, world: World) -> None:
        await created(world)
        old = await world.old_revision()

        with pytest.raises(errors.Gone):
            await self.seen(world, old)

    @pytest.mark.slow
    async def test_a_watch_ends_with_a_bookmark_to_resume_at(self, world: World) -> None:
        if not world.sends_bookmarks:
            pytest.skip("this server sends a bookmark a minute, and none at the end of a short watch")
        ship = await created(world)
        version = await self.revision(world)
        await world.client.create(
            Unstructured(SHIP, {"metadata": {"name": "elsewhere", "namespace": world.namespace}, "spec": {"knots": 1}})
        )
        stream = world.client.stream(SHIP, Selection(world.namespace), resource_version=version, timeout_seconds=WATCH_SECONDS)
        async with aclosing(stream) as events:  # type: ignore[type-var]  # every stream is an async generator
            ending = asyncio.ensure_future(world.end_watches())
            bookmarks = [codec.decode(event.data)["metadata"]["resourceVersion"] async for event in events if event.type == "BOOKMARK"]
            await ending

        assert int(bookmarks[-1]) > int(ship.metadata.resource_version or 0)
