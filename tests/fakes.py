"""Fakes that hold state: a client over a dictionary, a clock that is advanced, randomness that repeats, keys from a shelf.

`FakeClient` is verified: the contract suite runs the same tests over it and over real API servers.
"""

from __future__ import annotations

import asyncio
import bisect
import functools
import heapq
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from capelin.api.meta import Object, ObjectKey, Resource, Unstructured
from capelin.runtime import codec, errors
from capelin.runtime.client import APPLY_PATCH, JSON_PATCH, Client, Page, Selection, WatchEvent, Write
from capelin.runtime.codec import Document
from capelin.runtime.errors import ApiError
from capelin.runtime.events import EventType
from capelin.runtime.layers import ClientLayer

T = TypeVar("T")

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
"""When every test begins."""


@dataclass
class FakeClock:
    """A clock that stands still until a test advances it."""

    at: datetime = NOW
    elapsed: float = 1000.0
    _sleepers: list[tuple[float, int, asyncio.Future[None]]] = field(default_factory=list)
    _count: int = 0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, delay: timedelta) -> None:
        if delay <= timedelta():
            await turn()
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self.elapsed + delay.total_seconds(), self._count, sleeper))
        await sleeper

    @property
    def sleeping(self) -> int:
        """How many tasks wait for this clock."""
        return sum(not sleeper.done() for _, _, sleeper in self._sleepers)

    async def advance(self, delay: timedelta) -> None:
        """Let `delay` pass, waking sleepers in their order and letting each run until it waits again."""
        await settle()
        until = self.elapsed + delay.total_seconds()
        while self._sleepers and self._sleepers[0][0] <= until:
            due, _, sleeper = heapq.heappop(self._sleepers)
            self._move_to(max(due, self.elapsed))
            if not sleeper.done():
                sleeper.set_result(None)
                await settle()
        self._move_to(until)
        await settle()

    def _move_to(self, elapsed: float) -> None:
        self.at += timedelta(seconds=elapsed - self.elapsed)
        self.elapsed = elapsed


async def turn() -> None:
    """Let every task that is ready run once."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, None)
    await future


async def settle(turns: int = 50) -> None:
    """Let ready tasks run until, in all likelihood, every one of them waits."""
    for _ in range(turns):
        await turn()


@dataclass
class FakeRandom:
    """Randomness that repeats: a fixed fraction, and counted tokens and UIDs."""

    fraction: float = 0.5
    _count: int = 0

    def random(self) -> float:
        return self.fraction

    def token(self, length: int, alphabet: str) -> str:
        self._count += 1
        number, digits = self._count, ""
        for _ in range(length):
            number, digit = divmod(number, len(alphabet))
            digits = alphabet[digit] + digits
        return digits

    def uid(self) -> str:
        self._count += 1
        return f"00000000-0000-4000-8000-{self._count:012d}"


@functools.cache
def _shelf(algorithm: str, place: int) -> bytes:
    if algorithm.startswith("RSA-"):
        key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = rsa.generate_private_key(65537, 2048)
    else:
        key = ec.generate_private_key(ec.SECP384R1() if algorithm.endswith("384") else ec.SECP256R1())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


@dataclass
class FakeKeys:
    """Real keys, made once per test run and handed out in the same order to every test. RSA keys all have 2048 bits."""

    generated: list[str] = field(default_factory=list)

    async def generate(self, algorithm: str) -> bytes:
        if algorithm not in ("ECDSA-P256", "ECDSA-P384", "RSA-2048", "RSA-3072", "RSA-4096"):
            raise ValueError(f"algorithm {algorithm!r}")
        self.generated.append(algorithm)
        return _shelf(algorithm, self.generated.count(algorithm) % 16)


class FakeThread:
    """A thread that has already ended."""

    def join(self, timeout: float | None = None) -> None:
        """Return at once."""

    def is_alive(self) -> bool:
        return False


class FakeThreads:
    """Runs everything at once, on the event loop."""

    def start(self, target: Callable[[], None], *, name: str) -> FakeThread:
        target()
        return FakeThread()

    async def run(self, call: Callable[[], T]) -> T:
        return call()


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event a controller told."""

    kind: str
    key: ObjectKey
    type: str
    reason: str
    message: str


