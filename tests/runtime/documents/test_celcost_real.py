"""Rules just below and just above the limits of their cost, to the real server and to ours: both refuse the same, by the same factor.

A rule stands for the values of a map, whose limit multiplies what one evaluation costs: with the most entries that are allowed the rule is
accepted, with one more it is refused by a factor that shows six digits of the cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from capelin.runtime.documents.cel import compile_rule
from capelin.runtime.documents.celcost import RULE_LIMIT, Budget, Place
from tests.apiserver.api import Api
from tests.apiserver.schemas import CRDS, NUMBER, TEXT, fields, list_of, map_of, spec
from tests.apiserver.sidebyside import Document, Ours, Server, connected
from tests.integration.realserver import RealServer
from tests.runtime.documents.test_schema_real import DEFINITIONS, definition, text

pytestmark = [pytest.mark.real, pytest.mark.slow]


def short(length: int = 64) -> Document:
    return {**TEXT, "maxLength": length}


def few(schema: Document, most: int = 10) -> Document:
    return {**schema, "maxProperties" if schema["type"] == "object" else "maxItems": most}


PAIR = {**fields(k=short(16), v=NUMBER, tags=few(list_of(short(8)), 3)), "required": ["k"]}
KIT = fields(
    s=TEXT,
    t=short(),
    u=short(100),
    e={**TEXT, "enum": ["one", "three", "twelve"]},
    n=NUMBER,
    d={"type": "number"},
    b={"type": "boolean"},
    ios={"x-kubernetes-int-or-string": True},
    ios9={"x-kubernetes-int-or-string": True, "maxLength": 9},
    at=text("date-time"),
    on=text("date"),
    wait=text("duration"),
    bin={**text("byte"), "maxLength": 200},
    l=few(list_of(short())),
    lu=list_of(TEXT),
    ln=few(list_of(NUMBER), 20),
    lnu=list_of(NUMBER),
    lo=few(list_of(PAIR), 5),
    lou=list_of(PAIR),
    lm=few(list_of(PAIR, "map", "k"), 6),
    ll=few(list_of(few(list_of(short(5)), 4)), 7),
    m=few(map_of(short()), 8),
    mu=map_of(TEXT),
    mo=few(map_of(PAIR), 9),
    ml=few(map_of(few(list_of(short(12)), 3)), 4),
    o=fields(p=fields(q=short(20), r=NUMBER), **{"a-b": short(30)}),
    maybe={**short(40), "nullable": True},
    free={"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    emb={"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
)

RULES = [
    # fields and presence
    "self.b",
    "has(self.s)",
    "has(self.o) && has(self.o.p) && has(self.o.p.q)",
    "self.o.p.r > 1",
    "self.o.a__dash__b == 'x'",
    "self.n + 1 == 2 || !self.b",
    "self.d * 2.0 <= 1.5",
    "self.free == self.free",
    "self.emb.metadata.name == 'a'",
    "self.emb.kind.size() < 100",
    # equality and order
    "self.s == 'short'",
    "self.s != self.t",
    "self.t == self.u",
    "self.e == 'one'",
    "self.e in ['one', 'three']",
    "self.t < self.u",
    "self.bin <= self.bin",
    "self.l == self.l",
    "self.mo == self.mo",
    "self.ios == 80",
    "self.ios == '80%'",
    "self.ios9 == self.ios9",
    "type(self.ios) == int ? self.ios > 5 : self.ios.matches('^[0-9]+%$')",
    "self.maybe == 'x'",
    "self.bin == b'abc'",
    "self.o.p == self.o.p",
    # strings
    "self.t.startsWith('abc')",
    "self.t.endsWith(self.u)",
    "self.t.contains('abcdefghijklm')",
    "self.s.contains(self.t)",
    "self.t.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
    "self.u.matches(self.t)",
    "self.t + self.u + 'x' == 'y'",
    "(self.t + self.u).size() > 3",
    "(self.b ? self.t : self.u).startsWith('a')",
    "(self.b ? self.t : self.u) == self.s",
    "self.t.lowerAscii() == self.u.upperAscii()",
    "self.t.replace('a', 'bcd').contains('bb')",
    "self.t.replace(self.u, self.t).contains('bb')",
    "self.t.replace('abc', '').contains('bb')",
    "self.t.replace('a', 'bcd', 3).trim() == 'x'",
    "self.t.split(',').all(x, x.startsWith('a'))",
    "self.t.split(',', 3).all(x, x.size() < 5)",
    "self.t.split(',', -1).size() < 7",
    "self.l.join(',') == self.t",
    "self.l.join() == 'x'",
    "self.t.substring(1, 3) == 'ab'",
    "self.t.charAt(0) == 'a'",
    "self.t.indexOf('a') > self.t.lastIndexOf('b')",
    "self.t.find('[0-9]+') == '1'",
    "self.u.findAll('[0-9]+').exists(x, x == '7')",
    "self.u.findAll('[0-9]+', 3).size() == 2",
    "'%s is %d'.format([self.t, self.n]) == 'a is 1'",
    "strings.quote(self.t) == 'x'",
    "self.t.size() < 3 && size(self.u) > 1",
    "string(self.n) == self.t",
    "string(self.bin) == self.t",
    "bytes(self.t) == self.bin",
    "int(self.t) > 3",
    "string(self.ios9) == 'x'",
    "self.ios9 + 'x' == 'y'",
    "duration(self.t) > self.wait",
    "timestamp(self.t) > self.at",
    # times
    "self.at > timestamp('2020-01-01T00:00:00Z')",
    "self.on == timestamp('2020-01-01T00:00:00Z')",
    "self.at - self.at < duration('1h')",
    "self.at + duration('1h') != self.at",
    "self.at.getFullYear() > 2000",
    "self.wait.getHours() < 3",
    "self.wait == self.wait",
    # macros
    "self.l.all(x, x.startsWith('a'))",
    "self.lu.all(x, x.size() < 10)",
    "self.l.exists(x, x == self.t)",
    "self.l.exists_one(x, x == self.t)",
    "self.l.all(x, self.l.exists_one(y, x == y))",
    "self.lu.all(x, self.lu.exists_one(y, x == y))",
    "self.l.map(x, x + 'y').all(z, z.startsWith('a'))",
    "self.l.map(x, x != 'q', x + self.t).size() > 2",
    "self.l.filter(x, x.contains('ab')).size() > 2",
    "self.l.filter(x, x != 'a').all(y, y == self.u)",
    "self.l.filter(x, x != 'a').map(y, y + '!').exists(z, z == 'q')",
    "self.lo.all(x, x.k.startsWith('a') && x.v > 3)",
    "self.lo.map(x, x.k).all(y, y != 'z')",
    "self.lo.all(x, x.tags.all(y, y == x.k))",
    "self.lm.all(x, self.lm.all(y, x.k == y.k || x.v != y.v))",
    "self.lou.all(x, x.k == 'a')",
    "self.lou.all(x, self.lou.all(y, x.k != y.k))",
    "self.ll.all(x, x.all(y, y == 'a'))",
    "self.ll.exists(x, x.size() == 2)",
    "self.m.all(k, k.startsWith('a'))",
    "self.m.all(k, self.m[k] == self.t)",
    "self.mu.all(k, self.mu[k] == 'x')",
    "self.m.map(k, self.m[k]).exists(v, v == 'a')",
    "self.m.filter(k, k != 'a').size() > 3",
    "self.mo.all(k, self.mo[k].tags.exists(x, x == k))",
    "self.ml.all(k, self.ml[k].all(x, x.contains('abcd')))",
    "self.m.exists_one(k, k == self.t)",
    "[1, 2, 3].all(x, x < self.n)",
    "['a', 'bcd'].exists(x, x == self.t)",
    "[self.t, self.u].all(x, x.contains('abcdefgh'))",
    "{'a': self.t, 'bc': self.u}.all(k, k == 'x')",
    "{'a': self.t}['a'].startsWith(self.t)",
    "(self.b ? self.l : ['x']).all(y, y == self.u)",
    "(self.l + ['x', self.s]).all(y, y == self.u)",
    "(self.l + self.l).exists(y, y == 'x')",
    "self.ln.map(x, x * 2).filter(y, y > 3).all(z, z in self.ln)",
    "dyn(self.l).all(x, x == 'a')",
    "dyn(self.t) == dyn(self.u)",
    # macros with two variables
    "self.l.all(i, x, x == self.t && i < 3)",
    "self.lo.exists(i, x, x.k == self.t)",
    "self.lo.exists_one(i, x, x.k == x.tags[0])",
    "self.m.existsOne(k, v, v.contains('abcdefghijkl') && k.startsWith('abcdefghijklmnopqrst'))",
    "self.mo.all(k, v, v.tags.all(i, y, y == k))",
    "self.m.transformList(k, v, v + k).all(x, x == self.t)",
    "self.l.transformList(i, x, i > 1, x).exists(x, x == self.u)",
    # members, indexes and lists
    "self.t in self.l",
    "self.t in self.lu",
    "self.n in self.lnu",
    "'a' in self.m",
    "self.l[0] == self.t",
    "self.lo[0].k == self.lo[1].k",
    "self.ll[0][1].startsWith(self.t)",
    "self.m['a'] == self.t",
    "self.m.a == self.u",
    "self.mo['a'].k.contains('abcdefghijklmn')",
    "self.mo.a.k == self.s",
    "self.ln.isSorted()",
    "self.l.isSorted()",
    "self.ln.sum() < 10",
    "self.ln.min() > self.ln.max()",
    "self.l.max() == 'x'",
    "self.l.indexOf('a') == 1",
    "self.lo.map(x, x.k).isSorted()",
    "sets.contains(self.l, ['a', 'b', 'c'])",
    "sets.equivalent(self.l, self.l)",
    "sets.intersects(self.ln, self.lnu)",
    # what Kubernetes adds
    "isQuantity(self.t) && quantity(self.t).isGreaterThan(quantity('1Gi'))",
    "quantity(self.t).add(quantity(self.u)).sub(1).compareTo(quantity('1')) == 0",
    "quantity(self.t) == quantity(self.u)",
    "quantity(self.t).asInteger() > 5",
    "isIP(self.t) && ip(self.t).family() == 4",
    "ip(self.t) == ip(self.u)",
    "ip.isCanonical(self.t)",
    "isCIDR(self.t) && cidr(self.t).containsIP(self.u)",
    "cidr(self.t).containsIP(ip(self.u))",
    "cidr(self.t).containsCIDR(self.u)",
    "cidr('10.0.0.0/8').containsCIDR(cidr(self.u).masked())",
    "cidr(self.t).prefixLength() <= 24 && cidr(self.t).ip().isLoopback()",
    "isURL(self.t) && url(self.t).getHost() == 'x'",
    "url(self.t) == url(self.u)",
    "url(self.t).getScheme() in ['http', 'https']",
    "url(self.t).getQuery()['a'].all(x, x == 'b')",
    "isSemver(self.t) && semver(self.t).major() > 1",
    "semver(self.t).isLessThan(semver('1.2.3'))",
    "semver(self.t) == semver(self.u)",
    # bindings and optional values
    "self.?t.hasValue()",
    "self.?o.?p.?q.orValue('x') == self.t",
    "self.?o.p.q.orValue('x').startsWith('abc')",
    "self.?t.optMap(x, x.startsWith('abcdefghijk')).orValue(false)",
    "self.?t.optFlatMap(x, optional.of(x + 'y')).orValue('') == self.u",
    "self.l[?0].orValue('') == self.t",
    "self.m[?'a'].value() == self.t",
    "optional.of(self.t).value() == self.u",
    "optional.ofNonZeroValue(self.t).hasValue()",
    "[?self.?t].size() == 1",
    # transitions
    "self == oldSelf",
    "self.t == oldSelf.t",
    "oldSelf.l.all(x, x in self.l)",
    "self.lm.all(x, oldSelf.lm.exists(y, x.k == y.k))",
    "!has(oldSelf.at) || self.at >= oldSelf.at",
    # choices
    "self.b ? self.t.startsWith(self.u) : self.u.matches('abc')",
    "self.b && self.t == self.u || self.u.startsWith('abcdefghijklmnop')",
    "!(self.t == self.u)",
    "self.b ? true : false",
    "(self.b ? self.l : self.lu).exists(x, x == 'abcdefghijklmno')",
]
OPTIONAL_OLD = [
    "!oldSelf.hasValue() || self.t == oldSelf.value().t",
    "oldSelf.orValue(self).t == self.t",
    "oldSelf.optMap(o, o.l.all(x, x in self.l)).orValue(true)",
    "oldSelf.?t.orValue('') == self.t",
]
VALUES: dict[str, tuple[Document, str]] = {
    "text": (TEXT, "self.contains('abc')"),
    "text of ten": (short(10), "self == 'a'"),
    "number": (NUMBER, "self > 1"),
    "choice": ({**TEXT, "enum": ["a", "bcdefghijklmnopqrstuvwxyz"]}, "self.contains('abcdefghijklm')"),
    "time": (text("date-time"), "self > timestamp('2020-01-01T00:00:00Z')"),
    "bytes": ({**text("byte"), "maxLength": 77}, "self == b'x'"),
    "list": (few(list_of(short(30)), 20), "self.all(x, self.exists_one(y, x == y))"),
    "map": (few(map_of(short(30)), 20), "self.all(x, self[x].contains('abcdefghijkl'))"),
    "nothing fits": (short(0), "self == oldSelf"),
    "old text": (short(25), "self.startsWith(oldSelf)"),
    "null": ({**short(25), "nullable": True}, "self.startsWith('abcdefghijkl')"),
}
MESSAGES = [
    "'x ' + self.t",
    "self.l.join(',')",
    "self.lu.map(x, x + self.s).join('-')",
    "'%s'.format([self.s])",
    "self.lou.map(x, self.lou.map(y, y.k).join()).join()",
]


def place(schema: Document, most: int | None, **rule: Any) -> Document:
    """Return the schema of a resource in which a rule stands for the values of a map of that many entries."""
    item = {**schema, "x-kubernetes-validations": [rule]}
    return spec(f=map_of(item) if most is None else few(map_of(item), most))


def most_entries(schema: Document, rule: Document) -> int:
    """Return the most entries of a map for whose values the rule is cheap enough."""
    budget = Budget()
    budget.charge(compile_rule(rule, schema), 0, Place((), schema, (), resource=False))
    return RULE_LIMIT // budget.total


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
    most = most_entries(schema, rule)

    want, got = [[await told(server, place(schema, entries, **rule)) for entries in (most, most + 1, None)] for server in both]

    assert got == want
    assert got[0] == []
    assert got[1] != []


@pytest.mark.parametrize("rule", RULES)
async def test_rules_over_an_object(both: tuple[Server, Server], rule: str) -> None:
    await assert_same_limit(both, KIT, {"rule": rule})


@pytest.mark.parametrize("rule", OPTIONAL_OLD)
async def test_rules_over_an_optional_old_value(both: tuple[Server, Server], rule: str) -> None:
    await assert_same_limit(both, KIT, {"rule": rule, "optionalOldSelf": True})


@pytest.mark.parametrize(("schema", "rule"), VALUES.values(), ids=VALUES)
async def test_rules_over_other_values(both: tuple[Server, Server], schema: Document, rule: str) -> None:
    await assert_same_limit(both, schema, {"rule": rule})


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
