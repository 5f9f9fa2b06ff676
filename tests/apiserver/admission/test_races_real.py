"""Objects that change while webhooks are asked: what becomes of the write, on the real server and on ours."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from capelin.runtime import codec
from capelin.runtime.transport import Handler, Request
from tests.apiserver.admission.sidebyside import CONFIG_MAPS, HEADERS, WIDGETS, Hook, Scenario, Step, pair
from tests.apiserver.admission.webhooks import Document, allow, rule
from tests.apiserver.api import APPLY, MERGE, config_map, widget
from tests.integration.realserver import RealServer

pytestmark = [pytest.mark.real, pytest.mark.slow]

W = f"{WIDGETS}/w"
C = f"{CONFIG_MAPS}/c"
NEW = Step("POST", WIDGETS, widget("w"))
NEW_MAP = Step("POST", CONFIG_MAPS, config_map("c"))
SEEN = {"rules": [rule("widgets", "configmaps")], "objectSelector": {"matchLabels": {"race": "yes"}}}
LABEL = {"metadata": {"labels": {"race": "yes"}}}


@dataclass
class Rival:
    """Writes to the same server while the first webhook of a step is asked."""

    step: Step
    namespace: str
    server: Handler | None = None
    statuses: list[int] = field(default_factory=list)

    async def interfere(self, path: str) -> None:
        if not path.endswith("/v") or self.server is None:
            return
        server, self.server = self.server, None  # once
        headers = {**HEADERS, "content-type": self.step.media or HEADERS["content-type"]}
        path = self.step.path.replace("{}", self.namespace)
        body = b"" if self.step.body is None else codec.encode(self.step.body)
        self.statuses.append((await server.send(Request(self.step.method, path, self.step.query, headers, body))).status)


PATCH = Step("PATCH", W, {"metadata": {"annotations": {"rival": "was here"}}}, MERGE)
PATCH_MAP = Step("PATCH", C, {"metadata": {"annotations": {"rival": "was here"}}}, MERGE)
RACING: Document = widget("w", labels={"race": "yes"})


@pytest.mark.parametrize(
    ("name", "first", "step", "rival"),
    [
        ("patch", NEW, Step("PATCH", W, LABEL), PATCH),
        (
            "patch-of-a-state",
            NEW,
            Step("PATCH", W, [{"op": "add", "path": "/metadata/labels", "value": {"race": "yes"}}], "application/json-patch+json"),
            PATCH,
        ),
        ("update", NEW_MAP, Step("PUT", C, config_map("c", labels={"race": "yes"})), PATCH_MAP),
        ("apply", NEW, Step("PATCH", W, RACING, APPLY, {"fieldManager": "me", "force": "true"}), PATCH),
        ("create", None, Step("POST", WIDGETS, RACING), NEW),
        ("apply-of-a-new-object", None, Step("PATCH", W, RACING, APPLY, {"fieldManager": "me", "force": "true"}), NEW),
        ("gone", NEW, Step("PATCH", W, LABEL), Step("DELETE", W)),
        ("delete", Step("POST", WIDGETS, RACING), Step("DELETE", W), PATCH),
        ("delete-of-what-is-gone", Step("POST", WIDGETS, RACING), Step("DELETE", W), Step("DELETE", W)),
    ],
)
async def test_a_write_that_is_overtaken_ends_the_same(
    real_server: RealServer, name: str, first: Step | None, step: Step, rival: Step
) -> None:
    scenario = Scenario(f"race-{name}", [], validating=[Hook("/v", allow, SEEN)])
    told = {}

    async with pair(real_server) as both:
        await both.declare(scenario)
        for side, server in both.servers.items():
            if first is not None:
                await both.ask(side, scenario.name, first)
            other = Rival(rival, scenario.name, server)
            both.webhooks.before = other.interfere
            told[side] = (await both.ask(side, scenario.name, step), other.statuses)

    assert told["ours"] == told["theirs"]
    assert told["ours"][1], "nobody interfered"
