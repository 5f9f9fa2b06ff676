"""Who asks for a write, and what the answer will warn them of."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from capelin.apiserver.surface.representation import warning_header
from capelin.runtime.transport import Response, User

TOTAL_LIMIT: Final = 4096
"""Characters of all warnings of one answer, as in Kubernetes: proxies refuse answers with large headers."""

CUT_TO: Final = 256
"""Characters that are left of each warning once they are too much together."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def controller(name: str) -> User:
    """Return the user that a controller of the cluster is for webhooks, whichever process it runs in."""
    groups = ("system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated")
    return User(f"system:serviceaccount:kube-system:{name}", groups)


@dataclass(slots=True)
class Asker:
    """One request's user, and the warnings that come up while it is carried out, which go out with a refusal too.

    By the monotonic clock, webhooks have time until `deadline`, all of them together.
    """

    user: User
    deadline: float = math.inf
    warnings: list[str] = field(default_factory=list)

    def warn(self, warnings: Iterable[str]) -> None:
        """Have the answer carry these warnings, each once; a header can carry none with control characters."""
        self.warnings += [text for text in dict.fromkeys(warnings) if text and text not in self.warnings and not _CONTROL.search(text)]

    def warned(self, response: Response) -> Response:
        """Return the answer with the warnings, beside those it has."""
        if not self.warnings:
            return response
        present = response.headers.get("warning", "")
        header = ", ".join(part for part in (present, warning_header(_bounded(self.warnings))) if part)
        return replace(response, headers={**response.headers, "warning": header})


def _bounded(warnings: list[str]) -> list[str]:
    if sum(map(len, warnings)) <= TOTAL_LIMIT:
        return warnings
    kept: list[str] = []
    for text in warnings:
        if sum(map(len, kept)) >= TOTAL_LIMIT:
            break
        kept.append(text[:CUT_TO])
    return kept
