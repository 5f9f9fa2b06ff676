"""Rules just below and just above the limits of their cost, to the real server and to ours: both refuse the same, by the same factor.

A rule stands for the values of a map, whose limit multiplies what one evaluation costs: with the most entries that are allowed the rule is
accepted, with one more it is refused by a factor that shows six digits of the cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from capelin.runtime.documents.celcost import RULE_LIMIT
from tests.apiserver.api import Api
from tests.apiserver.schemas import CRDS, fields, list_of, map_of, spec
from tests.apiserver.sidebyside import Document, Ours, Server, connected
from tests.integration.realserver import RealServer
from tests.runtime.documents.costlyrules import COSTS, COSTS_WITH_OPTIONAL_OLD, KIT, MESSAGES, PAIR, VALUES, cost, few, short
from tests.runtime.documents.test_schema_real import DEFINITIONS, definition

pytestmark = [pytest.mark.real, pytest.mark.slow]


def place(schema: Document, most: int | None, **rule: Any) -> Document:
    """Return the schema of a resource in which a rule stands for the values of a map of that many entries."""
    item = {**schema, "x-kubernetes-validations": [rule]}
    return spec(f=map_of(item) if most is None else few(map_of(item), most))


@pytest.fixture(scope="module")
def theirs(real_server: RealServer) -> Iterator[Server]:
    with connected(real_server) as found:
        yield found


@pytest.fixture
def both(theirs: Server, api: Api) -> tuple[Server, Server]:
    return theirs, Ours(api)


async def told(server: Server, openapi: Document) -> list[tuple[str, str]]:
    """Return why a server refuses a definition with the schema; the real one speaks of one version's schema as of that of all."""
    code, answer = await server("POST", f"{DEFINITIONS}?dryRun=All", definition("costly", openapi))
    causes = (answer.get("details") or {}).get("causes") or () if code >= 300 else ()
    assert code == (422 if causes else 201), answer
    return sorted((cause["field"].replace("spec.versions[0].schema.", "spec.validation."), cause["message"]) for cause in causes)


async def assert_same_limit(both: tuple[Server, Server], schema: Document, rule: Document) -> None:
    """Ask both servers with the most entries that ours allows, with one more, and with no limit."""
    most = RULE_LIMIT // cost(schema, rule)

    want, got = [[await told(server, place(schema, entries, **rule)) for entries in (most, most + 1, None)] for server in both]

    assert got == want
    assert got[0] == []
    assert got[1] != []


@pytest.mark.parametrize("rule", COSTS)
async def test_rules_over_an_object(both: tuple[Server, Server], rule: str) -> None:
    await assert_same_limit(both, KIT, {"rule": rule})


@pytest.mark.parametrize("rule", COSTS_WITH_OPTIONAL_OLD)
async def test_rules_over_an_optional_old_value(both: tuple[Server, Server], rule: str) -> None:
    await assert_same_limit(both, KIT, {"rule": rule, "optionalOldSelf": True})


@pytest.mark.parametrize(("schema", "rule"), VALUES.values(), ids=VALUES)
async def test_rules_over_other_values(both: tuple[Server, Server], schema: Document, rule: str) -> None:
    await assert_same_limit(both, schema, {"rule": rule})


SHAPES = [
    "@ == self.u",
    "@.matches(self.t) || @.contains('abcdefghijklmn')",
    "@ in self.l && self.l.exists(x, x == @)",
    "(@ + self.t).replace('ab', @).startsWith(@)",
    "@.split('/').all(x, x.size() < 9) && self.l.join(@) != ''",
]
OPERANDS = [
    "self.l[0]",
    "self.lo[0].k",
    "self.mo['a'].tags[0]",
    "(self.b ? self.t : 'abc')",
    "self.t.lowerAscii()",
    "self.ios9",
    "self.?t.orValue('xy')",
    "self.lo.map(x, x.k)[0]",
    "self.l.filter(x, x != 'q')[0]",
    "dyn(self.u)",
    "self.t.split(',')[1]",
    "string(self.n)",
    "{'a': self.t}['a']",
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("operand", OPERANDS)
async def test_rules_over_what_expressions_make(both: tuple[Server, Server], shape: str, operand: str) -> None:
    await assert_same_limit(both, KIT, {"rule": shape.replace("@", operand)})


@pytest.mark.parametrize("expression", MESSAGES)
async def test_expressions_for_messages(both: tuple[Server, Server], expression: str) -> None:
    want, got = [await told(server, place(KIT, 5, rule="self.b", messageExpression=expression)) for server in both]

    assert got == want


async def test_rules_that_are_too_dear_together(both: tuple[Server, Server]) -> None:
    rule = {"x-kubernetes-validations": [{"rule": "self.contains('abcdefghijklm')"}]}
    parts = {f"f{length}": few(map_of({**short(length), **rule}), 100_000) for length in range(44, 122, 4)}  # each costs something else

    want, got = [await told(server, spec(**parts)) for server in both]

    assert got == want
    assert len(want) == 5


async def test_limits_multiply_through_lists_and_maps(both: tuple[Server, Server]) -> None:
    rule = {"x-kubernetes-validations": [{"rule": "self.k.matches('^[a-z]+$')"}]}
    inner = few(list_of(fields(o=fields(m=few(map_of({**PAIR, **rule}), 30)))), 40)

    for schema in (
        few(list_of(inner), 50),
        few(list_of(inner), 500),
        list_of(inner),
        few(list_of(fields(k=short(9), **{"l": list_of({**PAIR, **rule})})), 5),
    ):
        want, got = [await told(server, spec(f=schema)) for server in both]
        assert got == want


async def test_our_own_definitions_pass(both: tuple[Server, Server]) -> None:
    for path in sorted(CRDS.glob("*.yaml")):
        crd = yaml.load(path.read_text(), yaml.CSafeLoader)
        for version in crd["spec"]["versions"]:
            want, got = [await told(server, version["schema"]["openAPIV3Schema"]) for server in both]
            assert got == want == []
