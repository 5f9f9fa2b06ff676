from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capelin.api.meta import ObjectKey
from capelin.runtime import codec
from capelin.runtime.cache import Cache, KindCache, NotCached, Scope, selected
from capelin.runtime.client import Selection
from capelin.runtime.entries import CachedObject, ingest
from capelin.runtime.reconcile import Change
from tests.runtime.ships import KEY, SHIP, Ship


def entry(
    name: str = "ada",
    *,
    namespace: str = "default",
    uid: str = "u",
    version: int = 1,
    owner: str = "",
    labels: Mapping[str, str] | None = None,
) -> CachedObject:
    owners = [{"apiVersion": "v1", "kind": "Fleet", "name": "f", "uid": owner}] if owner else []
    metadata = {"name": name, "namespace": namespace, "uid": uid, "resourceVersion": str(version), "labels": labels or {}}
    return ingest(codec.encode({"metadata": {**metadata, "ownerReferences": owners}, "spec": {"knots": version}}))


def cache() -> KindCache:
    return KindCache(SHIP, labels=frozenset({"fleet"}), custom={"knots": lambda e: [str(codec.decode(e.data)["spec"]["knots"])]})


def same_but_for_the_revision(old: CachedObject, version: int) -> CachedObject:
    return ingest(old.data.replace(f'"resourceVersion":"{old.resource_version}"'.encode(), f'"resourceVersion":"{version}"'.encode()))


def test_an_older_state_does_not_replace_a_newer_one() -> None:
    ships = cache()
    ships.put(entry(version=5))

    assert ships.put(entry(version=4)) == []
    assert ships.objects[KEY].resource_version == "5"


def test_a_change_of_nothing_but_the_revision_is_kept_and_not_told() -> None:
    ships = cache()
    old = entry(version=5)
    ships.put(old)

    assert ships.put(same_but_for_the_revision(old, 6)) == []
    assert ships.objects[KEY].resource_version == "6"


def test_a_namesake_with_another_uid_is_told_as_an_end_and_a_beginning() -> None:
    ships = cache()
    old, new = entry(uid="1", version=5), entry(uid="2", version=6)
    ships.put(old)

    assert ships.put(new) == [Change(old, None), Change(None, new)]


def test_the_end_of_an_older_namesake_is_ignored() -> None:
    ships = cache()
    ships.put(entry(uid="2", version=6))

    assert ships.drop(KEY, entry(uid="1", version=5)) == []
    assert KEY in ships.objects


def test_a_list_tells_what_disappeared() -> None:
    ships = cache()
    gone, stays = entry("gone"), entry("stays")
    ships.put(gone)
    ships.put(stays)

    assert ships.replace("", [stays], ships.mark()) == [Change(gone, None)]


def test_a_list_of_one_namespace_says_nothing_about_others() -> None:
    ships = KindCache(SHIP, Scope(namespaces=("a", "b")))
    ships.put(entry(namespace="b"))

    assert ships.replace("a", [], ships.mark()) == []


def test_a_list_is_believed_although_it_is_older() -> None:
    """A server restored from a backup counts from an older revision; a cache that only moves forward would never see it again."""
    ships = cache()
    ships.put(entry(version=50))

    ships.replace("", [entry(version=9)], ships.mark())

    assert ships.objects[KEY].resource_version == "9"


def test_a_list_that_began_before_a_mark_does_not_count_after_it() -> None:
    ships = cache()
    begun = ships.mark()
    doubt = ships.mark()
    ships.replace("", [], begun)

    assert not ships.has_listed("", doubt)
    ships.replace("", [], ships.mark())
    assert ships.has_listed("", doubt)


STATES = st.lists(
    st.builds(
        entry,
        st.sampled_from("abc"),
        namespace=st.sampled_from(["n1", "n2"]),
        version=st.integers(1, 100),
        owner=st.sampled_from(["", "o1", "o2"]),
        labels=st.dictionaries(st.sampled_from(["fleet", "other"]), st.sampled_from("xy")),
    ),
    max_size=20,
)


@given(STATES, st.lists(st.tuples(st.sampled_from(["n1", "n2"]), st.sampled_from("abc")), max_size=5))
def test_indexes_agree_with_a_look_at_every_object(states: list[CachedObject], drops: list[tuple[str, str]]) -> None:
    ships = cache()
    for state in states:
        ships.put(state)
    for namespace, name in drops:
        ships.drop(ObjectKey(namespace, name))

    everything = sorted(ships.objects.values(), key=lambda e: e.key)
    assert ships.select() == everything
    for namespace in ("", "n1"):
        for owner in ("", "o1"):
            for labels in ({}, {"fleet": "x"}, {"other": "y", "fleet": "x"}):
                want = [
                    e
                    for e in everything
                    if e.key.namespace.startswith(namespace)
                    and (not owner or any(o.uid == owner for o in e.owners))
                    and labels.items() <= dict(e.labels).items()
                ]
                assert ships.select(namespace=namespace, labels=labels, owner=owner) == want
    for e in everything:
        assert e in ships.indexed("knots", str(codec.decode(e.data)["spec"]["knots"]))


def test_selectors_of_the_api_are_evaluated_here() -> None:
    ships = cache()
    ships.put(entry("a", labels={"fleet": "x"}))
    ships.put(entry("b", labels={"fleet": "y"}))

    assert [e.key.name for e in selected(ships, Selection(label_selector="fleet in (y, z)"))] == ["b"]


@pytest.mark.parametrize(
    ("scope", "selection", "want"),
    [
        pytest.param(Scope(), Selection(), True, id="everything of everything"),
        pytest.param(Scope(), Selection(field_selector="a=b"), False, id="fields are the server's"),
        pytest.param(Scope(("a",)), Selection(), False, id="all namespaces of one"),
        pytest.param(Scope(("a",)), Selection("a"), True, id="the one namespace"),
        pytest.param(Scope(label="fleet"), Selection(labels={"fleet": "x"}), True, id="the label it is cached by"),
        pytest.param(Scope(label="fleet"), Selection(), False, id="also what lacks the label"),
        pytest.param(Scope(metadata_only=True), Selection(), False, id="bodies that are not kept"),
    ],
)
def test_only_what_is_here_whole_is_answered(scope: Scope, selection: Selection, want: bool) -> None:
    assert scope.answers(selection) is want


def test_a_kind_nobody_watches_is_a_mistake() -> None:
    with pytest.raises(NotCached):
        Cache().entry(Ship, KEY)


def test_a_view_is_a_fresh_copy() -> None:
    joined, ships = Cache(), cache()
    joined.add(ships)
    ships.put(entry(version=3))

    first, second = joined.view(Ship, KEY), joined.view(Ship, KEY)

    assert first == second
    assert first is not second


def test_an_index_that_fails_on_an_object_leaves_it_out_and_stops_nothing() -> None:
    ships = KindCache(SHIP, custom={"first": lambda e: [e.key.name[5]]})

    ships.put(entry("ada"))
    ships.put(entry("victoria"))

    assert [e.key.name for e in ships.indexed("first", "r")] == ["victoria"]
    assert KEY in ships.objects
