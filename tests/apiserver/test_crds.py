"""CustomResourceDefinitions: served at once, validated, cleaned up, remembered."""

from typing import Any

import pytest

from capelin.apiserver.server import ApiServer
from tests.apiserver.api import CRDS, WIDGETS, Api, widget, widget_crd
from tests.fakes import FakeClock, FakeRandom

CRD = f"{CRDS}/widgets.example.com"


async def test_a_new_definition_is_established_and_served_at_once(api: Api) -> None:
    stored = await api.have(CRDS, widget_crd())

    conditions = {found["type"]: found["status"] for found in stored["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}
    assert stored["status"]["storedVersions"] == ["v1"]
    assert stored["status"]["acceptedNames"]["listKind"] == "WidgetList"
    assert (await api.create(WIDGETS, widget("a"))).status == 201


async def test_a_name_that_is_in_use_is_not_accepted(widgets: Api) -> None:
    other = widget_crd()
    other["metadata"]["name"] = "gadgets.example.com"
    other["spec"]["names"] = {"plural": "gadgets", "kind": "Widget", "singular": "gadget"}

    stored = await widgets.have(CRDS, other)

    conditions = {found["type"]: found["status"] for found in stored["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "False", "Established": "False"}
    assert (await widgets.get(WIDGETS.replace("widgets", "gadgets"))).status == 404


def _without_schema(crd: dict[str, Any]) -> None:
    del crd["spec"]["versions"][0]["schema"]


def _wrong_name(crd: dict[str, Any]) -> None:
    crd["metadata"]["name"] = "wrong.example.com"


def _no_storage(crd: dict[str, Any]) -> None:
    crd["spec"]["versions"][0]["storage"] = False


def _untyped_field(crd: dict[str, Any]) -> None:
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["size"] = {"description": "no type"}


def _broken_rule(crd: dict[str, Any]) -> None:
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["x-kubernetes-validations"] = [{"rule": "self.nothing ==", "message": "x"}]


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (_without_schema, "spec.versions[0].schema.openAPIV3Schema"),
        (_wrong_name, "metadata.name"),
        (_no_storage, "spec.versions"),
        (_untyped_field, "spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[size].type"),
        (_broken_rule, "spec.versions[0].schema.openAPIV3Schema.x-kubernetes-validations[0].rule"),
    ],
    ids=["no schema", "wrong name", "no storage version", "field without type", "rule that does not compile"],
)
async def test_a_definition_that_makes_no_sense_is_refused(api: Api, spoil: Any, field: str) -> None:
    crd = widget_crd()
    spoil(crd)

    got = await api.create(CRDS, crd)

    assert got.status == 422
    assert field in [cause["field"] for cause in got.body["details"]["causes"]]
    assert (await api.get(WIDGETS)).status == 404


async def test_an_established_definition_keeps_its_kind_and_scope(widgets: Api) -> None:
    assert (await widgets.patch(CRD, {"spec": {"scope": "Cluster"}})).status == 422
    assert (await widgets.patch(CRD, {"spec": {"names": {"kind": "Gizmo", "listKind": "GizmoList", "singular": "gizmo"}}})).status == 422


async def test_a_changed_schema_holds_from_then_on(widgets: Api) -> None:
    crd = (await widgets.get(CRD)).body
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"]["size"]["enum"] = ["medium"]

    await widgets.update(CRD, crd)

    assert (await widgets.create(WIDGETS, widget("a"))).status == 422
    assert (await widgets.create(WIDGETS, widget("b", spec={"size": "medium"}))).status == 201


async def test_every_served_version_shows_every_object(widgets: Api) -> None:
    await widgets.have(WIDGETS, widget("a"))
    crd = (await widgets.get(CRD)).body
    first = crd["spec"]["versions"][0]
    crd["spec"]["versions"] = [first | {"storage": False}, first | {"name": "v2", "storage": True}]
    await widgets.update(CRD, crd)
    newer = WIDGETS.replace("/v1/", "/v2/")
    await widgets.have(newer, widget("b") | {"apiVersion": "example.com/v2"})

    for path, version in ((WIDGETS, "example.com/v1"), (newer, "example.com/v2")):
        listed = (await widgets.get(path)).body
        assert [(item["metadata"]["name"], item["apiVersion"]) for item in listed["items"]] == [("a", version), ("b", version)]
    assert (await widgets.get(CRD)).body["status"]["storedVersions"] == ["v1", "v2"]


async def test_a_version_that_objects_may_be_stored_in_cannot_go(widgets: Api) -> None:
    crd = (await widgets.get(CRD)).body
    crd["spec"]["versions"][0]["name"] = "v2"

    got = await widgets.update(CRD, crd)

    assert got.status == 422
    assert "status.storedVersions[0]" in got.message


async def test_a_deprecated_version_warns(api: Api) -> None:
    await api.have(CRDS, widget_crd(deprecated=True))

    got = await api.create(WIDGETS, widget("a"))

    assert got.headers["warning"] == '299 - "example.com/v1 Widget is deprecated"'


async def test_a_deleted_definition_takes_its_objects_along(widgets: Api) -> None:
    await widgets.have(WIDGETS, widget("a", finalizers=["example.com/hold"]))
    await widgets.have(WIDGETS, widget("b"))
    events = await widgets.watch(WIDGETS, resourceVersion=str(widgets.server.store.revision))

    await widgets.delete(CRD)
    await widgets.rest()

    assert (await widgets.get(WIDGETS)).names == ["a"]
    assert (await widgets.create(WIDGETS, widget("c"))).status == 405
    await widgets.patch(f"{WIDGETS}/a", {"metadata": {"finalizers": None}})
    await widgets.rest()
    assert (await widgets.get(CRD)).status == 404
    assert (await widgets.get(WIDGETS)).status == 404
    assert {kind for kind, _ in await events.rest()} == {"MODIFIED", "DELETED"}
    await events.close()


async def test_definitions_are_served_again_after_a_restart(widgets: Api) -> None:
    await widgets.have(WIDGETS, widget("a"))
    await widgets.server.stop()

    server = ApiServer(widgets.server.store, clock=FakeClock(), random=FakeRandom())
    await server.start()

    assert (await Api(server, FakeClock()).get(WIDGETS)).names == ["a"]
    await server.stop()
