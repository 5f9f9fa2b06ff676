"""Where in a write the real server and ours ask webhooks, and what about: every verb and subresource."""

from __future__ import annotations

import pytest

from tests.apiserver.admission.sidebyside import CONFIG_MAPS, WIDGETS, Hook, Scenario, Step, pair
from tests.apiserver.admission.webhooks import allow, labelling, patching, rule
from tests.apiserver.api import APPLY, config_map, widget
from tests.integration.realserver import RealServer

pytestmark = [pytest.mark.real, pytest.mark.slow]

W = f"{WIDGETS}/w"
C = f"{CONFIG_MAPS}/c"
ALL = {"rules": [rule("widgets/*", "configmaps")]}
APPLIED = widget("w", spec={"size": "small", "replicas": 5})
SCALE = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "w"}, "spec": {"replicas": 2}}
DRY = {"dryRun": "All"}
NEW = Step("POST", WIDGETS, widget("w"))
NEW_MAP = Step("POST", CONFIG_MAPS, config_map("c", uid="made-up"))


def watched(name: str, *steps: Step) -> Scenario:
    """Return a scenario in which webhooks of both kinds look on."""
    return Scenario(f"flow-{name}", list(steps), [Hook("/m", allow, ALL)], [Hook("/v", allow, ALL)])


SCENARIOS = [
    watched("create", NEW, Step("POST", WIDGETS, widget("w")), Step("POST", WIDGETS.replace("{}", "nowhere"), widget("w"))),
    watched("generated-name", Step("POST", WIDGETS, {**widget(""), "metadata": {"generateName": "g-"}}, query=DRY)),
    watched("invalid", Step("POST", WIDGETS, widget("w", spec={"size": "huge"}))),
    watched("options", Step("POST", WIDGETS, widget("w"), query={**DRY, "fieldManager": "me", "fieldValidation": "Strict"})),
    watched("patch", NEW, Step("PATCH", W, {"spec": {"replicas": 3}}), Step("PATCH", W, {"spec": {"size": "huge"}})),
    watched("patch-without-effect", NEW, Step("PATCH", W, {"spec": {"size": "small"}})),
    watched("patch-of-an-old-state", NEW, Step("PATCH", W, {"metadata": {"resourceVersion": "1"}})),
    watched("patch-of-another-object", NEW, Step("PATCH", W, {"metadata": {"uid": "other"}})),
    watched("unconditional-update", NEW, Step("PUT", W, widget("w"))),
    watched("built-in", NEW_MAP, Step("PATCH", C, {"data": {"x": "y"}}), Step("PUT", C, config_map("c")), Step("DELETE", C)),
    watched("update-of-nothing", Step("PUT", C, config_map("c")), Step("PATCH", W, {"spec": {}}), Step("DELETE", W)),
    watched("apply", *(Step("PATCH", W, APPLIED, APPLY, {"fieldManager": "me"}) for _ in range(2))),
    watched("apply-over", NEW, Step("PATCH", W, APPLIED, APPLY, {"fieldManager": "me", "force": "true"})),
    watched("status", NEW, Step("PATCH", f"{W}/status", {"status": {"phase": "p"}, "spec": {"size": "large"}})),
    watched("scale", NEW, Step("PATCH", f"{W}/scale", {"spec": {"replicas": 8}}), Step("PUT", f"{W}/scale", SCALE), Step("GET", W)),
    watched("delete", NEW, Step("DELETE", W, query=DRY), Step("DELETE", W, {"gracePeriodSeconds": 4})),
    watched("delete-for-orphans", NEW, Step("DELETE", W, {"orphanDependents": False})),
    watched("delete-by-query", NEW, Step("DELETE", W, query={"propagationPolicy": "Background"})),
    watched("delete-of-a-held-object", Step("POST", WIDGETS, widget("w", finalizers=["a.b/c"])), *[Step("DELETE", W)] * 2),
    watched("delete-collection", NEW, Step("DELETE", WIDGETS)),
    Scenario(
        "flow-scale-changed",
        [NEW, Step("PATCH", f"{W}/scale", {"spec": {"replicas": 3}}), Step("GET", W)],
        [Hook("/m", patching({"op": "replace", "path": "/spec/replicas", "value": 7}), {"rules": [rule("*/scale")]})],
        [Hook("/v", allow, {"rules": [rule("*/scale")]})],
    ),
    Scenario(
        "flow-status-changed",
        [NEW, Step("PATCH", f"{W}/status", {"status": {"replicas": 3}}), Step("GET", W)],
        [
            Hook(
                "/m",
                patching({"op": "add", "path": "/status/phase", "value": "P"}, {"op": "replace", "path": "/spec/size", "value": "large"}),
                {"rules": [rule("widgets/status")]},
            )
        ],
        [Hook("/v", allow, {"rules": [rule("widgets/status")]})],
    ),
    Scenario(
        "flow-label-changed",
        [NEW, NEW_MAP, Step("PATCH", W, {"metadata": {"labels": {"z": "z"}}}), Step("PUT", C, config_map("c")), Step("GET", W)],
        [Hook("/m", labelling("a"), ALL)],
        [Hook("/v", allow, ALL)],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_webhooks_are_asked_the_same(real_server: RealServer, scenario: Scenario) -> None:
    async with pair(real_server) as both:
        await both.same(scenario)


async def test_an_eviction_is_asked_about_and_the_deletion_it_leads_to_is_not(real_server: RealServer) -> None:
    pods = "/api/v1/namespaces/{}/pods"
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
    subject = {"rules": [rule("pods/*")]}
    steps = [Step("POST", pods, pod), Step("POST", f"{pods}/p/eviction", eviction)]
    scenario = Scenario("flow-eviction", steps, [Hook("/m", allow, subject)], [Hook("/v", allow, subject)])

    async with pair(real_server) as both:
        told = [(want, got) async for _, want, got in both.compare(scenario)]

    assert told[1][1] == told[1][0]
    assert [about["subResource"] for _, about in told[1][1].asked] == ["eviction", "eviction"]
