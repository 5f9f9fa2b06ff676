"""Creating, updating and patching objects."""

import pytest

from tests.apiserver.api import (
    APPLY,
    CONFIG_MAPS,
    JSON_PATCH,
    MERGE,
    NAMESPACES,
    SECRETS,
    STRATEGIC,
    WIDGETS,
    Api,
    config_map,
    widget,
)


async def test_a_new_object_gets_identity_and_times_from_the_server(api: Api) -> None:
    claimed = config_map("a", uid="mine", creationTimestamp="2001-01-01T00:00:00Z", generation=9)

    stored = await api.have(CONFIG_MAPS, claimed)

    meta = stored["metadata"]
    assert meta["uid"] != "mine"
    assert meta["creationTimestamp"] == api.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert "generation" not in meta
    assert meta["namespace"] == "default"
    assert int(meta["resourceVersion"]) == api.server.store.revision


async def test_a_name_is_taken_once(api: Api) -> None:
    await api.have(CONFIG_MAPS, config_map("a"))

    got = await api.create(CONFIG_MAPS, config_map("a"))

    assert (got.status, got.body["reason"]) == (409, "AlreadyExists")
    assert got.message == 'configmaps "a" already exists'


async def test_generated_names_differ_and_keep_their_prefix(api: Api) -> None:
    body = {"metadata": {"generateName": "made-"}}

    first, second = await api.have(CONFIG_MAPS, body), await api.have(CONFIG_MAPS, body)

    names = {first["metadata"]["name"], second["metadata"]["name"]}
    assert len(names) == 2
    assert all(name.startswith("made-") and len(name) == 10 for name in names)


async def test_an_object_without_a_name_is_refused(api: Api) -> None:
    got = await api.create(CONFIG_MAPS, {"metadata": {}})

    assert got.status == 422
    assert got.message == 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required'


async def test_a_name_that_breaks_the_rules_is_refused_with_the_rule(widgets: Api) -> None:
    got = await widgets.create(WIDGETS, widget("No_Good"))

    assert got.status == 422
    assert got.message.startswith('Widget.example.com "No_Good" is invalid: metadata.name: Invalid value: "No_Good": a lowercase RFC 1123')
    assert got.body["details"]["causes"][0]["field"] == "metadata.name"


async def test_a_name_of_254_characters_is_refused(api: Api) -> None:
    assert (await api.create(CONFIG_MAPS, config_map("a" * 254))).status == 422


async def test_the_body_must_agree_with_the_url(api: Api) -> None:
    await api.have(CONFIG_MAPS, config_map("a"))

    for body in (config_map("b"), config_map("a", namespace="other"), config_map("a") | {"kind": "Secret"}):
        assert (await api.update(f"{CONFIG_MAPS}/a", body)).status == 400


async def test_an_update_on_an_old_state_conflicts(api: Api) -> None:
    old = await api.have(CONFIG_MAPS, config_map("a"))
    await api.patch(f"{CONFIG_MAPS}/a", {"data": {"key": "newer"}})

    got = await api.update(f"{CONFIG_MAPS}/a", old | {"data": {"key": "mine"}})

    assert (got.status, got.body["reason"]) == (409, "Conflict")
    assert got.message == (
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )


async def test_an_update_of_another_objects_uid_conflicts(api: Api) -> None:
    await api.have(CONFIG_MAPS, config_map("a"))

    got = await api.update(f"{CONFIG_MAPS}/a", config_map("a", uid="someone-else"))

    assert got.status == 409
    assert "UID in precondition: someone-else" in got.message


async def test_a_custom_resource_is_not_updated_unconditionally(widgets: Api) -> None:
    await widgets.have(WIDGETS, widget("a"))

    got = await widgets.update(f"{WIDGETS}/a", widget("a"))

    assert got.status == 422
    assert "metadata.resourceVersion: Invalid value: 0: must be specified for an update" in got.message


async def test_what_changes_nothing_is_not_written(widgets: Api) -> None:
    stored = await widgets.have(WIDGETS, widget("a"))
    before = widgets.server.store.revision

    await widgets.update(f"{WIDGETS}/a", stored)
    await widgets.patch(f"{WIDGETS}/a", {"spec": {"size": "small"}})
    await widgets.patch(f"{WIDGETS}/a/status", {})

    assert widgets.server.store.revision == before


