"""A client around a client: what a layer does not change passes through."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from capelin.api.meta import ObjectKey, Resource
from capelin.runtime.client import Client, Page, Selection, WatchEvent, Write


@dataclass
class ClientLayer(Client):
    """Passes every call to `inner`; layers override what they are there for."""

    inner: Client

    async def read(self, resource: Resource, key: ObjectKey) -> bytes:
        return await self.inner.read(resource, key)

    async def page(
        self, resource: Resource, selection: Selection, *, limit: int = 0, continue_token: str = "", resource_version: str = ""
    ) -> Page:
        return await self.inner.page(resource, selection, limit=limit, continue_token=continue_token, resource_version=resource_version)

    async def write(self, write: Write) -> bytes:
        return await self.inner.write(write)

    def stream(self, resource: Resource, selection: Selection, *, resource_version: str, timeout_seconds: int) -> AsyncIterator[WatchEvent]:
        return self.inner.stream(resource, selection, resource_version=resource_version, timeout_seconds=timeout_seconds)
