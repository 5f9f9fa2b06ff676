"""The client controllers work with: reads from the cache, writes to the server.

A read is answered from memory when the kind is cached and everything asked for is there; otherwise by the server. Absence in the cache is
believed for kinds cached whole, because whoever acts on it destructively reads the live client first.
"""

from __future__ import annotations

from dataclasses import dataclass

from capelin.api.meta import ObjectKey, Resource
from capelin.runtime import errors
from capelin.runtime.cache import KindCache, selected
from capelin.runtime.caches import Caches
from capelin.runtime.client import Page, Selection
from capelin.runtime.layers import ClientLayer


@dataclass
class CachedClient(ClientLayer):
    """A `Client` over the caches; `inner` is asked for what they do not hold."""

    caches: Caches

    async def read(self, resource: Resource, key: ObjectKey) -> bytes:
        cache = self._complete(resource)
        if cache is not None and not cache.scope.metadata_only:
            found = cache.objects.get(key)
            if found is not None:
                return found.data
            if cache.scope.covers(key.namespace, {}):
                raise errors.NotFound(f'{resource} "{key.name}" not found')
        return await self.inner.read(resource, key)

    async def page(
        self, resource: Resource, selection: Selection, *, limit: int = 0, continue_token: str = "", resource_version: str = ""
    ) -> Page:
        cache = self._complete(resource)
        if cache is not None and cache.scope.answers(selection) and not continue_token and not resource_version:
            return Page([entry.data for entry in selected(cache, selection)], str(max(cache.revision.values(), default=0)))
        return await self.inner.page(resource, selection, limit=limit, continue_token=continue_token, resource_version=resource_version)

    def _complete(self, resource: Resource) -> KindCache | None:
        """Return the cache of a kind once its first list is complete."""
        cache = self.caches.cache.find(resource)
        return cache if cache is not None and len(cache.listed) >= max(1, len(cache.scope.namespaces)) else None
