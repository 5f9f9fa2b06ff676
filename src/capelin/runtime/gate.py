"""The consistency gate: nobody decides from a cache that has not seen their own writes.

Every write is remembered under the UIDs of the object and of its owners. Before one of them is reconciled again, the caches must have
caught up. A cache that does not catch up in time is listed again, which is consistent by itself; so a create of unknown result is waited
for by a list too.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from capelin.api.meta import ObjectKey
from capelin.runtime.cache import KindCache
from capelin.runtime.caches import Caches
from capelin.runtime.client import Write
from capelin.runtime.deadlines import within
from capelin.runtime.entries import identity, revision
from capelin.runtime.seams import Clock

PATIENCE: Final = timedelta(seconds=2)
"""How long a worker waits for a cache; watches are usually milliseconds behind."""

SWEEP_AT: Final = 1024
"""How many UIDs are remembered before those that nobody asks about are looked through."""


@dataclass(frozen=True, slots=True)
class _Expectation:
    """What a cache must have seen: a revision, the end of the object with the UID `gone`, or a list begun after `mark`."""

    cache: KindCache
    key: ObjectKey
    resource_version: str = ""
    gone: str = ""
    mark: int = 0

    def is_met(self) -> bool:
        if self.mark:
            return self.cache.has_listed(self.key.namespace, self.mark)
        cached = self.cache.objects.get(self.key)
        if self.gone:
            return cached is None or cached.uid != self.gone
        if cached is not None and revision(cached.resource_version) >= revision(self.resource_version):
            return True
        return self.cache.has_seen(self.key.namespace, self.resource_version)


@dataclass(slots=True)
class Gate:
    """Remembers writes, and waits until the caches have seen them."""

    caches: Caches
    clock: Clock
    _pending: dict[str, list[_Expectation]] = field(default_factory=dict)
    _waiting: list[asyncio.Event] = field(default_factory=list)
    _sweep_at: int = SWEEP_AT

    def __post_init__(self) -> None:
        self.caches.advanced = self._wake

    @property
    def remembered(self) -> int:
        """How many UIDs there is something to wait for, as far as has been looked."""
        return len(self._pending)

    def wrote(self, write: Write, answer: bytes) -> None:
        """Remember a write that the server confirmed."""
        cache = self.caches.cache.find(write.resource)
        if cache is None or write.query.get("dryRun"):
            return
        found = identity(answer)
        if found is None:
            self._deleted(cache, write.key)
            return
        if not cache.scope.covers(found.namespace, found.labels or {}):
            return
        expected = _Expectation(cache, ObjectKey(found.namespace, found.name), resource_version=found.resource_version)
        for uid in (found.uid, *(owner.uid for owner in found.owner_references or ())):
            self._expect(uid, expected)

    def doubted(self, write: Write, owners: tuple[str, ...]) -> None:
        """Remember that nobody knows whether a write took effect: its owners, and the object, wait for a list begun after now."""
        cache = self.caches.cache.find(write.resource)
        if cache is None:
            return
        cached = cache.objects.get(write.key)
        known = (cached.uid, *(owner.uid for owner in cached.references)) if cached is not None else ()
        expected = _Expectation(cache, write.key, mark=cache.mark())
        for uid in dict.fromkeys((*owners, *known)):
            self._expect(uid, expected)
        self.caches.refresh(cache.resource)

    async def caught_up(self, uid: str) -> bool:
        """Tell whether the caches have seen every write that concerns this UID, after waiting a little for them."""
        if not self._unmet(uid):
            return True
        try:
            await within(self.clock, PATIENCE, self._until_met(uid))
        except TimeoutError:
            for expected in self._unmet(uid):
                self.caches.refresh(expected.cache.resource)
            return False
        return True

    def _deleted(self, cache: KindCache, key: ObjectKey) -> None:
        cached = cache.objects.get(key)
        if cached is None:
            return
        expected = _Expectation(cache, key, gone=cached.uid)
        for uid in (cached.uid, *(owner.uid for owner in cached.references)):
            self._expect(uid, expected)

    def _expect(self, uid: str, expected: _Expectation) -> None:
        if expected.is_met():
            return
        others = [old for old in self._unmet(uid) if old.key != expected.key or old.cache is not expected.cache or old.mark]
        self._pending[uid] = [*others, expected]
        if len(self._pending) > self._sweep_at:
            for known in list(self._pending):
                self._unmet(known)
            self._sweep_at = max(SWEEP_AT, 2 * len(self._pending))

    def _unmet(self, uid: str) -> list[_Expectation]:
        pending = self._pending.get(uid)
        if pending is None:
            return []
        unmet = [expected for expected in pending if not expected.is_met()]
        if unmet:
            self._pending[uid] = unmet
        else:
            del self._pending[uid]
        return unmet

    async def _until_met(self, uid: str) -> None:
        while self._unmet(uid):
            step = asyncio.Event()
            self._waiting.append(step)
            await step.wait()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for step in waiting:
            step.set()
