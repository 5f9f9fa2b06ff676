"""A client whose writes the consistency gate remembers."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from capelin.runtime import errors
from capelin.runtime.client import Write
from capelin.runtime.entries import Owner
from capelin.runtime.gate import Gate
from capelin.runtime.layers import ClientLayer


@dataclass
class GatedClient(ClientLayer):
    """A `Client` that tells the gate what was written, and what nobody knows to have been."""

    gate: Gate

    async def write(self, write: Write) -> bytes:
        try:
            answer = await self.inner.write(write)
        except errors.ResultUnknown:
            self.gate.doubted(write, _owners(write.body) if write.verb == "create" else ())
            raise
        self.gate.wrote(write, answer)
        return answer


class _Metadata(msgspec.Struct, rename="camel"):
    owner_references: tuple[Owner, ...] = ()


class _Body(msgspec.Struct):
    metadata: _Metadata


_body_decoder = msgspec.json.Decoder(_Body)


def _owners(body: bytes) -> tuple[str, ...]:
    """Return the UIDs of the owners of the object that a create carries."""
    try:
        return tuple(owner.uid for owner in _body_decoder.decode(body).metadata.owner_references)
    except msgspec.DecodeError:
        return ()
