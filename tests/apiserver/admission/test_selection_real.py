"""Which webhooks are asked, and in which order, by the real server and by ours."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.admission.sidebyside import WIDGETS, Hook, Scenario, Step, pair
from tests.apiserver.admission.webhooks import Document, allow, labelling, rule
from tests.apiserver.api import widget
from tests.integration.realserver import RealServer

pytestmark = [pytest.mark.real, pytest.mark.slow]

W = f"{WIDGETS}/w"
NEW = Step("POST", WIDGETS, widget("w"))
STATUS = Step("PATCH", f"{W}/status", {"status": {"replicas": 3}})
ALL = {"rules": [rule("widgets/*")]}
AGAIN = {**ALL, "reinvocationPolicy": "IfNeeded"}


def ruled(name: str, **rules: Document) -> Scenario:
    """Return a scenario with a webhook for each rule, by its path."""
    hooks = [Hook(f"/{path}", allow, {"rules": [each]}) for path, each in rules.items()]
    return Scenario(f"choice-{name}", [NEW, STATUS, Step("PATCH", W, {"spec": {"replicas": 2}}), Step("DELETE", W)], hooks)


def conditioned(name: str, *expressions: str, **fields: Any) -> Scenario:
    """Return a scenario with one webhook that has these conditions."""
    conditions = [{"name": f"c{number}", "expression": text} for number, text in enumerate(expressions)]
    return Scenario(f"choice-{name}", [NEW], [Hook("/m", allow, {**ALL, "matchConditions": conditions, **fields})])


def selecting(**selector: Any) -> Document:
    return {**ALL, "objectSelector": selector}


ABOUT_THE_REQUEST = (
    "'system:masters' in request.userInfo.groups && request.name == 'w' && request.namespace.startsWith('choice') && !request.dryRun "
    "&& request.resource.resource == 'widgets' && request.kind.kind == 'Widget' && request.options.kind == 'CreateOptions'"
)
SCENARIOS = [
    ruled("scopes", a=rule("*/*", scope="Cluster"), b=rule("*/*", scope="Namespaced"), c=rule("*/*", scope="*")),
    ruled(
        "resources", a=rule("*"), b=rule("*/status"), c=rule("widgets/*"), d=rule("widgets/status"), e=rule("gadgets"), f=rule("widgets")
    ),
    ruled("groups", a=rule("*/*") | {"apiGroups": ["example.com"]}, b=rule("*/*") | {"apiGroups": ["", "other"]}),
    ruled("versions", a=rule("*/*") | {"apiVersions": ["v1"]}, b=rule("*/*") | {"apiVersions": ["v2"]}),
    ruled("operations", a=rule("*/*", operations=("CREATE", "DELETE")), b=rule("*/*", operations=("UPDATE",))),
    Scenario(
        "choice-order",
        [NEW],
        [Hook("/z", labelling("who", "z"), ALL), Hook("/a", labelling("who", "a"), ALL)],
    ),
    Scenario(
        "choice-again",
        [NEW],
        [Hook("/a", labelling("a"), AGAIN), Hook("/b", labelling("b"), ALL), Hook("/c", allow, AGAIN), Hook("/d", labelling("d"), ALL)],
    ),
    Scenario("choice-again-for-nothing", [NEW], [Hook("/a", labelling("a"), AGAIN), Hook("/b", allow, ALL)]),
    Scenario(
        "choice-objects",
        [
            NEW,
            Step("PATCH", W, {"metadata": {"labels": {"z": "yes"}}}),
            Step("PATCH", W, {"metadata": {"labels": None}}),
            Step("DELETE", W),
        ],
        [
            Hook("/a", labelling("b"), ALL),
            Hook("/b", allow, selecting(matchLabels={"b": "yes"})),
            Hook("/c", allow, selecting(matchLabels={"z": "yes"})),
            Hook("/d", allow, selecting(matchExpressions=[{"key": "z", "operator": "DoesNotExist"}])),
        ],
    ),
    Scenario(
        "choice-namespaces",
        [NEW],
        [
            Hook("/a", allow, {**ALL, "namespaceSelector": {"matchLabels": {"side": "both"}}}),
            Hook(
                "/b", allow, {**ALL, "namespaceSelector": {"matchExpressions": [{"key": "side", "operator": "NotIn", "values": ["both"]}]}}
            ),
        ],
        labels={"side": "both"},
    ),
    conditioned("true", "object.spec.size == 'small' && request.operation == 'CREATE' && oldObject == null", ABOUT_THE_REQUEST),
    conditioned("false", "object.spec.size == 'large'"),
    conditioned("failing", "object.spec.nothing == 'small'"),
    conditioned("failing-ignored", "object.spec.nothing == 'small'", failurePolicy="Ignore"),
    conditioned("failing-and-false", "object.spec.nothing == 'small'", "1 == 2"),
    conditioned("without-namespace", "namespaceObject == null"),
    conditioned("empty-subresource", "request.subResource == ''"),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_the_same_webhooks_are_asked(real_server: RealServer, scenario: Scenario) -> None:
    async with pair(real_server) as both:
        await both.same(scenario)
