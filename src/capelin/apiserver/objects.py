"""Writes objects by the rules that all resources share.

A write waits until earlier writes of the object are durable, since its answer may tell of them. Then it runs in one turn of the event
loop, from reading the state it builds on to handing the new state to the store, so there is nothing to lock. Only where webhooks have to
be asked there are several turns: then the state is looked at again when they have answered, and a write that was overtaken starts over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from capelin.apiserver import kinds, statuses, strategy
from capelin.apiserver.admission.review import Review, Reviews
from capelin.apiserver.decoding import decoded, reread, schema_of, type_of
from capelin.apiserver.registry import Registry, ResourceDefinition
from capelin.apiserver.replicas import check_replicas
from capelin.apiserver.requests import STATUS, Target, WriteOptions
from capelin.apiserver.storage.store import Item, Key, Store
from capelin.apiserver.surface.representation import as_version, ordered
from capelin.runtime import codec, errors
from capelin.runtime.codec import Document
from capelin.runtime.documents import causes, objectmeta
from capelin.runtime.documents.apply import RESET_ALL_BUT_STATUS, RESET_STATUS, Writer, apply, track_update
from capelin.runtime.documents.fieldset import Fields
from capelin.runtime.errors import Cause
from capelin.runtime.seams import Clock, Random

OBJECT_LIMIT = 1_572_864  # bytes: etcd's default request limit, which every client knows objects to fit in
ATTEMPTS = 16  # of a write that others overtake while webhooks are asked about it; then the client may try
_GENERATE_ATTEMPTS = 8

Transform = Callable[[Document], Document]
"""Returns the state that is wanted, given the stored one, which it leaves alone."""


@dataclass(frozen=True, slots=True)
class Facade:
    """How a subresource shows a part of an object as an object of another kind, and takes a state of that back into the object."""

    shown: Transform
    taken: Callable[[Document, Document], Document]


@dataclass(frozen=True, slots=True)
class _Change:
    """An update as it was asked for."""

    target: Target
    transform: Transform
    options: WriteOptions
    duplicates: Sequence[str]
    tracked: bool
    facade: Facade | None


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of a write: the object as stored and what to warn the client of."""

    data: bytes
    created: bool = False
    warnings: tuple[str, ...] = ()


def _reset_fields(target: Target) -> Fields:
    """Return the fields that this endpoint leaves alone, whatever the request says of them, as a set of managed fields."""
    if target.subresource == STATUS:
        return RESET_ALL_BUT_STATUS
    return RESET_STATUS if target.version.status else {}


