"""What the answers of webhooks lead to, on the real server and on ours."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from capelin.runtime.seams import SystemClock
from tests.apiserver.admission.sidebyside import CONFIG_MAPS, WIDGETS, Hook, Scenario, Step, Told, pair
from tests.apiserver.admission.webhooks import Respond, allow, denying, labelling, patching, rule, warning
from tests.apiserver.api import config_map, widget
from tests.integration.realserver import RealServer

pytestmark = [pytest.mark.real, pytest.mark.slow]

TOO_LONG = timedelta(seconds=2)
W = f"{WIDGETS}/w"
NEW = Step("POST", WIDGETS, widget("w"))
NEW_MAP = Step("POST", CONFIG_MAPS, config_map("c"))
ALL = {"rules": [rule("widgets/*", "configmaps")]}
DETAILS = {"name": "x", "causes": [{"field": "a", "message": "m", "reason": "r"}], "retryAfterSeconds": 3}


def answering(name: str, *steps: Step, m: Respond | None = None, v: Respond | None = None, **fields: Any) -> Scenario:
    """Return a scenario with one webhook of a kind at most."""
    declared = {**ALL, **fields}
    mutating = [Hook("/m", m, declared)] if m else []
    return Scenario(f"answer-{name}", list(steps) or [NEW], mutating, [Hook("/v", v, declared)] if v else [])


def said(**fields: Any) -> Respond:
    return lambda _request: {"allowed": True, **fields}


def put(path: str, value: Any) -> Respond:
    return patching({"op": "add", "path": path, "value": value})


SCENARIOS = [
    answering("unknown-field", NEW_MAP, m=put("/unknown", 1), v=allow),
    answering("breaks-schema", m=put("/spec/size", "huge"), v=allow),
    answering("no-change", m=patching(), v=allow),
    answering("other-name", m=put("/metadata/name", "other"), v=allow),
    answering("other-namespace", m=put("/metadata/namespace", "other"), v=allow),
    answering("other-uid", m=put("/metadata/uid", "other"), v=allow),
    answering("finalizer", m=put("/metadata/finalizers", ["a.b/c"]), v=allow),
    answering("broken-managers", m=put("/metadata/managedFields/0/fieldsType", "other"), v=allow),
    answering("denied-early", m=denying("no"), v=allow),
    answering("denied", v=denying("no")),
    answering("denied-with-code", v=denying("no", code=418, reason="Teapot")),
    answering("denied-with-success", v=denying("no", code=200)),
    answering("denied-with-details", v=denying("no", code=422, reason="Invalid", details=DETAILS)),
    answering("denied-without-status", v=lambda _request: {"allowed": False}),
    answering("denied-without-message", v=lambda _request: {"allowed": False, "status": {"reason": "because"}}),
    answering("denied-deletion", NEW, Step("DELETE", W), Step("DELETE", WIDGETS), v=denying("no"), rules=[rule(operations=("DELETE",))]),
    answering("patched-deletion", NEW, Step("DELETE", W), m=put("/spec/replicas", 7), rules=[rule(operations=("DELETE",))]),
    answering("warned", m=warning("a", "b", "a"), v=warning("a", "c")),
    answering("warned-and-denied", m=warning("a"), v=warning("b", allowed=False)),
    answering("warned-at-length", m=warning(*(f"{number}{'x' * 1000}" for number in range(6))), v=allow),
    answering("warned-often", m=warning(*(f"{number:02d}{'x' * 298}" for number in range(30))), v=allow),
    answering("warned-oddly", m=warning('q"uo\\te', "new\nline", "\u00fcn\u00ef", ""), v=allow),
    answering("patch-without-type", m=said(patch="W10=")),
    answering("type-without-patch", m=said(patchType="JSONPatch")),
    answering("other-type-empty", m=said(patchType="Other", patch="W10=")),
    answering("patch-by-validating", v=said(patchType="JSONPatch", patch="W10=")),
    answering("type-by-validating", v=said(patchType="JSONPatch")),
    answering("earlier-review", m=labelling("n"), v=allow, admissionReviewVersions=["v1beta1"]),
    answering("later-review", m=labelling("n"), v=allow, admissionReviewVersions=["v2", "v1beta1", "v1"]),
    answering("dry-run", Step("POST", WIDGETS, widget("w"), query={"dryRun": "All"}), m=labelling("n"), sideEffects="NoneOnDryRun"),
]

NOT_THERE: Any = {"clientConfig": {"url": "https://127.0.0.1:1/x"}, "timeoutSeconds": 7}
WORDED_OTHERWISE = [
    answering("other-uid-echoed", m=lambda _request: {"uid": "other", "allowed": True}),
    answering("patch-no-base64", m=said(patchType="JSONPatch", patch="???")),
    answering("patch-no-json", m=said(patchType="JSONPatch", patch="Wzwx")),
    answering("patch-no-list", m=said(patchType="JSONPatch", patch="e30=")),
    answering("patch-inapplicable", m=patching({"op": "remove", "path": "/spec/nothing"})),
    answering("patch-inapplicable-ignored", m=patching({"op": "remove", "path": "/spec/nothing"}), failurePolicy="Ignore"),
    answering("patch-of-no-operation", m=patching({"op": "do", "path": "/spec/nothing"})),
    answering("patch-of-a-type", NEW_MAP, m=put("/data/x", 1)),
    answering("not-there", m=allow, **NOT_THERE),
    answering("not-there-ignored", m=allow, failurePolicy="Ignore", **NOT_THERE),
    answering("no-service", v=allow, clientConfig={"service": {"namespace": "a", "name": "b"}}),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_answers_lead_to_the_same(real_server: RealServer, scenario: Scenario) -> None:
    async with pair(real_server) as both:
        await both.same(scenario)


@pytest.mark.parametrize("scenario", WORDED_OTHERWISE, ids=lambda scenario: scenario.name)
async def test_failures_lead_to_the_same_though_their_reasons_are_worded_otherwise(real_server: RealServer, scenario: Scenario) -> None:
    async with pair(real_server) as both:
        async for step, want, got in both.compare(scenario):
            assert (got.status, got.asked, outcome(got)) == (want.status, want.asked, outcome(want)), step


def outcome(told: Told) -> tuple[Any, str]:
    """Return the reason of a refusal and its message up to where the words are the libraries'."""
    if told.status < 400:
        return told.body, ""
    message = told.body["message"]
    head, tail, _ = message.partition('?timeout=7s": ' if "not-there" in str(message) else "failed to call webhook: ")
    return told.body["reason"], head + tail if tail else message.partition(":")[0]


