"""The schema of one version of a kind, compiled: prune, default, validate, and what server-side apply needs to know of its types.

A write passes `prune` (unknown fields), `default`, and after admission `validate`, which lists every broken rule at once: types and bounds,
sets and maps, embedded resources, then the kind's own CEL rules. Metadata of the object itself is known here as far as its types go; its
rules (names, labels, owners) are those of `objectmeta`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from capelin.runtime.codec import Document
from capelin.runtime.documents import causes
from capelin.runtime.documents.causes import Path
from capelin.runtime.documents.cel import Rules, compile_rules
from capelin.runtime.documents.correlation import is_unchanged
from capelin.runtime.documents.defaulting import Defaulter, compile_defaulter
from capelin.runtime.documents.fieldtypes import Type, compile_type
from capelin.runtime.documents.listtypes import compile_list_check
from capelin.runtime.documents.objectmeta import OBJECT_META, check_embedded, without_empty
from capelin.runtime.documents.pruning import Pruner, compile_pruner
from capelin.runtime.documents.schemashape import without_nulls
from capelin.runtime.documents.schemawalk import Check, compile_walk
from capelin.runtime.documents.validation import Validator
from capelin.runtime.errors import Cause

_BLOCKING = frozenset({causes.NOT_SUPPORTED, causes.REQUIRED, causes.TOO_LONG, causes.TOO_MANY, causes.TYPE_INVALID})
_UNCHECKED = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"
_metadata_pruner: Pruner = compile_pruner(OBJECT_META, None)
_without_nulls = compile_defaulter(OBJECT_META, None)


def _metadata_defaulter(metadata: Any) -> Any:
    return without_empty(_without_nulls(metadata) if _without_nulls else metadata)


def compile_schema(openapi: Mapping[str, Any], *, preserve_unknown: bool = False) -> Schema:
    """Return the compiled form of a resource's structural schema, which must have passed `structural.check_structural`.

    `preserve_unknown` is the CRD's `spec.preserveUnknownFields`: nothing is pruned. Parts are compiled when they are first used.
    """
    openapi = without_nulls(openapi)
    return Schema({**openapi, "x-kubernetes-preserve-unknown-fields": True} if preserve_unknown else openapi)


class Schema:
    """A resource's structural schema; all methods leave their arguments alone and share with them what stays the same."""

    def __init__(self, openapi: Mapping[str, Any]) -> None:
        self.openapi = openapi

    def prune(self, document: Document) -> tuple[Document, list[str]]:
        """Return the document without fields the schema does not know, and the sorted paths of those."""
        unknown: list[Path] = []
        pruned = self._pruner(document, unknown)
        return pruned, sorted(map(causes.render, unknown))

    def default(self, document: Document) -> Document:
        """Return the document with its defaults, without nulls where null is not allowed."""
        filled: Document = self._defaulter(document) if self._defaulter else document
        return filled

    def validate(self, document: Document, old: Document | None = None) -> list[Cause]:
        """Return every rule the document breaks.

        With `old`, the object as it was, rules over values that did not change are not told again, and transition rules apply.
        """
        broken = self._validator.broken(document)
        found = [cause for at, cause in broken if old is None or not is_unchanged(self.openapi, document, old, at)]
        if self._lists and (repeated := self._lists(document, ())) and (old is None or not self._lists(old, ())):
            found += repeated
        if self._embedded:
            found += self._embedded(document, ())
        if self._rules is None:
            return found
        if any(cause.reason in _BLOCKING for cause in found):
            return [*found, causes.invalid((), None, _UNCHECKED)]
        return found + self._rules.check(document, old)

    @cached_property
    def type(self) -> Type:
        """What server-side apply and strategic merge patch know of the fields."""
        return compile_type({**self.openapi, "properties": {**_properties(self.openapi), "metadata": OBJECT_META}})

    @cached_property
    def _pruner(self) -> Pruner:
        return compile_pruner(self.openapi, _metadata_pruner, resource=True)

    @cached_property
    def _defaulter(self) -> Defaulter | None:
        return compile_defaulter(self.openapi, _metadata_defaulter, resource=True)

    @cached_property
    def _validator(self) -> Validator:
        properties = _properties(self.openapi)
        metadata = [OBJECT_META, properties["metadata"]] if "metadata" in properties else [OBJECT_META]
        return Validator({**self.openapi, "properties": {**properties, "metadata": {"allOf": metadata}}})

    @cached_property
    def _lists(self) -> Check | None:
        return compile_list_check(self.openapi)

    @cached_property
    def _embedded(self) -> Check | None:
        return compile_walk(self.openapi, _embedded_check)

    @cached_property
    def _rules(self) -> Rules | None:
        return compile_rules(self.openapi)


def _properties(openapi: Mapping[str, Any]) -> Mapping[str, Any]:
    text = {"type": "string"}
    return {"apiVersion": text, "kind": text, **(openapi.get("properties") or {})}


def _embedded_check(schema: Mapping[str, Any]) -> Check | None:
    return _check_embedded if schema.get("x-kubernetes-embedded-resource") else None


def _check_embedded(value: Any, path: Path) -> list[Cause]:
    return check_embedded(value, path) if type(value) is dict else []
