"""From what a client sent to a document of the resource: known fields only, with defaults, and built-in kinds with the right types."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from capelin.apiserver import kinds
from capelin.apiserver.registry import Version
from capelin.apiserver.requests import Target, WriteOptions
from capelin.runtime import errors
from capelin.runtime.codec import Document
from capelin.runtime.documents import causes
from capelin.runtime.documents.fieldtypes import DEDUCED, Type
from capelin.runtime.documents.schema import Schema, compile_schema

COMPLAINTS_LIMIT: Final = 100
"""Unknown and duplicate fields that are told of one body, as in Kubernetes."""


@lru_cache(maxsize=2048)
def schema_of(version: Version) -> Schema | None:
    """Return the compiled schema of a version, which all servers of the process share; None when it keeps every field."""
    return None if version.schema is None else compile_schema(version.schema)


def type_of(version: Version) -> Type:
    """Return what server-side apply needs to know of a version's fields."""
    schema = schema_of(version)
    return DEDUCED if schema is None else schema.type


def decoded(target: Target, document: Document, options: WriteOptions, duplicates: Sequence[str]) -> tuple[Document, tuple[str, ...]]:
    """Return the document as the schema knows it, with defaults, and the warnings about what that left out."""
    schema = schema_of(target.version)
    unknown: list[str] = []
    if schema is not None:
        document, unknown = schema.prune(document)
        document = schema.default(document)
        if target.definition.builtin:
            _check_types(target, schema, document)
    if options.field_validation == "Ignore" or not (unknown or duplicates):
        return document, ()
    complaints = (
        *(f'unknown field "{path}"' for path in unknown),
        *(f'duplicate field "{path}"' for path in dict.fromkeys(duplicates)),
    )
    if options.field_validation == "Warn":
        return document, complaints[:COMPLAINTS_LIMIT]
    raise _strict_refusal(target, f"strict decoding error: {', '.join(complaints[:COMPLAINTS_LIMIT])}")


def reread(target: Target, old: Document | None, document: Document) -> Document:
    """Return a document that webhooks have changed as if the client had sent it in the place of `old`.

    Raises:
        BadRequest: a field of a built-in kind has a wrong type.
    """
    schema = schema_of(target.version)
    if schema is None:
        return document
    document = schema.default(schema.prune(document)[0])
    if target.definition.builtin:
        _check_types(target, schema, document)
    return kinds.behavior(target.definition.name).complete(document, old)


def _check_types(target: Target, schema: Schema, document: Document) -> None:
    """Return when every field has its type; what follows reads the fields of built-in kinds.

    Raises:
        BadRequest: one has not, so kube-apiserver could not even decode it.
    """
    wrong = [cause for cause in schema.validate(document) if cause.reason == causes.TYPE_INVALID]
    if wrong:
        kind = target.definition.kind
        hides = target.definition.name == kinds.SECRETS  # the values of which belong into no message and no log
        told = ", ".join(f"{cause.field}: wrong type or encoding" for cause in wrong) if hides else causes.aggregate(wrong)
        raise errors.BadRequest(f'{kind} in version "{target.version.name}" cannot be handled as a {kind}: {told}')


def _strict_refusal(target: Target, complaint: str) -> errors.ApiError:
    """Return the refusal of unknown fields; of a patch it is Invalid, by which `kubectl edit` knows to offer another try."""
    kind = target.definition.kind
    if target.verb == "patch":
        cause = causes.invalid(("patch",), kind, complaint)
        return errors.Invalid(f' "" is invalid: patch: {cause.message}', causes=(cause,))
    return errors.BadRequest(f'{kind} in version "{target.version.name}" cannot be handled as a {kind}: {complaint}')
