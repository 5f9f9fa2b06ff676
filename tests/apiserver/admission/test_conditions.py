"""Match conditions see as much of the objects as they look at, and never less."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.apiserver.admission.conditions import Condition

OBJECT: dict[str, Any] = {
    "apiVersion": "v1",
    "metadata": {"name": "a", "labels": {"app": "one"}, "managedFields": [{"manager": "m"}]},
    "spec": {"size": 3, "names": ["x"]},
    "status": {"phase": "Running"},
}
OLD: dict[str, Any] = {**OBJECT, "metadata": {"name": "a", "finalizers": ["f"]}, "status": {"phase": "Pending"}}
VARIABLES = {"object": OBJECT, "oldObject": OLD, "request": {"operation": "UPDATE"}, "namespaceObject": None}


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param("object.spec.size == 3 && object.spec == oldObject.spec", True, id="fields below a field"),
        pytest.param("object.status != oldObject.status", True, id="a field as a whole"),
        pytest.param("object.metadata.?labels == oldObject.metadata.?labels", False, id="optional fields of the metadata"),
        pytest.param("has(object.metadata.managedFields) && !has(oldObject.metadata.labels)", True, id="whether fields are there"),
        pytest.param("object.metadata.labels.exists(k, k == 'app')", True, id="keys of a field of the metadata"),
        pytest.param("object.metadata.size() == 3 && object.metadata.name == 'a'", True, id="all of the metadata, and a field of it"),
        pytest.param("object.metadata.name == 'a' && object.metadata != oldObject.metadata", True, id="a field, and all of the metadata"),
        pytest.param("object.size() == 4", True, id="all of the object, by a method"),
        pytest.param("object.exists(name, name == 'status')", True, id="all of the object, by a macro"),
        pytest.param("'status' in object", True, id="all of the object, by an operator"),
        pytest.param("object['status'].phase == 'Running'", True, id="all of the object, by an index"),
        pytest.param("object . status . phase == 'Running'", True, id="a field after blanks"),
        pytest.param("'object.status' != '' && !has(object.data)", True, id="the name of a field in a text, and one that is not there"),
        pytest.param("[object, oldObject].all(o, has(o.status))", True, id="both in a list"),
    ],
)
def test_a_condition_sees_what_it_looks_at(text: str, want: bool) -> None:
    assert Condition("c", text).holds(VARIABLES) is want
