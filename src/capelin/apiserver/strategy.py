"""What the server decides about a new state of an object before it is validated: pure functions from documents to documents.

The server owns part of the metadata, a status subresource divides an object in two halves with separate writers, and the generation counts
what a controller has to act on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from capelin.apiserver import statuses
from capelin.apiserver.registry import ResourceDefinition, Version
from capelin.apiserver.requests import STATUS, Target
from capelin.runtime import errors
from capelin.runtime.codec import Document
from capelin.runtime.documents import causes
from capelin.runtime.documents.documents import identical
from capelin.runtime.documents.objectmeta import OBJECT_META
from capelin.runtime.documents.validation import Validator

_METADATA = Validator(OBJECT_META)

GENERATED_SUFFIX = 5
GENERATED_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # Kubernetes': no vowels and no look-alikes, so that no words come out
_GENERATED_BASE = 58  # with the suffix, a DNS label

_SERVER_OWNED = ("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "resourceVersion", "selfLink", "uid")
_WIPED = ("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "uid")
_KEPT_ON_UPDATE = ("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "uid", "namespace", "generateName")


def wire_time(now: datetime) -> str:
    """Return the time as metadata carries it."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def identified(target: Target, document: Document) -> Document:
    """Return the document with the identity that the URL gives it.

    Raises:
        BadRequest: the document says it is something else.
    """
    definition = target.definition
    for field, want in (("apiVersion", target.api_version), ("kind", definition.kind)):
        found = document.get(field)
        if found is None and not definition.builtin:
            raise errors.BadRequest(f"Object '{field.capitalize() if field == 'kind' else field}' is missing in the request body")
        if found not in (None, want):
            raise errors.BadRequest(f"the {field} in the data ({found}) does not match the expected {field} ({want})")
    found = document.get("metadata")
    meta = {key: value for key, value in found.items() if value is not None} if isinstance(found, dict) else {}
    wrong = _METADATA.broken(meta if found is None or isinstance(found, dict) else found)
    if wrong:
        rules = causes.aggregate(cause for _, cause in wrong)
        raise errors.BadRequest(
            f'{definition.kind} in version "{target.version.name}" cannot be handled as a {definition.kind}: metadata: {rules}'
        )
    _check_names(target, meta)
    if definition.namespaced:
        meta["namespace"] = target.namespace
    if target.name:
        meta["name"] = target.name
    return {**document, "apiVersion": target.api_version, "kind": definition.kind, "metadata": meta}


def check_identity(target: Target, document: Document) -> None:
    """Return when a document that webhooks have changed is still of the resource, and in the namespace, of the request.

    Raises:
        Invalid, BadRequest: it is not.
    """
    definition, meta = target.definition, document.get("metadata") or {}
    for field, want in (("kind", definition.kind), ("apiVersion", target.api_version)):
        if document.get(field) != want:
            cause = causes.invalid((field,), document.get(field) or "", f"must be {want}")
            raise statuses.invalid(definition, meta.get("name") or "", (cause,))
    if definition.namespaced and meta.get("namespace") != target.namespace:
        raise errors.BadRequest("the namespace of the provided object does not match the namespace sent on the request")


def _check_names(target: Target, meta: Mapping[str, Any]) -> None:
    namespace = meta.get("namespace") or ""
    if namespace and namespace != target.namespace:
        raise errors.BadRequest(
            f"the namespace of the provided object does not match the namespace sent on the request ({namespace} and {target.namespace})"
        )
    name = meta.get("name") or ""
    if target.name and name and name != target.name:
        raise errors.BadRequest(f"the name of the object ({name}) does not match the name on the URL ({target.name})")


def created(definition: ResourceDefinition, version: Version, document: Document, *, uid: str, now: datetime) -> Document:
    """Return the first state of a new object: server-owned metadata is ours, and status is for the status subresource to write.

    Raises:
        BadRequest: the document carries a resourceVersion, so it is not meant to be new.
    """
    meta = document["metadata"]
    if meta.get("resourceVersion"):
        raise errors.BadRequest("resourceVersion should not be set on objects to be created")
    meta = {key: value for key, value in meta.items() if key not in _SERVER_OWNED}
    meta["uid"] = uid
    meta["creationTimestamp"] = wire_time(now)
    if definition.tracks_generation:
        meta["generation"] = 1
    result = {**document, "metadata": meta}
    if version.status and not definition.creates_with_status:
        result.pop("status", None)
    return result


