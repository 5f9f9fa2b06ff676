import asyncio
from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capelin.api.meta import Condition, Unstructured
from capelin.runtime.errors import Conflict, NotFound, ServerError
from capelin.runtime.patching import merge_diff, patching, touches_list
from tests.fakes import FakeClient, merged
from tests.runtime.ships import KEY, SHIP, SOON, Ship, ShipSpec, ship


def condition(type_: str, status: str = "True") -> Condition:
    return Condition(type=type_, status=status, last_transition_time=SOON, reason="Because")  # type: ignore[arg-type]  # parametrised


async def read(client: FakeClient) -> Ship:
    found = await client.get(Ship, KEY)
    assert found is not None
    return found


async def change(client: FakeClient, got: Ship, *, failure: BaseException | None = None, owns: Collection[str] = (), **status: Any) -> None:
    """Change the status of `got` under the patch helper, then raise `failure` if there is one."""
    async with patching(client, got, owns=owns):
        got.status = got.status.model_copy(update=status)
        if failure is not None:
            raise failure


async def test_a_spec_that_is_stored_at_once_needs_no_second_status() -> None:
    client = FakeClient()
    client.seed(ship())
    got = await read(client)

    async with patching(client, got) as changes:
        got.spec.knots = 9
        await changes.store_spec()
        await changes.store_spec()
        got.status.berth = "b"
    async with patching(client, await read(client)):
        pass

    assert [write.subresource for write in client.writes] == ["", "status"]
    assert (client.stored(Ship, KEY) or {})["status"]["observedGeneration"] == got.metadata.generation == 2


async def test_a_status_that_is_withheld_is_not_sent_and_the_rest_is() -> None:
    client = FakeClient()
    client.seed(ship())
    got = await read(client)

    async with patching(client, got) as changes:
        got.spec.knots = 9
        got.status.berth = "b"
        changes.withhold_status()

    assert [write.subresource for write in client.writes] == [""]
    assert (await read(client)).status.berth != "b"


async def test_nothing_changed_nothing_sent() -> None:
    client = FakeClient()
    client.seed(ship())
    settled = await read(client)
    settled.status.observed_generation = 1
    client.seed(settled)

    async with patching(client, await read(client)):
        pass

    assert client.writes == []


async def test_status_goes_before_metadata_and_spec() -> None:
    client = FakeClient()
    client.seed(ship(finalizers=["example.org/dock"]))
    got = await read(client)

    async with patching(client, got):
        got.status.berth = "b"
        got.metadata.finalizers = []

    assert [write.subresource for write in client.writes] == ["status", ""]
    stored = client.stored(Ship, KEY)
    assert stored is not None
    assert stored["status"]["berth"] == "b"
    assert "finalizers" not in stored["metadata"]


async def test_removing_the_last_finalizer_of_an_object_that_is_gone_is_success() -> None:
    client = FakeClient()
    client.seed(ship(finalizers=["example.org/dock"]))
    got = await read(client)
    client.objects.clear()

    async with patching(client, got):
        got.metadata.finalizers = []


async def test_any_other_change_of_an_object_that_is_gone_is_an_error() -> None:
    client = FakeClient()
    client.seed(ship())
    got = await read(client)
    client.objects.clear()

    with pytest.raises(NotFound):
        await change(client, got, berth="b")


async def test_a_changed_list_loses_to_whoever_wrote_in_between() -> None:
    client = FakeClient()
    client.seed(ship())
    got = await read(client)
    await client.patch(Ship, KEY, {"metadata": {"labels": {"a": "b"}}})

    with pytest.raises(Conflict):
        await change(client, got, owns=("Afloat",), conditions=[condition("Afloat")])


async def test_a_changed_scalar_does_not_mind_other_writers() -> None:
    client = FakeClient()
    client.seed(ship())
    got = await read(client)
    await client.patch(Ship, KEY, {"metadata": {"labels": {"a": "b"}}})

    async with patching(client, got):
        got.status.berth = "b"

    stored = client.stored(Ship, KEY)
    assert stored is not None
    assert stored["metadata"]["labels"] == {"a": "b"}


async def test_conditions_of_other_controllers_may_not_be_changed() -> None:
    client = FakeClient()
    client.seed(ship())
    got = await read(client)

    with pytest.raises(ValueError, match="Sunk"):
        await change(client, got, owns=("Afloat",), conditions=[condition("Sunk")])


async def test_a_failed_body_still_reports_and_does_not_claim_to_have_observed() -> None:
    client = FakeClient()
    client.seed(ship())
    got = await read(client)

    with pytest.raises(KeyError):
        await change(client, got, berth="b", failure=KeyError("storm"))

    stored = client.stored(Ship, KEY)
    assert stored is not None
    assert stored["status"] == {"berth": "b"}


async def test_a_finished_body_has_observed_the_generation() -> None:
    client = FakeClient()
    client.seed(ship())

    async with patching(client, await read(client)):
        pass

    stored = client.stored(Ship, KEY)
    assert stored is not None
    assert stored["status"]["observedGeneration"] == 1


async def test_when_body_and_patch_fail_both_are_told() -> None:
    client = FakeClient()
    client.seed(ship())
    got = await read(client)
    client.fail_write(0, ServerError("no"))

    with pytest.raises(ExceptionGroup) as told:
        await change(client, got, berth="b", failure=KeyError("storm"))

    assert [type(error) for error in told.value.exceptions] == [KeyError, ServerError]


async def test_cancellation_sends_nothing() -> None:
    client = FakeClient()
    client.seed(ship())
    got = await read(client)

    with pytest.raises(asyncio.CancelledError):
        await change(client, got, berth="b", failure=asyncio.CancelledError())

    assert client.writes == []


async def test_the_object_carries_the_stored_revision_afterwards() -> None:
    client = FakeClient()
    client.seed(ship())
    got = await read(client)

    async with patching(client, got):
        got.spec.knots = 9

    assert got.metadata.resource_version == (await read(client)).metadata.resource_version


async def test_documents_of_unknown_kinds_are_patched_too() -> None:
    client = FakeClient()
    client.seed(ship())
    got = await client.get(SHIP, KEY)
    assert isinstance(got, Unstructured)

    async with patching(client, got):
        got.document["spec"]["knots"] = 12

    assert (await read(client)).spec == ShipSpec(knots=12)


JSON = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=4),
)
DOCUMENTS = st.dictionaries(st.text(max_size=2), JSON, max_size=5)


@given(DOCUMENTS, DOCUMENTS)
def test_the_difference_applied_to_the_old_gives_the_new(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert merged(before, merge_diff(before, after)) == after


@given(DOCUMENTS)
def test_equal_documents_have_no_difference(document: dict[str, Any]) -> None:
    assert merge_diff(document, document) == {}


@pytest.mark.parametrize(
    ("before", "after", "want"),
    [
        pytest.param({"a": [1]}, {"a": [2]}, True, id="a list replaced"),
        pytest.param({"a": [1]}, {}, True, id="a list removed"),
        pytest.param({"a": {"b": [1]}}, {}, True, id="an object with a list removed"),
        pytest.param({}, {"a": {"b": [1]}}, True, id="an object with a list added"),
        pytest.param({"a": [1], "b": 1}, {"a": [1], "b": 2}, False, id="a scalar beside a list"),
    ],
)
def test_touching_a_list_is_noticed(before: dict[str, Any], after: dict[str, Any], want: bool) -> None:
    assert touches_list(before, merge_diff(before, after)) is want
