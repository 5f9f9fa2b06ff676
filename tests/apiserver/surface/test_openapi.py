"""OpenAPI documents as kubectl reads them."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.apiserver import builtin
from capelin.apiserver.registry import Registry, ResourceDefinition, ScalePaths, Version
from capelin.apiserver.surface import openapi
from capelin.runtime import codec
from capelin.runtime.errors import NotAcceptable
from capelin.runtime.transport import Request, Response

META = "io.k8s.apimachinery.pkg.apis.meta.v1"


def registry(*custom: ResourceDefinition) -> Registry:
    """Return a server's registry with these custom resources."""
    found = Registry(builtin.catalog())
    for definition in custom:
        found.put(definition)
    return found


def widgets(schema: dict[str, Any] | None = None) -> ResourceDefinition:
    """Return a cluster-scoped custom resource with status and scale."""
    version = Version("v1", schema=schema, status=True, scale=ScalePaths(".spec.replicas", ".status.replicas"))
    return ResourceDefinition(
        "stable.example.com", "widgets", "widget", "Widget", "WidgetList", (version,), namespaced=False, builtin=False
    )


def ask(served: Registry, path: str, accept: str = "application/json", query: dict[str, str] | None = None, **headers: str) -> Response:
    """Return the answer to a GET that must have one."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = openapi.answer(served, Request("GET", path, query=query or {}, headers={"accept": accept, **named}))
    assert response is not None
    return response


def document(served: Registry, group_version: str) -> dict[str, Any]:
    """Return one version 3 document."""
    return codec.decode_document(ask(served, f"/openapi/v3/{group_version}").body)


def references(node: Any) -> set[str]:
    """Return every `$ref` in a document."""
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(value) for value in node.values()))
    return set().union(*(references(item) for item in node)) if isinstance(node, list) else set()


def test_root_leads_to_documents_that_may_be_kept_for_good() -> None:
    paths = codec.decode_document(ask(registry(), "/openapi/v3").body)["paths"]
    path, _, digest = paths["apis/apps/v1"]["serverRelativeURL"].partition("?hash=")

    got = ask(registry(), path, query={"hash": digest})

    assert path == "/openapi/v3/apis/apps/v1"
    assert "immutable" in got.headers["cache-control"]
    assert digest in got.headers["etag"]


def test_outdated_hash_is_sent_to_the_present_one() -> None:
    got = ask(registry(), "/openapi/v3/apis/apps/v1", query={"hash": "0"})

    assert got.status == 301
    assert ask(registry(), "/openapi/v3/apis/apps/v1", query={"hash": got.headers["location"].partition("=")[2]}).status == 200


def test_unchanged_document_is_not_sent_again() -> None:
    first = ask(registry(), "/openapi/v3/api/v1")

    assert ask(registry(), "/openapi/v3/api/v1", if_none_match=first.headers["etag"]).status == 304


def test_changed_schema_changes_the_address() -> None:
    def address(schema: dict[str, Any]) -> str:
        paths = codec.decode_document(ask(registry(widgets(schema)), "/openapi/v3").body)["paths"]
        return str(paths["apis/stable.example.com/v1"]["serverRelativeURL"])

    assert address({"type": "object"}) != address({"type": "object", "description": "A widget."})


def test_patch_declares_what_kubectl_looks_for() -> None:
    path = document(registry(), "apis/apps/v1")["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]

    assert path["patch"]["x-kubernetes-group-version-kind"] == {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert path["patch"]["x-kubernetes-action"] == "patch"
    assert {"dryRun", "fieldValidation"} <= {parameter["name"] for parameter in path["patch"]["parameters"]}


@pytest.mark.parametrize(("builtin_kind", "offered"), [(True, True), (False, False)], ids=["built-in", "custom"])
def test_strategic_merge_patch_is_for_builtin_kinds(builtin_kind: bool, offered: bool) -> None:
    found = (
        document(registry(), "api/v1")["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"]
        if builtin_kind
        else document(registry(widgets()), "apis/stable.example.com/v1")["paths"]["/apis/stable.example.com/v1/widgets/{name}"]
    )

    assert ("application/strategic-merge-patch+json" in found["patch"]["requestBody"]["content"]) is offered


def test_custom_resource_is_published_with_the_fields_every_object_has() -> None:
    schema = {"type": "object", "properties": {"spec": {"type": "object", "description": "What is wanted."}}}

    schemas = document(registry(widgets(schema)), "apis/stable.example.com/v1")["components"]["schemas"]
    got = schemas["com.example.stable.v1.Widget"]

    assert got["x-kubernetes-group-version-kind"] == [{"group": "stable.example.com", "version": "v1", "kind": "Widget"}]
    assert got["properties"]["metadata"]["allOf"] == [{"$ref": f"#/components/schemas/{META}.ObjectMeta"}]
    assert got["properties"]["spec"]["description"] == "What is wanted."
    assert schemas["com.example.stable.v1.WidgetList"]["properties"]["items"]["items"]["$ref"].endswith(".Widget")


def test_custom_resource_has_paths_for_its_subresources() -> None:
    paths = document(registry(widgets()), "apis/stable.example.com/v1")["paths"]

    prefix = "/apis/stable.example.com/v1/widgets"
    assert set(paths) == {prefix, f"{prefix}/{{name}}", f"{prefix}/{{name}}/status", f"{prefix}/{{name}}/scale"}
    assert paths[f"{prefix}/{{name}}/scale"]["get"]["x-kubernetes-group-version-kind"]["kind"] == "Scale"


def test_every_reference_leads_somewhere() -> None:
    served = registry(widgets())
    paths = codec.decode_document(ask(served, "/openapi/v3").body)["paths"]

    for name in paths:
        found = document(served, name)
        assert references(found) <= {f"#/components/schemas/{schema}" for schema in found["components"]["schemas"]}


def test_version_2_is_the_empty_document_every_kubectl_accepts() -> None:
    got = ask(registry(), "/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf")

    assert got.body == b"\x0a\x032.0\x12\x15\x0a\x0aKubernetes\x12\x07v1.36.0\x42\x00\x4a\x00"
    assert codec.decode_document(ask(registry(), "/openapi/v2").body)["swagger"] == "2.0"


def test_protobuf_of_version_3_is_refused() -> None:
    with pytest.raises(NotAcceptable):
        ask(registry(), "/openapi/v3/api/v1", "application/com.github.proto-openapi.spec.v3@v1.0+protobuf")


def test_unknown_group_version_has_no_document() -> None:
    assert openapi.answer(registry(), Request("GET", "/openapi/v3/apis/nobody.example.com/v1")) is None