def wiped(document: Document) -> Document:
    """Return a document that is to be created as webhooks see it: what only the server knows to say of an object is not there yet."""
    meta = {key: value for key, value in document["metadata"].items() if key not in _WIPED}
    return {**document, "metadata": meta}


def generated_name(base: str, suffix: str) -> str:
    """Return the name for `generateName`, cut so that it stays a DNS label."""
    return base[:_GENERATED_BASE] + suffix


def updated(target: Target, old: Document, new: Document) -> Document:
    """Return the next state of an object: `new` in the half that this request may write, `old` in the other."""
    if target.subresource == STATUS:
        result = {key: value for key, value in old.items() if key != "status"}
        if new.get("status") is not None:
            result["status"] = new["status"]
        meta = dict(old["metadata"])
        if "managedFields" in new["metadata"]:
            meta["managedFields"] = new["metadata"]["managedFields"]
        return {**result, "metadata": meta}
    result = dict(new)
    if target.version.status:
        result.pop("status", None)
        if "status" in old:
            result["status"] = old["status"]
    kept = {key: old["metadata"][key] for key in _KEPT_ON_UPDATE if key in old["metadata"]}
    meta = {key: value for key, value in new["metadata"].items() if key not in _SERVER_OWNED}
    result["metadata"] = {**meta, **kept}
    if target.definition.tracks_generation and not _same_spec(old, result, has_status=target.version.status):
        result["metadata"]["generation"] = int(old["metadata"].get("generation") or 0) + 1
    return result


def at_revision(new: Document, old: Document) -> Document:
    """Return the next state of an object with the resourceVersion of the present one, as those see it who judge it."""
    return {**new, "metadata": {**new["metadata"], "resourceVersion": old["metadata"]["resourceVersion"]}}


def _same_spec(old: Document, new: Document, *, has_status: bool) -> bool:
    apart = {"metadata", "apiVersion"} | ({"status"} if has_status else set())
    return identical({k: v for k, v in old.items() if k not in apart}, {k: v for k, v in new.items() if k not in apart})


def unchanged(old: Document, new: Document) -> bool:
    """Tell whether the two states differ in nothing but their resourceVersion; managed fields that a client left out count as kept."""
    managed = new["metadata"].get("managedFields") or old["metadata"].get("managedFields")
    return identical(_compared(old, old["metadata"].get("managedFields")), _compared(new, managed))


def _compared(document: Document, managed: object) -> Document:
    meta = {key: value for key, value in document["metadata"].items() if key != "resourceVersion"}
    return {**document, "metadata": {**meta, "managedFields": managed}}


def is_deleting(document: Document) -> bool:
    """Tell whether deletion was asked for."""
    return bool(document["metadata"].get("deletionTimestamp"))


def pending_finalizers(definition: ResourceDefinition, document: Document) -> list[str]:
    """Return who still has to agree before the object may go; a Namespace has a second list, in its spec."""
    found = list(document["metadata"].get("finalizers") or ())
    if definition.name == "namespaces":
        found += (document.get("spec") or {}).get("finalizers") or ()
    return found


def marked_deleted(document: Document, finalizers: list[str], *, now: datetime) -> Document:
    """Return the object with deletion asked for and these finalizers to wait for."""
    meta = dict(document["metadata"])
    if finalizers:
        meta["finalizers"] = finalizers
    else:
        meta.pop("finalizers", None)
    if not meta.get("deletionTimestamp"):
        meta["deletionTimestamp"] = wire_time(now)
        meta["deletionGracePeriodSeconds"] = 0
        if meta.get("generation"):
            meta["generation"] += 1
    return {**document, "metadata": meta}
