from __future__ import annotations

import pytest

from capelin.api.machine import Machine
from capelin.api.meta import ObjectKey, Resource, Unstructured
from capelin.runtime import errors
from capelin.runtime.contract import ContractError, Contracts
from capelin.runtime.external import ExternalObjects
from capelin.runtime.ownership import OwnedByAnother
from tests import build
from tests.fakes import FakeClient
from tests.lagging import LaggingClient

GROUP = "infrastructure.cluster.x-k8s.io"
RESOURCE = Resource(GROUP, "v1beta2", "devmachines", "DevMachine")
KEY = ObjectKey("default", "worker")
LABELS = {"cluster.x-k8s.io/cluster-name": "demo"}


class FakeTracker:
    """Remembers what it was asked to watch."""

    def __init__(self) -> None:
        self.tracked: list[Resource] = []

    async def track(self, resource: Resource) -> None:
        self.tracked.append(resource)


@pytest.fixture
def client() -> FakeClient:
    client = FakeClient()
    client.seed(build.crd(GROUP, "DevMachine"))
    return client


@pytest.fixture
def external(client: FakeClient) -> ExternalObjects:
    return ExternalObjects(client, client, Contracts(client, client.clock), FakeTracker())


@pytest.fixture
def machine() -> Machine:
    return build.machine(owners=[build.owner(build.machineset())])


async def observed(external: ExternalObjects) -> Unstructured:
    found = await external.get(build.infrastructure_ref("worker"), "default")
    assert found is not None
    return found


async def test_what_is_referred_to_is_watched_from_the_first_look(client: FakeClient) -> None:
    tracker = FakeTracker()
    external = ExternalObjects(client, client, Contracts(client, client.clock), tracker)

    assert await external.get(build.infrastructure_ref("worker"), "default") is None

    assert tracker.tracked == [RESOURCE]


async def test_adopting_writes_owner_and_labels_at_once_and_never_again(
    client: FakeClient, external: ExternalObjects, machine: Machine
) -> None:
    client.seed(build.devmachine())
    await external.adopt(await observed(external), machine, LABELS, controller=True)
    await external.adopt(await observed(external), machine, LABELS, controller=True)

    stored = client.stored(RESOURCE, KEY) or {}

    assert len(client.writes) == 1
    assert [o["uid"] for o in stored["metadata"]["ownerReferences"]] == [machine.uid]
    assert LABELS.items() <= stored["metadata"]["labels"].items()


async def test_an_object_that_its_creator_still_owns_is_handed_over(
    client: FakeClient, external: ExternalObjects, machine: Machine
) -> None:
    client.seed(build.devmachine(owners=[build.owner(build.machineset())]))

    await external.adopt(await observed(external), machine, LABELS, controller=True)

    assert [o.uid for o in (await observed(external)).metadata.owner_references or ()] == [machine.uid]


async def test_an_object_of_another_machine_is_left_alone(client: FakeClient, external: ExternalObjects, machine: Machine) -> None:
    client.seed(build.devmachine(owners=[build.owner(build.machine("other"))]))

    with pytest.raises(OwnedByAnother, match="other"):
        await external.adopt(await observed(external), machine, LABELS, controller=True)

    assert client.writes == []


async def test_an_object_of_another_cluster_is_left_alone_even_by_a_plain_owner(client: FakeClient, external: ExternalObjects) -> None:
    client.seed(build.devmachine(owners=[build.owner(build.cluster("other"), controller=False)]))

    with pytest.raises(OwnedByAnother, match="found owner Cluster other"):
        await external.adopt(await observed(external), build.cluster(), LABELS, controller=False)

    assert client.writes == []


async def test_deleting_asks_once_and_is_done_when_the_server_says_absent(
    client: FakeClient, external: ExternalObjects, machine: Machine
) -> None:
    client.seed(build.devmachine(owners=[build.owner(machine)], finalizers=["provider"]))
    reference = build.infrastructure_ref("worker")

    asked = await external.delete(reference, machine, existed=True)
    waiting = await external.delete(reference, machine, existed=True)
    await client.patch(RESOURCE, KEY, {"metadata": {"finalizers": None}})
    gone = await external.delete(reference, machine, existed=True)

    assert (asked, waiting, gone) == (False, False, True)
    assert [w.verb for w in client.writes] == ["delete", "patch"]


