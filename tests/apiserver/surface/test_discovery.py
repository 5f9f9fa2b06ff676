"""Discovery documents in both forms."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.apiserver import builtin
from capelin.apiserver.registry import Registry, ResourceDefinition, ScalePaths, Version
from capelin.apiserver.surface import discovery
from capelin.runtime import codec
from capelin.runtime.errors import NotAcceptable
from capelin.runtime.transport import Request, Response

V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
V2BETA1 = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
KUBECTL = f"{V2},{V2BETA1},application/json"


def widgets(*versions: str) -> ResourceDefinition:
    """Return a custom resource with status and scale, stored in its first version."""
    served = tuple(
        Version(name, storage=name == versions[0], status=True, scale=ScalePaths(".spec.replicas", ".status.replicas")) for name in versions
    )
    return ResourceDefinition(
        "example.com", "widgets", "widget", "Widget", "WidgetList", served, short_names=("wd",), categories=("all",), builtin=False
    )


def registry(*custom: ResourceDefinition) -> Registry:
    """Return a server's registry with these custom resources."""
    found = Registry(builtin.catalog())
    for definition in custom:
        found.put(definition)
    return found


def ask(served: Registry, path: str, accept: str = "", **headers: str) -> Response:
    """Return the answer to a GET that must have one."""
    wanted = {"accept": accept} if accept else {}
    response = discovery.answer(served, Request("GET", path, headers={**wanted, **{k.replace("_", "-"): v for k, v in headers.items()}}))
    assert response is not None
    return response


def document(response: Response) -> dict[str, Any]:
    """Return the body."""
    return codec.decode_document(response.body)


@pytest.mark.parametrize(
    ("accept", "media", "kind"),
    [
        pytest.param(KUBECTL, V2, "APIGroupDiscoveryList", id="kubectl from 1.30 on"),
        pytest.param(f"{V2BETA1},application/json", V2BETA1, "APIGroupDiscoveryList", id="kubectl until 1.29"),
        pytest.param("application/json", "application/json", "APIGroupList", id="plain JSON"),
        pytest.param("", "application/json", "APIGroupList", id="nothing said"),
        pytest.param("application/vnd.kubernetes.protobuf, */*", "application/json", "APIGroupList", id="protobuf or anything"),
        pytest.param(
            "application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList,application/json",
            "application/json",
            "APIGroupList",
            id="a later form",
        ),
    ],
)
def test_client_gets_the_first_form_it_accepts(accept: str, media: str, kind: str) -> None:
    got = ask(registry(), "/apis", accept)

    assert got.headers["content-type"] == media
    assert document(got)["kind"] == kind


def test_client_that_accepts_no_form_is_refused() -> None:
    with pytest.raises(NotAcceptable):
        ask(registry(), "/apis", "application/vnd.kubernetes.protobuf")


def test_core_group_stands_apart_from_the_named_ones() -> None:
    core = document(ask(registry(), "/api", KUBECTL))["items"]
    named = document(ask(registry(), "/apis", KUBECTL))["items"]

    assert [item["metadata"] for item in core] == [{}]
    assert {"apps", "coordination.k8s.io"} <= {item["metadata"]["name"] for item in named}


def test_unchanged_document_is_not_sent_again() -> None:
    first = ask(registry(), "/apis", KUBECTL)

    again = ask(registry(), "/apis", KUBECTL, if_none_match=first.headers["etag"])
    changed = ask(registry(widgets("v1")), "/apis", KUBECTL, if_none_match=first.headers["etag"])

    assert (again.status, again.body) == (304, b"")
    assert changed.status == 200


def test_custom_resource_appears_with_its_subresources_and_names() -> None:
    items = document(ask(registry(widgets("v1")), "/apis", KUBECTL))["items"]

    (group,) = [item for item in items if item["metadata"]["name"] == "example.com"]

    assert group["versions"] == [
        {
            "version": "v1",
            "resources": [
                {
                    "resource": "widgets",
                    "responseKind": {"group": "example.com", "version": "v1", "kind": "Widget"},
                    "scope": "Namespaced",
                    "singularResource": "widget",
                    "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
                    "shortNames": ["wd"],
                    "categories": ["all"],
                    "subresources": [
                        {
                            "subresource": "scale",
                            "responseKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
                            "verbs": ["get", "patch", "update"],
                        },
                        {
                            "subresource": "status",
                            "responseKind": {"group": "example.com", "version": "v1", "kind": "Widget"},
                            "verbs": ["get", "patch", "update"],
                        },
                    ],
                }
            ],
            "freshness": "Current",
        }
    ]


def test_versions_are_offered_with_the_most_mature_first() -> None:
    served = registry(widgets("v1alpha1", "v1beta2", "v2alpha1", "v1", "v1beta10", "legacy", "v2"))

    got = document(ask(served, "/apis/example.com"))

    assert [version["version"] for version in got["versions"]] == ["v2", "v1", "v1beta10", "v1beta2", "v2alpha1", "v1alpha1", "legacy"]
    assert got["preferredVersion"] == {"groupVersion": "example.com/v2", "version": "v2"}


def test_legacy_list_names_subresources_beside_their_resource() -> None:
    got = document(ask(registry(widgets("v1")), "/apis/example.com/v1"))

    entries = {entry["name"]: entry for entry in got["resources"]}

    assert got["groupVersion"] == "example.com/v1"
    assert list(entries) == ["widgets", "widgets/scale", "widgets/status"]
    assert (entries["widgets/scale"]["group"], entries["widgets/scale"]["kind"]) == ("autoscaling", "Scale")
    assert "group" not in entries["widgets/status"]


def test_review_can_be_created_and_nothing_else() -> None:
    got = document(ask(registry(), "/apis/authentication.k8s.io/v1"))

    (entry,) = [entry for entry in got["resources"] if entry["name"] == "selfsubjectreviews"]

    assert entry["verbs"] == ["create"]
    assert "storageVersionHash" not in entry


def test_removed_resource_takes_its_group_along() -> None:
    served = registry(widgets("v1"))
    served.remove("example.com", "widgets")

    assert discovery.answer(served, Request("GET", "/apis/example.com")) is None


@pytest.mark.parametrize(
    "path", ["/api/v2", "/apis/apps/v2", "/apis/nobody.example.com", "/api/v1/pods", "/apis/apps/v1/deployments", "/version"]
)
def test_other_paths_are_left_to_others(path: str) -> None:
    assert discovery.answer(registry(), Request("GET", path)) is None
