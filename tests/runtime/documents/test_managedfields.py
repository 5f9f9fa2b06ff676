from __future__ import annotations

from typing import Any

import pytest

from capelin.runtime.documents import managedfields
from capelin.runtime.documents.managedfields import ANCIENT_CHANGES, UPDATERS_LIMIT, Manager, Ownership


def entry(manager: str = "m", operation: str = "Update", **more: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:a": {}}, **more}


def test_entries_survive_reading_and_writing() -> None:
    entries = [entry("a", "Apply", time="2026-01-01T00:00:00Z"), entry("b", subresource="status")]

    assert managedfields.encode(managedfields.decode(entries)) == entries


def test_appliers_come_first_and_the_oldest_before_the_others() -> None:
    entries = [
        entry("c"),
        entry("b", time="2026-01-01T00:00:00Z"),
        entry("z", "Apply", time="2026-01-02T00:00:00Z"),
        entry("y", "Apply", time="2026-01-03T00:00:00Z"),
    ]

    assert [found["manager"] for found in managedfields.encode(managedfields.decode(entries))] == ["z", "y", "c", "b"]


def test_an_applier_is_the_same_in_every_version_and_an_updater_is_not() -> None:
    assert managedfields.manager_of("m", "Apply", "v1", "") == managedfields.manager_of("m", "Apply", "v2", "")
    assert managedfields.manager_of("m", "Update", "v1", "") != managedfields.manager_of("m", "Update", "v2", "")
    assert managedfields.manager_of("", "Update", "v1", "").name == "unknown"


@pytest.mark.parametrize(
    "bad",
    [{"operation": "Frob"}, {"apiVersion": ""}, {"fieldsType": ""}, {"fieldsType": "FieldsV2"}],
    ids=["operation", "version", "no type", "type"],
)
def test_damaged_entries_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        managedfields.decode([{**entry(), **bad}])


def test_entries_of_clients_are_read_in_our_spelling() -> None:
    (owned,) = managedfields.decode_foreign([entry(fieldsV1={'k:{ "a":1 }': {".": {}}})]).values()

    assert owned.fields == {'k:{"a":1}': {}}


def test_the_oldest_updates_are_joined_when_there_are_too_many() -> None:
    owners = {
        Manager(f"m{number:02}", "Update", "v1", ""): Ownership({f"f:{number}": {}}, "v1", f"2026-01-01T00:00:{number:02}Z")
        for number in range(UPDATERS_LIMIT + 2)
    }
    applier = Manager("z", "Apply", "", "")

    got = managedfields.capped({**owners, applier: Ownership({"f:z": {}}, "v1")})

    bucket = Manager(ANCIENT_CHANGES, "Update", "v1", "")
    assert got[bucket] == Ownership({"f:2": {}, "f:1": {}, "f:0": {}}, "v1", "2026-01-01T00:00:02Z")
    assert applier in got
    assert len(got) == UPDATERS_LIMIT + 1


@pytest.mark.parametrize(("metadata", "want"), [({"managedFields": [{}]}, True), ({"managedFields": []}, False), ({}, False)])
def test_one_empty_entry_asks_to_forget_all_owners(metadata: dict[str, Any], want: bool) -> None:
    assert managedfields.is_reset(metadata) is want
