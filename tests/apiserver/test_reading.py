"""get and list: selectors, pages at one revision, forms."""

import pytest

from tests.apiserver.api import CONFIG_MAPS, SECRETS, TABLE, WIDGETS, Api, config_map, widget


async def test_what_is_not_there_is_not_found(api: Api) -> None:
    got = await api.get(f"{CONFIG_MAPS}/a")

    assert got.status == 404
    assert got.body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'configmaps "a" not found',
        "reason": "NotFound",
        "details": {"name": "a", "kind": "configmaps"},
        "code": 404,
    }


@pytest.mark.parametrize(
    ("selector", "want"),
    [
        ("color=red", ["a"]),
        ("color==red,size", ["a"]),
        ("color!=red", ["b", "c"]),
        ("color in (red, blue)", ["a", "b"]),
        ("color notin (red)", ["b", "c"]),
        ("!color", ["c"]),
        ("color", ["a", "b"]),
        ("size>3", ["a"]),
        ("size<3", ["b"]),
        ("", ["a", "b", "c"]),
    ],
)
async def test_label_selectors(api: Api, selector: str, want: list[str]) -> None:
    await api.have(CONFIG_MAPS, config_map("a", labels={"color": "red", "size": "5"}))
    await api.have(CONFIG_MAPS, config_map("b", labels={"color": "blue", "size": "1"}))
    await api.have(CONFIG_MAPS, config_map("c"))

    assert (await api.get(CONFIG_MAPS, labelSelector=selector)).names == want


@pytest.mark.parametrize("selector", ["a=b=c", "a in b", "a in (", "=a", "a b", "a=!", "a>x", "a=" + "x" * 64])
async def test_label_selectors_that_cannot_be_read_are_refused(api: Api, selector: str) -> None:
    got = await api.get(CONFIG_MAPS, labelSelector=selector)

    assert (got.status, got.body["reason"]) == (400, "BadRequest")


async def test_field_selectors(api: Api) -> None:
    await api.have(SECRETS, {"metadata": {"name": "a"}, "type": "example.com/x"})
    await api.have(SECRETS, {"metadata": {"name": "b"}})

    assert (await api.get(SECRETS, fieldSelector="metadata.name=b")).names == ["b"]
    assert (await api.get(SECRETS, fieldSelector="metadata.name!=b,type=example.com/x")).names == ["a"]
    assert (await api.get("/api/v1/secrets", fieldSelector="metadata.namespace=kube-system")).names == []
    refused = await api.get(SECRETS, fieldSelector="data.x=y")
    assert (refused.status, refused.message) == (400, "field label not supported: data.x")


async def test_pages_show_one_revision_while_the_objects_change(api: Api) -> None:
    for name in "abcde":
        await api.have(CONFIG_MAPS, config_map(name))
    first = await api.get(CONFIG_MAPS, limit="2")
    await api.delete(f"{CONFIG_MAPS}/c")
    await api.patch(f"{CONFIG_MAPS}/d", {"data": {"key": "newer"}})
    await api.have(CONFIG_MAPS, config_map("bb"))
    second = await api.get(CONFIG_MAPS, limit="2", **{"continue": first.body["metadata"]["continue"]})
    third = await api.get(CONFIG_MAPS, limit="2", **{"continue": second.body["metadata"]["continue"]})

    assert first.body["metadata"]["remainingItemCount"] == 3
    assert first.names + second.names + third.names == ["a", "b", "c", "d", "e"]
    assert second.body["items"][1]["data"] == {"key": "value"}
    assert {page.body["metadata"]["resourceVersion"] for page in (first, second, third)} == {first.body["metadata"]["resourceVersion"]}
    assert "continue" not in third.body["metadata"]


async def test_a_page_of_a_forgotten_revision_is_gone(api: Api) -> None:
    for name in "abc":
        await api.have(CONFIG_MAPS, config_map(name))
    first = await api.get(CONFIG_MAPS, limit="1")
    api.server.store.compacted = api.server.store.revision + 1

    got = await api.get(CONFIG_MAPS, limit="1", **{"continue": first.body["metadata"]["continue"]})

    assert (got.status, got.body["reason"]) == (410, "Expired")


