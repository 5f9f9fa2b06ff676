"""The few fields of a stored object that the server itself acts on, read from its bytes without building the rest."""

from __future__ import annotations

import msgspec


class Owner(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """An owner reference."""

    uid: str = ""
    api_version: str = ""
    kind: str = ""
    name: str = ""
    block_owner_deletion: bool | None = None

    @property
    def group(self) -> str:
        """The API group of the owner, without the version."""
        return self.api_version.rpartition("/")[0]


class Head(msgspec.Struct, frozen=True, rename="camel"):
    """The metadata that selectors, deletion and garbage collection need."""

    uid: str = ""
    labels: dict[str, str] | None = None
    owner_references: list[Owner] | None = None
    finalizers: list[str] | None = None
    deletion_timestamp: str | None = None

    @property
    def owners(self) -> list[Owner]:
        """The owner references; empty when there are none."""
        return self.owner_references or []


class _Object(msgspec.Struct):
    metadata: Head


_decoder = msgspec.json.Decoder(_Object)


def head(data: bytes) -> Head:
    """Return the head of an object this server has stored."""
    return _decoder.decode(data).metadata
