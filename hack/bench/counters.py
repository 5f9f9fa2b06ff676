"""What an API server says it was asked, from its own `apiserver_request_total`."""

from __future__ import annotations

import re
from collections import Counter

_LINE = re.compile(r"^apiserver_request_total\{(?P<labels>[^}]*)\} (?P<value>\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
READS = ("GET", "LIST", "WATCH")
_EMBEDDED = {"CREATE": "POST", "UPDATE": "PUT", "DELETECOLLECTION": "DELETE"}
"""What the embedded server calls the verbs (in small letters), in the words of the real one."""
LEASES = "leases"

Calls = Counter[tuple[str, str]]
"""(verb, resource with its subresource) → number of calls."""


def parse(metrics: str) -> Calls:
    """Return the calls counted in a metrics page, refused ones included."""
    found: Calls = Counter()
    for match in _LINE.finditer(metrics):
        labels = dict(_LABEL.findall(match["labels"]))
        resource = labels.get("resource", "")
        if resource:
            subresource = labels.get("subresource", "")
            verb = labels["verb"].upper()
            found[_EMBEDDED.get(verb, verb), f"{resource}/{subresource}" if subresource else resource] += int(float(match["value"]))
    return found


def writes(calls: Calls) -> int:
    """Return the number of changing calls besides Lease renewals."""
    return sum(count for (verb, resource), count in calls.items() if verb not in READS and resource != LEASES)


def total(calls: Calls) -> int:
    """Return the number of calls besides those on Leases."""
    return sum(count for (_, resource), count in calls.items() if resource != LEASES)