@pytest.mark.parametrize("token", ["x", "!!", "W10", "WzEsMiwzXQ"])
async def test_a_forged_continue_token_is_refused(api: Api, token: str) -> None:
    assert (await api.get(CONFIG_MAPS, **{"continue": token})).status == 400


async def test_an_exact_revision_can_be_listed(api: Api) -> None:
    old = await api.have(CONFIG_MAPS, config_map("a"))
    await api.delete(f"{CONFIG_MAPS}/a")

    got = await api.get(CONFIG_MAPS, resourceVersion=old["metadata"]["resourceVersion"], resourceVersionMatch="Exact")

    assert got.names == ["a"]


async def test_a_list_that_must_be_newer_than_the_server_times_out(api: Api) -> None:
    got = await api.get(CONFIG_MAPS, resourceVersion="999999")

    assert (got.status, got.body["reason"], got.headers["retry-after"]) == (504, "Timeout", "1")


@pytest.mark.parametrize(
    "query",
    [{"limit": "-1"}, {"resourceVersion": "x"}, {"resourceVersionMatch": "Exact"}, {"resourceVersion": "1", "resourceVersionMatch": "Odd"}],
    ids=["negative limit", "revision that is no number", "match without revision", "unknown match"],
)
async def test_list_parameters_without_sense_are_refused(api: Api, query: dict[str, str]) -> None:
    assert (await api.get(CONFIG_MAPS, **query)).status in (400, 422)


async def test_tables_have_columns_and_rows(widgets: Api) -> None:
    await widgets.have(WIDGETS, widget("a"))

    got = await widgets.call("GET", WIDGETS, accept=TABLE)

    assert got.body["kind"] == "Table"
    assert [column["name"] for column in got.body["columnDefinitions"]] == ["Name", "Size"]
    assert [row["cells"] for row in got.body["rows"]] == [["a", "small"]]


async def test_metadata_can_be_listed_alone(widgets: Api) -> None:
    await widgets.have(WIDGETS, widget("a", labels={"x": "y"}))

    got = await widgets.call("GET", WIDGETS, accept="application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")

    assert got.body["kind"] == "PartialObjectMetadataList"
    assert got.body["items"][0]["metadata"]["labels"] == {"x": "y"}
    assert "spec" not in got.body["items"][0]


async def test_answers_come_in_yaml_when_asked(api: Api) -> None:
    got = await api.call("GET", "/api/v1/namespaces/default", accept="application/yaml")

    assert got.headers["content-type"] == "application/yaml"
    assert b"name: default" in got.body


async def test_a_form_nobody_can_serve_is_refused(api: Api) -> None:
    got = await api.call("GET", CONFIG_MAPS, accept="application/vnd.kubernetes.protobuf")

    assert (got.status, got.body["reason"]) == (406, "NotAcceptable")


async def test_the_clients_second_choice_is_served(api: Api) -> None:
    accept = "application/vnd.kubernetes.protobuf,application/json"

    assert (await api.call("GET", CONFIG_MAPS, accept=accept)).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/default/nothing",
        "/api/v2/namespaces",
        "/apis/no.such.group/v1/things",
        "/api/v1/configmaps/a",
        "/api/v1/namespaces/default/namespaces/x",
        "/api/v1/namespaces//configmaps",
        "/api/v1/namespaces/../secrets",
        "/api/v1/namespaces/default/configmaps/a/b/c",
        "/api/v1/namespaces/default/configmaps/a/status",
        "/nowhere",
    ],
)
async def test_paths_that_lead_nowhere_are_not_found(api: Api, path: str) -> None:
    got = await api.get(path)

    assert (got.status, got.message) == (404, "the server could not find the requested resource")


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", CONFIG_MAPS), ("POST", f"{CONFIG_MAPS}/a"), ("POST", "/api/v1/configmaps"), ("OPTIONS", CONFIG_MAPS)],
)
async def test_verbs_a_path_does_not_take_are_refused(api: Api, method: str, path: str) -> None:
    got = await api.call(method, path, {})

    assert (got.status, got.body["reason"]) == (405, "MethodNotAllowed")