async def test_an_update_that_forgets_managed_fields_keeps_them(api: Api) -> None:
    stored = await api.have(CONFIG_MAPS, config_map("a"))
    before = api.server.store.revision
    del stored["metadata"]["managedFields"]

    got = await api.update(f"{CONFIG_MAPS}/a", stored)

    assert got.body["metadata"]["managedFields"][0]["manager"] == "tests"
    assert api.server.store.revision == before


async def test_the_generation_counts_changes_of_the_spec_alone(widgets: Api) -> None:
    await widgets.have(WIDGETS, widget("a"))

    labelled = await widgets.patch(f"{WIDGETS}/a", {"metadata": {"labels": {"a": "b"}}})
    reported = await widgets.patch(f"{WIDGETS}/a/status", {"status": {"phase": "Fine"}})
    scaled = await widgets.patch(f"{WIDGETS}/a", {"spec": {"replicas": 3}})

    assert [answer.body["metadata"]["generation"] for answer in (labelled, reported, scaled)] == [1, 1, 2]


async def test_status_and_spec_have_separate_doors(widgets: Api) -> None:
    created = await widgets.have(WIDGETS, widget("a") | {"status": {"phase": "Forged"}})
    assert "status" not in created

    through_main = await widgets.patch(f"{WIDGETS}/a", {"status": {"phase": "Forged"}, "spec": {"size": "large"}})
    assert "status" not in through_main.body

    patch = {"status": {"phase": "Fine"}, "spec": {"size": "small"}, "metadata": {"labels": {"a": "b"}}}
    through_status = await widgets.patch(f"{WIDGETS}/a/status", patch)
    assert through_status.body["status"] == {"phase": "Fine"}
    assert through_status.body["spec"]["size"] == "large"
    assert "labels" not in through_status.body["metadata"]


async def test_a_dry_run_answers_and_stores_nothing(api: Api) -> None:
    await api.have(CONFIG_MAPS, config_map("old"))
    before = api.server.store.revision

    created = await api.create(CONFIG_MAPS, config_map("a"), dryRun="All")
    patched = await api.patch(f"{CONFIG_MAPS}/old", {"data": {"key": "new"}}, dryRun="All")
    deleted = await api.delete(f"{CONFIG_MAPS}/old", dryRun="All")

    assert (created.status, patched.status, deleted.status) == (201, 200, 200)
    assert patched.body["data"] == {"key": "new"}
    assert api.server.store.revision == before
    assert (await api.get(f"{CONFIG_MAPS}/a")).status == 404


@pytest.mark.parametrize("value", ["some", "all", "true"])
async def test_a_dry_run_of_another_kind_is_refused(api: Api, value: str) -> None:
    assert (await api.create(CONFIG_MAPS, config_map("a"), dryRun=value)).status == 400


async def test_unknown_fields_are_dropped_with_a_warning(widgets: Api) -> None:
    got = await widgets.create(WIDGETS, widget("a", spec={"size": "small", "colour": "red"}))

    assert got.status == 201
    assert "colour" not in got.body["spec"]
    assert got.headers["warning"] == '299 - "unknown field \\"spec.colour\\""'


async def test_strict_field_validation_names_unknown_and_repeated_fields(widgets: Api) -> None:
    body = b'{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"a"},"spec":{"size":"small","size":"large","colour":"red"}}'

    got = await widgets.create(WIDGETS, body, fieldValidation="Strict")

    assert got.status == 400
    assert 'strict decoding error: unknown field "spec.colour", duplicate field "spec.size"' in got.message


async def test_ignored_field_validation_says_nothing(widgets: Api) -> None:
    got = await widgets.create(WIDGETS, widget("a", spec={"size": "small", "colour": "red"}), fieldValidation="Ignore")

    assert (got.status, "warning" in got.headers) == (201, False)


async def test_every_broken_rule_is_named_with_its_field(widgets: Api) -> None:
    got = await widgets.create(WIDGETS, widget("a", spec={"size": "huge", "parts": [{"name": "x"}, {"name": "x"}]}))

    fields = [cause["field"] for cause in got.body["details"]["causes"]]
    assert got.status == 422
    assert fields[:2] == ["spec.size", "spec.parts[1]"]
    assert 'spec.size: Unsupported value: "huge": supported values: "small", "large"' in got.message


