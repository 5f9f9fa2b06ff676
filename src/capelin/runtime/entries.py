"""One object in the cache: a small key object beside the bytes it was decoded from.

The bytes are compact JSON without managedFields and without the annotation in which kubectl keeps a second copy of the object. The
resourceVersion is kept apart from them, so that two states that differ in nothing else are equal bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from capelin.api.meta import Object, ObjectKey, OwnerReference
from capelin.runtime import codec

O = TypeVar("O", bound=Object)

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_HEAD = b'{"metadata":{'
_Raw = dict[str, msgspec.Raw]


class Owner(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An owner reference, as small as it gets."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    owner_references: tuple[Owner, ...] | None = None


class _Annotations(msgspec.Struct):
    annotations: dict[str, str] | None = None


class _Annotated(msgspec.Struct):
    metadata: _Annotations


class _BookmarkMetadata(msgspec.Struct, rename="camel"):
    resource_version: str


class _Bookmark(msgspec.Struct):
    metadata: _BookmarkMetadata


_raw_decoder = msgspec.json.Decoder(_Raw)
_metadata_decoder = msgspec.json.Decoder(_Metadata)
_annotations_decoder = msgspec.json.Decoder(dict[str, str])
_annotated_decoder = msgspec.json.Decoder(_Annotated)
_version_decoder = msgspec.json.Decoder(str)
_bookmark_decoder = msgspec.json.Decoder(_Bookmark)
_NO_LABELS: Mapping[str, str] = {}


class CachedObject(msgspec.Struct, frozen=True, eq=False, gc=False):
    """An `Entry` (see `capelin.runtime.reconcile`); immutable, so shared by everybody."""

    key: ObjectKey
    uid: str
    resource_version: str
    generation: int
    labels: Mapping[str, str]
    references: tuple[Owner, ...]
    deleting: bool
    body: bytes
    """The object without its resourceVersion; starts with the metadata."""

    @property
    def data(self) -> bytes:
        """The object's JSON."""
        return b"".join((_HEAD, b'"resourceVersion":"', self.resource_version.encode(), b'",', self.body[len(_HEAD) :]))

    @property
    def annotations(self) -> Mapping[str, str]:
        """The annotations, decoded at each call."""
        return _annotated_decoder.decode(self.body).metadata.annotations or {}

    @property
    def owners(self) -> tuple[OwnerReference, ...]:
        """The owner references, built at each call."""
        return tuple(OwnerReference.model_validate(msgspec.to_builtins(owner)) for owner in self.references)

    def view(self, kind: type[O]) -> O:
        """Return a fresh typed copy."""
        return kind.parse(self.data)


def ingest(data: bytes, *, metadata_only: bool = False) -> CachedObject:
    """Return the cached form of an object's JSON; with `metadata_only` nothing else of it is kept.

    Raises:
        DecodeError: `data` is not an API object.
    """
    try:
        document = _raw_decoder.decode(data)
        metadata = _raw_decoder.decode(document.pop("metadata"))
        metadata.pop("managedFields", None)
        version = _version_decoder.decode(metadata.pop("resourceVersion"))
        revision(version)
        annotations = metadata.get("annotations")
        if annotations is not None and _LAST_APPLIED.encode() in bytes(annotations):
            metadata["annotations"] = _without_last_applied(annotations)
        raw = msgspec.Raw(codec.encode(metadata))
        found = _metadata_decoder.decode(raw)
        kept = {name: value for name, value in document.items() if name in ("kind", "apiVersion")} if metadata_only else document
        return CachedObject(
            key=ObjectKey(sys.intern(found.namespace), found.name),
            uid=found.uid,
            resource_version=version,
            generation=found.generation,
            labels={sys.intern(name): sys.intern(value) for name, value in found.labels.items()} if found.labels else _NO_LABELS,
            references=found.owner_references or (),
            deleting=found.deletion_timestamp is not None,
            body=codec.encode({"metadata": raw, **kept}),
        )
    except (msgspec.DecodeError, KeyError, RecursionError) as error:
        raise codec.DecodeError(f"not an API object: {error}") from error


def bookmark(data: bytes) -> str:
    """Return the resourceVersion that a bookmark carries.

    Raises:
        DecodeError: it carries none.
    """
    try:
        version = _bookmark_decoder.decode(data).metadata.resource_version
    except msgspec.DecodeError as error:
        raise codec.DecodeError(f"not a bookmark: {error}") from error
    revision(version)
    return version


def revision(resource_version: str) -> int:
    """Return the number that a resourceVersion is; Kubernetes promises that they compare as numbers (KEP-5504).

    Raises:
        DecodeError: it is none.
    """
    if not resource_version.isascii() or not resource_version.isdigit() or len(resource_version) > 20:
        raise codec.DecodeError(f"found resourceVersion {resource_version[:40]!r}, allowed are whole numbers")
    return int(resource_version)


def _without_last_applied(annotations: msgspec.Raw) -> msgspec.Raw:
    kept = {name: value for name, value in _annotations_decoder.decode(annotations).items() if name != _LAST_APPLIED}
    return msgspec.Raw(codec.encode(kept))


class _Versions(msgspec.Struct, rename="camel"):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    labels: dict[str, str] | None = None
    owner_references: tuple[Owner, ...] | None = None


class _Stored(msgspec.Struct):
    metadata: _Versions
    kind: str = ""


Identity = _Versions
"""What a write's answer says about the object: name, namespace, UID, resourceVersion, labels and owners."""

_stored_decoder = msgspec.json.Decoder(_Stored)


def identity(answer: bytes) -> Identity | None:
    """Return the identity of the object that a write was answered with; None when the answer is a Status."""
    try:
        found = _stored_decoder.decode(answer)
    except msgspec.DecodeError:
        return None
    return None if found.kind == "Status" or not found.metadata.resource_version else found.metadata
