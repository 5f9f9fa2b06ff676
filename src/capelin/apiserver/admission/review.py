"""The review of one write: the webhooks it concerns, bound to the request that wants it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from capelin.apiserver.admission.acts import Act
from capelin.apiserver.admission.configurations import Concerned
from capelin.apiserver.admission.dispatch import Admission, Reread
from capelin.apiserver.asker import Asker
from capelin.apiserver.requests import Target
from capelin.runtime.admission.reviews import Operation
from capelin.runtime.codec import Document
from capelin.runtime.documents import managedfields

_OPTIONS: Final[Mapping[Operation, str]] = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions", "DELETE": "DeleteOptions"}


_UNSOUND: Final = (
    ".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; "
    "please fix your requests"
)


class Options(Protocol):
    """The options of a write."""

    @property
    def asker(self) -> Asker | None: ...

    def wire(self, kind: str) -> Document:
        """Return them as a document of that kind."""


@dataclass(frozen=True, slots=True)
class Review:
    """The review of one write. It may be held several times, when the write has to start over."""

    admission: Admission
    concerned: Concerned
    act: Act

    def on(self, name: str) -> Review:
        """Return the review of the same write of the object of that name, which webhooks may still change."""
        return replace(self, act=self.act.on(name))

    async def mutated(self, document: Document, old: Document | None, reread: Reread) -> Document:
        """Return the document as the webhooks want it; see `Admission.mutate`."""
        changed = await self.admission.mutate(self.concerned, self.act, document, old, reread)
        return _with_sound_managers(changed, document, self.act.asker)

    async def validated(self, document: Document, old: Document | None) -> None:
        """Return when the webhooks allow the write; see `Admission.validate`. Here a generated name is known."""
        act = self.act if self.act.name else self.act.on((document.get("metadata") or {}).get("name") or "")
        await self.admission.validate(self.concerned, act, document, old)

    async def permitted(self, old: Document) -> None:
        """Return when the webhooks allow the deletion of `old`."""
        await self.admission.mutate(self.concerned, self.act, None, old, _unchanged)
        await self.admission.validate(self.concerned, self.act, None, old)


@dataclass(frozen=True, slots=True)
class Reviews:
    """Decides which writes are reviewed."""

    admission: Admission

    def of(self, operation: Operation, target: Target, options: Options) -> Review | None:
        """Return the review of a write; None when it concerns no webhook, or is the server's own."""
        concerned = self.admission.concerned(operation, target)
        if concerned is None or options.asker is None:
            return None
        return Review(self.admission, concerned, Act.of(operation, target, options.asker, options.wire(_OPTIONS[operation])))

    async def admitted(
        self, operation: Operation, target: Target, options: Options, document: Document, old: Document | None = None
    ) -> Document:
        """Return a document that is not stored itself, as the webhooks want and allow it: that of an eviction, a token, a question."""
        review = self.of(operation, target, options)
        if review is None:
            return document
        document = await review.mutated(document, old, _unchanged)
        await review.validated(document, old)
        return document


def _unchanged(document: Document) -> Document:
    return document


def _with_sound_managers(changed: Document, sent: Document, asker: Asker) -> Document:
    """Return what webhooks made of a document, with its managed fields as they were before when they have broken them."""
    before, after = (_managers(document) for document in (sent, changed))
    if before is after:
        return changed
    try:
        managedfields.decode(after)
    except (ValueError, TypeError, AttributeError) as error:
        asker.warn([f"{_UNSOUND}: {error}"])
        return managedfields.with_entries(changed, list(before or ()))
    return changed


def _managers(document: Document) -> Any:
    return (document.get("metadata") or {}).get("managedFields")
