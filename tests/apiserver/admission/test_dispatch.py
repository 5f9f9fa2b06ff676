"""What the answers of webhooks do to a write."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from capelin.runtime import codec
from capelin.runtime.transport import Response
from tests.apiserver.admission.conftest import World
from tests.apiserver.admission.webhooks import MUTATING, allow, configuration, denying, hook, labelling, patching, rule, warning
from tests.apiserver.api import WIDGETS, widget
from tests.fakes import settle


async def test_a_webhook_changes_what_is_stored(world: World) -> None:
    await world.mutating("/a", labelling("a"))

    await world.have(WIDGETS, widget("w"))

    assert (await world.get(f"{WIDGETS}/w")).body["metadata"]["labels"] == {"a": "yes"}


async def test_what_a_webhook_adds_is_pruned_and_completed(world: World) -> None:
    await world.mutating(
        "/a",
        patching({"op": "add", "path": "/spec/unknown", "value": 1}, {"op": "add", "path": "/spec/parts", "value": [{"name": "x"}]}),
    )

    got = await world.have(WIDGETS, widget("w"))

    assert got["spec"] == {"size": "small", "replicas": 1, "parts": [{"name": "x"}]}


async def test_a_change_that_breaks_the_schema_is_refused(world: World) -> None:
    await world.mutating("/a", patching({"op": "replace", "path": "/spec/size", "value": "huge"}))

    got = await world.create(WIDGETS, widget("w"))

    assert (got.status, got.body["reason"]) == (422, "Invalid")


async def test_webhooks_change_an_object_in_the_order_of_their_configurations(world: World) -> None:
    await world.mutating("/b", labelling("who", "b"))
    await world.mutating("/a", labelling("who", "a"))

    got = await world.have(WIDGETS, widget("w"))

    assert world.webhooks.paths == ["/a", "/b"]
    assert got["metadata"]["labels"]["who"] == "b"


async def test_a_webhook_that_wishes_so_is_asked_again_after_a_later_change(world: World) -> None:
    await world.mutating("/a", labelling("a"), reinvocationPolicy="IfNeeded")
    await world.mutating("/b", labelling("b"))
    await world.mutating("/c", allow, reinvocationPolicy="IfNeeded")

    await world.have(WIDGETS, widget("w"))

    assert world.webhooks.paths == ["/a", "/b", "/c", "/a"]


async def test_nobody_is_asked_again_when_nothing_was_changed_later(world: World) -> None:
    await world.mutating("/a", labelling("a"), reinvocationPolicy="IfNeeded")
    await world.mutating("/b", allow)

    await world.have(WIDGETS, widget("w"))

    assert world.webhooks.paths == ["/a", "/b"]


async def test_a_refusal_keeps_the_code_reason_and_causes_of_the_webhook(world: World) -> None:
    details = {"causes": [{"field": "spec.size", "message": "too small", "reason": "FieldValueInvalid"}]}
    await world.validating("/a", denying("not today", code=418, reason="Teapot", details=details))

    got = await world.create(WIDGETS, widget("w"))

    assert got.status == 418
    assert got.message == 'admission webhook "a.hooks.test" denied the request: not today'
    assert (got.body["reason"], got.body["details"]) == ("Teapot", details)
    assert (await world.get(f"{WIDGETS}/w")).status == 404


async def test_the_first_refusal_in_the_order_of_configurations_is_told(world: World) -> None:
    await world.validating("/b", denying("b"))
    await world.validating("/a", denying("a"))

    got = await world.create(WIDGETS, widget("w"))

    assert got.message.endswith("denied the request: a")


async def test_warnings_go_out_once_each_and_with_a_refusal_too(world: World) -> None:
    await world.mutating("/a", warning("careful", "look out"))
    await world.validating("/b", warning("careful", allowed=False))

    got = await world.create(WIDGETS, widget("w"))

    assert got.status == 400
    assert got.headers["warning"] == '299 - "careful", 299 - "look out"'


@pytest.mark.parametrize(("policy", "status"), [("Fail", 500), ("Ignore", 201)])
async def test_the_failure_policy_decides_what_a_webhook_that_is_not_there_means(world: World, policy: str, status: int) -> None:
    lost = hook("/a", base="https://nowhere.test", failurePolicy=policy, timeoutSeconds=7)
    await world.have(MUTATING, configuration("a", lost))

    got = await world.create(WIDGETS, widget("w"))

    assert got.status == status
    if policy == "Fail":
        want = 'failed calling webhook "a.hooks.test": failed to call webhook: Post "https://nowhere.test/a?timeout=7s": '
        assert want in got.message


async def test_a_webhook_that_takes_too_long_has_failed(world: World) -> None:
    await world.validating("/a", allow, timeoutSeconds=3)
    world.webhooks.before = lambda _path: world.clock.sleep(timedelta(hours=1))

    answer = asyncio.ensure_future(world.create(WIDGETS, widget("w")))
    await settle()
    await world.clock.advance(timedelta(seconds=3))

    assert (await answer).message.endswith('Post "https://hooks.test/a?timeout=3s": context deadline exceeded')


@pytest.mark.parametrize("policy", ["Fail", "Ignore"])
async def test_all_webhooks_of_a_request_together_have_as_long_as_a_request(world: World, policy: str) -> None:
    for path in ("/a", "/b", "/c"):
        await world.mutating(path, allow, timeoutSeconds=30, failurePolicy=policy)
    world.webhooks.before = lambda _path: world.clock.sleep(timedelta(seconds=20))

    answer = asyncio.ensure_future(world.create(WIDGETS, widget("w")))
    for _ in range(34):
        await world.clock.advance(timedelta(seconds=1))
    got = await answer

    assert (got.status, got.body["reason"]) == (504, "Timeout")
    assert world.webhooks.paths == ["/a", "/b"]
    assert (await world.get(f"{WIDGETS}/w")).status == 404


@pytest.mark.parametrize(
    ("response", "said"),
    [
        ({"uid": "other", "allowed": True}, "received invalid webhook response: expected response.uid="),
        ({"allowed": True, "patch": "W10="}, "webhook returned response.patch but not response.patchType"),
        ({"allowed": True, "patchType": "JSONPatch"}, "webhook returned response.patchType but not response.patch"),
        ({"allowed": True, "patchType": "JSONPatch", "patch": "???"}, "illegal base64 data in response.patch"),
    ],
    ids=["another uid", "no patch type", "no patch", "no base64"],
)
async def test_an_answer_that_is_no_good_is_a_failure(world: World, response: dict[str, Any], said: str) -> None:
    await world.mutating("/a", lambda _request: response)

    got = await world.create(WIDGETS, widget("w"))

    assert got.status == 500
    assert said in got.message


ALLOWED = b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"allowed":true}}'


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (Response(200, {}, b"no JSON"), "json parse error"),
        (Response(200, {}, b'{"response":' + b'{"a":' * 300 + b"1" + b"}" * 301), "nested more than 200 levels deep"),
        (Response(200, {}, ALLOWED + b" " * (3 * 1024 * 1024)), "the limit is 3145728"),
        (Response(302, {"location": "https://elsewhere.test"}, ALLOWED), "a redirect (302), which is not followed"),
        (Response(404, {}, ALLOWED), "the server could not find the requested resource"),
        (Response(500, {}, b"broken"), 'an error on the server ("broken") has prevented the request from succeeding'),
        (Response(200, {}, codec.encode({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"})), "webhook response was absent"),
    ],
    ids=["no JSON", "too deep", "too large", "a redirect", "not found", "an error", "no response"],
)
async def test_what_comes_back_is_bounded(world: World, response: Response, said: str) -> None:
    await world.validating("/a", allow)
    world.webhooks.raw["/a"] = response

    got = await world.create(WIDGETS, widget("w"))

    assert got.status == 500
    assert got.message.startswith('Internal error occurred: failed calling webhook "a.hooks.test": ')
    assert said in got.message


async def test_many_warnings_are_cut_short(world: World) -> None:
    await world.mutating("/a", warning(*(f"{number:02d}{'x' * 298}" for number in range(30))))

    got = await world.create(WIDGETS, widget("w"))

    told = got.headers["warning"].split(", ")
    assert len(told) == 16
    assert {len(text) for text in told} == {len('299 - ""') + 256}


async def test_managed_fields_that_a_webhook_breaks_stay_as_they_were(world: World) -> None:
    await world.mutating("/a", patching({"op": "replace", "path": "/metadata/managedFields/0/fieldsType", "value": "other"}))

    got = await world.create(WIDGETS, widget("w"))

    assert got.body["metadata"]["managedFields"][0]["fieldsType"] == "FieldsV1"
    assert ".metadata.managedFields was in an invalid state after admission" in got.headers["warning"]


async def test_a_patch_that_does_not_apply_is_an_error_whatever_the_failure_policy(world: World) -> None:
    await world.mutating("/a", patching({"op": "remove", "path": "/spec/nothing"}), failurePolicy="Ignore")

    got = await world.create(WIDGETS, widget("w"))

    assert got.status == 500


async def test_a_validating_webhook_may_not_patch(world: World) -> None:
    await world.validating("/a", labelling("a"))

    got = await world.create(WIDGETS, widget("w"))

    assert "validating webhook may not return response.patch" in got.message


async def test_webhooks_are_asked_in_a_dry_run_and_told_so(world: World) -> None:
    await world.mutating("/a", labelling("a"), sideEffects="NoneOnDryRun")

    got = await world.create(WIDGETS, widget("w"), dryRun="All")

    assert got.body["metadata"]["labels"] == {"a": "yes"}
    assert [about["dryRun"] for _, about in world.webhooks.asked] == [True]
    assert (await world.get(f"{WIDGETS}/w")).status == 404


async def test_a_patch_may_not_make_another_kind_of_an_object(world: World) -> None:
    await world.mutating("/a", patching({"op": "replace", "path": "/kind", "value": "Other"}))

    got = await world.create(WIDGETS, widget("w"))

    assert (got.status, got.body["details"]["causes"][0]["field"]) == (422, "kind")


async def test_deletions_can_be_refused(world: World) -> None:
    await world.have(WIDGETS, widget("w"))
    await world.validating("/a", denying("keep it"), rules=[rule(operations=("DELETE",))])

    got = await world.delete(f"{WIDGETS}/w")

    assert got.message == 'admission webhook "a.hooks.test" denied the request: keep it'
    assert (await world.get(f"{WIDGETS}/w")).status == 200
