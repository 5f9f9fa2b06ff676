"""get and list: stored bytes in the form the client accepts."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from capelin.apiserver import selectors, statuses
from capelin.apiserver.requests import Target
from capelin.apiserver.selectors import Selector
from capelin.apiserver.storage.store import Compacted, Item, Key, Store
from capelin.apiserver.surface import tables
from capelin.apiserver.surface.representation import Accepted, accepted, as_version, list_bytes, partial_metadata, reply
from capelin.runtime import codec, errors
from capelin.runtime.codec import Document
from capelin.runtime.errors import Cause
from capelin.runtime.transport import Request, Response

CONTINUE_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. "
    "You can start a new list without the continue parameter."
)


@dataclass(frozen=True, slots=True)
class Form:
    """How a client wants objects of one target shown."""

    target: Target
    wanted: Accepted
    include_object: str
    now: datetime

    def data(self, item: bytes) -> bytes:
        """Return one object, without regard to lists."""
        shown = as_version(item, self.target.definition, self.target.version)
        if self.wanted.form == "Table":
            return codec.encode(self._table((shown,), {"resourceVersion": _revision_of(shown)}, headers=True))
        if self.wanted.form:
            return codec.encode(partial_metadata(shown, self.wanted.version))
        return shown

    def line(self, item: bytes, *, headers: bool) -> bytes:
        """Return one object of a watch; of a Table only the first describes the columns."""
        if self.wanted.form != "Table":
            return self.data(item)
        shown = as_version(item, self.target.definition, self.target.version)
        return codec.encode(self._table((shown,), {"resourceVersion": _revision_of(shown)}, headers=headers))

    def list(self, items: Iterable[bytes], metadata: Document) -> bytes:
        """Return a list of objects."""
        definition, version = self.target.definition, self.target.version
        shown = (as_version(item, definition, version) for item in items)
        if self.wanted.form == "Table":
            return codec.encode(self._table(shown, metadata, headers=True))
        if self.wanted.form:
            partial = (codec.encode(partial_metadata(item, self.wanted.version)) for item in shown)
            return list_bytes(f"meta.k8s.io/{self.wanted.version}", "PartialObjectMetadataList", metadata, partial)
        return list_bytes(self.target.api_version, definition.list_kind, metadata, shown)

    def _table(self, shown: Iterable[bytes], metadata: Document, *, headers: bool) -> Document:
        return tables.to_table(
            tables.columns(self.target.definition, self.target.version),
            map(codec.decode_document, shown),
            now=self.now,
            metadata=metadata,
            form=self.wanted.version,
            include_object=self.include_object,
            headers=headers,
        )


def form(target: Target, request: Request, now: datetime) -> Form:
    """Return the form in which the client wants the answer.

    Raises:
        NotAcceptable, BadRequest: it asks for one that does not exist.
    """
    include_object = request.query.get("includeObject", "")
    tables.check_include_object(include_object)
    return Form(target, accepted(request), include_object, now)


def _revision_of(data: bytes) -> str:
    return str(codec.decode_document(data)["metadata"].get("resourceVersion", ""))


def get(store: Store, target: Target, request: Request, now: datetime) -> Response:
    """Return the answer with one object.

    Raises:
        NotFound: there is no such object.
        Timeout: it must not be older than a revision that this server has not reached.
    """
    minimum = _number(request, "resourceVersion")
    if minimum > store.revision:
        raise statuses.too_large_revision(minimum, store.revision)
    item = store.get(target.definition.name, target.key)
    if item is None:
        raise statuses.not_found(target.definition, target.name)
    shown = form(target, request, now)
    return reply(shown.data(item.data), shown.wanted)


@dataclass(frozen=True, slots=True)
class _Page:
    """Which part of a list is asked for: `revision` 0 is the present, `limit` 0 everything."""

    revision: int
    limit: int
    after: Key | None


def list_objects(store: Store, target: Target, request: Request, now: datetime) -> Response:
    """Return the answer with a list, or with one page of it.

    Raises:
        BadRequest, Invalid: a parameter makes no sense.
        Gone: the revision is no longer known.
        Timeout: the list must not be older than a revision that this server has not reached.
    """
    selector = selectors.parse(target.version, request.query.get("labelSelector", ""), request.query.get("fieldSelector", ""))
    shown = form(target, request, now)
    page = _page(store, request)
    found = _selected(store, target, selector, page)
    items = list(islice(found, page.limit + 1) if page.limit else found)
    metadata: Document = {"resourceVersion": str(page.revision or store.revision)}
    if page.limit and len(items) > page.limit:
        items.pop()
        metadata["continue"] = _token(page.revision or store.revision, items[-1].key)
        if selector.selects_all:
            metadata["remainingItemCount"] = 1 + sum(1 for _ in found)
    return reply(shown.list((item.data for item in items), metadata), shown.wanted)


def _selected(store: Store, target: Target, selector: Selector, page: _Page) -> Iterator[Item]:
    resource, namespace = target.definition.name, target.namespace or selector.namespace
    if selector.name and not page.revision and (namespace or not target.definition.namespaced):
        item = store.get(resource, (namespace, selector.name))
        return iter([item] if item is not None and selector.matches(item) else [])
    try:
        items = store.items(resource, namespace, revision=page.revision, after=page.after)
    except Compacted as error:
        if page.after is not None:
            raise statuses.expired(CONTINUE_EXPIRED) from error
        raise statuses.expired(f"The resourceVersion for the provided list is too old: {page.revision}.") from error
    return items if selector.selects_all else filter(selector.matches, items)


def _page(store: Store, request: Request) -> _Page:
    limit = _number(request, "limit")
    token = request.query.get("continue", "")
    revision, match = _number(request, "resourceVersion"), request.query.get("resourceVersionMatch", "")
    if token:
        if revision:
            raise errors.BadRequest("specifying resource version is not allowed when using continue")
        at, after = _read_token(token)
        return _Page(at, limit, after)
    _check_match(request, match)
    if match == "Exact" or (limit and revision and not match):
        return _Page(revision, limit, None)
    if revision > store.revision:
        raise statuses.too_large_revision(revision, store.revision)
    return _Page(0, limit, None)


def _check_match(request: Request, match: str) -> None:
    revision = request.query.get("resourceVersion", "")
    if not match:
        return
    if match not in ("Exact", "NotOlderThan"):
        raise _list_options_invalid(f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan"')
    if not revision:
        raise _list_options_invalid("Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided")
    if match == "Exact" and revision == "0":
        raise _list_options_invalid('Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"')


def _list_options_invalid(message: str) -> errors.Invalid:
    cause = Cause("resourceVersionMatch", message)
    return errors.Invalid(f'ListOptions.meta.k8s.io "" is invalid: {cause.field}: {message}', causes=(cause,))


def _number(request: Request, name: str) -> int:
    text = request.query.get(name, "") or "0"
    if not (text.isascii() and text.isdigit()):
        raise errors.BadRequest(f'{name}: Invalid value: "{text}": must be a non-negative integer')
    return int(text)


def _token(revision: int, after: Key) -> str:
    return base64.urlsafe_b64encode(codec.encode([revision, *after])).decode().rstrip("=")


def _read_token(token: str) -> tuple[int, Key]:
    try:
        revision, namespace, name = codec.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, TypeError, binascii.Error) as error:
        raise errors.BadRequest("continue key is not valid") from error
    if not (isinstance(revision, int) and isinstance(namespace, str) and isinstance(name, str)):
        raise errors.BadRequest("continue key is not valid")
    return revision, (namespace, name)
