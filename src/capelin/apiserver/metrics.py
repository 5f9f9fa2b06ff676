"""What a server counts, in the text format of Prometheus and under the names of kube-apiserver."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple


class Call(NamedTuple):
    """The labels of one request; `agent` is the first word of its user agent."""

    verb: str
    group: str
    resource: str
    subresource: str
    code: int
    agent: str


SERIES = 2000  # far more than resources × verbs × clients of an honest fleet; strangers choose paths and agents, and may not fill memory


class RequestMetrics:
    """Counters of one server. Plain numbers: a process may have hundreds of servers, most of them never asked."""

    def __init__(self) -> None:
        self.calls: Counter[Call] = Counter()
        self.watches = 0

    def count(self, call: Call) -> None:
        """Count one request; beyond the limit of series only its answer is told."""
        if call not in self.calls and len(self.calls) >= SERIES:
            call = Call("other", "", "", "", call.code, "other")
        self.calls[call] += 1

    def render(self, *, revision: int, objects: dict[str, int]) -> str:
        """Return the counters, the number of stored objects by resource, and the store's revision."""
        lines = [
            "# HELP apiserver_request_total Requests by verb, resource, answer and client.",
            "# TYPE apiserver_request_total counter",
            *(f"apiserver_request_total{{{_labels(call)}}} {count}" for call, count in sorted(self.calls.items())),
            "# HELP apiserver_longrunning_requests Watches that are open.",
            "# TYPE apiserver_longrunning_requests gauge",
            f'apiserver_longrunning_requests{{verb="WATCH"}} {self.watches}',
            "# HELP apiserver_storage_objects Objects by resource.",
            "# TYPE apiserver_storage_objects gauge",
            *(f'apiserver_storage_objects{{resource="{name}"}} {count}' for name, count in sorted(objects.items())),
            "# HELP capelin_apiserver_storage_revision The revision of the latest change.",
            "# TYPE capelin_apiserver_storage_revision gauge",
            f"capelin_apiserver_storage_revision {revision}",
        ]
        return "\n".join(lines) + "\n"


def _labels(call: Call) -> str:
    return ",".join(f'{name}="{_escaped(str(value))}"' for name, value in call._asdict().items())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