async def test_what_a_webhook_adds_is_pruned_in_the_end(real_server: RealServer) -> None:
    """The real server prunes when it stores, ours before the validating webhooks look: they judge what will be stored."""
    parts = {"op": "add", "path": "/spec/parts", "value": [{"name": "x", "other": 1}]}
    respond = patching({"op": "add", "path": "/spec/unknown", "value": 1}, parts)

    async with pair(real_server) as both:
        told = [(want, got) async for _, want, got in both.compare(answering("pruned", m=respond, v=allow))]

    want, got = told[0]
    assert got.body == want.body
    assert got.body["spec"] == {"size": "small", "replicas": 1, "parts": [{"name": "x"}]}
    assert dict(got.asked)["/v"]["object"]["spec"] == got.body["spec"]


async def test_a_webhook_that_takes_too_long_has_failed_on_both(real_server: RealServer) -> None:
    async with pair(real_server) as both:
        both.webhooks.before = lambda path: SystemClock().sleep(TOO_LONG if path.endswith("/v") else timedelta())
        scenario = answering("too-late", v=allow, timeoutSeconds=1)
        told = [(want, got) async for _, want, got in both.compare(scenario)]

    want, got = told[0]
    assert (got.status, got.body["message"].rpartition('"')[2]) == (want.status, want.body["message"].rpartition('"')[2])
    assert got.body["message"].endswith('?timeout=1s": context deadline exceeded')
