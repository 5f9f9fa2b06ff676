import pytest

from capelin.api.meta import ObjectKey, Resource, Unstructured
from capelin.runtime.errors import Conflict
from capelin.runtime.finalizers import drop_finalizer, ensure_finalizer
from tests.fakes import FakeClient

SHIP = Resource("example.org", "v1", "ships", "Ship")
KEY = ObjectKey("default", "ada")
DOCK = "example.org/dock"


async def seeded(client: FakeClient, **metadata: object) -> Unstructured:
    client.seed(Unstructured(SHIP, {"metadata": {"name": "ada", "namespace": "default", **metadata}}))
    found = await client.get(SHIP, KEY)
    assert found is not None
    return found


async def test_a_missing_finalizer_is_stored_beside_the_others() -> None:
    client = FakeClient()
    ship = await seeded(client, finalizers=["example.org/other"])

    assert await ensure_finalizer(client, ship, DOCK)

    stored = client.stored(SHIP, KEY)
    assert stored is not None
    assert stored["metadata"]["finalizers"] == ["example.org/other", DOCK]
    assert ship.metadata.resource_version == stored["metadata"]["resourceVersion"]


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({"finalizers": [DOCK]}, id="it is there"),
        pytest.param({"finalizers": ["x/y"], "deletionTimestamp": "2026-01-01T00:00:00Z"}, id="the object is being deleted"),
    ],
)
async def test_nothing_is_written_when(metadata: dict[str, object]) -> None:
    client = FakeClient()

    assert not await ensure_finalizer(client, await seeded(client, **metadata), DOCK)

    assert client.writes == []


async def test_finalizers_others_added_meanwhile_are_not_overwritten() -> None:
    client = FakeClient()
    ship = await seeded(client)
    await client.patch(SHIP, KEY, {"metadata": {"finalizers": ["x/y"]}})

    with pytest.raises(Conflict):
        await ensure_finalizer(client, ship, DOCK)


async def test_only_our_finalizer_is_dropped() -> None:
    ship = await seeded(FakeClient(), finalizers=["x/y", DOCK])

    drop_finalizer(ship, DOCK)

    assert ship.metadata.finalizers == ["x/y"]