@dataclass
class FakeRecorder:
    """Keeps the events it is told."""

    events: list[RecordedEvent] = field(default_factory=list)

    def record(self, obj: Object | Unstructured, type: EventType, reason: str, message: str) -> None:  # noqa: A002 - the API's word
        self.events.append(RecordedEvent(obj.resource.kind, obj.key, type, reason, message))

    @property
    def reasons(self) -> list[str]:
        return [event.reason for event in self.events]


Slot = tuple[str, str, ObjectKey]
"""Group, plural and key of an object."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One change in the history that watches tell; documents are never changed once stored."""

    revision: int
    slot: Slot
    old: Document | None
    new: Document
    deleted: bool = False


@dataclass
class FakeClient(Client):
    """An API server in a dictionary, as far as controllers can tell.

    It keeps generation, resourceVersion, finalizers and deletion, the status subresource, preconditions, server-side apply by field, watch
    history, and collects what loses its last owner. Every kind is taken to have a status subresource, and unknown kinds exist.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    objects: dict[Slot, Document] = field(default_factory=dict)
    revision: int = 100
    writes: list[Write] = field(default_factory=list)
    reads: int = 0
    compacted: int = 0
    posts: dict[str, Callable[[ObjectKey, Document], Document]] = field(default_factory=dict)
    """Answers of subresources that are posted to, such as `eviction`."""
    write_faults: dict[int, ApiError] = field(default_factory=dict)
    """Errors by the number of the write (from 0) that fails with it, taking no effect."""
    read_faults: dict[tuple[str, str], ApiError] = field(default_factory=dict)
    """Errors by plural and name of the object whose reads fail; an empty name fails the lists."""
    _history: list[_Step] = field(default_factory=list)
    _managers: dict[Slot, dict[str, set[tuple[str, ...]]]] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _epoch: int = 0

    # -- what tests use -----------------------------------------------------------------------------------------------------------

    def seed(self, *objects: Object | Unstructured) -> None:
        """Store objects as they are, with UID, resourceVersion, generation and creation time filled in where absent."""
        for obj in objects:
            self._insert(_slot(obj.resource, obj.key), codec.decode_document(codec.encode(obj.wire())))

    def stored(self, kind: type[Object] | Resource, key: ObjectKey) -> Document | None:
        """Return the document as it is stored, or None."""
        return self.objects.get(_slot(kind if isinstance(kind, Resource) else kind.resource, key))

    def fail_write(self, number: int, error: ApiError) -> None:
        """Make the write with this number (counted from now, from 0) fail."""
        self.write_faults[len(self.writes) + number] = error

    def end_watches(self) -> None:
        """End every open watch as a server does at its time-out: with a bookmark."""
        self._epoch += 1
        self._notify()

    def compact(self) -> None:
        """Forget the watch history: every older revision is Gone, for open watches too."""
        self.compacted = self.revision
        self._history.clear()
        self._notify()

    # -- reads --------------------------------------------------------------------------------------------------------------------

    async def read(self, resource: Resource, key: ObjectKey) -> bytes:
        self.reads += 1
        self._raise_read_fault(resource, key.name)
        return codec.encode(self._get(resource, key))

    async def page(
        self, resource: Resource, selection: Selection, *, limit: int = 0, continue_token: str = "", resource_version: str = ""
    ) -> Page:
        self.reads += 1
        self._raise_read_fault(resource, "")
        revision, _, after = continue_token.partition(":")
        if revision and int(revision) < self.compacted:
            raise errors.Gone("the continue token is too old")
        found = [codec.encode(document) for slot, document in self._selected(resource, selection) if not after or str(slot[2]) > after]
        names = [str(slot[2]) for slot, _ in self._selected(resource, selection) if not after or str(slot[2]) > after]
        if limit and len(found) > limit:
            return Page(found[:limit], revision or str(self.revision), f"{revision or self.revision}:{names[limit - 1]}")
        return Page(found, revision or str(self.revision))

    async def stream(
        self, resource: Resource, selection: Selection, *, resource_version: str, timeout_seconds: int
    ) -> AsyncIterator[WatchEvent]:
        seen, epoch = int(resource_version or self.revision), self._epoch
        if seen < self.compacted:
            raise errors.Gone(f"revision {seen} is compacted")
        while True:
            for revision, event in self._events_after(resource, selection, seen):
                seen = revision
                yield event
            if epoch != self._epoch:
                bookmark = {
                    "kind": resource.kind,
                    "apiVersion": resource.api_version,
                    "metadata": {"resourceVersion": str(max(seen, self.revision))},
                }
                yield WatchEvent("BOOKMARK", codec.encode(bookmark))
                return
            if seen < self.compacted:
                raise errors.Gone(f"revision {seen} is compacted")
            await self._changed.wait()

    def _events_after(self, resource: Resource, selection: Selection, seen: int) -> Iterator[tuple[int, WatchEvent]]:
        start = bisect.bisect_right(self._history, seen, key=lambda step: step.revision)
        for step in self._history[start:]:
            if step.slot[:2] != (resource.group, resource.plural):
                continue
            was = step.old is not None and _selects(selection, step.slot, step.old)
            is_ = not step.deleted and _selects(selection, step.slot, step.new)
            if was or is_:
                type_ = "MODIFIED" if was and is_ else "ADDED" if is_ else "DELETED"
                yield step.revision, WatchEvent(type_, codec.encode(step.new))

    def _selected(self, resource: Resource, selection: Selection) -> list[tuple[Slot, Document]]:
        matches = [
            (slot, document)
            for slot, document in self.objects.items()
            if slot[:2] == (resource.group, resource.plural) and _selects(selection, slot, document)
        ]
        return sorted(matches, key=lambda match: str(match[0][2]))

    def _get(self, resource: Resource, key: ObjectKey) -> Document:
        document = self.objects.get(_slot(resource, key))
        if document is None:
            raise errors.NotFound(f'{resource} "{key.name}" not found', details={"name": key.name, "kind": resource.plural})
        return document

    def _raise_read_fault(self, resource: Resource, name: str) -> None:
        fault = self.read_faults.get((resource.plural, name))
        if fault is not None:
            raise fault

    # -- writes -------------------------------------------------------------------------------------------------------------------

    async def write(self, write: Write) -> bytes:
        number = len(self.writes)
        self.writes.append(write)
        if number in self.write_faults:
            raise self.write_faults[number]
        if write.verb == "create":
            return codec.encode(self._create(write))
        if write.verb == "delete":
            return codec.encode(self._delete(write))
        if write.content_type == APPLY_PATCH:
            return codec.encode(self._apply(write))
        old = self._get(write.resource, write.key)
        body = codec.decode(write.body)
        if write.verb == "patch":
            body = json_patched(old, body) if write.content_type == JSON_PATCH else merged(old, body)
        return codec.encode(self._store(write, old, body))

    def _create(self, write: Write) -> Document:
        body = codec.decode_document(write.body)
        if write.subresource:
            return self.posts[write.subresource](write.key, body)
        metadata = body.setdefault("metadata", {})
        if not metadata.get("name"):
            metadata["name"] = f"{metadata['generateName']}{self.revision:05d}"
        key = ObjectKey(write.key.namespace, metadata["name"])
        slot = _slot(write.resource, key)
        if slot in self.objects:
            raise errors.AlreadyExists(f'{write.resource} "{key.name}" already exists')
        for servers_own in ("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp"):
            metadata.pop(servers_own, None)
        body.pop("status", None)
        if write.resource.namespaced:
            metadata["namespace"] = key.namespace
        if write.query.get("dryRun"):
            return body
        return self._insert(slot, body)

    def _insert(self, slot: Slot, document: Document) -> Document:
        self.revision += 1
        metadata = document.setdefault("metadata", {})
        metadata.setdefault("uid", f"{slot[1]}-{slot[2].name}-{self.revision}")
        metadata.setdefault("generation", 1)
        metadata.setdefault("creationTimestamp", _timestamp(self.clock.now()))
        metadata["resourceVersion"] = str(self.revision)
        self._put(slot, document)
        return document

    def _store(self, write: Write, old: Document, new: Document) -> Document:
        """Store `new` over `old` as the subresource allows; nothing changes, nothing is written."""
        slot = _slot(write.resource, write.key)
        asked = new.get("metadata") or {}
        if asked.get("resourceVersion", old["metadata"]["resourceVersion"]) != old["metadata"]["resourceVersion"]:
            raise errors.Conflict("the object has been modified; please apply your changes to the latest version and try again")
        if asked.get("uid", old["metadata"]["uid"]) != old["metadata"]["uid"]:
            raise errors.Conflict("Precondition failed: UID in precondition")
        result = {**old, "status": new.get("status")} if write.subresource == "status" else {**new, "status": old.get("status")}
        if result["status"] is None:
            del result["status"]
        kept = {
            k: v
            for k, v in old["metadata"].items()
            if k in ("uid", "creationTimestamp", "deletionTimestamp", "generation", "name", "namespace")
        }
        metadata = {**(old["metadata"] if write.subresource else asked), **kept, "resourceVersion": old["metadata"]["resourceVersion"]}
        if not metadata.get("finalizers"):
            metadata.pop("finalizers", None)
        if "deletionTimestamp" in metadata and not set(metadata.get("finalizers") or ()) <= set(old["metadata"].get("finalizers") or ()):
            raise errors.Invalid("metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted")
        result["metadata"] = metadata
        if result == old:
            return old
        self.revision += 1
        if _declared(result) != _declared(old):
            metadata["generation"] = old["metadata"].get("generation", 0) + 1
        metadata["resourceVersion"] = str(self.revision)
        if "deletionTimestamp" in metadata and not metadata.get("finalizers"):
            self._remove(slot, result)
        else:
            self._put(slot, result)
        return result

    def _delete(self, write: Write) -> Document:
        old = self._get(write.resource, write.key)
        options = codec.decode_document(write.body) if write.body else {}
        for name, wanted in (options.get("preconditions") or {}).items():
            if old["metadata"][name] != wanted:
                raise errors.Conflict(f"Precondition failed: {name} in precondition: {wanted}, in object: {old['metadata'][name]}")
        metadata = dict(old["metadata"])
        finalizers = list(metadata.get("finalizers") or ())
        if options.get("propagationPolicy") == "Foreground" and "deletionTimestamp" not in metadata:
            finalizers = [*finalizers, "foregroundDeletion"] if self._dependents(metadata["uid"]) else finalizers
        if finalizers and "deletionTimestamp" in metadata:
            return old
        self.revision += 1
        slot = _slot(write.resource, write.key)
        metadata["resourceVersion"] = str(self.revision)
        if not finalizers:
            self._remove(slot, {**old, "metadata": metadata})
            return {"kind": "Status", "apiVersion": "v1", "status": "Success", "metadata": {}}
        metadata |= {"deletionTimestamp": _timestamp(self.clock.now()), "deletionGracePeriodSeconds": 0, "finalizers": finalizers}
        metadata["generation"] = metadata.get("generation", 0) + 1
        result = {**old, "metadata": metadata}
        self._put(slot, result)
        return result

    def _dependents(self, uid: str) -> list[tuple[Slot, Document]]:
        return [
            (slot, document)
            for slot, document in self.objects.items()
            if any(owner["uid"] == uid for owner in document["metadata"].get("ownerReferences") or ())
        ]

    def collect_garbage(self) -> None:
        """Delete what has owners, none of which exists any more; and so on with what that owned."""
        while True:
            alive = {document["metadata"]["uid"] for document in self.objects.values()}
            orphans = [
                (slot, document)
                for slot, document in self.objects.items()
                if (owners := document["metadata"].get("ownerReferences"))
                and not any(owner["uid"] in alive for owner in owners)
                and "deletionTimestamp" not in document["metadata"]
            ]
            if not orphans:
                return
            for slot, _ in orphans:
                self._delete(Write("delete", Resource(slot[0], "", slot[1], ""), slot[2]))

    def _apply(self, write: Write) -> Document:
        slot, body, manager = _slot(write.resource, write.key), codec.decode_document(write.body), write.query["fieldManager"]
        claimed = {path for path in _leaves(body) if path[0] not in ("apiVersion", "kind") and path not in _IDENTITY}
        old = self.objects.get(slot)
        if old is None:
            result = self._create(Write("create", write.resource, ObjectKey(write.key.namespace, ""), body=codec.encode(body)))
            self._managers[slot] = {manager: claimed}
            return result
        managers = self._managers.setdefault(slot, {})
        others = {path: name for name, paths in managers.items() if name != manager for path in paths}
        contested = sorted(".".join(path) for path in claimed & others.keys() if _at(old, path) != _at(body, path))
        if contested and write.query.get("force") != "true":
            raise errors.Conflict(f"Apply failed with {len(contested)} conflict(s): .{', .'.join(contested)}")
        new = merged(old, body)
        for path in managers.get(manager, set()) - claimed - others.keys():
            new = merged(new, _nested(path, None))
        for paths in managers.values():
            paths -= {path for path in claimed if _at(old, path) != _at(body, path)}
        managers[manager] = claimed
        return self._store(Write("update", write.resource, write.key), old, new)

    def _put(self, slot: Slot, document: Document) -> None:
        self._history.append(_Step(self.revision, slot, self.objects.get(slot), document))
        self.objects[slot] = document
        self._notify()

    def _remove(self, slot: Slot, last: Document) -> None:
        old = self.objects.pop(slot)
        self._managers.pop(slot, None)
        self._history.append(_Step(self.revision, slot, old, last, deleted=True))
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class Died(BaseException):
    """The process ended here; nothing may catch this."""


@dataclass
class InterruptingClient(ClientLayer):
    """A client whose process dies at one write: before the server saw it, or after it took effect and before the answer."""

    dies_at: int
    after: bool = False
    count: int = 0

    async def write(self, write: Write) -> bytes:
        number, self.count = self.count, self.count + 1
        if number == self.dies_at and not self.after:
            raise Died
        answer = await self.inner.write(write)
        if number == self.dies_at:
            raise Died
        return answer


def merged(target: Any, patch: Any) -> Any:
    """Return `target` after a merge patch (RFC 7386); neither is changed."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def json_patched(document: Document, operations: list[dict[str, Any]]) -> Document:
    """Return `document` after the add, replace, remove and test operations of a JSON patch (RFC 6902)."""
    result = codec.decode(codec.encode(document))
    for operation in operations:
        *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        place: Any = result
        try:
            for part in parents:
                place = place[int(part)] if isinstance(place, list) else place[part]
            _operate(place, last, operation)
        except (KeyError, IndexError) as error:
            raise errors.Invalid(f"the server rejected our request due to an error in our request: {operation['path']}") from error
    return result  # type: ignore[no-any-return]  # what was a document still is one