async def test_transition_rules_hold_on_update(widgets: Api) -> None:
    await widgets.have(WIDGETS, widget("a", spec={"size": "small", "color": "red"}))

    got = await widgets.patch(f"{WIDGETS}/a", {"spec": {"color": "blue"}})

    assert got.status == 422
    assert "color is immutable" in got.message
    assert got.body["details"]["causes"][0]["field"] == "spec.color"


async def test_absent_fields_get_their_defaults(widgets: Api) -> None:
    stored = await widgets.have(WIDGETS, widget("a"))

    assert stored["spec"]["replicas"] == 1


async def test_a_json_patch_can_test_before_it_changes(widgets: Api) -> None:
    await widgets.have(WIDGETS, widget("a"))
    patch = [{"op": "test", "path": "/spec/size", "value": "large"}, {"op": "replace", "path": "/spec/replicas", "value": 5}]

    refused = await widgets.patch(f"{WIDGETS}/a", patch, media=JSON_PATCH)
    accepted = await widgets.patch(f"{WIDGETS}/a", patch[1:], media=JSON_PATCH)

    assert refused.status == 422
    assert accepted.body["spec"]["replicas"] == 5


async def test_a_json_patch_cannot_move_an_object(widgets: Api) -> None:
    await widgets.have(WIDGETS, widget("a"))

    patch = [{"op": "replace", "path": "/metadata/namespace", "value": "kube-system"}]

    assert (await widgets.patch(f"{WIDGETS}/a", patch, media=JSON_PATCH)).status == 400


async def test_a_patch_with_a_resource_version_is_a_precondition(api: Api) -> None:
    await api.have(CONFIG_MAPS, config_map("a"))

    got = await api.patch(f"{CONFIG_MAPS}/a", {"metadata": {"resourceVersion": "1"}, "data": {"key": "new"}})

    assert got.status == 409


async def test_built_in_kinds_take_strategic_merge_patches_and_custom_ones_do_not(widgets: Api) -> None:
    await widgets.have(WIDGETS, widget("a"))
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "one", "image": "a"}, {"name": "two", "image": "b"}]}}
    await widgets.have("/api/v1/namespaces/default/pods", pod)

    merged = await widgets.patch(
        "/api/v1/namespaces/default/pods/p", {"spec": {"containers": [{"name": "two", "image": "c"}]}}, media=STRATEGIC
    )
    refused = await widgets.patch(f"{WIDGETS}/a", {"spec": {}}, media=STRATEGIC)

    images = {container["name"]: container["image"] for container in merged.body["spec"]["containers"]}
    assert images == {"one": "a", "two": "c"}
    assert refused.status == 415
    assert "application/merge-patch+json" in refused.message


async def test_server_side_apply_creates_then_owns_then_conflicts(widgets: Api) -> None:
    mine = widget("a", spec={"size": "small", "replicas": 2})

    created = await widgets.patch(f"{WIDGETS}/a", mine, media=APPLY, fieldManager="one")
    conflicting = await widgets.patch(f"{WIDGETS}/a", widget("a", spec={"size": "large"}), media=APPLY, fieldManager="two")
    forced = await widgets.patch(f"{WIDGETS}/a", widget("a", spec={"size": "large"}), media=APPLY, fieldManager="two", force="true")

    assert created.status == 201
    assert conflicting.status == 409
    assert conflicting.body["details"]["causes"][0]["field"] == ".spec.size"
    assert forced.body["spec"] == {"size": "large", "replicas": 2}


async def test_applying_the_same_again_writes_nothing(widgets: Api) -> None:
    await widgets.patch(f"{WIDGETS}/a", widget("a"), media=APPLY, fieldManager="one")
    before = widgets.server.store.revision

    got = await widgets.patch(f"{WIDGETS}/a", widget("a"), media=APPLY, fieldManager="one")

    assert got.status == 200
    assert widgets.server.store.revision == before


async def test_apply_needs_a_field_manager(widgets: Api) -> None:
    assert (await widgets.patch(f"{WIDGETS}/a", widget("a"), media=APPLY)).status == 422


async def test_apply_takes_yaml(widgets: Api) -> None:
    body = b"apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec:\n  size: small\n"

    assert (await widgets.patch(f"{WIDGETS}/a", body, media=APPLY, fieldManager="one")).status == 201


async def test_string_data_of_a_secret_is_stored_encoded(api: Api) -> None:
    stored = await api.have(SECRETS, {"metadata": {"name": "s"}, "data": {"a": "eA=="}, "stringData": {"a": "y", "b": "z"}})

    assert stored["data"] == {"a": "eQ==", "b": "eg=="}
    assert stored["type"] == "Opaque"
    assert "stringData" not in stored


