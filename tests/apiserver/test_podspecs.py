"""What is worked out in the specs of Pods."""

from __future__ import annotations

import pytest

from capelin.apiserver.builtin.podspecs import completed_pod, completed_workload


@pytest.mark.parametrize(
    ("image", "want"),
    [
        ("app", "Always"),
        ("app:latest", "Always"),
        ("registry:5000/app", "Always"),
        ("app:1", "IfNotPresent"),
        ("registry:5000/app:1", "IfNotPresent"),
        ("app@sha256:0", "IfNotPresent"),
    ],
)
def test_image_that_may_change_under_its_name_is_always_pulled(image: str, want: str) -> None:
    got = completed_pod({"spec": {"containers": [{"name": "a", "image": image}]}})

    assert got["spec"]["containers"][0]["imagePullPolicy"] == want


def test_pull_policy_that_is_there_is_left_alone() -> None:
    container = {"name": "a", "image": "app", "imagePullPolicy": "Never"}

    assert completed_workload({"spec": {"template": {"spec": {"initContainers": [container]}}}})["spec"]["template"]["spec"] == {
        "initContainers": [container]
    }


def test_document_is_shared_and_not_changed() -> None:
    pod = {"spec": {"containers": [{"name": "a", "image": "app"}]}}

    completed_pod(pod)

    assert pod == {"spec": {"containers": [{"name": "a", "image": "app"}]}}


@pytest.mark.parametrize("document", [{}, {"spec": None}, {"spec": {}}, {"spec": {"template": "no"}}, {"spec": {"containers": "no"}}])
def test_malformed_spec_is_left_to_the_schema(document: dict[str, object]) -> None:
    assert completed_workload(document) == document
    assert {**completed_pod(document)}.get("metadata") is None
