"""What the real server and ours say of configurations that are declared rightly or wrongly."""

from __future__ import annotations

import pytest

from tests.apiserver.admission.configurations import OTHERWISE, SAME, declared
from tests.apiserver.admission.sidebyside import Step, Told, pair
from tests.apiserver.admission.webhooks import MUTATING, VALIDATING, Document, configuration, hook
from tests.integration.realserver import RealServer

pytestmark = [pytest.mark.real, pytest.mark.slow]


def declaring(kind: str, *hooks: Document) -> Step:
    return Step("POST", kind, configuration("declared", *hooks), query={"dryRun": "All"})


@pytest.mark.parametrize("kind", [MUTATING, VALIDATING], ids=["mutating", "validating"])
async def test_declarations_are_judged_the_same(real_server: RealServer, kind: str) -> None:
    cases = {name: changes for name, changes in SAME.items() if kind == MUTATING or "reinvocationPolicy" not in changes}
    differing: dict[str, tuple[Told, Told]] = {}

    async with pair(real_server) as both:
        for name, changes in cases.items():
            want, got = [await both.ask(side, "", declaring(kind, declared(changes))) for side in ("theirs", "ours")]
            if got != want:
                differing[name] = (got, want)

    assert differing == {}


async def test_other_wrong_declarations_are_refused_too(real_server: RealServer) -> None:
    found = {}

    async with pair(real_server) as both:
        for name, changes in {**OTHERWISE, "two of one name": {}}.items():
            hooks = [declared(changes)] * (1 if changes else 2)
            found[name] = [(await both.ask(side, "", declaring(MUTATING, *hooks))).status for side in ("theirs", "ours")]

    assert {name: (theirs, ours) for name, (theirs, ours) in found.items() if theirs != ours or ours < 400} == {}


async def test_a_configuration_lives_the_same_life(real_server: RealServer) -> None:
    one = f"{MUTATING}/lived"
    steps = [
        Step("POST", MUTATING, configuration("lived", hook("/a"))),
        Step("PATCH", one, {"webhooks": [hook("/a", timeoutSeconds=3)]}),
        Step("PATCH", one, {"webhooks": [hook("/a", timeoutSeconds=33)]}),
        Step("PATCH", one, {"webhooks": [hook("/b")]}, "application/strategic-merge-patch+json"),
        Step("PUT", one, configuration("lived", hook("/a"))),
        Step("GET", one),
        Step("DELETE", one),
    ]

    async with pair(real_server) as both:
        told = [[await both.ask(side, "", step) for step in steps] for side in ("theirs", "ours")]

    assert told[1] == told[0]
