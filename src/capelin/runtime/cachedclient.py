"""The client controllers work with: reads from the cache, writes to the server, and the gate between them.

A read is answered from memory when the kind is cached and everything asked for is there; otherwise by the server. Absence in the cache is
believed for kinds cached whole, because whoever acts on it destructively reads the live client first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec

from capelin.api.meta import ObjectKey, Resource
from capelin.runtime import errors
from capelin.runtime.cache import KindCache, selected
from capelin.runtime.caches import Caches
from capelin.runtime.client import Client, Page, Selection, WatchEvent, Write
from capelin.runtime.entries import Owner
from capelin.runtime.gate import Gate


@dataclass(slots=True)
class CachedClient(Client):
    """A `Client` over the caches and a live client."""

    live: Client
    caches: Caches
    gate: Gate

    async def read(self, resource: Resource, key: ObjectKey) -> bytes:
        cache = self._complete(resource)
        if cache is not None and not cache.scope.metadata_only:
            found = cache.objects.get(key)
            if found is not None:
                return found.data
            if cache.scope.covers(key.namespace, {}):
                raise errors.NotFound(f'{resource} "{key.name}" not found')
        return await self.live.read(resource, key)

    async def page(
        self, resource: Resource, selection: Selection, *, limit: int = 0, continue_token: str = "", resource_version: str = ""
    ) -> Page:
        cache = self._complete(resource)
        if cache is not None and cache.scope.answers(selection) and not continue_token and not resource_version:
            return Page([entry.data for entry in selected(cache, selection)], str(max(cache.revision.values(), default=0)))
        return await self.live.page(resource, selection, limit=limit, continue_token=continue_token, resource_version=resource_version)

    async def write(self, write: Write) -> bytes:
        try:
            answer = await self.live.write(write)
        except errors.ResultUnknown:
            self.gate.doubted(write, _owners(write.body) if write.verb == "create" else ())
            raise
        self.gate.wrote(write, answer)
        return answer

    def stream(self, resource: Resource, selection: Selection, *, resource_version: str, timeout_seconds: int) -> AsyncIterator[WatchEvent]:
        return self.live.stream(resource, selection, resource_version=resource_version, timeout_seconds=timeout_seconds)

    def _complete(self, resource: Resource) -> KindCache | None:
        """Return the cache of a kind once its first list is complete."""
        cache = self.caches.cache.find(resource)
        return cache if cache is not None and len(cache.listed) >= max(1, len(cache.scope.namespaces)) else None


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
