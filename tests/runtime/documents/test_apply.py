"""Server-side apply and the ownership of other writes; test_apply_real.py shows that the real server does the same."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capelin.runtime import codec
from capelin.runtime.documents import fieldset, typed
from capelin.runtime.documents.apply import LAST_APPLIED, RESET_ALL_BUT_STATUS, RESET_STATUS, Writer, apply, track_update
from capelin.runtime.documents.comparison import compare
from capelin.runtime.documents.documents import identical
from capelin.runtime.documents.schema import compile_schema
from capelin.runtime.errors import BadRequest, Conflict, ServerError
from tests.apiserver.schemas import NUMBER, TEXT, fields, list_of, map_of, widget

VERSION = "example.com/v1"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)

CONDITION = fields(type=TEXT, status=TEXT)
SCHEMA = compile_schema(
    fields(
        spec=fields(
            replicas=NUMBER,
            image=TEXT,
            labels=map_of(TEXT),
            conditions=list_of(CONDITION, "map", "type"),
            names=list_of(TEXT, "set"),
            args=list_of(TEXT),
            inner=fields(a=TEXT, b=TEXT),
        ),
        status=fields(phase=TEXT),
    )
)

Document = dict[str, Any]


def writer(manager: str, at: datetime = NOW, **more: Any) -> Writer:
    return Writer(manager, VERSION, at, **more)


def applied(live: Document | None, manager: str, spec: Any = None, *, force: bool = False, at: datetime = NOW, **metadata: Any) -> Document:
    return apply(live, widget(spec, **metadata), writer(manager, at), type_=SCHEMA.type, force=force)


def updated(old: Document | None, new: Document, manager: str = "u", **more: Any) -> Document:
    return track_update(old, new, writer(manager, **more), type_=SCHEMA.type)


def owners(document: Document) -> dict[str, Any]:
    return {entry["manager"]: entry["fieldsV1"] for entry in document["metadata"].get("managedFields", [])}


def condition(type_: str, status: str = "True") -> Document:
    return {"type": type_, "status": status}


class TestApply:
    def test_a_new_object_is_what_was_applied_and_its_fields_are_owned(self) -> None:
        got = applied(None, "a", {"replicas": 1, "names": ["x"]}, labels={"k": "v"}, annotations={})

        assert got["spec"] == {"replicas": 1, "names": ["x"]}
        assert got["metadata"]["managedFields"] == [
            {
                "manager": "a",
                "operation": "Apply",
                "apiVersion": VERSION,
                "time": "2026-01-01T00:00:00Z",
                "fieldsType": "FieldsV1",
                "fieldsV1": {
                    "f:metadata": {"f:annotations": {}, "f:labels": {"f:k": {}}},
                    "f:spec": {"f:names": {'v:"x"': {}}, "f:replicas": {}},
                },
            }
        ]

    def test_applying_the_same_again_changes_nothing_not_even_the_time(self) -> None:
        live = applied(None, "a", {"replicas": 1, "conditions": [condition("A")]})

        assert applied(live, "a", {"replicas": 1, "conditions": [condition("A")]}, at=LATER) is live

    def test_fields_of_others_stay(self) -> None:
        live = applied(None, "a", {"replicas": 1})

        got = applied(live, "b", {"image": "i"})

        assert got["spec"] == {"replicas": 1, "image": "i"}
        assert owners(got) == {"a": {"f:spec": {"f:replicas": {}}}, "b": {"f:spec": {"f:image": {}}}}

    def test_a_field_that_is_no_longer_applied_goes_with_its_only_owner(self) -> None:
        live = applied(
            None, "a", {"replicas": 1, "inner": {"a": "1"}, "labels": {"x": "1"}, "conditions": [condition("A"), condition("B")]}
        )

        got = applied(live, "a", {"replicas": 1, "labels": {"y": "1"}, "conditions": [condition("B")]})

        assert got["spec"] == {"replicas": 1, "labels": {"y": "1"}, "conditions": [condition("B")]}

    def test_a_field_that_two_applied_stays_while_one_of_them_does(self) -> None:
        live = applied(applied(None, "a", {"replicas": 1, "image": "i"}), "b", {"replicas": 1})

        without_a = applied(live, "a", {"image": "i"})
        without_both = applied(without_a, "b")

        assert without_a["spec"] == {"replicas": 1, "image": "i"}
        assert without_both["spec"] == {"image": "i"}
        assert list(owners(without_both)) == ["a"]

    def test_an_owner_of_nothing_is_forgotten(self) -> None:
        live = applied(applied(None, "a", {"replicas": 1}), "b", {"image": "i"})

        got = applied(live, "b")

        assert list(owners(got)) == ["a"]
        assert got["spec"] == {"replicas": 1}

    def test_atomic_lists_are_owned_and_replaced_as_a_whole(self) -> None:
        live = applied(None, "a", {"args": ["x", "y"]})

        assert applied(live, "a", {"args": ["z"]})["spec"] == {"args": ["z"]}
        assert owners(live) == {"a": {"f:spec": {"f:args": {}}}}

    def test_a_free_form_field_may_become_something_else(self) -> None:
        live = apply(None, widget({"free": {"a": {"b": 1}}}), writer("a"))

        assert apply(live, widget({"free": {"a": [1]}}), writer("a"))["spec"] == {"free": {"a": [1]}}

    def test_a_null_in_free_form_data_stays_the_null_that_was_applied(self) -> None:
        live = apply(None, widget({"free": {"a": {"b": 1}}}), writer("a"))

        once = apply(live, widget({"free": {"a": None}}), writer("a"))

        assert once["spec"] == {"free": {"a": None}}
        assert apply(once, widget({"free": {"a": None}}), writer("a")) is once

    def test_a_co_owner_that_changed_nothing_has_no_time(self) -> None:
        got = applied(applied(None, "a", {"replicas": 1}), "b", {"replicas": 1}, at=LATER)

        assert ["time" in entry for entry in got["metadata"]["managedFields"]] == [False, True]

    def test_without_schema_lists_are_atomic_and_maps_are_not(self) -> None:
        live = apply(None, widget({"free": {"a": [1]}}), writer("a"))

        assert owners(live) == {"a": {"f:spec": {".": {}, "f:free": {".": {}, "f:a": {}}}}}

    def test_an_object_that_nobody_owns_had_an_owner_before(self) -> None:
        got = applied(widget({"replicas": 1, "image": "i"}), "a", {"image": "i"})

        assert owners(got) == {
            "a": {"f:spec": {"f:image": {}}},
            "before-first-apply": {"f:spec": {".": {}, "f:image": {}, "f:replicas": {}}},
        }

    def test_owners_of_versions_that_are_not_served_are_forgotten(self) -> None:
        live = applied(None, "old", {"replicas": 1})

        got = apply(live, widget({"image": "i"}), Writer("new", VERSION, NOW, versions={"example.com/v2"}), type_=SCHEMA.type)

        assert list(owners(got)) == ["new"]


class TestConflicts:
    def test_one_conflict_is_told_in_one_line(self) -> None:
        live = updated(None, widget({"replicas": 1}), "kubectl-create")

        with pytest.raises(Conflict) as caught:
            applied(live, "a", {"replicas": 2})

        assert caught.value.message == 'Apply failed with 1 conflict: conflict with "kubectl-create" using example.com/v1: .spec.replicas'
        (cause,) = caught.value.causes
        assert (cause.field, cause.reason) == (".spec.replicas", "FieldManagerConflict")

    def test_all_conflicts_with_all_owners_are_told(self) -> None:
        live = applied(None, "b", {"replicas": 1, "conditions": [condition("A")]})
        live = updated(live, {**live, "spec": {**live["spec"], "image": "i"}}, "s", subresource="scale")

        with pytest.raises(Conflict) as caught:
            applied(live, "a", {"replicas": 2, "image": "j", "conditions": [condition("A", "False")]})

        assert caught.value.message == (
            "Apply failed with 3 conflicts: "
            'conflicts with "b":\n- .spec.replicas\n- .spec.conditions[type="A"].status\n'
            'conflicts with "s" with subresource "scale" using example.com/v1:\n- .spec.image'
        )
        assert len(caught.value.causes) == 3

    def test_force_takes_the_fields_over(self) -> None:
        live = applied(None, "b", {"replicas": 1, "image": "i"})

        got = applied(live, "a", {"replicas": 2}, force=True)

        assert got["spec"] == {"replicas": 2, "image": "i"}
        assert owners(got) == {"a": {"f:spec": {"f:replicas": {}}}, "b": {"f:spec": {"f:image": {}}}}

    def test_the_same_value_is_no_conflict(self) -> None:
        live = applied(None, "b", {"replicas": 1})

        assert set(owners(applied(live, "a", {"replicas": 1}))) == {"a", "b"}

    def test_kubectl_has_no_conflict_with_what_it_applied_before(self) -> None:
        last = codec.encode(widget({"replicas": 1})).decode()
        live = updated(None, widget({"replicas": 1, "image": "i"}, annotations={LAST_APPLIED: last}), "kubectl-client-side-apply")

        got = applied(live, "kubectl", {"replicas": 2})

        assert got["spec"]["replicas"] == 2
        assert codec.decode(got["metadata"]["annotations"][LAST_APPLIED])["spec"] == {"replicas": 2}
        with pytest.raises(Conflict):
            applied(live, "kubectl", {"image": "j"})
        with pytest.raises(Conflict):
            applied(live, "other", {"replicas": 2})


class TestRefusals:
    @pytest.mark.parametrize(
        ("document", "error", "words"),
        [
            ({**widget({}), "apiVersion": "example.com/v2"}, BadRequest, "invalid object type: example.com/v2, Kind=Widget"),
            (widget({}, managedFields=[]), BadRequest, "metadata.managedFields must be nil"),
            (
                widget({"bogus": 1}),
                ServerError,
                "failed to create typed patch object (/w; example.com/v1, Kind=Widget): .spec.bogus: field not declared in schema",
            ),
            (
                widget({"conditions": [condition("A"), condition("A")]}),
                ServerError,
                '.spec.conditions: duplicate entries for key [type="A"]',
            ),
        ],
        ids=["other version", "managed fields", "unknown field", "repeated item"],
    )
    def test_what_cannot_be_applied_is_refused(self, document: Document, error: type[Exception], words: str) -> None:
        with pytest.raises(error) as caught:
            apply(None, document, writer("a"), type_=SCHEMA.type)

        assert words in str(caught.value)

    def test_damaged_managed_fields_are_told(self) -> None:
        live = widget({}, managedFields=[{"manager": "x", "operation": "Frob"}])

        with pytest.raises(ServerError, match="failed to decode managed fields: operation must be"):
            applied(live, "a", {})


class TestUpdates:
    def test_the_creator_owns_everything_but_what_the_server_owns(self) -> None:
        got = updated(None, widget({"inner": {"a": "1"}}, labels={"k": "v"}, uid="1"), "u")

        assert owners(got) == {
            "u": {
                "f:metadata": {"f:labels": {".": {}, "f:k": {}}},
                "f:spec": {".": {}, "f:inner": {".": {}, "f:a": {}}},
            }
        }

    def test_who_changes_a_field_owns_it_alone(self) -> None:
        live = applied(None, "a", {"replicas": 1, "image": "i"})

        got = updated(live, {**live, "spec": {"replicas": 2, "image": "i"}})

        assert owners(got) == {"a": {"f:spec": {"f:image": {}}}, "u": {"f:spec": {"f:replicas": {}}}}

    def test_nobody_owns_a_field_that_is_gone(self) -> None:
        live = applied(None, "a", {"replicas": 1, "image": "i"})

        assert owners(updated(live, {**live, "spec": {"replicas": 1}})) == {"a": {"f:spec": {"f:replicas": {}}}}

    def test_an_update_that_changes_nothing_leaves_no_trace(self) -> None:
        live = applied(None, "a", {"replicas": 1})

        assert updated(live, deepcopy(live), at=LATER) == live

    def test_updates_of_one_manager_add_up(self) -> None:
        live = updated(None, widget({"replicas": 1}), "u")

        got = updated(live, {**live, "spec": {"replicas": 1, "image": "i"}}, "u", at=LATER)

        (entry,) = got["metadata"]["managedFields"]
        assert entry["fieldsV1"] == {"f:spec": {".": {}, "f:image": {}, "f:replicas": {}}}
        assert entry["time"] == "2026-01-01T01:00:00Z"

    def test_clients_that_drop_managed_fields_do_not_delete_them(self) -> None:
        live = applied(None, "a", {"replicas": 1})

        assert updated(live, widget({"replicas": 1})) == live

    def test_one_empty_entry_resets_them_and_nothing_is_tracked_until_the_next_apply(self) -> None:
        live = applied(None, "a", {"replicas": 1})

        reset = updated(live, widget({"replicas": 1}, managedFields=[{}]))
        after = updated(reset, {**reset, "spec": {"replicas": 2}})

        assert owners(reset) == {}
        assert owners(after) == {}
        assert set(owners(applied(after, "a", {"image": "i"}))) == {"a", "before-first-apply"}

    def test_a_client_may_rewrite_managed_fields(self) -> None:
        live = applied(None, "a", {"replicas": 1})
        entry = {**live["metadata"]["managedFields"][0], "manager": "renamed"}

        assert list(owners(updated(live, widget({"replicas": 1}, managedFields=[entry])))) == ["renamed"]
        assert list(owners(updated(live, widget({"replicas": 1}, managedFields=[{"manager": "x"}])))) == ["a"]

    def test_a_write_to_the_object_does_not_own_its_status_and_the_other_way_round(self) -> None:
        live = updated(None, {**widget({"replicas": 1}), "status": {"phase": "x"}}, "u", reset=RESET_STATUS)

        got = updated(
            live, {**live, "spec": {"replicas": 2}, "status": {"phase": "y"}}, "s", subresource="status", reset=RESET_ALL_BUT_STATUS
        )

        assert owners(got) == {"u": {"f:spec": {".": {}, "f:replicas": {}}}, "s": {"f:status": {"f:phase": {}}}}


specs = st.fixed_dictionaries(
    {},
    optional={
        "replicas": st.integers(0, 2),
        "image": st.sampled_from("ij"),
        "labels": st.dictionaries(st.sampled_from("xyz"), st.sampled_from("12"), min_size=1),
        "conditions": st.lists(st.sampled_from("ABC"), unique=True, min_size=1).map(lambda found: [condition(name) for name in found]),
        "names": st.lists(st.sampled_from("abc"), unique=True, min_size=1),
        "args": st.lists(st.sampled_from("pq"), min_size=1, max_size=2),
        "inner": st.fixed_dictionaries({}, optional={"a": st.sampled_from("12"), "b": st.sampled_from("12")}),
    },
)
bounded = settings(max_examples=25)  # every example is several writes
histories = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), specs), max_size=5)


def after(history: list[tuple[str, Any]]) -> Document:
    live: Document | None = None
    for manager, spec in history:
        live = applied(live, manager, spec, force=True)
    return live or widget({})


@bounded
@given(histories, specs)
def test_applying_twice_is_applying_once(history: list[tuple[str, Any]], spec: Any) -> None:
    once = applied(after(history), "x", spec, force=True)

    assert applied(once, "x", spec, at=LATER) is once


@bounded
@given(histories, specs)
def test_what_is_applied_is_there(history: list[tuple[str, Any]], spec: Any) -> None:
    got = applied(after(history), "x", spec, force=True)

    assert identical(typed.merge(got, widget(spec), SCHEMA.type), got)


@bounded
@given(histories, specs)
def test_fields_that_only_others_own_are_as_they_were(history: list[tuple[str, Any]], spec: Any) -> None:
    before = after(history)
    wanted = typed.fields_of(widget(spec), SCHEMA.type)

    got = applied(before, "x", spec, force=True)

    difference = compare(before, got, SCHEMA.type)
    touched = fieldset.union(difference.modified, difference.removed)
    for owned in owners(before).values():
        assert not fieldset.intersection(touched, fieldset.difference(owned, wanted))


@bounded
@given(histories)
def test_withdrawing_everything_leaves_what_others_applied(history: list[tuple[str, Any]]) -> None:
    before = after([*history, ("a", {"replicas": 7})])

    got = applied(before, "a", at=LATER)

    assert "a" not in owners(got)
    assert got.get("spec", {}).get("replicas") != 7


@bounded
@given(histories, specs)
def test_nothing_that_was_given_is_changed(history: list[tuple[str, Any]], spec: Any) -> None:
    live, document = after(history), widget(spec)
    before = deepcopy((live, document))

    apply(live, document, writer("x"), type_=SCHEMA.type, force=True)
    track_update(live, document, writer("u"), type_=SCHEMA.type)

    assert (live, document) == before
