"""What an API server with these webhooks would say of manifests, without one: pure, from documents to verdicts.

The documents of one call are judged together, as if all were there: a Cluster finds its ClusterClass, an IPAddress its claim. Where a
server stops at the first kind of complaint (unknown fields, then the schema, then the rules), as much is told as can be known.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from capelin.api.crds import KINDS, presentation_of
from capelin.api.meta import Object, ObjectKey, Resource, Unstructured
from capelin.api.references import ContractReference
from capelin.api.renames import renamed_fields
from capelin.api.structural import schema
from capelin.runtime.admission.reviews import ReviewAnswer, ReviewRequest
from capelin.runtime.codec import Document
from capelin.runtime.documents import causes
from capelin.runtime.documents.jsonpatch import json_patch
from capelin.runtime.documents.objectmeta import OBJECT_META, check_metadata
from capelin.runtime.documents.schema import Schema, compile_schema
from capelin.runtime.documents.validation import Validator
from capelin.runtime.errors import Cause
from capelin.webhooks.admission import AnyWebhook
from capelin.webhooks.catalog import WEBHOOKS
from capelin.webhooks.decoding import decoded
from capelin.webhooks.judging import Judging, unattended_in

O = TypeVar("O", bound=Object)

DEFAULT_NAMESPACE: Final = "default"

UNKNOWN_FIELD: Final = "UnknownField"
DUPLICATE_FIELD: Final = "DuplicateField"
RENAMED_FIELD: Final = "RenamedField"

_OURS: Final[Mapping[tuple[str, str], type[Object]]] = {(kind.resource.group, kind.resource.kind): kind for kind in KINDS}
_OUR_GROUPS: Final = frozenset({"cluster.x-k8s.io", "runtime.cluster.x-k8s.io", "clusterctl.cluster.x-k8s.io"})
"""Groups in which nobody else has kinds; other providers put theirs into the rest."""
_WEBHOOKS: Final[Mapping[type[Object], AnyWebhook]] = {webhook.kind: webhook for webhook in WEBHOOKS if webhook.scales is None}
_METADATA: Final = Validator(OBJECT_META)
_STEPS: Final = re.compile(r"[.\[\]]+")
_GENERATED: Final = "00000"
"""Stands for the random end of a name that the server generates."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of one document. `skipped` says why it was not judged; a cause without a field is about the whole object."""

    kind: str
    key: ObjectKey
    errors: Sequence[Cause] = ()
    warnings: Sequence[str] = ()
    skipped: str = ""


