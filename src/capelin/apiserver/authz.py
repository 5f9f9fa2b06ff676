"""Authorization: who may do what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from capelin.apiserver.requests import Attributes
from capelin.runtime.transport import User

MASTERS = "system:masters"
CONTROLLERS = "capelin:controllers"
"""The group of the certificate that our own controllers log in with."""


class Authorizer(Protocol):
    """Decides."""

    def allows(self, user: User, asked: Attributes) -> bool:
        """Tell whether the user may do it."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Everything is allowed to the members of some groups, and nothing to anybody else."""

    privileged: frozenset[str] = frozenset((MASTERS, CONTROLLERS))

    def allows(self, user: User, asked: Attributes) -> bool:  # noqa: ARG002 - the shape of an Authorizer
        """Tell whether the user is in one of the groups."""
        return not self.privileged.isdisjoint(user.groups)


def denial(user: User, asked: Attributes) -> str:
    """Return why the user may not, in the words of kube-apiserver."""
    if not asked.resource:
        return f'User "{user.name}" cannot {asked.verb} path "{asked.path}"'
    resource = f"{asked.resource}/{asked.subresource}" if asked.subresource else asked.resource
    scope = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    return f'User "{user.name}" cannot {asked.verb} resource "{resource}" in API group "{asked.group}" {scope}'
