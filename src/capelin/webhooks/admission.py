"""What a webhook is: pure functions from a typed request to the object with its defaults, and to what is wrong with it.

A webhook's module has `default(object, request)` and `validate(request)`, without I/O. What they need to know of other objects is read
before by `gather`, through `Lookups`, and comes with the request as its facts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from capelin.api.meta import Object, ObjectKey, Resource, Unstructured
from capelin.api.references import ContractReference
from capelin.api.refusals import Refusal, Rule

O = TypeVar("O", bound=Object)
F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Admission(Generic[O, F]):
    """One request for admission.

    `new` is what shall be stored (for a deletion what is stored), `old` what is stored (None for a create). `facts` is what `gather` found;
    None for a webhook without one.
    """

    operation: Literal["CREATE", "UPDATE", "DELETE"]
    new: O
    old: O | None
    facts: F
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """What is allowed and probably not meant; the API server shows it as a warning."""

    text: str


@dataclass(frozen=True, slots=True)
class Denial:
    """A refusal that concerns no field, such as the deletion of what is in use."""

    text: str
    rule: Rule


Finding = Refusal | Notice | Denial


class Lookups(Protocol):
    """Reads of other objects, from the API server itself: a cache that lags behind would refuse what was just made."""

    async def get(self, kind: type[O], key: ObjectKey) -> O | None:
        """Return the object, or None when there is none.

        Raises:
            ApiError: it could not be read; that it is absent is not known.
        """

    async def list(self, kind: type[O], *, namespace: str = "") -> list[O]:
        """Return the objects of a namespace; of all when it is empty.

        Raises:
            ApiError: they could not be read.
        """

    async def referenced(self, reference: ContractReference, namespace: str) -> Unstructured | None:
        """Return the object of another provider that a reference names, or None when there is none.

        Raises:
            ApiError: it could not be read.
        """


@dataclass(frozen=True, slots=True)
class Webhook(Generic[O, F]):
    """The webhook of a kind.

    `rules` are all that `validate` may say is broken; each has a test that accepts and one that refuses. `gather_for_default` takes the
    place of `gather` where defaults need to know less than rules. `reads` are the kinds that either gets or lists. `scales` names the
    resource when the scale subresource is judged; `kind` is then the type of what is sent there.
    """

    kind: type[O]
    validate: Callable[[Admission[O, F]], Iterable[Finding]]
    rules: tuple[Rule, ...]
    default: Callable[[O, Admission[O, F]], O] | None = None
    gather: Callable[[Admission[O, None], Lookups], Awaitable[F]] | None = None
    gather_for_default: Callable[[Admission[O, None], Lookups], Awaitable[F]] | None = None
    reads: tuple[type[Object], ...] = ()
    operations: tuple[Literal["CREATE", "UPDATE", "DELETE"], ...] = ("CREATE", "UPDATE")
    scales: Resource | None = None

    @property
    def resource(self) -> Resource:
        """What the webhook is about."""
        return self.scales or self.kind.resource


AnyWebhook = Webhook[Any, Any]
