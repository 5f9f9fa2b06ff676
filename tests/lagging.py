"""A cache that has not seen everything yet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from capelin.api.meta import ObjectKey, Resource
from capelin.runtime import errors
from capelin.runtime.client import Client, Page, Selection, WatchEvent, Write


@dataclass
class LaggingClient(Client):
    """Reads as if the kinds in `unseen` (by plural) had no objects; writes reach the server."""

    server: Client
    unseen: set[str] = field(default_factory=set)

    async def read(self, resource: Resource, key: ObjectKey) -> bytes:
        if resource.plural in self.unseen:
            raise errors.NotFound(f"{resource} {key} not found")
        return await self.server.read(resource, key)

    async def page(
        self, resource: Resource, selection: Selection, *, limit: int = 0, continue_token: str = "", resource_version: str = ""
    ) -> Page:
        if resource.plural in self.unseen:
            return Page([], "1")
        return await self.server.page(resource, selection, limit=limit, continue_token=continue_token, resource_version=resource_version)

    async def write(self, write: Write) -> bytes:
        return await self.server.write(write)

    def stream(self, resource: Resource, selection: Selection, *, resource_version: str, timeout_seconds: int) -> AsyncIterator[WatchEvent]:
        return self.server.stream(resource, selection, resource_version=resource_version, timeout_seconds=timeout_seconds)
