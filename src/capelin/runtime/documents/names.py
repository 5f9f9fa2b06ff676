"""What names, labels and finalizers may look like, in the words of k8s.io/apimachinery/pkg/util/validation.

Every rule returns the sentences that say how the text breaks it; none when it does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Rule = Callable[[str], list[str]]

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_QUALIFIED})?"
_HYPHENS = "lower case alphanumeric characters or '-'"

_label = re.compile(_LABEL)
_subdomain = re.compile(_SUBDOMAIN)
_label_1035 = re.compile(_LABEL_1035)
_qualified = re.compile(_QUALIFIED)
_label_value = re.compile(_LABEL_VALUE)


def _pattern(rule: str, expression: str, *examples: str) -> str:
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"{rule} (e.g. {shown}regex used for validation is '{expression}')"


def _at_most(limit: int, text: str, unit: str = "characters") -> list[str]:
    return [f"must be no more than {limit} {unit}"] if len(text.encode()) > limit else []


def dns_label(text: str) -> list[str]:
    """An RFC 1123 label: names of Namespaces."""
    broken = _at_most(63, text)
    if not _label.fullmatch(text):
        if _subdomain.fullmatch(text):
            return [*broken, "must not contain dots"]
        rule = f"a lowercase RFC 1123 label must consist of {_HYPHENS}, and must start and end with an alphanumeric character"
        broken.append(_pattern(rule, _LABEL, "my-name", "123-abc"))
    return broken


def dns_subdomain(text: str, unit: str = "characters") -> list[str]:
    """An RFC 1123 subdomain: names of most objects. `unit` is what the limit of its length is told in."""
    broken = _at_most(253, text, unit)
    if not _subdomain.fullmatch(text):
        rule = (
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
            "and must start and end with an alphanumeric character"
        )
        broken.append(_pattern(rule, _SUBDOMAIN, "example.com"))
    return broken


def dns_1035_label(text: str) -> list[str]:
    """An RFC 1035 label: names of Services, and kinds in lower case."""
    broken = _at_most(63, text)
    if not _label_1035.fullmatch(text):
        rule = f"a DNS-1035 label must consist of {_HYPHENS}, start with an alphabetic character, and end with an alphanumeric character"
        broken.append(_pattern(rule, _LABEL_1035, "my-name", "abc-123"))
    return broken


def path_segment(text: str) -> list[str]:
    """Anything that can stand in a URL path: names of RBAC objects."""
    if text in (".", ".."):
        return [f"may not be '{text}'"]
    return [f"may not contain '{part}'" for part in ("/", "%") if part in text]


def qualified_name(text: str) -> list[str]:
    """A name with an optional DNS prefix: keys of labels and annotations, finalizers."""
    prefix, slash, name = text.rpartition("/")
    broken = []
    rule = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
    if text.count("/") > 1:
        example = _pattern(f"a valid label key {rule}", _QUALIFIED, "MyName", "my.name", "123-abc")
        return [f"{example} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    if slash:
        broken += [f"prefix part {sentence}" for sentence in (dns_subdomain(prefix, "bytes") if prefix else ["must be non-empty"])]
    if not name:
        broken.append("name part must be non-empty")
    elif len(name.encode()) > 63:
        broken.append("name part must be no more than 63 bytes")
    if not _qualified.fullmatch(name):
        broken.append(_pattern(f"name part {rule}", _QUALIFIED, "MyName", "my.name", "123-abc"))
    return broken


def label_value(text: str) -> list[str]:
    """The value of a label."""
    broken = _at_most(63, text, "bytes")
    if not _label_value.fullmatch(text):
        rule = (
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
            "and must start and end with an alphanumeric character"
        )
        broken.append(_pattern(rule, _LABEL_VALUE, "MyValue", "my_value", "12345"))
    return broken


def generated(rule: Rule, prefix: str) -> list[str]:
    """Apply `rule` to a `generateName`, which may end in the dash that what is appended will follow."""
    return rule(prefix[:-2] + "a" if len(prefix) > 1 and prefix.endswith("-") else prefix)
