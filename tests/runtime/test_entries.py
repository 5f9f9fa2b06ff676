from typing import Any

import pytest

from capelin.api.meta import ObjectKey, OwnerReference
from capelin.runtime import codec
from capelin.runtime.entries import bookmark, identity, ingest

OWNER = {"apiVersion": "example.org/v1", "kind": "Fleet", "name": "f", "uid": "u-f", "controller": True}


def document(**metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "example.org/v1",
        "kind": "Ship",
        "metadata": {"name": "ada", "namespace": "default", "uid": "u-1", "resourceVersion": "7", "generation": 2, **metadata},
        "spec": {"knots": 7},
    }


def test_identity_is_decoded_and_the_bytes_are_the_object() -> None:
    full = document(labels={"a": "b"}, annotations={"c": "d"}, ownerReferences=[OWNER], deletionTimestamp="2026-01-01T00:00:00Z")

    entry = ingest(codec.encode(full))

    assert (entry.key, entry.uid, entry.resource_version, entry.generation) == (ObjectKey("default", "ada"), "u-1", "7", 2)
    assert (entry.labels, entry.annotations, entry.deleting) == ({"a": "b"}, {"c": "d"}, True)
    assert entry.owners == (OwnerReference.model_validate(OWNER),)
    assert codec.decode(entry.data) == full


def test_what_nobody_reads_is_not_kept() -> None:
    last_applied = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "c": "d"}

    entry = ingest(codec.encode(document(managedFields=[{"manager": "x"}], annotations=last_applied)))

    assert codec.decode(entry.data) == document(annotations={"c": "d"})


def test_states_that_differ_in_the_revision_alone_have_equal_bodies() -> None:
    later = document(resourceVersion="8", managedFields=[{"manager": "x"}])

    assert ingest(codec.encode(document())).body == ingest(codec.encode(later)).body


def test_of_metadata_only_kinds_the_rest_is_dropped() -> None:
    entry = ingest(codec.encode(document()), metadata_only=True)

    assert "spec" not in codec.decode(entry.data)


@pytest.mark.parametrize(
    "data",
    [
        b"[]",
        b"{}",
        b'{"metadata":{}}',
        b"{",
        b'{"metadata":' * 5000,
        b'{"metadata":{"name":"a","resourceVersion":"x"}}',
        b'{"metadata":{"name":"a","resourceVersion":"-1"}}',
        b'{"metadata":{"name":"a","resourceVersion":"' + b"9" * 5000 + b'"}}',
        b'{"metadata":{"name":"a","resourceVersion":7}}',
        b'{"metadata":{"name":"a"}}',
    ],
)
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(codec.DecodeError):
        ingest(data)


@pytest.mark.parametrize("data", [b"{}", b'{"metadata":[]}', b'{"metadata":{"resourceVersion":""}}', b'{"metadata":{"resourceVersion":1}}'])
def test_what_is_no_bookmark_is_refused(data: bytes) -> None:
    with pytest.raises(codec.DecodeError):
        bookmark(data)


def test_the_answer_of_a_write_tells_its_identity() -> None:
    found = identity(codec.encode(document(ownerReferences=[OWNER])))

    assert found is not None
    assert (found.uid, found.resource_version, [owner.uid for owner in found.owner_references or ()]) == ("u-1", "7", ["u-f"])


def test_a_status_is_no_identity() -> None:
    assert identity(b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success"}') is None
