from __future__ import annotations

import pytest

from capelin.runtime.documents.cel import compile_rules
from tests.apiserver.schemas import TEXT, fields


def holds(rule: str) -> bool:
    rules = compile_rules({**fields(a=TEXT), "x-kubernetes-validations": [{"rule": rule}]})
    assert rules is not None
    return rules.check({"a": "b"}) == []


@pytest.mark.parametrize(
    "rule",
    [
        "[1, 2, 2].isSorted() && !['b', 'a'].isSorted()",
        "[1, 2].sum() == 3 && [1.5, 0.5].sum() == 2.0",
        "[3, 1].min() == 1 && ['a', 'b'].max() == 'b'",
        "[1, 2, 1].indexOf(1) == 0 && [1, 2, 1].lastIndexOf(1) == 2 && ['a'].indexOf('z') == -1",
        "'a1b22'.find('[0-9]+') == '1' && 'a1b22'.findAll('[0-9]+') == ['1', '22'] && 'a1b22'.findAll('[0-9]+', 1) == ['1']",
        "'abc'.find('z') == ''",
        "'héllo'.charAt(1) == 'é' && 'hello'.indexOf('l') == 2 && 'hello'.lastIndexOf('l') == 3 && 'hello'.indexOf('l', 3) == 3",
        "'AbC'.lowerAscii() == 'abc' && 'abc'.upperAscii() == 'ABC'",
        "'a.b.c'.replace('.', '-') == 'a-b-c' && 'a.b.c'.replace('.', '-', 1) == 'a-b.c'",
        "'a,b,c'.split(',') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b,c'] && 'a,b'.split(',', 0) == []",
        "'hello'.substring(1) == 'ello' && 'hello'.substring(1, 3) == 'el' && ' a '.trim() == 'a'",
        "['a', 'b'].join('-') == 'a-b' && ['a', 'b'].join() == 'ab'",
        "'%s has %d of %.1f%%'.format(['x', 3, 1.25]) == 'x has 3 of 1.2%'",
        "sets.contains([1, 2], [1]) && sets.equivalent([1, 1], [1]) && sets.intersects([1], [1, 2]) && !sets.intersects([1], [2])",
        "quantity('1Gi').isGreaterThan(quantity('1G')) && quantity('500m').isLessThan(quantity('1'))",
        "quantity('1') == quantity('1000m') && quantity('2').compareTo(quantity('2')) == 0",
        "quantity('1').add(quantity('500m')) == quantity('1.5') && quantity('1').sub(1).sign() == 0",
        "isQuantity('1.5Mi') && !isQuantity('1.5Mb') && quantity('50k').asInteger() == 50000 && !quantity('1500m').isInteger()",
        "isIP('10.0.0.1') && isIP('::1') && !isIP('10.0.0') && ip('10.0.0.1').family() == 4 && ip('::1').isLoopback()",
        "ip.isCanonical('::1') && !ip.isCanonical('0:0::1') && ip('8.8.8.8').isGlobalUnicast()",
        "isCIDR('10.0.0.0/8') && cidr('10.0.0.0/8').containsIP('10.1.2.3') && !cidr('10.0.0.0/8').containsIP(ip('11.0.0.1'))",
        "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')",
        "cidr('10.0.0.0/8').prefixLength() == 8 && cidr('10.1.2.3/8').ip() == ip('10.1.2.3')",
        "isURL('https://a.b:80/c?d=e') && !isURL('a b') && url('https://a.b:80/c?d=e').getHost() == 'a.b:80'",
        "url('https://a.b:80/c').getScheme() == 'https' && url('https://a.b:80/c').getPort() == '80'",
        "url('https://[::1]:80/').getHostname() == '::1'",
        "url('https://a/b%20c?d=e&d=f').getQuery()['d'] == ['e', 'f'] && url('https://a/b%20c').getEscapedPath() == '/b%20c'",
        "isSemver('1.2.3-rc.1+b') && !isSemver('v1.2.3') && isSemver('v1.2', true) && semver('1.2.3').minor() == 2",
        "semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.0.0-rc.1').isLessThan(semver('1.0.0'))",
        "semver('1.0.0-2').isLessThan(semver('1.0.0-10')) && semver('1.0.0-10').isLessThan(semver('1.0.0-a'))",
        "math.greatest(1, 2) == 2 && base64.decode('aGk=') == b'hi' && cel.bind(x, 2, x * x) == 4",
    ],
)  # fmt: skip
def test_functions_that_kubernetes_adds_work(rule: str) -> None:
    assert holds(rule)


@pytest.mark.parametrize(
    "rule",
    [
        "[1].min() == [].min()",
        "quantity('x').isInteger()",
        "quantity('1.5').asInteger() == 1",
        "ip('x') == ip('x')",
        "'abc'.substring(2, 1) == ''",
        "'abc'.charAt(9) == ''",
        "semver('1') == semver('1')",
        "url('a b').getHost() == ''",
    ],
)
def test_a_function_that_fails_breaks_the_rule(rule: str) -> None:
    assert not holds(rule)


@pytest.mark.parametrize(
    "rule",
    ["self.a.replace('b', 'c').size() > 0", "[self.a, self.a, self.a, self.a].join().size() > 0"],
)
def test_texts_that_grow_beyond_what_a_request_could_hold_are_refused(rule: str) -> None:
    text = "b" * 3_000_000
    rules = compile_rules({**fields(a=TEXT), "x-kubernetes-validations": [{"rule": rule.replace("'c'", "'cdefg'")}]})
    assert rules is not None

    got = rules.check({"a": text})

    assert "actual cost limit exceeded" in got[0].message
