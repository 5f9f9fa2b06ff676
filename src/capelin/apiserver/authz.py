"""Authorization: who may do what."""

from __future__ import annotations

from collections.abc import Callable
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


@dataclass(frozen=True, slots=True)
class Everybody:
    """Everything is allowed to everybody who is authenticated."""

    def allows(self, user: User, asked: Attributes) -> bool:  # noqa: ARG002 - the shape of an Authorizer
        """Say yes."""
        return True


@dataclass(frozen=True, slots=True)
class Either:
    """What one of several authorizers allows is allowed."""

    authorizers: tuple[Authorizer, ...]

    def allows(self, user: User, asked: Attributes) -> bool:
        """Tell whether one of them allows it."""
        return any(authorizer.allows(user, asked) for authorizer in self.authorizers)


@dataclass(frozen=True, slots=True)
class Permits:
    """What a function allows is allowed; for a server with few rules of its own."""

    rule: Callable[[User, Attributes], bool]

    def allows(self, user: User, asked: Attributes) -> bool:
        """Tell what the rule says."""
        return self.rule(user, asked)


def denial(user: User, asked: Attributes) -> str:
    """Return why the user may not, in the words of kube-apiserver."""
    if not asked.resource:
        return f'User "{user.name}" cannot {asked.verb} path "{asked.path}"'
    resource = f"{asked.resource}/{asked.subresource}" if asked.subresource else asked.resource
    scope = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    return f'User "{user.name}" cannot {asked.verb} resource "{resource}" in API group "{asked.group}" {scope}'