async def test_an_immutable_secret_stays_as_it_is(api: Api) -> None:
    await api.have(SECRETS, {"metadata": {"name": "s"}, "stringData": {"a": "y"}, "immutable": True})

    changed = await api.patch(f"{SECRETS}/s", {"stringData": {"a": "z"}})
    labelled = await api.patch(f"{SECRETS}/s", {"metadata": {"labels": {"a": "b"}}})

    assert changed.status == 422
    assert labelled.status == 200


async def test_a_secret_value_that_is_no_base64_is_refused_without_being_told(api: Api) -> None:
    got = await api.create(SECRETS, {"metadata": {"name": "s"}, "data": {"a": "not base64!"}})

    assert got.status in (400, 422)
    assert "not base64!" not in got.message


async def test_objects_live_in_namespaces_that_exist(api: Api) -> None:
    got = await api.create("/api/v1/namespaces/nowhere/configmaps", config_map("a"))

    assert got.status == 404
    assert got.message == 'namespaces "nowhere" not found'


@pytest.mark.parametrize(
    ("body", "media", "want"),
    [
        (b"{", "application/json", 400),
        (b"[1]", "application/json", 400),
        (b'"text"', "application/json", 400),
        (b"{" + b'"a":{' * 5000 + b"}" * 5001, "application/json", 400),
        (b"a: [", "application/yaml", 400),
        (b"a: &a [x]\nb: [*a, *a]", "application/yaml", 400),
        (b"k8s\x00junk", "application/vnd.kubernetes.protobuf", 400),
        (b"<xml/>", "application/xml", 415),
        (b'{"metadata":{"name":"a","labels":{"x":1}}}', "application/json", 400),
        (b'{"metadata":[]}', "application/json", 400),
        (b'{"metadata":{"name":"a"},"data":[]}', "application/json", 400),
        (b" " * (3 * 1024 * 1024 + 1), "application/json", 413),
    ],
    ids=[
        "truncated",
        "a list",
        "a string",
        "five thousand levels",
        "broken YAML",
        "YAML aliases",
        "broken protobuf",
        "another media type",
        "a label that is a number",
        "metadata that is a list",
        "data that is a list",
        "more than three megabytes",
    ],
)
async def test_bodies_that_cannot_be_read_are_refused(api: Api, body: bytes, media: str, want: int) -> None:
    before = api.server.store.revision

    got = await api.call("POST", CONFIG_MAPS, body, media=media)

    assert (got.status, got.body["kind"], got.body["code"]) == (want, "Status", want)
    assert api.server.store.revision == before


async def test_an_object_of_more_than_a_megabyte_and_a_half_is_refused(api: Api) -> None:
    got = await api.create(CONFIG_MAPS, config_map("a", data={"key": "x" * 1_600_000}))

    assert (got.status, got.body["reason"]) == (413, "RequestEntityTooLarge")


async def test_the_last_finalizer_of_a_deleted_object_ends_it(api: Api) -> None:
    await api.have(CONFIG_MAPS, config_map("a", finalizers=["example.com/hold"]))

    held = await api.delete(f"{CONFIG_MAPS}/a")
    assert held.body["metadata"]["deletionTimestamp"]
    added = await api.patch(f"{CONFIG_MAPS}/a", {"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}})
    assert added.status == 422
    assert "no new finalizers can be added if the object is being deleted" in added.message

    released = await api.patch(f"{CONFIG_MAPS}/a", {"metadata": {"finalizers": None}}, media=MERGE)
    assert released.status == 200
    assert (await api.get(f"{CONFIG_MAPS}/a")).status == 404


async def test_yaml_is_read_as_kubectl_reads_manifests(api: Api) -> None:
    body = b"metadata: {name: a}\nbinaryData: {}\nimmutable: on\ndata:\n  date: 2020-01-01\n  time: 12:30\n"

    got = await api.call("POST", CONFIG_MAPS, body, media="application/yaml")

    assert got.status == 201
    assert got.body["data"] == {"date": "2020-01-01", "time": "12:30"}
    assert got.body["immutable"] is True


async def test_namespaces_are_listed_from_the_start(api: Api) -> None:
    assert (await api.get(NAMESPACES)).names == ["default", "kube-node-lease", "kube-public", "kube-system"]