class Objects:
    """The objects of one server, as writers see them."""

    def __init__(self, store: Store, registry: Registry, reviews: Reviews, *, clock: Clock, random: Random) -> None:
        self.store = store
        self.registry = registry
        self.reviews = reviews
        self.clock = clock
        self.random = random

    def latest(self, definition: ResourceDefinition, key: Key) -> Item:
        """Return the state that a write builds on.

        Raises:
            NotFound: there is no such object.
        """
        item = self.store.latest(definition.name, key)
        if item is None:
            raise statuses.not_found(definition, key[1])
        return item

    async def current(self, definition: ResourceDefinition, key: Key) -> Item:
        """Return the state that a write builds on, once no other write of the object is under way: it may be told to the client.

        Raises:
            NotFound: there is no such object.
        """
        await self.store.settled(definition.name, key)
        return self.latest(definition, key)

    async def create(
        self, target: Target, document: Document, options: WriteOptions, duplicates: Sequence[str] = (), *, tracked: bool = False
    ) -> Written:
        """Store a new object; `tracked` says that its managed fields are computed already.

        Raises:
            BadRequest, Invalid: the document is not an acceptable object.
            AlreadyExists: the name is taken.
            NotFound, Forbidden: the namespace does not exist, or is being deleted; or a webhook refuses.
        """
        document, warnings = decoded(target, strategy.identified(target, document), options, duplicates)
        review = self.reviews.of("CREATE", target, options)
        if review is not None:
            self._check_namespace(target.definition, (target.namespace, document["metadata"].get("name", "")))
            document = kinds.behavior(target.definition.name).complete(strategy.wiped(document), None)
            document = document if tracked else self._tracked(target, None, document, options)
            review = review.on(document["metadata"].get("name") or "")
            document, tracked = await review.mutated(document, None, partial(reread, target, None)), True
            strategy.check_identity(target, document)
        document = self._named(target.definition, document)
        key = (target.namespace, document["metadata"].get("name", ""))
        await self.store.settled(target.definition.name, key)
        self._check_namespace(target.definition, key)
        created = strategy.created(target.definition, target.version, document, uid=self.random.uid(), now=self.clock.now())
        created = kinds.behavior(target.definition.name).prepare(created, None, self.registry)
        self._validate(target, created, None)
        if review is not None:
            await review.validated(created, None)
            await self.store.settled(target.definition.name, key)
            self._check_namespace(target.definition, key)
        if self.store.latest(target.definition.name, key) is not None:
            raise statuses.already_exists(target.definition, key[1])
        if not tracked:
            created = self._tracked(target, None, created, options)
        data = await self.commit(target.definition, key, created, dry_run=options.dry_run)
        return Written(data, created=True, warnings=warnings)

    async def apply(self, target: Target, applied: Document, options: WriteOptions, duplicates: Sequence[str] = ()) -> Written:
        """Store the object with exactly the fields of `applied` owned by this field manager, beside what others own.

        Raises:
            Conflict: another manager owns a field with another value, and the options do not force.
        """
        writer, type_ = self._writer(target, options), type_of(target.version)
        applied = strategy.identified(target, applied)
        await self.store.settled(target.definition.name, target.key)
        if self.store.latest(target.definition.name, target.key) is None and not target.subresource:
            try:
                return await self.create(target, apply(None, applied, writer, type_=type_), options, duplicates, tracked=True)
            except errors.AlreadyExists:
                pass  # somebody was faster while webhooks were asked: then it is an update

        def transform(live: Document) -> Document:
            return apply(live, applied, writer, type_=type_, force=options.force)

        return await self.update(target, transform, options, duplicates, tracked=True)

    async def update(
        self,
        target: Target,
        transform: Transform,
        options: WriteOptions,
        duplicates: Sequence[str] = (),
        *,
        tracked: bool = False,
        facade: Facade | None = None,
    ) -> Written:
        """Store what `transform` makes of an object, or of what a facade shows of it; nothing is written when that changes nothing.

        An object that is being deleted and has no finalizers left afterwards is gone.

        Raises:
            NotFound: there is no such object.
            Conflict: the wanted state names another UID or resourceVersion.
            BadRequest, Invalid: the wanted state is not acceptable.
            Forbidden: a webhook refuses.
        """
        change = _Change(target, transform, options, duplicates, tracked, facade)
        review = self.reviews.of("UPDATE", target, options)
        for _ in range(ATTEMPTS):
            item = await self.current(target.definition, target.key)
            old = codec.decode_document(as_version(item.data, target.definition, target.version))
            wanted, warnings = self._wanted(change, old) if review is None else await self._reviewed(change, old, review)
            new = kinds.behavior(target.definition.name).prepare(strategy.updated(target, old, wanted), old, self.registry)
            is_changed = not strategy.unchanged(old, new)
            if is_changed:
                self._validate(target, new, old)
            if review is not None:
                judged = strategy.at_revision(new, old)
                await review.validated(*((facade.shown(judged), facade.shown(old)) if facade else (judged, old)))
                if not await self.still(target.definition, item):
                    continue
            if not is_changed:
                return Written(item.data, warnings=warnings)
            if not tracked and (review is None or facade is not None):
                new = self._tracked(target, old, new, options)
            return Written(await self.settle(target.definition, target.key, new, dry_run=options.dry_run), warnings=warnings)
        raise statuses.conflict(target.definition, target.name)

    def _wanted(self, change: _Change, old: Document) -> tuple[Document, tuple[str, ...]]:
        """Return the wanted state as the resource knows it, and what to warn of."""
        target, facade = change.target, change.facade
        wanted = change.transform(old) if facade is None else facade.taken(old, change.transform(facade.shown(old)))
        wanted = strategy.identified(target, wanted)
        _check_uid_precondition(target, old, wanted)
        _check_revision(target, old, wanted)
        return decoded(target, wanted, change.options, change.duplicates)

    async def _reviewed(self, change: _Change, old: Document, review: Review) -> tuple[Document, tuple[str, ...]]:
        """Return the same after webhooks have changed it. They see it before its resourceVersion is looked at, as in Kubernetes."""
        target, facade = change.target, change.facade
        if facade is not None:
            shown = facade.shown(old)
            changed = await review.mutated(change.transform(shown), shown, _as_is)
            return self._wanted(replace(change, transform=lambda _shown: changed), old)
        wanted = strategy.identified(target, change.transform(old))
        _check_uid_precondition(target, old, wanted)
        wanted, warnings = decoded(target, wanted, change.options, change.duplicates)
        wanted = kinds.behavior(target.definition.name).complete(wanted, old)
        if not change.tracked:
            wanted = self._tracked(target, old, wanted, change.options)
        wanted = await review.mutated(wanted, old, partial(reread, target, old))
        strategy.check_identity(target, wanted)
        _check_revision(target, old, wanted)
        return wanted, warnings

    async def still(self, definition: ResourceDefinition, item: Item) -> bool:
        """Tell whether the object is in this state, once no other write of it is under way."""
        await self.store.settled(definition.name, item.key)
        latest = self.store.latest(definition.name, item.key)
        return latest is not None and latest.revision == item.revision

    async def settle(self, definition: ResourceDefinition, key: Key, document: Document, *, dry_run: bool = False) -> bytes:
        """Store the next state of an existing object, or remove it when nothing holds back its deletion any more."""
        gone = strategy.is_deleting(document) and not strategy.pending_finalizers(definition, document)
        return await self.commit(definition, key, document, dry_run=dry_run, gone=gone)

    async def commit(
        self, definition: ResourceDefinition, key: Key, document: Document, *, dry_run: bool = False, gone: bool = False
    ) -> bytes:
        """Store the document as the object's next state (its last one when `gone`) and return its bytes, once they are durable.

        Raises:
            TooLarge: they are more than the server keeps.
            InsufficientStorage: they could not be made durable; nothing has changed.
        """
        meta = dict(document["metadata"])
        revision = self._present_revision(definition, key) if dry_run else self.store.next_revision
        if revision:
            meta["resourceVersion"] = str(revision)
        stored = {**document, "apiVersion": definition.api_version(definition.storage_version.name), "metadata": meta}
        data = codec.encode(ordered(stored))
        if len(data) > OBJECT_LIMIT:
            raise errors.TooLarge(f"Request entity too large: the object has {len(data)} bytes, the limit is {OBJECT_LIMIT}")
        if dry_run:
            return data
        write = self.store.remove if gone else self.store.put
        try:
            await write(definition.name, key, data)
        except OSError as error:
            raise statuses.InsufficientStorage(f"{definition.name} {key[1]!r} was not stored: {error}") from error
        return data

    def _present_revision(self, definition: ResourceDefinition, key: Key) -> int:
        """Return the revision of the stored object; 0 when there is none."""
        item = self.store.latest(definition.name, key)
        return item.revision if item else 0

    def _tracked(self, target: Target, old: Document | None, new: Document, options: WriteOptions) -> Document:
        return track_update(old, new, self._writer(target, options), type_=type_of(target.version))

    def _writer(self, target: Target, options: WriteOptions) -> Writer:
        return Writer(
            options.field_manager,
            target.api_version,
            self.clock.now(),
            target.subresource,
            _reset_fields(target),
            frozenset(target.definition.api_version(version.name) for version in target.definition.versions),
        )

    def _named(self, definition: ResourceDefinition, document: Document) -> Document:
        """Return the document with a name that is free, if it has none and asks for one."""
        meta = document["metadata"]
        if meta.get("name") or not meta.get("generateName"):
            return document
        name = ""
        for _ in range(_GENERATE_ATTEMPTS):
            suffix = self.random.token(strategy.GENERATED_SUFFIX, strategy.GENERATED_ALPHABET)
            name = strategy.generated_name(meta["generateName"], suffix)
            if self.store.latest(definition.name, (meta.get("namespace", ""), name)) is None:
                break
        return {**document, "metadata": {**meta, "name": name}}

    def _check_namespace(self, definition: ResourceDefinition, key: Key) -> None:
        namespace, name = key
        if not definition.namespaced:
            return
        item = self.store.latest(kinds.NAMESPACES, ("", namespace))
        if item is None:
            raise errors.NotFound(f'namespaces "{namespace}" not found', details={"name": namespace, "kind": kinds.NAMESPACES})
        if item.head.deletion_timestamp is not None:
            cause = Cause("metadata.namespace", f"namespace {namespace} is being terminated", "NamespaceTerminating")
            message = f"unable to create new content in namespace {namespace} because it is being terminated"
            raise statuses.forbidden(definition, name, message, (cause,))

    def _validate(self, target: Target, new: Document, old: Document | None) -> None:
        definition = target.definition
        behavior = kinds.behavior(definition.name)
        found: list[Cause] = []
        if old is None:
            found += objectmeta.check_metadata(new, namespaced=definition.namespaced, name_rule=behavior.name_rule)
        else:
            found += objectmeta.check_metadata_update(new, old)
        schema = schema_of(target.version)
        if schema is not None:
            found += schema.validate(new, old)
        if target.version.scale is not None:
            found += check_replicas(target.version.scale, new)
        if not found:  # rules of one kind may count on the shape that the schema demands
            found += behavior.validate(new, old)
        if found:
            raise statuses.invalid(definition, new["metadata"].get("name", ""), found)


def _as_is(document: Document) -> Document:
    return document


def _check_uid_precondition(target: Target, old: Document, wanted: Document) -> None:
    uid, have = wanted["metadata"].get("uid"), old["metadata"]["uid"]
    if uid and uid != have and target.verb == "update":
        message = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {have}"
        raise statuses.conflict(target.definition, target.name, message)


def _check_revision(target: Target, old: Document, wanted: Document) -> None:
    """Return when the wanted state was made from the stored one, or does not say what it was made from."""
    uid, revision = wanted["metadata"].get("uid"), wanted["metadata"].get("resourceVersion")
    if revision and revision != old["metadata"]["resourceVersion"]:
        raise statuses.conflict(target.definition, target.name)
    conditional = not target.definition.builtin or kinds.behavior(target.definition.name).conditional
    if not revision and target.verb == "update" and conditional:
        raise statuses.unconditional(target.definition, target.name)
    if uid and uid != old["metadata"]["uid"]:
        raise statuses.invalid(target.definition, target.name, (causes.invalid(("metadata", "uid"), uid, "field is immutable"),))
