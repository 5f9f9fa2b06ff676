"""Webhooks that want to see another version of a resource than the request has, on the real server and on ours."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.runtime import codec
from capelin.runtime.transport import Request
from tests.apiserver.admission.sidebyside import HEADERS, Hook, Pair, Scenario, Step, pair
from tests.apiserver.admission.webhooks import Document, allow, patching, rule
from tests.apiserver.api import CRDS, widget_crd
from tests.integration.realserver import RealServer

pytestmark = [pytest.mark.real, pytest.mark.slow]

GADGETS = "/apis/example.com/v1/namespaces/{}/gadgets"
GROW = patching({"op": "replace", "path": "/spec/size", "value": "large"}, {"op": "add", "path": "/metadata/labels", "value": {"a": "b"}})


def gadget_crd() -> Document:
    """Return a CustomResourceDefinition with two versions of the same fields, of which v1 is stored."""
    crd = widget_crd()
    (v1,) = crd["spec"]["versions"]
    names = {"plural": "gadgets", "kind": "Gadget"}
    versions = [v1, {**v1, "name": "v2", "storage": False}]
    return {**crd, "metadata": {"name": "gadgets.example.com"}, "spec": {**crd["spec"], "names": names, "versions": versions}}


def gadget(name: str) -> Document:
    return {"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": name}, "spec": {"size": "small"}}


def of_versions(*versions: str, **fields: Any) -> Document:
    return {"rules": [{**rule("gadgets/*"), "apiVersions": list(versions)}], **fields}


async def serve_gadgets(both: Pair) -> None:
    for name, server in both.servers.items():
        await server.send(Request("POST", CRDS, {}, HEADERS, codec.encode(gadget_crd())))
        for version in ("v1", "v2"):
            await both.until_served(name, GADGETS.replace("v1", version).replace("{}", "default"))


STEPS = [
    Step("POST", GADGETS, gadget("g")),
    Step("PATCH", f"{GADGETS}/g", {"spec": {"replicas": 3}}),
    Step("PATCH", f"{GADGETS}/g/status", {"status": {"phase": "p"}}),
    Step("PATCH", f"{GADGETS}/g/scale", {"spec": {"replicas": 4}}),
    Step("GET", f"{GADGETS}/g"),
    Step("DELETE", f"{GADGETS}/g"),
]
SCENARIOS = [
    Scenario("version-equivalent", STEPS, [Hook("/m", allow, of_versions("v2"))], [Hook("/v", allow, of_versions("v2"))]),
    Scenario("version-exact", STEPS, [Hook("/m", allow, of_versions("v2", matchPolicy="Exact"))], [Hook("/v", allow, of_versions("v1"))]),
    Scenario(
        "version-changed",
        STEPS,
        [Hook("/m", GROW, of_versions("v2")), Hook("/n", allow, of_versions("v1"))],
        [Hook("/v", allow, of_versions("v2"))],
    ),
    Scenario("version-any", STEPS, [Hook("/m", allow, of_versions("*"))]),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_webhooks_see_the_version_they_want(real_server: RealServer, scenario: Scenario) -> None:
    async with pair(real_server) as both:
        await serve_gadgets(both)

        await both.same(scenario)