def opened(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the documents of one document, which may be a list of them, each with the path at which it stands."""
    if isinstance(value, dict) and str(value.get("kind", "")).endswith("List") and isinstance(value.get("items"), list):
        for index, item in enumerate(value["items"]):
            yield from opened(item, f"{at}items[{index}].")
    else:
        yield at, value


@dataclass(slots=True)
class _Candidate:
    """A document on its way through the checks. `document` is as the server would have it by now."""

    kind: type[Object]
    document: Document
    errors: list[Cause] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    judged: bool = True


async def judge(
    documents: Sequence[tuple[Any, Sequence[str]]], *, namespace: str = DEFAULT_NAMESPACE, unattended: Collection[str] = ()
) -> list[Verdict]:
    """Return a verdict for every document; each comes with the paths of its fields that were written twice.

    `namespace` is that of objects that name none. `unattended` is what no controller acts on; see `judging.unattended_in`.
    """
    read = [_read(document, duplicates, namespace) for document, duplicates in documents]
    candidates = [found for found in read if isinstance(found, _Candidate)]
    given = _Given(namespace)
    for document, _ in documents:
        given.add_any(document)
    for found in candidates:
        given.add(found)
    # What needs to know of others gets its defaults after they got theirs.
    for found in sorted(candidates, key=lambda found: len(_WEBHOOKS[found.kind].reads) if found.kind in _WEBHOOKS else 0):
        await _fill(found, given)
        given.add(found)
    for found in candidates:
        await _check(found, given, unattended)
    return [_verdict(found) if isinstance(found, _Candidate) else found for found in read]


def _verdict(found: _Candidate) -> Verdict:
    return Verdict(found.kind.resource.kind, _key(found.document), tuple(dict.fromkeys(found.errors)), tuple(found.warnings))


# -- reading: what a server does before it asks anybody -----------------------------------------------------------------------------


def _read(document: Any, duplicates: Sequence[str], namespace: str) -> _Candidate | Verdict:
    if not isinstance(document, dict):
        found = f"found {causes.show(document)[:60]}, allowed is an object with apiVersion, kind and metadata"
        return Verdict("", ObjectKey("", ""), [Cause("", found)])
    api_version, name, key = document.get("apiVersion"), document.get("kind"), _key(document)
    missing = [causes.required((field,)) for field in ("apiVersion", "kind") if not isinstance(document.get(field), str)]
    if missing:
        return Verdict(str(name or ""), key, missing)
    group, _, version = str(api_version).rpartition("/")
    kind = _OURS.get((group, str(name)))
    if kind is None:
        return _foreign(group, str(name), key)
    if version != kind.resource.version:
        placed = ObjectKey(key.namespace or (namespace if kind.resource.namespaced else ""), key.name)
        return Verdict(str(name), placed, _of_other_version(kind.resource, document))
    return _identified(kind, document, duplicates, namespace)


def _foreign(group: str, name: str, key: ObjectKey) -> Verdict:
    if group not in _OUR_GROUPS:
        return Verdict(name, key, skipped=f"no rules are known for {name}{f'.{group}' if group else ''}")
    known = [kind for found, kind in _OURS if found == group]
    return Verdict(name, key, [causes.not_supported(("kind",), name, known)])


def _of_other_version(resource: Resource, document: Document) -> list[Cause]:
    told = [Cause(found.field, found.told, RENAMED_FIELD) for found in renamed_fields(document)]
    return [causes.not_supported(("apiVersion",), document["apiVersion"], [resource.api_version]), *told]


def _identified(kind: type[Object], document: Document, duplicates: Sequence[str], namespace: str) -> _Candidate:
    """Return what the server makes of a new object before it is judged; not to be judged when it would not get so far."""
    errors = [
        Cause(path, "the field is written twice, allowed is once: only the last one would count", DUPLICATE_FIELD) for path in duplicates
    ]
    metadata = document.get("metadata")
    wrong = [cause for _, cause in _METADATA.broken({} if metadata is None else metadata)]
    if wrong:
        told = [replace(cause, field="metadata" if cause.field == "<nil>" else f"metadata.{cause.field}") for cause in wrong]
        return _Candidate(kind, document, errors + told, judged=False)
    metadata = dict(metadata or {})
    if kind.resource.namespaced:
        metadata["namespace"] = metadata.get("namespace") or namespace
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = metadata["generateName"][:58] + _GENERATED
    compiled = _compiled(kind)
    pruned, unknown = compiled.prune({**document, "metadata": metadata})
    if presentation_of(kind).status:
        pruned = {name: value for name, value in pruned.items() if name != "status"}  # for the status subresource to write
    errors += [Cause(path, _unknown(compiled.openapi, path), UNKNOWN_FIELD) for path in unknown]
    errors += check_metadata(pruned, namespaced=kind.resource.namespaced)
    return _Candidate(kind, compiled.default(pruned), errors)


@lru_cache(maxsize=len(KINDS))
def _compiled(kind: type[Object]) -> Schema:
    return compile_schema(schema(kind))


def _unknown(openapi: Mapping[str, Any], path: str) -> str:
    """Return what to say of a field that is not in the schema."""
    *around, name = [step for step in _STEPS.split(path) if step]
    beside = _fields_at({**openapi, "properties": {**openapi.get("properties", {}), "metadata": OBJECT_META}}, around)
    close = difflib.get_close_matches(name, beside, 1)
    return f"the field is unknown{f'; did you mean {close[0]}?' if close else ''}"


def _fields_at(openapi: Mapping[str, Any], steps: Iterable[str]) -> Sequence[str]:
    for step in steps:
        inner = openapi.get("items") or (openapi.get("properties") or {}).get(step) or openapi.get("additionalProperties")
        if not isinstance(inner, Mapping):
            return ()
        openapi = inner
    return sorted(openapi.get("properties") or ())


# -- judging ------------------------------------------------------------------------------------------------------------------------


async def _fill(found: _Candidate, given: _Given) -> None:
    """Have the webhook fill in the defaults. That it cannot, because of a wrong type, the schema tells better."""
    webhook = _WEBHOOKS.get(found.kind)
    if webhook is None or not found.judged:
        return
    answer = await Judging(webhook, given).mutate(_review(found))
    found.document = _compiled(found.kind).default(json_patch(found.document, list(answer.patch)))


async def _check(found: _Candidate, given: _Given, unattended: Collection[str]) -> None:
    if not found.judged:
        return
    broken = _compiled(found.kind).validate(found.document)
    found.errors += broken
    webhook = _WEBHOOKS.get(found.kind)
    if webhook is None or broken:
        found.warnings += unattended_in(unattended, found.kind.resource.kind, found.document)
        return
    answer = await Judging(webhook, given, unattended).validate(_review(found))
    found.errors += _causes(answer)
    found.warnings += answer.warnings


def _causes(answer: ReviewAnswer) -> Iterable[Cause]:
    if answer.refusal is None:
        return ()
    return answer.refusal.causes or (Cause("", answer.refusal.message, answer.refusal.reason),)


def _review(found: _Candidate) -> ReviewRequest:
    key = _key(found.document)
    return ReviewRequest("1", "CREATE", found.kind.resource, namespace=key.namespace, name=key.name, object=found.document)


def _key(document: Document) -> ObjectKey:
    metadata = document.get("metadata")
    if not isinstance(metadata, dict):
        return ObjectKey("", "")
    return ObjectKey(str(metadata.get("namespace") or ""), str(metadata.get("name") or metadata.get("generateName") or ""))


class _Given:
    """Look-ups that are answered from the documents of the call."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._objects: dict[tuple[type[Object], ObjectKey], Object] = {}
        self._documents: dict[tuple[str, str, ObjectKey], Unstructured] = {}

    def add(self, found: _Candidate) -> None:
        """Know of an object of our kinds as it is by now; one that does not fit its type is not there."""
        try:
            self._objects[found.kind, _key(found.document)] = decoded(found.kind, found.document)
        except ValidationError:
            self._objects.pop((found.kind, _key(found.document)), None)

    def add_any(self, document: Any) -> None:
        """Know of an object of whatever kind."""
        if not isinstance(document, dict):
            return
        group, _, version = str(document.get("apiVersion")).rpartition("/")
        resource, key = Resource(group, version, "", str(document.get("kind"))), _key(document)
        key = ObjectKey(key.namespace or self._namespace, key.name)
        self._documents[group, resource.kind, key] = Unstructured(resource, document)

    async def get(self, kind: type[O], key: ObjectKey) -> O | None:
        found = self._objects.get((kind, key))
        return found if isinstance(found, kind) else None

    async def list(self, kind: type[O], *, namespace: str = "") -> list[O]:
        return [found for found in self._objects.values() if isinstance(found, kind) and namespace in ("", found.key.namespace)]

    async def referenced(self, reference: ContractReference, namespace: str) -> Unstructured | None:
        return self._documents.get((reference.api_group, reference.kind, ObjectKey(namespace, reference.name)))
