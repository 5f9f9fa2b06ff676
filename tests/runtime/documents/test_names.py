from __future__ import annotations

import pytest

from capelin.runtime.documents import names
from capelin.runtime.documents.names import Rule


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (names.dns_label, "a-1"),
        (names.dns_subdomain, "a.b-c.d"),
        (names.dns_1035_label, "a1"),
        (names.path_segment, "system:node"),
        (names.qualified_name, "example.com/Some_Name.1"),
        (names.qualified_name, "name"),
        (names.label_value, ""),
        (names.label_value, "v1.2_x"),
    ],
)
def test_good_names_break_no_rule(rule: Rule, text: str) -> None:
    assert rule(text) == []


@pytest.mark.parametrize(
    ("rule", "text", "words"),
    [
        (names.dns_label, "a.b", "must not contain dots"),
        (names.dns_label, "A", "a lowercase RFC 1123 label must consist of"),
        (names.dns_label, "a" * 64, "must be no more than 63 characters"),
        (names.dns_subdomain, "a..b", "regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"),
        (names.dns_subdomain, "a" * 254, "must be no more than 253 characters"),
        (names.dns_subdomain, "a\n", "must consist of"),
        (names.dns_1035_label, "1a", "a DNS-1035 label must consist of"),
        (names.path_segment, "..", "may not be '..'"),
        (names.path_segment, "a/b", "may not contain '/'"),
        (names.qualified_name, "a/b/c", "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"),
        (names.qualified_name, "/b", "prefix part must be non-empty"),
        (names.qualified_name, "A_/b", "prefix part a lowercase RFC 1123 subdomain"),
        (names.qualified_name, "a/", "name part must be non-empty"),
        (names.qualified_name, "a" * 64, "name part must be no more than 63 bytes"),
        (names.label_value, "-a", "a valid label must be an empty string or consist of"),
        (names.label_value, "é" * 32, "must be no more than 63 bytes"),
    ],
)
def test_bad_names_are_told_what_is_allowed(rule: Rule, text: str, words: str) -> None:
    assert any(words in sentence for sentence in rule(text))


def test_a_prefix_of_generated_names_may_end_in_a_dash() -> None:
    assert names.generated(names.dns_subdomain, "machine-") == []
    assert names.generated(names.dns_subdomain, "Machine-") != []
