"""What an invariant is: it sees every change of a management object in the turn in which it happens, and says what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from capelin.apiserver.storage.store import Event, MemoryStore
from capelin.runtime import codec
from capelin.runtime.codec import Document


@dataclass(frozen=True)
class Change:
    """One change of a management object. `new` is None after a deletion, `old` before a creation."""

    event: Event
    store: MemoryStore

    @property
    def resource(self) -> str:
        """`plural.group`."""
        return self.event.resource

    @property
    def name(self) -> str:
        """Namespace and name."""
        return "/".join(self.event.item.key)

    @cached_property
    def new(self) -> Document | None:
        """The object after the change."""
        return None if self.event.type == "DELETED" else codec.decode_document(self.event.item.data)

    @cached_property
    def old(self) -> Document | None:
        """The object before the change."""
        previous = self.event.previous
        return None if previous is None or self.event.type == "ADDED" else codec.decode_document(previous.data)

    def others(self, resource: str) -> Iterator[Document]:
        """Yield the objects of a resource in the namespace, as they are now."""
        for item in self.store.items(resource, self.event.item.key[0]):
            yield codec.decode_document(item.data)


class Invariant:
    """One rule. `id` is its number in the catalogue, `watches` the resources whose changes can break it."""

    id: ClassVar[str]
    watches: ClassVar[frozenset[str]]

    def broken(self, change: Change) -> Iterator[str]:
        """Yield what is wrong after a change, in a sentence for people."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that was broken, and when."""

    id: str
    at: float
    message: str

    def __str__(self) -> str:
        return f"{self.at:9.3f}: {self.id}: {self.message}"
