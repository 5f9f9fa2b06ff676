"""Events: what a controller tells the people who look at an object."""

from __future__ import annotations

from typing import Literal, Protocol

from capelin.api.meta import Object, Unstructured

EventType = Literal["Normal", "Warning"]


class Recorder(Protocol):
    """Tells people what happens to an object."""

    def record(self, obj: Object | Unstructured, type: EventType, reason: str, message: str) -> None:  # noqa: A002 - the API's word
        """Note an event about `obj`; never blocks and never raises. `reason` is one UpperCamelCase word, `message` a sentence."""
