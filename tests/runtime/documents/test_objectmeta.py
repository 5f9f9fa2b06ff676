from __future__ import annotations

from typing import Any

import pytest

from capelin.runtime.documents import objectmeta
from tests.apiserver.schemas import widget

OWNER = {"apiVersion": "v1", "kind": "Secret", "name": "a", "uid": "1"}


def broken(**metadata: Any) -> list[str]:
    found = objectmeta.check_metadata(widget(namespace="default", **metadata), namespaced=True)
    return [f"{cause.field}: {cause.message}" for cause in found]


def test_ordinary_metadata_breaks_no_rule() -> None:
    got = broken(
        labels={"example.com/a": "b"},
        annotations={"Example.com/A": "any text\n"},
        ownerReferences=[{**OWNER, "controller": True}, {**OWNER, "uid": "2"}],
        finalizers=["example.com/x", "orphan"],
        generateName="w-",
    )

    assert got == []


@pytest.mark.parametrize(
    ("metadata", "want"),
    [
        ({"name": ""}, "metadata.name: Required value: name or generateName is required"),
        ({"name": "A"}, 'metadata.name: Invalid value: "A": a lowercase RFC 1123 subdomain'),
        ({"generateName": "Ab-"}, 'metadata.generateName: Invalid value: "Ab-": a lowercase'),
        ({"labels": {"a b": "c"}}, 'metadata.labels: Invalid value: "a b": name part must consist of'),
        ({"labels": {"a": "-"}}, 'metadata.labels: Invalid value: "-": a valid label must be'),
        ({"annotations": {"a": "x" * 256 * 1024}}, "metadata.annotations: Too long: may not be more than 262144 bytes"),
        ({"annotations": {"a b": ""}}, 'metadata.annotations: Invalid value: "a b": name part'),
        ({"ownerReferences": [{**OWNER, "uid": ""}]}, 'metadata.ownerReferences.uid: Invalid value: "": must not be empty'),
        (
            {"ownerReferences": [{**OWNER, "apiVersion": "a/"}]},
            'metadata.ownerReferences.apiVersion: Invalid value: "a/": version must not be empty',
        ),
        ({"ownerReferences": [{**OWNER, "kind": "Event"}]}, "is disallowed from being an owner"),
        (
            {"ownerReferences": [{**OWNER, "controller": True}, {**OWNER, "name": "b", "controller": True}]},
            'Only one reference can have Controller set to true. Found "true" in references for Secret/a and Secret/b',
        ),
        ({"finalizers": ["a b"]}, 'metadata.finalizers: Invalid value: "a b": name part'),
        ({"finalizers": ["orphan", "foregroundDeletion"]}, "finalizer orphan and foregroundDeletion cannot be both set"),
        ({"generation": -1}, "metadata.generation: Invalid value: -1: must be greater than or equal to 0"),
    ],
)
def test_metadata_that_breaks_a_rule_is_told_which(metadata: dict[str, Any], want: str) -> None:
    assert any(want in sentence for sentence in broken(**metadata))


def test_a_namespace_is_needed_exactly_where_the_kind_has_one() -> None:
    in_one, in_none = widget(namespace="default"), widget()

    assert [cause.message for cause in objectmeta.check_metadata(in_none, namespaced=True)] == ["Required value"]
    assert [cause.message for cause in objectmeta.check_metadata(in_one, namespaced=False)] == ["Forbidden: not allowed on this type"]


def test_identity_does_not_change_with_an_update() -> None:
    old = widget(uid="1", namespace="a")
    new = widget(uid="2", namespace="b")

    got = {cause.field: cause.message for cause in objectmeta.check_metadata_update(new, old)}

    assert got == {
        "metadata.uid": 'Invalid value: "2": field is immutable',
        "metadata.namespace": 'Invalid value: "b": field is immutable',
    }


def test_an_object_that_is_being_deleted_takes_no_new_finalizers() -> None:
    old = widget(deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["a.b/c"])
    fewer, more = widget(deletionTimestamp="2026-01-01T00:00:00Z"), widget(deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["x.y/z"])

    assert objectmeta.check_metadata_update(fewer, old) == []
    (cause,) = objectmeta.check_metadata_update(more, old)
    assert cause.message.endswith('found new finalizers []string{"x.y/z"}')


def test_embedded_resources_say_what_they_are() -> None:
    got = objectmeta.check_embedded({"kind": "1x", "metadata": {"labels": {"a": "-"}}}, ("spec", "template"))

    assert [cause.field for cause in got] == ["spec.template.apiVersion", "spec.template.kind", "spec.template.metadata.labels"]


def test_empty_metadata_is_left_out_but_a_grace_period_of_zero_is_not() -> None:
    got = objectmeta.without_empty({"name": "a", "labels": {}, "finalizers": [], "namespace": "", "deletionGracePeriodSeconds": 0})

    assert got == {"name": "a", "deletionGracePeriodSeconds": 0}