def _operate(place: Any, last: str, operation: dict[str, Any]) -> None:
    index: Any = (len(place) if last == "-" else int(last)) if isinstance(place, list) else last
    match operation["op"]:
        case "add" if isinstance(place, list):
            place.insert(index, operation["value"])
        case "add":
            place[index] = operation["value"]
        case "replace":
            _ = place[index]
            place[index] = operation["value"]
        case "remove":
            del place[index]
        case "test":
            if place[index] != operation["value"]:
                raise errors.Invalid(f"the test of {operation['path']} failed")
        case other:
            raise errors.BadRequest(f"JSON patch operation {other!r}")


_IDENTITY = {("metadata", "name"), ("metadata", "namespace"), ("metadata", "uid"), ("metadata", "resourceVersion")}


def _leaves(value: Document, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            yield from _leaves(dict(inner), (*path, key))
        else:
            yield (*path, key)


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        document = document.get(part) if isinstance(document, Mapping) else None
    return document


def _nested(path: tuple[str, ...], value: Any) -> Any:
    for part in reversed(path):
        value = {part: value}
    return value


def _slot(resource: Resource, key: ObjectKey) -> Slot:
    return (resource.group, resource.plural, key)


def _declared(document: Document) -> Document:
    return {key: value for key, value in document.items() if key not in ("metadata", "status")}


def _timestamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _selects(selection: Selection, slot: Slot, document: Document) -> bool:
    labels = document["metadata"].get("labels") or {}
    return (
        (not selection.namespace or slot[2].namespace == selection.namespace)
        and all(labels.get(key) == value for key, value in selection.labels.items())
        and all(_requirement_holds(rule, labels) for rule in _requirements(selection.label_selector))
        and all(_field_holds(rule, document) for rule in selection.field_selector.split(",") if rule)
    )


def _requirements(selector: str) -> Iterator[str]:
    depth, start = 0, 0
    for place, character in enumerate(selector):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            yield selector[start:place].strip()
            start = place + 1
    if selector[start:].strip():
        yield selector[start:].strip()


def _requirement_holds(rule: str, labels: Mapping[str, str]) -> bool:
    if rule.endswith(")"):
        head, _, listed = rule[:-1].partition("(")
        key, operator = head.split()
        values = {value.strip() for value in listed.split(",")}
        return (labels.get(key) in values) == (operator == "in")
    if rule.startswith("!"):
        return rule[1:].strip() not in labels
    if "!=" in rule:
        key, _, value = rule.partition("!=")
        return labels.get(key.strip()) != value.strip()
    if "=" in rule:
        key, _, value = rule.replace("==", "=").partition("=")
        return labels.get(key.strip()) == value.strip()
    return rule in labels


def _field_holds(rule: str, document: Document) -> bool:
    path, negated, value = _field_rule(rule)
    found = _at(document, tuple(path.split(".")))
    return (("" if found is None else str(found)) == value) != negated


def _field_rule(rule: str) -> tuple[str, bool, str]:
    if "!=" in rule:
        path, _, value = rule.partition("!=")
        return path, True, value
    path, _, value = rule.replace("==", "=").partition("=")
    return path, False, value


class NoLookups:
    """Lookups of webhooks that need none: any look is a failure of the test."""

    async def get(self, kind: Any, key: Any) -> Any:
        raise AssertionError(f"nothing should look up {kind.__name__} {key}")

    async def list(self, kind: Any, *, namespace: str = "") -> Any:
        raise AssertionError(f"nothing should list {kind.__name__} in {namespace!r}")

    async def referenced(self, reference: Any, namespace: str) -> Any:
        raise AssertionError(f"nothing should look up {reference} in {namespace!r}")


class EmptyLookups:
    """Lookups in a world without other objects."""

    async def get(self, kind: Any, key: Any) -> Any:
        return None

    async def list(self, kind: Any, *, namespace: str = "") -> Any:
        return []

    async def referenced(self, reference: Any, namespace: str) -> Any:
        return None
