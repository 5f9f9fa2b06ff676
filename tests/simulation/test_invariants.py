"""Each rule: a change that breaks it, and one beside it that does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from capelin.apiserver.storage.store import Event, Item, MemoryStore
from capelin.runtime import codec
from capelin.runtime.codec import Document
from capelin.simulation.invariants.catalogue import INVARIANTS
from capelin.simulation.invariants.clusters import BELONGINGS, CLUSTERS, ClusterGoesLast, EndpointStays, NothingIsMadeUnderADyingCluster
from capelin.simulation.invariants.invariant import Change, Invariant
from capelin.simulation.invariants.machines import (
    MACHINE_DEPLOYMENTS,
    MACHINE_SETS,
    MACHINES,
    NobodyTakesAnothersMachine,
    NoMoreThanWanted,
    SurgeIsBounded,
    WrittenOnce,
)

CREATED = "2026-01-01T00:10:00Z"
ENDPOINT = {"host": "10.0.0.1", "port": 6443}


def stored(name: str, *, owner: str = "", deployment: str = "", deleted: str = "", **fields: Any) -> Document:
    metadata: Document = {"namespace": "default", "name": name, "uid": f"uid-{name}", "creationTimestamp": CREATED}
    metadata["labels"] = {"cluster.x-k8s.io/cluster-name": "demo"} | (
        {"cluster.x-k8s.io/deployment-name": deployment} if deployment else {}
    )
    metadata["ownerReferences"] = [{"uid": owner, "controller": True}] if owner else []
    return {"metadata": metadata | ({"deletionTimestamp": deleted} if deleted else {}), "spec": {"clusterName": "demo"}, **fields}


def item(document: Document) -> Item:
    return Item((document["metadata"]["namespace"], document["metadata"]["name"]), 1, codec.encode(document))


def broken(
    rule: type[Invariant],
    resource: str,
    *,
    old: Document | None,
    new: Document | None,
    beside: Mapping[str, Sequence[Document]] | None = None,
) -> list[str]:
    """Return what a rule says of a change; `beside` is what else is stored."""
    store = MemoryStore()
    for kind, documents in ({resource: [new] if new else []} | dict(beside or {})).items():
        store.load(kind, [item(document) for document in documents if document is not None])
    type_ = "DELETED" if new is None else "ADDED" if old is None else "MODIFIED"
    state = new or old
    assert state is not None
    return list(rule().broken(Change(Event(resource, type_, item(state), item(old) if old else None), store)))


def cluster(**fields: Any) -> Document:
    return stored("demo", **fields)


def test_an_endpoint_may_become_known() -> None:
    assert broken(EndpointStays, CLUSTERS, old=cluster(spec={}), new=cluster(spec={"controlPlaneEndpoint": ENDPOINT})) == []


@pytest.mark.parametrize("spec", [{}, {"controlPlaneEndpoint": ENDPOINT | {"port": 6444}}], ids=["lost", "other"])
def test_an_endpoint_that_is_known_stays(spec: Document) -> None:
    (message,) = broken(EndpointStays, CLUSTERS, old=cluster(spec={"controlPlaneEndpoint": ENDPOINT}), new=cluster(spec=spec))

    assert "default/demo" in message


def test_a_milestone_may_be_reached_and_is_never_taken_back() -> None:
    before, after = cluster(), cluster(status={"initialization": {"infrastructureProvisioned": True}})

    assert broken(EndpointStays, CLUSTERS, old=before, new=after) == []
    (message,) = broken(EndpointStays, CLUSTERS, old=after, new=before)
    assert "infrastructureProvisioned" in message


@pytest.mark.parametrize("resource", BELONGINGS)
def test_a_cluster_does_not_go_before_what_belongs_to_it(resource: str) -> None:
    (message,) = broken(ClusterGoesLast, CLUSTERS, old=cluster(), new=None, beside={resource: [stored("left")]})

    assert "left" in message


def test_a_cluster_may_go_when_nothing_of_it_is_left() -> None:
    strange = stored("strange") | {"metadata": {"namespace": "default", "name": "strange"}}

    assert broken(ClusterGoesLast, CLUSTERS, old=cluster(), new=None, beside={MACHINES: [strange]}) == []


@pytest.mark.parametrize("resource", [MACHINES, MACHINE_SETS])
def test_nothing_is_made_long_after_its_cluster_was_deleted(resource: str) -> None:
    dying = cluster(deleted="2026-01-01T00:08:59Z")

    (message,) = broken(NothingIsMadeUnderADyingCluster, resource, old=None, new=stored("late"), beside={CLUSTERS: [dying]})

    assert "default/late" in message


@pytest.mark.parametrize("deleted", ["", "2026-01-01T00:09:30Z"], ids=["living", "deleted-a-moment-ago"])
def test_what_was_under_way_when_a_cluster_was_deleted_may_arrive(deleted: str) -> None:
    beside = {CLUSTERS: [cluster(deleted=deleted)]}

    assert broken(NothingIsMadeUnderADyingCluster, MACHINES, old=None, new=stored("m"), beside=beside) == []


@pytest.mark.parametrize(
    ("unbound", "bound", "other"),
    [
        ({}, {"providerID": "dev:///a"}, {"providerID": "dev:///b"}),
        ({"bootstrap": {}}, {"bootstrap": {"dataSecretName": "a"}}, {"bootstrap": {}}),
    ],
    ids=["providerID", "dataSecretName"],
)
def test_what_a_machine_is_bound_to_is_written_once(unbound: Document, bound: Document, other: Document) -> None:
    before, after, changed = (stored("m", spec=spec) for spec in (unbound, bound, other))

    assert broken(WrittenOnce, MACHINES, old=before, new=after) == []
    assert broken(WrittenOnce, MACHINES, old=after, new=None) == []
    assert len(broken(WrittenOnce, MACHINES, old=after, new=changed)) == 1


def test_a_machineset_makes_no_more_machines_than_it_wants() -> None:
    machineset = stored("ms", spec={"replicas": 2})
    one, two, three = (stored(name, owner="uid-ms") for name in ("one", "two", "three"))

    fits = broken(NoMoreThanWanted, MACHINES, old=None, new=two, beside={MACHINE_SETS: [machineset], MACHINES: [one, two]})
    exceeds = broken(NoMoreThanWanted, MACHINES, old=None, new=three, beside={MACHINE_SETS: [machineset], MACHINES: [one, two, three]})

    assert fits == []
    assert exceeds == ["MachineSet ms: 3 Machines live, 2 are wanted"]


def test_machines_that_are_being_deleted_may_be_replaced() -> None:
    machineset = stored("ms", spec={"replicas": 1})
    dying, fresh = stored("dying", owner="uid-ms", deleted=CREATED), stored("fresh", owner="uid-ms")
    beside = {MACHINE_SETS: [machineset], MACHINES: [dying, fresh]}

    assert broken(NoMoreThanWanted, MACHINES, old=None, new=fresh, beside=beside) == []


@pytest.mark.parametrize(("old", "new"), [("", "a"), ("a", "a"), ("a", "")], ids=["adopted", "kept", "released"])
def test_a_machine_may_be_adopted_and_released(old: str, new: str) -> None:
    assert broken(NobodyTakesAnothersMachine, MACHINES, old=stored("m", owner=old), new=stored("m", owner=new)) == []


def test_a_machine_is_not_taken_from_its_controller() -> None:
    (message,) = broken(NobodyTakesAnothersMachine, MACHINES, old=stored("m", owner="a"), new=stored("m", owner="b"))

    assert message == "Machine default/m: its controller was a and is b"


@pytest.mark.parametrize(("surge", "bound"), [(None, 2), (0, 1), (1, 2)], ids=["by-default", "none", "one"])
def test_a_rollout_surges_by_what_it_may(surge: int | None, bound: int) -> None:
    rollout = {} if surge is None else {"rollout": {"strategy": {"rollingUpdate": {"maxSurge": surge}}}}
    deployment = stored("md", spec={"replicas": 1, **rollout})
    machines = [stored(f"m{number}", deployment="md") for number in range(bound + 1)]

    fits, exceeds = (
        broken(SurgeIsBounded, MACHINES, old=None, new=some[-1], beside={MACHINE_DEPLOYMENTS: [deployment], MACHINES: some})
        for some in (machines[:-1], machines)
    )

    assert fits == []
    assert exceeds == [f"MachineDeployment md: {bound + 1} Machines live, at most {bound} may"]


def test_every_rule_has_a_number_of_its_own_and_says_what_it_watches() -> None:
    assert len({rule.id for rule in INVARIANTS}) == len(INVARIANTS)
    assert all(rule.watches and rule.__doc__ for rule in INVARIANTS)
