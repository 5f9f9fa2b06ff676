from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from capelin.runtime.documents.strategic import strategic_merge_patch
from capelin.runtime.errors import BadRequest
from tests.apiserver.schemas import NUMBER, TEXT, fields, map_of, widget


def merged(item: Any, key: str = "") -> dict[str, Any]:
    found = {"type": "array", "items": item, "x-kubernetes-patch-strategy": "merge"}
    return {**found, "x-kubernetes-patch-merge-key": key} if key else found


CONTAINER = fields(name=TEXT, image=TEXT, ports=merged(fields(port=NUMBER, name=TEXT), "port"))
SCHEMA = fields(
    spec=fields(
        containers=merged(CONTAINER, "name"),
        names=merged(TEXT),
        plain={"type": "array", "items": TEXT},
        labels=map_of(TEXT),
        strategy={**fields(type=TEXT, rolling=fields(surge=NUMBER)), "x-kubernetes-patch-strategy": "retainKeys"},
        whole={**fields(a=TEXT, b=TEXT), "x-kubernetes-patch-strategy": "replace"},
    )
)


def patched(spec: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    document = widget(spec)
    before = deepcopy(document)
    found: dict[str, Any] = strategic_merge_patch(document, {"spec": patch}, SCHEMA)["spec"]
    assert document == before
    return found


A, B, C = ({"name": name, "image": "i"} for name in "abc")


@pytest.mark.parametrize(
    ("spec", "patch", "want"),
    [
        ({"labels": {"a": "1", "b": "2"}}, {"labels": {"a": None, "c": "3"}}, {"labels": {"b": "2", "c": "3"}}),
        ({"containers": [A, B]}, {"containers": [{"name": "b", "image": "j"}]}, {"containers": [A, {"name": "b", "image": "j"}]}),
        ({"containers": [A, B]}, {"containers": [C]}, {"containers": [C, A, B]}),
        ({}, {"containers": [A]}, {"containers": [A]}),
        ({"containers": [A, B]}, {"containers": [{"name": "a", "$patch": "delete"}]}, {"containers": [B]}),
        ({"containers": [A, B]}, {"containers": [C, {"$patch": "replace"}]}, {"containers": [C]}),
        ({"containers": [A]}, {"containers": [{"name": "a", "image": None}]}, {"containers": [{"name": "a"}]}),
        (
            {"containers": [{**A, "ports": [{"port": 1}]}]},
            {"containers": [{"name": "a", "ports": [{"port": 2, "name": "x"}, {"port": 1, "name": "y"}]}]},
            {"containers": [{**A, "ports": [{"port": 2, "name": "x"}, {"port": 1, "name": "y"}]}]},
        ),
        (
            {"containers": [A, B, C]},
            {"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}], "containers": [{"name": "b", "$patch": "delete"}]},
            {"containers": [C, A]},
        ),
        ({"containers": [A, B, C]}, {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}, {"containers": [B, A, C]}),
        ({"names": ["a", "b"]}, {"names": ["c", "b"]}, {"names": ["c", "a", "b"]}),
        ({"names": ["a", "b"]}, {"$deleteFromPrimitiveList/names": ["a", "z"]}, {"names": ["b"]}),
        ({"names": ["a", "b"]}, {"$setElementOrder/names": ["b", "c", "a"], "names": ["c"]}, {"names": ["b", "c", "a"]}),
        ({"plain": ["a", "b"]}, {"plain": ["c"]}, {"plain": ["c"]}),
        (
            {"strategy": {"type": "RollingUpdate", "rolling": {"surge": 1}}},
            {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}},
            {"strategy": {"type": "Recreate"}},
        ),
        ({"whole": {"a": "1", "b": "2"}}, {"whole": {"a": "3"}}, {"whole": {"a": "3"}}),
        ({"labels": {"a": "1"}}, {"labels": {"$patch": "replace", "b": "2"}}, {"labels": {"b": "2"}}),
        ({"labels": {"a": "1"}}, {"labels": {"$patch": "delete"}}, {"labels": {}}),
        ({}, {"labels": {"a": None, "b": "2", "$retainKeys": ["b"]}}, {"labels": {"b": "2"}}),
        ({"unknown": {"x": [1]}}, {"unknown": {"x": [2], "y": None}}, {"unknown": {"x": [2]}}),
    ],
    ids=[
        "maps merge and null deletes",
        "items merge by key",
        "new items come first, as the patch knows nothing of the others",
        "the list is new",
        "delete an item",
        "replace the list",
        "delete a field of an item",
        "lists inside items merge",
        "order with deletion",
        "order alone",
        "primitives are added once, in the order of the patch",
        "primitives are deleted",
        "primitives are ordered",
        "lists without strategy are replaced",
        "only retained keys stay",
        "maps with strategy replace are replaced",
        "replace a map",
        "delete a map",
        "directives are not stored",
        "fields that the schema does not know merge as JSON",
    ],
)
def test_patches_follow_the_strategies_of_the_schema(spec: dict[str, Any], patch: dict[str, Any], want: dict[str, Any]) -> None:
    assert patched(spec, patch) == want


def test_finalizers_and_owners_in_metadata_merge() -> None:
    document = widget({}, finalizers=["a/b"], ownerReferences=[{"uid": "1", "name": "x"}])

    got = strategic_merge_patch(document, {"metadata": {"finalizers": ["c/d"], "ownerReferences": [{"uid": "2", "name": "y"}]}}, SCHEMA)

    assert set(got["metadata"]["finalizers"]) == {"a/b", "c/d"}
    assert {owner["uid"] for owner in got["metadata"]["ownerReferences"]} == {"1", "2"}


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ({"labels": {"$patch": "frob"}}, "Unknown patch type found: frob"),
        ({"containers": [{"image": "i"}]}, 'does not contain its merge key "name"'),
        ({"containers": ["a"]}, "must be an object"),
        ({"strategy": {"$retainKeys": "type"}}, "retainKeys"),
        ({"strategy": {"$retainKeys": [], "type": "x"}}, 'does not name "type"'),
        ({"$deleteFromPrimitiveList/names": "a"}, "a list is needed"),
    ],
)
def test_malformed_directives_are_refused(patch: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest) as caught:
        patched({"containers": [A]}, patch)

    assert words in caught.value.message
