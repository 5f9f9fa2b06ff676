"""Leader election on a Lease: at most one process writes.

A candidate takes the lease when nobody holds it, or when its holder has not renewed it for a lease duration as measured by the candidate's
own monotonic clock (clocks of machines differ). A leader that has not managed to renew for the shorter renew deadline stops writing; by the
time another may lead, it has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from capelin.api.meta import ObjectKey, Resource, Unstructured
from capelin.runtime import errors
from capelin.runtime.client import Client
from capelin.runtime.deadlines import within
from capelin.runtime.seams import Clock, Random

LEASES: Final = Resource("coordination.k8s.io", "v1", "leases", "Lease")

_log: Any = structlog.get_logger(__name__)


class LeadershipLost(Exception):
    """This process led and could not renew its lease in time."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a lease lasts, how long its holder may fail to renew it, and the pause between two tries."""

    lease: timedelta = timedelta(seconds=15)
    renew: timedelta = timedelta(seconds=10)
    retry: timedelta = timedelta(seconds=2)


@dataclass(slots=True)
class Election:
    """One candidate for one lease; `identity` must differ from every other candidate's."""

    client: Client
    key: ObjectKey
    identity: str
    clock: Clock
    random: Random
    terms: Terms = Terms()
    _seen: dict[str, Any] | None = None
    _seen_at: float = 0.0

    async def lead(self, work: Callable[[], Awaitable[None]], *, stop_writing: Callable[[], None]) -> None:
        """Become the leader, run `work` while leading, and release the lease when it has ended.

        When the lease cannot be renewed in time `stop_writing` is called at once, before anything else can happen; then `work` is
        cancelled.

        Raises:
            LeadershipLost: the lease could not be renewed in time.
        """
        renewed_at = await self._acquire()
        _log.info("Leading", lease=str(self.key), identity=self.identity)
        working = asyncio.ensure_future(work())
        renewing = asyncio.ensure_future(self._renew_until_lost(renewed_at, stop_writing))
        try:
            await asyncio.wait((working, renewing), return_when=asyncio.FIRST_COMPLETED)
            if renewing.done():
                renewing.result()
            await working
        finally:
            for task in (working, renewing):
                task.cancel()
            await asyncio.gather(working, renewing, return_exceptions=True)
            stop_writing()
            await self._release()

    async def _acquire(self) -> float:
        """Return once we hold the lease: the monotonic time at which the request was made that gave it to us."""
        while True:
            begun = self.clock.monotonic()
            if await self._try(self._take):
                return begun
            await self.clock.sleep(self._pause())

    async def _renew_until_lost(self, renewed_at: float, stop_writing: Callable[[], None]) -> None:
        while True:
            await self.clock.sleep(min(self._pause(), self._left(renewed_at)))
            begun = self.clock.monotonic()
            left = self._left(renewed_at)
            if left > timedelta() and await self._try(self._take, at_most=left):
                renewed_at = begun
            elif self._left(renewed_at) <= timedelta() or self._is_another_holder():
                stop_writing()
                raise LeadershipLost(f"lease {self.key} was last renewed {self.clock.monotonic() - renewed_at:.1f} s ago")

    def _left(self, renewed_at: float) -> timedelta:
        return timedelta(seconds=renewed_at - self.clock.monotonic()) + self.terms.renew

    def _pause(self) -> timedelta:
        return self.terms.retry * (1 + self.random.random() / 5)

    async def _try(self, call: Callable[[], Any], *, at_most: timedelta | None = None) -> bool:
        """Return what `call` returns; False when it failed or took longer than one lease request may."""
        limit = min(self.terms.renew / 2, at_most or self.terms.renew)
        try:
            return bool(await within(self.clock, limit, call()))
        except (errors.ApiError, TimeoutError) as error:
            _log.warning("Could not take or renew the lease", lease=str(self.key), error=str(error))
            return False

    async def _take(self) -> bool:
        """Write ourselves into the lease if it is ours, free or expired, and tell whether that worked."""
        lease = await self.client.get(LEASES, self.key)
        if lease is None:
            return await self._create()
        spec = lease.document.get("spec") or {}
        self._observe(spec)
        if self._is_another_holder() and not self._has_expired(spec):
            return False
        lease.document["spec"] = self._spec(spec)
        try:
            updated = await self.client.update(lease)
        except errors.Conflict:
            return False
        self._observe(updated.document["spec"])
        return True

    async def _create(self) -> bool:
        metadata = {"name": self.key.name, "namespace": self.key.namespace}
        try:
            created = await self.client.create(Unstructured(LEASES, {"metadata": metadata, "spec": self._spec({})}))
        except errors.AlreadyExists:
            return False
        self._observe(created.document["spec"])
        return True

    async def _release(self) -> None:
        """Give the lease back, if we hold it, so that the next need not wait for it to expire."""
        if self._seen is None or self._is_another_holder():
            return

        async def give_back() -> None:
            lease = await self.client.get(LEASES, self.key)
            if lease is None or (lease.document.get("spec") or {}).get("holderIdentity") != self.identity:
                return
            lease.document["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": _micro_time(self.clock.now())}
            await self.client.update(lease)

        await self._try(give_back, at_most=self.terms.retry)

    def _observe(self, spec: dict[str, Any]) -> None:
        if spec != self._seen:
            self._seen, self._seen_at = dict(spec), self.clock.monotonic()

    def _is_another_holder(self) -> bool:
        holder = (self._seen or {}).get("holderIdentity") or ""
        return holder not in ("", self.identity)

    def _has_expired(self, spec: dict[str, Any]) -> bool:
        duration = spec.get("leaseDurationSeconds") or self.terms.lease.total_seconds()
        return self.clock.monotonic() >= self._seen_at + duration

    def _spec(self, old: dict[str, Any]) -> dict[str, Any]:
        now = _micro_time(self.clock.now())
        ours = old.get("holderIdentity") == self.identity
        return {
            **old,
            "holderIdentity": self.identity,
            "leaseDurationSeconds": round(self.terms.lease.total_seconds()),
            "acquireTime": old.get("acquireTime", now) if ours else now,
            "renewTime": now,
            "leaseTransitions": old.get("leaseTransitions", 0) + (0 if ours or not old else 1),
        }


def _micro_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
