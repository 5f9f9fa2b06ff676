"""Events: what a controller tells the people who look at an object."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Protocol

import structlog

from capelin.api.meta import Object, ObjectKey, Resource, Unstructured
from capelin.runtime import errors
from capelin.runtime.client import Client
from capelin.runtime.seams import Clock

EventType = Literal["Normal", "Warning"]

EVENTS: Final = Resource("", "v1", "events", "Event")

BURST: Final = 25
"""Events an object may cause at once."""

REFILL_INTERVAL: Final = timedelta(minutes=5)
"""Then one per this interval."""

REMEMBERED: Final = 4096
"""Events and objects that are remembered for counting and rate limits."""

PENDING_AT_MOST: Final = 1000
"""Events not yet written; more are dropped, for nothing may be slowed down by its own commentary."""

_log: Any = structlog.get_logger(__name__)


class Recorder(Protocol):
    """Tells people what happens to an object."""

    def record(self, obj: Object | Unstructured, type: EventType, reason: str, message: str) -> None:  # noqa: A002 - the API's word
        """Note an event about `obj`; never blocks and never raises. `reason` is one UpperCamelCase word, `message` a sentence."""


@dataclass(frozen=True, slots=True)
class _Topic:
    """What makes two events the same one."""

    resource: Resource
    key: ObjectKey
    uid: str
    type: str
    reason: str
    message: str

    @property
    def name(self) -> str:
        """The event's name: the same for every process that tells the same."""
        digest = hashlib.sha256("\0".join((self.uid, self.type, self.reason, self.message)).encode()).hexdigest()
        return f"{self.key.name[:236].rstrip('-.')}.{digest[:16]}"


@dataclass(slots=True)
class _Bucket:
    left: float
    filled_at: float


@dataclass(slots=True)
class EventRecorder:
    """The `Recorder` that writes core/v1 Events in the background: repeats are counted, and no object may cause a flood."""

    client: Client
    clock: Clock
    component: str
    _pending: OrderedDict[_Topic, tuple[int, datetime, datetime]] = field(default_factory=OrderedDict)
    _buckets: OrderedDict[str, _Bucket] = field(default_factory=OrderedDict)
    _written: OrderedDict[_Topic, int] = field(default_factory=OrderedDict)
    _alarm: asyncio.Event = field(default_factory=asyncio.Event)

    def record(self, obj: Object | Unstructured, type: EventType, reason: str, message: str) -> None:  # noqa: A002 - the API's word
        """Note an event about `obj`; never blocks and never raises."""
        topic = _Topic(obj.resource, obj.key, obj.uid, type, reason, message[:1024])
        now = self.clock.now()
        if topic in self._pending:
            count, first, _ = self._pending[topic]
            self._pending[topic] = (count + 1, first, now)
        elif len(self._pending) < PENDING_AT_MOST and self._admits(topic.uid):
            self._pending[topic] = (1, now, now)
        self._alarm.set()

    async def run(self) -> None:
        """Write what is recorded until cancelled; what cannot be written is dropped."""
        while True:
            await self._alarm.wait()
            self._alarm.clear()
            while self._pending:
                topic, (count, first, last) = self._pending.popitem(last=False)
                try:
                    await self._write(topic, count, first, last)
                except errors.ApiError as error:
                    _log.debug("Dropping an event", reason=topic.reason, object=str(topic.key), error=str(error))

    async def _write(self, topic: _Topic, count: int, first: datetime, last: datetime) -> None:
        key = ObjectKey(topic.key.namespace or "default", topic.name)
        if topic in self._written:
            self._remember(topic, self._written[topic] + count)
            try:
                await self.client.patch(EVENTS, key, {"count": self._written[topic], "lastTimestamp": _timestamp(last)})
                return
            except errors.NotFound:  # events expire
                self._written.pop(topic, None)
        try:
            await self.client.create(Unstructured(EVENTS, self._document(topic, key, count, first, last)))
            self._remember(topic, count)
        except errors.AlreadyExists:  # told before this process started
            stored = await self.client.get(EVENTS, key)
            self._remember(topic, count + (int(stored.document.get("count") or 0) if stored is not None else 0))
            await self.client.patch(EVENTS, key, {"count": self._written[topic], "lastTimestamp": _timestamp(last)})

    def _document(self, topic: _Topic, key: ObjectKey, count: int, first: datetime, last: datetime) -> dict[str, Any]:
        involved = {
            "apiVersion": topic.resource.api_version,
            "kind": topic.resource.kind,
            "namespace": topic.key.namespace,
            "name": topic.key.name,
            "uid": topic.uid,
        }
        return {
            "metadata": {"name": key.name, "namespace": key.namespace},
            "involvedObject": {name: value for name, value in involved.items() if value},
            "type": topic.type,
            "reason": topic.reason,
            "message": topic.message,
            "source": {"component": self.component},
            "reportingComponent": self.component,
            "reportingInstance": "",
            "firstTimestamp": _timestamp(first),
            "lastTimestamp": _timestamp(last),
            "count": count,
        }

    def _remember(self, topic: _Topic, count: int) -> None:
        self._written[topic] = count
        self._written.move_to_end(topic)
        if len(self._written) > REMEMBERED:
            self._written.popitem(last=False)

    def _admits(self, uid: str) -> bool:
        now = self.clock.monotonic()
        bucket = self._buckets.setdefault(uid, _Bucket(BURST, now))
        self._buckets.move_to_end(uid)
        if len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)
        bucket.left = min(BURST, bucket.left + (now - bucket.filled_at) / REFILL_INTERVAL.total_seconds())
        bucket.filled_at = now
        if bucket.left < 1:
            return False
        bucket.left -= 1
        return True


def _timestamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