async def test_an_object_that_is_not_ours_is_not_deleted(client: FakeClient, external: ExternalObjects, machine: Machine) -> None:
    client.seed(build.devmachine(owners=[build.owner(build.machine("other"))]))

    assert await external.delete(build.infrastructure_ref("worker"), machine, existed=True)

    assert client.writes == []


async def test_an_object_that_was_never_adopted_is_not_left_behind(client: FakeClient, external: ExternalObjects, machine: Machine) -> None:
    """The Machine was deleted between its finalizer and its first look: its computer would have run for ever."""
    client.seed(build.devmachine(finalizers=["provider"]))

    assert not await external.delete(build.infrastructure_ref("worker"), machine, existed=False)

    metadata = (client.stored(RESOURCE, KEY) or {})["metadata"]
    assert "deletionTimestamp" in metadata
    assert [owner["uid"] for owner in metadata["ownerReferences"]] == [machine.uid]


async def test_a_look_that_fails_is_not_absence(client: FakeClient, external: ExternalObjects, machine: Machine) -> None:
    client.read_faults["devmachines", "worker"] = errors.Unreachable("no answer")

    with pytest.raises(errors.Unreachable):
        await external.delete(build.infrastructure_ref("worker"), machine, existed=True)


async def test_an_object_that_the_cache_has_not_seen_is_deleted_and_not_taken_for_gone(client: FakeClient, machine: Machine) -> None:
    client.seed(build.devmachine(owners=[build.owner(machine)], finalizers=["provider"]))
    lagging = LaggingClient(client, {"devmachines"})
    external = ExternalObjects(lagging, client, Contracts(client, client.clock), FakeTracker())

    assert not await external.delete(build.infrastructure_ref("worker"), machine, existed=True)

    assert "deletionTimestamp" in (client.stored(RESOURCE, KEY) or {})["metadata"]


async def test_a_reference_to_no_providers_kind_is_gone_when_it_was_never_followed(external: ExternalObjects, machine: Machine) -> None:
    reference = build.infrastructure_ref("worker", kind="Secret")

    assert await external.delete(reference, machine, existed=False)
    with pytest.raises(ContractError):
        await external.delete(reference, machine, existed=True)


async def test_an_object_that_its_provider_has_just_written_is_read_again_and_adopted(
    client: FakeClient, external: ExternalObjects, machine: Machine
) -> None:
    client.seed(build.devmachine())
    found = await observed(external)
    await client.patch(RESOURCE, KEY, {"metadata": {"finalizers": ["provider"]}})

    await external.adopt(found, machine, {}, controller=True)

    stored = (client.stored(RESOURCE, KEY) or {})["metadata"]
    assert ([owner["uid"] for owner in stored["ownerReferences"]], stored["finalizers"]) == ([machine.uid], ["provider"])


async def test_an_object_that_was_replaced_since_it_was_read_is_not_adopted(
    client: FakeClient, external: ExternalObjects, machine: Machine
) -> None:
    client.seed(build.devmachine())
    found = await observed(external)
    await client.delete(RESOURCE, KEY)
    another = build.devmachine()
    another.metadata.uid = "another"
    client.seed(another)

    with pytest.raises(errors.Conflict):
        await external.adopt(found, machine, {}, controller=True)


async def test_an_object_that_changed_since_the_look_is_not_deleted(
    client: FakeClient, external: ExternalObjects, machine: Machine
) -> None:
    client.seed(build.devmachine(owners=[build.owner(machine)]))
    client.fail_write(0, errors.Conflict("changed"))

    assert not await external.delete(build.infrastructure_ref("worker"), machine, existed=True)

    assert client.stored(RESOURCE, KEY) is not None
