import pytest

from capelin.api.meta import ObjectKey, OwnerReference, Resource, Unstructured, owner_reference
from capelin.runtime.errors import Conflict
from capelin.runtime.ownership import OwnedByAnother, Whose, adopt, whose, with_owner, without_owner
from tests.fakes import FakeClient

SHIP = Resource("example.org", "v1", "ships", "Ship")
KEY = ObjectKey("default", "dinghy")


def ship(name: str, **metadata: object) -> Unstructured:
    return Unstructured(SHIP, {"metadata": {"name": name, "namespace": "default", "uid": f"uid-{name}", **metadata}})


def reference(name: str, *, controller: bool = True) -> OwnerReference:
    return owner_reference(ship(name), controller=controller)


def test_our_reference_takes_the_place_of_the_old_one_and_others_stay() -> None:
    old = [reference("x", controller=False), reference("ada", controller=False), reference("y", controller=False)]

    got = with_owner(old, reference("ada"))

    assert got == [old[0], reference("ada"), old[2]]


def test_a_second_controller_is_refused() -> None:
    with pytest.raises(OwnedByAnother):
        with_owner([reference("x")], reference("ada"))


def test_a_plain_owner_joins_a_controller() -> None:
    assert with_owner([reference("x")], reference("ada", controller=False)) == [reference("x"), reference("ada", controller=False)]


def test_only_the_named_owner_goes() -> None:
    assert without_owner([reference("x"), reference("ada")], "uid-ada") == [reference("x")]


@pytest.mark.parametrize(
    ("references", "want"),
    [
        pytest.param([], Whose.NOBODYS, id="no reference"),
        pytest.param([reference("x", controller=False)], Whose.NOBODYS, id="an owner that is no controller"),
        pytest.param([reference("ada")], Whose.OURS, id="our UID"),
        pytest.param([reference("ada").model_copy(update={"uid": "older"})], Whose.STRANGERS, id="a namesake of other UID"),
    ],
)
def test_who_manages_an_object_is_told_by_uid(references: list[OwnerReference], want: Whose) -> None:
    child = ship("dinghy", ownerReferences=[r.wire() for r in references])

    assert whose(child.metadata, ship("ada")) is want


async def test_adopting_stores_the_reference_once() -> None:
    client = FakeClient()
    client.seed(ship("dinghy"))
    child = await client.get(SHIP, KEY)
    assert child is not None

    assert await adopt(client, child, ship("ada"))
    assert not await adopt(client, child, ship("ada"))

    stored = client.stored(SHIP, KEY)
    assert stored is not None
    assert [owner["uid"] for owner in stored["metadata"]["ownerReferences"]] == ["uid-ada"]
    assert len(client.writes) == 1


async def test_adopting_loses_to_whoever_wrote_in_between() -> None:
    client = FakeClient()
    client.seed(ship("dinghy"))
    child = await client.get(SHIP, KEY)
    assert child is not None
    await client.patch(SHIP, KEY, {"metadata": {"ownerReferences": [reference("x").wire()]}})

    with pytest.raises(Conflict):
        await adopt(client, child, ship("ada"))
